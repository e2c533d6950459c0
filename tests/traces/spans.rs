//! The app's own `tracing` spans as spans of a trace.

use std::fmt;

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as Code;
use tracing::{error, field, info, info_span};

use crate::receiver::{Answer, Receiver};
use crate::traced::{Traced, attributes, hex, pairs, span};

/// Exports what `act` makes, and gives back what arrived.
#[track_caller]
fn exported(spans: u64, act: impl FnOnce()) -> Vec<opentelemetry_proto::tonic::trace::v1::Span> {
    let receiver = Receiver::start(&[Answer::Take]);
    let traced = Traced::to(&receiver.endpoint(), &[]);
    traced.run(act);
    assert_eq!(traced.settled(spans).stored(), spans);
    receiver.spans()
}

#[test]
fn fields_become_attributes_and_events_stand_in_their_span() {
    let spans = exported(2, || {
        let outer =
            info_span!("outer", cents = 19_99, ratio = 0.5, ok = true, text = "a", late = field::Empty, r#type = 1);
        let _outer = outer.enter();
        outer.record("late", 1);
        outer.record("late", 2);
        info!(left = 3, "one is gone");
        let _inner = info_span!("inner", otel.name = "select", otel.kind = "client", wide = u64::MAX).entered();
        let cause = std::io::Error::other("the disk is full");
        error!(error = &cause as &dyn std::error::Error, "it broke");
    });

    let (outer, inner) = (span(&spans, "outer"), span(&spans, "select"));
    assert_eq!(
        attributes(&outer.attributes),
        pairs([("cents", "1999"), ("late", "2"), ("ok", "true"), ("ratio", "0.5"), ("text", "a"), ("type", "1")])
    );
    assert_eq!((outer.kind(), outer.parent_span_id.len()), (SpanKind::Internal, 0));
    assert_eq!(outer.status, None);
    assert_eq!(outer.events[0].name, "one is gone");
    let said = pairs([("left", "3"), ("level", "INFO"), ("target", "traces::spans")]);
    assert_eq!(attributes(&outer.events[0].attributes), said);

    assert_eq!((hex(&inner.trace_id), &inner.parent_span_id), (hex(&outer.trace_id), &outer.span_id));
    assert_eq!(
        (inner.kind(), attributes(&inner.attributes)),
        (SpanKind::Client, pairs([("wide", "18446744073709551615")]))
    );
    assert_eq!(inner.status.as_ref().map(|status| status.code()), Some(Code::Error));
    let error = ("error".to_owned(), "the disk is full".to_owned());
    assert!(attributes(&inner.events[0].attributes).contains(&error));
}

#[test]
fn a_span_stays_small_whatever_is_put_into_it() {
    let spans = exported(1, || {
        let span = info_span!("large", text = "é".repeat(10_000), longer = ?Longer).entered();
        for number in 0..200 {
            info!(number, "an event");
        }
        drop(span);
    });

    let large = span(&spans, "large");
    assert!(attributes(&large.attributes).iter().all(|(_, text)| (4_095..=4_096).contains(&text.len())));
    assert_eq!((large.events.len(), large.dropped_events_count), (128, 72));
}

/// Prints much more than a span holds.
struct Longer;

impl fmt::Debug for Longer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..10_000).try_for_each(|_| f.write_str("and on "))
    }
}

#[test]
fn a_field_that_logs_and_spans_while_it_is_printed_does_no_harm() {
    struct Chatty;
    impl fmt::Debug for Chatty {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            info_span!("while printing").in_scope(|| info!("printing"));
            f.write_str("chatty")
        }
    }

    let spans = exported(4, || {
        let outer = info_span!("outer", late = field::Empty).entered();
        outer.record("late", field::debug(Chatty));
        info!(chatty = ?Chatty, "said");
        let _inner = info_span!("inner", chatty = ?Chatty).entered();
    });

    // The log prints the field too, for whom these are spans as well.
    assert!(spans.iter().filter(|span| span.name == "while printing").count() >= 2);
}

#[test]
fn a_span_may_follow_from_another() {
    let spans = exported(2, || {
        let (first, second) = (info_span!("first"), info_span!("second"));
        second.follows_from(&first);
    });

    let link = &span(&spans, "second").links[0];
    assert_eq!((&link.trace_id, &link.span_id), (&span(&spans, "first").trace_id, &span(&spans, "first").span_id));
}
