//! The label that a path becomes where no route matched: a table of real ones, and what holds for all.
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

#[path = "../fuzz/targets/mod.rs"]
mod targets;

use targets::path_pattern::check;

/// Paths and their labels, from the table.
fn table() -> Vec<(&'static str, &'static str)> {
    let lines = include_str!("path_patterns.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').map(|(path, label)| (path, label.trim_start())).unwrap()).collect()
}

#[test]
fn real_paths_become_the_labels_of_the_table() {
    let table = table();
    assert!(table.len() >= 200, "only {} paths", table.len());
    let wrong: Vec<_> = table
        .iter()
        .map(|(path, label)| (path, label, check(path)))
        .filter(|(_, label, pattern)| pattern != **label)
        .map(|(path, label, pattern)| format!("{path} is {pattern}, not {label}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn two_paths_of_the_table_in_one_keep_every_promise() {
    let paths = table();
    for (first, _) in &paths {
        for (second, _) in &paths {
            check(&format!("{first}/{second}"));
            check(&format!("{first}{second}"));
        }
    }
}

#[test]
fn a_path_of_a_mebibyte_has_the_label_of_its_first_kibibytes() {
    for (path, _) in table() {
        for filler in ["x", "1", "/a", "-a1", "%2F", "é", "@", ";a=", "/4711"] {
            let long = format!("{path}{}", filler.repeat((1 << 20) / filler.len()));
            let end = watchkeeper::sanitise::truncate(&long, 64 << 10);
            assert_eq!(check(&long), check(end), "{path}{filler}…");
        }
    }
}
