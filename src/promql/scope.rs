//! The scope of a query: what the metrics are called there, how often they are scraped, how long windows are.

use std::time::Duration;

/// Where a query will be evaluated.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Scope {
    /// How often the metrics are scraped; a rate takes at least four times as long. 15 s by default.
    pub scrape_interval: Duration,
    /// The prefix of the app's registry, without the underscore; empty by default.
    pub prefix: String,
    /// What every window and offset is multiplied by: 1 by default, less to try rules out in a hurry.
    pub window_scale: f64,
}

impl Default for Scope {
    fn default() -> Self {
        Self { scrape_interval: Duration::from_secs(15), prefix: String::new(), window_scale: 1.0 }
    }
}

impl Scope {
    /// Sets how often the metrics are scraped.
    #[must_use]
    pub fn scrape_interval(mut self, every: Duration) -> Self {
        self.scrape_interval = every;
        self
    }

    /// Sets the prefix of the app's registry.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// Multiplies every window and offset.
    #[must_use]
    pub fn window_scale(mut self, scale: f64) -> Self {
        self.window_scale = scale;
        self
    }
}
