//! Evidence: what is kept of events for their incidents before they are dropped.

use super::incidents::{self, MOST_EVENTS, Window};
use crate::event::Level;
use crate::id::Id;
use crate::incident::{EntryKind, TimelineEntry};
use crate::store::{EventQuery, MAX_LIMIT, Scope, Store, StoreError};
use crate::timestamp::Timestamp;

/// What was kept, and what was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Kept {
    /// Entries that were added.
    pub(super) added: u64,
    /// Events that found no room in their incident's timeline.
    pub(super) left_out: u64,
}

/// Copies the events of some time, from warnings on, to the timelines of the incidents whose windows they lie in: the gravest
/// first, and of equally grave ones the oldest.
///
/// What is copied depends on what there is and on nothing else, so whoever is killed half way does the same again.
pub(super) async fn keep(
    store: &dyn Store,
    windows: &[Window],
    from: Timestamp,
    to: Timestamp,
) -> Result<Kept, StoreError> {
    let mut kept = Kept::default();
    for window in windows {
        let Some((start, end)) = window.within(from, to) else { continue };
        let there = incidents::events_of(store, window.incident).await?;
        // Those of this time are chosen anew.
        let elsewhere = there.iter().filter(|entry| entry.timestamp < start || entry.timestamp > end).count();
        let mut room = MOST_EVENTS.saturating_sub(elsewhere);
        let mut left_out = 0;
        for level in [Level::Critical, Level::Error, Level::Warn] {
            let mut query =
                EventQuery::new(Scope::All).level(level).start(start).end(end).oldest_first().limit(MAX_LIMIT);
            loop {
                let page = store.events(&query).await?;
                let fits = room.min(page.items.len());
                kept.added += incidents::add(store, window.incident, &page.items[..fits], "window").await?;
                room -= fits;
                left_out += (page.items.len() - fits) as u64;
                let Some(next) = page.next else { break };
                query = query.after(next);
            }
        }
        if left_out > 0 {
            note(store, window.incident, start, end, left_out).await?;
            kept.left_out += left_out;
        }
    }
    Ok(kept)
}

/// Says in the timeline how much of a time was left out; once, however often it is said.
async fn note(store: &dyn Store, incident: Id, from: Timestamp, to: Timestamp, left: u64) -> Result<(), StoreError> {
    let mut entry = TimelineEntry::new(incident, EntryKind::Custom, to)
        .message(format!("{left} events from warnings on were dropped without a copy: there was no room for them"))
        .detail("left_out", left)
        .detail("from", from.to_string())
        .detail("to", to.to_string());
    entry.id = Id::last_at(to);
    store.add_entry(&entry).await.map(|_| ())
}
