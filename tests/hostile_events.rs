//! Whatever an app tells: what is accepted is read back, takes at most twice its size, and breaks no reader.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use watchkeeper::Timestamp;
use watchkeeper::event::{Event, EventDraft, MAX_EVENT_BYTES, MAX_IDENTITY_BYTES, MAX_SOURCE_BYTES, TimeWindow};
use watchkeeper::sanitise::{MAX_DEPTH, MAX_KEY_BYTES, MAX_KEYS, MAX_TEXT_BYTES, Repair};
use watchkeeper::store::{Appended, EventQuery, EventStore, Memory, MemoryLimits, Scope};
use watchkeeper::testing::hostile;
use watchkeeper::testing::laws::run;

const EVENTS: usize = 10_000;

fn now() -> Timestamp {
    Timestamp::from_micros(1_795_528_920_123_456)
}

/// The part of an event or draft that whoever told it decides the size of.
fn told(thing: &Value) -> Value {
    let keys = ["source", "message", "tags", "payload", "trace_id", "dedup_key"];
    Value::Object(keys.iter().filter_map(|key| Some(((*key).to_owned(), thing.get(*key)?.clone()))).collect())
}

/// A number as PostgreSQL writes it: no exponent, no sign on zero.
fn spelled(number: &str) -> String {
    let (sign, number) = number.strip_prefix('-').map_or(("", number), |number| ("-", number));
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let exponent: i64 = exponent.parse().expect("an exponent is a number");
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{part}");
    let point = whole.len() as i64 + exponent;
    let mut text = if point <= 0 {
        format!("0.{}{digits}", "0".repeat(point.unsigned_abs() as usize))
    } else if point as usize >= digits.len() {
        format!("{digits}{}", "0".repeat(point as usize - digits.len()))
    } else {
        format!("{}.{}", &digits[..point as usize], &digits[point as usize..])
    };
    // What was written with a point and no exponent keeps it.
    if exponent == 0 && part.is_empty() {
        text = digits;
    }
    if text.bytes().all(|byte| matches!(byte, b'0' | b'.')) { text } else { format!("{sign}{text}") }
}

/// JSON as PostgreSQL's `jsonb` writes it.
fn as_jsonb(value: &Value, out: &mut String) {
    match value {
        Value::Number(number) => out.push_str(&spelled(&number.to_string())),
        Value::Array(items) => {
            out.push('[');
            for (place, item) in items.iter().enumerate() {
                out.push_str(if place > 0 { ", " } else { "" });
                as_jsonb(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (place, (key, value)) in members.iter().enumerate() {
                out.push_str(if place > 0 { ", " } else { "" });
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push_str(": ");
                as_jsonb(value, out);
            }
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
}

/// Checks the limits by looking at everything that is there.
fn assert_within_limits(value: &Value, depth: usize) {
    match value {
        Value::String(text) => assert!(text.len() <= MAX_TEXT_BYTES && !text.contains('\0')),
        Value::Number(number) => {
            assert!(number.as_f64().is_some_and(|float| float.is_finite() && float.abs() <= f64::MAX))
        }
        Value::Array(items) => {
            assert!(depth <= MAX_DEPTH);
            items.iter().for_each(|item| assert_within_limits(item, depth + 1));
        }
        Value::Object(members) => {
            // One more for the note of repairs.
            assert!(
                depth <= MAX_DEPTH && members.len() <= MAX_KEYS + usize::from(members.contains_key(Event::SANITIZED))
            );
            for (key, value) in members {
                assert!(key.len() <= MAX_KEY_BYTES && !key.contains('\0'));
                assert_within_limits(value, depth + 1);
            }
        }
        _ => {}
    }
}

fn assert_harmless(draft: EventDraft) -> (Event, bool) {
    let before = told(&serde_json::to_value(&draft).expect("it is JSON")).to_string().len();
    let checked = draft.clone().check(TimeWindow::default(), now());
    let (event, repairs) = draft.accept(TimeWindow::default(), now());

    // Checking refuses exactly what accepting would have to change.
    assert_eq!(checked.is_ok(), repairs.is_empty(), "{checked:?} {repairs:?}");
    let noted = event.tags().get(Event::SANITIZED);
    let names: Vec<_> = repairs.iter().map(Repair::as_str).collect();
    if !repairs.is_empty() {
        assert_eq!(noted, Some(&json!(names)));
    }

    // It is read back as it was, from our own JSON and from a database's.
    let text = serde_json::to_string(&event).expect("it is JSON");
    assert_eq!(serde_json::from_str::<Event>(&text).expect("it is JSON"), event);
    assert!(text.len() <= MAX_EVENT_BYTES, "{} bytes", text.len());
    let value = serde_json::to_value(&event).expect("it is JSON");
    let (mut jsonb, mut whole) = (String::new(), String::new());
    as_jsonb(&told(&value), &mut jsonb);
    as_jsonb(&value, &mut whole);
    assert_eq!(serde_json::from_str::<Event>(&whole).expect("it is JSON"), event);

    // At most twice its size and half a kilobyte each for tags and payload, the note of repairs apart.
    let most = 2 * before + 2 * 512 + 200;
    assert!(told(&value).to_string().len() <= most, "{before} bytes became {}", told(&value));
    assert!(jsonb.len() <= most, "{before} bytes are spelled out as {}", jsonb.len());

    assert!(!event.source().is_empty() && event.source().len() <= MAX_SOURCE_BYTES);
    for identity in [event.created_by(), event.trace_id(), event.dedup_key()].into_iter().flatten() {
        assert!(identity.len() <= MAX_IDENTITY_BYTES);
    }
    assert!(now().since(event.timestamp()) <= TimeWindow::default().past);
    assert!(event.timestamp().since(now()) <= TimeWindow::default().future);
    for fields in [event.tags(), event.payload()] {
        assert_within_limits(&Value::Object(Map::from(fields.clone())), 1);
    }
    (event, repairs.is_empty())
}

#[test]
fn ten_thousand_hostile_events_are_accepted_and_harmless() {
    let mut untouched = 0;
    for (n, draft) in hostile::events(1).take(EVENTS).enumerate() {
        let (event, as_told) = assert_harmless(draft);
        untouched += usize::from(as_told);

        // What was repaired needs no second repair.
        if n % 10 == 0 {
            let mut again = serde_json::to_value(&event).unwrap();
            let fields = again.as_object_mut().unwrap();
            for ours in ["id", "created_at", "created_by"] {
                fields.remove(ours);
            }
            let again: EventDraft = serde_json::from_value(again).unwrap();
            let again = again.check(TimeWindow::default(), now()).unwrap();
            assert_eq!(
                (again.tags(), again.payload(), again.message()),
                (event.tags(), event.payload(), event.message())
            );
        }
    }
    // Neither is everything refused, nor nothing.
    assert!((EVENTS / 20..EVENTS * 19 / 20).contains(&untouched), "{untouched} were as they were told");
}

#[test]
fn a_store_lists_them_all() {
    let accept = |draft: EventDraft| Arc::new(draft.accept(TimeWindow::default(), now()).0);
    let mut limits = MemoryLimits::default();
    limits.event_bytes = 1024 * 1024 * 1024;
    let store = Memory::with_limits(limits);
    let mut told: Vec<Arc<Event>> = hostile::events(2).take(EVENTS).map(accept).collect();
    for batch in told.chunks(500) {
        assert_eq!(run(store.append_events(batch)).unwrap(), vec![Appended::Stored; batch.len()]);
    }
    told.sort_by_key(|event| event.id());
    let (mut query, mut found) = (EventQuery::new(Scope::All).oldest_first().limit(1000), Vec::new());
    loop {
        let page = run(store.events(&query)).unwrap();
        found.extend(page.items);
        let Some(next) = page.next else { break };
        query = query.after(next);
    }
    assert!(found == told, "what is listed is what was told");
    // Each is found by what it has, whatever that is.
    for event in told.iter().step_by(97) {
        assert_eq!(run(store.event(event.id(), &Scope::All)).unwrap().as_ref(), Some(event));
        let mut query =
            EventQuery::new(Scope::All).source(event.source()).start(event.timestamp()).end(event.timestamp());
        query.tags = event.tags().clone();
        let page = run(store.events(&query.limit(1000))).unwrap();
        assert!(page.items.contains(event), "{event:?}");
    }
}

#[test]
fn numbers_that_grow_when_they_are_spelled_out_become_text() {
    for number in ["1e308", "1e22", "1e16", "1e15", "1e5", "-1e300", "1e-300"] {
        let many = format!("[{}]", vec![number; 9_000].join(","));
        let draft = || Event::log("bomb").detail("n", serde_json::from_str::<Value>(&many).unwrap());
        let (event, _) = draft().accept(TimeWindow::default(), now());
        let payload = Value::Object(event.payload().clone().into());
        let mut jsonb = String::new();
        as_jsonb(&payload, &mut jsonb);
        assert!(
            jsonb.len() <= 2 * many.len() && payload.to_string().len() <= 2 * many.len(),
            "{number}: {}",
            jsonb.len()
        );

        // One of them does no harm, and stays a number.
        let one = json!({"n": serde_json::from_str::<Value>(number).unwrap()});
        let (event, repairs) =
            Event::log("one").payload(one.as_object().unwrap().clone()).accept(TimeWindow::default(), now());
        assert!(repairs.is_empty() && event.payload().get("n").unwrap().is_number(), "{number}");
    }
}

#[test]
fn a_value_nested_a_hundred_thousand_levels_deep_does_not_overflow_the_stack() {
    let deep = (0..100_000).fold(Value::Null, |inner, _| Value::Array(vec![inner]));
    let (event, repairs) = Event::log("deep").detail("d", deep).accept(TimeWindow::default(), now());
    assert!(repairs.contains(Repair::Depth));
    let text = serde_json::to_string(event.payload()).unwrap();
    assert_eq!(text.matches('[').count(), MAX_DEPTH - 1);
}

#[test]
fn an_identity_is_kept_as_it_is_or_not_at_all() {
    let long = "x".repeat(MAX_IDENTITY_BYTES + 1);
    for bad in ["", "a\nb", "a\0", &long] {
        let (event, repairs) = Event::log("s").created_by(bad).accept(TimeWindow::default(), now());
        assert_eq!((event.created_by(), repairs.contains(Repair::Identity)), (None, true), "{bad:?}");
    }
}

#[test]
fn a_refusal_names_the_field_and_the_rule() {
    let check = |draft: EventDraft| draft.check(TimeWindow::default(), now()).unwrap_err().to_string();
    assert_eq!(check(Event::log("")), "source: a name is needed, of the characters that this field allows");
    assert_eq!(check(Event::log("s".repeat(129))), "source: at most 128 bytes are allowed");
    assert_eq!(check(Event::log("s").message("\0")), "message: the character NUL is not allowed");
    assert_eq!(check(Event::log("s").message("é".repeat(9000))), "message: a text has at most 16384 bytes");
    assert_eq!(check(Event::log("s").at(Timestamp::EPOCH)), "timestamp: the time is too long ago, or in the future");
    let wide: Map<String, Value> = (0..257).map(|n| (n.to_string(), Value::Null)).collect();
    assert_eq!(check(Event::log("s").payload(wide.clone())), "payload: at most 256 members are allowed in one object");
    assert_eq!(check(Event::log("s").tag("t", wide)), "tags: at most 256 members are allowed in one object");
    assert_eq!(check(Event::log("s").tag("k".repeat(129), 1)), "tags: a key has at most 128 bytes");
    let large = (0..5).fold(Event::log("s"), |draft, n| draft.detail(format!("d{n}"), "x".repeat(16_000)));
    assert_eq!(check(large), "payload: the whole has at most 65536 bytes as JSON");
}

#[test]
fn a_client_cannot_set_what_is_not_its_to_set() {
    for field in ["id", "created_by", "created_at", "_x"] {
        let told = json!({"event_type": "log", "source": "s", field: "admin"});
        assert!(
            serde_json::from_value::<EventDraft>(told).unwrap_err().to_string().contains("unknown field"),
            "{field}"
        );
    }
    let wrong = json!({"event_type": "logs", "source": "s"});
    let refused = serde_json::from_value::<EventDraft>(wrong).unwrap_err().to_string();
    assert_eq!(refused, "event_type is \"logs\"; accepted: log, metric, trace, alert");
}
