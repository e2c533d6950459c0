//! YAML, written the way people write rule files: two spaces, no quotes where none are needed, long queries as blocks.

use std::fmt::Write;

/// A value of a configuration file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Yaml {
    /// Text, quoted where it could be read as something else.
    Text(String),
    /// A number, or `true` and `false`: written as it is.
    Plain(String),
    /// Text over lines of its own.
    Block(String),
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>),
}

impl Yaml {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn plain(value: impl ToString) -> Self {
        Self::Plain(value.to_string())
    }

    /// A list of texts.
    pub(super) fn texts(texts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::List(texts.into_iter().map(Self::text).collect())
    }

    /// A map in the order given.
    pub(super) fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Yaml)>) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// Writes a file: a comment first, then the value.
    pub(super) fn file(&self, comment: &str) -> String {
        let mut out = String::new();
        for line in comment.lines() {
            out += format!("# {line}").trim_end();
            out.push('\n');
        }
        self.write(&mut out, 0);
        out
    }

    fn write(&self, out: &mut String, indent: usize) {
        match self {
            Self::Map(entries) => {
                for (key, value) in entries {
                    let _ = write!(out, "{:indent$}{}:", "", scalar(key));
                    value.write_after(out, indent + 2);
                }
            }
            Self::List(items) => {
                for item in items {
                    let _ = write!(out, "{:indent$}-", "");
                    match item {
                        Self::Map(entries) if !entries.is_empty() => {
                            // The first key stands beside the dash.
                            let mut text = String::new();
                            item.write(&mut text, indent + 2);
                            out.push(' ');
                            out.push_str(text.trim_start());
                        }
                        item => item.write_after(out, indent + 2),
                    }
                }
            }
            scalar => scalar.write_after(out, indent),
        }
    }

    /// Writes the value after a key or a dash.
    fn write_after(&self, out: &mut String, indent: usize) {
        match self {
            Self::Map(entries) if entries.is_empty() => out.push_str(" {}\n"),
            Self::List(items) if items.is_empty() => out.push_str(" []\n"),
            Self::Map(_) | Self::List(_) => {
                out.push('\n');
                self.write(out, indent);
            }
            Self::Text(text) => {
                let _ = writeln!(out, " {}", scalar(text));
            }
            Self::Plain(text) => {
                let _ = writeln!(out, " {text}");
            }
            Self::Block(text) if fits_a_block(text) => {
                out.push_str(" |-\n");
                for line in text.lines() {
                    let _ = writeln!(out, "{:indent$}{line}", "");
                }
            }
            Self::Block(text) => {
                let _ = writeln!(out, " {}", quoted(text));
            }
        }
    }
}

/// A block keeps its lines as they are, so they must have no blanks at their ends and nothing to escape.
fn fits_a_block(text: &str) -> bool {
    let clean = |line: &str| !line.is_empty() && line.trim() == line;
    !text.is_empty()
        && text.lines().all(clean)
        && !text.ends_with('\n')
        && text
            .chars()
            .all(|c| c == '\n' || (!c.is_control() && !matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')))
}

fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// Tells whether text is read as the same text without quotes, by readers of YAML 1.1 and 1.2.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 10] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "~"];
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ':' | '@');
    let first = text.chars().next();
    first.is_some_and(|c| c.is_ascii_alphabetic() || c == '_' || c == '/')
        && text.chars().all(fits)
        && !text.ends_with(':')
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
        || is_duration(text)
}

/// A duration such as `5m`, which no reader takes for a number.
fn is_duration(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && matches!(&text[digits..], "ms" | "s" | "m" | "h" | "d" | "w")
}

fn quoted(text: &str) -> String {
    // Single quotes know no escapes, so double ones and backslashes are read as they are.
    if text.contains(['"', '\\']) && !text.chars().any(|c| c == '\'' || !(' '..='~').contains(&c)) {
        return format!("'{text}'");
    }
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_looks_as_people_write_it() {
        let rule = Yaml::map([
            ("alert", Yaml::text("ItBurns")),
            ("expr", Yaml::Block("a{b=\"c\"} > 1\nand d".to_owned())),
            ("for", Yaml::text("5m")),
            ("labels", Yaml::map([("severity", Yaml::text("critical"))])),
        ]);
        let group = Yaml::map([("name", Yaml::text("fire")), ("rules", Yaml::List(vec![rule]))]);
        let file = Yaml::map([("groups", Yaml::List(vec![group])), ("none", Yaml::List(vec![]))]);
        let text = "# Made by hand.\n\
                    groups:\n  - name: fire\n    rules:\n      - alert: ItBurns\n        expr: |-\n          \
                    a{b=\"c\"} > 1\n          and d\n        for: 5m\n        labels:\n          severity: critical\n\
                    none: []\n";
        assert_eq!(file.file("Made by hand."), text);
    }

    #[test]
    fn what_could_be_read_as_something_else_is_quoted() {
        for text in [
            "",
            "1",
            "1.5",
            "0x1f",
            "1e3",
            "yes",
            "No",
            "null",
            "~",
            "a: b",
            "a:",
            ":a",
            "#a",
            "a #b",
            "- a",
            "{{ x }}",
            "[a]",
            "a\nb",
            "*",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a`",
            "'",
            "\"",
            "\\",
            "\t",
            "é",
            "10:30",
            "2024-01-01",
            " a",
            "a ",
            "-",
            "5min",
            "\u{0}",
            "\u{85}",
            "\u{2028}",
        ] {
            let written = scalar(text);
            assert!(written.starts_with(['"', '\'']) && written.ends_with(['"', '\'']), "{text:?}: {written}");
        }
        for text in [
            "api",
            "/metrics",
            "alerts-critical",
            "5m",
            "30d",
            "prometheus.yml",
            "_x",
            "localhost:9090",
            "http://a/b",
            "a@b",
            "a:b:c",
        ] {
            assert_eq!(scalar(text), text);
        }
    }

    /// Text of the characters that mean something to YAML, and of some that do not.
    fn text(random: &mut u64) -> String {
        const CHARACTERS: [&str; 42] = [
            "a", "b", "Z", "0", "9", " ", " ", ":", ": ", "#", " #", "-", "- ", "?", "!", "&", "*", "%", "@", "`", "'",
            "\"", "\\", "|", ">", "{", "}", "[", "]", ",", "=", "~", "\n", "\t", "é", "雪", "\u{85}", "\u{2028}", "_",
            ".", "/", "\u{1b}",
        ];
        let mut next = || {
            *random ^= *random << 13;
            *random ^= *random >> 7;
            *random ^= *random << 17;
            usize::try_from(*random % 1_000).expect("less than a thousand")
        };
        let length = next() % 8;
        (0..length).map(|_| CHARACTERS[next() % CHARACTERS.len()]).collect()
    }

    #[test]
    fn another_parser_reads_every_text_as_it_was() {
        let mut random = 0x2545_f491_4f6c_dd1d;
        for round in 0..20_000 {
            let [key, plain, block, item] = [(); 4].map(|()| text(&mut random));
            let list = Yaml::List(vec![Yaml::text(&item), Yaml::map([(key.as_str(), Yaml::Block(block.clone()))])]);
            let file = Yaml::map([("list", list), ("text", Yaml::text(&plain))]).file("A file.");
            let read =
                yaml_rust2::YamlLoader::load_from_str(&file).unwrap_or_else(|error| panic!("{round}: {error}\n{file}"));
            let file_read = &read[0];
            assert_eq!(file_read["text"].as_str(), Some(plain.as_str()), "{file}");
            assert_eq!(file_read["list"][0].as_str(), Some(item.as_str()), "{file}");
            assert_eq!(file_read["list"][1][key.as_str()].as_str(), Some(block.as_str()), "{file}");
        }
    }

    #[test]
    fn a_block_that_would_change_is_quoted() {
        for text in ["", " a", "a ", "a\n", "a\n\nb", "a\tb", "a\u{2028}b"] {
            assert!(!fits_a_block(text), "{text:?}");
        }
        let mut out = String::new();
        Yaml::Block("a\n".to_owned()).write_after(&mut out, 0);
        assert_eq!(out, " \"a\\n\"\n");
    }
}
