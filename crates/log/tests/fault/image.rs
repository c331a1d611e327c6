//! What a power cut leaves of a directory.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::random::Random;

/// How much of what was not synced survives.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Survives {
    /// Nothing.
    SyncedOnly,
    /// About every second sector or page.
    Half,
    /// Everything, as when only the process was killed.
    All,
}

/// The id of a file that was created when the process was killed: nobody wrote to it.
const JUST_CREATED: i64 = -1;

/// Names of one directory: the id of each file, none for a directory.
type Names = BTreeMap<String, Option<i64>>;

/// Writes to `left` what a power cut leaves of `dir`, of which `shadow` knows what was synced.
///
/// Of the names in a directory either the synced or the present ones are there, as a journal of a
/// file system has it. Of a file's sectors (512 bytes) or pages (4,096) each is as it was synced or
/// as it was written last.
pub(crate) fn cut_power(
    dir: &Path,
    shadow: &Path,
    left: &Path,
    survives: Survives,
    random: &mut Random,
) {
    let ids = read_ids(shadow);
    let places = ["", "snapshots", "segments"];
    let present: BTreeMap<i64, Vec<u8>> = places
        .iter()
        .flat_map(|place| present_files(&dir.join(place), &ids))
        .map(|(_, id, bytes)| (id, bytes))
        .collect();
    for place in places {
        let synced = read_names(&shadow.join(format!("names.{place}")));
        let now = present_names(&dir.join(place), &ids);
        let names = if pick(survives, random) { now } else { synced };
        let place = left.join(place);
        if !place.is_dir() {
            continue;
        }
        for (name, id) in names {
            let path = place.join(name);
            let Some(id) = id else {
                fs::create_dir(path).expect("created");
                continue;
            };
            let synced = fs::read(shadow.join(id.to_string())).unwrap_or_default();
            let now = present.get(&id).unwrap_or(&synced);
            fs::write(path, mix(&synced, now, survives, random)).expect("written");
        }
    }
}

fn pick(survives: Survives, random: &mut Random) -> bool {
    match survives {
        Survives::SyncedOnly => false,
        Survives::Half => random.coin(),
        Survives::All => true,
    }
}

/// Returns bytes of which every block is as it was synced or as it is now.
fn mix(synced: &[u8], now: &[u8], survives: Survives, random: &mut Random) -> Vec<u8> {
    let block = if random.coin() { 512 } else { 4_096 };
    let length = if pick(survives, random) { now.len() } else { synced.len() };
    let mut bytes = vec![0; length];
    for start in (0..length).step_by(block) {
        let source = if pick(survives, random) { now } else { synced };
        let end = (start + block).min(length).min(source.len());
        if start < end {
            bytes[start..end].copy_from_slice(&source[start..end]);
        }
    }
    bytes
}

/// Returns the id of every inode; one that was used again has its last.
fn read_ids(shadow: &Path) -> BTreeMap<u64, i64> {
    let text = fs::read_to_string(shadow.join("ids")).expect("written by preload.c");
    text.lines()
        .map(|line| {
            let (inode, id) = line.split_once(' ').expect("two numbers");
            (inode.parse().expect("a number"), id.parse().expect("a number"))
        })
        .collect()
}

fn read_names(path: &Path) -> Names {
    let Ok(text) = fs::read_to_string(path) else { return Names::new() };
    text.lines()
        .map(|line| {
            let mut words = line.splitn(3, ' ');
            let mut word = || words.next().expect("three words");
            let (kind, id, name) = (word(), word(), word());
            let id = (kind == "f").then(|| id.parse().expect("a number"));
            (name.to_owned(), id)
        })
        .collect()
}

fn present_names(dir: &Path, ids: &BTreeMap<u64, i64>) -> Names {
    let mut names: Names =
        present_files(dir, ids).into_iter().map(|(name, id, _)| (name, Some(id))).collect();
    for entry in fs::read_dir(dir).expect("readable") {
        let entry = entry.expect("readable");
        if entry.file_type().expect("known").is_dir() {
            names.insert(entry.file_name().into_string().expect("ASCII"), None);
        }
    }
    names
}

fn present_files(dir: &Path, ids: &BTreeMap<u64, i64>) -> Vec<(String, i64, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).expect("readable") {
        let entry = entry.expect("readable");
        let status = entry.metadata().expect("readable");
        if status.is_file() {
            let name = entry.file_name().into_string().expect("ASCII");
            let id = ids.get(&status.ino()).copied().unwrap_or(JUST_CREATED);
            files.push((name, id, fs::read(entry.path()).expect("readable")));
        }
    }
    files
}
