//! What Grafana asks a data source of type Prometheus, asked of the service and of a real Prometheus that scrapes it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::service::{Service, USER};
use crate::support::client::Request;
use crate::support::process::{Folder, free_port};
use crate::support::prometheus::{Prometheus, percent_encoded};

fn scraping(service: SocketAddr) -> Prometheus {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    let folder = Folder::new("grafana");
    let config = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: shop\n  static_configs:\n  \
         - {{targets: ['{service}'], labels: {{service: shop}}}}\n"
    );
    std::fs::write(folder.path().join("prometheus.yml"), config).expect("the folder can be written to");
    Prometheus::configured(address, folder)
}

/// What is asked: the method, the path, and the form that is sent in the query or in the body.
fn session(now: f64) -> Vec<(&'static str, &'static str, String)> {
    let range = format!("start={:.3}&end={now:.3}&step=1", now - 3.0);
    let on = |query: &str| format!("query={}&time={now:.3}", percent_encoded(query));
    let over = |query: &str| format!("query={}&{range}", percent_encoded(query));
    let duration = "rate(http_requests_total{job=\"shop\"}[5s])";
    vec![
        // The data source is saved.
        ("GET", "status/buildinfo", String::new()),
        ("POST", "query", on("1+1")),
        ("GET", "query", on("1+1")),
        // The browser of metrics is opened.
        ("GET", "label/__name__/values", String::new()),
        ("GET", "label/__name__/values", format!("match%5B%5D=up&start={:.0}&end={now:.0}", now - 3600.0)),
        ("GET", "metadata", "metric=process_open_fds".into()),
        ("GET", "metadata", "metric=http_request_duration_seconds".into()),
        ("GET", "labels", format!("match[]={}", percent_encoded("up{job=\"shop\"}"))),
        ("POST", "labels", format!("match[]={}", percent_encoded("http_requests_total"))),
        ("GET", "label/job/values", "match[]=up".into()),
        ("GET", "label/nobody_has_it/values", String::new()),
        ("POST", "series", "match[]=up".into()),
        ("GET", "series", "match[]=nothing_at_all".into()),
        // A panel, a table, a variable.
        ("POST", "query_range", over("up")),
        ("POST", "query_range", over(duration)),
        ("GET", "query_range", over("vector(1)")),
        ("GET", "query_range", over("1")),
        ("POST", "query_range", over("nothing_at_all")),
        ("POST", "query", on("up")),
        ("POST", "query", on("up[3s]")),
        ("POST", "query", on("\"a text\"")),
        ("POST", "query", on("sum by (job) (up)")),
        ("POST", "query", on("vector(0)/0")),
        ("POST", "query", on("-vector(1)/0")),
        // Mistakes.
        ("POST", "query", on("sum(")),
        ("POST", "query", on("nothing(up)")),
        ("GET", "query", "query=up&time=yesterday".into()),
        ("GET", "query", String::new()),
        ("POST", "query_range", format!("query=up&start={now}&end={:.0}&step=1", now - 10.0)),
        ("POST", "query_range", format!("query=up&start=0&end={now}&step=1")),
        ("POST", "query_range", format!("query=up&start={now}&end={now}&step=0")),
        ("POST", "query_range", format!("query=up&start={now}&end={now}&step=often")),
        ("POST", "query_range", "query=up&step=1".into()),
        ("POST", "query_range", format!("query=up%5B5m%5D&start={now}&end={now}&step=1")),
        ("POST", "query", on("up + on (job) group_left up")),
        ("POST", "query", on("up + on (job) http_request_duration_seconds_bucket")),
        ("GET", "series", String::new()),
        ("GET", "series", "match[]=rate(up%5B5m%5D)".into()),
        ("GET", "label/a-b/values", String::new()),
    ]
}

/// Says where two answers are not of one shape: other members, other types; of lists the first items are compared.
fn difference(at: &str, ours: &Value, theirs: &Value, out: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            if ours.keys().collect::<Vec<_>>() != theirs.keys().collect::<Vec<_>>() {
                let (ours, theirs): (Vec<_>, Vec<_>) = (ours.keys().collect(), theirs.keys().collect());
                return out.push(format!("{at}: {ours:?} here, {theirs:?} there"));
            }
            for (key, value) in ours {
                difference(&format!("{at}.{key}"), value, &theirs[key], out);
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            if ours.is_empty() != theirs.is_empty() {
                return out.push(format!("{at}: {} here, {} there", ours.len(), theirs.len()));
            }
            if let (Some(ours), Some(theirs)) = (ours.first(), theirs.first()) {
                difference(&format!("{at}[0]"), ours, theirs, out);
            }
        }
        (Value::Number(_), Value::Number(_)) | (Value::Bool(_), Value::Bool(_)) => {}
        (Value::String(ours), Value::String(theirs)) => {
            // What is said to people, of a release, and of a moment may differ; everything else is the same.
            let differs = [".error", ".version", ".revision", ".branch", ".buildUser", ".buildDate", ".goVersion"];
            let free = differs.iter().any(|end| at.ends_with(end)) || theirs.parse::<f64>().is_ok();
            if ours != theirs && !free {
                out.push(format!("{at}: {ours:?} here, {theirs:?} there"));
            }
        }
        _ => out.push(format!("{at}: {ours} here, {theirs} there")),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn grafana_is_answered_as_prometheus_answers_it() {
    let service = Service::start(|options| options).await;
    let prometheus = scraping(service.address);
    for _ in 0..8 {
        let hello = Request::new("GET", service.address, "/hello");
        tokio::task::spawn_blocking(move || hello.send()).await.expect("an answer");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970").as_secs_f64();
    let (mut faults, mut statuses) = (Vec::new(), Vec::new());
    let questions = session(now);
    for (method, path, form) in &questions {
        let (query, body) = match *method {
            "GET" if !form.is_empty() => (format!("{path}?{form}"), None),
            "GET" => ((*path).to_owned(), None),
            _ => ((*path).to_owned(), Some(form.as_str())),
        };
        let ours = service.ask(method, &format!("/prometheus/api/v1/{query}"), body).await;
        let mut request = Request::new(method, prometheus.address(), &format!("/api/v1/{query}"));
        if let Some(body) = body {
            request = request.form(body);
        }
        let theirs = tokio::task::spawn_blocking(move || request.send()).await.expect("an answer");
        let what = format!("{method} {query} {}", body.unwrap_or_default());
        let mut found = Vec::new();
        if (ours.status, ours.header("content-type")) != (theirs.status, theirs.header("content-type")) {
            found.push(format!(
                "{} {} here, {} {} there",
                ours.status,
                ours.header("content-type"),
                theirs.status,
                theirs.header("content-type")
            ));
        }
        difference("", &ours.json(), &theirs.json(), &mut found);
        faults.extend(found.into_iter().map(|found| format!("{what}: {found}")));
        statuses.push(ours.status);
    }
    let answered = statuses.iter().filter(|status| **status == 200).count();
    println!("{} questions, {answered} of them answered and {} refused", questions.len(), questions.len() - answered);
    assert!(faults.is_empty(), "{faults:#?}");

    for path in ["prometheus/api/v1/query?query=up", "metrics/query?query=up", "metrics/query_range?query=up"] {
        assert_eq!(service.ask_as(USER, "GET", &format!("/{path}"), None).await.status, 403, "{path}");
        assert_eq!(
            service.ask_as("nobody-s-token-at-all", "GET", &format!("/{path}"), None).await.status,
            401,
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_routes_in_the_envelope_answer_the_same_and_name_what_is_wrong() {
    let service = Service::start(|options| options).await;
    let asked = async |path: &str| service.ask("GET", path, None).await;
    // The first round comes at once.
    let up = loop {
        let up = asked("/metrics/query?query=up").await.json();
        if up["data"]["result"] != Value::Array(Vec::new()) {
            break up;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!((&up["success"], &up["data"]["resultType"]), (&Value::Bool(true), &"vector".into()));
    let labels = serde_json::json!({
        "__name__": "up", "instance": service.address.to_string(), "job": "shop", "service": "shop",
    });
    assert_eq!((&up["data"]["result"][0]["metric"], &up["data"]["result"][0]["value"][1]), (&labels, &"1".into()));
    let range = asked("/metrics/query_range?query=up&step=15s").await.json();
    assert_eq!(range["data"]["resultType"], "matrix", "{range}");

    for (path, field, says) in [
        ("/metrics/query", "query", "missing"),
        ("/metrics/query?query=sum(", "query", "position"),
        ("/metrics/query?query=rate(up)", "query", "position"),
        ("/metrics/query?query=up&time=yesterday", "time", "RFC 3339"),
        ("/metrics/query_range?query=up&step=often", "step", "accepted"),
        ("/metrics/query_range?query=up&step=0", "step", "accepted"),
        (
            "/metrics/query_range?query=up&start_time=2026-01-02T00:00:00Z&end_time=2026-01-01T00:00:00Z",
            "end_time",
            "before",
        ),
        ("/metrics/query_range?query=up&start_time=2026-01-01T00:00:00Z&step=1", "query", "11000"),
        ("/metrics/query?query=up&q=1", "q", "accepted"),
    ] {
        let answer = asked(path).await;
        let json = answer.json();
        assert_eq!((answer.status, json["error"]["field"].as_str()), (400, Some(field)), "{path}: {json}");
        assert!(json["error"]["message"].as_str().expect("a message").contains(says), "{path}: {json}");
    }
}
