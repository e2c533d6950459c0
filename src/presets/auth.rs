//! Metrics of sign-ins, sessions and users.

use crate::metric::{CounterDesc, CounterFamily, GaugeDesc, GaugeFamily, RegisterError, Registry};

crate::label_enum! {
    /// How a sign-in attempt ended.
    pub enum LoginResult: "result" {
        /// The user is signed in.
        Success = "success",
        /// The name or the password was wrong.
        InvalidCredentials = "invalid_credentials",
        /// There were too many attempts before this one.
        RateLimited = "rate_limited",
    }
}

/// Counts sign-in attempts.
pub const LOGIN_ATTEMPTS: CounterDesc<(LoginResult,)> =
    CounterDesc::new("login_attempts_total", "Sign-in attempts, by how they ended.");

/// Shows the sessions that are valid now: all of the app's, which each instance counts where sessions are kept.
pub const ACTIVE_SESSIONS: GaugeDesc = GaugeDesc::new("active_sessions", "Sessions that are valid now.");

/// Shows the users there are.
pub const REGISTERED_USERS: GaugeDesc = GaugeDesc::new("registered_users", "Users that have an account.");

/// Records sign-ins, sessions and users.
///
/// ```
/// use watchkeeper::presets::{Presets, auth::LoginResult};
///
/// let metrics = Presets::default();
/// metrics.auth().record_login(LoginResult::RateLimited);
/// metrics.auth().record_active_sessions(17);
/// ```
#[derive(Debug, Clone)]
pub struct AuthMetrics {
    login_attempts: CounterFamily<(LoginResult,)>,
    active_sessions: GaugeFamily,
    registered_users: GaugeFamily,
}

impl AuthMetrics {
    /// Registers the group.
    ///
    /// # Errors
    ///
    /// When a name is taken by a metric of another meaning.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        Ok(Self {
            login_attempts: registry.counter(&LOGIN_ATTEMPTS)?,
            active_sessions: registry.gauge(&ACTIVE_SESSIONS)?,
            registered_users: registry.gauge(&REGISTERED_USERS)?,
        })
    }

    /// Counts a sign-in attempt.
    pub fn record_login(&self, result: LoginResult) {
        self.login_attempts.inc((result,));
    }

    /// Sets how many sessions are valid now.
    pub fn record_active_sessions(&self, sessions: u64) {
        self.active_sessions.set((), sessions as f64);
    }

    /// Sets how many users have an account.
    pub fn record_registered_users(&self, users: u64) {
        self.registered_users.set((), users as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Format;

    #[test]
    fn a_rate_limited_login_is_counted_under_its_result() {
        let registry = Registry::new();
        let auth = AuthMetrics::register(&registry).unwrap();
        auth.record_login(LoginResult::RateLimited);
        auth.record_active_sessions(3);
        auth.record_registered_users(1_000);
        let scrape = registry.render(Format::Text);
        assert!(scrape.contains("login_attempts_total{result=\"rate_limited\"} 1\n"), "{scrape}");
        assert!(scrape.contains("login_attempts_total{result=\"success\"} 0\n"), "{scrape}");
        assert!(scrape.contains("active_sessions 3\n"), "{scrape}");
        assert!(scrape.contains("registered_users 1000\n"), "{scrape}");
    }
}
