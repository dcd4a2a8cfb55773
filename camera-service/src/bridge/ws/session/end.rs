//! Why a session ends, and what is said then.

use protocol::{ErrorKind, ErrorReply};

use crate::bridge::ws::pipe::PipeError;

/// Codes with which connections are closed.
pub(super) mod code {
    pub(in crate::bridge::ws::session) const GOING_AWAY: u16 = 1001;
    pub(in crate::bridge::ws::session) const BAD_MESSAGE: u16 = 4000;
    pub(in crate::bridge::ws::session) const NOT_LOGGED_IN: u16 = 4001;
    pub(in crate::bridge::ws::session) const TOO_SLOW: u16 = 4002;
    pub(in crate::bridge::ws::session) const REVOKED: u16 = 4003;
}

/// Why a session ends.
pub(super) enum End {
    /// The viewer has gone.
    Gone,
    /// This is said, and the connection closed with this code.
    Say(u16, ErrorReply),
}

impl From<PipeError> for End {
    fn from(error: PipeError) -> Self {
        match error {
            PipeError::Wrong(message) => bad(message),
            PipeError::TooSlow => {
                let message = "too much was asked for and not read";
                Self::Say(code::TOO_SLOW, ErrorReply::new(ErrorKind::Limit, message))
            }
            PipeError::Io(_) | PipeError::Closed => Self::Gone,
        }
    }
}

/// What breaks the protocol.
pub(super) fn bad(message: impl Into<String>) -> End {
    End::Say(code::BAD_MESSAGE, ErrorReply::new(ErrorKind::Protocol, message))
}

/// Who takes no events is told none any more.
pub(super) fn behind() -> End {
    let message = "more has happened than was read; connect again for the state as it is now";
    End::Say(code::TOO_SLOW, ErrorReply::new(ErrorKind::Limit, message))
}

/// What the end of the service's connection means.
pub(super) fn ended(reason: Option<ErrorReply>) -> End {
    match reason {
        Some(reason) if reason.kind != ErrorKind::Stopping => End::Say(code::REVOKED, reason),
        reason => End::Say(code::GOING_AWAY, crate::bridge::http::gone(reason)),
    }
}
