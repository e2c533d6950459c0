//! The address of a database: what the driver reads of it, and what it says of TLS, which the driver reads in part.

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

/// Says what is wrong with a database's address; the address itself is not shown, since it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}, but {wrong}", Self::WANTED)]
pub struct InvalidDatabaseUrl {
    pub(crate) wrong: String,
}

impl InvalidDatabaseUrl {
    pub(crate) const WANTED: &str = "a Postgres address is postgres://user:password@host:port/database";

    pub(super) fn new(wrong: impl Into<String>) -> Self {
        Self { wrong: wrong.into() }
    }
}

/// An address, taken apart.
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) tls: TlsSettings,
}

/// What an address says of TLS, as it stands there.
#[derive(Debug, Default)]
pub(super) struct TlsSettings {
    pub(super) mode: Option<String>,
    /// A file of certificates, or `system`.
    pub(super) roots: Option<String>,
    /// The files of the certificate and the key that show who we are.
    pub(super) certificate: Option<String>,
    pub(super) key: Option<String>,
}

impl Address {
    /// Reads an address. Sockets in the file system need no TLS, whatever it says of that.
    pub(super) fn read(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        let unreadable = || InvalidDatabaseUrl::new("it cannot be read as one");
        let mut tls = TlsSettings::default();
        let rest = tls.take_from(text.trim()).ok_or_else(unreadable)?;
        let mut config: Config = rest.parse().map_err(|_| unreadable())?;
        if config.get_hosts().is_empty() {
            return Err(InvalidDatabaseUrl::new("it has no host"));
        }
        if config.get_hosts().iter().all(|host| !matches!(host, Host::Tcp(_))) {
            tls = TlsSettings { mode: Some("disable".to_owned()), ..TlsSettings::default() };
        }
        config.ssl_mode(SslMode::Disable);
        Ok(Self { config, tls })
    }
}

impl TlsSettings {
    /// Takes the settings of TLS out of an address, and returns the rest of it.
    fn take_from(&mut self, address: &str) -> Option<String> {
        let is_url = address.starts_with("postgres://") || address.starts_with("postgresql://");
        if !is_url {
            return self.take_pairs(settings(address)?, "", ' ');
        }
        // As the driver reads it: a password may hold a question mark.
        let host = address.find('@').unwrap_or_default();
        let Some(query) = address[host..].find('?').map(|at| host + at) else { return Some(address.to_owned()) };
        let pairs = address[query + 1..].split('&').map(|pair| (pair.split('=').next().unwrap_or_default(), pair));
        self.take_pairs(pairs.collect(), &address[..=query], '&')
    }

    /// Takes our own of some settings, each with its name and as it stands there, and puts the others behind `front`.
    fn take_pairs(&mut self, pairs: Vec<(&str, &str)>, front: &str, between: char) -> Option<String> {
        let mut rest = front.to_owned();
        for (name, pair) in pairs {
            let ours = match name {
                "sslmode" => &mut self.mode,
                "sslrootcert" => &mut self.roots,
                "sslcert" => &mut self.certificate,
                "sslkey" => &mut self.key,
                _ => {
                    rest.extend([pair, between.encode_utf8(&mut [0; 4])]);
                    continue;
                }
            };
            // The driver takes escapes away as it does elsewhere in the address: under the name of a setting that takes any text.
            let value = pair.split_once('=')?.1.trim_start();
            let alone = match between {
                '&' => format!("postgres://host?application_name={value}"),
                _ => format!("application_name={value}"),
            };
            *ours = alone.parse::<Config>().ok()?.get_application_name().map(str::to_owned);
        }
        rest.truncate(rest.trim_end_matches(['&', '?', ' ']).len());
        Some(rest)
    }
}

/// Splits `host=db user='a b'` into settings, each with its name and as it stands there.
fn settings(text: &str) -> Option<Vec<(&str, &str)>> {
    let (mut settings, mut rest) = (Vec::new(), text.trim());
    while !rest.is_empty() {
        let equals = rest.find('=')?;
        let value = rest[equals + 1..].trim_start();
        let (quote, body) = value.strip_prefix('\'').map_or((None, value), |body| (Some('\''), body));
        let mut is_escaped = false;
        let ends = |c: char| {
            if std::mem::take(&mut is_escaped) {
                return false;
            }
            is_escaped = c == '\\';
            quote.map_or(c.is_whitespace(), |quote| c == quote)
        };
        let end = body.find(ends).map_or(body.len(), |end| end + quote.map_or(0, char::len_utf8));
        let after = &body[end..];
        settings.push((rest[..equals].trim_end(), &rest[..rest.len() - after.len()]));
        rest = after.trim_start();
    }
    Some(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_says_of_tls_is_taken_out_and_the_rest_stays() {
        for (address, mode, roots) in [
            ("postgres://ada:s3cret@db:5433/shop", None, None),
            ("postgres://ada:s3cret@db:5433/shop?sslmode=require", Some("require"), None),
            ("postgresql://ada:s3cret@db:5433/shop?sslrootcert=%2Fa%20b.crt&options=x", None, Some("/a b.crt")),
            ("postgres://ada:s3cret@db:5433/shop?options=a%26b&sslmode=allow", Some("allow"), None),
            (" host=db port=5433 user=ada password=s3cret dbname=shop ", None, None),
            ("host=db port=5433 sslmode = 'require' user=ada password=s3cret dbname=shop", Some("require"), None),
            (
                r"host=db user=ada sslrootcert='/a b\'.crt' password=s3cret dbname=shop port=5433",
                None,
                Some("/a b'.crt"),
            ),
            (r"host=db user=ada password=s3cret dbname=shop port=5433 sslrootcert=/a\ b", None, Some("/a b")),
        ] {
            let read = Address::read(address).unwrap_or_else(|error| panic!("{address}: {error}"));
            assert_eq!((read.tls.mode.as_deref(), read.tls.roots.as_deref()), (mode, roots), "{address}");
            let config = read.config;
            assert_eq!(
                (config.get_user(), config.get_dbname(), config.get_ports()),
                (Some("ada"), Some("shop"), &[5433u16][..])
            );
            assert_eq!(
                (config.get_hosts(), config.get_password()),
                (&[Host::Tcp("db".into())][..], Some(&b"s3cret"[..]))
            );
        }
        let odd = Address::read("postgres://ada:what?sslmode=require@db/shop").unwrap();
        assert_eq!((odd.tls.mode, odd.config.get_password()), (None, Some(&b"what?sslmode=require"[..])));
        let quoted = Address::read(r"host=db password='a sslmode=require \' b' user=ada").unwrap();
        assert_eq!((quoted.tls.mode, quoted.config.get_password()), (None, Some(&b"a sslmode=require ' b"[..])));
    }

    #[test]
    fn a_socket_of_the_file_system_needs_no_tls() {
        for address in
            ["host=/run/postgresql sslmode=require", "postgres://%2Frun%2Fpostgresql/shop?sslmode=verify-full"]
        {
            assert_eq!(Address::read(address).unwrap().tls.mode.as_deref(), Some("disable"));
        }
    }

    #[test]
    fn an_address_that_leads_nowhere_is_refused_without_being_repeated() {
        for (address, why) in [
            ("s3cret", "it cannot be read as one"),
            ("postgres://ada:s3cret@db:x/shop", "it cannot be read as one"),
            ("postgres://ada:s3cret@db/shop?sslmode", "it cannot be read as one"),
            ("host=db password='s3cret", "it cannot be read as one"),
            ("", "it has no host"),
        ] {
            let said = Address::read(address).map(|_| ()).unwrap_err().to_string();
            assert!(said.contains(why) && !said.contains("s3cret"), "{said}");
        }
    }
}
