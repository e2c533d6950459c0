//! TLS to a server: what of its certificate is checked, and by which roots.

use std::fmt::Display;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::{InvalidDatabaseUrl, TlsSettings};
use super::server::Mode;

/// Makes the TLS of connections.
pub(super) type Connector = MakeRustlsConnect;

/// What a server of release 17 or newer has to hear when TLS begins at once.
const PROTOCOL: &[u8] = b"postgresql";

/// Makes what a mode and its settings ask for; none without TLS. Files are read here and now.
pub(super) fn connector(mode: Mode, settings: &TlsSettings) -> Result<Option<Connector>, InvalidDatabaseUrl> {
    if mode == Mode::Disable {
        return Ok(None);
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = verifier(mode, settings, &provider)?;
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(because("TLS cannot be had"))?;
    let config = config.dangerous().with_custom_certificate_verifier(verifier);
    let mut config = match (&settings.certificate, &settings.key) {
        (None, None) => config.with_no_client_auth(),
        (Some(certificate), Some(key)) => {
            let key = PrivateKeyDer::from_pem_file(key).map_err(because("its sslkey cannot be read"))?;
            let chain = certificates(certificate, "its sslcert cannot be read")?;
            config.with_client_auth_cert(chain, key).map_err(because("its sslcert and sslkey cannot be used"))?
        }
        _ => return Err(InvalidDatabaseUrl::new("of sslcert and sslkey it has but one")),
    };
    config.alpn_protocols = vec![PROTOCOL.to_vec()];
    Ok(Some(MakeRustlsConnect::new(config)))
}

/// Says who decides about the server's certificate.
fn verifier(
    mode: Mode,
    settings: &TlsSettings,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, InvalidDatabaseUrl> {
    let roots = match (mode, settings.roots.as_deref()) {
        (Mode::VerifyFull, None | Some("system")) => Some(public_roots()),
        (_, Some("system")) => {
            return Err(InvalidDatabaseUrl::new("with sslrootcert=system its sslmode has to be verify-full"));
        }
        (Mode::VerifyCa, None) => {
            return Err(InvalidDatabaseUrl::new("with sslmode=verify-ca it has to name an sslrootcert"));
        }
        (Mode::Disable | Mode::Prefer, Some(_)) => {
            let weak = "with an sslrootcert its sslmode has to be require, verify-ca or verify-full";
            return Err(InvalidDatabaseUrl::new(weak));
        }
        (_, Some(file)) => Some(roots(file)?),
        (_, None) => None,
    };
    if let (Mode::VerifyFull, Some(roots)) = (mode, &roots) {
        let strict = WebPkiServerVerifier::builder_with_provider(Arc::new(roots.clone()), Arc::clone(provider)).build();
        return Ok(strict.map_err(because("its sslrootcert cannot be used"))?);
    }
    Ok(Arc::new(Lenient { roots, algorithms: provider.signature_verification_algorithms }))
}

/// The authorities that browsers trust, as of this library's release.
fn public_roots() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

fn roots(file: &str) -> Result<RootCertStore, InvalidDatabaseUrl> {
    const WRONG: &str = "its sslrootcert cannot be read";
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file, WRONG)? {
        roots.add(certificate).map_err(because(WRONG))?;
    }
    Ok(roots)
}

/// Reads the certificates of a file, at least one.
fn certificates(file: &str, wrong: &'static str) -> Result<Vec<CertificateDer<'static>>, InvalidDatabaseUrl> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let read = read.map_err(because(wrong))?;
    if read.is_empty() {
        return Err(because(wrong)("it holds no certificate"));
    }
    Ok(read)
}

fn because<E: Display>(wrong: &'static str) -> impl Fn(E) -> InvalidDatabaseUrl {
    move |error| InvalidDatabaseUrl::new(format!("{wrong}: {error}"))
}

/// Takes any server's certificate, or any that the roots vouch for, whatever name it has: `sslmode` has such modes, and who
/// names one of them asks for it. That the server has the certificate's key is checked all the same.
#[derive(Debug)]
struct Lenient {
    roots: Option<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(roots) = &self.roots {
            let certificate = ParsedCertificate::try_from(certificate)?;
            let algorithms = self.algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, algorithms)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
