//! The arrival of a request: which route it belongs to, and that it is under way there.

use std::borrow::Cow;

use http::Request;

use super::core::Core;
use super::local::{self, Found, Local};
use super::options::{RequestHead, UnmatchedPath, call};
use super::path::path_pattern;
use super::route::Routes;
use crate::presets::http::Method;

/// A request that was counted as begun.
pub(super) struct Begun {
    pub(super) route: u32,
    /// Whether more is to be known of the request than its route.
    pub(super) more: bool,
}

/// Counts a request as begun; `None` when it is skipped.
#[inline]
pub(super) fn enter<B>(layer: u32, method: Method, request: &Request<B>, body: Option<u64>) -> Option<Begun> {
    #[cfg(feature = "axum")]
    if let Some(begun) = enter_known(layer, method, request, body) {
        return Some(begun);
    }
    enter_any(layer, method, request, body)
}

/// Counts a request as begun whose route this thread knows by the address of axum's path, as nearly all are.
#[cfg(feature = "axum")]
#[inline]
fn enter_known<B>(layer: u32, method: Method, request: &Request<B>, body: Option<u64>) -> Option<Begun> {
    if layer == Core::NONE {
        return None;
    }
    let path = request.extensions().get::<axum::extract::MatchedPath>()?;
    local::with_kept(layer, move |layer| layer.enter_known(method, path, body))?
}

#[inline(never)]
fn enter_any<B>(layer: u32, method: Method, request: &Request<B>, body: Option<u64>) -> Option<Begun> {
    if layer == Core::NONE {
        return None;
    }
    let (found, more) = local::with(layer, |layer| {
        let found = find(layer, method, request);
        if let Found::Route(route) = found {
            layer.enter(route, body);
        }
        (found, layer.more)
    })?;
    match found {
        Found::Route(route) => Some(Begun { route, more }),
        Found::Skipped => None,
        Found::Unknown => Some(Begun { route: ask(layer, method, request, body)?, more }),
    }
}

fn find<B>(layer: &mut Local, method: Method, request: &Request<B>) -> Found {
    #[cfg(feature = "axum")]
    if let Some(path) = request.extensions().get::<axum::extract::MatchedPath>() {
        return layer.matched(method, path);
    }
    #[cfg(feature = "actix")]
    if let Some(template) = request.extensions().get::<super::template::Template>() {
        return layer.named(method, &template.0, Routes::matched);
    }
    layer.unmatched(method, request.uri().path())
}

/// Names a route by the app's choice, outside the thread's own tables, since that runs the app's code.
#[cold]
fn ask<B>(layer: u32, method: Method, request: &Request<B>, body: Option<u64>) -> Option<u32> {
    let unmatched = local::with(layer, |layer| layer.core.options.unmatched.clone())?;
    let path = match &unmatched {
        UnmatchedPath::OneValue => None,
        UnmatchedPath::Pattern => Some(Cow::Owned(path_pattern(request.uri().path()))),
        UnmatchedPath::Function(function) => call(|| function(RequestHead::of(request))),
    };
    let route = if matches!(unmatched, UnmatchedPath::Pattern) { Routes::pattern } else { Routes::named };
    local::with(layer, |layer| {
        let found = match &path {
            Some(path) => layer.named(method, path, route),
            None => layer.one_value(method),
        };
        match found {
            Found::Route(route) => layer.enter(route, body).then_some(route),
            Found::Skipped | Found::Unknown => None,
        }
    })?
}
