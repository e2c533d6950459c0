//! The runbooks, and the queries in them.

use std::path::{Path, PathBuf};

/// A page, by the name of its alert.
#[derive(Debug)]
pub struct Runbook {
    pub alert: String,
    pub text: String,
    pub queries: Vec<Query>,
}

/// A query of a page.
#[derive(Debug, Clone)]
pub struct Query {
    pub expr: String,
    /// Whether it may answer nothing when all is well.
    pub quiet: bool,
}

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runbooks")
}

/// Every page but the index, in order.
pub fn runbooks() -> Vec<Runbook> {
    let entries = std::fs::read_dir(folder()).expect("docs/runbooks can be listed");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("docs/runbooks can be listed").path()).collect();
    files.sort();
    let page = |file: PathBuf| {
        let alert = file.file_stem()?.to_str()?.to_owned();
        let text = std::fs::read_to_string(&file).expect("a page can be read");
        (alert != "README").then(|| Runbook { alert, queries: queries(&text), text })
    };
    files.into_iter().filter_map(page).collect()
}

/// The queries of the pages on operations, with the page of each.
pub fn operations() -> Vec<(String, Query)> {
    let entries = std::fs::read_dir(folder().with_file_name("operations")).expect("docs/operations can be listed");
    let files = entries.map(|entry| entry.expect("docs/operations can be listed").path());
    let page = |file: PathBuf| {
        let text = std::fs::read_to_string(&file).expect("a page can be read");
        queries(&text).into_iter().map(move |query| (file.display().to_string(), query))
    };
    files.flat_map(page).collect()
}

fn queries(text: &str) -> Vec<Query> {
    let mut found = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if let Some(kind) = line.strip_prefix("```promql") {
            // A line is a query.
            let quiet = kind.trim() == "quiet";
            let exprs = lines.by_ref().take_while(|line| *line != "```");
            found.extend(exprs.map(|expr| Query { expr: expr.to_owned(), quiet }));
        }
    }
    found
}
