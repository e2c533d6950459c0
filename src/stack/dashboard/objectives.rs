//! Objectives: what is left of each error budget, and how fast it goes.

use super::{Dashboard, FieldUnit, Panel, Threshold, Visual};
use crate::promql::{Expr, number};
use crate::stack::slo::{objectives, ratios, remainders};

const EACH: &str = "{{service}} {{slo}}";

/// Builds the dashboard.
pub(super) fn dashboard(uid: &str) -> Dashboard {
    let burn = |window| -> Expr {
        let budget = number(1.0) - Expr::from(objectives());
        Expr::from(ratios(window)).on(&["slo"]).group_left(&[]).per(budget)
    };
    Dashboard::new(uid, "Objectives", "What is left of each error budget, and how fast it goes.")
        .panel(
            Panel::new(
                Visual::Table,
                "Error budgets",
                "Share of the error budget of 30 days that is left, by service and objective; below zero it is overdrawn.",
                FieldUnit::Share,
            )
            .query(Expr::from(remainders()).sort_desc(), EACH)
            .threshold(Threshold::AtLeast(0.0))
            .size(12, 12),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Error budgets over time",
                "Share of the error budget of 30 days that is left, by service and objective.",
                FieldUnit::Share,
            )
            .query(remainders(), EACH)
            .threshold(Threshold::AtLeast(0.0))
            .size(12, 12),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Burn rate over an hour",
                "How many times as fast as it may each budget goes, over an hour. The line is where ErrorBudgetBurnFast \
                 begins, where the errors are more than a few.",
                FieldUnit::Count,
            )
            .query(burn("1h"), EACH)
            .threshold(Threshold::AtMost(14.4)),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Burn rate over six hours",
                "How many times as fast as it may each budget goes, over six hours. The line is where ErrorBudgetBurnFast \
                 begins, where the errors are more than a few.",
                FieldUnit::Count,
            )
            .query(burn("6h"), EACH)
            .threshold(Threshold::AtMost(6.0)),
        )
        .panel(
            Panel::new(
                Visual::TimeSeries,
                "Errors over 30 days",
                "Share of errors over 30 days, by service and objective.",
                FieldUnit::Share,
            )
            .query(ratios("30d"), EACH)
            .size(24, 8),
        )
}
