//! Taking connections, as many as there may be.

use std::{io, sync::Arc, time::Duration};

use protocol::{
    Preamble, Verdict,
    transport::{Connection, Listener},
};
#[cfg(unix)]
use tokio_util::sync::CancellationToken;

use super::{
    Server,
    handshake::{self, Way},
};

/// Wait before accepting goes on when the process has no descriptor left, or, on Windows, the
/// system does not make another instance of the pipe, for whatever reason.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);
/// Wait after something came through the door that is no connection.
#[cfg(unix)]
const AFTER_NONSENSE: Duration = Duration::from_millis(10);

/// Takes connections until the service stops. A connection that dawdles over its handshake
/// keeps nobody else waiting.
pub async fn accept(server: Arc<Server>, listener: Listener) {
    loop {
        let connection = tokio::select! {
            () = server.stop.cancelled() => return,
            connection = listener.accept() => connection,
        };
        match connection {
            Ok(connection) => admit(&server, connection, Way::Endpoint).await,
            Err(error) => failed(&error).await,
        }
    }
}

/// Takes the connections that come through the bridge's door, until that is closed or `stop` is
/// cancelled: then it is closed, by which the bridge knows that it is to end.
#[cfg(unix)]
pub async fn accept_through(
    server: Arc<Server>,
    door: protocol::transport::Door,
    stop: CancellationToken,
) {
    loop {
        let connection = tokio::select! {
            () = stop.cancelled() => return,
            connection = door.accept() => connection,
        };
        match connection {
            Ok(Some(connection)) => admit(&server, connection, Way::Door).await,
            Ok(None) => return,
            // Also where what came was no connection: that must not keep this thread busy.
            Err(error) => {
                failed(&error).await;
                tokio::time::sleep(AFTER_NONSENSE).await;
            }
        }
    }
}

/// A place among the connections of the bridge, if there is one. Strangers decide how many it
/// wants, so it never gets the last quarter of what there may be: this user's programs must be
/// able to turn it off.
pub(super) fn place_of_bridge(server: &Server) -> Option<Arc<()>> {
    let all = server.config.borrow().limits.connections as usize;
    let most = all - all / 4;
    (Arc::strong_count(&server.shared.bridged) <= most).then(|| server.shared.bridged.clone())
}

/// Serves a connection if there is room.
async fn admit(server: &Arc<Server>, connection: Connection, way: Way) {
    // Asked each time: the limit changes with the configuration.
    let most = server.config.borrow().limits.connections as usize;
    // Every connection has a share, counted from here on, so that half-open connections cannot
    // exceed the limit either; one share is the server's own.
    if Arc::strong_count(&server.room) > most {
        tracing::warn!("a connection was refused: there are {most}, which is the most");
        refuse(connection).await;
        return;
    }
    let bridged = place_of_bridge(server);
    if way == Way::Door && bridged.is_none() {
        tracing::warn!("a connection was refused: the bridge has as many as it gets");
        refuse(connection).await;
        return;
    }
    // Whether one at the endpoint is the bridge's is not known before it says so.
    let bridged = bridged.filter(|_| way == Way::Door);
    let (server, place) = (server.clone(), (server.room.clone(), bridged));
    server.tasks.clone().spawn(async move {
        handshake::serve(server, connection, way).await;
        drop(place);
    });
}

async fn failed(error: &io::Error) {
    tracing::warn!("a connection could not be taken: {error}");
    if is_exhausted(error) {
        tokio::time::sleep(OUT_OF_DESCRIPTORS).await;
    }
}

fn is_exhausted(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let errno = Errno::from_io_error(error);
        matches!(errno, Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM))
    }
    #[cfg(not(unix))]
    {
        let _ = error;
        true
    }
}

async fn refuse(connection: Connection) {
    let (_reader, mut writer) = connection.split();
    // A new connection has room for 16 bytes; one that has not is not waited for.
    let answer = Preamble::new(Verdict::TooManyConnections).to_bytes();
    let _ = tokio::time::timeout(Duration::from_millis(10), writer.raw(&answer)).await;
}
