//! On whose behalf a connection speaks.

use std::sync::Arc;

use protocol::{ErrorKind, ErrorReply, Role, Scope};
use tokio_util::sync::CancellationToken;

use super::Server;
use crate::state::Token;

/// Who asks.
#[derive(Clone)]
pub(super) enum Caller {
    /// A program of this user: may do everything.
    Program,
    /// The bridge itself.
    Bridge,
    /// A remote user, who may do what the token grants.
    Remote(Arc<Token>),
}

impl Caller {
    /// What ends the caller's connections: the end of the token, of the service at the latest.
    pub(super) fn kick(&self, server: &Server) -> CancellationToken {
        match self {
            Self::Program | Self::Bridge => server.stop.child_token(),
            Self::Remote(token) => token.ended().child_token(),
        }
    }

    /// Why a connection that was ended from this side was.
    pub(super) fn why_ended(&self, server: &Server) -> ErrorReply {
        if server.stop.is_cancelled() {
            return ErrorReply::new(ErrorKind::Stopping, "camera-service is stopping");
        }
        match self {
            Self::Remote(token) if token.check().is_err() => {
                token.check().err().unwrap_or_else(disconnected)
            }
            _ => disconnected(),
        }
    }

    /// Whether the caller may have a connection for this. Which cameras, its role asks.
    pub(super) fn may_be(&self, role: Role) -> Result<(), ErrorReply> {
        let why = match (self, role) {
            (Self::Program, _)
            | (Self::Bridge | Self::Remote(_), Role::Control)
            | (Self::Bridge, Role::Stream) => return Ok(()),
            (Self::Bridge, Role::Events | Role::Publish) => {
                "without a token the bridge has connections for requests and streams only"
            }
            (Self::Remote(_), Role::Stream) => {
                "with a token a camera is watched by a request; its frames the bridge fetches"
            }
            (Self::Remote(token), Role::Events) => return needs(token, Scope::Watch),
            (Self::Remote(token), Role::Publish) => return needs(token, Scope::Publish),
        };
        Err(ErrorReply::new(ErrorKind::Forbidden, why))
    }
}

fn disconnected() -> ErrorReply {
    ErrorReply::new(ErrorKind::Forbidden, "disconnected by the user")
}

/// Fails unless `token` grants `scope`.
pub(super) fn needs(token: &Token, scope: Scope) -> Result<(), ErrorReply> {
    if token.has(scope) {
        return Ok(());
    }
    let message = format!("the token {} does not grant {scope}", token.name());
    Err(ErrorReply::new(ErrorKind::Forbidden, message))
}
