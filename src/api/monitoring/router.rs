//! The router of the API.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::any;

use super::door::Api;
use super::{ApiOptions, PREFIX, PrincipalSource, Role, Services, openapi, table};

/// The monitoring API of a watch. Cloning it copies a handle.
#[derive(Debug, Clone)]
pub struct MonitoringApi {
    api: Arc<Api>,
}

/// One route, as the table has it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteInfo {
    /// The method, such as `GET`.
    pub method: String,
    /// The whole path, with the names of its parts in braces.
    pub path: String,
    /// The lowest role that may call it.
    pub role: Role,
}

impl MonitoringApi {
    pub(crate) fn new(source: Option<Arc<dyn PrincipalSource>>, options: ApiOptions, services: Services) -> Self {
        Self { api: Arc::new(Api::new(source, options, services, table::routes())) }
    }

    /// Returns a router with the API under `/api/v1/monitoring`, to be mounted where
    /// [`routes`](crate::Watchkeeper::routes) is not: behind a layer of the app's own, on another port.
    ///
    /// Without a source of principals it answers 401 on every route, and the log says so once.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        if self.api.source.is_none() {
            tracing::warn!("the monitoring API has no source of principals, so it answers 401 to everybody");
        }
        let mut paths: Vec<(&str, Vec<usize>)> = Vec::new();
        for (row, route) in self.api.routes.iter().enumerate() {
            match paths.iter_mut().find(|(path, _)| *path == route.path) {
                Some((_, rows)) => rows.push(row),
                None => paths.push((route.path, vec![row])),
            }
        }
        // Whatever else lies below the prefix is answered here too, to nobody who is not known.
        paths.extend([("", vec![]), ("/", vec![]), ("/{*rest}", vec![])]);
        paths.into_iter().fold(Router::new(), |router, (path, rows)| {
            let (api, rows): (_, Arc<[usize]>) = (Arc::clone(&self.api), rows.into());
            let answer = move |request: Request| Arc::clone(&api).answer(Arc::clone(&rows), request);
            router.route(&format!("{PREFIX}{path}"), any(answer))
        })
    }

    /// Returns every route: its method, its path, the lowest role that may call it.
    pub fn routes(&self) -> Vec<RouteInfo> {
        let info = |route: &super::route::Route| RouteInfo {
            method: route.method.to_string(),
            path: format!("{PREFIX}{}", route.path),
            role: route.role,
        };
        self.api.routes.iter().map(info).collect()
    }

    /// Returns the description of all routes, as OpenAPI 3.1 in JSON.
    pub fn openapi(&self) -> String {
        let document = openapi::render(&self.api.routes);
        serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
    }

    /// Tells whether there is a source of principals.
    pub(crate) fn has_source(&self) -> bool {
        self.api.source.is_some()
    }
}
