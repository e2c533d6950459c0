//! Everything that a Prometheus holds, read by its protocol for that: every sample to the bit, stale markers too.

use prost::Message;
use watchkeeper::promql::engine::{LabelSet, Series};

use crate::support::client::Request;
use crate::support::prometheus::Prometheus;

#[derive(Clone, PartialEq, Message)]
struct ReadRequest {
    #[prost(message, repeated, tag = "1")]
    queries: Vec<Query>,
}

#[derive(Clone, PartialEq, Message)]
struct Query {
    #[prost(int64, tag = "1")]
    start: i64,
    #[prost(int64, tag = "2")]
    end: i64,
    #[prost(message, repeated, tag = "3")]
    matchers: Vec<LabelMatcher>,
}

#[derive(Clone, PartialEq, Message)]
struct LabelMatcher {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct ReadResponse {
    #[prost(message, repeated, tag = "1")]
    results: Vec<QueryResult>,
}

#[derive(Clone, PartialEq, Message)]
struct QueryResult {
    #[prost(message, repeated, tag = "1")]
    series: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    time: i64,
}

/// A matcher that any text but none fits.
const UNLIKE: i32 = 1;

/// Reads all samples up to a time, in milliseconds.
#[track_caller]
pub(crate) fn everything(prometheus: &Prometheus, end: i64) -> Vec<Series> {
    let matchers = vec![LabelMatcher { kind: UNLIKE, name: "__name__".into(), value: String::new() }];
    let request = ReadRequest { queries: vec![Query { start: 0, end, matchers }] };
    let answer = Request::new("POST", prometheus.address(), "/api/v1/read")
        .header("content-type", "application/x-protobuf")
        .header("content-encoding", "snappy")
        .header("x-prometheus-remote-read-version", "0.1.0")
        .body(packed(&request.encode_to_vec()))
        .send();
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    let response = ReadResponse::decode(&*unpacked(&answer.body)).expect("an answer of the protocol");
    let series = response.results.into_iter().flat_map(|result| result.series);
    series
        .map(|series| Series {
            // What is read from outside carries the labels that tell one Prometheus from others.
            labels: LabelSet::new(
                series
                    .labels
                    .into_iter()
                    .filter(|label| !["cluster", "replica"].contains(&label.name.as_str()))
                    .map(|label| (label.name, label.value)),
            ),
            points: series.samples.into_iter().map(|sample| (sample.time, sample.value)).collect(),
        })
        .collect()
}

/// Writes a short text in Snappy's format, as it is: its length, then one literal.
fn packed(bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).expect("a short request");
    assert!(length < 61, "one byte of length, and one of the literal");
    [&[length, (length - 1) << 2][..], bytes].concat()
}

/// Reads Snappy's block format: literals, and copies of what came before.
#[track_caller]
fn unpacked(mut packed: &[u8]) -> Vec<u8> {
    fn take<'a>(from: &mut &'a [u8], count: usize) -> &'a [u8] {
        let (taken, rest) = from.split_at(count);
        *from = rest;
        taken
    }
    let little = |bytes: &[u8]| bytes.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    let (mut length, mut shift) = (0, 0);
    loop {
        let byte = take(&mut packed, 1)[0];
        length |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte < 0x80 {
            break;
        }
    }
    let mut out = Vec::with_capacity(length);
    while !packed.is_empty() {
        let tag = usize::from(take(&mut packed, 1)[0]);
        let (count, back) = match tag & 3 {
            0 => {
                let short = tag >> 2;
                let count = if short < 60 { short } else { little(take(&mut packed, short - 59)) } + 1;
                out.extend_from_slice(take(&mut packed, count));
                continue;
            }
            1 => ((tag >> 2 & 7) + 4, (tag >> 5) << 8 | little(take(&mut packed, 1))),
            kind => ((tag >> 2) + 1, little(take(&mut packed, if kind == 2 { 2 } else { 4 }))),
        };
        for _ in 0..count {
            out.push(out[out.len() - back]);
        }
    }
    assert_eq!(out.len(), length);
    out
}
