//! Every shipped objective as its budget burns: a case for each pair of windows, too little, nothing, and a few errors.

use std::fmt::Write;

use watchkeeper::stack::slo::{SHIPPED, Slo};

use crate::inputs::values;
use crate::objectives::STEP;
use crate::scenario::begin;

/// How much a series rises in a step of a hundred events, of which so many are errors.
type Rise = fn(f64) -> f64;

const ERRORS: Rise = |errors| errors;
const GOOD: Rise = |errors| 100.0 - errors;
const ALL: Rise = |_| 100.0;

fn at(job: &str) -> String {
    format!(r#"job="{job}",instance="{job}:3000",service="{job}""#)
}

fn latency(name: &str, le: &str, job: &str) -> Vec<(String, Rise)> {
    vec![(format!(r#"{name}_bucket{{le="{le}",{}}}"#, at(job)), GOOD), (format!("{name}_count{{{}}}", at(job)), ALL)]
}

fn outcomes(name: &str, label: &str, [bad, good]: [&str; 2], job: &str) -> Vec<(String, Rise)> {
    let series = |value: &str| format!(r#"{name}{{{label}="{value}",{}}}"#, at(job));
    vec![(series(bad), ERRORS), (series(good), GOOD)]
}

fn of_requests(errors: &str) -> Vec<(String, Rise)> {
    let series = |name: &str| format!("{name}{{{}}}", at("gateway"));
    vec![(series(errors), ERRORS), (series("gateway_requests_total"), ALL)]
}

/// The series that an objective counts.
fn counted(slo: &Slo) -> Vec<(String, Rise)> {
    let ended = |name: &str| outcomes(name, "status", ["error", "success"], "billing");
    match slo.name() {
        "gateway-latency" => latency("gateway_request_duration_seconds", "0.05", "gateway"),
        "gateway-rate-limits" => of_requests("gateway_rate_limit_hits_total"),
        "gateway-authentication" => of_requests("gateway_auth_failures_total"),
        "kafka-latency" => latency("gateway_kafka_producer_latency_seconds", "0.025", "gateway"),
        "cache-hits" => outcomes("gateway_cache_requests_total", "result", ["miss", "hit"], "gateway"),
        "database-latency" => latency("gateway_db_query_duration_seconds", "0.025", "gateway"),
        "invoices" => ended("billing_invoices_generated_total"),
        "usage-aggregation" => latency("billing_usage_aggregation_duration_seconds", "5.0", "billing"),
        "pdf" => ended("billing_pdf_generated_total"),
        "stripe" => ended("billing_stripe_charges_total"),
        "email" => ended("billing_emails_sent_total"),
        "cron" => ended("billing_cron_runs_total"),
        "sync-availability" => outcomes("http_requests_total", "status", ["503", "200"], "sync"),
        "api-latency" => latency("http_request_duration_seconds", "0.2", "api"),
        other => panic!("nobody tries {other} out"),
    }
}

/// The one whose errors are time has tests of its own.
const OF_TIME: &str = "gateway-connections";

/// The tests of an objective's two alerts.
pub(crate) fn write(out: &mut String, slo: &Slo) {
    if slo.name() == OF_TIME {
        return;
    }
    let budget = 100.0 * (1.0 - slo.objective());
    if 14.4 * budget < 100.0 {
        let share = (20.0 * budget).min(85.0);
        // After six hours of peace it is not the pair of six hours.
        phases(out, slo, "1h and 5m", &[(0.0, 360), (share, 60), (0.0, 30)]);
        fast(out, slo, &[("359m", false), ("395m", false), ("415m", true), ("419m", true), ("440m", false)]);
    }
    phases(out, slo, "6h and 30m", &[(8.0 * budget, 120), (0.0, 60)]);
    fast(out, slo, &[("60m", true), ("119m", true), ("165m", false)]);
    phases(out, slo, "1d and 2h", &[(5.0 * budget, 120)]);
    fast(out, slo, &[("60m", false), ("119m", false)]);
    slow(out, slo, &[("60m", true), ("119m", true)]);
    phases(out, slo, "3d and 6h", &[(2.0 * budget, 120), (0.0, 150)]);
    fast(out, slo, &[("60m", false), ("119m", false)]);
    slow(out, slo, &[("60m", true), ("119m", true), ("265m", false)]);
    phases(out, slo, "within the budget", &[(0.95 * budget, 120)]);
    fast(out, slo, &[("60m", false), ("119m", false)]);
    slow(out, slo, &[("60m", false), ("119m", false)]);

    once(out, slo, "without traffic", 0.0);
    fast(out, slo, &[("50m", false), ("100m", false)]);
    slow(out, slo, &[("50m", false), ("100m", false)]);
    once(out, slo, "one failure alone wakes nobody", 1.0);
    fast(out, slo, &[("62m", false), ("65m", false), ("100m", false)]);
    slow(out, slo, &[("65m", true)]);
    once(out, slo, "nor do eight", 8.0);
    fast(out, slo, &[("62m", false), ("65m", false), ("100m", false)]);
    once(out, slo, "but twelve do", 12.0);
    fast(out, slo, &[("60m", false), ("65m", true), ("100m", false)]);
}

/// A hundred events a step, with so many errors among them for so many minutes.
fn phases(out: &mut String, slo: &Slo, name: &str, phases: &[(f64, u64)]) {
    let inputs = counted(slo).into_iter().map(|(series, rise)| {
        let phases: Vec<_> = phases.iter().map(|&(errors, minutes)| (Some(rise(errors)), minutes)).collect();
        (series, values(true, &phases))
    });
    test(out, slo, name, inputs.collect(), phases.iter().map(|(_, minutes)| minutes).sum());
}

/// An hour of nothing, then so many errors and nothing else, then nothing again.
fn once(out: &mut String, slo: &Slo, name: &str, errors: f64) {
    let inputs = counted(slo).into_iter().map(|(series, rise)| {
        let rise = if rise(100.0) > 0.0 { errors } else { 0.0 };
        (series, values(true, &[(Some(0.0), 60), (Some(rise), 1), (Some(0.0), 60)]))
    });
    test(out, slo, name, inputs.collect(), 121);
}

fn test(out: &mut String, slo: &Slo, name: &str, mut inputs: Vec<(String, String)>, steps: u64) {
    if slo.name() == "sync-availability" {
        inputs.push((format!("up{{{}}}", at("sync")), values(false, &[(Some(1.0), steps)])));
    }
    begin(out, STEP, &format!("{}: {name}", slo.name()), &inputs);
    out.push_str("    promql_expr_test:\n");
}

fn fast(out: &mut String, slo: &Slo, checks: &[(&str, bool)]) {
    firing(out, slo, ("ErrorBudgetBurnFast", "critical"), checks);
}

fn slow(out: &mut String, slo: &Slo, checks: &[(&str, bool)]) {
    firing(out, slo, ("ErrorBudgetBurnSlow", "warning"), checks);
}

fn firing(out: &mut String, slo: &Slo, (alert, severity): (&str, &str), checks: &[(&str, bool)]) {
    let expr = format!(r#"count by (severity, slo) (ALERTS{{alertname="{alert}",alertstate="firing"}})"#);
    for (time, fires) in checks {
        let labels = format!(r#"{{labels: '{{severity="{severity}",slo="{}"}}', value: 1}}"#, slo.name());
        let samples = if *fires { labels.as_str() } else { "" };
        let _ = writeln!(out, "      - {{expr: '{expr}', eval_time: {time}, exp_samples: [{samples}]}}");
    }
}

#[test]
fn every_shipped_objective_is_tried_out() {
    for slo in SHIPPED.iter().filter(|slo| slo.name() != OF_TIME) {
        let mut out = String::new();
        write(&mut out, slo);
        let pairs = if slo.name() == "cache-hits" { 3 } else { 4 };
        assert_eq!(out.matches("  - name: ").count(), pairs + 5, "{}", slo.name());
    }
}
