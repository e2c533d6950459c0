//! The audit in Postgres.

use std::collections::HashSet;

use tokio_postgres::types::Type;
use tokio_postgres::{Error, Row};

use super::fault::fault;
use super::select::Select;
use super::value::{Document, Json, Key};
use super::{Access, Postgres};
use crate::audit::AuditRecord;
use crate::store::{Appended, AuditQuery, AuditStore, Page, StoreFuture};

const AUDIT: &str = "SELECT watchkeeper.document(a) FROM watchkeeper.audit a";

const APPEND: &str = "
    INSERT INTO watchkeeper.audit SELECT * FROM jsonb_populate_recordset(NULL::watchkeeper.audit, $1) ORDER BY id
    ON CONFLICT DO NOTHING RETURNING id";

fn read(row: &Row) -> Result<AuditRecord, Error> {
    row.try_get(0).map(|Document(record)| record)
}

impl AuditStore for Postgres {
    fn append_audit<'a>(&'a self, records: &'a [AuditRecord]) -> StoreFuture<'a, Vec<Appended>> {
        const OPERATION: &str = "append_audit";
        if records.is_empty() {
            return Box::pin(async { Ok(Vec::new()) });
        }
        let ids: Vec<_> = records.iter().map(|record| record.id).collect();
        // Of several with one id the first is meant.
        let mut once = HashSet::new();
        let records: Vec<_> = records.iter().filter(|record| once.insert(record.id)).collect();
        let records = Json::of(&records);
        self.ask(OPERATION, Access::Write, move |_, client| {
            Box::pin(async move {
                let failed = |error| fault(OPERATION, error);
                let rows = client.query_typed(APPEND, &[(&records, Type::JSONB)]).await.map_err(failed)?;
                let mut stored = HashSet::new();
                for row in rows {
                    let Key(id) = row.try_get(0).map_err(failed)?;
                    stored.insert(id);
                }
                // The second of one id in a batch is a duplicate too.
                let answer = |id| if stored.remove(&id) { Appended::Stored } else { Appended::Duplicate };
                Ok(ids.into_iter().map(answer).collect())
            })
        })
    }

    fn audit<'a>(&'a self, query: &'a AuditQuery) -> StoreFuture<'a, Page<AuditRecord>> {
        const OPERATION: &str = "audit";
        let Some(bounds) = query.id_bounds() else { return Box::pin(async { Ok(Page::default()) }) };
        let (mut select, paging) = (Select::new(AUDIT, "a.id", bounds), *query.paging());
        select.text("a.who = ?", query.who.as_deref());
        select.text("a.action = ?", query.action.as_deref());
        select.text("a.target = ?", query.target.as_deref());
        select.text("a.outcome = ?", query.outcome.map(|outcome| outcome.as_str()));
        self.ask(OPERATION, Access::Read, move |_, client| {
            Box::pin(async move { select.page(client, &paging, OPERATION, read, |record| record.id).await })
        })
    }
}
