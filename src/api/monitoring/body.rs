//! Bodies: read within a size, a time and the room that all bodies share, decoded within the same size.

use std::future::poll_fn;
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use axum::body::Body;
use flate2::write::GzDecoder;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use http_body::Body as _;
use tokio::time::timeout;

use super::error::{ApiError, Code};

/// The room that the bodies of all requests share.
#[derive(Debug)]
pub(super) struct Room {
    most: usize,
    held: AtomicUsize,
}

/// What one request holds of it, until it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    room: Arc<Room>,
    bytes: usize,
}

impl Room {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, held: AtomicUsize::new(0) })
    }
}

impl Held {
    pub(super) fn nothing(room: &Arc<Room>) -> Self {
        Self { room: Arc::clone(room), bytes: 0 }
    }

    fn take(&mut self, bytes: usize) -> Result<(), ApiError> {
        self.bytes += bytes;
        let before = self.room.held.fetch_add(bytes, Relaxed);
        if before + bytes > self.room.most {
            return Err(ApiError::new(Code::Unavailable, "too many bodies are being read at the moment"));
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.room.held.fetch_sub(self.bytes, Relaxed);
    }
}

/// Which types of content a route takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Json,
    Lines,
}

/// The type of JSON, one value on each line.
pub(super) const LINES: &str = "application/x-ndjson";

/// Tells what a body says that it is: JSON, or with `lines`, also JSON line by line.
pub(super) fn content(headers: &HeaderMap, lines: bool) -> Result<Content, ApiError> {
    let accepted = if lines { "application/json, application/x-ndjson" } else { "application/json" };
    let refuse = || ApiError::new(Code::UnsupportedMediaType, format!("accepted: {accepted}")).field("content-type");
    let text = single(headers, CONTENT_TYPE).ok_or_else(refuse)?;
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    // Parameters say nothing that is needed, unless they say that it is no UTF-8.
    let other_charset = parts.filter_map(|parameter| parameter.split_once('=')).any(|(name, value)| {
        name.eq_ignore_ascii_case("charset") && !value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    match essence {
        _ if other_charset => Err(refuse()),
        essence if essence.eq_ignore_ascii_case("application/json") => Ok(Content::Json),
        essence if lines && essence.eq_ignore_ascii_case(LINES) => Ok(Content::Lines),
        _ => Err(refuse()),
    }
}

/// Tells whether a body says that it is a form; one that says nothing, or has no length, is none.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    let essence = single(headers, CONTENT_TYPE).and_then(|text| text.split(';').next()).unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Reads a body to its end, and decodes it.
pub(super) async fn read(
    body: Body,
    headers: &HeaderMap,
    most: usize,
    time: Duration,
    held: &mut Held,
) -> Result<Vec<u8>, ApiError> {
    let zipped = zipped(headers)?;
    let length = single(headers, CONTENT_LENGTH).and_then(|text| text.parse::<u64>().ok());
    if length.is_some_and(|length| length > most as u64) {
        return Err(too_large(most));
    }
    match timeout(time, receive(body, zipped, most, held)).await {
        Ok(read) => read,
        Err(_) => Err(ApiError::new(Code::RequestTimeout, "the body took too long to arrive")),
    }
}

async fn receive(mut body: Body, zipped: bool, most: usize, held: &mut Held) -> Result<Vec<u8>, ApiError> {
    let mut decoded = Sink { to: Bounded { most, bytes: Vec::new(), full: false }, zip: None };
    if zipped {
        decoded.zip = Some(GzDecoder::new(std::mem::replace(&mut decoded.to, Bounded::empty(most))));
    }
    let mut received = 0usize;
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        // A client that leaves, or breaks the framing, hears of it if it can.
        let frame = frame.map_err(|_| ApiError::new(Code::InvalidJson, "the body does not come to its end"))?;
        let Ok(data) = frame.into_data() else { continue };
        received += data.len();
        if received > most {
            return Err(too_large(most));
        }
        let before = decoded.len();
        decoded.write(&data)?;
        held.take(decoded.len() - before)?;
    }
    decoded.finish()
}

/// Where what arrives goes: through the decoder where there is one.
struct Sink {
    to: Bounded,
    zip: Option<GzDecoder<Bounded>>,
}

impl Sink {
    fn len(&self) -> usize {
        self.zip.as_ref().map_or(self.to.bytes.len(), |zip| zip.get_ref().bytes.len())
    }

    fn write(&mut self, data: &[u8]) -> Result<(), ApiError> {
        let written = match &mut self.zip {
            Some(zip) => zip.write_all(data),
            None => self.to.write_all(data),
        };
        let to = self.zip.as_ref().map_or(&self.to, GzDecoder::get_ref);
        match written {
            Ok(()) => Ok(()),
            Err(_) if to.full => Err(too_large(to.most)),
            // What comes behind the end is no part of it, and is not passed over.
            Err(_) => Err(no_gzip()),
        }
    }

    fn finish(self) -> Result<Vec<u8>, ApiError> {
        let Some(mut zip) = self.zip else { return Ok(self.to.bytes) };
        if let Err(_failed) = zip.try_finish() {
            return Err(if zip.get_ref().full { too_large(zip.get_ref().most) } else { no_gzip() });
        }
        zip.finish().map(|to| to.bytes).map_err(|_| no_gzip())
    }
}

/// Takes so many bytes and no more.
struct Bounded {
    most: usize,
    bytes: Vec<u8>,
    full: bool,
}

impl Bounded {
    const fn empty(most: usize) -> Self {
        Self { most, bytes: Vec::new(), full: false }
    }
}

impl Write for Bounded {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if data.len() > self.most - self.bytes.len() {
            self.full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn zipped(headers: &HeaderMap) -> Result<bool, ApiError> {
    if !headers.contains_key(CONTENT_ENCODING) {
        return Ok(false);
    }
    match single(headers, CONTENT_ENCODING).map(str::trim) {
        Some(coding) if coding.eq_ignore_ascii_case("identity") => Ok(false),
        Some(coding) if coding.eq_ignore_ascii_case("gzip") => Ok(true),
        _ => {
            let error = ApiError::new(Code::UnsupportedEncoding, "accepted: gzip, identity, once");
            Err(error.field("content-encoding"))
        }
    }
}

/// Reads a header that is there once.
fn single(headers: &HeaderMap, name: http::HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

fn too_large(most: usize) -> ApiError {
    ApiError::new(Code::TooLarge, format!("a body has at most {most} bytes here, decoded"))
}

fn no_gzip() -> ApiError {
    ApiError::new(Code::InvalidJson, "the body is no gzip, though it says so")
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    async fn read_gzip(body: Vec<u8>, most: usize) -> Result<Vec<u8>, Code> {
        let headers = HeaderMap::from_iter([(CONTENT_ENCODING, "gzip".parse().unwrap())]);
        let mut held = Held::nothing(&Room::new(1 << 20));
        let read = read(body.into(), &headers, most, Duration::from_secs(60), &mut held).await;
        read.map_err(|error| error.code)
    }

    #[tokio::test]
    async fn what_is_zipped_is_read_up_to_the_same_size() {
        assert_eq!(read_gzip(gzip(b"{}"), 64).await, Ok(b"{}".to_vec()));
        assert_eq!(read_gzip(gzip(&[b' '; 64]), 64).await, Ok(vec![b' '; 64]));
        assert_eq!(read_gzip(gzip(&[b' '; 65]), 64).await, Err(Code::TooLarge));
        assert_eq!(read_gzip(gzip(&vec![0; 10_000_000]), 16_384).await, Err(Code::TooLarge));
    }

    #[tokio::test]
    async fn what_is_no_gzip_or_more_than_that_is_refused() {
        let whole = gzip(b"{}");
        assert_eq!(read_gzip(b"{}".to_vec(), 64).await, Err(Code::InvalidJson));
        assert_eq!(read_gzip(whole[..whole.len() - 4].to_vec(), 64).await, Err(Code::InvalidJson));
        assert_eq!(read_gzip([whole.clone(), whole.clone()].concat(), 64).await, Err(Code::InvalidJson));
        assert_eq!(read_gzip([whole, vec![0]].concat(), 64).await, Err(Code::InvalidJson));
    }

    #[tokio::test]
    async fn all_bodies_together_have_so_much_room() {
        let room = Room::new(100);
        let time = Duration::from_secs(60);
        let mut first = Held::nothing(&room);
        assert!(read(vec![b' '; 60].into(), &HeaderMap::new(), 64, time, &mut first).await.is_ok());
        let mut second = Held::nothing(&room);
        let refused = read(vec![b' '; 60].into(), &HeaderMap::new(), 64, time, &mut second).await.unwrap_err();
        assert_eq!(refused.code, Code::Unavailable);
        drop((first, second));
        assert_eq!(room.held.load(Relaxed), 0);
    }
}
