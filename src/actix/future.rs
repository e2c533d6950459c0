//! The future of one request.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::ServiceResponse;
use http::Response;
use pin_project_lite::pin_project;

use super::body::FollowedBody;
use super::head::{self, Size};
use crate::http::{Meter, Passage};

pin_project! {
    /// The future that [`Watched`](super::Watched) returns.
    pub struct Answering<F> {
        #[pin]
        inner: F,
        passage: Passage,
    }
}

impl<F> Answering<F> {
    pub(super) const fn new(inner: F, passage: Passage) -> Self {
        Self { inner, passage }
    }
}

impl<F, B> Future for Answering<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody,
{
    type Output = Result<ServiceResponse<FollowedBody<B>>, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Poll::Ready(answer) = this.passage.run(|| this.inner.poll(context)) else { return Poll::Pending };
        let mut head = match &answer {
            // A body that panics when it is asked for its size is the app's as well.
            Ok(response) => Ok(this.passage.run(|| head::of_response(response.response()))),
            Err(error) => this.passage.run(|| of_error(error)),
        };
        let followed = this.passage.answer(&mut head);
        Poll::Ready(answer.map(|mut response| {
            if let Ok(head) = &head {
                head::add(response.headers_mut(), head.headers());
            }
            response.map_body(|_, body| FollowedBody::new(body, Meter::of_response(followed)))
        }))
    }
}

/// Returns the head that an error is answered with; none where that says no more than that the service has failed.
fn of_error(error: &Error) -> Result<Response<Size>, ()> {
    let head = head::of_response(&error.error_response());
    if head.status() == http::StatusCode::INTERNAL_SERVER_ERROR { Err(()) } else { Ok(head) }
}

impl<F> fmt::Debug for Answering<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answering").finish_non_exhaustive()
    }
}
