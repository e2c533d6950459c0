//! The imports of a source file, read from its text.

/// A path from the crate's root, and the line on which it starts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Import {
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
    /// `$crate::`: a macro's, which is expanded in an app and so names what an app can name.
    pub(crate) by_macro: bool,
}

/// Lists what a file of the given module names by `crate::`, `super::` and `self::`, outside its tests.
pub(crate) fn imports(source: &str, module: &[String]) -> Vec<Import> {
    let tokens = without_tests(tokens(source));
    let mut found = Vec::new();
    // Inline modules that are open, with the depth of braces inside each.
    let mut inline: Vec<(String, usize)> = Vec::new();
    let mut depth = 0;
    let mut at = 0;
    while at < tokens.len() {
        let text = |offset: usize| tokens.get(at + offset).map_or("", |token| token.text.as_str());
        let before = at.checked_sub(1).map_or("", |before| tokens[before].text.as_str());
        match text(0) {
            "{" => depth += 1,
            "}" => {
                inline.pop_if(|(_, opened)| *opened == depth);
                depth -= 1;
            }
            "mod" if text(2) == "{" => inline.push((text(1).to_owned(), depth + 1)),
            // `pub(in crate::x)` is a visibility, not an import.
            "crate" | "super" | "self" if text(1) == "::" && before != "::" && before != "in" => {
                let mut here = module.to_vec();
                here.extend(inline.iter().map(|(name, _)| name.clone()));
                at = tree(&tokens, at, &here, &mut found);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Lists the macros that a file puts at the root of the crate by `#[macro_export]`.
pub(crate) fn exported_macros(source: &str) -> Vec<String> {
    let tokens = without_tests(tokens(source));
    let mut found = Vec::new();
    let mut exported = false;
    for window in tokens.windows(3) {
        exported |= window[0].text == "macro_export";
        if window[0].text == "macro_rules" && std::mem::take(&mut exported) {
            found.push(window[2].text.clone());
        }
    }
    found
}

/// Finds the line on which a file names a crate from outside, outside its tests and unless it has a module of that
/// name.
pub(crate) fn names_crate(source: &str, name: &str) -> Option<usize> {
    let tokens = without_tests(tokens(source));
    if tokens.windows(2).any(|pair| pair[0].text == "mod" && pair[1].text == name) {
        return None;
    }
    (0..tokens.len()).find_map(|at| {
        let text = |at: Option<usize>| at.and_then(|at| tokens.get(at)).map_or("", |token| token.text.as_str());
        let (before, after) = (text(at.checked_sub(1)), text(Some(at + 1)));
        // `::prometheus` starts at the root of all crates; `a::prometheus` is something of `a`.
        let is_first = before != "::" || !text(at.checked_sub(2)).starts_with(|c: char| c.is_alphanumeric());
        let is_path = after == "::" || before == "use" || before == "crate";
        (text(Some(at)) == name && is_first && is_path).then(|| tokens[at].line)
    })
}

/// Reads one use tree, or path, from `at` on; returns where it ends.
fn tree(tokens: &[Token], mut at: usize, base: &[String], found: &mut Vec<Import>) -> usize {
    let mut path = base.to_vec();
    let line = tokens[at].line;
    let by_macro = at.checked_sub(1).is_some_and(|before| tokens[before].text == "$");
    loop {
        match tokens.get(at).map_or("", |token| token.text.as_str()) {
            "crate" => path.clear(),
            "self" => {}
            "super" => drop(path.pop()),
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token.text != "}") {
                    at = if tokens[at].text == "," { at + 1 } else { tree(tokens, at, &path, found) };
                }
                return at + 1;
            }
            name if name.starts_with(is_word) => path.push(name.to_owned()),
            _ => {
                found.push(Import { path, line, by_macro });
                // A glob, or the `<` of a type's parameters.
                return at + 1;
            }
        }
        at += 1;
        if tokens.get(at).is_none_or(|token| token.text != "::") {
            found.push(Import { path, line, by_macro });
            // `name as other`
            return if tokens.get(at).is_some_and(|token| token.text == "as") { at + 2 } else { at };
        }
        at += 1;
    }
}

/// A word or a mark; `::` is one mark.
#[derive(Debug)]
struct Token {
    text: String,
    line: usize,
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Splits a source into tokens, without comments, strings, characters and lifetimes.
fn tokens(source: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = source;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            comment_length(rest)
        } else if let Some(length) = string_length(rest) {
            length
        } else if first == '\'' {
            character_length(rest)
        } else {
            let length = if is_word(first) {
                rest.find(|c| !is_word(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            if !first.is_whitespace() {
                found.push(Token { text: rest[..length].to_owned(), line });
            }
            length
        };
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    found
}

/// The length of a block comment; they nest.
fn comment_length(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// The length of the string that starts here, if one does: plain, byte, C or raw.
fn string_length(text: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|prefix| text.starts_with(prefix))?.len();
    let hashes = text[prefix..].bytes().take_while(|&byte| byte == b'#').count();
    let open = prefix + hashes;
    if !text[open..].starts_with('"') || (hashes > 0 && !text[..prefix].ends_with('r')) {
        return None;
    }
    if text[..prefix].ends_with('r') {
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(text[open + 1..].find(&end).map_or(text.len(), |at| open + 1 + at + end.len()));
    }
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(open + 1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    Some(text.len())
}

/// The length of a character literal, or of the mark of a lifetime.
fn character_length(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        // The character after the backslash may itself be a quote.
        (Some((_, '\\')), Some((at, escaped))) => {
            let from = at + escaped.len_utf8();
            text[from..].find('\'').map_or(text.len(), |end| from + end + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

/// Takes out the items that are there for tests alone: `#[cfg(test)]` and `#[cfg(all(test, …))]`.
fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    let starts_with = |at: usize, texts: &[&str]| {
        texts.iter().enumerate().all(|(i, text)| tokens.get(at + i).is_some_and(|token| token.text == *text))
    };
    let mut kept = vec![true; tokens.len()];
    let mut at = 0;
    while at < tokens.len() {
        if starts_with(at, &["#", "[", "cfg", "(", "test", ")"])
            || starts_with(at, &["#", "[", "cfg", "(", "all", "(", "test"])
        {
            let end = item_end(&tokens, at);
            kept[at..end].fill(false);
            at = end;
        } else {
            at += 1;
        }
    }
    tokens.into_iter().zip(kept).filter_map(|(token, kept)| kept.then_some(token)).collect()
}

/// Where the item that starts here ends: after its `;`, after the brace that closes it, or at the end of what it is in.
fn item_end(tokens: &[Token], from: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(from) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" => depth -= 1,
            "}" => {
                depth -= 1;
                // A `use` tree goes on after its brace.
                if depth < 0 || depth == 0 && tokens.get(at + 1).is_none_or(|next| next.text != ";") {
                    return at + 1;
                }
            }
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(source: &str) -> Vec<String> {
        let module = ["http".to_owned(), "layer".to_owned()];
        imports(source, &module).into_iter().map(|import| import.path.join("::")).collect()
    }

    #[test]
    fn a_tree_of_imports_is_read_to_its_leaves() {
        let source = "use crate::{metric::{self, Registry as R, label::*}, sanitise};";
        assert_eq!(paths(source), ["metric", "metric::Registry", "metric::label", "sanitise"]);
    }

    #[test]
    fn a_relative_path_leads_from_its_own_module() {
        assert_eq!(
            paths("use super::body::Body; use super::super::metric; use self::x;"),
            ["http::body::Body", "metric", "http::layer::x"]
        );
        assert_eq!(paths("mod sealed { use super::Layer; } use super::Body;"), ["http::layer::Layer", "http::Body"]);
    }

    #[test]
    fn a_path_in_code_and_in_a_macro_is_an_import() {
        assert_eq!(
            paths("fn f() -> crate::a::B<crate::c::D> { $crate::e::f!(crate::g::<T>()) }"),
            ["a::B", "c::D", "e::f", "g"]
        );
    }

    #[test]
    fn comments_strings_visibilities_and_tests_are_no_imports() {
        let source = r###"
            //! [crate::a]
            /* crate::b /* nested */ crate::b */
            pub(in crate::http) const C: (&str, &str, char) = ("\" crate::d", r#"" crate::e"#, '\'');
            #[cfg(test)] use crate::{f, g};
            #[cfg(test)] #[allow(x)] mod tests { fn f<'a>() -> &'a crate::h {} }
            use crate::kept;
        "###;
        assert_eq!(imports(source, &[]), [Import { path: vec!["kept".to_owned()], line: 7, by_macro: false }]);
    }

    #[test]
    fn a_macro_is_exported_only_when_it_says_so() {
        let source = "macro_rules! own { () => {} } #[macro_export] macro_rules! shared { () => {} }";
        assert_eq!(exported_macros(source), ["shared"]);
    }

    #[test]
    fn a_crate_is_named_by_use_or_by_path() {
        assert_eq!(names_crate("fn f() {}\nuse prometheus;", "prometheus"), Some(2));
        assert_eq!(names_crate("fn f() -> prometheus::Registry {}", "prometheus"), Some(1));
        assert_eq!(names_crate("fn f() -> ::prometheus::Registry {}", "prometheus"), Some(1));
        assert_eq!(names_crate("let prometheus = stack::prometheus::rules();", "prometheus"), None);
        assert_eq!(names_crate("mod prometheus; use prometheus::rules;", "prometheus"), None);
        assert_eq!(names_crate("#[cfg(test)] use prometheus::Registry;", "prometheus"), None);
    }
}
