//! Signals: what the standard's variables, paths and calls are named for each.

/// A pair of variables: the one for the signal wins over the one for all signals.
pub(super) type Pair = [&'static str; 2];

/// The names of one signal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signal {
    pub(super) exporter: &'static str,
    pub(super) endpoint: Pair,
    pub(super) protocol: Pair,
    pub(super) headers: Pair,
    pub(super) timeout: Pair,
    pub(super) compression: Pair,
    pub(super) certificate: Pair,
    /// The path by HTTP, behind the address of all signals.
    pub(super) path: &'static str,
    /// Where the standard says that receivers are, by HTTP.
    pub(super) default_endpoint: &'static str,
    /// The call by gRPC.
    #[cfg_attr(not(feature = "otlp-grpc"), allow(dead_code, reason = "gRPC alone has calls"))]
    pub(super) call: &'static str,
}

pub(super) const TRACES: Signal = Signal {
    exporter: "OTEL_TRACES_EXPORTER",
    endpoint: ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"],
    protocol: ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"],
    headers: ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"],
    timeout: ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"],
    compression: ["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"],
    certificate: ["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"],
    path: "/v1/traces",
    default_endpoint: "http://localhost:4318/v1/traces",
    call: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
};

pub(super) const LOGS: Signal = Signal {
    exporter: "OTEL_LOGS_EXPORTER",
    endpoint: ["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"],
    protocol: ["OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"],
    headers: ["OTEL_EXPORTER_OTLP_LOGS_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"],
    timeout: ["OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"],
    compression: ["OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"],
    certificate: ["OTEL_EXPORTER_OTLP_LOGS_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"],
    path: "/v1/logs",
    default_endpoint: "http://localhost:4318/v1/logs",
    call: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
};
