//! The laws of stores find the faults that stores are known for: each broken store breaks the law that forbids it.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use watchkeeper::audit::AuditRecord;
use watchkeeper::event::Event;
use watchkeeper::store::{
    Appended, AuditQuery, AuditStore, Counts, Cursor, EventQuery, EventStore, Memory, Order, Page, Scope, StoreFuture,
};
use watchkeeper::testing::laws::{audit, event, paging, run};
use watchkeeper::{Id, Timestamp};

/// What is wrong with a store.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Defect {
    None,
    /// Order by time alone, as rows happen to lie.
    TiesAnyhow,
    /// Late arrivals come last.
    OrderOfArrivalOnly,
    /// The cursor is a number of rows.
    CursorIsAnOffset,
    /// The page that is full always promises another.
    AlwaysAnother,
    /// `end` is left out.
    EndIsOutside,
    /// The page is made first, and another's events are taken out of it.
    ScopeAfterThePage,
    /// An id finds an event, whoever asks.
    IdForEverybody,
    /// The later event of an id wins.
    UpsertInsteadOfIgnore,
    /// The total is counted over what is there.
    CountsRows,
    /// Retention takes what is as old as the time too.
    DropsTheEdge,
    /// A level asks for graver ones too.
    LevelIsAMinimum,
    /// A source is compared without regard to case.
    SourceWithoutCase,
    /// Of a batch with a duplicate, nothing is stored.
    AllOrNothing,
    /// A record of the audit that comes again takes the place of the first.
    AuditIsRewritten,
    /// The audit forgets its oldest record.
    AuditForgets,
    /// The audit comes in the order in which it was written down, whichever is asked for.
    AuditIsUnordered,
    /// The audit does not look at who it was.
    AuditOfEverybody,
}

#[derive(Debug)]
struct Broken {
    sound: Memory,
    defect: Defect,
    /// What `CursorIsAnOffset` remembers.
    seen: Mutex<HashMap<Id, usize>>,
    arrived: Mutex<Vec<Id>>,
    audited: Mutex<Vec<AuditRecord>>,
}

impl Broken {
    fn new(defect: Defect) -> Self {
        Self {
            sound: Memory::new(),
            defect,
            seen: Mutex::default(),
            arrived: Mutex::default(),
            audited: Mutex::default(),
        }
    }

    /// Everything that matches, whatever the page.
    async fn all(&self, query: &EventQuery) -> Vec<Arc<Event>> {
        let mut whole = EventQuery::new(query.scope.clone()).limit(1000).same_conditions(query);
        (whole.start, whole.end) = (query.start, query.end);
        if query.paging().order() == Order::OldestFirst {
            whole = whole.oldest_first();
        }
        self.sound.events(&whole).await.expect("a sound store answers").items
    }

    async fn find(&self, query: &EventQuery) -> Page<Arc<Event>> {
        let mut query = query.clone();
        match self.defect {
            Defect::EndIsOutside => query.end = query.end.map(|end| Timestamp::from_micros(end.as_micros() - 1)),
            Defect::LevelIsAMinimum => query.min_level = query.level.take().or(query.min_level),
            Defect::SourceWithoutCase => {
                if let Some(source) = query.source.take() {
                    let mut items = self.all(&query).await;
                    items.retain(|event| event.source().eq_ignore_ascii_case(&source));
                    return Page { items, next: None };
                }
            }
            Defect::ScopeAfterThePage => {
                let scope = std::mem::replace(&mut query.scope, Scope::All);
                let mut page = self.sound.events(&query).await.expect("a sound store answers");
                page.items.retain(|event| scope.contains(event.created_by()));
                return page;
            }
            Defect::CursorIsAnOffset => {
                let mut items = self.all(&query).await;
                let first = query
                    .paging()
                    .cursor()
                    .and_then(|at| self.seen.lock().expect("nobody panics with it").get(&at.id()).copied());
                let first = (first.unwrap_or(0) + query.paging().offset()).min(items.len());
                let items: Vec<_> = items.drain(first..).take(query.paging().limit()).collect();
                let next = items.last().filter(|_| items.len() == query.paging().limit()).map(|last| last.id());
                if let Some(next) = next {
                    self.seen.lock().expect("nobody panics with it").insert(next, first + items.len());
                }
                return Page { items, next: next.map(Cursor::at) };
            }
            _ => {}
        }
        let mut page = self.sound.events(&query).await.expect("a sound store answers");
        match self.defect {
            Defect::TiesAnyhow => page.items.sort_by_key(|event| {
                let time = event.timestamp().as_micros();
                let time = if query.paging().order() == Order::NewestFirst { -time } else { time };
                (time, event.id().as_uuid().as_u128().wrapping_mul(0x9e37_79b9_7f4a_7c15))
            }),
            Defect::OrderOfArrivalOnly => {
                let arrived = self.arrived.lock().expect("nobody panics with it");
                page.items.sort_by_key(|event| arrived.iter().position(|id| *id == event.id()));
                if query.paging().order() == Order::NewestFirst {
                    page.items.reverse();
                }
            }
            Defect::AlwaysAnother if page.items.len() == query.paging().limit() => {
                page.next = page.items.last().map(|last| Cursor::at(last.id()));
            }
            _ => {}
        }
        page
    }
}

/// The conditions that the broken stores above leave alone.
trait SameConditions {
    fn same_conditions(self, other: &EventQuery) -> Self;
}

impl SameConditions for EventQuery {
    fn same_conditions(mut self, other: &EventQuery) -> Self {
        self.tags = other.tags.clone();
        self.event_type = other.event_type;
        self.level = other.level;
        self.min_level = other.min_level;
        self.trace_id = other.trace_id.clone();
        self
    }
}

impl EventStore for Broken {
    fn append_events<'a>(&'a self, events: &'a [Arc<Event>]) -> StoreFuture<'a, Vec<Appended>> {
        Box::pin(async move {
            self.arrived.lock().expect("nobody panics with it").extend(events.iter().map(|event| event.id()));
            if self.defect == Defect::UpsertInsteadOfIgnore {
                for event in events {
                    if self.sound.event(event.id(), &Scope::All).await?.is_some() {
                        return Ok(vec![Appended::Stored; events.len()]);
                    }
                }
            }
            let mut there = false;
            for event in events {
                there |= self.sound.event(event.id(), &Scope::All).await?.is_some();
            }
            if there && self.defect == Defect::AllOrNothing {
                return Ok(vec![Appended::Duplicate; events.len()]);
            }
            self.sound.append_events(events).await
        })
    }

    fn event<'a>(&'a self, id: Id, scope: &'a Scope) -> StoreFuture<'a, Option<Arc<Event>>> {
        let scope = if self.defect == Defect::IdForEverybody { &Scope::All } else { scope };
        self.sound.event(id, scope)
    }

    fn events<'a>(&'a self, query: &'a EventQuery) -> StoreFuture<'a, Page<Arc<Event>>> {
        Box::pin(async move { Ok(self.find(query).await) })
    }

    fn event_counts(&self, now: Timestamp) -> StoreFuture<'_, Counts> {
        Box::pin(async move {
            let mut counts = self.sound.event_counts(now).await?;
            if self.defect == Defect::CountsRows {
                counts.total = self.all(&EventQuery::new(Scope::All)).await.len() as u64;
            }
            Ok(counts)
        })
    }

    fn drop_events(&self, before: Timestamp) -> StoreFuture<'_, u64> {
        let edge = u64::from(self.defect == Defect::DropsTheEdge);
        self.sound.drop_events(Timestamp::from_micros(before.as_micros() + edge as i64))
    }
}

impl AuditStore for Broken {
    fn append_audit<'a>(&'a self, records: &'a [AuditRecord]) -> StoreFuture<'a, Vec<Appended>> {
        let mut audited = self.audited.lock().expect("nobody panics with it");
        let mut answers = Vec::new();
        for record in records {
            match audited.iter().position(|there| there.id == record.id) {
                Some(at) => {
                    if self.defect == Defect::AuditIsRewritten {
                        audited[at] = record.clone();
                    }
                    answers.push(Appended::Duplicate);
                }
                None => {
                    audited.push(record.clone());
                    answers.push(Appended::Stored);
                }
            }
        }
        if self.defect == Defect::AuditForgets && audited.len() > 1 {
            audited.remove(0);
        }
        Box::pin(async move { Ok(answers) })
    }

    fn audit<'a>(&'a self, query: &'a AuditQuery) -> StoreFuture<'a, Page<AuditRecord>> {
        let mut query = query.clone();
        if self.defect == Defect::AuditOfEverybody {
            query.who = None;
        }
        let mut found = self.audited.lock().expect("nobody panics with it").clone();
        let (first, last) = query.id_bounds().unwrap_or((Id::MAX, Id::MIN));
        found.retain(|record| first <= record.id && record.id <= last && query.matches(record));
        if self.defect != Defect::AuditIsUnordered {
            found.sort_by_key(|record| record.id);
            if query.paging().order() == Order::NewestFirst {
                found.reverse();
            }
        }
        let page = query.paging().page(found.into_iter(), |record| record.id);
        Box::pin(async move { Ok(page) })
    }
}

macro_rules! breaks {
    ($defect:ident, $part:ident::$law:ident) => {
        let kept = |defect| {
            let store = Broken::new(defect);
            catch_unwind(AssertUnwindSafe(|| run($part::$law(&store)))).is_ok()
        };
        assert!(kept(Defect::None), "a sound store keeps {}", stringify!($law));
        assert!(!kept(Defect::$defect), "{:?} is not found by {}", Defect::$defect, stringify!($law));
    };
}

#[test]
fn each_fault_breaks_the_law_that_forbids_it() {
    breaks!(TiesAnyhow, paging::equal_times_come_back_in_order_of_arrival);
    breaks!(TiesAnyhow, paging::oldest_first_is_the_exact_reverse);
    breaks!(OrderOfArrivalOnly, paging::a_late_arrival_comes_back_where_it_belongs);
    breaks!(CursorIsAnOffset, paging::what_was_stored_before_the_first_page_comes_exactly_once);
    breaks!(CursorIsAnOffset, paging::a_cursor_is_a_place_even_where_nothing_is);
    breaks!(AlwaysAnother, paging::a_page_says_whether_there_is_another);
    breaks!(EndIsOutside, event::start_and_end_belong_to_the_time);
    breaks!(ScopeAfterThePage, event::the_scope_is_part_of_the_query);
    breaks!(IdForEverybody, event::the_scope_is_part_of_the_query);
    breaks!(UpsertInsteadOfIgnore, event::a_duplicate_stays_as_it_was);
    breaks!(UpsertInsteadOfIgnore, event::the_same_batch_sent_at_once_is_stored_once);
    breaks!(CountsRows, event::totals_never_fall);
    breaks!(DropsTheEdge, event::what_is_older_is_dropped_and_nothing_younger);
    breaks!(LevelIsAMinimum, event::a_level_is_exact_and_a_least_level_is_not);
    breaks!(SourceWithoutCase, event::texts_are_taken_letter_by_letter);
    breaks!(AllOrNothing, event::each_answer_stands_in_the_place_of_its_event);
    breaks!(AuditIsRewritten, audit::a_record_is_never_changed);
    breaks!(AuditForgets, audit::a_record_is_read_back_whole);
    breaks!(AuditForgets, audit::the_cursors_lead_to_every_record);
    breaks!(AuditIsUnordered, audit::records_are_found_by_what_they_say);
    breaks!(AuditOfEverybody, audit::records_are_found_by_what_they_say);
}
