//! Connections with the role `control`: requests in, replies out, in any order.

mod remote;
mod requests;

use std::{sync::Arc, time::Duration};

use protocol::{
    ErrorKind, ErrorReply, Reply, ReplyMessage, Request, RequestMessage,
    transport::{Reader, TransportError, Writer},
    wire::{self, MAX_REQUEST},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
};

use super::{Server, clients::Connected, grants, handshake::Session};

/// Most requests in flight on a connection; beyond, the service stops reading.
const IN_FLIGHT: usize = 64;
/// Longest deadline that a request may name.
const LONGEST: Duration = Duration::from_secs(300);

/// A reply on its way out.
struct Outgoing {
    reply: ReplyMessage,
    /// The place of its request among those in flight.
    place: OwnedSemaphorePermit,
    /// Whether the service stops once it is written.
    stops: bool,
}

/// Serves requests until the client closes or breaks the protocol.
pub(super) async fn serve(server: Arc<Server>, session: Session) -> Result<(), TransportError> {
    let Session { reader, mut writer, listed, .. } = session;
    let connected = listed.connected.clone();
    // Every reply has the place of its request: the queue is never full.
    let (replies, outgoing) = mpsc::channel(IN_FLIGHT);
    let kick = connected.kick.clone();
    // What a bridge has said of itself holds for as long as this connection.
    let _said = Said { server: &server, connected: &connected };
    let ended = tokio::select! {
        ended = read(server.clone(), connected.clone(), reader, replies) => ended,
        ended = write(&server, &mut writer, outgoing) => return ended,
        () = kick.cancelled() => Ok(()),
    };
    let why = match &ended {
        Ok(()) if kick.is_cancelled() => connected.caller.why_ended(&server),
        Ok(()) => return Ok(()),
        Err(TransportError::Wire(error)) => ErrorReply::new(ErrorKind::Protocol, error.to_string()),
        Err(_) => return ended,
    };
    // Id 0 concerns the connection. A client that does not read is not waited for.
    let last = ReplyMessage { id: 0, result: Err(why) };
    let _ = tokio::time::timeout(Duration::from_millis(100), writer.message(&last)).await;
    ended
}

/// A connection may say things that hold while it lasts.
struct Said<'a> {
    server: &'a Server,
    connected: &'a Connected,
}

impl Drop for Said<'_> {
    fn drop(&mut self) {
        self.server.bridge.left(self.connected.id);
    }
}

async fn read(
    server: Arc<Server>,
    connected: Arc<Connected>,
    mut reader: Reader,
    replies: mpsc::Sender<Outgoing>,
) -> Result<(), TransportError> {
    let places = Arc::new(Semaphore::new(IN_FLIGHT));
    // Dropped with the connection, and with it what has not begun.
    let mut running = JoinSet::new();
    loop {
        while running.try_join_next().is_some() {}
        let Ok(place) = places.clone().acquire_owned().await else { return Ok(()) };
        let Some(message) = reader.message::<RequestMessage>(MAX_REQUEST).await? else {
            return Ok(());
        };
        let (server, connected) = (server.clone(), connected.clone());
        let replies = replies.clone();
        running.spawn(async move {
            let is_shutdown = matches!(message.request, Request::Shutdown);
            let reply = answer(&server, &connected, message).await;
            let stops = is_shutdown && reply.result.is_ok();
            // The writer may have gone with the connection.
            let _ = replies.send(Outgoing { reply, place, stops }).await;
        });
    }
}

async fn answer(
    server: &Arc<Server>,
    connected: &Arc<Connected>,
    message: RequestMessage,
) -> ReplyMessage {
    let RequestMessage { id, deadline_ms, mut request } = message;
    if id == 0 {
        let error = ErrorReply::new(ErrorKind::Invalid, "no request may have the id 0");
        return ReplyMessage { id, result: Err(error) };
    }
    let caller = &connected.caller;
    if let Err(error) = grants::check(&server.registry, caller, &mut request) {
        return ReplyMessage { id, result: Err(error) };
    }
    let usual = server.config.borrow().timeouts.request;
    let deadline = deadline_ms.map_or(usual, |ms| Duration::from_millis(ms.into())).min(LONGEST);
    // In a box: what a request needs is much more than what a connection should cost.
    let handled = Box::pin(requests::handle(server, connected, request));
    let result = tokio::time::timeout(deadline, handled).await.unwrap_or_else(|_| {
        let message = format!("not done within {} ms", deadline.as_millis());
        Err(ErrorReply::new(ErrorKind::Timeout, message))
    });
    ReplyMessage { id, result: result.map(|reply| grants::narrow(caller, connected, reply)) }
}

async fn write(
    server: &Server,
    writer: &mut Writer,
    mut outgoing: mpsc::Receiver<Outgoing>,
) -> Result<(), TransportError> {
    while let Some(Outgoing { reply, place, stops }) = outgoing.recv().await {
        let id = reply.id;
        let bytes = match wire::encode(&reply) {
            Ok(bytes) => bytes,
            Err(_) => wire::encode(&too_long(id))?,
        };
        let written = writer.raw(&bytes).await;
        if stops {
            server.stop.cancel();
        }
        written?;
        drop(place);
    }
    Ok(())
}

fn too_long(id: u64) -> ReplyMessage {
    let error = ErrorReply::new(ErrorKind::Limit, "the reply would be longer than 1 MiB");
    ReplyMessage { id, result: Err::<Reply, _>(error) }
}
