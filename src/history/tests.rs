//! What the history keeps, what it gives up, and what it says of both.

use std::time::{Duration, Instant};

use super::head::{Bounds, Head, Refusal};
use super::held::SharedSeries;
use crate::promql::engine::{LabelSet, Series, SourceBounds};

const HOUR: i64 = 3_600_000;

fn head(series: usize, bytes: usize, retention: i64) -> Head {
    Head::new(Bounds { series, bytes, retention })
}

fn labels(name: &str, at: usize) -> LabelSet {
    LabelSet::new([("__name__", name.to_owned()), ("at", format!("{at:05}"))])
}

fn bounds() -> SourceBounds {
    SourceBounds::new(usize::MAX, usize::MAX, Instant::now() + Duration::from_secs(60))
}

fn all(head: &Head) -> Vec<Series> {
    let found = head.select(&[], (i64::MIN, i64::MAX), &bounds()).unwrap();
    found.into_iter().filter_map(SharedSeries::read).collect()
}

fn put(head: &mut Head, labels: &LabelSet, time: i64, value: f64) -> Result<(), Refusal> {
    let id = head.open(labels)?;
    head.append(id, time, value)
}

#[test]
fn samples_are_shown_for_as_long_as_they_are_kept_and_no_longer() {
    let mut head = head(10, 1 << 20, HOUR);
    for minute in 0..600 {
        put(&mut head, &labels("a", 0), minute * 60_000, minute as f64).unwrap();
        if minute < 100 {
            put(&mut head, &labels("b", 0), minute * 60_000, 1.0).unwrap();
        }
        head.forget_expired();
        assert!(head.tally().samples <= 61 + 120 + 100, "at most a chunk more than is shown");
        for series in all(&head) {
            assert!(series.points[0].0 >= minute * 60_000 - HOUR);
        }
    }
    let shown = all(&head);
    assert_eq!(shown.len(), 1, "a series that vanished is forgotten");
    let times: Vec<_> = shown[0].points.iter().map(|point| point.0 / 60_000).collect();
    assert_eq!(times, (539..600).collect::<Vec<_>>());
    assert_eq!((head.series(), head.tally().gave_way), (1, 0));
}

#[test]
fn no_more_series_are_held_than_may_and_those_that_ended_give_way() {
    let mut head = head(3, 1 << 20, HOUR);
    let ids: Vec<_> = (0..3).map(|at| head.open(&labels("a", at)).unwrap()).collect();
    ids.iter().for_each(|id| head.append(*id, 1_000, 1.0).unwrap());
    assert_eq!(head.open(&labels("a", 3)), Err(Refusal::Full));
    head.end(ids[1], 2_000);
    head.end(ids[0], 3_000);
    head.append(ids[0], 4_000, 2.0).unwrap();
    head.open(&labels("a", 4)).unwrap();
    assert_eq!(head.append(ids[1], 5_000, 1.0), Err(Refusal::Gone), "it ended, and another has its place");
    assert_eq!(head.open(&labels("a", 5)), Err(Refusal::Full), "the one that began again stays");
    assert_eq!(head.series(), 3);
}

#[test]
fn no_more_bytes_are_taken_than_may_whatever_comes() {
    let mut random = 7_u64;
    let mut next = move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        random >> 33
    };
    let bytes = 256 * 1024;
    let mut head = head(200, bytes, HOUR);
    let mut refused = 0;
    for time in 0..50_000_i64 {
        let value = f64::from_bits(next() << 31 | next());
        let at = next() as usize % 300;
        refused += u64::from(put(&mut head, &labels("a", at), time, value).is_err());
        assert!(head.bytes() <= bytes, "{} bytes at {time}", head.bytes());
        if time % 1_000 == 0 {
            head.forget_expired();
        }
    }
    let held: usize = all(&head).iter().map(|series| series.points.len()).sum();
    let tally = head.tally();
    assert_eq!(held as u64, tally.samples);
    assert_eq!(tally.samples + tally.gave_way + refused, 50_000, "each is held, gave way, or was refused");
    assert!(tally.samples > 1_000 && tally.gave_way > 1_000, "{tally:?}");
}

#[test]
fn everything_forgotten_leaves_nothing_behind() {
    let mut head = head(100, 1 << 20, HOUR);
    let before = head.bytes();
    for time in 0..1_000 {
        put(&mut head, &labels("a", time as usize % 100), time, 1.5).unwrap();
    }
    head.clear();
    assert_eq!((head.series(), head.tally().samples, head.bytes()), (0, 0, before));
}

#[test]
fn counters_that_move_slowly_take_at_most_four_bytes_a_sample_all_told() {
    let mut head = head(1_000, 64 << 20, 2 * HOUR);
    let ids: Vec<_> = (0..1_000)
        .map(|at| {
            let own =
                [("__name__", "http_requests_total"), ("instance", "shop:3000"), ("job", "shop"), ("service", "shop")];
            let own = own.map(|(name, value)| (name, value.to_owned()));
            head.open(&LabelSet::new(own.into_iter().chain([("path", format!("/orders/{at}"))]))).unwrap()
        })
        .collect();
    for round in 0..480_i64 {
        for (at, id) in ids.iter().enumerate() {
            // Up to a hundred a round, and some nothing at all.
            head.append(*id, round * 15_000, (round * (at as i64 % 100) + round * round % 7) as f64).unwrap();
        }
        head.forget_expired();
    }
    let bytes = head.bytes() as f64 / head.tally().samples as f64;
    assert_eq!((head.series(), head.tally().samples), (1_000, 480_000));
    assert!(bytes <= 4.0, "{bytes} bytes a sample, with labels, places and what the allocator adds");
}
