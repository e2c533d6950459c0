//! The table of environment variables: what the sources read, all of it and nothing else.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use watchkeeper::stack::variables::{VARIABLES, render};

use crate::support::generated::compare;

/// Texts in capitals that are no variables of the library's.
const OTHERS: &[&str] = &["CARGO_PKG_NAME", "CARGO_PKG_VERSION", "CARGO_PKG_LICENSE", "API_KEY", "ALERTS_FOR_STATE"];

/// Variables of one word, which look like any other text in capitals.
const ONE_WORD: &[&str] = &["ENVIRONMENT", "HOSTNAME"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("src can be listed") {
        let file = entry.expect("src can be listed").path();
        match file.is_dir() {
            true => sources(&file, found),
            false if file.extension().is_some_and(|extension| extension == "rs") => found.push(file),
            false => {}
        }
    }
}

/// The variables that the sources name, but for the table itself.
fn read() -> BTreeSet<String> {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let mut names = BTreeSet::new();
    for file in files.iter().filter(|file| !file.ends_with("stack/variables.rs")) {
        let text = std::fs::read_to_string(file).expect("a source is text");
        let code: Vec<_> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for name in code.join("\n").split('"') {
            let looks = name.len() > 4
                && !name.starts_with('_')
                && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
                && (name.contains('_') || ONE_WORD.contains(&name));
            if looks && !OTHERS.contains(&name) {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

#[test]
fn the_committed_table_is_what_the_code_says() {
    compare("docs/environment.md", &render(), "cargo test --all-features --test stack variables");
}

#[test]
fn the_table_has_every_variable_that_is_read_and_no_other() {
    let read = read();
    let listed: BTreeSet<&str> = VARIABLES.iter().flat_map(|(_, all)| *all).map(|variable| variable.name).collect();
    let is_listed = |name: &str| {
        listed.contains(name)
            || listed.iter().any(|listed| listed.strip_suffix('*').is_some_and(|start| name.starts_with(start)))
    };
    let missing: Vec<_> = read.iter().filter(|name| !is_listed(name)).collect();
    assert!(missing.is_empty(), "not in `VARIABLES` of src/stack/variables.rs: {missing:?}");
    let is_read = |listed: &str| match listed.strip_suffix('*') {
        Some(start) => read.iter().any(|name| name.starts_with(start)),
        None => read.contains(listed),
    };
    let unread: Vec<_> = listed.iter().filter(|name| !is_read(name)).collect();
    assert!(unread.is_empty(), "nobody reads {unread:?}");
    let count = VARIABLES.iter().map(|(_, all)| all.len()).sum::<usize>();
    assert_eq!(count, listed.len(), "one is listed twice");
}
