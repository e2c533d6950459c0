//! Secrets in free text: what looks like a credential is masked before the text goes anywhere.

use super::truncate;

/// What stands where a secret stood.
const MASK: &str = "***";

/// The most of a text that is read, in bytes.
const MOST_READ: usize = 64 * 1024;

/// Words in a name whose value is secret: `db_password`, `X-Api-Key`.
const SECRET: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "authorization",
    "cookie",
    "credential",
    "session",
    "signature",
    "dsn",
    "bearer",
];

/// Names that are secret where they stand alone, and mean something else within another.
const SECRET_ALONE: &[&str] = &["pass", "auth", "sig", "sid", "pin", "otp", "cvv", "cvc"];

/// How well-known tokens begin.
const TOKENS: &[&str] = &["eyJ", "sk_live_", "sk-", "ghp_", "gho_", "ghs_", "github_pat_", "glpat-", "xox", "AKIA"];

/// Masks what looks like a credential in a text, and cuts it to at most `max` bytes.
///
/// Masked are: the user part and the query of an address, and those parts of its path that are not plain words; the
/// value beside a name such as `password`, `token`, `Authorization` or `Cookie`, in any of the usual notations; what
/// follows `Bearer` and `Basic`; tokens of well-known forms; `user:password@host` without a scheme; the query of a
/// path; and the values in Postgres' `Key (email)=(…)`. A secret that looks like any other word is not recognised. Of
/// a text longer than 64 KiB the rest is left out.
///
/// ```
/// use watchkeeper::sanitise::redact;
///
/// let text = "postgres://ada:s3cret@db/shop?sslkey=x refused password=hunter2";
/// assert_eq!(redact(text, 512), "postgres://***@db/shop?*** refused password=***");
/// ```
pub fn redact(text: &str, max: usize) -> String {
    let mut scan = Scan { text: truncate(text, MOST_READ), at: 0, out: String::new(), word: 0 };
    while scan.at < scan.text.len() && scan.out.len() < max.saturating_add(MASK.len()) {
        scan.step();
    }
    let end = truncate(&scan.out, max).len();
    scan.out.truncate(end);
    scan.out
}

/// Tells whether a name says that its value is secret: `password`, `X-Api-Key`, `refreshToken`.
///
/// ```
/// assert!(watchkeeper::sanitise::is_secret_name("db_password"));
/// assert!(!watchkeeper::sanitise::is_secret_name("table"));
/// ```
pub fn is_secret_name(name: &str) -> bool {
    let name: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).take(128).collect();
    SECRET_ALONE.contains(&name.as_str()) || SECRET.iter().any(|word| name.contains(word))
}

/// One reading of a text, from its start to its end.
struct Scan<'a> {
    text: &'a str,
    at: usize,
    out: String,
    /// Where the word that is being read begins in what is written.
    word: usize,
}

impl<'a> Scan<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn step(&mut self) {
        let rest = self.rest();
        let name = rest.len() - rest.trim_start_matches(is_name).len();
        if name > 0 {
            return self.name(&rest[..name]);
        }
        if rest.starts_with(")=(") {
            return self.mask(")=(", rest.find(')').map_or(rest.len(), |_| end_of(&rest[3..], |c| c == ')') + 3));
        }
        let Some(c) = rest.chars().next() else { return };
        let word = &self.out[self.word..];
        match c {
            '?' if word.contains('/') && end_of_word(&rest[1..]) > 0 => {
                return self.mask("?", 1 + end_of_word(&rest[1..]));
            }
            '@' if word.contains(':') => {
                self.out.truncate(self.word);
                self.out.push_str(MASK);
            }
            _ => {}
        }
        self.copy(c.len_utf8());
        if ends_word(c) {
            self.word = self.out.len();
        }
    }

    /// Reads a name, and what it says of what follows it.
    fn name(&mut self, name: &str) {
        let after = &self.rest()[name.len()..];
        if after.starts_with("://") {
            return self.address(name.len());
        }
        if TOKENS.iter().any(|token| name.starts_with(token)) && name.len() >= 12 {
            return self.mask("", end_of(self.rest(), |c| !(is_name(c) || "+/=~".contains(c))));
        }
        self.copy(name.len());
        let scheme = ["bearer", "basic", "digest"].iter().any(|scheme| name.eq_ignore_ascii_case(scheme));
        let value = after.strip_prefix(' ').map_or(0, |value| end_of(value, |c| !(is_name(c) || "+/=~".contains(c))));
        if scheme && value >= 6 {
            return self.mask(" ", 1 + value);
        }
        if is_secret_name(name)
            && let Some((before, value)) = value_of(name, after)
        {
            let kept = &after[..before];
            self.mask(kept, before + value);
        }
    }

    /// Reads an address with a scheme of so many bytes.
    fn address(&mut self, scheme: usize) {
        let whole = &self.rest()[..end_of_word(self.rest())];
        self.copy(scheme + 3);
        let mut rest = &whole[scheme + 3..];
        if let Some(user) = rest.rfind('@') {
            self.out.push_str(MASK);
            rest = &rest[user..];
        }
        let end = end_of(rest, |c| "?#".contains(c));
        for (n, part) in rest[..end].split('/').enumerate() {
            if n > 0 {
                self.out.push('/');
            }
            let plain =
                part.len() <= 4 || (part.len() <= 32 && !part.contains(|c: char| c.is_ascii_digit() || c == '%'));
            self.out.push_str(if n == 0 || plain { part } else { MASK });
        }
        if end < rest.len() {
            self.out.push_str(&rest[end..=end]);
            self.out.push_str(MASK);
        }
        self.at += whole.len() - scheme - 3;
    }

    fn copy(&mut self, bytes: usize) {
        self.out.push_str(&self.rest()[..bytes]);
        self.at += bytes;
    }

    /// Writes a mask for so many bytes, of which the first, which are not secret, are kept.
    fn mask(&mut self, kept: &str, bytes: usize) {
        self.out.push_str(kept);
        self.out.push_str(MASK);
        self.at += bytes;
    }
}

/// Finds the value beside a secret name: where it begins, and how long it is. `None` where there is none.
fn value_of(name: &str, after: &str) -> Option<(usize, usize)> {
    let mut value = after.trim_start_matches(['"', '\'', '\\', ']']).trim_start_matches(' ');
    value = value.strip_prefix([':', '='])?.trim_start_matches(['>', '=', ' ', '\t']);
    // `Some("…")`, `String("…")`.
    if let Some(open) = value.find('(')
        && value[..open].bytes().all(|b| b.is_ascii_alphabetic())
    {
        value = &value[open + 1..];
    }
    value = value.trim_start_matches('\\');
    let before = |value: &str| after.len() - value.len();
    if let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let inside = &value[1..];
        return Some((before(inside), end_of_quoted(inside, quote)));
    }
    // A header's value goes on to the end of its line.
    let header = name.to_ascii_lowercase();
    let long = header.contains("authorization") || header.contains("cookie");
    let end = end_of(value, |c| match c {
        '\n' | '\r' | '"' => true,
        _ if long => false,
        _ => c.is_whitespace() || ",;&)}]".contains(c),
    });
    (end > 0).then(|| (before(value), end))
}

fn end_of_quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    end_of(text, |c| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })
}

/// Returns how much of a text comes before a character of this kind, or all of it.
fn end_of(text: &str, kind: impl FnMut(char) -> bool) -> usize {
    text.find(kind).unwrap_or(text.len())
}

fn end_of_word(text: &str) -> usize {
    end_of(text, ends_word)
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '"' | '<' | '>' | '`' | '\\')
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        redact(text, 4096)
    }

    #[test]
    fn an_address_keeps_its_host_and_plain_path() {
        for (text, shown) in [
            ("https://key9@errors.example.org/1", "https://***@errors.example.org/1"),
            ("dial postgres://u:p/w?x@db:5432/shop: refused", "dial postgres://***@db:5432/shop: refused"),
            ("(https://h/services/T012345/x9x9x9)", "(https://h/services/***/***"),
            ("GET https://h/a?t=1&u=2#f failed", "GET https://h/a?*** failed"),
            ("see http://h/#t0ken", "see http://h/#***"),
            ("redis://127.0.0.1:6379 is down", "redis://127.0.0.1:6379 is down"),
            ("url=\"amqp://u:p@mq/v\" x", "url=\"amqp://***@mq/v\" x"),
        ] {
            assert_eq!(masked(text), shown, "{text}");
        }
    }

    #[test]
    fn the_value_beside_a_secret_name_is_masked_in_every_notation() {
        for text in [
            "password=hunter2",
            "PGPASSWORD: hunter2",
            "{\"access_token\":\"hunter2\"}",
            "{\\\"access_token\\\": \\\"hunter2\\\"}",
            "Login { user: \"ada\", password: Some(\"hunter2\") }",
            "Secret(hunter2) secret: Token(hunter2)",
            "api-key => 'hunter2'",
            "X-Api-Key: hunter2, hello",
            "Authorization: Basic aHVudGVyMg==hunter2",
            "authorization: Digest user=hunter2, nonce=hunter2",
            "cookie: a=hunter2; b=hunter2",
            "Bearer hunter2",
            "token eyJhbGciOiJ.hunter2.hunter2",
            "ada:hunter2@db is down",
            "GET /login?next=hunter2 failed",
            "Key (email)=(hunter2) already exists.",
            "pass=hunter2&x=1",
        ] {
            let shown = masked(text);
            let told = shown.replace("Secret(hunter2) ", "");
            assert!(!told.contains("hunter2") && shown.contains(MASK), "{text} is shown as {shown}");
        }
    }

    #[test]
    fn plain_text_stays_as_it_is() {
        for text in [
            "the warehouse does not answer",
            "index out of bounds: the len is 3 but the index is 7",
            "assertion `left == right` failed\n  left: 1\n right: 2",
            "connection refused (os error 111)",
            "no such file: /etc/shop/config.toml",
            "basic auth failed",
            "what? no: naïve \u{1F980}",
            "token expired",
            "ada@example.org",
        ] {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn a_text_is_cut_and_a_secret_at_the_cut_is_not_shown() {
        let text = format!("{}password={}", "x".repeat(90), "z".repeat(100_000));
        assert!(redact(&text, 100).len() <= 100);
        assert!(!redact(&text, 120).contains("zz"));
        assert!(!redact(&format!("postgres://u:{}@db", "p".repeat(400)), 64).contains("pp"));
    }

    #[test]
    fn any_text_at_all_is_read_without_a_panic_and_a_secret_is_masked_wherever_it_stands() {
        // It is read within the panic hook too, where a panic would end the process.
        const PIECES: &[&str] = &[
            "password",
            "=",
            ":",
            "\"",
            "'",
            "\\",
            "\\\"",
            "://",
            "@",
            "?",
            "#",
            "/",
            " ",
            "\n",
            "(",
            ")",
            ")=(",
            "Bearer ",
            "Some(",
            "é",
            "\u{1F980}",
            "\u{2028}",
            "\0",
            "token",
            "cookie",
            "eyJhbGciOiJ",
            "=>",
            "a",
            "https",
            "{",
            "}",
            "%",
            "[",
            "]",
            ",",
            ";",
            "&",
            "x.y",
            "-",
            "_",
            "0",
            "basic ",
        ];
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = |below: usize| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random % below as u64) as usize
        };
        for _ in 0..30_000 {
            let text: String = (0..next(16)).map(|_| PIECES[next(PIECES.len())]).collect();
            let _ = redact(&text, next(64));
            let (before, after) = text.split_at(truncate(&text, text.len() / 2).len());
            for (open, close) in [(" postgres://u:", "@h "), (" password=", " "), (" Authorization: Bearer ", "\n")] {
                let shown = masked(&format!("{before}{open}hunter2{close}{after}"));
                assert!(!shown.contains("hunter2"), "{before:?} {open:?} {after:?} is shown as {shown:?}");
            }
        }
    }

    #[test]
    fn a_hostile_text_takes_linear_time() {
        for text in ["a:".repeat(32_000), "://".repeat(21_000), "password=".repeat(7_000), "@?".repeat(32_000)] {
            let start = std::time::Instant::now();
            let _ = redact(&text, usize::MAX);
            assert!(start.elapsed() < std::time::Duration::from_secs(2), "{}", &text[..8]);
        }
    }
}
