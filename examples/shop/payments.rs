//! Payments: money in whole cents, and cards that are declined.

use std::convert::Infallible;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use watchkeeper::event::{Event, Level};
use watchkeeper::journal::Journal;
use watchkeeper::presets::payment::{PaymentMetrics, PaymentStatus};

/// Returns `POST /payments`.
pub(crate) fn router(metrics: &PaymentMetrics, journal: &Journal) -> Router {
    Router::new().route("/payments", post(pay)).with_state((metrics.clone(), journal.clone()))
}

/// Asks the bank whether it is there. It is, since it is nobody but the shop.
pub(crate) async fn bank_answers() -> Result<(), Infallible> {
    Ok(())
}

#[derive(Deserialize)]
struct Payment {
    amount_cents: u64,
    card: String,
}

async fn pay(
    State((metrics, journal)): State<(PaymentMetrics, Journal)>,
    Json(payment): Json<Payment>,
) -> (StatusCode, Json<Value>) {
    let event = Event::log("payments").detail("amount_cents", payment.amount_cents);
    if payment.card == "declined" {
        metrics.record_payment(PaymentStatus::Failed, payment.amount_cents);
        journal.record_event(event.level(Level::Warn).message("card declined"));
        tracing::info!(amount_cents = payment.amount_cents, "card declined");
        return (StatusCode::PAYMENT_REQUIRED, Json(json!({"error": "the card was declined"})));
    }
    metrics.record_payment(PaymentStatus::Succeeded, payment.amount_cents);
    journal.record_event(event.level(Level::Info).message("paid"));
    (StatusCode::OK, Json(json!({"paid_cents": payment.amount_cents})))
}
