//! Payments: money in whole cents, and cards that are declined.

use std::convert::Infallible;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use watchkeeper::presets::payment::{PaymentMetrics, PaymentStatus};

/// Returns `POST /payments`.
pub(crate) fn router(metrics: &PaymentMetrics) -> Router {
    Router::new().route("/payments", post(pay)).with_state(metrics.clone())
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

async fn pay(State(metrics): State<PaymentMetrics>, Json(payment): Json<Payment>) -> (StatusCode, Json<Value>) {
    if payment.card == "declined" {
        metrics.record_payment(PaymentStatus::Failed, payment.amount_cents);
        tracing::info!(amount_cents = payment.amount_cents, "card declined");
        return (StatusCode::PAYMENT_REQUIRED, Json(json!({"error": "the card was declined"})));
    }
    metrics.record_payment(PaymentStatus::Succeeded, payment.amount_cents);
    (StatusCode::OK, Json(json!({"paid_cents": payment.amount_cents})))
}
