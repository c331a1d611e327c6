//! The etcd program: found on this machine, or built from the Go module proxy.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::release::{Release, ReleaseError};

/// There is no etcd that can be used; each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum NoProgram {
    /// None is here and none can be built.
    #[error(
        "no etcd is here: install etcd 3.6.14, 3.7.1 or later, or Go 1.26 or later to have it \
         built from tools/etcd"
    )]
    NotFound,
    /// It does not run.
    #[error("{} does not run", path.display())]
    DoesNotRun {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is not a release to build a pool on.
    #[error("{}: {source}", path.display())]
    Release {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: ReleaseError,
    },
    /// It could not be built.
    #[error("go could not build tools/etcd: {0}")]
    Build(String),
}

/// Returns an etcd that a pool can be built on: `named` if given, else one in the folders of
/// `path`, else one built by Go from `tools/etcd` into `built`, where it stays for the next time.
///
/// Building takes about half a minute the first time and needs the Go module proxy. Blocks.
///
/// # Errors
/// Says what to install when there is none.
pub fn find(named: Option<&Path>, path: &[PathBuf], built: &Path) -> Result<PathBuf, NoProgram> {
    if let Some(named) = named {
        check(named)?;
        return Ok(named.to_owned());
    }
    let on_path = path.iter().map(|folder| folder.join("etcd")).find(|file| file.is_file());
    if let Some(found) = on_path.filter(|found| check(found).is_ok()) {
        return Ok(found);
    }
    if check(built).is_ok() {
        return Ok(built.to_owned());
    }
    build(built)?;
    check(built)?;
    Ok(built.to_owned())
}

/// Returns where [`find`] keeps what it builds, in a checkout of this repository.
pub fn built_path() -> PathBuf {
    checkout().join("target/tools/etcd")
}

/// Refuses a program that is no etcd to build a pool on.
fn check(path: &Path) -> Result<Release, NoProgram> {
    let output = Command::new(path)
        .arg("--version")
        .output()
        .map_err(|source| NoProgram::DoesNotRun { path: path.to_owned(), source })?;
    let refused = |source| NoProgram::Release { path: path.to_owned(), source };
    let release = release_in(&output.stdout).map_err(refused)?;
    release.check().map_err(refused)?;
    Ok(release)
}

/// Finds the release in what `etcd --version` prints.
fn release_in(printed: &[u8]) -> Result<Release, ReleaseError> {
    let printed = String::from_utf8_lossy(printed);
    let line = printed.lines().find_map(|line| line.strip_prefix("etcd Version: "));
    Release::parse(line.unwrap_or_default().trim())
}

fn build(built: &Path) -> Result<(), NoProgram> {
    let sources = checkout().join("tools/etcd");
    if !sources.is_dir() {
        return Err(NoProgram::NotFound);
    }
    // A second process that builds at the same time must not find half a file.
    let unfinished = built.with_extension(format!("{}.tmp", std::process::id()));
    let output = Command::new("go")
        .args(["build", "-trimpath", "-ldflags", "-s -w", "-o"])
        .arg(&unfinished)
        .arg(".")
        .current_dir(&sources)
        .env("CGO_ENABLED", "0")
        .output();
    match output {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(NoProgram::NotFound),
        Err(error) => Err(NoProgram::Build(error.to_string())),
        Ok(output) if !output.status.success() => {
            Err(NoProgram::Build(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
        }
        Ok(_) => {
            std::fs::rename(&unfinished, built).map_err(|error| NoProgram::Build(error.to_string()))
        }
    }
}

fn checkout() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("the crate lies two folders deep")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_etcd_prints_of_itself() {
        let printed = b"etcd Version: 3.7.3\nGit SHA: Not provided\nGo Version: go1.26.8\n";

        assert_eq!(release_in(printed), Ok(Release { major: 3, minor: 7, patch: 3 }));
        assert!(release_in(b"tar (GNU tar) 1.34").is_err());
    }

    #[test]
    fn refuses_a_program_that_is_no_etcd() {
        let nowhere = Path::new("/nonexistent");
        let named = find(Some(&nowhere.join("etcd")), &[], nowhere);
        assert!(matches!(named, Err(NoProgram::DoesNotRun { .. })));

        let other = find(Some(Path::new("/bin/sh")), &[], nowhere);
        assert!(matches!(other, Err(NoProgram::Release { .. })));
    }
}
