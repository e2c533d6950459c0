//! The audit in memory.

use std::collections::BTreeMap;

use super::{Memory, page, read, write};
use crate::audit::AuditRecord;
use crate::id::Id;
use crate::store::{Appended, AuditQuery, AuditStore, Page, StoreFuture};

/// Records by id; the oldest give way.
#[derive(Debug)]
pub(super) struct Audit {
    kept: BTreeMap<Id, AuditRecord>,
    bytes: usize,
    max_bytes: usize,
}

impl Audit {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { kept: BTreeMap::new(), bytes: 0, max_bytes }
    }

    fn append(&mut self, record: &AuditRecord) -> Appended {
        if self.kept.contains_key(&record.id) {
            return Appended::Duplicate;
        }
        self.bytes += bytes(record);
        self.kept.insert(record.id, record.clone());
        while self.bytes > self.max_bytes && self.kept.len() > 1 {
            let gone = self.kept.pop_first();
            self.bytes -= gone.as_ref().map_or(0, |(_, record)| bytes(record));
        }
        Appended::Stored
    }
}

fn bytes(record: &AuditRecord) -> usize {
    let texts = [&record.who, &record.role, &record.target, &record.address];
    let texts: usize = texts.into_iter().flatten().map(String::len).sum();
    size_of::<(Id, AuditRecord)>() + record.action.len() + record.details.bytes() + texts
}

impl AuditStore for Memory {
    fn append_audit<'a>(&'a self, records: &'a [AuditRecord]) -> StoreFuture<'a, Vec<Appended>> {
        Box::pin(async move {
            let mut audit = write(&self.inner.audit);
            Ok(records.iter().map(|record| audit.append(record)).collect())
        })
    }

    fn audit<'a>(&'a self, query: &'a AuditQuery) -> StoreFuture<'a, Page<AuditRecord>> {
        Box::pin(async move {
            let audit = read(&self.inner.audit);
            let Some((first, last)) = query.id_bounds() else { return Ok(Page::default()) };
            let found = audit.kept.range(first..=last).map(|(_, record)| record);
            Ok(page(query.paging(), found.filter(|record| query.matches(record)), |record| record.id))
        })
    }
}
