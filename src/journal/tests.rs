//! What the writer does with a target that is slow, fails, hangs, panics, or cannot take everything.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use tokio::time::Instant;

use super::options::Pace;
use super::target::{Answer, Fault, Target, Then};
use super::writer::Writer;
use super::{DropReason, Sink};
use crate::queue::{Account, Bound, Counts, Priority, Queue};
use crate::store::Appended;

/// How a target takes a batch.
enum Reply {
    Stored,
    Each(fn(u32) -> Appended),
    Fault(Then),
    Panics,
    PanicsBefore,
    Hangs,
    TooFew,
}

/// A target that does as it is told, by the number of the call and the batch.
struct Fake {
    reply: fn(usize, &[u32]) -> Reply,
    calls: Mutex<Vec<(Instant, usize)>>,
    taken: Mutex<Vec<u32>>,
    counted: Mutex<Vec<u32>>,
}

impl Target for Fake {
    type Item = u32;

    fn write<'a>(&'a self, items: &'a [u32]) -> Answer<'a> {
        let mut calls = self.calls.lock().unwrap();
        let reply = (self.reply)(calls.len(), items);
        calls.push((Instant::now(), items.len()));
        drop(calls);
        assert!(!matches!(reply, Reply::PanicsBefore), "before there is a future");
        Box::pin(async move {
            let each = match reply {
                Reply::Stored => |_| Appended::Stored,
                Reply::Each(each) => each,
                Reply::Fault(then) => return Err(Fault { then, error: "no".into() }),
                Reply::Panics | Reply::PanicsBefore => panic!("the target burns"),
                Reply::Hangs => std::future::pending().await,
                Reply::TooFew => return Ok(Vec::new()),
            };
            let answers: Vec<_> = items.iter().map(|&item| each(item)).collect();
            let stored = items.iter().zip(&answers).filter(|(_, answer)| **answer == Appended::Stored);
            self.taken.lock().unwrap().extend(stored.map(|(item, _)| item));
            Ok(answers)
        })
    }

    fn count(&self, item: &u32) {
        self.counted.lock().unwrap().push(*item);
    }
}

fn writer(reply: fn(usize, &[u32]) -> Reply) -> Writer<Fake> {
    let queue = Queue::new(Account::announcing(Sink::Events, Bound::NONE, |_| {}));
    let (calls, taken, counted) = Default::default();
    let target = Fake { reply, calls, taken, counted };
    let pace = Pace { batch_items: 500, ..Pace::default() };
    Writer { queue, target, pace, troubled: AtomicBool::new(false), taken: AtomicU64::new(0) }
}

/// Writes this many items to the end; returns what was taken, and the account.
async fn write(writer: &Writer<Fake>, items: u32) -> (Vec<u32>, Counts) {
    for item in 0..items {
        writer.queue.push(item, 1, Priority::High);
    }
    writer.queue.close();
    writer.run().await;
    let counts = writer.queue.account().counts();
    assert_eq!(counts.accepted(), counts.stored() + counts.dropped());
    assert_eq!((counts.accepted(), counts.queued(), counts.queued_bytes()), (u64::from(items), 0, 0));
    (writer.target.taken.lock().unwrap().clone(), counts)
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_written_when_it_is_full_or_has_waited_long_enough() {
    let writer = writer(|_, _| Reply::Stored);
    let start = Instant::now();
    let feed = async {
        writer.queue.push(0, 1, Priority::High);
        tokio::time::sleep(Duration::from_millis(50)).await;
        for item in 0..500 {
            writer.queue.push(item, 1, Priority::High);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        writer.queue.close();
    };
    tokio::join!(writer.run(), feed);
    let calls = writer.target.calls.lock().unwrap();
    let calls: Vec<_> = calls.iter().map(|(at, items)| ((*at - start).as_millis(), *items)).collect();
    assert_eq!(calls.len(), 2, "{calls:?}");
    let ((first, 1), (second, 500)) = (calls[0], calls[1]) else { panic!("{calls:?}") };
    assert!((20..=22).contains(&first) && (50..=51).contains(&second), "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn a_row_that_a_store_points_at_is_dropped_and_the_rest_is_stored() {
    let poison = |item| if item % 100 == 7 { Appended::Refused } else { Appended::Stored };
    let writer = writer(|_, _| Reply::Each(|item| if item % 100 == 7 { Appended::Refused } else { Appended::Stored }));
    let (taken, counts) = write(&writer, 1_000).await;
    assert_eq!(taken, (0..1_000).filter(|&item| poison(item) == Appended::Stored).collect::<Vec<_>>());
    assert_eq!((counts.stored(), counts.dropped_for(DropReason::Invalid)), (990, 10));
    assert_eq!(*writer.target.counted.lock().unwrap(), taken);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_spoils_its_batch_is_found_wherever_it_is() {
    let replies: [fn(usize, &[u32]) -> Reply; 4] = [
        |_, items| if items.contains(&0) { Reply::Fault(Then::Bisect) } else { Reply::Stored },
        |_, items| if items.contains(&1) { Reply::Fault(Then::Bisect) } else { Reply::Stored },
        |_, items| if items.contains(&251) { Reply::Fault(Then::Bisect) } else { Reply::Stored },
        |_, items| if items.contains(&499) { Reply::Fault(Then::Bisect) } else { Reply::Stored },
    ];
    for reply in replies {
        let writer = writer(reply);
        let (taken, counts) = write(&writer, 500).await;
        assert_eq!((counts.stored(), counts.dropped_for(DropReason::Invalid)), (499, 1));
        assert!(taken.is_sorted(), "in their order");
        assert!(writer.target.calls.lock().unwrap().len() <= 20);
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_that_makes_the_target_panic_or_talk_nonsense_costs_itself_alone() {
    let replies: [fn(usize, &[u32]) -> Reply; 4] = [
        |_, items| if items.contains(&77) { Reply::Panics } else { Reply::Stored },
        |_, items| if items.contains(&77) { Reply::PanicsBefore } else { Reply::Stored },
        |_, items| if items.contains(&77) { Reply::TooFew } else { Reply::Stored },
        |_, items| if items.contains(&77) { Reply::Fault(Then::Suspect) } else { Reply::Stored },
    ];
    for reply in replies {
        let (_, counts) = write(&writer(reply), 500).await;
        assert_eq!((counts.stored(), counts.dropped_for(DropReason::Failed)), (499, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_sat_out_with_rests_of_a_second_at_most_and_nothing_is_lost() {
    let writer = writer(|call, _| if call < 60 { Reply::Fault(Then::TryAgain) } else { Reply::Stored });
    let start = Instant::now();
    let (taken, counts) = write(&writer, 1_200).await;
    assert_eq!((taken, counts.stored()), ((0..1_200).collect(), 1_200));
    let calls = writer.target.calls.lock().unwrap();
    let rests: Vec<_> = calls.windows(2).map(|pair| pair[1].0 - pair[0].0).take(60).collect();
    assert!(rests.iter().all(|rest| *rest <= Duration::from_millis(1_002)), "{rests:?}");
    assert!(rests.iter().skip(8).all(|rest| *rest >= Duration::from_millis(500)), "{rests:?}");
    assert!(start.elapsed() > Duration::from_secs(25), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_target_that_hangs_is_left_at_its_deadline_and_asked_again() {
    let writer = writer(|call, _| if call < 2 { Reply::Hangs } else { Reply::Stored });
    let start = Instant::now();
    let (_, counts) = write(&writer, 500).await;
    assert_eq!(counts.stored(), 500);
    let took = start.elapsed();
    assert!(took >= Duration::from_secs(10) && took < Duration::from_millis(10_200), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_row_on_which_the_target_hangs_for_ever_costs_itself_alone() {
    let replies: [fn(usize, &[u32]) -> Reply; 4] = [
        |_, items| if items.contains(&0) { Reply::Hangs } else { Reply::Stored },
        |_, items| if items.contains(&251) { Reply::Hangs } else { Reply::Stored },
        |_, items| if items.contains(&499) { Reply::Hangs } else { Reply::Stored },
        |_, items| if items.contains(&500) { Reply::Hangs } else { Reply::Stored },
    ];
    for reply in replies {
        let (start, writer) = (Instant::now(), writer(reply));
        let (taken, counts) = write(&writer, 1_000).await;
        assert_eq!((taken.len(), counts.stored(), counts.dropped_for(DropReason::Timeout)), (999, 999, 1));
        assert!(start.elapsed() < Duration::from_secs(75), "{:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_that_is_alone_is_given_up_when_those_behind_it_are_taken() {
    let writer = writer(|_, items| if items.contains(&0) { Reply::Hangs } else { Reply::Stored });
    let feed = async {
        writer.queue.push(0, 1, Priority::High);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(writer.queue.account().counts().queued(), 1, "nothing else says that the target works");
        writer.queue.push(1, 1, Priority::High);
        tokio::time::sleep(Duration::from_secs(30)).await;
        let counts = writer.queue.account().counts();
        assert_eq!((counts.stored(), counts.dropped_for(DropReason::Timeout), counts.queued()), (1, 1, 0));
        writer.queue.close();
    };
    tokio::join!(writer.run(), feed);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_hangs_for_an_hour_loses_nothing() {
    let writer = writer(|call, _| if call < 720 { Reply::Hangs } else { Reply::Stored });
    let start = Instant::now();
    let (mut taken, counts) = write(&writer, 600).await;
    taken.sort_unstable();
    assert_eq!((taken, counts.stored()), ((0..600).collect(), 600));
    assert!(start.elapsed() > Duration::from_secs(3_600), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_is_counted_for_its_reason() {
    let writer =
        writer(|call, _| if call == 0 { Reply::Fault(Then::Drop(DropReason::Refused)) } else { Reply::Stored });
    let (_, counts) = write(&writer, 700).await;
    assert_eq!((counts.stored(), counts.dropped_for(DropReason::Refused)), (200, 500));
}

#[tokio::test(start_paused = true)]
async fn a_writer_stops_when_what_it_holds_is_written_off() {
    let writer = writer(|_, _| Reply::Fault(Then::TryAgain));
    for item in 0..700 {
        writer.queue.push(item, 1, Priority::High);
    }
    let end = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        writer.queue.close();
        let left = writer.queue.clear(DropReason::Shutdown) + writer.queue.account().write_off(DropReason::Shutdown);
        assert_eq!(left, 700);
    };
    tokio::join!(writer.run(), end);
    let counts = writer.queue.account().counts();
    assert_eq!((counts.dropped_for(DropReason::Shutdown), counts.queued()), (700, 0));
}
