//! The packaged crate: it holds what it includes and what it links to, and nothing that is for this repository alone.
//! That an app builds from it, whatever features others switch on, is tried by `bash tests/consumer.sh`.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

/// The crates.io registry takes 10 MB, packed; the sources unpacked are some four times as much.
const MOST_BYTES: u64 = 10_000_000;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What `cargo package` takes.
fn packaged() -> BTreeSet<PathBuf> {
    let cargo = Command::new(env!("CARGO"))
        .args(["package", "--list", "--allow-dirty", "--offline", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo can be run");
    assert!(cargo.status.success(), "{}", String::from_utf8_lossy(&cargo.stderr));
    String::from_utf8_lossy(&cargo.stdout).lines().map(PathBuf::from).collect()
}

/// A path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
        plain
    })
}

fn text(file: &Path) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[test]
fn the_package_has_what_an_app_and_its_reader_need_and_nothing_of_this_repository_alone() {
    let packaged = packaged();
    let needed = [
        "Cargo.toml",
        "README.md",
        "CHANGELOG.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "SECURITY.md",
        "src/lib.rs",
        "src/store/postgres/migrations/0001_schema.sql",
        "docs/environment.md",
        "docs/runbooks/HighErrorRate.md",
        "examples/minimal.rs",
        "examples/stack/docker-compose.yml",
        "examples/stack/.env.template",
    ];
    for file in needed {
        assert!(packaged.contains(Path::new(file)), "{file} is missing");
    }
    for file in &packaged {
        let kept_out = ["target", ".ci", "fuzz", "benches/peers", "tests/consumer", "examples/stack/secrets"];
        assert!(!kept_out.iter().any(|folder| file.starts_with(folder)), "{}", file.display());
        assert!(!file.ends_with(".env"), "{}", file.display());
    }
    let on_disk = packaged.iter().filter_map(|file| root().join(file).metadata().ok());
    let bytes: u64 = on_disk.map(|metadata| metadata.len()).sum();
    println!("{} files, {bytes} bytes unpacked", packaged.len());
    assert!(bytes < MOST_BYTES, "{bytes}");
}

#[test]
fn what_the_sources_include_is_in_the_package() {
    let packaged = packaged();
    let mut included = 0;
    for file in packaged.iter().filter(|file| file.starts_with("src")) {
        if file.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = text(file);
        for part in text.split("include_str!(\"").skip(1).chain(text.split("include!(\"").skip(1)) {
            let path = part.split('"').next().unwrap_or_default();
            let path = plain(&file.parent().expect("a folder").join(path));
            assert!(packaged.contains(&path), "{} includes {}", file.display(), path.display());
            included += 1;
        }
    }
    assert!(included > 10, "{included}");
}

#[test]
fn links_within_the_documentation_lead_to_a_file_of_the_package() {
    let packaged = packaged();
    let mut faults = Vec::new();
    let mut seen = 0;
    for file in packaged.iter().filter(|file| file.extension().is_some_and(|extension| extension == "md")) {
        for part in text(file).split("](").skip(1) {
            let Some(link) = part.split(')').next() else { continue };
            let link = link.split('#').next().unwrap_or_default();
            if link.is_empty()
                || link.contains("://")
                || link.contains(char::is_whitespace)
                || link.starts_with("mailto:")
            {
                continue;
            }
            let path = plain(&file.parent().expect("a folder").join(link.trim_end_matches('/')));
            let is_there = packaged.contains(&path) || packaged.iter().any(|file| file.starts_with(&path));
            if !is_there {
                faults.push(format!("{}: {link}", file.display()));
            }
            seen += 1;
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(seen > 100, "{seen}");
}
