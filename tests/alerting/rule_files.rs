//! Prometheus' rule files: what it reads is read, what it refuses is refused.

use std::path::Path;

use watchkeeper::alerting::RuleFile;

use crate::support::process::{Folder, program};

#[test]
fn every_shipped_rule_file_is_read_with_all_of_its_rules() {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/stack/prometheus/rules");
    let file = RuleFile::load(&rules).unwrap();
    let read: usize = file.groups.iter().map(|group| group.rules.len()).sum();
    let written: usize = std::fs::read_dir(&rules)
        .unwrap()
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
        .map(|text| {
            text.lines()
                .filter(|line| line.trim_start().starts_with("- alert:") || line.trim_start().starts_with("- record:"))
                .count()
        })
        .sum();
    assert_eq!(read, written);
    assert!(read > 200, "{read}");
    // A rule is known again by what does not change.
    let again = RuleFile::load(&rules).unwrap();
    let ids = |file: &RuleFile| -> Vec<_> {
        file.groups.iter().flat_map(|group| group.rules.iter().map(watchkeeper::alerting::Rule::id)).collect()
    };
    assert_eq!(ids(&file), ids(&again));
    let mut unique = ids(&file);
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), read);
}

/// Files, each with the line that is wrong; none where nothing is.
const FILES: &[(Option<usize>, &str)] = &[
    (None, ""),
    (None, "groups: []"),
    (
        None,
        "groups:\n- name: a\n  interval: 1h30m\n  limit: 5\n  rules:\n  - {alert: A, expr: up == 0, for: 1d, keep_firing_for: 5m}",
    ),
    (None, "groups:\n- name: a\n  rules:\n  - record: a:b\n    expr: sum(up)\n    labels: {x: '{{ not a template }}'}"),
    (None, "groups:\n- name: a\n  rules: &r\n  - {alert: A, expr: up}\n- name: b\n  rules: *r"),
    (Some(1), "grups: []"),
    (Some(2), "groups:\n- rules: []"),
    (Some(3), "groups:\n- name: a\n- name: a"),
    (Some(3), "groups:\n- name: a\n  interval: 5"),
    (Some(3), "groups:\n- name: a\n  limit: many"),
    (Some(4), "groups:\n- name: a\n  rules:\n  - expr: up"),
    (Some(4), "groups:\n- name: a\n  rules:\n  - {alert: A, record: b, expr: up}"),
    (Some(4), "groups:\n- name: a\n  rules:\n  - alert: A"),
    (Some(5), "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: up +"),
    (Some(5), "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: nosuch(up)"),
    (Some(6), "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: up\n    for: 5 minutes"),
    (Some(6), "groups:\n- name: a\n  rules:\n  - record: a\n    expr: up\n    for: 5m"),
    (Some(6), "groups:\n- name: a\n  rules:\n  - record: a\n    expr: up\n    annotations: {x: y}"),
    (Some(4), "groups:\n- name: a\n  rules:\n  - record: a-b\n    expr: up"),
    (Some(6), "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: up\n    labels: {a-b: c}"),
    (Some(6), "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: up\n    labels: {__name__: c}"),
    (Some(6), "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: up\n    annotations: {a: '{{ $nobody }}'}"),
    (Some(6), "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: up\n    annotations: {a: '{{ if 1 }}'}"),
    (Some(6), "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: up\n    nosuch: 1"),
    (Some(6), "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: up\n    expr: up"),
    (Some(2), "groups:\n- [name"),
];

#[test]
fn what_promtool_refuses_is_refused_with_its_line_and_what_it_takes_is_read() {
    let folder = Folder::new("rule-files");
    for (at, (line, text)) in FILES.iter().enumerate() {
        let path = folder.path().join(format!("{at}.yml"));
        std::fs::write(&path, text).unwrap();
        let judged = program("promtool", "prometheus").arg("check").arg("rules").arg(&path).output().unwrap();
        assert_eq!(judged.status.success(), line.is_none(), "{text}\n{}", String::from_utf8_lossy(&judged.stderr));
        match (RuleFile::load(&path), line) {
            (Ok(_), None) => {}
            (Err(error), Some(line)) if *text == "groups:\n- [name" => assert!(error.line >= *line, "{error}"),
            (Err(error), Some(line)) => {
                assert_eq!(error.line, *line, "{text}\n{error}");
                assert!(error.to_string().contains(&format!("{at}.yml: line {line}, column ")), "{error}");
            }
            (read, _) => panic!("{text}\n{read:?}"),
        }
    }
}

#[test]
fn a_file_that_is_made_to_hurt_is_refused() {
    let deep = format!("groups: {}", "[".repeat(100_000));
    let laughs = {
        let mut text = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for (name, of) in ["b", "c", "d", "e", "f", "g", "h"].iter().zip(["a", "b", "c", "d", "e", "f", "g"]) {
            text += &format!("{name}: &{name} [{}]\n", vec![format!("*{of}"); 10].join(","));
        }
        text
    };
    for text in [deep, laughs] {
        assert!(text.parse::<RuleFile>().is_err());
    }
}
