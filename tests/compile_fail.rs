//! What the compiler refuses, and with which words: a wrong name, a label left out, a value of another label.
//!
//! Each case is a program of its own that is right but for one line. All of them, and one that is right, are checked
//! by cargo in one go, as an app that depends on the crate.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What every program starts with.
const PRELUDE: &str = r#"
#![allow(unused)]
use watchkeeper::metric::{CounterDesc, GaugeDesc, HistogramDesc, Open, Registry, UpDownDesc};
watchkeeper::label_enum! { enum Carrier: "carrier" { Post = "post", Bicycle = "bicycle" } }
watchkeeper::label_enum! { enum Size: "size" { Small = "small" } }
watchkeeper::label_enum! { enum Bound: "le" { One = "1" } }
const SENT: CounterDesc<(Carrier, Size)> = CounterDesc::new("parcels_sent_total", "Parcels.");
"#;

/// A program that is right: it shows that the others fail for their one line.
const RIGHT: &str = "fn main() { Registry::new().counter(&SENT).unwrap().inc((Carrier::Post, Size::Small)); }";

/// A name for each program, the line that is wrong, and words that the compiler answers with.
const WRONG: &[(&str, &str, &str)] = &[
    (
        "a_counter_without_total",
        r#"const C: CounterDesc = CounterDesc::new("parcels", "Parcels."); fn main() {}"#,
        "a counter's name ends in _total",
    ),
    (
        "a_gauge_with_total",
        r#"const C: GaugeDesc = GaugeDesc::new("parcels_total", "Parcels."); fn main() {}"#,
        "only a counter's name ends in _total",
    ),
    (
        "a_name_in_camel_case",
        r#"const C: CounterDesc = CounterDesc::new("parcelsSent_total", "Parcels."); fn main() {}"#,
        "a name is lower snake case",
    ),
    (
        "a_time_in_milliseconds",
        r#"const C: HistogramDesc = HistogramDesc::new("wait_milliseconds", "Wait.", &[1.0]); fn main() {}"#,
        "a unit is a base unit",
    ),
    (
        "a_suffix_of_the_format",
        r#"const C: UpDownDesc = UpDownDesc::new("parcels_count", "Parcels."); fn main() {}"#,
        "are appended by the format itself",
    ),
    (
        "a_label_of_the_format",
        r#"const C: CounterDesc<(Bound,)> = CounterDesc::new("parcels_total", "Parcels."); fn main() {}"#,
        "le and quantile are labels of the format itself",
    ),
    (
        "a_label_twice",
        r#"const C: CounterDesc<(Size, Size)> = CounterDesc::new("parcels_total", "Parcels."); fn main() {}"#,
        "two labels have the same name",
    ),
    (
        "buckets_that_fall",
        r#"const C: HistogramDesc = HistogramDesc::new("wait_seconds", "Wait.", &[2.0, 1.0]); fn main() {}"#,
        "bucket bounds are finite, positive and rising",
    ),
    (
        "no_help",
        r#"const C: CounterDesc = CounterDesc::new("parcels_total", ""); fn main() {}"#,
        "the help text is empty",
    ),
    (
        "a_label_left_out",
        "fn main() { Registry::new().counter(&SENT).unwrap().inc((Carrier::Post,)); }",
        "mismatched types",
    ),
    (
        "labels_in_another_order",
        "fn main() { Registry::new().counter(&SENT).unwrap().inc((Size::Small, Carrier::Post)); }",
        "mismatched types",
    ),
    (
        "text_for_a_closed_label",
        r#"fn main() { Registry::new().counter(&SENT).unwrap().inc((Carrier::Post, "small")); }"#,
        "mismatched types",
    ),
    (
        "a_value_that_a_closed_label_does_not_have",
        "fn main() { Registry::new().counter(&SENT).unwrap().inc((Carrier::Drone, Size::Small)); }",
        "no variant",
    ),
    (
        "a_counter_that_is_set",
        "fn main() { Registry::new().counter(&SENT).unwrap().set((Carrier::Post, Size::Small), 1.0); }",
        "no method named `set`",
    ),
];

/// Writes the programs as an app beside the crate.
fn write_app() -> PathBuf {
    let crate_folder = env!("CARGO_MANIFEST_DIR");
    let app = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compile_fail");
    // A program that is no longer listed would be checked all the same.
    let _ = fs::remove_dir_all(app.join("src"));
    fs::create_dir_all(app.join("src/bin")).expect("a folder below the target folder");
    let manifest = format!(
        "[package]\nname = \"app\"\nedition = \"2024\"\n[workspace]\n[dependencies]\nwatchkeeper = {{ path = {crate_folder:?} }}\n"
    );
    fs::write(app.join("Cargo.toml"), manifest).expect("the folder can be written to");
    // The same versions as here, so that nothing has to be fetched.
    fs::copy(Path::new(crate_folder).join("Cargo.lock"), app.join("Cargo.lock")).expect("a lockfile");
    for (name, body) in WRONG.iter().map(|(name, body, _)| (*name, *body)).chain([("right", RIGHT)]) {
        let file = app.join("src/bin").join(name).with_extension("rs");
        let text = format!("{PRELUDE}{body}\n");
        fs::write(file, text).expect("the folder can be written to");
    }
    app
}

/// Checks the app's programs; gives back what the compiler said of each, errors alone.
fn errors() -> BTreeMap<String, String> {
    let app = write_app();
    let output = Command::new(env!("CARGO"))
        .args(["check", "--offline", "--bins", "--keep-going", "--message-format=json", "--manifest-path"])
        .arg(app.join("Cargo.toml"))
        .env("CARGO_TARGET_DIR", app.join("target"))
        .output()
        .expect("cargo starts");
    let mut errors = BTreeMap::new();
    for message in String::from_utf8_lossy(&output.stdout).lines() {
        let message: Value = serde_json::from_str(message).expect("cargo writes a JSON object a line");
        let program = message["target"]["name"].as_str().unwrap_or_default();
        if message["reason"] == "compiler-artifact" && message["target"]["kind"][0] == "bin" {
            errors.insert(program.to_owned(), String::new());
        } else if message["message"]["level"] == "error" {
            let said: &mut String = errors.entry(program.to_owned()).or_default();
            said.push_str(message["message"]["rendered"].as_str().unwrap_or_default());
        }
    }
    assert!(!errors.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    errors
}

#[test]
fn what_is_wrong_does_not_compile_and_the_compiler_says_why() {
    let errors = errors();

    assert_eq!(errors.get("right").map(String::as_str), Some(""), "{errors:?}");
    for (name, line, words) in WRONG {
        let said = errors.get(*name).map_or("", String::as_str);
        assert!(said.contains(words), "{name}: {line}\nthe compiler does not say {words:?} but:\n{said}");
    }
}
