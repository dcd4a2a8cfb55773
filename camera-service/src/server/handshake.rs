//! The handshake, and handing the connection to its role.

use std::{net::IpAddr, sync::Arc, time::Duration};

use protocol::{
    ClientHello, ErrorKind, ErrorReply, Hello, MINOR, Preamble, PreambleError, Role, Verdict,
    Welcome,
    transport::{Connection, Peer, Reader, TransportError, Writer},
    wire::MAX_HELLO,
};

use super::{
    Server, accept,
    caller::Caller,
    clients::{Listed, Newcomer},
    control, events, publish, stream, title,
};
use crate::state::Token;

/// A log-in that failed is answered after so long: guessing is slow.
const AFTER_FAILURE: Duration = Duration::from_millis(250);
/// Most bytes of the address of a remote user.
const LONGEST_ADDRESS: usize = 64;

/// How a connection came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// At the endpoint, where programs of this user connect.
    Endpoint,
    /// Through the bridge's door: bridged, whatever it says.
    Door,
}

/// A connection that has shaken hands.
pub(super) struct Session {
    /// The minor version that both sides speak.
    pub(super) minor: u16,
    pub(super) reader: Reader,
    pub(super) writer: Writer,
    pub(super) listed: Listed,
    /// Its place among the bridge's connections, where it has become one at the endpoint.
    bridged: Option<Arc<()>>,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
enum HandshakeError {
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error(transparent)]
    Preamble(#[from] PreambleError),
    #[error("it belongs to another user (process {0})")]
    OtherUser(u32),
    #[error("it closed the connection")]
    Closed,
    #[error("{0}")]
    Refused(ErrorReply),
}

/// Serves a connection until it ends.
pub(super) async fn serve(server: Arc<Server>, connection: Connection, way: Way) {
    tokio::select! {
        () = server.stop.cancelled() => return,
        () = server.registry.first_look() => {}
    }
    let limit = server.config.borrow().timeouts.handshake;
    let session = tokio::select! {
        () = server.stop.cancelled() => return,
        session = tokio::time::timeout(limit, shake_hands(&server, connection, way)) => session,
    };
    let mut session = match session {
        Ok(Ok(session)) => session,
        Ok(Err(error)) => {
            tracing::info!("a connection was not accepted: {error}");
            return;
        }
        Err(_) => {
            tracing::info!("a connection was closed: it did not say who it is in {limit:?}");
            return;
        }
    };
    let connected = session.listed.connected.clone();
    // For as long as it lasts.
    let _bridged = session.bridged.take();
    let (id, name) = (connected.id, connected.name.clone());
    tracing::debug!(%id, name, pid = connected.pid, role = %connected.role, "connected");
    let ended = match connected.role {
        Role::Control => control::serve(server, session).await,
        Role::Events => events::serve(server, session).await,
        Role::Stream => stream::serve(server, session).await,
        Role::Publish => publish::serve(server, session).await,
    };
    match ended {
        Ok(()) => tracing::debug!(%id, name, "disconnected"),
        // A client that leaves while something is on its way to it.
        Err(TransportError::Io(error)) => tracing::debug!(%id, name, "disconnected: {error}"),
        Err(error) => tracing::info!(%id, name, "connection closed: {error}"),
    }
}

async fn shake_hands(
    server: &Server,
    connection: Connection,
    way: Way,
) -> Result<Session, HandshakeError> {
    let peer = connection.peer().map_err(TransportError::from)?;
    let (mut reader, mut writer) = connection.split();
    reader.take_no_objects();
    let answer = |verdict: Verdict| Preamble::new(verdict).to_bytes();
    if !peer.same_user {
        writer.raw(&answer(Verdict::NotPermitted)).await?;
        return Err(HandshakeError::OtherUser(peer.pid));
    }
    let preamble = match Preamble::<Role>::from_bytes(&reader.preamble().await?) {
        Ok(preamble) => preamble,
        Err(error) => {
            let verdict = match error {
                PreambleError::Version { .. } => Verdict::VersionDiffers,
                PreambleError::Magic | PreambleError::What(_) => Verdict::NotUnderstood,
            };
            writer.raw(&answer(verdict)).await?;
            return Err(error.into());
        }
    };
    writer.raw(&answer(Verdict::Accepted)).await?;
    let hello = match reader.message(MAX_HELLO).await {
        Ok(Some(Hello::Client(hello))) => (hello, way == Way::Door),
        Ok(Some(Hello::Bridged(hello))) => (hello, true),
        Ok(None) => return Err(HandshakeError::Closed),
        Err(error) => {
            let reply = ErrorReply::new(ErrorKind::Protocol, error.to_string());
            writer.message(&Welcome::Refused(reply)).await?;
            return Err(error.into());
        }
    };
    let (hello, is_bridged) = hello;
    // Through the door it has its place already.
    let bridged = match is_bridged && way == Way::Endpoint {
        true => match accept::place_of_bridge(server) {
            Some(place) => Some(place),
            None => {
                let error = ErrorReply::new(
                    ErrorKind::Limit,
                    "the bridge has as many connections as it gets; `limits.connections` has more",
                );
                writer.message(&Welcome::Refused(error.clone())).await?;
                return Err(HandshakeError::Refused(error));
            }
        },
        false => None,
    };
    let newcomer = match introduce(server, hello, is_bridged, peer, preamble.what).await {
        Ok(newcomer) => newcomer,
        Err(error) => {
            writer.message(&Welcome::Refused(error.clone())).await?;
            return Err(HandshakeError::Refused(error));
        }
    };
    let kick = newcomer.caller.kick(server);
    let listed = server.clients.add(newcomer, kick);
    let welcome = Welcome::Accepted {
        connection: listed.connected.id,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
    };
    writer.message(&welcome).await?;
    let minor = preamble.minor.min(MINOR);
    Ok(Session { minor, reader, writer, listed, bridged })
}

/// Who it is that says `hello`, if that may connect for this.
async fn introduce(
    server: &Server,
    hello: ClientHello,
    is_bridged: bool,
    peer: Peer,
    role: Role,
) -> Result<Newcomer, ErrorReply> {
    let invalid = |message: &str| Err(ErrorReply::new(ErrorKind::Invalid, message));
    let ClientHello { name, token, remote } = hello;
    if name.is_empty() || name.len() > 128 || name.chars().any(char::is_control) {
        return invalid("a client's name has 1 to 128 bytes and no control characters");
    }
    // Tokens and remote addresses mean something on bridged connections only.
    let (token, remote) = if is_bridged { (token, remote) } else { (None, None) };
    let is_address =
        |text: &String| text.len() <= LONGEST_ADDRESS && !text.chars().any(char::is_control);
    if !remote.iter().all(is_address) {
        return invalid("an address has at most 64 bytes and no control characters");
    }
    let caller = match token {
        None if is_bridged => match &remote {
            None => Caller::Bridge,
            Some(remote) => Caller::Remote(open_watch(server, remote)?),
        },
        None => Caller::Program,
        Some(secret) => match server.tokens.log_in(&secret) {
            Ok(token) => Caller::Remote(token),
            Err(error) => {
                server.shared.failed_logins.note(remote.as_deref().unwrap_or("unknown"));
                tokio::time::sleep(AFTER_FAILURE).await;
                return Err(error);
            }
        },
    };
    caller.may_be(role)?;
    let (name, remote) = match &caller {
        Caller::Program | Caller::Bridge => (name, None),
        // By what the user of this machine called it.
        Caller::Remote(token) => {
            (token.name().to_owned(), Some(remote.unwrap_or_else(|| "unknown".to_owned())))
        }
    };
    let Peer { pid, .. } = peer;
    Ok(Newcomer { name, pid, program: title::program(pid), remote, role, caller })
}

/// What somebody at `remote` without a token may do, where the configuration lets them do
/// anything: whoever turns that off turns off the bridge through which they came.
fn open_watch(server: &Server, remote: &str) -> Result<Arc<Token>, ErrorReply> {
    let is_here =
        remote.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
    if server.config.borrow().bridge.open_watch && is_here {
        return server.tokens.open_watch();
    }
    Err(ErrorReply::new(ErrorKind::Forbidden, "a token is needed"))
}
