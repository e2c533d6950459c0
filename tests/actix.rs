//! What an Actix Web app has of the middleware: its routes' templates, ids, traces, and the pages of the watch. How requests
//! end there is tried in `endings`, on all servers alike; that reports stay apart, in `errors`.
#![cfg(feature = "actix")]
#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

use actix_web::dev::{Service, ServiceResponse};
use actix_web::error::{ErrorInternalServerError, ErrorServiceUnavailable, ErrorUnauthorized};
use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, HttpMessage, HttpRequest, HttpResponse, web};
use watchkeeper::actix::{self, Middleware};
use watchkeeper::http::{HttpLayerBuilder, RequestId, TraceInAnswer};
use watchkeeper::testing::Scrape;
use watchkeeper::trace::TraceContext;
use watchkeeper::{Watchkeeper, service_info};

fn watch(choose: impl FnOnce(HttpLayerBuilder) -> HttpLayerBuilder) -> Watchkeeper {
    Watchkeeper::builder(service_info!()).http(choose).build().unwrap()
}

/// The shop's routes, with scopes, a resource of two methods, and whatever the test asks of a request.
fn shop(config: &mut web::ServiceConfig) {
    config
        .route("/", web::get().to(async || "front page"))
        .service(
            web::scope("/orders").route("/{id}", web::get().to(async || "an order")).service(
                web::resource("/{id}/items/{item:\\d+}")
                    .route(web::put().to(async || "put"))
                    .route(web::delete().to(async || HttpResponse::NoContent())),
            ),
        )
        .route("/files/{path:.*}", web::get().to(async || "a file"))
        .route("/trace", web::get().to(async || TraceContext::current().unwrap().trace_id().to_string()))
        .route(
            "/id",
            web::get().to(async |request: HttpRequest| {
                request.extensions().get::<RequestId>().map(ToString::to_string).unwrap_or_default()
            }),
        );
}

macro_rules! serve {
    ($watch:expr) => {
        init_service(
            App::new()
                .configure(shop)
                .configure(actix::routes($watch.scraper(), $watch.health_answers()))
                .wrap(Middleware::new($watch.tower_layer())),
        )
        .await
    };
}

fn header<B>(response: &ServiceResponse<B>, name: &str) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn requests_are_counted_under_their_routes_templates() {
    let watch = watch(|http| http);
    let app = serve!(watch);
    for (request, path, status) in [
        (TestRequest::get().uri("/?q=1"), "/", 200),
        (TestRequest::get().uri("/orders/7"), "/orders/{id}", 200),
        (TestRequest::put().uri("/orders/7/items/3"), "/orders/{id}/items/{item:\\\\d+}", 200),
        (TestRequest::delete().uri("/orders/8/items/9"), "/orders/{id}/items/{item:\\\\d+}", 204),
        (TestRequest::post().uri("/orders/7/items/3"), "/orders/{id}/items/{item:\\\\d+}", 405),
        (TestRequest::get().uri("/files/a/b/c.txt"), "/files/{path:.*}", 200),
        (TestRequest::get().uri("/wp-login.php"), "unmatched", 404),
        (TestRequest::get().uri("/orders/7/items/none"), "unmatched", 404),
    ] {
        let request = request.to_request();
        let method = request.method().to_string();
        assert_eq!(call_service(&app, request).await.status().as_u16(), status, "{path}");
        let labels = format!("method=\"{method}\",path=\"{path}\",status=\"{status}\"");
        assert!(Scrape::of(&watch).sum("http_requests_total", &labels) >= 1.0, "{labels}\n{}", Scrape::of(&watch));
    }
    assert_eq!(Scrape::of(&watch).sum("http_requests_total", ""), 8.0);
    assert_eq!(Scrape::of(&watch).sum("http_requests_in_flight", ""), 0.0);
}

#[tokio::test]
async fn a_request_has_its_clients_id_and_trace_or_new_ones_and_both_are_in_the_answer() {
    let watch = watch(|http| http.share_request_id());
    let app = serve!(watch);
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let request = TestRequest::get()
        .uri("/trace")
        .insert_header(("x-request-id", "checkout-17"))
        .insert_header(("traceparent", format!("00-{trace}-b7ad6b7169203331-01")));
    let answer = call_service(&app, request.to_request()).await;
    assert_eq!(
        (header(&answer, "x-request-id").as_str(), header(&answer, "x-trace-id").as_str()),
        ("checkout-17", trace)
    );
    assert_eq!(read_body(answer).await, trace);
    let answer = call_service(&app, TestRequest::get().uri("/id").to_request()).await;
    let made = header(&answer, "x-request-id");
    assert_eq!(made.len(), 36);
    assert_eq!(header(&answer, "x-trace-id").len(), 32);
    assert_eq!(read_body(answer).await, made, "the handler is shown the same id");
    // The trace's exemplar is on the duration.
    let slowest = watch.registry().render(watchkeeper::metric::Format::OpenMetrics);
    assert!(slowest.contains(&format!("trace_id=\"{trace}\"")), "{slowest}");
}

#[tokio::test]
async fn the_choices_of_the_layer_hold() {
    let watch = watch(|http| {
        http.trace_in_answer(TraceInAnswer::Traceparent)
            .skip("/files/*")
            .label_from_request("tenant", |head| Some(head.headers.get("x-tenant")?.to_str().ok()?.to_owned().into()))
            .label_from_response("kind", |head| {
                Some(head.headers.get("content-type")?.to_str().ok()?.to_owned().into())
            })
    });
    let app = serve!(watch);
    let request = TestRequest::get().uri("/orders/7").insert_header(("x-tenant", "acme"));
    let answer = call_service(&app, request.to_request()).await;
    assert!(header(&answer, "traceparent").starts_with("00-"));
    call_service(&app, TestRequest::get().uri("/files/a").to_request()).await;
    let scrape = Scrape::of(&watch);
    assert_eq!(
        scrape.sum("http_requests_total", "tenant=\"acme\",kind=\"text/plain; charset=utf-8\""),
        1.0,
        "{scrape}"
    );
    assert_eq!(scrape.sum("http_requests_total", ""), 1.0, "{scrape}");
}

#[tokio::test]
async fn an_error_of_a_middleware_further_in_counts_as_it_is_answered() {
    let watch = watch(|http| http);
    let app = init_service(
        App::new()
            .configure(shop)
            .wrap_fn(|request, service| {
                let refused = match request.path() {
                    "/" => Some(ErrorUnauthorized("who are you?")),
                    "/id" => Some(ErrorServiceUnavailable("later")),
                    "/trace" => Some(ErrorInternalServerError("broken")),
                    _ => None,
                };
                let answering = refused.is_none().then(|| service.call(request));
                async move {
                    match answering {
                        Some(answering) => answering.await,
                        None => Err(refused.unwrap()),
                    }
                }
            })
            .wrap(Middleware::new(watch.tower_layer())),
    )
    .await;
    for (path, status, outcome) in [
        ("/", StatusCode::UNAUTHORIZED, "completed"),
        ("/id", StatusCode::SERVICE_UNAVAILABLE, "completed"),
        ("/trace", StatusCode::INTERNAL_SERVER_ERROR, "failed"),
    ] {
        let error = app.call(TestRequest::get().uri(path).to_request()).await.map(drop).unwrap_err();
        assert_eq!(error.as_response_error().status_code(), status, "it is passed on as it is");
        let scrape = Scrape::of(&watch);
        let labels = format!("path=\"{path}\",status=\"{}\"", status.as_u16());
        assert_eq!(scrape.sum("http_requests_total", &labels), 1.0, "{scrape}");
        let labels = format!("path=\"{path}\",outcome=\"{outcome}\"");
        assert_eq!(scrape.sum("http_request_outcomes_total", &labels), 1.0, "{scrape}");
    }
}

#[tokio::test]
async fn the_pages_of_the_watch_answer_and_are_not_counted() {
    let watch = Watchkeeper::builder(service_info!())
        .check("stock", || async { Err::<(), _>("no stock") })
        .metrics_token("let-me-in")
        .build()
        .unwrap();
    let app = serve!(watch);
    call_service(&app, TestRequest::get().uri("/").to_request()).await;
    let ask = async |path: &str, token: Option<&str>| {
        let mut request = TestRequest::get().uri(path);
        if let Some(token) = token {
            request = request.insert_header(("authorization", format!("Bearer {token}")));
        }
        let answer = call_service(&app, request.to_request()).await;
        let (status, kind) = (answer.status().as_u16(), header(&answer, "content-type"));
        (status, kind, String::from_utf8(read_body(answer).await.to_vec()).unwrap())
    };
    assert_eq!(ask("/metrics", None).await.0, 401);
    let (status, kind, scrape) = ask("/metrics", Some("let-me-in")).await;
    assert_eq!((status, kind.as_str()), (200, "text/plain; version=0.0.4; charset=utf-8"));
    assert!(scrape.contains("http_requests_total{method=\"GET\",path=\"/\",status=\"200\"} 1"), "{scrape}");
    assert!(!scrape.contains("path=\"/metrics\"") && !scrape.contains("path=\"/health"), "{scrape}");
    let (status, kind, live) = ask("/health/live", None).await;
    assert_eq!((status, kind.as_str()), (200, "application/json"), "{live}");
    for page in ["/health", "/health/ready"] {
        let (status, _, report) = ask(page, None).await;
        assert_eq!(status, 503);
        assert!(report.contains("\"stock\"") && !report.contains("no stock"), "{report}");
        assert!(ask(page, Some("let-me-in")).await.2.contains("no stock"));
    }
    let head = TestRequest::default().method(actix_web::http::Method::HEAD).uri("/health/live").to_request();
    assert_eq!(call_service(&app, head).await.status(), StatusCode::OK);
}
