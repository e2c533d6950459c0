//! What an evaluation may cost at most.

use std::cell::Cell;
use std::time::{Duration, Instant};

use watchkeeper::promql::engine::{
    Engine, EvaluationError, LabelSet, Limits, METRIC_NAME, Matcher, Query, Series, SeriesSource, SourceBounds,
    SourceError,
};

use super::stored::Stored;
use super::support::lateness::Lateness;

/// Many series of one metric, made when they are asked for.
struct Many {
    series: Vec<Series>,
}

impl Many {
    /// Returns series with two hours of points, 15 seconds apart.
    fn new(series: usize) -> Self {
        let series = (0..series).map(|number| Series {
            labels: LabelSet::new([
                (METRIC_NAME, "a".to_owned()),
                ("group", (number % 100).to_string()),
                ("number", number.to_string()),
                ("text", "x".repeat(128)),
            ]),
            points: (0..480).map(|point| (point * 15_000, (point * 7 % 100) as f64)).collect(),
        });
        Self { series: series.collect() }
    }
}

impl SeriesSource for Many {
    fn select(&self, matchers: &[Matcher], _: i64, _: i64, bounds: &SourceBounds) -> Result<Vec<Series>, SourceError> {
        let mut found = Vec::new();
        for series in &self.series {
            if Instant::now() > bounds.deadline {
                return Err(SourceError::Deadline);
            }
            if Matcher::all_match(matchers, &series.labels) {
                found.push(series.clone());
            }
        }
        Ok(found)
    }
}

#[test]
fn the_worst_expressions_end_soon_after_the_deadline() {
    let source = Many::new(2000);
    let mut limits = Limits::default();
    limits.deadline = Duration::from_millis(300);
    let engine = Engine::new(limits);
    let sources = (0..400).map(|number| format!("'l{number}'")).collect::<Vec<_>>().join(", ");
    let included = (0..400).map(|number| format!("l{number}")).collect::<Vec<_>>().join(", ");
    let worst = [
        "sum_over_time(a[2h:1s])".to_owned(),
        "quantile_over_time(0.5, a[2h:1s])".to_owned(),
        "max_over_time(quantile_over_time(0.5, mad_over_time(a[30m:15s])[30m:15s])[30m:15s])".to_owned(),
        "a{text=~'(x+x+)+y'}".to_owned(),
        "a{text=~'(.*)*(.*)*(.*)*z', number=~'([0-9]{0,10}){0,20}'}".to_owned(),
        "label_replace(a, 'b', '$1$1$1', 'text', '(x*)*(x*)*(.*)')".to_owned(),
        format!("label_join(a, 'b', 'text', {sources}, {sources})"),
        format!("a * on (number) group_left ({included}) a"),
        "a * on (group) group_left () sum by (group) (a) or a and a unless a".to_owned(),
        "count_values by (number) ('v', a)".to_owned(),
        "topk by (group) (10, sort_desc(a))".to_owned(),
        "a + ".repeat(50) + "a",
    ];
    let lateness = Lateness::watch();
    for expression in worst {
        let query = Query::parse(&expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
        let start = Instant::now();
        let result = engine.range(&query, &source, 3_600_000, 7_200_000, 1000);
        let (took, end) = (start.elapsed(), lateness.end_of(limits.deadline));
        let shown: String = expression.chars().take(70).collect();
        println!("{took:?} for {shown}: {:?}", result.as_ref().map(|_| ()).map_err(ToString::to_string));
        // What is freed afterwards, and a build without optimisation, may take as long again.
        assert!(took < end * 3, "{shown} took {took:?} of {end:?}");
    }
}

/// A source that is as slow as the deadline is long, the first time that it is asked.
struct Slow {
    asked: Cell<usize>,
}

impl SeriesSource for Slow {
    fn select(&self, _: &[Matcher], _: i64, _: i64, bounds: &SourceBounds) -> Result<Vec<Series>, SourceError> {
        self.asked.set(self.asked.get() + 1);
        std::thread::sleep(bounds.deadline.saturating_duration_since(Instant::now()));
        Ok(vec![Series { labels: LabelSet::new([(METRIC_NAME, "a")]), points: vec![(0, 1.0)] }])
    }
}

#[test]
fn after_the_deadline_no_source_is_asked_again() {
    let mut limits = Limits::default();
    limits.deadline = Duration::from_millis(1);
    for expression in ["a + b + c", "sum(rate(a[5m])) or b", "max_over_time(a[5m:1m]) * b"] {
        let source = Slow { asked: Cell::new(0) };
        let error = Engine::new(limits).instant(&Query::parse(expression).unwrap(), &source, 0).unwrap_err();
        assert!(matches!(error, EvaluationError::Deadline { .. }), "{expression}: {error}");
        // None, where the machine was so late that the deadline had come before.
        assert!(source.asked.get() <= 1, "{expression} asked {} times", source.asked.get());
    }
}

#[test]
fn what_asks_for_more_than_a_limit_ends_with_an_error_that_names_it() {
    let source = Many::new(20);
    let text = |limits: Limits, expression: &str| {
        let query = Query::parse(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
        match Engine::new(limits).range(&query, &source, 0, 600_000, 15_000) {
            Ok(_) => "a result".to_owned(),
            Err(error) => error.to_string(),
        }
    };
    let limits = |change: fn(&mut Limits)| {
        let mut limits = Limits::default();
        change(&mut limits);
        limits
    };
    assert_eq!(text(limits(|limits| limits.series = 19), "a"), "the query needs more than 19 series");
    assert_eq!(
        text(limits(|limits| limits.samples = 9_000), "a"),
        "query processing would load too many samples into memory in query execution: more than 9000"
    );
    assert_eq!(text(limits(|limits| limits.steps = 40), "a"), "exceeded maximum resolution: 41 steps, at most 40");
    assert_eq!(
        text(limits(|limits| limits.subquery_steps = 700), "max_over_time(a[2m:1s])"),
        "exceeded maximum resolution: 720 steps, at most 700"
    );
    assert_eq!(text(limits(|limits| limits.result = 819), "a"), "the result has more than 819 samples");
    assert_eq!(text(limits(|limits| limits.result = 820), "a"), "a result");
    let joined = "label_join(".repeat(9) + "a" + &", 'text', '', 'text', 'text')".repeat(9);
    assert_eq!(text(Limits::default(), &joined), "label `text` would have 8192 bytes, at most 4096 are made");
    assert!(Stored::default().select(&[], 0, 1, &SourceBounds::new(1, 1, Instant::now())).is_ok());
}
