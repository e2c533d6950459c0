//! Alert rules and alerts in Postgres.

use std::collections::BTreeMap;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row};

use super::fault::fault;
use super::select::Select;
use super::value::{Document, Json, Key, Time};
use super::{Access, Postgres};
use crate::alert::Alert;
use crate::id::Id;
use crate::rule::AlertRule;
use crate::store::{AlertQuery, AlertStore, Changed, Page, RuleQuery, StoreError, StoreFuture};
use crate::timestamp::Timestamp;

const RULES: &str = "SELECT watchkeeper.document(r) FROM watchkeeper.rules r";

const ALERTS: &str = "SELECT watchkeeper.document(a) FROM watchkeeper.alerts a";

const ADD_RULE: &str = "
    INSERT INTO watchkeeper.rules SELECT * FROM jsonb_populate_record(NULL::watchkeeper.rules, $1) ON CONFLICT DO NOTHING";

const CHANGE_RULE: &str = "
    UPDATE watchkeeper.rules SET (name, description, query, threshold_value, for_seconds, keep_firing_for_seconds,
        severity, labels, annotations, enabled, created_by, created_at, updated_at, version)
    = (SELECT name, description, query, threshold_value, for_seconds, keep_firing_for_seconds,
        severity, labels, annotations, enabled, created_by, created_at, updated_at, version
        FROM jsonb_populate_record(NULL::watchkeeper.rules, $2))
    WHERE id = $1 AND version = $3";

const REMOVE_RULE: &str = "DELETE FROM watchkeeper.rules WHERE id = $1";

/// What is there keeps its id.
const PUT_ALERTS: &str = "
    INSERT INTO watchkeeper.alerts SELECT * FROM jsonb_populate_recordset(NULL::watchkeeper.alerts, $1)
    ON CONFLICT (fingerprint) DO UPDATE SET (rule, labels, annotations, state, value, active_at, fired_at,
        keep_firing_since, resolved_at, evaluated_at, incident)
    = (excluded.rule, excluded.labels, excluded.annotations, excluded.state, excluded.value, excluded.active_at,
        excluded.fired_at, excluded.keep_firing_since, excluded.resolved_at, excluded.evaluated_at, excluded.incident)";

const FORGET_ALERTS: &str = "
    DELETE FROM watchkeeper.alerts
    WHERE state = 'resolved' AND resolved_at < $1 OR state = 'inactive' AND evaluated_at < $1";

const ACTIVE: &str = "SELECT count(*) FROM watchkeeper.alerts WHERE state = 'firing'";

fn read_rule(row: &Row) -> Result<AlertRule, Error> {
    row.try_get(0).map(|Document(rule)| rule)
}

fn read_alert(row: &Row) -> Result<Alert, Error> {
    row.try_get(0).map(|Document(alert)| alert)
}

async fn rule(client: &Client, id: Id, operation: &'static str) -> Result<Option<AlertRule>, StoreError> {
    let mut select = Select::new(RULES, "r.id", (Id::MIN, Id::MAX));
    select.and("r.id = ?", Key(id), Type::UUID);
    let row = select.one(client, operation).await?;
    row.as_ref().map(read_rule).transpose().map_err(|error| fault(operation, error))
}

/// Says how a rule stands that was not changed.
async fn stale(client: &Client, id: Id, operation: &'static str) -> Result<Changed<AlertRule>, StoreError> {
    Ok(rule(client, id, operation).await?.map_or(Changed::Absent, |there| Changed::Stale(Box::new(there))))
}

async fn add(client: &Client, rule: &AlertRule) -> Result<Changed<AlertRule>, StoreError> {
    const OPERATION: &str = "add_rule";
    let record = Json::of(rule);
    let added = client.execute_typed(ADD_RULE, &[(&record, Type::JSONB)]).await;
    match added.map_err(|error| fault(OPERATION, error))? {
        0 => stale(client, rule.id, OPERATION).await,
        _ => Ok(Changed::Done),
    }
}

async fn change(client: &Client, seen: u64, rule: &AlertRule) -> Result<Changed<AlertRule>, StoreError> {
    const OPERATION: &str = "change_rule";
    let (record, seen) = (Json::of(rule), i64::try_from(seen).unwrap_or(i64::MAX));
    let parameters = [(&Key(rule.id) as _, Type::UUID), (&record as _, Type::JSONB), (&seen as _, Type::INT8)];
    match client.execute_typed(CHANGE_RULE, &parameters).await.map_err(|error| fault(OPERATION, error))? {
        0 => stale(client, rule.id, OPERATION).await,
        _ => Ok(Changed::Done),
    }
}

/// Of several alerts with one fingerprint the last is put, under the id of the first. They go in one order everywhere, so
/// that nobody waits in a circle.
fn once_each(alerts: &[Alert]) -> Vec<Alert> {
    let mut once: BTreeMap<&str, Alert> = BTreeMap::new();
    for alert in alerts {
        let id = once.get(alert.fingerprint.as_str()).map_or(alert.id, |first| first.id);
        let mut alert_once = alert.clone();
        alert_once.id = id;
        once.insert(&alert.fingerprint, alert_once);
    }
    once.into_values().collect()
}

impl AlertStore for Postgres {
    fn add_rule<'a>(&'a self, rule: &'a AlertRule) -> StoreFuture<'a, Changed<AlertRule>> {
        let rule = rule.clone();
        self.ask("add_rule", Access::Write, move |_, client| Box::pin(async move { add(client, &rule).await }))
    }

    fn change_rule<'a>(&'a self, seen: u64, rule: &'a AlertRule) -> StoreFuture<'a, Changed<AlertRule>> {
        let rule = rule.clone();
        self.ask("change_rule", Access::Write, move |_, client| {
            Box::pin(async move { change(client, seen, &rule).await })
        })
    }

    fn remove_rule(&self, id: Id) -> StoreFuture<'_, bool> {
        const OPERATION: &str = "remove_rule";
        self.ask(OPERATION, Access::Write, move |_, client| {
            Box::pin(async move {
                let removed = client.execute_typed(REMOVE_RULE, &[(&Key(id), Type::UUID)]).await;
                removed.map(|rows| rows > 0).map_err(|error| fault(OPERATION, error))
            })
        })
    }

    fn rule(&self, id: Id) -> StoreFuture<'_, Option<AlertRule>> {
        self.ask("rule", Access::Read, move |_, client| Box::pin(async move { rule(client, id, "rule").await }))
    }

    fn rules<'a>(&'a self, query: &'a RuleQuery) -> StoreFuture<'a, Page<AlertRule>> {
        const OPERATION: &str = "rules";
        let Some(bounds) = query.id_bounds() else { return Box::pin(async { Ok(Page::default()) }) };
        let (mut select, paging) = (Select::new(RULES, "r.id", bounds), *query.paging());
        if let Some(enabled) = query.enabled {
            select.and("r.enabled = ?", enabled, Type::BOOL);
        }
        self.ask(OPERATION, Access::Read, move |_, client| {
            Box::pin(async move { select.page(client, &paging, OPERATION, read_rule, |rule| rule.id).await })
        })
    }

    fn put_alerts<'a>(&'a self, alerts: &'a [Alert]) -> StoreFuture<'a, ()> {
        const OPERATION: &str = "put_alerts";
        if alerts.is_empty() {
            return Box::pin(async { Ok(()) });
        }
        let records = Json::of(&once_each(alerts));
        self.ask(OPERATION, Access::Write, move |_, client| {
            Box::pin(async move {
                let put = client.execute_typed(PUT_ALERTS, &[(&records, Type::JSONB)]).await;
                put.map(|_| ()).map_err(|error| fault(OPERATION, error))
            })
        })
    }

    fn alerts<'a>(&'a self, query: &'a AlertQuery) -> StoreFuture<'a, Page<Alert>> {
        const OPERATION: &str = "alerts";
        let Some(bounds) = query.id_bounds() else { return Box::pin(async { Ok(Page::default()) }) };
        let (mut select, paging) = (Select::new(ALERTS, "a.id", bounds), *query.paging());
        if let Some(rule) = query.rule {
            select.and("a.rule = ?", Key(rule), Type::UUID);
        }
        select.one_of("a.state = ANY(?)", query.states.iter().map(|state| state.as_str().to_owned()).collect());
        select.text("a.fingerprint = ?", query.fingerprint.as_deref());
        self.ask(OPERATION, Access::Read, move |_, client| {
            Box::pin(async move { select.page(client, &paging, OPERATION, read_alert, |alert| alert.id).await })
        })
    }

    fn forget_alerts(&self, resolved_before: Timestamp) -> StoreFuture<'_, u64> {
        const OPERATION: &str = "forget_alerts";
        self.ask(OPERATION, Access::Write, move |_, client| {
            Box::pin(async move {
                let before = Time(resolved_before);
                let forgotten = client.execute_typed(FORGET_ALERTS, &[(&before, Type::TIMESTAMPTZ)]).await;
                forgotten.map_err(|error| fault(OPERATION, error))
            })
        })
    }

    fn active_alerts(&self) -> StoreFuture<'_, u64> {
        const OPERATION: &str = "active_alerts";
        self.ask(OPERATION, Access::Read, move |_, client| {
            Box::pin(async move {
                let count = client.query_typed_one(ACTIVE, &[]).await.and_then(|row| row.try_get::<_, i64>(0));
                count.map(i64::unsigned_abs).map_err(|error| fault(OPERATION, error))
            })
        })
    }
}
