//! The committed documents are what the code would generate.

use std::fs;

/// Compares a generated file with the committed one: brings it up to date locally, fails where `CI` is set.
fn compare(path: &str, rendered: &str) {
    let file = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    if fs::read_to_string(&file).unwrap_or_default() == rendered {
        return;
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "{path} is not what the code says: run `cargo test --test reference` and commit it"
    );
    fs::write(&file, rendered).expect("the document can be written");
}

#[test]
fn the_reference_of_metrics_says_what_the_catalogue_says() {
    compare("docs/metrics.md", &watchkeeper::stack::reference::render());
}
