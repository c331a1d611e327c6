//! The directory that an import makes: it is there when all of it is there, and not before.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A directory that will be there once an import is done.
#[derive(Debug)]
pub(super) struct Destination {
    dir: PathBuf,
    /// Beside it, so that a rename moves it there; removed when the import fails.
    made: TempDir,
}

/// A directory cannot be the destination of an import.
#[derive(Debug, thiserror::Error)]
pub(super) enum DestinationError {
    #[error(
        "{} has a log, of a hub that runs or has run; an import begins a new one: give another \
         directory, or end that hub and move this one away", .0.display()
    )]
    HasLog(PathBuf),
    #[error(
        "{} is not empty; an import makes a directory of its own: give another, or empty it",
        .0.display()
    )]
    NotEmpty(PathBuf),
    #[error("{} is no directory", .0.display())]
    NoDirectory(PathBuf),
    #[error("cannot use {}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl Destination {
    /// Checks that nothing is at `dir`, without making anything.
    pub(super) fn check(dir: &Path) -> Result<(), DestinationError> {
        let failed = |source| DestinationError::Io { path: dir.to_owned(), source };
        let mut entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(DestinationError::NoDirectory(dir.to_owned()));
            }
            Err(error) => return Err(failed(error)),
        };
        if entries.next().is_none() {
            return Ok(());
        }
        if log::head(dir).is_ok() {
            return Err(DestinationError::HasLog(dir.to_owned()));
        }
        Err(DestinationError::NotEmpty(dir.to_owned()))
    }

    /// Makes a directory beside `dir`, to become it.
    pub(super) fn prepare(dir: &Path) -> Result<Self, DestinationError> {
        Self::check(dir)?;
        let failed = |source| DestinationError::Io { path: dir.to_owned(), source };
        let dir = std::path::absolute(dir).map_err(failed)?;
        let (Some(parent), Some(name)) = (dir.parent(), dir.file_name()) else {
            return Err(DestinationError::NotEmpty(dir));
        };
        std::fs::create_dir_all(parent).map_err(failed)?;
        let prefix = format!(".{}.import-", name.to_string_lossy());
        let made = tempfile::Builder::new().prefix(&prefix).tempdir_in(parent).map_err(failed)?;
        Ok(Destination { dir, made })
    }

    /// Returns where the import writes.
    pub(super) fn path(&self) -> &Path {
        self.made.path()
    }

    /// Moves it to where it was asked for; what is there by now stays, and the import fails.
    pub(super) fn publish(self) -> Result<(), DestinationError> {
        let Destination { dir, made } = self;
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => {
                DestinationError::NotEmpty(dir.clone())
            }
            _ => DestinationError::Io { path: dir.clone(), source },
        };
        std::fs::rename(made.path(), &dir).map_err(failed)?;
        // It is no longer at the path where it was made.
        let _ = made.keep();
        let parent = dir.parent().expect("it was made in one");
        File::open(parent).and_then(|parent| parent.sync_all()).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_not_there_before_it_is_published() {
        let place = tempfile::tempdir().expect("a directory");
        let dir = place.path().join("hub");

        let destination = Destination::prepare(&dir).expect("prepared");
        std::fs::write(destination.path().join("log"), "all of it").expect("written");
        assert!(!dir.exists());
        destination.publish().expect("published");

        assert_eq!(std::fs::read_to_string(dir.join("log")).expect("there"), "all of it");
        assert_eq!(std::fs::read_dir(place.path()).expect("a directory").count(), 1);
    }

    #[test]
    fn leaves_nothing_behind_when_it_is_given_up() {
        let place = tempfile::tempdir().expect("a directory");

        drop(Destination::prepare(&place.path().join("hub")).expect("prepared"));

        assert_eq!(std::fs::read_dir(place.path()).expect("a directory").count(), 0);
    }

    #[test]
    fn replaces_an_empty_directory_and_no_other() {
        let place = tempfile::tempdir().expect("a directory");
        let dir = place.path().join("hub");
        std::fs::create_dir(&dir).expect("made");

        let first = Destination::prepare(&dir).expect("it is empty");
        let second = Destination::prepare(&dir).expect("it is empty");
        std::fs::write(first.path().join("log"), "first").expect("written");
        first.publish().expect("published");

        assert!(matches!(second.publish(), Err(DestinationError::NotEmpty(_))));
        assert!(matches!(Destination::prepare(&dir), Err(DestinationError::NotEmpty(_))));
        assert_eq!(std::fs::read_to_string(dir.join("log")).expect("there"), "first");
    }

    #[test]
    fn takes_no_file_for_a_directory() {
        let file = tempfile::NamedTempFile::new().expect("a file");

        assert!(matches!(Destination::check(file.path()), Err(DestinationError::NoDirectory(_))));
    }
}
