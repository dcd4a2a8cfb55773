//! Connections with the role `events`.

use std::{io, sync::Arc, time::Duration};

use protocol::{
    Event, State,
    transport::{TransportError, Writer},
};
use tokio::sync::broadcast::error::RecvError;

use super::{Server, grants, handshake::Session};
use crate::events::encode;

/// How long an event, or the state at the beginning, may take to be written. A reader that has
/// stopped altogether is not kept, nor what is kept open for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tells the full state, then every change, until the reader goes or falls behind.
pub(super) async fn serve(server: Arc<Server>, session: Session) -> Result<(), TransportError> {
    let Session { minor, mut reader, mut writer, listed, .. } = session;
    let connected = &*listed.connected;
    // From before the state is taken: a change in between is told twice rather than never.
    let mut changes = server.hub.subscribe();
    let _readers = Reading::new(&server);
    let state = State {
        cameras: server.registry.summaries(),
        clients: server.clients.summaries(),
        privacy_off: server.privacy.is_off(),
    };
    let state = grants::narrow_state(&connected.caller, connected, state);
    let kick = connected.kick.clone();
    let telling = async {
        write(&mut writer, &encode(Event::State(state))?).await?;
        loop {
            match changes.recv().await {
                Ok(told) => {
                    let is_for_it = told.minor <= minor
                        && grants::admits(&connected.caller, connected, &told.subject);
                    if !is_for_it {
                        continue;
                    }
                    write(&mut writer, &told.bytes).await?;
                }
                Err(RecvError::Lagged(_)) => {
                    return write(&mut writer, &encode(Event::Lagged)?).await;
                }
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    };
    let ended = tokio::select! {
        ended = telling => return ended,
        ended = reader.message::<protocol::StreamCommand>(0) => ended,
        () = kick.cancelled() => {
            let event = if server.stop.is_cancelled() {
                Event::Stopping
            } else {
                Event::Ended(connected.caller.why_ended(&server))
            };
            let last = encode(event)?;
            // A reader that does not read is not waited for.
            let last = tokio::time::timeout(Duration::from_millis(100), writer.raw(&last));
            return last.await.unwrap_or(Ok(()));
        }
    };
    // An event reader has nothing to say: that it closes is all that is waited for.
    ended.map(drop)
}

async fn write(writer: &mut Writer, event: &[u8]) -> Result<(), TransportError> {
    let written = tokio::time::timeout(PATIENCE, writer.raw(event)).await;
    written.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

/// Counts as an event reader for the cameras' control threads.
struct Reading<'a>(&'a Server);

impl<'a> Reading<'a> {
    fn new(server: &'a Server) -> Self {
        server.registry.readers_changed();
        Self(server)
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        let registry = self.0.registry.clone();
        // After the receiver, which is dropped later than this.
        self.0.tasks.spawn(async move { registry.readers_changed() });
    }
}
