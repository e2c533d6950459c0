//! Signatures of webhooks, by the rules of Standard Webhooks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
#[cfg(feature = "alerting")]
use subtle::ConstantTimeEq;

/// A secret that both sides know.
#[derive(Clone)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    /// Reads a secret: `whsec_` and base64, or any other text as it is; `None` where it is empty or no base64.
    pub(crate) fn read(secret: &str) -> Option<Self> {
        let key = match secret.strip_prefix("whsec_") {
            Some(encoded) => BASE64.decode(encoded).ok()?,
            None => secret.as_bytes().to_vec(),
        };
        (!key.is_empty()).then_some(Self(key))
    }

    /// Signs a message: `v1,` and the HMAC-SHA256 over `id.timestamp.body` in base64.
    pub(crate) fn sign(&self, message: &str, seconds: i64, body: &[u8]) -> String {
        format!(
            "v1,{}",
            BASE64.encode(self.mac(&[message.as_bytes(), b".", seconds.to_string().as_bytes(), b".", body]))
        )
    }

    /// Tells whether one of the signatures in a header, parted by spaces, is that of a message.
    #[cfg(feature = "alerting")]
    pub(crate) fn is_signed(&self, signatures: &str, message: &str, seconds: i64, body: &[u8]) -> bool {
        let expected = self.sign(message, seconds, body);
        // Each is compared, so that how long it takes says nothing.
        signatures.split(' ').fold(false, |found, one| found | bool::from(one.as_bytes().ct_eq(expected.as_bytes())))
    }

    /// Tells whether a signature in hexadecimal digits is that of `timestamp:body`, as Grafana signs.
    #[cfg(feature = "alerting")]
    pub(crate) fn is_signed_in_hex(&self, signature: &str, timestamp: &str, body: &[u8]) -> bool {
        let mac = match timestamp {
            "" => self.mac(&[body]),
            timestamp => self.mac(&[timestamp.as_bytes(), b":", body]),
        };
        let expected: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        bool::from(expected.as_bytes().ct_eq(signature.to_ascii_lowercase().as_bytes()))
    }

    fn mac(&self, parts: &[&[u8]]) -> Vec<u8> {
        // A key of any length is taken.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return Vec::new() };
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn a_signature_is_that_of_standard_webhooks() {
        let key = Key::read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
