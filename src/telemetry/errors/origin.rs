//! Where a function is from: its crate and module, read off the path of its source.
//!
//! Debug information that holds lines alone, as `debug = "line-tables-only"` makes it, has the bare names of functions:
//! `poll` instead of `tokio::runtime::task::core::poll`.

/// Returns the name with its crate and module before it, where it has none and the source is a registry's or the
/// compiler's; any other name as it is.
pub(super) fn qualified(name: String, path: Option<&str>) -> String {
    match path.filter(|_| is_bare(&name)).and_then(module) {
        Some(module) => format!("{module}::{name}"),
        None => name,
    }
}

/// Tells whether a name says nothing of where it is from, its own parameters apart.
fn is_bare(name: &str) -> bool {
    !name.starts_with(['<', '_']) && name.split(['<', '(']).next().is_none_or(|own| !own.contains("::"))
}

/// Returns the module that a source file is.
fn module(path: &str) -> Option<String> {
    let path = path.replace('\\', "/");
    let (package, file) = match path.split_once("/library/") {
        Some((before, behind)) if before.contains("rustc") => behind.split_once("/src/")?,
        // registry/src/<index>/<package>-<version>/src/<file>
        _ => {
            let (_index, behind) = path.split_once("/registry/src/")?.1.split_once('/')?;
            let (package, file) = behind.split_once("/src/")?;
            (without_version(package), file)
        }
    };
    let file = file.strip_suffix(".rs")?;
    let file = file.strip_suffix("/mod").unwrap_or(file);
    let name = package.replace('-', "_");
    Some(if matches!(file, "lib" | "main") { name } else { format!("{name}::{}", file.replace('/', "::")) })
}

/// Returns a package's name: what stands before the first hyphen that a digit follows with a dot behind it.
fn without_version(package: &str) -> &str {
    let version = package.match_indices('-').map(|(at, _)| at).find(|at| {
        let behind = &package[at + 1..];
        behind.split_once('.').is_some_and(|(major, _)| major.parse::<u64>().is_ok())
    });
    version.map_or(package, |at| &package[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTRY: &str = "/home/ada/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f";

    #[test]
    fn a_bare_name_is_given_the_module_that_its_source_is() {
        for (name, path, due) in [
            ("poll", "/tokio-1.54.1/src/runtime/task/core.rs", "tokio::runtime::task::core::poll"),
            ("{closure#0}<a::B>", "/tracing-core-0.1.36/src/lib.rs", "tracing_core::{closure#0}<a::B>"),
            ("call", "/a-2-b-0.1.0-rc.1/src/x/mod.rs", "a_2_b::x::call"),
        ] {
            assert_eq!(qualified(name.to_owned(), Some(&format!("{REGISTRY}{path}"))), due);
        }
        let std = "/rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/std/src/panicking.rs";
        assert_eq!(qualified("catch_unwind<F>".to_owned(), Some(std)), "std::panicking::catch_unwind<F>");
        let windows =
            r"C:\Users\ada\.cargo\registry\src\index.crates.io-1949cf8c6b5b557f\axum-0.8.9\src\handler\mod.rs";
        assert_eq!(qualified("call".to_owned(), Some(windows)), "axum::handler::call");
    }

    #[test]
    fn the_apps_own_names_and_full_ones_stay() {
        let tokio = format!("{REGISTRY}/tokio-1.54.1/src/runtime/task/core.rs");
        for (name, path) in [
            ("fail", Some("src/orders.rs")),
            ("fail", Some("/home/ada/shop/library/src/orders.rs")),
            ("fail", None),
            ("tokio::runtime::task::core::poll", Some(tokio.as_str())),
            ("<F as axum::handler::Handler<T, S>>::call", Some(tokio.as_str())),
            ("__rust_try", Some(tokio.as_str())),
        ] {
            assert_eq!(qualified(name.to_owned(), path), name);
        }
    }
}
