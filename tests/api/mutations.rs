//! Paths and headers that mean another route to somebody else on the way: none lets anybody in.

use axum::body::Body;
use http::{Method, Request, Uri};
use watchkeeper::api::monitoring::{PREFIX, RouteInfo};

use crate::app::{App, Caller, tally};
use crate::roles;

/// Ways of writing a path that something between the caller and the app may take for the path itself.
fn mutations(path: &str) -> Vec<String> {
    let (head, last) = path.rsplit_once('/').expect("a path");
    let first = last.chars().next().expect("a name");
    let escaped = format!("{head}/%{:02x}{}", u32::from(first), &last[first.len_utf8()..]);
    let twice = format!("{head}/%25{:02x}{}", u32::from(first), &last[first.len_utf8()..]);
    let upper = path.replace("monitoring", "MONITORING");
    vec![
        format!("{path}/"),
        format!("/{path}"),
        format!("//{path}"),
        path.replace("/monitoring", "//monitoring"),
        format!("{head}//{last}"),
        format!("{head}/./{last}"),
        format!("/.{path}"),
        format!("/./{path}"),
        format!("{head}/x/../{last}"),
        format!("/x/..{path}"),
        format!("/health/..{path}"),
        format!("/metrics/..{path}"),
        format!("{head}/%2e/{last}"),
        format!("{head}/x/%2e%2e/{last}"),
        format!("{head}/.%2e/{last}"),
        format!("{head}%2f{last}"),
        format!("{head}%2F{last}"),
        format!("{head}%5c{last}"),
        format!("{head}/{last}%2f"),
        format!("{head}/{last};"),
        format!("{head}/{last};a=b"),
        format!("{head};a=b/{last}"),
        format!("{head}/;/{last}"),
        format!("{path}%00"),
        format!("{path}%0a"),
        format!("{path}%20"),
        format!("{path}%09"),
        format!("{path}."),
        format!("{path}.json"),
        format!("{path}%3f"),
        format!("{path}%23"),
        format!("{path}/*"),
        format!("{path}/health"),
        upper,
        path.to_uppercase(),
        format!("{head}/{}", last.to_uppercase()),
        escaped,
        twice,
        format!("{head}/%c0%ae/{last}"),
        format!("{head}/%ef%bc%8f{last}"),
        format!("{path}~"),
        format!("{path}?/health"),
        format!("/health?{path}"),
    ]
}

fn request(method: &str, uri: Uri, caller: Caller, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(uri).header("content-type", "application/json");
    if let Some(token) = caller.token() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from("{}")).expect("a request")
}

/// Callers without the role that a route asks for.
fn below(route: &RouteInfo) -> impl Iterator<Item = Caller> {
    let role = route.role;
    Caller::ALL.into_iter().filter(move |caller| caller.role().is_none_or(|has| has < role))
}

#[tokio::test]
async fn no_way_of_writing_a_path_lets_somebody_in_whose_role_is_too_low() {
    let app = App::new();
    let mut statuses = Vec::new();
    for route in app.watch.monitoring_api().routes() {
        let path = format!("{PREFIX}{}", roles::path(&route));
        let forms = mutations(&path);
        assert!(forms.len() >= 40, "{} forms", forms.len());
        for form in forms {
            // What is no URI is refused by whoever reads the request line.
            let Ok(uri) = form.parse::<Uri>() else { continue };
            for caller in below(&route) {
                for method in [&*route.method, "GET", "POST", "HEAD"] {
                    let answer = app.send(request(method, uri.clone(), caller, &[])).await;
                    let public = form.starts_with("/health?");
                    let refused = matches!(answer.status, 400 | 401 | 403 | 404 | 405 | 415);
                    // Another route of a lower role may be what the form says, such as the one without `/bulk`.
                    let lower = caller.role().is_some() && answer.status < 400 && is_lower(&app, &form, method, caller);
                    assert!(refused || public || lower, "{caller:?} {method} {form}: {answer:?}");
                    statuses.push(answer.status);
                }
            }
        }
    }
    let tally = tally(statuses);
    assert!(tally[&401] > 1000 && tally[&404] > 100, "{tally:?}");
}

/// Tells whether a form is, letter by letter, a route that the caller may call.
fn is_lower(app: &App, form: &str, method: &str, caller: Caller) -> bool {
    let path = form.split('?').next().unwrap_or_default();
    app.watch.monitoring_api().routes().iter().any(|route| {
        format!("{PREFIX}{}", roles::path(route)) == path
            && route.method == method
            && caller.role().is_some_and(|role| role >= route.role)
    })
}

#[tokio::test]
async fn no_header_changes_the_route_or_the_method() {
    let app = App::new();
    const HEADERS: &[(&str, &str)] = &[
        ("x-http-method-override", "GET"),
        ("x-http-method", "GET"),
        ("x-method-override", "GET"),
        ("x-original-url", "/health"),
        ("x-rewrite-url", "/health"),
        ("x-forwarded-prefix", "/health"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "localhost"),
        ("x-real-ip", "127.0.0.1"),
        ("x-user", "zoe"),
        ("x-role", "admin"),
        ("forwarded", "for=127.0.0.1"),
    ];
    for route in app.watch.monitoring_api().routes() {
        let uri: Uri = format!("{PREFIX}{}", roles::path(&route)).parse().expect("a path");
        for caller in below(&route) {
            let expected = if caller.role().is_none() { 401 } else { 403 };
            for header in HEADERS {
                let answer = app.send(request(&route.method, uri.clone(), caller, &[*header])).await;
                assert_eq!(answer.status, expected, "{caller:?} {route:?} {header:?}");
            }
        }
        let answer =
            app.send(request("DELETE", uri, Caller::Admin, &[("x-http-method-override", &route.method)])).await;
        let deletes = app
            .watch
            .monitoring_api()
            .routes()
            .iter()
            .any(|row| row.path == route.path && row.method == Method::DELETE.as_str());
        assert!(deletes || answer.status == 405, "{route:?}: {answer:?}");
    }
}
