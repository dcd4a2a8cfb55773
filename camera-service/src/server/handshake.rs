//! The handshake, and handing the connection to its role.

use std::sync::Arc;

use protocol::{
    ErrorKind, ErrorReply, Hello, Preamble, PreambleError, Role, Verdict, Welcome,
    transport::{Connection, Peer, Reader, TransportError, Writer},
    wire::MAX_HELLO,
};

use super::{
    Server,
    clients::{Listed, Newcomer},
    control, events, publish, stream, title,
};

/// A connection that has shaken hands.
pub(super) struct Session {
    pub(super) reader: Reader,
    pub(super) writer: Writer,
    pub(super) listed: Listed,
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
    Refused(&'static str),
}

/// Serves a connection until it ends.
pub(super) async fn serve(server: Arc<Server>, connection: Connection) {
    let limit = server.config.borrow().timeouts.handshake;
    let session = tokio::select! {
        () = server.stop.cancelled() => return,
        session = tokio::time::timeout(limit, shake_hands(&server, connection)) => session,
    };
    let session = match session {
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

async fn shake_hands(server: &Server, connection: Connection) -> Result<Session, HandshakeError> {
    let peer = connection.peer().map_err(TransportError::from)?;
    let (mut reader, mut writer) = connection.split();
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
        Ok(Some(Hello::Client(hello) | Hello::Bridged(hello))) => hello,
        Ok(None) => return Err(HandshakeError::Closed),
        Err(error) => {
            let reply = ErrorReply::new(ErrorKind::Protocol, error.to_string());
            writer.message(&Welcome::Refused(reply)).await?;
            return Err(error.into());
        }
    };
    if hello.name.is_empty() || hello.name.len() > 128 || hello.name.chars().any(char::is_control) {
        const WHY: &str = "a client's name has 1 to 128 bytes and no control characters";
        let reply = ErrorReply::new(ErrorKind::Invalid, WHY);
        writer.message(&Welcome::Refused(reply)).await?;
        return Err(HandshakeError::Refused(WHY));
    }
    let Peer { pid, .. } = peer;
    let newcomer = Newcomer {
        name: hello.name,
        pid,
        program: title::program(pid),
        // Tokens and remote addresses mean something on bridged connections only.
        remote: None,
        role: preamble.what,
    };
    let listed = server.clients.add(newcomer, server.stop.child_token());
    let welcome = Welcome::Accepted {
        connection: listed.connected.id,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
    };
    writer.message(&welcome).await?;
    Ok(Session { reader, writer, listed })
}
