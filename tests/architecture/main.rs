//! The floors of the crate: which module may use which, and what every source file looks like.
//!
//! A file is read as text, without its comments, strings and `#[cfg(test)]` items; paths that start with `crate`,
//! `super` or `self` are resolved to the module they lead to.

mod imports;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use imports::{Import, exported_macros, imports, names_crate};

/// A floor: the modules on it, and the floors that they may use besides their own.
struct Floor {
    name: &'static str,
    modules: &'static [&'static str],
    uses: &'static [&'static str],
}

/// The floors, from the ground up. A floor uses only floors above it in this list, and not even all of them:
/// signals know nothing of events and stores, nor the other way round, and nobody builds on `testing`.
const FLOORS: &[Floor] = &[
    // Who is being watched, and what may leave the process.
    Floor {
        name: "ground",
        modules: &["service", "sanitise", "environment", "timestamp", "id", "hex", "named", "heap", "signature"],
        uses: &[],
    },
    // Descriptors, cells, registry, exposition.
    Floor { name: "metric", modules: &["metric"], uses: &["ground"] },
    // The catalogue, and queries built from it.
    Floor { name: "presets", modules: &["presets", "promql"], uses: &["ground", "metric"] },
    // Queues in front of whatever leaves the process, and the account of every item.
    Floor { name: "queue", modules: &["queue"], uses: &["ground", "metric", "presets"] },
    // What a running service emits by itself, and the files rendered from the catalogue.
    Floor {
        name: "signals",
        modules: &["http", "telemetry", "trace", "stack"],
        uses: &["ground", "metric", "presets", "queue"],
    },
    // Pure types and state machines: no input, no output, time is an argument.
    Floor { name: "domain", modules: &["event", "sample", "rule", "alert", "incident", "audit"], uses: &["ground"] },
    // Where they are kept.
    Floor { name: "stores", modules: &["store"], uses: &["ground", "metric", "presets", "queue", "domain"] },
    // What works on them in the background.
    Floor {
        name: "services",
        modules: &["journal", "history", "alerting", "analysis", "desk", "health", "tasks"],
        uses: &["ground", "metric", "presets", "queue", "signals", "domain", "stores"],
    },
    // What the crate ships for the tests of others. Only the root names it.
    Floor {
        name: "testing",
        modules: &["testing"],
        uses: &["ground", "metric", "presets", "queue", "signals", "domain", "stores", "services"],
    },
    // The ways in from outside.
    Floor {
        name: "doors",
        modules: &["api", "ui", "actix"],
        uses: &["ground", "metric", "presets", "queue", "signals", "domain", "stores", "services"],
    },
    // Composition: the only place that knows everything.
    Floor {
        name: "root",
        modules: &["lib", "watchkeeper", "watched", "shutdown"],
        uses: &["ground", "metric", "presets", "queue", "signals", "domain", "stores", "services", "testing", "doors"],
    },
];

/// The one module that names the `prometheus` crate, so that it can be replaced.
const NAMES_PROMETHEUS: &str = "metric";

/// The most lines of a source file, tests included.
const MOST_LINES: usize = 400;

/// A source file: where it lies, its module path from the crate's root, its text.
struct Source {
    file: PathBuf,
    module: Vec<String>,
    text: String,
}

impl Source {
    /// The module at the top of the crate that this file belongs to; `lib` for the root itself.
    fn top(&self) -> &str {
        self.module.first().map_or("lib", String::as_str)
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("src can be listed") {
            let file = entry.expect("src can be listed").path();
            if file.is_dir() {
                folders.push(file);
            } else if file.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&file).expect("a source file is UTF-8");
                let path = file.strip_prefix(&root).expect("it lies below src").to_owned();
                found.push(Source { module: module_path(&path), file: Path::new("src").join(path), text });
            }
        }
    }
    found.sort_by(|a, b| a.file.cmp(&b.file));
    assert!(found.len() > 2, "src holds the crate");
    found
}

/// `http/layer.rs` is `http::layer`; `http/mod.rs` is `http`; `lib.rs` is the root.
fn module_path(file: &Path) -> Vec<String> {
    let mut path: Vec<String> =
        file.with_extension("").iter().map(|part| part.to_str().expect("a UTF-8 name").to_owned()).collect();
    if path.last().is_some_and(|last| last == "mod") || path == ["lib"] {
        path.pop();
    }
    path
}

fn floor_of(module: &str) -> Option<&'static Floor> {
    FLOORS.iter().find(|floor| floor.modules.contains(&module))
}

/// The floor that an import leads to: a module's, a macro's, or the root's, where everything else is re-exported. A
/// macro is expanded in an app, and may name what the root re-exports.
fn floor_of_import(
    import: &Import,
    modules: &[&str],
    macros: &HashMap<String, &'static Floor>,
) -> Option<&'static Floor> {
    match import.path.first().map(String::as_str) {
        Some(first) if modules.contains(&first) => floor_of(first),
        Some(first) if macros.contains_key(first) => macros.get(first).copied(),
        _ if import.by_macro => None,
        _ => floor_of("lib"),
    }
}

#[track_caller]
fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn every_module_has_a_floor() {
    let faults: Vec<String> = sources()
        .iter()
        .filter(|source| floor_of(source.top()).is_none())
        .map(|source| {
            format!("{}: give `{}` a floor in tests/architecture/main.rs", source.file.display(), source.top())
        })
        .collect();
    assert_none(&faults);
}

#[test]
fn an_import_only_ever_points_down() {
    let sources = sources();
    let modules: Vec<&str> = sources.iter().map(Source::top).collect();
    let macros = sources
        .iter()
        .filter_map(|source| Some((source, floor_of(source.top())?)))
        .flat_map(|(source, floor)| exported_macros(&source.text).into_iter().map(move |name| (name, floor)))
        .collect();

    let mut faults = Vec::new();
    for source in &sources {
        // A module without a floor is the matter of another test.
        let Some(floor) = floor_of(source.top()) else { continue };
        for import in imports(&source.text, &source.module) {
            let Some(used) = floor_of_import(&import, &modules, &macros) else { continue };
            if used.name != floor.name && !floor.uses.contains(&used.name) {
                faults.push(format!(
                    "{}:{}: crate::{} is on floor `{}`, and floor `{}` may use [{}]",
                    source.file.display(),
                    import.line,
                    import.path.join("::"),
                    used.name,
                    floor.name,
                    floor.uses.join(", "),
                ));
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn a_floor_uses_only_floors_below_it() {
    for (height, floor) in FLOORS.iter().enumerate() {
        for used in floor.uses {
            assert!(FLOORS[..height].iter().any(|below| below.name == *used), "{} is not below {}", used, floor.name);
        }
    }
}

#[test]
fn only_the_metric_core_names_the_prometheus_crate() {
    let faults: Vec<String> = sources()
        .iter()
        .filter(|source| source.top() != NAMES_PROMETHEUS)
        .filter_map(|source| {
            let line = names_crate(&source.text, "prometheus")?;
            Some(format!("{}:{line}: `prometheus` is named outside src/{NAMES_PROMETHEUS}", source.file.display()))
        })
        .collect();
    assert_none(&faults);
}

#[test]
fn every_file_says_first_what_it_owns() {
    let faults: Vec<String> = sources()
        .iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| format!("{}: the first line is not `//! …`", source.file.display()))
        .collect();
    assert_none(&faults);
}

#[test]
fn every_file_is_short() {
    let faults: Vec<String> = sources()
        .iter()
        .map(|source| (source, source.text.lines().count()))
        .filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(source, lines)| format!("{}: {lines} lines, at most {MOST_LINES}", source.file.display()))
        .collect();
    assert_none(&faults);
}
