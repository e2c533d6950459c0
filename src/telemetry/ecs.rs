//! JSON lines by the names of the Elastic Common Schema.

use std::fmt::{Debug, Write};

use tracing::{Event, Level};

use super::escape::escape;
use super::fields::{FieldWriter, Masks, MessageWriter, Owner};
use super::json::{self, Json};
use super::notice;
use super::style::Style;
use super::trail::Trail;

/// The version of the schema whose names these are.
const VERSION: &str = "8.11.0";

/// One JSON object a line, as Elastic's tools name things.
pub(super) struct Ecs;

impl Style for Ecs {
    const SEPARATOR: char = Json::SEPARATOR;
    const ASSIGN: char = Json::ASSIGN;
    const QUOTED_MESSAGE: bool = true;
    const OWN_SPAN_KEYS: &'static [&'static str] = Json::OWN_SPAN_KEYS;
    const OTHER_SPAN_KEY: &'static str = Json::OTHER_SPAN_KEY;
    const LINE_START: &'static str = r#"{"@timestamp":""#;

    fn key(out: &mut String, name: &str) {
        Json::key(out, name);
    }

    fn text(out: &mut String, text: &str) {
        Json::text(out, text);
    }

    fn float(out: &mut String, value: f64) {
        Json::float(out, value);
    }

    fn debug(out: &mut String, value: &dyn Debug) {
        Json::debug(out, value);
    }

    fn span(trail: &mut String, name: &str, fields: &str) -> (usize, usize) {
        Json::span(trail, name, fields)
    }

    fn line(out: &mut String, event: &Event<'_>, trail: &Trail, masks: &mut Masks<'_>, constants: &str) {
        let metadata = event.metadata();
        out.push_str(r#"","log.level":""#);
        out.push_str(match *metadata.level() {
            Level::ERROR => "error",
            Level::WARN => "warn",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        });
        out.push_str(r#"","message":""#);
        event.record(&mut MessageWriter::<Self>::new(out, masks));
        out.push('"');
        out.push_str(constants);
        out.push_str(r#","log.logger":"#);
        Self::text(out, metadata.target());
        for (name, value) in trail.ids() {
            let name = match name {
                "trace_id" => "trace.id",
                "span_id" => "span.id",
                _ => "http.request.id",
            };
            json::push_id(out, name, value);
        }
        out.push_str(r#","fields":{"#);
        event.record(&mut FieldWriter::<Self>::new(out, metadata.fields(), Owner::Event, masks));
        out.push('}');
        if let Some(file) = metadata.file() {
            out.push_str(r#","log.origin.file.name":"#);
            Self::text(out, file);
        }
        if let Some(line) = metadata.line() {
            out.push_str(r#","log.origin.file.line":"#);
            out.push_str(itoa::Buffer::new().format(line));
        }
        if !trail.text.is_empty() {
            out.push_str(r#","spans":["#);
            out.push_str(&trail.text);
            out.push(']');
        }
        out.push('}');
    }

    fn constants(service: &crate::service::ServiceInfo) -> String {
        let mut out = format!(r#","ecs.version":"{VERSION}","service.name":"#);
        Self::text(&mut out, service.name);
        out.push_str(r#","service.version":"#);
        Self::text(&mut out, service.version);
        out
    }

    fn notice(out: &mut String, message: &str, numbers: &[(&str, u64)]) {
        let _ = write!(out, r#"","log.level":"warn","message":""#);
        escape(out, message, true);
        let _ = write!(out, r#"","ecs.version":"{VERSION}","log.logger":"{}","fields":{{"#, notice::TARGET);
        json::push_numbers(out, numbers);
        out.push_str("}}");
    }
}

#[cfg(test)]
mod tests {
    use super::super::written::logged;
    use super::*;
    use tracing::{info, info_span};

    #[test]
    fn an_ecs_line_stands_whole() {
        let line = line!() + 3;
        let lines = logged::<Ecs>(|| {
            let _request = info_span!("request", request_id = %"r-1", trace_id = %"t-1").entered();
            info!(target: "shop", cents = 1999, "paid {}", "twice");
        });
        assert_eq!(
            lines,
            [format!(
                r#"{{"@timestamp":"2026-11-21T08:00:00.000Z","log.level":"info","message":"paid twice","ecs.version":"8.11.0","service.name":"shop","service.version":"1.0.0","log.logger":"shop","http.request.id":"r-1","trace.id":"t-1","fields":{{"cents":1999}},"log.origin.file.name":"{}","log.origin.file.line":{line},"spans":[{{"name":"request","request_id":"r-1","trace_id":"t-1"}}]}}"#,
                file!()
            )]
        );
    }
}
