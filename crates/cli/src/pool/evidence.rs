//! `tansiq pool evidence`: what a hub has found wrong in its pool, and the bytes that show it.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use super::admin::Address;
use super::files;
use crate::failure::Failure;
use crate::log::from_hex;
use crate::output::line;

/// The arguments of `tansiq pool evidence`.
#[derive(Debug, Args)]
#[command(after_help = "\
Each hub keeps its own evidence: the first pieces about each hub, and the last, and counts the
rest. Who did it is another question than whom it is about: a value that is signed only the
hub's key can have made; one that is not, everybody who may write to etcd in the hub's name.
With --bytes the bytes are written to FILE, to be shown to the other owners.

Examples:
  tansiq pool evidence --admin 127.0.0.1:8083
  tansiq pool evidence --admin 127.0.0.1:8083 --bytes 9f86d081... --out batch")]
pub(super) struct Evidence {
    /// The admin listener of a hub of the pool.
    #[arg(long, value_name = "HOST:PORT")]
    admin: Address,
    /// Prints what the hub answers, as JSON.
    #[arg(long, conflicts_with = "bytes")]
    json: bool,
    /// The SHA-256 of bytes that are wanted, as the list names it.
    #[arg(long, value_name = "SHA256", requires = "out", value_parser = parse_hash)]
    bytes: Option<String>,
    /// The file for them.
    #[arg(long, value_name = "FILE", requires = "bytes")]
    out: Option<PathBuf>,
}

/// What a hub answers.
#[derive(Deserialize)]
struct Shown {
    counts: Vec<Count>,
    bytes_lost: u64,
    evidence: Vec<Piece>,
}

#[derive(Deserialize)]
struct Count {
    hub: Option<String>,
    count: u64,
}

#[derive(Deserialize)]
struct Piece {
    hub: Option<String>,
    says: String,
    sha256: Option<String>,
    #[serde(flatten)]
    more: serde_json::Map<String, Value>,
}

/// Runs `tansiq pool evidence`.
pub(super) fn run(evidence: &Evidence) -> Result<(), Failure> {
    if let (Some(hash), Some(out)) = (&evidence.bytes, &evidence.out) {
        let bytes = evidence.admin.get_bytes(&format!("/pool/evidence/{hash}"))?;
        files::write_new(out, &bytes)?;
        return line(format_args!("{} byte(s) written to {}", bytes.len(), out.display()));
    }
    let answer = evidence.admin.get("/pool/evidence")?;
    if evidence.json {
        return line(format_args!("{answer:#}"));
    }
    line(shown(&answer)?)
}

/// Returns what a hub answered, for people: a line for each piece, under whom it is about.
fn shown(answer: &Value) -> Result<String, Failure> {
    let shown = Shown::deserialize(answer).map_err(|error| {
        Failure::refused("the hub is of another release; --json prints what it answers", &error)
    })?;
    if shown.counts.is_empty() {
        return Ok("nothing was found wrong".to_owned());
    }
    let mut lines = Vec::new();
    for Count { hub, count } in &shown.counts {
        let whom =
            hub.as_ref().map_or("no hub in particular".to_owned(), |hub| format!("hub {hub}"));
        let pieces: Vec<_> = shown.evidence.iter().filter(|piece| piece.hub == *hub).collect();
        let kept = u64::try_from(pieces.len()).unwrap_or(u64::MAX);
        let left_out = count.saturating_sub(kept);
        let more = if left_out == 0 { String::new() } else { format!(", {left_out} not kept") };
        lines.push(format!("about {whom}: {count}{more}"));
        lines.extend(pieces.into_iter().map(Piece::shown));
    }
    if 0 < shown.bytes_lost {
        lines.push(format!("the bytes of {} piece(s) could not be kept", shown.bytes_lost));
    }
    Ok(lines.join("\n"))
}

impl Piece {
    fn shown(&self) -> String {
        let more: Vec<_> = self
            .more
            .iter()
            .filter(|(name, value)| *name != "kind" && !value.is_null())
            .map(|(name, value)| match value.as_str() {
                Some(text) => format!("{name} {text}"),
                None => format!("{name} {value}"),
            })
            .collect();
        let bytes =
            self.sha256.as_ref().map_or(String::new(), |hash| format!("\n    bytes {hash}"));
        format!("  {} ({}){bytes}", self.says, more.join(", "))
    }
}

fn parse_hash(text: &str) -> Result<String, String> {
    let wrong = || "it is no SHA-256 in 64 hexadecimal digits".to_owned();
    let bytes = from_hex(text).filter(|bytes| bytes.len() == 32);
    bytes.map(|_| text.to_lowercase()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tells_what_was_found_about_whom() {
        let answer = json!({
            "counts": [{ "hub": null, "count": 1 }, { "hub": "birch-1", "count": 40 }],
            "bytes_lost": 0,
            "evidence": [
                { "hub": null, "kind": "engine_behind", "says": "a member knows less", "held": 9,
                  "shown": 7, "sha256": null },
                { "hub": "birch-1", "kind": "value", "says": "the batch is not signed",
                  "key": "log/birch-1", "revision": 12, "version": 3, "sha256": "ab" },
            ],
        });

        let text = shown(&answer).expect("an answer of this release");

        assert_eq!(
            text,
            "about no hub in particular: 1\n  a member knows less (held 9, shown 7)\nabout hub \
             birch-1: 40, 39 not kept\n  the batch is not signed (key log/birch-1, revision 12, \
             version 3)\n    bytes ab"
        );
    }

    #[test]
    fn tells_that_nothing_was_found() {
        let answer = json!({ "counts": [], "bytes_lost": 0, "evidence": [] });

        assert_eq!(shown(&answer).expect("an answer"), "nothing was found wrong");
    }

    #[test]
    fn takes_whole_hashes_only() {
        assert!(parse_hash(&"aB".repeat(32)).is_ok());
        assert!(parse_hash(&"ab".repeat(31)).is_err());
        assert!(parse_hash("../../health/live").is_err());
    }
}
