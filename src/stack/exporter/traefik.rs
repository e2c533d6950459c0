//! Metrics of traefik.

exporter! { "traefik";
    /// Requests by entry point. The target's label `service` is not traefik's own.
    ENTRYPOINT_REQUESTS: counter("traefik_entrypoint_requests_total", ["code", "method", "protocol", "entrypoint"]);
    /// Time of requests by entry point.
    ENTRYPOINT_DURATION: histogram("traefik_entrypoint_request_duration_seconds", ["code", "method", "protocol", "entrypoint"], [0.1, 0.3, 1.2, 5.0]);
}
