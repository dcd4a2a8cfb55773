//! What remote users may do, at the real service: every kind of request against every scope and
//! camera, and what becomes of connections whose token ends.

#[path = "tokens/ending.rs"]
mod ending;
#[path = "tokens/open_watch.rs"]
mod open_watch;
#[path = "tokens/scopes.rs"]
mod scopes;
#[path = "tokens/secrets.rs"]
mod secrets;
#[path = "tokens/table.rs"]
mod table;

use std::{fs, future::Future, time::Duration};

use protocol::{
    Client, ClientError, ClientHello, ErrorKind, ErrorReply, Event, FrameRate, Hello, Mode,
    PixelFormat, Preamble, PublishRequest, Reply, ReplyMessage, Request, Role, Scope, Size,
    StreamRequest, TokenRequest, Welcome,
    client::{Connector, EventStream, FrameStream, PublishEvent, StreamEvent},
    endpoint::Endpoint,
};
use tests::{Raw, Service, wait_until};

const LONG: Duration = Duration::from_secs(30);
const ADDRESS: &str = "192.0.2.7";

/// Two cameras: a token may be for one of them.
fn service() -> Service {
    Service::builder().test_camera("320x240@30").test_camera("160x120@15").start()
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime
        .expect("a runtime")
        .block_on(async { tokio::time::timeout(LONG * 4, work).await.expect("it does not hang") })
}

fn connector(service: &Service) -> Connector {
    Connector::new("tests").endpoint(Endpoint::at(service.socket()))
}

fn with_token(service: &Service, secret: &str) -> Connector {
    connector(service).bridged(Some(secret.to_owned()), Some(ADDRESS.to_owned()))
}

fn bridge(service: &Service) -> Connector {
    connector(service).bridged(None, None)
}

async fn local(service: &Service) -> Client {
    connector(service).control().await.expect("a program connects")
}

fn token(name: &str, scopes: &[Scope], cameras: &[&str]) -> TokenRequest {
    TokenRequest {
        name: name.to_owned(),
        scopes: scopes.to_vec(),
        cameras: cameras.iter().map(|camera| (*camera).into()).collect(),
        expires_s: None,
        invitation_s: None,
    }
}

async fn secret(client: &Client, token: TokenRequest) -> String {
    client.add_token(token).await.expect("a token is made").secret
}

/// The error of what was to fail.
#[track_caller]
fn refused<T>(result: Result<T, ClientError>) -> ErrorReply {
    match result {
        Ok(_) => panic!("it was not refused"),
        Err(ClientError::Reply(error)) => error,
        Err(error) => panic!("it failed otherwise: {error}"),
    }
}

#[track_caller]
fn forbidden<T>(result: Result<T, ClientError>) -> String {
    let error = refused(result);
    assert_eq!(error.kind, ErrorKind::Forbidden, "{error}");
    error.message
}

/// What a stream says first.
async fn first(connector: Connector, camera: &str) -> Result<StreamEvent, ClientError> {
    connector.stream(native(camera)).await?.next().await
}

/// Reads a stream to its end, and gives the reason for that.
async fn end_of(stream: &mut FrameStream) -> ErrorReply {
    loop {
        match stream.next().await {
            Ok(StreamEvent::Started(_) | StreamEvent::Frame(_)) => {}
            Ok(other) => panic!("{other:?}"),
            Err(ClientError::Reply(error)) => return error,
            Err(error) => panic!("it ended otherwise: {error}"),
        }
    }
}

async fn next(events: &mut EventStream) -> Event {
    let event = tokio::time::timeout(LONG, events.next()).await.expect("an event");
    event.expect("it is read").expect("one more").event
}

fn native(camera: &str) -> StreamRequest {
    // Through shared memory: a frame that comes inline may be cut short by the end, which then tells
    // no reason.
    StreamRequest::native(camera.into())
}

fn picture(name: &str) -> PublishRequest {
    let (size, rate) = (Size::new(16, 16), FrameRate::new(30, 1));
    let mode = Mode { format: PixelFormat::Rgb, size, rate };
    PublishRequest { name: name.to_owned(), mode, colour: None }
}
