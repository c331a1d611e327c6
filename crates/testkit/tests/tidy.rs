//! Keeps the house tidy: who may depend on whom, on what, under which licence, and how long a file
//! may be. The lists only shrink, or grow with a reason in the commit.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const LINES_PER_FILE_MAX: usize = 800;

/// Crates that know no I/O, clock, randomness, logging or JSON, and all they may depend on.
const PURE: [(&str, &[&str]); 3] = [
    ("spacetime", &["borsh", "robust", "s2", "thiserror"]),
    // Of aws-lc-rs only Ed25519, whose signatures are a function of key and message.
    ("pool", &["aws-lc-rs", "borsh", "sha2", "spacetime", "thiserror"]),
    ("airspace", &["borsh", "sha2", "spacetime", "thiserror", "uuid"]),
];

/// From the ground up; a crate depends on crates of lower levels only. `desk` above `hub`:
/// docs/decisions/0001-desk-uses-hub.md.
const LEVELS: [(&str, u8); 10] = [
    ("spacetime", 0),
    ("airspace", 1),
    ("pool", 1),
    ("etcd", 1),
    ("wire", 2),
    ("tansiq-log", 2),
    ("hub", 3),
    ("desk", 4),
    ("cli", 5),
    ("testkit", 2),
];

/// Dependencies that only these crates may have: SQL has one place for each file or server it asks,
/// and gRPC is for etcd.
const WALLED: [(&str, &[&str]); 3] =
    [("rusqlite", &["desk", "tansiq-log"]), ("tokio-postgres", &["cli"]), ("tonic", &["etcd"])];

const LICENCES: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "OpenSSL",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

#[test]
fn pure_crates_depend_on_the_allowed_only() {
    let metadata = metadata();

    for (name, allowed) in PURE {
        let found = dependencies(&metadata, name);
        let foreign: Vec<_> = found.iter().filter(|d| !allowed.contains(&d.as_str())).collect();

        assert!(foreign.is_empty(), "{name} is pure and may not depend on {foreign:?}");
    }
}

#[test]
fn arrows_between_crates_go_down() {
    let metadata = metadata();
    let levels: BTreeMap<_, _> = LEVELS.into_iter().collect();
    let members = members(&metadata);
    assert_eq!(members, levels.keys().map(|name| (*name).to_owned()).collect());

    for name in &members {
        for dependency in dependencies(&metadata, name).intersection(&members) {
            let (upper, lower) = (levels[name.as_str()], levels[dependency.as_str()]);
            assert!(
                lower < upper,
                "{name} (level {upper}) depends on {dependency} (level {lower})"
            );
        }
    }
}

#[test]
fn walled_dependencies_stay_where_they_may_be() {
    let metadata = metadata();

    for (dependency, allowed) in WALLED {
        let members = members(&metadata).into_iter();
        let using: Vec<_> =
            members.filter(|name| dependencies(&metadata, name).contains(dependency)).collect();
        let foreign: Vec<_> = using.iter().filter(|m| !allowed.contains(&m.as_str())).collect();

        assert!(foreign.is_empty(), "{dependency} is not for {foreign:?}");
    }
}

#[test]
fn every_dependency_has_a_known_licence() {
    let metadata = metadata();
    let unknown: Vec<_> = packages(&metadata)
        .iter()
        .map(|package| (text(&package["name"]), text(&package["license"])))
        .filter(|(_, licence)| !allows(licence))
        .collect();

    assert!(unknown.is_empty(), "licences not on the list: {unknown:?}");
}

#[test]
fn knows_how_licence_expressions_combine() {
    assert!(allows("MIT OR Apache-2.0"));
    assert!(allows("GPL-3.0-only OR MIT"));
    assert!(allows("MIT/Apache-2.0"));
    assert!(allows("ISC AND (Apache-2.0 OR GPL-2.0-only)"));
    assert!(!allows("MIT AND GPL-3.0-only"));
    assert!(!allows("(MIT AND GPL-3.0-only) OR AGPL-3.0-only"));
    assert!(!allows(""));
}

#[test]
fn no_file_is_too_long() {
    let long: Vec<_> = sources(&root())
        .into_iter()
        .map(|path| (fs::read_to_string(&path).expect("a source file is text"), path))
        .map(|(text, path)| (text.lines().count(), path))
        .filter(|(lines, _)| LINES_PER_FILE_MAX < *lines)
        .collect();

    assert!(long.is_empty(), "split these: {long:?}");
}

#[test]
fn sources_are_plain_where_data_needs_no_more() {
    let odd: Vec<_> = sources(&root())
        .into_iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter(|path| !fs::read_to_string(path).expect("a source file is text").is_ascii())
        .collect();

    assert!(odd.is_empty(), "not ASCII: {odd:?}");
}

#[test]
fn modules_are_files_of_their_own_name() {
    let found: Vec<_> =
        sources(&root()).into_iter().filter(|path| path.ends_with("mod.rs")).collect();

    assert!(found.is_empty(), "foo.rs with foo/, never mod.rs: {found:?}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("the crate is two levels below the root")
        .to_owned()
}

fn metadata() -> Value {
    let platform = host();
    let arguments = ["metadata", "--format-version", "1", "--offline", "--locked"];
    let printed = run(env!("CARGO"), &[&arguments[..], &["--filter-platform", &platform]].concat());
    serde_json::from_str(&printed).expect("cargo metadata prints JSON")
}

/// Returns the platform of this machine: packages for other ones may not have been downloaded.
fn host() -> String {
    run("rustc", &["-vV"])
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("rustc names its host")
        .to_owned()
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output =
        Command::new(program).args(arguments).current_dir(root()).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it prints text")
}

fn packages(metadata: &Value) -> &[Value] {
    metadata["packages"].as_array().expect("metadata lists packages")
}

fn members(metadata: &Value) -> BTreeSet<String> {
    packages(metadata)
        .iter()
        .filter(|package| package["source"].is_null())
        .map(|package| text(&package["name"]))
        .collect()
}

/// Returns what a member depends on when it is not tested.
fn dependencies(metadata: &Value, member: &str) -> BTreeSet<String> {
    let package = packages(metadata)
        .iter()
        .find(|package| package["source"].is_null() && package["name"] == member)
        .unwrap_or_else(|| panic!("{member} is a member"));
    package["dependencies"]
        .as_array()
        .expect("a package lists dependencies")
        .iter()
        .filter(|dependency| dependency["kind"].is_null())
        .map(|dependency| text(&dependency["name"]))
        .collect()
}

/// Tells whether an SPDX expression lets us choose licences from the list only.
fn allows(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let spaced = spaced.replace("Apache-2.0 WITH LLVM-exception", "Apache-2.0");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = tokens.as_slice();
    let allowed = any_of(&mut rest);
    allowed && rest.is_empty()
}

fn any_of(rest: &mut &[&str]) -> bool {
    let mut allowed = all_of(rest);
    while take(rest, "OR") {
        allowed |= all_of(rest);
    }
    allowed
}

fn all_of(rest: &mut &[&str]) -> bool {
    let mut allowed = one(rest);
    while take(rest, "AND") {
        allowed &= one(rest);
    }
    allowed
}

fn one(rest: &mut &[&str]) -> bool {
    if take(rest, "(") {
        let allowed = any_of(rest);
        return take(rest, ")") && allowed;
    }
    let Some((name, after)) = rest.split_first() else {
        return false;
    };
    *rest = after;
    LICENCES.contains(name)
}

fn take(rest: &mut &[&str], word: &str) -> bool {
    let Some((first, after)) = rest.split_first() else {
        return false;
    };
    if *first != word {
        return false;
    }
    *rest = after;
    true
}

fn sources(root: &Path) -> Vec<PathBuf> {
    const KINDS: [&str; 7] = ["rs", "ts", "css", "c", "py", "sh", "sql"];
    let mut found = Vec::new();
    let mut folders = vec![root.join("crates"), root.join(".ci"), root.join("web")];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("a folder can be listed").path();
            if path.is_dir() && !path.ends_with("node_modules") {
                folders.push(path);
            } else if path.extension().is_some_and(|e| KINDS.iter().any(|kind| e == *kind)) {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "there are sources below {}", root.display());
    found
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
