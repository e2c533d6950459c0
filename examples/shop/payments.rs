//! Payments: money in whole cents, cards that are declined, and the incident that it is when they keep being declined.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use watchkeeper::Watchkeeper;
use watchkeeper::desk::Desk;
use watchkeeper::event::{Event, Level};
use watchkeeper::incident::{Incident, Severity};
use watchkeeper::journal::Journal;
use watchkeeper::presets::payment::{PaymentMetrics, PaymentStatus};

/// So many declined cards in a row are no accident.
const TOO_MANY: u32 = 5;

struct Payments {
    metrics: PaymentMetrics,
    journal: Journal,
    desk: Desk,
    declined_in_a_row: AtomicU32,
    /// Whether the incident is being opened: the desk waits for the store, and one who waits is enough.
    is_opening: AtomicBool,
}

/// Returns `POST /payments`.
pub(crate) fn router(watch: &Watchkeeper) -> Router {
    let payments = Payments {
        metrics: watch.metrics().payment().clone(),
        journal: watch.journal().clone(),
        desk: watch.desk().clone(),
        declined_in_a_row: AtomicU32::new(0),
        is_opening: AtomicBool::new(false),
    };
    Router::new().route("/payments", post(pay)).with_state(Arc::new(payments))
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

async fn pay(State(payments): State<Arc<Payments>>, Json(payment): Json<Payment>) -> (StatusCode, Json<Value>) {
    let Payments { metrics, journal, .. } = &*payments;
    let event = Event::log("payments").detail("amount_cents", payment.amount_cents);
    if payment.card == "declined" {
        metrics.record_payment(PaymentStatus::Failed, payment.amount_cents);
        journal.record_event(event.level(Level::Warn).message("card declined"));
        tracing::info!(amount_cents = payment.amount_cents, "card declined");
        let declined = payments.declined_in_a_row.fetch_add(1, Relaxed).saturating_add(1);
        if declined >= TOO_MANY && !payments.is_opening.swap(true, Relaxed) {
            // The customer does not wait for it.
            tokio::spawn(open_incident(Arc::clone(&payments)));
        }
        return (StatusCode::PAYMENT_REQUIRED, Json(json!({"error": "the card was declined"})));
    }
    metrics.record_payment(PaymentStatus::Succeeded, payment.amount_cents);
    payments.declined_in_a_row.store(0, Relaxed);
    journal.record_event(event.level(Level::Info).message("paid"));
    (StatusCode::OK, Json(json!({"paid_cents": payment.amount_cents})))
}

/// Opens the incident, or joins it where it is open already, and says where its timeline is.
async fn open_incident(payments: Arc<Payments>) {
    let draft = Incident::draft("payments keep failing", Severity::High).dedup_key("payments");
    match payments.desk.open(draft).await {
        Ok(opening) => {
            payments.declined_in_a_row.store(0, Relaxed);
            let timeline = format!("/api/v1/monitoring/incidents/{}/timeline", opening.incident.id);
            tracing::warn!(timeline, is_new = opening.is_new, "payments keep failing");
        }
        Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "no incident could be opened"),
    }
    payments.is_opening.store(false, Relaxed);
}
