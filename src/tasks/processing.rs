//! The processing of events: what an event lacks is added, and what belongs to an incident goes into its timeline.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::EVENT_PROCESSING;
use super::argument::{Argument, Arguments};
use super::context::TaskContext;
use super::correlation::Correlation;
use super::error::TaskError;
use super::task::{Task, TaskFuture, Work};
use crate::event::{Event, Fields, Level};
use crate::id::Id;
use crate::store::{Cursor, EventQuery, Instance, MAX_LIMIT, Scope, Store, StoreError, StoreErrorKind};
use crate::timestamp::Timestamp;

const EVERY: Duration = Duration::from_secs(30);

/// How far a run goes back behind the end of the one before it, for events that arrived late.
const OVERLAP: Duration = Duration::from_secs(120);

/// How far back the first run of all goes.
const FIRST: Duration = Duration::from_secs(3600);

/// The most events of one run, and as many as it takes unless it is told otherwise.
const MOST: (i64, i64) = (1_000_000, 20_000);

/// How long after the end of an instance its events may still be its.
const GRACE: Duration = Duration::from_secs(86_400);

/// Completes events and links them to incidents.
struct Processing {
    store: Arc<dyn Store>,
}

pub(super) fn task(store: &Arc<dyn Store>) -> Task {
    let levels = Level::ALL.iter().map(|level| level.as_str());
    Task::new(EVENT_PROCESSING, Processing { store: Arc::clone(store) })
        .about("Adds service, release and host to events that lack them, and adds events to the timelines of incidents by trace, request and window.")
        .argument(Argument::one_of("level", levels).about("Takes events from this level on.").default_to("warn"))
        .argument(Argument::whole("limit", 1, MOST.0).about("Takes at most so many events.").default_to(MOST.1))
        .argument(Argument::time("since").about("Begins at this time, instead of where the last run ended."))
        .every(EVERY)
}

impl Work for Processing {
    fn run(&self, context: TaskContext, arguments: Arguments) -> TaskFuture {
        let store = Arc::clone(&self.store);
        Box::pin(async move { Ok(process(store, context, arguments).await?) })
    }
}

async fn process(store: Arc<dyn Store>, context: TaskContext, arguments: Arguments) -> Result<Value, TaskError> {
    let failed = |error| TaskError::store(EVENT_PROCESSING, error);
    let now = context.now().max(Timestamp::now());
    let level: Level = arguments.text("level").and_then(|level| level.parse().ok()).unwrap_or(Level::Warn);
    let noted = context.progress().await.map_err(failed)?;
    let goes_on = noted.as_ref().is_some_and(|noted| noted.get("is_caught_up") == Some(&Value::Bool(false)));
    let noted: Option<Id> = noted.and_then(|noted| noted.get("cursor")?.as_str()?.parse().ok());
    // A place that a clock ahead of this one has noted would pass over everything until then.
    let noted = noted.filter(|noted| noted.timestamp() <= now.plus(OVERLAP));
    let start = match (arguments.time("since"), noted) {
        (Some(since), _) => since,
        // Where the last run had too much to do there is no time to go back.
        (None, Some(noted)) if goes_on => noted.timestamp(),
        (None, Some(noted)) => noted.timestamp().minus(OVERLAP),
        (None, None) => now.minus(FIRST),
    };
    let mut senders = Senders::of(store.instances(MAX_LIMIT).await.map_err(failed)?);
    let mut correlation = Correlation::begin(&*store, start, now).await.map_err(failed)?;
    let mut left = arguments.whole("limit").and_then(|limit| usize::try_from(limit).ok()).unwrap_or(MAX_LIMIT);
    let (mut seen, mut enriched) = (0, 0);
    let mut cursor = noted.filter(|_| goes_on && arguments.time("since").is_none());
    while left > 0 && !context.is_closing() {
        let mut query =
            EventQuery::new(Scope::All).at_least(level).start(start).oldest_first().limit(left.min(MAX_LIMIT));
        if let Some(cursor) = cursor {
            query = query.after(Cursor::at(cursor));
        }
        let mut page = store.events(&query).await.map_err(failed)?;
        enriched += senders.complete(&*store, &mut page.items).await.map_err(failed)?;
        correlation.take(&*store, &page.items).await.map_err(failed)?;
        seen += page.items.len();
        left -= page.items.len().min(left);
        cursor = page.items.last().map(|event| event.id()).or(cursor);
        if let Some(cursor) = cursor.filter(|_| arguments.time("since").is_none()) {
            // What was done is not done again, wherever this is stopped.
            let place = cursor.max(noted.unwrap_or(Id::MIN));
            let progress = json!({ "cursor": place, "is_caught_up": page.next.is_none() });
            context.put_progress(&progress).await.map_err(failed)?;
        }
        if page.next.is_none() {
            break;
        }
    }
    Ok(json!({
        "events": seen, "enriched": enriched, "linked": correlation.linked(), "found_no_room": correlation.left_out(),
        "until": cursor.map(Id::timestamp),
    }))
}

/// The instances that made events, by the number in the ids.
struct Senders {
    by_process: HashMap<u32, Vec<Instance>>,
    /// Whether the store changes what is stored.
    takes_tags: bool,
}

impl Senders {
    fn of(instances: Vec<Instance>) -> Self {
        let mut by_process: HashMap<u32, Vec<Instance>> = HashMap::new();
        for instance in instances {
            by_process.entry(instance.process).or_default().push(instance);
        }
        Self { by_process, takes_tags: true }
    }

    /// The instance that made an event; none where that is not known, or two may have.
    fn of_event(&self, event: &Event) -> Option<&Instance> {
        let at = event.created_at();
        let lived = |instance: &&Instance| instance.started_at.minus(GRACE) <= at && at <= instance.seen_at.plus(GRACE);
        let mut found = self.by_process.get(&event.id().process())?.iter().filter(lived);
        let first = found.next()?;
        // Watches of one process, or its fork.
        let same = |other: &Instance| (&other.service, &other.host) == (&first.service, &first.host);
        found.all(same).then_some(first)
    }

    /// Adds what events lack, here and in the store, and says to how many.
    async fn complete(&mut self, store: &dyn Store, events: &mut [Arc<Event>]) -> Result<u64, StoreError> {
        let mut added: BTreeMap<Id, Fields> = BTreeMap::new();
        for event in events.iter_mut() {
            let Some(instance) = self.of_event(event) else { continue };
            let known = [("service", &instance.service), ("release", &instance.release), ("host", &instance.host)];
            let missing: Fields = known
                .into_iter()
                .filter(|(tag, _)| event.tags().get(tag).is_none())
                .map(|(tag, value)| (tag.to_owned(), Value::from(value.as_str())))
                .collect();
            if !missing.is_empty() {
                let mut complete = Event::clone(event);
                missing.iter().for_each(|(tag, value)| complete.tags.insert(tag, value.clone()));
                added.insert(event.id(), missing);
                *event = Arc::new(complete);
            }
        }
        if added.is_empty() || !self.takes_tags {
            return Ok(0);
        }
        let added: Vec<_> = added.into_iter().collect();
        match store.add_tags(&added).await {
            Err(error) if error.kind() == StoreErrorKind::Unsupported => {
                // Entries of timelines have them nevertheless.
                self.takes_tags = false;
                Ok(0)
            }
            answer => answer,
        }
    }
}
