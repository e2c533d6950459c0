//! Windows: how far back a function looks.

use std::time::Duration;

use super::error::PromqlError;
use super::scope::Scope;

/// How far back a function looks: a duration as Prometheus writes it, or one that Grafana puts in.
///
/// Text such as `5m` or `1h30m` becomes one by itself; so does `$__rate_interval`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window(Result<Length, String>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    Millis(u64),
    Grafana(&'static str),
}

const GRAFANA: [&str; 3] = ["$__rate_interval", "$__interval", "$__range"];
const UNITS: [(&str, u64); 7] = [
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
    ("y", 365 * 86_400_000),
];

impl Window {
    /// The window that Grafana chooses for the panel: at least four scrape intervals.
    pub const RATE_INTERVAL: Self = Self(Ok(Length::Grafana(GRAFANA[0])));
    /// The step of the panel.
    pub const INTERVAL: Self = Self(Ok(Length::Grafana(GRAFANA[1])));
    /// All of the time that the dashboard shows.
    pub const RANGE: Self = Self(Ok(Length::Grafana(GRAFANA[2])));

    /// Returns the window in whole milliseconds, after scaling; `None` when Grafana puts it in.
    pub(super) fn millis(&self, scale: f64) -> Result<Option<u64>, PromqlError> {
        match &self.0 {
            Ok(Length::Millis(millis)) => Ok(Some(((*millis as f64 * scale).round() as u64).max(1))),
            Ok(Length::Grafana(_)) => Ok(None),
            Err(text) => Err(PromqlError::BadWindow(text.clone())),
        }
    }

    /// Writes the window, after scaling.
    pub(super) fn text(&self, scale: f64) -> Result<String, PromqlError> {
        match (self.millis(scale)?, &self.0) {
            (Some(millis), _) => Ok(duration(millis)),
            (None, Ok(Length::Grafana(variable))) => Ok((*variable).to_owned()),
            (None, _) => Ok(String::new()),
        }
    }

    /// Writes the window as it is in a scope.
    ///
    /// # Errors
    ///
    /// When the text it was made from is no duration.
    pub fn render(&self, scope: &Scope) -> Result<String, PromqlError> {
        self.text(scope.window_scale)
    }

    /// Fails when the text it was made from is no duration.
    pub(super) fn check(&self) -> Result<(), PromqlError> {
        self.millis(1.0).map(drop)
    }
}

impl From<&str> for Window {
    fn from(text: &str) -> Self {
        if let Some(variable) = GRAFANA.into_iter().find(|variable| *variable == text) {
            return Self(Ok(Length::Grafana(variable)));
        }
        Self(parse(text).filter(|&millis| millis > 0).map(Length::Millis).ok_or_else(|| text.to_owned()))
    }
}

impl From<Duration> for Window {
    fn from(duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).ok().filter(|&millis| millis > 0);
        Self(millis.map(Length::Millis).ok_or_else(|| format!("{duration:?}")))
    }
}

impl From<&Window> for Window {
    fn from(window: &Window) -> Self {
        window.clone()
    }
}

fn parse(mut text: &str) -> Option<u64> {
    let mut total = 0_u64;
    while !text.is_empty() {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = text[..digits].parse().ok()?;
        text = &text[digits..];
        let letters = text.bytes().take_while(u8::is_ascii_lowercase).count();
        let (_, millis) = UNITS.into_iter().find(|(unit, _)| *unit == &text[..letters])?;
        text = &text[letters..];
        total = total.checked_add(number.checked_mul(millis)?)?;
    }
    Some(total)
}

/// Writes a duration of whole milliseconds as Prometheus does: `5m`, `1h30m`, `4w`.
pub(crate) fn duration(millis: u64) -> String {
    let mut rest = millis;
    let mut out = String::new();
    for (unit, length) in &UNITS[..6] {
        // Weeks only where nothing else is needed: 30d says more than 4w2d.
        let whole = if *unit == "w" && !rest.is_multiple_of(*length) { 0 } else { rest / length };
        if whole > 0 {
            out += &format!("{whole}{unit}");
            rest %= length;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_read_and_written_as_prometheus_does() {
        for text in ["5m", "1h30m", "30d", "4w", "250ms", "1m30s", "1s500ms"] {
            assert_eq!(Window::from(text).text(1.0).unwrap(), text);
        }
        assert_eq!(Window::from("90s").text(1.0).unwrap(), "1m30s");
        assert_eq!(Window::from(Duration::from_secs(300)).text(1.0 / 60.0).unwrap(), "5s");
        assert_eq!(Window::RATE_INTERVAL.text(0.5).unwrap(), "$__rate_interval");
    }

    #[test]
    fn what_is_no_duration_is_an_error() {
        for text in ["", "5", "m", "5 m", "-5m", "5min", "0s", "$window", "99999999999999999999s", "1é"] {
            assert_eq!(Window::from(text).check(), Err(PromqlError::BadWindow(text.to_owned())), "{text}");
        }
    }
}
