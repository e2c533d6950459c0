//! What the scripts leave open.

use watchkeeper::promql::engine::{
    Engine, EvaluationError, LabelSet, Limits, Query, SeriesSource, SourceError, Value, ValueType,
};

use super::stored::Stored;

/// The value of an expression at a second, as text.
fn at(source: &Stored, second: i64, expression: &str) -> String {
    let query = Query::parse(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
    match Engine::default().instant(&query, source, second * 1000) {
        Ok(value) => text(&value),
        Err(error) => format!("error: {error}"),
    }
}

/// The values of an expression over a range of seconds, as text.
fn over(source: &Stored, (start, end, step): (i64, i64, i64), expression: &str) -> String {
    let query = Query::parse(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
    match Engine::default().range(&query, source, start * 1000, end * 1000, step * 1000) {
        Ok(value) => text(&value),
        Err(error) => format!("error: {error}"),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Scalar(number) => number.to_string(),
        Value::String(text) => format!("{text:?}"),
        Value::Vector(samples) => {
            samples.iter().map(|sample| format!("{} {}", sample.labels, sample.value)).collect::<Vec<_>>().join(", ")
        }
        Value::Matrix(series) => {
            let points = |points: &[(i64, f64)]| {
                points.iter().map(|(at, value)| format!("{value}@{}", at / 1000)).collect::<Vec<_>>().join(" ")
            };
            let series = series.iter().map(|series| format!("{} {}", series.labels, points(&series.points)));
            series.collect::<Vec<_>>().join(", ")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_range_leaves_its_left_edge_out_and_has_its_right_edge_in() {
    let source = Stored::of(10, &["a 1 2 3 4"]);
    assert_eq!(at(&source, 30, "a[20s]"), "a 3@20 4@30");
    assert_eq!(at(&source, 30, "count_over_time(a[10s])"), "{} 1");
    assert_eq!(at(&source, 30, "rate(a[10s])"), "");
}

#[test]
fn a_value_is_present_for_less_than_five_minutes_and_until_its_series_ends() {
    let source = Stored::of(10, &["a 1", "b 1 stale"]);
    assert_eq!(at(&source, 299, "a"), "a 1");
    assert_eq!(at(&source, 300, "a"), "");
    assert_eq!(at(&source, 9, "b"), "b 1");
    assert_eq!(at(&source, 10, "b"), "");
    assert_eq!(at(&source, 10, "count_over_time(b[1m])"), "{} 1");
}

#[test]
fn a_rate_reaches_to_the_ends_of_its_range_but_no_counter_below_zero() {
    // Ten per ten seconds, from well above zero: the range's whole length is taken as covered.
    assert_eq!(at(&Stored::of(10, &["a 100+10x6"]), 60, "increase(a[1m])"), "{} 60");
    // From zero on, nothing is added before the first point.
    assert_eq!(at(&Stored::of(10, &["a _ 0 10 20"]), 30, "increase(a[30s])"), "{} 20");
    // A reset counts from zero.
    assert_eq!(at(&Stored::of(10, &["a 100 110 5 15"]), 30, "resets(a[1m])"), "{} 1");
    assert_eq!(
        at(&Stored::of(10, &["a 100 110 5 15"]), 30, "increase(a[31s])"),
        at(&Stored::of(10, &["a 100 110 115 125"]), 30, "increase(a[31s])")
    );
}

#[test]
fn the_ends_of_the_whole_range_stay_what_they_are_within_subqueries() {
    let source = Stored::of(10, &["a 0+1x20"]);
    assert_eq!(over(&source, (50, 70, 10), "a @ end()"), "a 7@50 7@60 7@70");
    assert_eq!(over(&source, (50, 75, 20), "sum_over_time((a @ start())[20s:10s])"), "{} 10@50 10@70");
}

#[test]
fn a_subquery_steps_at_multiples_of_its_step_whenever_it_is_evaluated() {
    let source = Stored::of(1, &["a 0+1x100"]);
    assert_eq!(at(&source, 57, "a[20s:10s]"), "a 40@40 50@50");
    assert_eq!(at(&source, 57, "a[20s:10s] offset 7s"), "a 40@40 50@50");
    assert_eq!(over(&source, (57, 63, 3), "last_over_time(a[20s:10s])"), "a 50@57 60@60 60@63");
}

#[test]
fn nan_is_last_in_both_directions_and_least_in_a_quantile() {
    let source = Stored::of(10, &["a{i='1'} 2", "a{i='2'} NaN", "a{i='3'} 1"]);
    assert_eq!(at(&source, 0, "sort(a)"), r#"a{i="3"} 1, a{i="1"} 2, a{i="2"} NaN"#);
    assert_eq!(at(&source, 0, "sort_desc(a)"), r#"a{i="1"} 2, a{i="3"} 1, a{i="2"} NaN"#);
    assert_eq!(at(&source, 0, "topk(1, a)"), r#"a{i="1"} 2"#);
    assert_eq!(at(&source, 0, "bottomk(1, a)"), r#"a{i="3"} 1"#);
    assert_eq!(at(&source, 0, "max(a)"), "{} 2");
    assert_eq!(at(&source, 0, "quantile(0, a)"), "{} NaN");
    assert_eq!(at(&source, 0, "a > 0"), r#"a{i="1"} 2, a{i="3"} 1"#);
}

#[test]
fn a_name_is_dropped_where_a_value_is_not_that_of_the_metric_any_more() {
    let source = Stored::of(10, &["a{i='1'} 1 2", "b{i='1'} 1 2"]);
    assert_eq!(at(&source, 10, "a + 0"), r#"{i="1"} 2"#);
    assert_eq!(at(&source, 10, "a > 1"), r#"a{i="1"} 2"#);
    assert_eq!(at(&source, 10, "a > bool 1"), r#"{i="1"} 1"#);
    assert_eq!(at(&source, 10, "a >= on (i) b"), r#"{i="1"} 2"#);
    assert_eq!(at(&source, 10, "a >= ignoring (i) b"), "a 2");
    assert_eq!(at(&source, 10, "-a"), r#"{i="1"} -2"#);
    assert_eq!(at(&source, 10, "rate(a[20s]) > rate(b[20s]) - 1"), r#"{i="1"} 0.1"#);
}

#[test]
fn series_that_would_not_be_told_apart_are_an_error_that_names_them() {
    let source = Stored::of(10, &["a{i='1'} 1", "a{i='2'} 1", "b{i='1', j='1'} 1", "b{i='1', j='2'} 1"]);
    assert_eq!(
        at(&source, 0, r#"label_replace(a, "i", "", "", "")"#),
        "error: vector cannot contain metrics with the same labelset: a"
    );
    assert_eq!(
        at(&source, 0, "a * on (i) b"),
        r#"error: found duplicate series for the match group {i="1"} on the right hand-side of the operation: [b{i="1", j="2"}, b{i="1", j="1"}];many-to-many matching not allowed: matching labels must be unique on one side"#
    );
    assert_eq!(
        at(&source, 0, "b * on (i) a"),
        "error: multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
    );
    assert_eq!(at(&source, 0, "sum(b * on (i) group_left () a)"), "{} 2");
    assert_eq!(
        at(&source, 0, "b * on (i) group_left (j) a"),
        "error: multiple matches for labels: grouping labels must ensure unique matches"
    );
    assert_eq!(at(&source, 0, "topk(NaN, a)"), "error: Parameter value is NaN");
}

#[test]
fn what_is_absent_is_told_by_the_labels_that_were_asked_for() {
    let source = Stored::default();
    assert_eq!(at(&source, 0, "absent(a{i='1', j=~'x', k='2', k='3'})"), r#"{i="1"} 1"#);
    assert_eq!(at(&source, 0, "absent(sum(a))"), "{} 1");
    assert_eq!(at(&source, 0, "absent_over_time(a{i='1'}[5m])"), r#"{i="1"} 1"#);
    let source = Stored::of(10, &["a{i='1'} 1 _ _ 1"]);
    assert_eq!(over(&source, (0, 30, 10), "absent_over_time(a[10s])"), "{} 1@10 1@20");
}

#[test]
fn a_matcher_is_anchored_and_a_missing_label_is_empty() {
    let source = Stored::of(10, &["a{i='ab'} 1", "a 2"]);
    assert_eq!(at(&source, 0, "a{i=~'a'}"), "");
    assert_eq!(at(&source, 0, "a{i=~'a.*'}"), r#"a{i="ab"} 1"#);
    assert_eq!(at(&source, 0, "a{i=''}"), "a 2");
    assert_eq!(at(&source, 0, "a{i!~'a.'}"), "a 2");
    assert_eq!(at(&source, 0, "{__name__=~'a', i!=''}"), r#"a{i="ab"} 1"#);
}

#[test]
fn the_quantile_of_a_histogram_needs_its_last_bucket_and_is_found_within_one() {
    let source = Stored::of(
        10,
        &[
            "a_bucket{le='1'} 1",
            "a_bucket{le='2'} 3",
            "a_bucket{le='+Inf'} 4",
            "b_bucket{le='1'} 1",
            "b_bucket{le='x'} 1",
        ],
    );
    assert_eq!(at(&source, 0, "histogram_quantile(0.5, a_bucket)"), "{} 1.5");
    assert_eq!(at(&source, 0, "histogram_quantile(0.99, a_bucket)"), "{} 2");
    assert_eq!(at(&source, 0, "histogram_quantile(0.5, b_bucket)"), "{} NaN");
    assert_eq!(at(&source, 0, "histogram_fraction(0, 1.5, a_bucket)"), "{} 0.5");
}

#[test]
fn a_query_knows_its_type_before_it_is_evaluated() {
    let kind = |expression| Query::parse(expression).unwrap().value_type();
    assert_eq!(kind("1 + 2"), ValueType::Scalar);
    assert_eq!(kind("'a'"), ValueType::String);
    assert_eq!(kind("a > 1"), ValueType::Vector);
    assert_eq!(kind("a[5m]"), ValueType::Matrix);
    let engine = Engine::default();
    let error = engine.range(&Query::parse("a[5m]").unwrap(), &Stored::default(), 0, 1, 1).unwrap_err();
    assert!(matches!(error, EvaluationError::Range { .. }), "{error}");
}

/// A source that cannot be read.
struct Broken;

impl SeriesSource for Broken {
    fn select(
        &self,
        _: &[watchkeeper::promql::engine::Matcher],
        _: i64,
        _: i64,
        _: &watchkeeper::promql::engine::SourceBounds,
    ) -> Result<Vec<watchkeeper::promql::engine::Series>, SourceError> {
        Err(SourceError::Unavailable("the database is gone".into()))
    }
}

#[test]
fn a_source_that_fails_is_an_error_and_no_absence() {
    let query = Query::parse("absent(a)").unwrap();
    let error = Engine::new(Limits::default()).instant(&query, &Broken, 0).unwrap_err();
    assert_eq!(error.to_string(), "series cannot be read: the database is gone");
    assert_eq!(LabelSet::default().to_string(), "{}");
}
