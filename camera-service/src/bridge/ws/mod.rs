//! `camera.v1.json`: everything over one WebSocket.
//!
//! The handshake is tungstenite's, and so is what comes in and every small message that goes
//! out. Frames go past it ([`pipe`]): their bytes are shared by all viewers, and are written from
//! where they lie. docs/protocol.md has the messages.

mod frames;
mod message;
mod pipe;
mod publish;
pub(super) mod requests;
mod rungs;
mod session;

use std::{net::IpAddr, sync::Arc};

use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::{
        CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
        SEC_WEBSOCKET_VERSION, UPGRADE,
    },
};
use hyper_util::rt::TokioIo;
use protocol::{ErrorKind, ErrorReply};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::{
    Bridge,
    http::{Body, empty},
    listen::Place,
    socket::Socket,
};
use pipe::Pipe;

/// The subprotocol.
const PROTOCOL: &str = "camera.v1.json";

/// Answers a request to become a WebSocket, and serves it from then on.
pub(super) fn upgrade(
    bridge: Arc<Bridge>,
    mut request: Request<Incoming>,
    remote: IpAddr,
    place: Arc<Place>,
) -> Result<Response<Body>, (StatusCode, ErrorReply)> {
    let wrong = |message: &str| {
        Err((StatusCode::BAD_REQUEST, ErrorReply::new(ErrorKind::Invalid, message)))
    };
    let headers = request.headers();
    let lists = |name, wanted: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.split(',').any(|item| item.trim().eq_ignore_ascii_case(wanted)))
    };
    if !lists(CONNECTION, "upgrade") || !lists(UPGRADE, "websocket") {
        return wrong("this address is for WebSockets");
    }
    if !lists(SEC_WEBSOCKET_VERSION, "13") {
        return wrong("only version 13 of the WebSocket protocol is spoken");
    }
    if !lists(SEC_WEBSOCKET_PROTOCOL, PROTOCOL) {
        return wrong("only the subprotocol camera.v1.json is spoken; ask for it");
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).and_then(|key| key.to_str().ok());
    let Some(key) = key.filter(|key| key.len() == 24) else {
        return wrong("the request lacks Sec-WebSocket-Key");
    };
    let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) else {
        return wrong("Sec-WebSocket-Key makes no sense");
    };
    let upgrade = hyper::upgrade::on(&mut request);
    let tasks = bridge.tasks.clone();
    tasks.spawn(async move {
        let upgraded = match upgrade.await {
            Ok(upgraded) => upgraded,
            Err(error) => return tracing::debug!(%remote, "no WebSocket: {error}"),
        };
        // It is what the connection was made of.
        let Ok(parts) = upgraded.downcast::<TokioIo<Socket>>() else { return };
        let pipe = Pipe::new(parts.io.into_inner(), &parts.read_buf);
        session::serve(bridge, pipe, remote).await;
        drop(place);
    });
    let mut response = empty(StatusCode::SWITCHING_PROTOCOLS);
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
    Ok(response)
}
