//! What leaves of an event: everything that may hold a secret is masked or left out.

use sentry::protocol::{Context, Event, Map, Request, Transaction, Value};

use crate::sanitise::{is_secret_name, redact};

/// The longest text that leaves, in bytes.
const MOST_TEXT: usize = 8 * 1024;

/// The headers that an app's own request may keep; all others are left out.
const HEADERS: &[&str] = &["accept", "accept-encoding", "content-length", "content-type", "host", "user-agent"];

/// What the `sentry` crate keeps of a request in the data of a span; all of it is left out.
const OF_A_REQUEST: &[&str] = &["url", "data", "query_string", "cookies", "headers", "env"];

/// Masks and leaves out, in place.
pub(super) fn clean(event: &mut Event<'_>) {
    for text in [&mut event.message, &mut event.culprit, &mut event.transaction] {
        optional(text);
    }
    if let Some(entry) = &mut event.logentry {
        masked(&mut entry.message);
        entry.params.iter_mut().for_each(value);
    }
    for exception in &mut event.exception.values {
        optional(&mut exception.value);
    }
    for crumb in &mut event.breadcrumbs.values {
        optional(&mut crumb.message);
        map(&mut crumb.data);
    }
    map(&mut event.extra);
    tags(&mut event.tags);
    contexts(&mut event.contexts);
    event.request = event.request.take().map(bare);
}

/// Does the same for a transaction, which only an app that calls the `sentry` crate makes.
pub(super) fn clean_transaction(transaction: &mut Transaction<'_>) {
    optional(&mut transaction.name);
    map(&mut transaction.extra);
    tags(&mut transaction.tags);
    contexts(&mut transaction.contexts);
    for span in &mut transaction.spans {
        optional(&mut span.description);
        OF_A_REQUEST.iter().for_each(|name| drop(span.data.remove(*name)));
        map(&mut span.data);
        tags(&mut span.tags);
    }
    transaction.request = transaction.request.take().map(bare);
}

fn tags(tags: &mut Map<String, String>) {
    for (name, text) in tags {
        if is_secret_name(name) {
            "***".clone_into(text);
        } else {
            masked(text);
        }
    }
}

fn contexts(contexts: &mut Map<String, Context>) {
    for context in contexts.values_mut() {
        match context {
            Context::Other(values) => map(values),
            Context::Trace(trace) => {
                optional(&mut trace.description);
                OF_A_REQUEST.iter().for_each(|name| drop(trace.data.remove(*name)));
                map(&mut trace.data);
            }
            _ => {}
        }
    }
}

/// Keeps of a request its method and a few headers: no address, since its path and query are the client's own, no
/// cookies, no body.
fn bare(request: Request) -> Request {
    let kept = |name: &String| HEADERS.contains(&name.to_ascii_lowercase().as_str());
    let mut headers = request.headers;
    headers.retain(|name, text| {
        masked(text);
        kept(name)
    });
    Request { method: request.method, headers, ..Request::default() }
}

fn map(values: &mut Map<String, Value>) {
    for (name, item) in values {
        if is_secret_name(name) {
            *item = Value::from("***");
        } else {
            value(item);
        }
    }
}

fn value(item: &mut Value) {
    match item {
        Value::String(text) => masked(text),
        Value::Array(items) => items.iter_mut().for_each(value),
        Value::Object(items) => items.iter_mut().for_each(|(name, item)| {
            if is_secret_name(name) {
                *item = Value::from("***");
            } else {
                value(item);
            }
        }),
        _ => {}
    }
}

fn optional(text: &mut Option<String>) {
    if let Some(text) = text {
        masked(text);
    }
}

fn masked(text: &mut String) {
    *text = redact(text, MOST_TEXT);
}
