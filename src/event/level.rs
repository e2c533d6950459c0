//! How grave an event is, and what kind of thing it tells of.

use crate::named::named_enum;

named_enum! {
    /// What an event tells of.
    pub enum EventType: "event_type" {
        /// Something that was logged.
        Log = "log",
        /// Something about a measured value.
        Metric = "metric",
        /// Something about the course of a request.
        Trace = "trace",
        /// An alert that began or ended.
        Alert = "alert",
    }
}

named_enum! {
    /// How grave an event is; a graver level is greater.
    pub enum Level: "level" {
        /// Every step.
        Trace = "trace",
        /// For whoever looks for a fault.
        Debug = "debug",
        /// The normal course of things.
        Info = "info",
        /// Something that may become an error.
        Warn = "warn",
        /// Something failed.
        Error = "error",
        /// Something failed that the whole service needs.
        Critical = "critical",
    }
}
