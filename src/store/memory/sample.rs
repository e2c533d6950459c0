//! Samples in memory.

use std::sync::Arc;

use super::minutes::Kind;
use super::ring::{Evicted, Kept};
use super::{AT_ONCE, Memory, read, write};
use crate::id::Id;
use crate::sample::Sample;
use crate::store::{Appended, Counts, Page, SampleQuery, SampleStore, StoreFuture};
use crate::timestamp::Timestamp;

impl Kept for Sample {
    fn id(&self) -> Id {
        self.id()
    }

    fn name(&self) -> &str {
        self.name()
    }

    fn kind(&self) -> u8 {
        0
    }

    fn bytes(&self) -> usize {
        self.bytes()
    }
}

impl SampleStore for Memory {
    fn append_samples<'a>(&'a self, samples: &'a [Arc<Sample>]) -> StoreFuture<'a, Vec<Appended>> {
        Box::pin(async move {
            let mut answers = Vec::with_capacity(samples.len());
            for some in samples.chunks(AT_ONCE) {
                // What gives way is dropped after the lock.
                let mut evicted = Evicted::new();
                let mut kept = write(&self.inner.samples);
                for sample in some {
                    let answer = kept.ring.append(sample, &mut evicted);
                    if answer == Appended::Stored {
                        kept.minutes.count(sample.timestamp(), Kind::default());
                    }
                    answers.push(answer);
                }
            }
            Ok(answers)
        })
    }

    fn samples<'a>(&'a self, query: &'a SampleQuery) -> StoreFuture<'a, Page<Arc<Sample>>> {
        Box::pin(async move {
            let kept = read(&self.inner.samples);
            let matches = |sample: &Sample| query.matches(sample);
            Ok(kept.ring.select(query.id_bounds(), query.paging(), u32::MAX, query.name.as_deref(), matches))
        })
    }

    fn sample_counts(&self, now: Timestamp) -> StoreFuture<'_, Counts> {
        Box::pin(async move { Ok(read(&self.inner.samples).minutes.counts(now)) })
    }

    fn drop_samples(&self, before: Timestamp) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let dropped = write(&self.inner.samples).ring.drop_below(Id::first_at(before));
            Ok(dropped.len() as u64)
        })
    }
}
