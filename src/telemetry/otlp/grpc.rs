//! OTLP by gRPC: calls on a runtime that the thread that sends has for itself.

use std::error::Error;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use http::{HeaderMap, Uri};
use tokio::runtime::{Builder, Runtime};
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status};

use super::transport::{Failure, MOST_OF_ANSWER, Transport, refused};
use crate::presets::monitoring::DropReason;

/// Calls one receiver.
pub(super) struct GrpcTransport {
    endpoint: Endpoint,
    call: PathAndQuery,
    metadata: MetadataMap,
    gzip: bool,
    /// Made at the first call, by the thread that calls.
    connection: Option<(Runtime, Channel)>,
}

impl GrpcTransport {
    pub(super) fn new(
        endpoint: Uri,
        call: &'static str,
        headers: HeaderMap,
        gzip: bool,
        roots: Option<Vec<u8>>,
    ) -> Result<Self, tonic::transport::Error> {
        let secure = endpoint.scheme() == Some(&http::uri::Scheme::HTTPS);
        let mut endpoint = Endpoint::from(endpoint)
            .user_agent(concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")))?
            .http2_max_header_list_size(MOST_OF_ANSWER as u32);
        if secure {
            let tls = ClientTlsConfig::new();
            endpoint = endpoint.tls_config(match roots {
                Some(pem) => tls.ca_certificate(Certificate::from_pem(pem)),
                None => tls.with_webpki_roots(),
            })?;
        }
        let (call, metadata) = (PathAndQuery::from_static(call), MetadataMap::from_headers(headers));
        Ok(Self { endpoint, call, metadata, gzip, connection: None })
    }
}

impl Transport for GrpcTransport {
    fn send(&mut self, request: &[u8], time: Duration) -> Result<u64, Failure> {
        if self.connection.is_none() {
            let no_runtime = |_| Failure::for_now(DropReason::Failed, "no runtime for the calls can be made");
            let runtime = Builder::new_current_thread().enable_all().build().map_err(no_runtime)?;
            let channel = {
                let _entered = runtime.enter();
                self.endpoint.connect_lazy()
            };
            self.connection = Some((runtime, channel));
        }
        let Some((runtime, channel)) = &self.connection else {
            return Err(Failure::for_now(DropReason::Failed, "no connection to the receiver"));
        };
        let mut call = Request::new(Bytes::copy_from_slice(request));
        *call.metadata_mut() = self.metadata.clone();
        let mut client = tonic::client::Grpc::new(channel.clone()).max_decoding_message_size(MOST_OF_ANSWER);
        if self.gzip {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        let answer = runtime.block_on(async {
            tokio::time::timeout(time, async {
                client.ready().await.map_err(|_| Status::unavailable(""))?;
                client.unary(call, self.call.clone(), Plain).await
            })
            .await
        });
        let late = |_| Failure::for_now(DropReason::Timeout, "the receiver does not answer in time");
        let answer = answer.map_err(late)?.map_err(|status| failure_of(&status))?;
        let no_answer = |_| Failure::final_for(DropReason::Failed, "what answers is no receiver of OTLP");
        refused(&answer.into_inner()).map_err(no_answer)
    }
}

impl Drop for GrpcTransport {
    /// Whoever drops it may be within another runtime, where waiting for this one's end is not allowed.
    fn drop(&mut self) {
        if let Some((runtime, _)) = self.connection.take() {
            runtime.shutdown_background();
        }
    }
}

/// Returns what a status says. Its text is the other side's, so it is not passed on.
fn failure_of(status: &Status) -> Failure {
    let what = format!("the call ended as {:?}", status.code());
    match status.code() {
        Code::Unavailable if status.message().is_empty() => {
            Failure::for_now(DropReason::Failed, "no connection to the receiver")
        }
        // What lies below has failed, and no receiver has said anything.
        _ if status.source().is_some() => Failure::for_now(DropReason::Failed, "no connection to the receiver"),
        Code::DeadlineExceeded => Failure::for_now(DropReason::Timeout, what),
        Code::Cancelled | Code::Aborted | Code::Unavailable | Code::DataLoss => {
            Failure::for_now(DropReason::Failed, what)
        }
        // By the protocol, worth another try only where the receiver says when.
        Code::ResourceExhausted if !status.details().is_empty() => Failure::for_now(DropReason::Refused, what),
        Code::ResourceExhausted => Failure::final_for(DropReason::Refused, what),
        Code::InvalidArgument => Failure::final_for(DropReason::Invalid, what),
        // `OutOfRange` is what our own bound on answers gives, and no receiver.
        _ => Failure::final_for(DropReason::Failed, what),
    }
}

/// Passes messages on as they are: they are written already, and the answer is read elsewhere.
#[derive(Debug, Clone, Copy, Default)]
struct Plain;

impl Codec for Plain {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
