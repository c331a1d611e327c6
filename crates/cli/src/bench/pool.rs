//! A pool under load: what it does, what its processes take, and that its hubs notice nothing.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::busy::{self, Busy};
use super::load::Tally;
use super::overlap;
use super::processor::Shares;
use super::target::Target;
use crate::failure::Failure;
use crate::output;

/// What hubs begin a line with that says that something is wrong.
const WRONG: [&str; 2] = [" WARN ", " ERROR "];

/// How many of them are shown.
const WRONG_SHOWN_MAX: usize = 10;

/// What was measured.
pub(super) struct Measured {
    /// What the connections saw.
    pub(super) tally: Tally,
    batches: u64,
    shares: Shares,
    said: Said,
}

/// What hubs have said so far, each into a file of its own.
struct Said(Vec<(PathBuf, u64)>);

/// Flies over a pool that was started here.
pub(super) async fn fly(
    target: &Target,
    busy: Busy,
    overlapping: bool,
) -> Result<Measured, Failure> {
    let processes = target.pool.as_ref().expect("a pool was started");
    let pool = &processes.pool;
    let names = pool.hubs.iter().map(|hub| hub.name.as_str());
    let said = Said::begin(&processes.data, names);
    let before = pool.revision().await?;
    let shares = Shares::begin(pool.processes());
    let tally = if overlapping {
        overlap::fly(target, busy).await?
    } else {
        busy::fly(target, busy).await?
    };
    let batches = pool.revision().await?.saturating_sub(before);
    Ok(Measured { tally, batches, shares, said })
}

impl Measured {
    /// Tells what the pool has done besides answering; fails where a hub has found something wrong.
    pub(super) fn report(&self, seconds: u64) -> Result<(), Failure> {
        let writes = self.tally.latencies.count() + self.tally.refused;
        output::line(format_args!(
            "batches: {:.0}/s, {:.1} writes each",
            self.batches as f64 / seconds as f64,
            writes as f64 / self.batches.max(1) as f64
        ))?;
        self.shares.report()?;
        let wrong = self.said.wrong()?;
        if wrong.is_empty() {
            return output::line("the hubs have noticed nothing wrong");
        }
        let shown: Vec<&str> = wrong.iter().take(WRONG_SHOWN_MAX).map(String::as_str).collect();
        let count = wrong.len();
        let shown = shown.join("\n");
        Err(Failure::Check(format!("{count} times a hub found something wrong, first:\n{shown}")))
    }
}

impl Said {
    fn begin<'a>(data: &Path, hubs: impl Iterator<Item = &'a str>) -> Self {
        let files = hubs.map(|hub| data.join(format!("{hub}.log")));
        let length = |file: &PathBuf| file.metadata().map_or(0, |metadata| metadata.len());
        Said(files.map(|file| (length(&file), file)).map(|(length, file)| (file, length)).collect())
    }

    /// Returns the lines since then that say that something is wrong.
    fn wrong(&self) -> Result<Vec<String>, Failure> {
        let mut wrong = Vec::new();
        for (file, length) in &self.0 {
            let failed =
                |error| Failure::refused(&format!("cannot read {}", file.display()), &error);
            let mut opened = File::open(file).map_err(failed)?;
            opened.seek(SeekFrom::Start(*length)).map_err(failed)?;
            for line in BufReader::new(opened).lines() {
                let line = line.map_err(failed)?;
                if WRONG.iter().any(|level| line.contains(level)) {
                    wrong.push(line);
                }
            }
        }
        Ok(wrong)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn finds_what_hubs_have_said_is_wrong_since_the_beginning() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("ash-1.log");
        std::fs::write(&path, "T  WARN tansiq: not yet up\n").expect("written");

        let said = Said::begin(dir.path(), ["ash-1"].into_iter());
        assert!(said.wrong().expect("readable").is_empty());
        let mut file = File::options().append(true).open(&path).expect("opened");
        file.write_all(b"T  INFO log: good\nT ERROR log: bad\n").expect("written");

        assert_eq!(said.wrong().expect("readable"), ["T ERROR log: bad"]);
    }
}
