//! Events in memory.

use std::sync::Arc;

use serde_json::Value;

use super::minutes::Kind;
use super::ring::{Evicted, Kept};
use super::{AT_ONCE, Memory, read, write};
use crate::event::{Event, EventType, Fields, Level};
use crate::id::Id;
use crate::store::{Appended, Counts, EventCount, EventQuery, EventStore, Page, Scope, StoreFuture};
use crate::timestamp::Timestamp;

impl Kept for Event {
    fn id(&self) -> Id {
        self.id()
    }

    fn name(&self) -> &str {
        self.source()
    }

    fn kind(&self) -> u8 {
        kind(self.event_type(), self.level())
    }

    fn bytes(&self) -> usize {
        self.bytes()
    }
}

/// Four types of up to eight levels each, none among them.
fn kind(event_type: EventType, level: Option<Level>) -> u8 {
    (event_type as u8) << 3 | level.map_or(7, |level| level as u8)
}

/// The kinds that a query asks for, a bit each.
fn kinds(query: &EventQuery) -> u32 {
    if (query.event_type, query.level, query.min_level) == (None, None, None) {
        return u32::MAX;
    }
    let levels = Level::ALL.iter().copied().map(Some).chain([None]);
    let wanted = |event_type: EventType, level: Option<Level>| {
        query.event_type.is_none_or(|wanted| wanted == event_type)
            && query.level.is_none_or(|wanted| level == Some(wanted))
            && query.min_level.is_none_or(|least| level >= Some(least))
    };
    EventType::ALL
        .iter()
        .flat_map(|event_type| levels.clone().map(move |level| (*event_type, level)))
        .filter(|(event_type, level)| wanted(*event_type, *level))
        .fold(0, |kinds, (event_type, level)| kinds | 1 << kind(event_type, level))
}

impl EventStore for Memory {
    fn append_events<'a>(&'a self, events: &'a [Arc<Event>]) -> StoreFuture<'a, Vec<Appended>> {
        Box::pin(async move {
            let mut answers = Vec::with_capacity(events.len());
            for some in events.chunks(AT_ONCE) {
                // What gives way is dropped after the lock.
                let mut evicted = Evicted::new();
                let mut kept = write(&self.inner.events);
                for event in some {
                    let answer = kept.ring.append(event, &mut evicted);
                    if answer == Appended::Stored {
                        kept.minutes.count(event.timestamp(), Kind::of(event.event_type(), event.level()));
                    }
                    answers.push(answer);
                }
            }
            Ok(answers)
        })
    }

    fn event<'a>(&'a self, id: Id, scope: &'a Scope) -> StoreFuture<'a, Option<Arc<Event>>> {
        Box::pin(async move {
            let found = read(&self.inner.events).ring.get(id).cloned();
            Ok(found.filter(|event| scope.contains(event.created_by())))
        })
    }

    fn events<'a>(&'a self, query: &'a EventQuery) -> StoreFuture<'a, Page<Arc<Event>>> {
        Box::pin(async move {
            let kept = read(&self.inner.events);
            let source = query.source.as_deref();
            let rest = |event: &Event| query.matches_rest(event);
            Ok(kept.ring.select(query.id_bounds(), query.paging(), kinds(query), source, rest))
        })
    }

    fn event_counts(&self, now: Timestamp) -> StoreFuture<'_, Counts> {
        Box::pin(async move { Ok(read(&self.inner.events).minutes.counts(now)) })
    }

    fn events_between(&self, from: Timestamp, to: Timestamp) -> StoreFuture<'_, Option<Vec<EventCount>>> {
        Box::pin(async move { Ok(read(&self.inner.events).minutes.between(from, to)) })
    }

    fn drop_events(&self, before: Timestamp) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let dropped = write(&self.inner.events).ring.drop_below(Id::first_at(before));
            Ok(dropped.len() as u64)
        })
    }

    fn add_tags<'a>(&'a self, tags: &'a [(Id, Fields)]) -> StoreFuture<'a, u64> {
        Box::pin(async move {
            let mut changed = 0;
            for some in tags.chunks(AT_ONCE) {
                let mut replaced = Vec::new();
                let mut kept = write(&self.inner.events);
                for (id, tags) in some {
                    let Some(event) = kept.ring.get(*id) else { continue };
                    let missing = |(key, _): &(&str, &Value)| event.tags().get(key).is_none();
                    let missing: Vec<_> = tags.iter().filter(missing).collect();
                    if missing.is_empty() {
                        continue;
                    }
                    let mut tagged = Event::clone(event);
                    missing.into_iter().for_each(|(key, value)| tagged.tags.insert(key, value.clone()));
                    replaced.extend(kept.ring.replace(Arc::new(tagged)));
                }
                changed += replaced.len() as u64;
                drop(kept);
            }
            Ok(changed)
        })
    }
}
