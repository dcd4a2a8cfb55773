//! Taking connections, as many as there may be.

use std::{io, sync::Arc, time::Duration};

use super::{Server, handshake};
use protocol::{
    Preamble, Verdict,
    transport::{Connection, Listener},
};

/// Wait before accepting goes on when the process has no descriptor left.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(100);

/// Takes connections until the service stops. A connection that dawdles over its handshake
/// keeps nobody else waiting.
pub async fn accept(server: Arc<Server>, listener: Listener) {
    // Every connection has a share, counted from here on, so that half-open connections cannot
    // exceed the limit either.
    let room = Arc::new(());
    loop {
        let connection = tokio::select! {
            () = server.stop.cancelled() => return,
            connection = listener.accept() => connection,
        };
        let connection = match connection {
            Ok(connection) => connection,
            Err(error) => {
                tracing::warn!("a connection could not be taken: {error}");
                if is_exhausted(&error) {
                    tokio::time::sleep(OUT_OF_DESCRIPTORS).await;
                }
                continue;
            }
        };
        // Asked each time: the limit changes with the configuration.
        let most = server.config.borrow().limits.connections as usize;
        // One share is held here.
        if Arc::strong_count(&room) > most {
            tracing::warn!("a connection was refused: there are {most}, which is the most");
            refuse(connection).await;
            continue;
        }
        let (server, place) = (server.clone(), room.clone());
        server.tasks.clone().spawn(async move {
            handshake::serve(server, connection).await;
            drop(place);
        });
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
        error.kind() == io::ErrorKind::OutOfMemory
    }
}

async fn refuse(connection: Connection) {
    let (_reader, mut writer) = connection.split();
    // A new connection has room for 16 bytes; one that has not is not waited for.
    let answer = Preamble::new(Verdict::TooManyConnections).to_bytes();
    let _ = tokio::time::timeout(Duration::from_millis(10), writer.raw(&answer)).await;
}
