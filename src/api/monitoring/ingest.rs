//! Taking in events and samples: stored before the answer says so, one or many.

use std::sync::Arc;

use serde::Serialize;

use super::answer::Answer;
use super::call::Call;
use super::error::{ApiError, Code};
use super::schema::{Field, Object, Schema};
use crate::event::Event;
use crate::id::Id;
use crate::sample::Sample;
use crate::store::{Appended, Scope, StoreFuture};

/// What became of many.
pub(super) const OUTCOME: Object = Object {
    name: "BulkOutcome",
    fields: &[
        Field::required("accepted", Schema::Whole(0, 1000), "How many are kept, those that were kept before included."),
        Field::required("refused", Schema::Whole(0, 1000), "How many are not."),
        Field::required("items", Schema::List(&Schema::Object(&ITEM)), "What became of each, in the order given."),
    ],
};

const ITEM: Object = Object {
    name: "BulkItem",
    fields: &[
        Field::required("status", Schema::Named(|| vec!["stored", "duplicate", "refused"]), "What became of it."),
        Field::nullable("id", Schema::Id, "The id that it is kept under."),
        Field::nullable("error", Schema::Object(&WHY), "Why it is not."),
    ],
};

const WHY: Object = Object {
    name: "BulkError",
    fields: &[
        Field::required("code", Schema::Text(64), "A code of errors."),
        Field::required("message", Schema::Text(1024), "A sentence for people."),
        Field::nullable("field", Schema::Text(128), "What it is about."),
    ],
};

#[derive(Serialize)]
struct Outcome {
    accepted: usize,
    refused: usize,
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    status: &'static str,
    id: Option<Id>,
    error: Option<Why>,
}

#[derive(Serialize)]
struct Why {
    code: &'static str,
    message: String,
    field: Option<String>,
}

/// What can be told to the API and is kept by the store.
pub(super) trait Told: Serialize + Sized + Send + Sync + 'static {
    /// Returns the id that it is kept under.
    fn id(&self) -> Id;

    /// Returns the path that it is found at, if it has one.
    fn path(&self) -> Option<String>;

    /// Tells whether another of the same id was told in the same words.
    fn same(&self, other: &Self) -> bool;

    /// Stores a batch.
    fn append<'a>(call: &'a Call, batch: &'a [Arc<Self>]) -> StoreFuture<'a, Vec<Appended>>;

    /// Finds what is kept under an id.
    fn find<'a>(call: &'a Call, id: Id, scope: &'a Scope) -> StoreFuture<'a, Option<Arc<Self>>>;

    /// Counts what is stored, and passes it on.
    fn stored(self: &Arc<Self>, call: &Call);

    /// Stores one thing, and answers when it is stored.
    fn one(call: &Call, thing: Arc<Self>, keyed: bool) -> impl Future<Output = Result<Answer, ApiError>> + Send {
        async move {
            let batch = [thing];
            let appended = Self::append(call, &batch).await?;
            let [thing] = &batch;
            match appended.first() {
                Some(Appended::Stored) => {
                    thing.stored(call);
                    Answer::created(&**thing, thing.path())
                }
                Some(Appended::Duplicate) if keyed => {
                    let before = Self::find(call, thing.id(), &call.scope()).await?;
                    match before {
                        Some(before) if !thing.same(&before) => {
                            Err(ApiError::new(Code::KeyReused, "the idempotency key was used for something else"))
                        }
                        Some(before) => Answer::ok(&*before),
                        None => Answer::ok(&**thing),
                    }
                }
                Some(Appended::Duplicate) => Answer::ok(&**thing),
                _ => Err(ApiError::new(Code::InvalidField, "the store can never keep this")),
            }
        }
    }
}

/// Stores many things, those that are fit, and tells what became of each.
pub(super) async fn bulk<T: Told>(call: &Call, items: Vec<Result<Arc<T>, ApiError>>) -> Result<Answer, ApiError> {
    let batch: Vec<Arc<T>> = items.iter().filter_map(|item| item.as_ref().ok().cloned()).collect();
    let appended = if batch.is_empty() { Vec::new() } else { T::append(call, &batch).await? };
    let mut appended = appended.into_iter();
    let items: Vec<Item> = items
        .into_iter()
        .map(|item| match item {
            Ok(thing) => match appended.next() {
                Some(Appended::Stored) => {
                    thing.stored(call);
                    Item { status: "stored", id: Some(thing.id()), error: None }
                }
                Some(Appended::Duplicate) => Item { status: "duplicate", id: Some(thing.id()), error: None },
                _ => refused(ApiError::new(Code::InvalidField, "the store can never keep this")),
            },
            Err(error) => refused(error),
        })
        .collect();
    let refused = items.iter().filter(|item| item.error.is_some()).count();
    let outcome = Outcome { accepted: items.len() - refused, refused, items };
    if outcome.accepted == 0 {
        let first = outcome.items.into_iter().find_map(|item| item.error);
        let (message, field) = first.map_or((String::new(), None), |why| (why.message, why.field));
        let mut error = ApiError::new(Code::InvalidField, format!("every item is refused; the first: {message}"));
        error.field = Some(field.map_or_else(|| "0".to_owned(), |field| format!("0.{field}")));
        return Err(error);
    }
    if outcome.items.iter().all(|item| item.status != "stored") {
        Answer::ok(&outcome)
    } else {
        Answer::created(&outcome, None)
    }
}

fn refused(error: ApiError) -> Item {
    let why = Why { code: error.code.as_str(), message: error.message.into_owned(), field: error.field };
    Item { status: "refused", id: None, error: Some(why) }
}

impl Told for Event {
    fn id(&self) -> Id {
        self.id
    }

    fn path(&self) -> Option<String> {
        Some(format!("/events/{}", self.id))
    }

    fn same(&self, other: &Self) -> bool {
        *self == Self { created_at: self.created_at, ..other.clone() }
    }

    fn append<'a>(call: &'a Call, batch: &'a [Arc<Self>]) -> StoreFuture<'a, Vec<Appended>> {
        call.services().store.append_events(batch)
    }

    fn find<'a>(call: &'a Call, id: Id, scope: &'a Scope) -> StoreFuture<'a, Option<Arc<Self>>> {
        call.services().store.event(id, scope)
    }

    fn stored(self: &Arc<Self>, call: &Call) {
        let services = call.services();
        crate::journal::count_event(&services.metrics, self);
        services.journal.pass_on_event(self);
    }
}

impl Told for Sample {
    fn id(&self) -> Id {
        self.id
    }

    fn path(&self) -> Option<String> {
        None
    }

    fn same(&self, other: &Self) -> bool {
        *self == Self { created_at: self.created_at, ..other.clone() }
    }

    fn append<'a>(call: &'a Call, batch: &'a [Arc<Self>]) -> StoreFuture<'a, Vec<Appended>> {
        call.services().store.append_samples(batch)
    }

    /// A sample is found by its time, since it has no path of its own.
    fn find<'a>(call: &'a Call, id: Id, scope: &'a Scope) -> StoreFuture<'a, Option<Arc<Self>>> {
        Box::pin(async move {
            let time = id.timestamp();
            let query = crate::store::SampleQuery::new(scope.clone()).start(time).end(time).limit(1000);
            let page = call.services().store.samples(&query).await?;
            Ok(page.items.into_iter().find(|sample| sample.id == id))
        })
    }

    fn stored(self: &Arc<Self>, call: &Call) {
        let services = call.services();
        services.metrics.record_samples(1);
        services.journal.pass_on_sample(self);
    }
}
