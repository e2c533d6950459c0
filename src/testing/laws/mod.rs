//! The law of [stores](crate::store), read aloud: one test for each sentence of it.
//!
//! A store proves itself by [`store_laws!`](crate::store_laws), or a part of it by the macro of its trait. Each law gets a
//! store of its own, which has to be empty; the expression that makes one may wait.
//!
//! ```
//! # mod proof {
//! use watchkeeper::store::Memory;
//!
//! watchkeeper::event_store_laws!(memory, Memory::new());
//! # }
//! ```

pub mod alert;
pub mod audit;
pub mod event;
pub mod incident;
pub mod lease;
pub mod paging;
pub mod sample;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::Poll;

use crate::event::{Event, EventDraft, TimeWindow};
use crate::sample::{Sample, SampleDraft};
use crate::store::{Page, StoreFuture};
use crate::timestamp::Timestamp;

/// Runs a test of a law on a runtime of its own.
///
/// # Panics
///
/// When the law is broken, or no runtime can be had.
pub fn run<T>(law: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be had").block_on(law)
}

/// Waits for an answer that may not be an error.
async fn ok<T>(answer: StoreFuture<'_, T>) -> T {
    answer.await.expect("the store answers")
}

/// Runs futures side by side, each a step at a time, until all have ended.
async fn side_by_side<'a, T>(futures: Vec<Pin<Box<dyn Future<Output = T> + 'a>>>) -> Vec<T> {
    let mut waiting: Vec<_> = futures.into_iter().map(|future| (Some(future), None)).collect();
    poll_fn(|context| {
        for (future, answer) in &mut waiting {
            if let Some(running) = future
                && let Poll::Ready(ready) = running.as_mut().poll(context)
            {
                (*future, *answer) = (None, Some(ready));
            }
        }
        if waiting.iter().all(|(future, _)| future.is_none()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    waiting.into_iter().filter_map(|(_, answer)| answer).collect()
}

/// A time within what every store takes: `micros` after a whole second an hour ago.
fn time(micros: i64) -> Timestamp {
    static AN_HOUR_AGO: LazyLock<i64> = LazyLock::new(|| Timestamp::now().as_micros() / 1_000_000 - 3600);
    Timestamp::from_micros(*AN_HOUR_AGO * 1_000_000 + micros)
}

fn event(draft: EventDraft) -> Arc<Event> {
    let (event, repairs) = draft.accept(TimeWindow::default(), Timestamp::now());
    assert!(repairs.is_empty(), "a law tells nothing that needs repair: {repairs:?}");
    Arc::new(event)
}

fn sample(draft: SampleDraft) -> Arc<Sample> {
    let (sample, repairs) = draft.accept(TimeWindow::default(), Timestamp::now());
    assert!(repairs.is_empty(), "a law tells nothing that needs repair: {repairs:?}");
    Arc::new(sample)
}

fn sources(page: &Page<Arc<Event>>) -> Vec<&str> {
    page.items.iter().map(|event| event.source()).collect()
}

/// Tests that a store keeps the whole law: `store_laws!(name, expression)` makes a module of tests.
///
/// Needs the feature `testing`.
#[macro_export]
macro_rules! store_laws {
    ($name:ident, $store:expr) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $crate::event_store_laws!(events, $store);
            $crate::sample_store_laws!(samples, $store);
            $crate::incident_store_laws!(incidents, $store);
            $crate::alert_store_laws!(alerts, $store);
            $crate::audit_store_laws!(audit, $store);
            $crate::lease_store_laws!(leases, $store);
        }
    };
}

/// Makes one test of each law; for the macros of the traits.
#[doc(hidden)]
#[macro_export]
macro_rules! laws {
    ($name:ident, $store:expr, $($part:ident { $($law:ident)+ })+) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $($(
                #[test]
                fn $law() {
                    $crate::testing::laws::run(async {
                        let store = $store;
                        $crate::testing::laws::$part::$law(&store).await;
                    });
                }
            )+)+
        }
    };
}

/// Tests that an [`EventStore`](crate::store::EventStore) keeps its law: `event_store_laws!(name, expression)`.
///
/// Needs the feature `testing`.
#[macro_export]
macro_rules! event_store_laws {
    ($name:ident, $store:expr) => {
        $crate::laws! { $name, $store,
            event {
                what_is_stored_is_read_back_whole
                whatever_is_accepted_is_read_back
                each_answer_stands_in_the_place_of_its_event
                an_empty_batch_answers_nothing
                a_duplicate_stays_as_it_was
                the_same_batch_sent_at_once_is_stored_once
                an_absent_id_answers_none
                a_query_without_a_match_answers_an_empty_page
                conditions_hold_together
                a_level_is_exact_and_a_least_level_is_not
                start_and_end_belong_to_the_time
                tags_are_the_same_by_value
                texts_are_taken_letter_by_letter
                the_scope_is_part_of_the_query
                totals_never_fall
                the_last_hour_goes_by_the_time_of_the_event
                events_of_a_time_are_counted_by_type_and_level
                what_is_older_is_dropped_and_nothing_younger
                a_call_that_is_dropped_leaves_the_store_usable
                a_tag_is_added_where_it_is_missing
            }
            paging {
                newest_come_first
                oldest_first_is_the_exact_reverse
                equal_times_come_back_in_order_of_arrival
                a_late_arrival_comes_back_where_it_belongs
                a_page_says_whether_there_is_another
                following_the_cursors_finds_each_once
                an_offset_counts_what_matches
                a_cursor_is_a_place_even_where_nothing_is
                what_was_stored_before_the_first_page_comes_exactly_once
            }
        }
    };
}

/// Tests that a [`SampleStore`](crate::store::SampleStore) keeps its law: `sample_store_laws!(name, expression)`.
///
/// Needs the feature `testing`.
#[macro_export]
macro_rules! sample_store_laws {
    ($name:ident, $store:expr) => {
        $crate::laws! { $name, $store,
            sample {
                what_is_stored_is_read_back_to_the_bit
                a_duplicate_stays_as_it_was
                newest_come_first_and_equal_times_in_order_of_arrival
                conditions_hold_together
                an_empty_label_is_one_that_is_not_there
                the_scope_is_part_of_the_query
                following_the_cursors_finds_each_once
                totals_never_fall
                what_is_older_is_dropped_and_nothing_younger
            }
        }
    };
}

/// Tests that an [`IncidentStore`](crate::store::IncidentStore) keeps its law: `incident_store_laws!(name, expression)`.
///
/// Needs the feature `testing`.
#[macro_export]
macro_rules! incident_store_laws {
    ($name:ident, $store:expr) => {
        $crate::laws! { $name, $store,
            incident {
                what_is_opened_is_read_back_whole
                a_key_has_one_active_incident
                a_hundred_openings_at_once_open_one
                of_two_changes_at_once_one_is_stale
                a_change_and_its_entry_come_together
                a_key_is_free_again_when_its_incident_is_over
                a_key_that_was_taken_meanwhile_stays_taken
                an_absent_incident_is_no_error
                every_alert_that_is_attached_is_counted
                an_unknown_kind_survives_word_for_word
                conditions_hold_together
                the_scope_is_part_of_the_query
                following_the_cursors_finds_each_once
                active_incidents_are_counted
                evidence_is_in_the_scope_of_its_event
                entries_are_added_together_as_one_by_one
            }
        }
    };
}

/// Tests that an [`AlertStore`](crate::store::AlertStore) keeps its law: `alert_store_laws!(name, expression)`.
///
/// Needs the feature `testing`.
#[macro_export]
macro_rules! alert_store_laws {
    ($name:ident, $store:expr) => {
        $crate::laws! { $name, $store,
            alert {
                a_rule_is_read_back_whole
                of_two_changes_of_a_rule_one_is_stale
                a_rule_that_is_removed_is_gone
                rules_are_found_by_whether_they_are_enabled
                a_fingerprint_has_one_alert
                alerts_are_found_by_rule_and_state
                what_was_over_for_long_is_forgotten
                following_the_cursors_finds_each_once
            }
        }
    };
}

/// Tests that an [`AuditStore`](crate::store::AuditStore) keeps its law: `audit_store_laws!(name, expression)`.
///
/// Needs the feature `testing`.
#[macro_export]
macro_rules! audit_store_laws {
    ($name:ident, $store:expr) => {
        $crate::laws! { $name, $store,
            audit {
                a_record_is_read_back_whole
                a_record_is_never_changed
                records_are_found_by_what_they_say
                the_cursors_lead_to_every_record
            }
        }
    };
}

/// Tests that a [`LeaseStore`](crate::store::LeaseStore) keeps its law: `lease_store_laws!(name, expression)`.
///
/// Needs the feature `testing`.
#[macro_export]
macro_rules! lease_store_laws {
    ($name:ident, $store:expr) => {
        $crate::laws! { $name, $store,
            lease {
                a_lease_has_one_holder_at_a_time
                a_lease_that_has_ended_is_anothers_under_a_higher_fence
                a_holder_who_comes_back_before_anybody_else_keeps_the_fence
                a_lease_that_is_given_back_is_free
                a_run_is_begun_once_for_a_slot
                a_higher_fence_takes_over_a_run_that_was_not_ended
                runs_come_newest_slot_first_and_whole
                old_runs_are_forgotten
                progress_is_not_put_back_by_a_lower_fence
                what_is_too_long_for_a_name_is_refused
                an_instance_that_comes_again_is_the_same_one
            }
        }
    };
}

#[cfg(test)]
mod tests {
    /// A law that nobody reads aloud is none.
    #[test]
    fn every_law_is_on_its_list() {
        let lists = include_str!("mod.rs");
        let files = [
            include_str!("alert.rs"),
            include_str!("audit.rs"),
            include_str!("event.rs"),
            include_str!("incident.rs"),
            include_str!("lease.rs"),
            include_str!("paging.rs"),
            include_str!("sample.rs"),
        ];
        let mut laws = 0;
        for line in files.iter().flat_map(|file| file.lines()) {
            if let Some(law) = line.strip_prefix("pub async fn ") {
                let law = law.split('(').next().unwrap();
                assert!(lists.lines().any(|listed| listed.trim() == law), "{law} is on no list");
                laws += 1;
            }
        }
        assert_eq!(laws, 20 + 9 + 9 + 16 + 8 + 11 + 4);
    }
}
