//! The method label: the standard's methods, and one value for all others.

use crate::presets::http::Method;

impl From<&http::Method> for Method {
    fn from(method: &http::Method) -> Self {
        match *method {
            http::Method::GET => Self::Get,
            http::Method::HEAD => Self::Head,
            http::Method::POST => Self::Post,
            http::Method::PUT => Self::Put,
            http::Method::DELETE => Self::Delete,
            http::Method::PATCH => Self::Patch,
            http::Method::OPTIONS => Self::Options,
            http::Method::CONNECT => Self::Connect,
            http::Method::TRACE => Self::Trace,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_the_standard_does_not_know_is_other() {
        for (name, label) in [("GET", "GET"), ("PATCH", "PATCH"), ("get", "other"), ("BREW", "other")] {
            let method = http::Method::from_bytes(name.as_bytes()).unwrap();
            assert_eq!(Method::from(&method).as_str(), label);
        }
    }
}
