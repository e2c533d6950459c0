//! A body that does what it is told, step by step.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a body does next.
#[derive(Debug, Clone)]
pub enum Step {
    /// It is not ready yet; the next poll goes on.
    Wait,
    /// It is never ready again.
    Stall,
    Data(Bytes),
    Trailers(HeaderMap),
    Fail,
    Panic,
}

impl Step {
    pub fn data(text: &'static str) -> Self {
        Self::Data(Bytes::from_static(text.as_bytes()))
    }

    pub fn trailer(name: &'static str, value: &'static str) -> Self {
        Self::Trailers(HeaderMap::from_iter([(name.parse().expect("a name"), value.parse().expect("a value"))]))
    }
}

/// A body that takes its steps in order, and ends after the last.
#[derive(Debug, Clone, Default)]
pub struct Script {
    steps: VecDeque<Step>,
    hint: SizeHint,
    tells_its_end: bool,
}

impl Script {
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: steps.into_iter().collect(), ..Self::default() }
    }

    /// A body of one piece, whose size is known.
    pub fn whole(data: impl Into<Bytes>) -> Self {
        let data = data.into();
        let hint = SizeHint::with_exact(data.len() as u64);
        let steps = if data.is_empty() { VecDeque::new() } else { [Step::Data(data)].into() };
        Self { steps, hint, tells_its_end: true }
    }

    pub fn hinting(mut self, hint: SizeHint) -> Self {
        self.hint = hint;
        self
    }

    /// It says so when no step is left, before anybody asks for the next frame.
    pub fn telling_its_end(mut self) -> Self {
        self.tells_its_end = true;
        self
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let step = match self.steps.front() {
            Some(Step::Stall) => return Poll::Pending,
            _ => self.steps.pop_front(),
        };
        match step {
            Some(Step::Wait | Step::Stall) => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Step::Data(data)) => {
                if let Some(exact) = self.hint.exact() {
                    self.hint = SizeHint::with_exact(exact - data.len() as u64);
                }
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Some(Step::Trailers(trailers)) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            Some(Step::Fail) => Poll::Ready(Some(Err("the body fails".into()))),
            Some(Step::Panic) => unwind("the body panics"),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.tells_its_end && self.steps.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.hint
    }
}

/// Panics without a word: the hook, which prints, is passed by.
pub fn unwind(what: &'static str) -> ! {
    std::panic::resume_unwind(Box::new(what))
}
