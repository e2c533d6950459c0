//! Masking: fields whose name says that their value is secret.

use std::sync::atomic::{AtomicUsize, Ordering};

/// What stands where a secret would.
pub(super) const MASK: &str = "***";

/// Names of fields that are masked, unless the app says otherwise.
///
/// A field is masked when one of these is a word of its name, or several words in a row: `db_password`, `x-api-key` and
/// `userToken` are, `tokenizer` and `apikeys_total` are not.
pub const MASKED_FIELDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "secrets",
    "token",
    "tokens",
    "authorization",
    "cookie",
    "cookies",
    "set_cookie",
    "api_key",
    "apikey",
    "access_key",
    "private_key",
    "credential",
    "credentials",
    "bearer",
    "jwt",
    "otp",
    "pin",
    "cvv",
    "cvc",
    "dsn",
];

/// Which fields a layer masks.
#[derive(Debug)]
pub(super) struct Masking {
    /// The names without what stands between their words, in lower case.
    names: Vec<String>,
    /// Tells this layer from others.
    id: usize,
}

impl Masking {
    pub(super) fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        let names = names.into_iter().map(|name| words(name).concat()).filter(|name| !name.is_empty());
        Self { names: names.collect(), id: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    /// Returns what tells the layer from others.
    pub(super) fn id(&self) -> usize {
        self.id
    }

    /// Tells whether a field of this name is masked.
    pub(super) fn masks(&self, name: &str) -> bool {
        let words = words(name);
        (0..words.len()).any(|start| {
            let mut run = String::new();
            words[start..].iter().any(|word| {
                run.push_str(word);
                self.names.contains(&run)
            })
        })
    }
}

/// Splits a name into its words, in lower case: at what is neither a letter nor a digit, and before a capital letter
/// that follows a small one.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for c in name.chars() {
        let last = words.len() - 1;
        if (!c.is_alphanumeric() || c.is_uppercase() && small) && !words[last].is_empty() {
            words.push(String::new());
        }
        if c.is_alphanumeric() {
            let last = words.len() - 1;
            words[last].extend(c.to_lowercase());
        }
        small = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::super::human::Human;
    use super::super::json::Json;
    use super::super::written::logged;
    use super::*;
    use tracing::{field, info, info_span};

    #[test]
    fn a_name_is_masked_by_its_words() {
        let masking = Masking::of(MASKED_FIELDS.iter().copied());
        for name in [
            "password",
            "PASSWORD",
            "db_password",
            "dbPassword",
            "user.token",
            "x-api-key",
            "apiKey",
            "API_KEY",
            "Set-Cookie",
            "http.request.header.authorization",
            "r#token",
        ] {
            assert!(masking.masks(name), "{name} is masked");
        }
        for name in ["tokenizer", "passwordless", "pinned", "apikeys_total", "message", "", "---", "é", "spinner"] {
            assert!(!masking.masks(name), "{name} is not masked");
        }
    }

    #[test]
    fn a_list_of_ones_own_takes_the_place_of_the_defaults() {
        let masking = Masking::of(["iban", "Card Number"]);
        let masked = ["iban", "customer_iban", "card_number", "cardNumber", "password"].map(|name| masking.masks(name));
        assert_eq!(masked, [true, true, true, true, false]);
    }

    #[test]
    fn a_secret_is_in_no_line_whatever_its_kind() {
        fn log() {
            let span = info_span!("login", password = "hunter2", api_key = field::Empty, user = "ann").entered();
            span.record("api_key", "hunter2");
            info!(token = ?"hunter2", secret = %"hunter2", pin = 4711, otp = 47.11, cookie = true, kept = "here", "x");
        }
        for lines in [logged::<Json>(log), logged::<Human>(log)] {
            assert!(
                !lines[0].contains("hunter2") && !lines[0].contains("47"),
                "{}",
                lines[0].split(" at ").next().unwrap()
            );
            assert_eq!(lines[0].matches(MASK).count(), if lines[0].starts_with('{') { 9 } else { 7 }, "{}", lines[0]);
            assert!(lines[0].contains("here") && lines[0].contains("ann"));
        }
    }
}
