//! The worst that may be asked: it ends in time, and requests and scrapes do not notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use watchkeeper::Timestamp;
use watchkeeper::promql::engine::{LabelSet, Limits, Series};

use crate::service::Service;
use crate::support::client::Request;
use crate::support::lateness::Lateness;
use crate::support::prometheus::percent_encoded;

const DEADLINE: Duration = Duration::from_secs(2);
const SERIES: usize = 2_000;

/// Expressions that want everything, again and again.
const WORST: [&str; 4] = [
    "quantile_over_time(0.5, {__name__=~\".+\"}[2h:1s])",
    "sum by (at) (rate({__name__=~\"(a|b)*.*many.*\"}[1h])) * on (at) group_right count_over_time(many_total[2h])",
    "topk(5, predict_linear({__name__!=\"\"}[2h], 3600) > bool on (at) group_left () sum by (at) (many_total))",
    "max_over_time(stddev_over_time(many_total[30m:5s])[1h:5s])",
];

/// How long requests and scrapes take, until told to stop: the median, and the longest, of each.
async fn measure(service: &Service, over: Arc<AtomicBool>) -> [(Duration, Duration, usize); 2] {
    let address = service.address;
    let measured = tokio::task::spawn_blocking(move || {
        let mut times = [Vec::new(), Vec::new()];
        while !over.load(Relaxed) {
            for (times, path) in times.iter_mut().zip(["/hello", "/metrics"]) {
                let begun = Instant::now();
                assert_eq!(Request::new("GET", address, path).send().status, 200);
                times.push(begun.elapsed());
            }
        }
        times
    });
    measured.await.expect("they are all answered").map(|mut times| {
        times.sort_unstable();
        (times[times.len() / 2], times[times.len() - 1], times.len())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_worst_expression_ends_in_time_and_requests_and_scrapes_do_not_wait_for_it() {
    let mut limits = Limits::default();
    limits.deadline = DEADLINE;
    let service = Service::start(|options| options.limits(limits)).await;
    let history = service.watch.history().expect("it was asked for");
    let now = Timestamp::now().as_micros() / 1000;
    history.load((0..SERIES).map(|at| Series {
        labels: LabelSet::new([("__name__", "many_total".to_owned()), ("at", at.to_string())]),
        points: (0..240).map(|step| (now - 7_200_000 + step * 30_000, (step * at as i64) as f64)).collect(),
    }));

    let over = Arc::new(AtomicBool::new(false));
    let (stop, calm) = (Arc::clone(&over), measure(&service, Arc::clone(&over)));
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(2)).await;
        stop.store(true, Relaxed);
    });
    let calm = calm.await;

    let lateness = Lateness::watch();
    let over = Arc::new(AtomicBool::new(false));
    let end = format!("{:.3}", now as f64 / 1000.0);
    let queries = async {
        let mut ended = Vec::new();
        for expression in WORST {
            let form = format!("query={}&start={}&end={end}&step=1", percent_encoded(expression), now / 1000 - 7_200);
            let all = (0..6).map(|_| async {
                let begun = Instant::now();
                let answer = service.ask("POST", "/prometheus/api/v1/query_range", Some(&form)).await;
                (answer.status, answer.json()["errorType"].clone(), begun.elapsed())
            });
            ended.extend(futures_util::future::join_all(all).await.into_iter().map(|answer| (expression, answer)));
        }
        over.store(true, Relaxed);
        ended
    };
    let (ended, busy) = tokio::join!(queries, measure(&service, Arc::clone(&over)));

    let longest = ended.iter().map(|(_, (_, _, time))| *time).max().expect("queries");
    for (expression, (status, kind, time)) in &ended {
        assert!(*time <= lateness.end_of(DEADLINE + Duration::from_secs(1)), "{expression} ended after {time:?}");
        assert!([200, 422, 503].contains(status), "{expression}: {status} {kind}");
    }
    let refused = ended.iter().filter(|(_, (status, _, _))| *status != 200).count();
    let mut kinds = std::collections::BTreeMap::new();
    ended.iter().for_each(|(_, (status, kind, _))| *kinds.entry(format!("{status} {kind}")).or_insert(0) += 1);
    println!(
        "{} queries, {refused} of them refused or ended by a limit ({kinds:?}), the longest after {longest:?} of {DEADLINE:?}; median and \
         longest of requests and scrapes: without {calm:?}, with {busy:?}; the machine was late by {:?}",
        ended.len(),
        lateness.worst()
    );
    assert!(refused > 0, "they are the worst");
    for (_, longest, _) in busy {
        assert!(longest <= lateness.end_of(Duration::from_secs(1)), "an answer took {longest:?}");
    }
}
