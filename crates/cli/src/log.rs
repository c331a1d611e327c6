//! `tansiq log`: looks at a hub's log, while the hub runs or not.

mod decoded;

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use log::{ExportError, Exported, Head, Kept, LogError, Position, Report};
use serde_json::{Value, json};

use self::decoded::Ovns;
use crate::failure::Failure;
use crate::output::{self, line, note};

pub(crate) use self::decoded::{from_hex, hex};

/// The arguments of `tansiq log`.
#[derive(Debug, Args)]
#[command(after_help = "\
All of these work while the hub runs; they see what was there when they began.

Examples:
  tansiq log head /var/lib/tansiq                    keep this line elsewhere
  tansiq log verify /var/lib/tansiq --expect 17:4e0f..b2
  tansiq log show /var/lib/tansiq --from 1000 --to 1010
  tansiq log backup /var/lib/tansiq /mnt/backup/hub.tansiq")]
pub(crate) struct Log {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Recomputes every hash and names the first position that does not fit.
    #[command(after_help = "\
Exit code 1 if anything does not fit. Without --expect, a log that was rewritten from its first
entry on cannot be told from a true one: keep heads (tansiq log head) where nobody can change them.")]
    Verify {
        /// The directory of the log.
        dir: PathBuf,
        /// A head that was kept elsewhere, as `tansiq log head` printed it.
        #[arg(long, value_name = "POSITION:CHAINHEX", value_parser = parse_head)]
        expect: Option<Head>,
    },
    /// Prints how far the log reaches: its last position and the chain there.
    Head {
        /// The directory of the log.
        dir: PathBuf,
    },
    /// Prints entries as lines of JSON, commands decoded.
    #[command(after_help = "\
OVNs are hidden: who knows one can claim to have seen an entity's details.")]
    Show {
        /// The directory of the log.
        dir: PathBuf,
        #[command(flatten)]
        range: Range,
        /// Shows OVNs and what they are made of.
        #[arg(long)]
        show_ovns: bool,
    },
    /// Prints entries as lines of JSON with their bytes and hashes, to be checked by others.
    #[command(after_help = "\
Each line has position, chain, leaf and, unless only its hash is kept, entry: the canonical bytes in
hexadecimal, as docs/log-format.md describes them. They hold OVNs: keep the export as safe as the
log.")]
    Export {
        /// The directory of the log.
        dir: PathBuf,
        #[command(flatten)]
        range: Range,
    },
    /// Copies the log into one new file, also while a hub writes to it.
    Backup {
        /// The directory of the log.
        dir: PathBuf,
        /// The file to make.
        file: PathBuf,
    },
    /// Makes a new directory from a backup; it is to be started with --restored.
    Restore {
        /// The backup.
        file: PathBuf,
        /// The directory to make.
        dir: PathBuf,
    },
}

/// Which entries.
#[derive(Debug, Args)]
struct Range {
    /// The first position.
    #[arg(long, value_name = "POSITION", default_value = "1", value_parser = parse_position)]
    from: Position,
    /// The last position; the last there is unless given.
    #[arg(long, value_name = "POSITION", value_parser = parse_position)]
    to: Option<Position>,
}

/// Runs `tansiq log`.
pub(crate) fn run(log: Log) -> Result<(), Failure> {
    match log.command {
        Command::Verify { dir, expect } => verify(&dir, expect),
        Command::Head { dir } => {
            let head = log::head(&dir).map_err(|error| unreadable(&dir, &error))?;
            line(text_of(head))
        }
        Command::Show { dir, range, show_ovns } => {
            let ovns = if show_ovns { Ovns::Shown } else { Ovns::Hidden };
            print(&dir, range, |exported| shown(exported, ovns))
        }
        Command::Export { dir, range } => print(&dir, range, bytes_of),
        Command::Backup { dir, file } => {
            let head = log::backup(&dir, &file).map_err(|error| {
                Failure::refused(&format!("cannot back up {}", dir.display()), &error)
            })?;
            line(format_args!("{} holds the log up to {}", file.display(), text_of(head)))
        }
        Command::Restore { file, dir } => {
            let head = log::restore(&file, &dir).map_err(|error| {
                Failure::refused(&format!("cannot restore {}", file.display()), &error)
            })?;
            line(format_args!("{} holds the log up to {}", dir.display(), text_of(head)))?;
            line("start it with --restored: what was answered after the backup is missing in it")
        }
    }
}

fn verify(dir: &Path, expect: Option<Head>) -> Result<(), Failure> {
    let report = log::verify(dir, expect).map_err(|error| unreadable(dir, &error))?;
    tell(&report)?;
    if let Some(damage) = &report.damage {
        return Err(Failure::Check(format!(
            "the log in {} does not fit at {damage}",
            dir.display()
        )));
    }
    if let Some(database) = &report.database {
        let message = format!("the database in {} is damaged: {database}", dir.display());
        return Err(Failure::Check(message));
    }
    line(format_args!("{} sound", text_of(report.head)))
}

fn tell(report: &Report) -> Result<(), Failure> {
    for part in &report.coverage {
        let kept = match part.kept {
            Kept::Entries => "entries",
            Kept::LeafHashes => "hashes only, the entries were let go",
            Kept::Nothing => "nothing, the log begins at a snapshot",
        };
        line(format_args!("positions {} to {}: {kept}", part.first, part.last))?;
    }
    line(format_args!("sealed segments: {}", report.segments))?;
    for snapshot in &report.snapshots {
        let state = snapshot.damage.as_deref().unwrap_or("good");
        line(format_args!("snapshot at {}: {state}", snapshot.position))?;
    }
    Ok(())
}

/// Prints what `each` makes of the entries in a range, a line each.
fn print(dir: &Path, range: Range, each: impl Fn(&Exported) -> Value) -> Result<(), Failure> {
    let first = range.from.max(Position::ZERO.next());
    let last = range.to.unwrap_or(Position::MAX);
    if last < first {
        return Err(Failure::Refused(format!("--to {last} is before --from {first}")));
    }
    let mut stdout = BufWriter::new(io::stdout().lock());
    let exported = log::export(dir, first..=last, |entry| writeln!(stdout, "{}", each(&entry)));
    let flushed = stdout.flush();
    match exported {
        Ok(head) => {
            flushed.map_err(|error| output::stdout_failed(&error))?;
            note(format_args!("positions {first} to {}", head.position));
            Ok(())
        }
        Err(ExportError::Log(LogError::Damaged(damage))) => {
            Err(Failure::Check(format!("the log in {} does not fit at {damage}", dir.display())))
        }
        Err(ExportError::Log(error)) => Err(unreadable(dir, &error)),
        Err(ExportError::Output(error)) => Err(output::stdout_failed(&error)),
    }
}

fn shown(exported: &Exported, ovns: Ovns) -> Value {
    let position = exported.head.position;
    match &exported.entry {
        Some(entry) => decoded::entry(position, entry, ovns),
        None => json!({ "position": position.number(), "leaf": hex(&exported.leaf) }),
    }
}

fn bytes_of(exported: &Exported) -> Value {
    let entry = exported
        .entry
        .as_ref()
        .map(|entry| hex(&entry.to_bytes().expect("it was read from canonical bytes")));
    json!({
        "position": exported.head.position.number(),
        "chain": hex(&exported.head.chain),
        "leaf": hex(&exported.leaf),
        "entry": entry,
    })
}

fn unreadable(dir: &Path, error: &LogError) -> Failure {
    Failure::refused(&format!("cannot read the log in {}", dir.display()), error)
}

fn text_of(head: Head) -> String {
    format!("{}:{}", head.position, hex(&head.chain))
}

pub(crate) fn parse_head(text: &str) -> Result<Head, String> {
    let wrong = || "it is not POSITION:CHAINHEX, as `tansiq log head` prints it".to_owned();
    let (position, chain) = text.split_once(':').ok_or_else(wrong)?;
    let chain = from_hex(chain).and_then(|bytes| bytes.try_into().ok()).ok_or_else(wrong)?;
    Ok(Head { position: parse_position(position)?, chain })
}

fn parse_position(text: &str) -> Result<Position, String> {
    let number = text.parse().map_err(|_| format!("`{text}` is no position"))?;
    Position::new(number).ok_or_else(|| format!("`{text}` is above the last position"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_heads_that_it_prints() {
        let head = Head { position: Position::new(17).expect("small"), chain: [0xab; 32] };

        assert_eq!(parse_head(&text_of(head)), Ok(head));
        assert!(parse_head("17").is_err());
        assert!(parse_head("17:abcd").is_err());
        assert!(parse_head("-1:00").is_err());
    }
}
