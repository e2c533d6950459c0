//! Files that are generated and committed.

use std::fs;
use std::path::Path;

/// Compares a generated file with the committed one: brings it up to date locally, fails where `CI` is set.
///
/// # Panics
///
/// Where `CI` is set and the files differ, with the command that mends it.
#[track_caller]
pub fn compare(path: &str, rendered: &str, command: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if fs::read_to_string(&file).unwrap_or_default() == rendered {
        return;
    }
    assert!(std::env::var_os("CI").is_none(), "{path} is not what the code says: run `{command}` and commit it");
    fs::create_dir_all(file.parent().expect("a file lies in a folder")).expect("the folder can be made");
    fs::write(&file, rendered).expect("the file can be written");
}
