//! Metrics of Alertmanager.

exporter! { "alertmanager";
    /// Alerts that Alertmanager holds.
    ALERTS: gauge("alertmanager_alerts", ["state"]);
    /// Notifications that were tried.
    NOTIFICATIONS: counter("alertmanager_notifications_total", ["integration"]);
    /// Notifications that failed.
    NOTIFICATIONS_FAILED: counter("alertmanager_notifications_failed_total", ["integration"]);
    /// Whether the configuration was read.
    CONFIG_RELOAD_SUCCESSFUL: gauge("alertmanager_config_last_reload_successful", []);
}
