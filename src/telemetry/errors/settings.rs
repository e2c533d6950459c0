//! Settings of error reports: where they go, and what they say of the release.

use sentry::types::Dsn;

use crate::environment::Environment;
use crate::telemetry::{TelemetryBuilder, TelemetryError};

/// The variables that may name the DSN; an earlier one wins.
const DSN_VARIABLES: [&str; 2] = ["SENTRY_DSN", "GLITCHTIP_DSN"];

/// How many transactions are sent unless somebody says otherwise.
const DEFAULT_SAMPLE_RATE: f32 = 0.1;

/// The longest name of an environment that Sentry's protocol knows.
const MOST_ENVIRONMENT: usize = 64;

/// The longest name of a release that Sentry's protocol knows.
const MOST_RELEASE: usize = 250;

/// What code has set.
#[derive(Default)]
pub(in crate::telemetry) struct Options {
    pub(in crate::telemetry) dsn: Option<String>,
    pub(in crate::telemetry) environment: Option<String>,
    pub(in crate::telemetry) release: Option<String>,
    pub(in crate::telemetry) traces_sample_rate: Option<f32>,
}

/// What the settings come to.
pub(super) struct Settings {
    pub(super) dsn: Dsn,
    pub(super) environment: String,
    pub(super) release: String,
    /// How many of the app's own transactions are sent.
    pub(super) traces_sample_rate: f32,
    /// The source revision, where it is known.
    pub(super) revision: Option<&'static str>,
}

impl Settings {
    /// Reads the settings; `None` where no DSN is set, which means off.
    pub(super) fn read(builder: &TelemetryBuilder) -> Result<Option<Self>, TelemetryError> {
        let (options, variables) = (&builder.errors, &builder.environment);
        let dsn = match &options.dsn {
            Some(dsn) => Some(parse("sentry_dsn", dsn)?),
            None => dsn_from(variables)?,
        };
        let environment = match &options.environment {
            Some(name) => environment("deployment_environment", name)?,
            None => environment("ENVIRONMENT", variables.get("ENVIRONMENT")?.as_deref().unwrap_or("development"))?,
        };
        let service = builder.service;
        let release = match &options.release {
            Some(release) => release.clone(),
            None => format!("{}@{}", service.name, service.version),
        };
        let release = name("release", &release, MOST_RELEASE, &['/', '\\'])?;
        let traces_sample_rate = match options.traces_sample_rate {
            Some(rate) => sample_rate("sentry_traces_sample_rate", &rate.to_string())?,
            None => match variables.get("SENTRY_TRACES_SAMPLE_RATE")? {
                Some(rate) => sample_rate("SENTRY_TRACES_SAMPLE_RATE", &rate)?,
                None => DEFAULT_SAMPLE_RATE,
            },
        };
        let revision = Some(service.revision).filter(|revision| *revision != "unknown");
        Ok(dsn.map(|dsn| Self { dsn, environment, release, traces_sample_rate, revision }))
    }
}

fn dsn_from(variables: &Environment) -> Result<Option<Dsn>, TelemetryError> {
    let mut found: Option<Dsn> = None;
    for variable in DSN_VARIABLES {
        let Some(text) = variables.get(variable)? else { continue };
        let dsn = parse(variable, &text)?;
        match &found {
            Some(first) if *first != dsn => return Err(TelemetryError::TwoDsns),
            Some(_) => {}
            None => found = Some(dsn),
        }
    }
    Ok(found)
}

/// Reads a DSN. What is wrong with it is said without repeating it: it holds a key.
fn parse(setting: &'static str, text: &str) -> Result<Dsn, TelemetryError> {
    text.parse().map_err(|_| TelemetryError::Dsn { setting })
}

fn sample_rate(setting: &'static str, text: &str) -> Result<f32, TelemetryError> {
    let rate = text.parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
    rate.ok_or_else(|| TelemetryError::SampleRate { setting, value: text.to_owned() })
}

fn environment(setting: &'static str, text: &str) -> Result<String, TelemetryError> {
    name(setting, text, MOST_ENVIRONMENT, &['/', ' '])
}

fn name(setting: &'static str, text: &str, most: usize, forbidden: &[char]) -> Result<String, TelemetryError> {
    let text = text.trim();
    let accepted = !text.is_empty()
        && text.len() <= most
        && !text.contains(|c: char| c.is_control() || c.is_whitespace() && c != ' ' || forbidden.contains(&c));
    if accepted { Ok(text.to_owned()) } else { Err(TelemetryError::Name { setting, value: text.to_owned(), most }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::ServiceInfo;

    const ONE: &str = "https://key1@errors.example.org/1";
    const TWO: &str = "https://key2@errors.example.org/2";

    fn read<const N: usize>(variables: [(&str, &str); N]) -> Result<Option<Settings>, TelemetryError> {
        Settings::read(&builder(variables))
    }

    fn builder<const N: usize>(variables: [(&str, &str); N]) -> TelemetryBuilder {
        TelemetryBuilder::new(ServiceInfo::new("shop", "1.2.3")).environment(variables.into_iter().collect())
    }

    #[test]
    fn without_a_dsn_error_reports_are_off() {
        assert!(read([]).unwrap().is_none());
        assert!(read([("SENTRY_DSN", " "), ("GLITCHTIP_DSN", "")]).unwrap().is_none());
    }

    #[test]
    fn either_variable_turns_them_on_with_the_defaults_of_the_service() {
        for variable in DSN_VARIABLES {
            let settings = read([(variable, ONE)]).unwrap().unwrap();
            assert_eq!(settings.dsn.public_key(), "key1");
            assert_eq!((settings.environment.as_str(), settings.release.as_str()), ("development", "shop@1.2.3"));
        }
        let settings = read([("SENTRY_DSN", ONE), ("GLITCHTIP_DSN", ONE), ("ENVIRONMENT", "production")]).unwrap();
        assert_eq!(settings.unwrap().environment, "production");
    }

    #[test]
    fn code_wins_over_the_environment() {
        let builder = builder([("SENTRY_DSN", "nonsense"), ("ENVIRONMENT", "a/b")])
            .sentry_dsn(TWO)
            .deployment_environment("staging")
            .release("shop@2");
        let settings = Settings::read(&builder).unwrap().unwrap();
        assert_eq!(settings.dsn.public_key(), "key2");
        assert_eq!((settings.environment.as_str(), settings.release.as_str()), ("staging", "shop@2"));
    }

    #[test]
    fn a_tenth_of_the_transactions_is_sent_unless_somebody_says_otherwise() {
        let rate = |rate| read([("SENTRY_DSN", ONE), ("SENTRY_TRACES_SAMPLE_RATE", rate)]);
        assert_eq!(rate("").unwrap().unwrap().traces_sample_rate, 0.1);
        assert_eq!(rate("0.5").unwrap().unwrap().traces_sample_rate, 0.5);
        for bad in ["1.5", "-0.1", "NaN", "often"] {
            let said = rate(bad).err().unwrap().to_string();
            assert_eq!(said, format!("SENTRY_TRACES_SAMPLE_RATE is \"{bad}\", which is no share; accepted: 0 to 1"));
        }
        let settings = Settings::read(&builder([]).sentry_dsn(ONE).sentry_traces_sample_rate(1.0)).unwrap().unwrap();
        assert_eq!(settings.traces_sample_rate, 1.0);
    }

    #[test]
    fn what_is_wrong_is_named_and_a_dsn_is_not_repeated() {
        let said = |result: Result<Option<Settings>, TelemetryError>| result.err().unwrap().to_string();
        for bad in ["s3cret", "https://errors.example.org/1", "ftp://s3cret@host/1", "https://s3cret@host"] {
            let said = said(read([("GLITCHTIP_DSN", bad)]));
            assert_eq!(said, "GLITCHTIP_DSN is no DSN; accepted: https://key@host/project");
        }
        assert_eq!(
            said(read([("SENTRY_DSN", ONE), ("GLITCHTIP_DSN", TWO)])),
            "SENTRY_DSN and GLITCHTIP_DSN are both set and differ; leave one of them out"
        );
        assert!(said(read([("ENVIRONMENT", "a/b")])).starts_with(r#"ENVIRONMENT is "a/b", "#));
        assert!(said(Settings::read(&builder([]).release("a\nb"))).starts_with("release is "));
        assert!(said(Settings::read(&builder([]).sentry_dsn("x"))).starts_with("sentry_dsn is no DSN"));
    }
}
