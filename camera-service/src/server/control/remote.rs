//! Requests about remote users, and those of the bridge on their behalf.

use std::{sync::Arc, time::Duration};

use protocol::{CameraId, ErrorKind, ErrorReply, Reply, TokenRequest};

use super::super::{Server, caller::Caller, clients::Connected, stream};
use crate::camera::Watch;

type Result<T = Reply> = std::result::Result<T, ErrorReply>;

/// A secret that was wrong is answered after so long: guessing is slow.
const AFTER_FAILURE: Duration = Duration::from_millis(250);

/// Makes a token. Its cameras may be named as users name them.
pub(super) async fn add_token(server: &Server, mut token: TokenRequest) -> Result {
    for camera in &mut token.cameras {
        *camera = server.registry.id_of(camera)?;
    }
    let made = server.tokens.add(token).await?;
    tracing::info!(token = made.summary.name, scopes = ?made.summary.scopes, "made");
    Ok(Reply::TokenAdded(made))
}

/// Swaps the secret of an invitation for a token.
pub(super) async fn redeem(server: &Server, secret: &str, remote: &str) -> Result {
    let remote: String = remote.chars().filter(|c| !c.is_control()).take(64).collect();
    match server.tokens.redeem(secret).await {
        Ok(made) => {
            tracing::info!(token = made.summary.name, remote, "an invitation was redeemed");
            Ok(Reply::TokenAdded(made))
        }
        Err(error) => {
            if error.kind == ErrorKind::Forbidden {
                server.shared.failed_logins.note(&remote);
                tokio::time::sleep(AFTER_FAILURE).await;
            }
            Err(error)
        }
    }
}

/// What the connection's token grants.
pub(super) fn who_am_i(connected: &Connected) -> Result {
    match &connected.caller {
        Caller::Remote(token) => Ok(Reply::Grant(token.grant())),
        Caller::Program | Caller::Bridge => Err(no_token()),
    }
}

/// The connection's user watches a camera from now on.
pub(super) fn watch(server: &Server, connected: &Arc<Connected>, camera: &CameraId) -> Result {
    let Caller::Remote(token) = &connected.caller else { return Err(no_token()) };
    let camera = server.registry.find(camera)?;
    let id = camera.id().clone();
    if server.clients.is_viewing(connected, &camera) {
        return Ok(Reply::Watching { camera: id });
    }
    let watching = camera.watch(stream::watcher(connected), Watch::Remote);
    let viewing = server.shared.watches.enter(&camera, watching);
    server.clients.view(connected, &id, viewing)?;
    stream::tell_if_new(server, connected, format!("token {}", token.name()), &camera);
    Ok(Reply::Watching { camera: id })
}

fn no_token() -> ErrorReply {
    ErrorReply::new(ErrorKind::Forbidden, "this connection has no token")
}
