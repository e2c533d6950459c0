//! Upper bounds of a histogram's buckets.

use super::name::NameError;

/// The most bounds that one histogram may have.
pub const MAX_BUCKETS: usize = 64;

/// Durations of web requests, in seconds: every bound that the shipped service level objectives use is one of them.
pub const REQUEST_SECONDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.25, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Durations of database queries, in seconds.
pub const QUERY_SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

/// Durations of jobs in the background, in seconds: a tenth of a second to ten minutes.
pub const JOB_SECONDS: &[f64] = &[0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];

/// Durations of a synchronisation with another system, in seconds.
pub const SYNC_SECONDS: &[f64] = &[0.1, 0.5, 1.0, 2.0, 5.0, 10.0];

/// Durations of one message to a broker, in seconds.
pub const MESSAGE_SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0];

/// Sizes of request and response bodies, in bytes: 100 B to 10 MB.
pub const BODY_BYTES: &[f64] = &[100.0, 1_000.0, 10_000.0, 100_000.0, 1_000_000.0, 10_000_000.0];

/// Checks that bounds are finite, positive, rising, and between 1 and [`MAX_BUCKETS`] of them.
pub(crate) const fn check(bounds: &[f64]) -> Result<(), NameError> {
    if bounds.is_empty() || bounds.len() > MAX_BUCKETS {
        return Err(NameError::BadBuckets);
    }
    let mut i = 0;
    while i < bounds.len() {
        let rises = i == 0 || bounds[i] > bounds[i - 1];
        if !(bounds[i] > 0.0 && bounds[i] < f64::INFINITY && rises) {
            return Err(NameError::BadBuckets);
        }
        i += 1;
    }
    Ok(())
}

/// Returns the largest number of ticks that a bucket takes: billionths are rounded, since a decimal bound is rarely a
/// whole number of them as a float; of whole units none above the bound belongs below it.
pub(crate) fn ticks(bound: f64, ticks: u64) -> u64 {
    if ticks == 1 { bound.floor() as u64 } else { (bound * ticks as f64).round() as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_rise_and_are_finite() {
        assert_eq!(check(REQUEST_SECONDS), Ok(()));
        for bad in [&[][..], &[0.0], &[1.0, 1.0], &[2.0, 1.0], &[f64::NAN], &[f64::INFINITY], &[1.0; 65]] {
            assert_eq!(check(bad), Err(NameError::BadBuckets), "{bad:?}");
        }
    }
}
