//! Settings, from the standard's variables.

use std::str::FromStr;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use super::error::OtlpError;
use super::http::HttpTransport;
use super::sampler::Sampler;
use super::sender::Pace;
use super::signal::{LOGS, Pair, Signal, TRACES};
use super::transport::Transport;
use crate::environment::Environment;
use crate::trace::{Propagators, UnknownPropagator};

/// Everything that the environment says about traces, read.
pub(super) struct Settings {
    pub(super) transport: TransportSettings,
    pub(super) sampler: Sampler,
    pub(super) pace: Pace,
    pub(super) max_queue_size: u64,
    pub(super) propagators: Propagators,
}

/// How requests travel.
pub(super) struct TransportSettings {
    signal: Signal,
    protocol: Protocol,
    endpoint: Uri,
    headers: HeaderMap,
    gzip: bool,
    /// What to trust instead of the public authorities, as PEM.
    roots: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http,
    Grpc,
}

impl Settings {
    /// Reads the variables; `None` where they do not ask for traces.
    pub(super) fn read(environment: &Environment) -> Result<Option<Self>, OtlpError> {
        let read = Reader { environment, signal: TRACES };
        let Some(transport) = read.transport()? else { return Ok(None) };
        let (batch, max_queue_size) = read.batch()?;
        let pace = Pace {
            delay: read.millis(["OTEL_BSP_SCHEDULE_DELAY"; 2])?.unwrap_or(Duration::from_secs(5)),
            batch,
            timeout: read.millis(TRACES.timeout)?.unwrap_or(Duration::from_secs(10)),
            patience: read.millis(["OTEL_BSP_EXPORT_TIMEOUT"; 2])?.unwrap_or(Duration::from_secs(30)),
        };
        Ok(Some(Self { transport, sampler: read.sampler()?, pace, max_queue_size, propagators: read.propagators()? }))
    }
}

/// Everything that the environment says about logs, read.
pub(super) struct LogSettings {
    pub(super) transport: TransportSettings,
    /// How long one request may take.
    pub(super) timeout: Option<Duration>,
}

impl LogSettings {
    /// Reads the variables; `None` where they do not ask for logs.
    pub(super) fn read(environment: &Environment) -> Result<Option<Self>, OtlpError> {
        let read = Reader { environment, signal: LOGS };
        let Some(transport) = read.transport()? else { return Ok(None) };
        Ok(Some(Self { transport, timeout: read.millis(LOGS.timeout)? }))
    }
}

impl TransportSettings {
    /// Makes what carries requests.
    pub(super) fn open(self) -> Result<Box<dyn Transport>, OtlpError> {
        let Self { signal, protocol, endpoint, headers, gzip, roots } = self;
        match protocol {
            Protocol::Http => {
                let roots = roots.as_deref().map(certificates).unwrap_or_default();
                Ok(Box::new(HttpTransport::new(endpoint, headers, gzip, roots)))
            }
            #[cfg(feature = "otlp-grpc")]
            Protocol::Grpc => {
                let refused = |_| bad(signal.endpoint[1], "cannot be called", "http://host:port, https://host:port");
                let transport = super::grpc::GrpcTransport::new(endpoint, signal.call, headers, gzip, roots);
                Ok(Box::new(transport.map_err(refused)?))
            }
            #[cfg(not(feature = "otlp-grpc"))]
            Protocol::Grpc => Err(bad(signal.protocol[1], "needs the feature otlp-grpc", "http/protobuf")),
        }
    }
}

/// Reads the service's name.
pub(super) fn service_name(environment: &Environment) -> Result<Option<String>, OtlpError> {
    Ok(environment.get("OTEL_SERVICE_NAME")?)
}

/// Reads a list of `key=value` pairs, separated by commas; what is in a value otherwise is written as `%2C`.
pub(super) fn list(environment: &Environment, variable: &'static str) -> Result<Vec<(String, String)>, OtlpError> {
    let Some(text) = environment.get(variable)? else { return Ok(Vec::new()) };
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=')?;
        let key = percent_decoded(key.trim())?;
        (!key.is_empty()).then_some((key, percent_decoded(value.trim())?))
    };
    let pairs = text.split(',').filter(|text| !text.trim().is_empty());
    let problem = || bad(variable, "is no list of pairs", "key=value,key=value, with other characters as %2C");
    pairs.map(|text| pair(text).ok_or_else(problem)).collect()
}

/// Reads the variables one by one.
struct Reader<'a> {
    environment: &'a Environment,
    signal: Signal,
}

impl Reader<'_> {
    /// Reads the first of two variables that is set, with its name.
    fn first(&self, pair: Pair) -> Result<Option<(&'static str, String)>, OtlpError> {
        for variable in pair {
            if let Some(text) = self.environment.get(variable)? {
                return Ok(Some((variable, text)));
            }
        }
        Ok(None)
    }

    fn parsed<T>(
        &self,
        variable: &'static str,
        problem: &'static str,
        accepted: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, OtlpError> {
        self.parsed_first([variable; 2], problem, accepted, parse)
    }

    fn parsed_first<T>(
        &self,
        pair: Pair,
        problem: &'static str,
        accepted: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, OtlpError> {
        let Some((variable, text)) = self.first(pair)? else { return Ok(None) };
        parse(&text).map(Some).ok_or_else(|| bad(variable, problem, accepted))
    }

    fn protocol(&self) -> Result<Protocol, OtlpError> {
        const ACCEPTED: &str = "http/protobuf (the default), grpc";
        let parse = |text: &str| match text {
            "http/protobuf" => Some(Protocol::Http),
            "grpc" => Some(Protocol::Grpc),
            _ => None,
        };
        let protocol =
            self.parsed_first(self.signal.protocol, "names no protocol that there is here", ACCEPTED, parse)?;
        Ok(protocol.unwrap_or(Protocol::Http))
    }

    /// Reads how requests travel; `None` where the variables do not ask for the signal.
    fn transport(&self) -> Result<Option<TransportSettings>, OtlpError> {
        let disabled = self.parsed("OTEL_SDK_DISABLED", "is neither true nor false", "true, false", |text| {
            text.to_ascii_lowercase().parse::<bool>().ok()
        })?;
        let problem = "names no exporter that there is here";
        let exporter = self.parsed(self.signal.exporter, problem, "otlp, none", |text| match text {
            "otlp" => Some(true),
            "none" => Some(false),
            _ => None,
        })?;
        if disabled == Some(true) || exporter == Some(false) {
            return Ok(None);
        }
        let protocol = self.protocol()?;
        let endpoint = match self.endpoint(protocol)? {
            Some(endpoint) => endpoint,
            // Who asks for the exporter by name gets it where the standard says that receivers are.
            None if exporter == Some(true) => match protocol {
                Protocol::Http => Uri::from_static(self.signal.default_endpoint),
                Protocol::Grpc => Uri::from_static("http://localhost:4317"),
            },
            None => return Ok(None),
        };
        let (headers, gzip, roots) = (self.headers()?, self.gzip()?, self.roots()?);
        Ok(Some(TransportSettings { signal: self.signal, protocol, endpoint, headers, gzip, roots }))
    }

    /// Reads the address: the one for the signal as it is, the one for all signals with the signal's path behind it.
    fn endpoint(&self, protocol: Protocol) -> Result<Option<Uri>, OtlpError> {
        const ACCEPTED: &str = "an address as http://host:port or https://host:port";
        let Some((variable, text)) = self.first(self.signal.endpoint)? else { return Ok(None) };
        let text = match protocol {
            Protocol::Http if variable == self.signal.endpoint[1] => {
                format!("{}{}", text.trim_end_matches('/'), self.signal.path)
            }
            _ => text,
        };
        let uri: Option<Uri> = text.parse().ok();
        let usable = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host() != Some("");
        let uri = uri.filter(usable).ok_or_else(|| bad(variable, "is no address of HTTP", ACCEPTED))?;
        Ok(Some(uri))
    }

    fn headers(&self) -> Result<HeaderMap, OtlpError> {
        let Some((variable, _)) = self.first(self.signal.headers)? else { return Ok(HeaderMap::new()) };
        let header = |(name, value): (String, String)| {
            let mut value = HeaderValue::from_str(&value).ok()?;
            value.set_sensitive(true);
            Some((HeaderName::from_str(&name).ok()?, value))
        };
        let headers: Option<HeaderMap> = list(self.environment, variable)?.into_iter().map(header).collect();
        headers.ok_or_else(|| bad(variable, "has what is no header", "name=value,name=value"))
    }

    fn gzip(&self) -> Result<bool, OtlpError> {
        let parse = |text: &str| match text {
            "gzip" => Some(true),
            "none" => Some(false),
            _ => None,
        };
        Ok(self
            .parsed_first(self.signal.compression, "names no compression that there is here", "gzip, none", parse)?
            .unwrap_or(false))
    }

    fn roots(&self) -> Result<Option<Vec<u8>>, OtlpError> {
        const ACCEPTED: &str = "the path of a file with certificates in PEM";
        let Some((variable, path)) = self.first(self.signal.certificate)? else { return Ok(None) };
        let pem = std::fs::read(path).map_err(|_| bad(variable, "names a file that cannot be read", ACCEPTED))?;
        if certificates(&pem).is_empty() {
            return Err(bad(variable, "names a file without certificates", ACCEPTED));
        }
        Ok(Some(pem))
    }

    fn sampler(&self) -> Result<Sampler, OtlpError> {
        const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
        const ACCEPTED: &str = "always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, \
                                parentbased_traceidratio";
        let parse = |text: &str| {
            let (by_parent, rule) = text.strip_prefix("parentbased_").map_or((false, text), |rule| (true, rule));
            match rule {
                "always_on" => Some((by_parent, Some(1.0))),
                "always_off" => Some((by_parent, Some(0.0))),
                "traceidratio" => Some((by_parent, None)),
                _ => None,
            }
        };
        let sampler = self.parsed(SAMPLER, "names no sampler that there is here", ACCEPTED, parse)?;
        let named = sampler.is_some();
        let (by_parent, fixed) = sampler.unwrap_or((true, None));
        let ratio =
            self.parsed("OTEL_TRACES_SAMPLER_ARG", "is no share", "a number from 0 to 1, such as 0.1", |text| {
                text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio))
            })?;
        // The standard's default for a ratio that is named without a number is everything.
        let ratio = fixed.or(ratio).unwrap_or(if named { 1.0 } else { 0.1 });
        Sampler::new(by_parent, ratio).ok_or_else(|| bad(SAMPLER, "has no share", ACCEPTED))
    }

    /// Reads how many spans a request has and how many wait.
    fn batch(&self) -> Result<(usize, u64), OtlpError> {
        const BATCH: &str = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";
        const MOST: u64 = 1_000_000;
        let count = |variable| {
            self.parsed(variable, "is no number of spans", "a whole number from 1 to 1000000", |text| {
                text.parse().ok().filter(|count| (1..=MOST).contains(count))
            })
        };
        let queue = count("OTEL_BSP_MAX_QUEUE_SIZE")?.unwrap_or(2_048);
        let batch = match count(BATCH)? {
            Some(batch) if batch > queue => {
                return Err(bad(BATCH, "is above what waits at most", "OTEL_BSP_MAX_QUEUE_SIZE (2048) or less"));
            }
            Some(batch) => batch,
            None => queue.min(512),
        };
        Ok((usize::try_from(batch).unwrap_or(usize::MAX), queue))
    }

    /// Reads a time in milliseconds, of at most a day.
    fn millis(&self, pair: Pair) -> Result<Option<Duration>, OtlpError> {
        self.parsed_first(pair, "is no time", "milliseconds from 1 to 86400000", |text| {
            text.parse().ok().filter(|millis| (1..=86_400_000).contains(millis)).map(Duration::from_millis)
        })
    }

    fn propagators(&self) -> Result<Propagators, OtlpError> {
        let accepted = "tracecontext, baggage (both by default), none";
        let propagators =
            self.parsed("OTEL_PROPAGATORS", "names a propagator that there is not here", accepted, |text| {
                text.parse().map_err(|UnknownPropagator| ()).ok()
            })?;
        Ok(propagators.unwrap_or_default())
    }
}

fn bad(variable: &'static str, problem: &'static str, accepted: &'static str) -> OtlpError {
    OtlpError::Setting { variable, problem, accepted }
}

fn certificates(pem: &[u8]) -> Vec<ureq::tls::Certificate<'static>> {
    ureq::tls::parse_pem(pem)
        .filter_map(|item| match item {
            Ok(ureq::tls::PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect()
}

/// Decodes `%2C` and its like; `None` where that is no text.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, tail) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}
