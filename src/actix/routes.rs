//! The routes of the watch in an `App`: `/metrics` and the three about health.

use actix_web::web::{self, ServiceConfig};
use actix_web::{Handler, HttpRequest, HttpResponse};

use super::head;
use crate::api::{HealthAnswers, Scraper};

/// Returns what `App::configure` takes to mount `/metrics`, `/health`, `/health/live` and `/health/ready`.
///
/// Each answers GET and HEAD.
pub fn routes(scraper: &Scraper, health: &HealthAnswers) -> impl Fn(&mut ServiceConfig) + Clone + use<> {
    let (scraper, health) = (scraper.clone(), health.clone());
    move |config| {
        let metrics = scraper.clone();
        let [all, live, ready] = std::array::from_fn(|_| health.clone());
        mount(config, "/metrics", move |request: HttpRequest| {
            let metrics = metrics.clone();
            async move { head::answer(metrics.answer(&head::headers(request.headers())).await) }
        });
        mount(config, "/health", move |request: HttpRequest| {
            let all = all.clone();
            async move { head::answer(all.health(&head::headers(request.headers())).await) }
        });
        mount(config, "/health/live", move |_: HttpRequest| {
            let live = live.live();
            async move { head::answer(live) }
        });
        mount(config, "/health/ready", move |request: HttpRequest| {
            let ready = ready.clone();
            async move { head::answer(ready.ready(&head::headers(request.headers())).await) }
        });
    }
}

fn mount<H>(config: &mut ServiceConfig, path: &str, handler: H)
where
    H: Handler<(HttpRequest,), Output = HttpResponse>,
{
    let resource = web::resource(path).route(web::get().to(handler.clone())).route(web::head().to(handler));
    config.service(resource);
}
