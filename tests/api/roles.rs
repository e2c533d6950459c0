//! Every route, method and caller: who is let in.

use http::Method;
use serde_json::{Value, json};
use watchkeeper::api::monitoring::{PREFIX, Role, RouteInfo};
use watchkeeper::{Watchkeeper, service_info};

use crate::app::{App, Caller, UNAUTHORIZED};

const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"];

/// A body that the route takes, or one that it refuses for what it holds: either way the caller was let in.
pub(crate) fn body(method: &str) -> Option<Value> {
    matches!(method, "POST" | "PUT" | "PATCH").then(|| json!({}))
}

/// A path of a route, with ids of things that are not there.
pub(crate) fn path(route: &RouteInfo) -> String {
    let path = route.path.strip_prefix(PREFIX).expect("the prefix").to_owned();
    path.replace("{id}", "019ab5c2-7d40-7004-8000-00001f2e3d4c").replace("{name}", "nothing")
}

#[tokio::test]
async fn the_table_of_roles_holds_for_every_route_method_and_caller() {
    let app = App::new();
    let routes = app.watch.monitoring_api().routes();
    let mut asked = 0;
    for route in &routes {
        for method in METHODS {
            let row = routes.iter().find(|row| row.path == route.path && row.method == method);
            for caller in Caller::ALL {
                let answer = app.ask(caller, method, &path(route), body(method)).await;
                let what = format!("{caller:?} {method} {}", route.path);
                match (caller.role(), row) {
                    (None, _) => assert_eq!(answer.status, UNAUTHORIZED, "{what}"),
                    (Some(_), None) => {
                        assert_eq!(answer.status, 405, "{what}");
                        assert!(answer.headers["allow"].to_str().expect("text").contains(&route.method), "{what}");
                    }
                    (Some(role), Some(row)) if role < row.role => assert_eq!(answer.status, 403, "{what}"),
                    (Some(_), Some(_)) => {
                        assert!(
                            ![401, 403, 405].contains(&answer.status) && answer.status < 500 || answer.status == 501,
                            "{what}: {answer:?}"
                        );
                    }
                }
                asked += 1;
            }
        }
    }
    assert_eq!(asked, routes.len() * 9 * 6);
}

#[tokio::test]
async fn without_a_source_every_route_answers_401() {
    let watch = Watchkeeper::builder(service_info!()).build().expect("a watch");
    let router: axum::Router = watch.monitoring_api().router();
    for route in watch.monitoring_api().routes() {
        for token in [None, Some("Bearer "), Some("Bearer token-of-zoe-the-admin"), Some("Basic em9lOg==")] {
            let method: Method = route.method.parse().expect("a method");
            let mut request = http::Request::builder().method(method).uri(format!("{PREFIX}{}", path(&route)));
            if let Some(token) = token {
                request = request.header("authorization", token);
            }
            let request = request.body(axum::body::Body::empty()).expect("a request");
            let answer = tower::ServiceExt::oneshot(router.clone(), request).await.expect("an answer");
            assert_eq!(answer.status(), 401, "{route:?} with {token:?}");
        }
    }
    let routes: axum::Router = watch.routes();
    let request = http::Request::get(format!("{PREFIX}/events")).body(axum::body::Body::empty()).expect("a request");
    let answer = tower::ServiceExt::oneshot(routes, request).await.expect("an answer");
    assert_eq!(answer.status(), 404, "nobody asked for the API, so it is not there");
}

#[tokio::test]
async fn a_change_of_role_applies_to_the_next_request() {
    use std::sync::Mutex;
    use watchkeeper::api::monitoring::Principal;

    static ROLE: Mutex<Role> = Mutex::new(Role::Admin);
    let source = |_: &http::request::Parts| Principal::new("ada", *ROLE.lock().expect("a role")).ok();
    let watch = Watchkeeper::builder(service_info!()).principals(source).build().expect("a watch");
    let router: axum::Router = watch.routes();
    let status = async || {
        let request =
            http::Request::get(format!("{PREFIX}/config")).body(axum::body::Body::empty()).expect("a request");
        tower::ServiceExt::oneshot(router.clone(), request).await.expect("an answer").status()
    };
    assert_eq!(status().await, 200);
    *ROLE.lock().expect("a role") = Role::User;
    assert_eq!(status().await, 403);
}

#[tokio::test]
async fn a_layer_of_the_app_names_the_caller_and_without_it_there_is_none() {
    use watchkeeper::api::monitoring::{FromExtension, Principal};

    let watch = Watchkeeper::builder(service_info!()).principals(FromExtension).build().expect("a watch");
    let bare: axum::Router = watch.routes();
    let ada = Principal::new("ada", Role::User).expect("a name");
    let with_layer = watch.routes::<()>().layer(axum::Extension(ada));
    for (router, status) in [(bare, 401), (with_layer, 200)] {
        let request =
            http::Request::get(format!("{PREFIX}/events")).body(axum::body::Body::empty()).expect("a request");
        assert_eq!(tower::ServiceExt::oneshot(router, request).await.expect("an answer").status(), status);
    }
}
