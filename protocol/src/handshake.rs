//! How a connection begins: 16 raw bytes each way that never change, then who the client is.

use serde::{Deserialize, Serialize};

use crate::{ConnectionId, ErrorReply};

/// The first eight bytes of every connection, in both directions.
pub const MAGIC: [u8; 8] = *b"\x89CAMSVC\n";
/// Major version of the protocol: both sides must have the same.
pub const MAJOR: u16 = 1;
/// Minor version of the protocol: the lower of both sides is spoken.
pub const MINOR: u16 = 1;

/// What a connection is for. It has one role for all its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Requests and replies.
    Control,
    /// The full state, then every change.
    Events,
    /// Frames of one camera to this client.
    Stream,
    /// Frames from this client, which thereby is a camera.
    Publish,
}

impl Role {
    /// The role as one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Events => "events",
            Self::Stream => "stream",
            Self::Publish => "publish",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// What the service thinks of a client's first 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go on with [`Hello`].
    Accepted,
    /// The major versions differ; the connection is closed.
    VersionDiffers,
    /// The service has as many connections as it takes; the connection is closed.
    TooManyConnections,
    /// The client is another user's; the connection is closed.
    NotPermitted,
    /// The first 16 bytes are none of this protocol; the connection is closed.
    NotUnderstood,
}

/// The first 16 bytes of a connection: magic (8), major (2), minor (2), role or verdict (1),
/// reserved zeros (3); numbers little-endian. Never changes, in no version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preamble<T> {
    /// Major version of the sender.
    pub major: u16,
    /// Minor version of the sender.
    pub minor: u16,
    /// The client's [`Role`]; in the answer the service's [`Verdict`].
    pub what: T,
}

/// Why 16 bytes are no preamble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PreambleError {
    /// Something else speaks there.
    #[error("what came is not the camera-service protocol")]
    Magic,
    /// The major versions differ.
    #[error(
        "the other side speaks version {theirs_major}.{theirs_minor} of the protocol, this one {MAJOR}.{MINOR}; update the older of the two"
    )]
    Version {
        /// Major version of the other side.
        theirs_major: u16,
        /// Minor version of the other side.
        theirs_minor: u16,
    },
    /// The byte for role or verdict has no meaning.
    #[error("the handshake has the unknown role or verdict {0}")]
    What(u8),
}

impl<T> Preamble<T> {
    /// This side's version with `what`.
    pub const fn new(what: T) -> Self {
        Self { major: MAJOR, minor: MINOR, what }
    }

    fn bytes(&self, what: u8) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&self.major.to_le_bytes());
        bytes[10..12].copy_from_slice(&self.minor.to_le_bytes());
        bytes[12] = what;
        bytes
    }
}

fn split(bytes: &[u8; 16]) -> Result<(u16, u16, u8), PreambleError> {
    if bytes[..8] != MAGIC {
        return Err(PreambleError::Magic);
    }
    let number = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    Ok((number(8), number(10), bytes[12]))
}

impl Preamble<Role> {
    /// The bytes a client sends first.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.bytes(match self.what {
            Role::Control => 0,
            Role::Events => 1,
            Role::Stream => 2,
            Role::Publish => 3,
        })
    }

    /// Reads a client's first bytes. Fails on another magic, major version or role.
    pub fn from_bytes(bytes: &[u8; 16]) -> Result<Self, PreambleError> {
        let (major, minor, what) = split(bytes)?;
        if major != MAJOR {
            return Err(PreambleError::Version { theirs_major: major, theirs_minor: minor });
        }
        let what = match what {
            0 => Role::Control,
            1 => Role::Events,
            2 => Role::Stream,
            3 => Role::Publish,
            other => return Err(PreambleError::What(other)),
        };
        Ok(Self { major, minor, what })
    }
}

impl Preamble<Verdict> {
    /// The bytes with which the service answers.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.bytes(match self.what {
            Verdict::Accepted => 0,
            Verdict::VersionDiffers => 1,
            Verdict::TooManyConnections => 2,
            Verdict::NotPermitted => 3,
            Verdict::NotUnderstood => 4,
        })
    }

    /// Reads the service's answer. Fails on another magic or major version.
    pub fn from_bytes(bytes: &[u8; 16]) -> Result<Self, PreambleError> {
        let (major, minor, what) = split(bytes)?;
        if major != MAJOR {
            return Err(PreambleError::Version { theirs_major: major, theirs_minor: minor });
        }
        let what = match what {
            0 => Verdict::Accepted,
            1 => Verdict::VersionDiffers,
            2 => Verdict::TooManyConnections,
            3 => Verdict::NotPermitted,
            4 => Verdict::NotUnderstood,
            other => return Err(PreambleError::What(other)),
        };
        Ok(Self { major, minor, what })
    }
}

/// The client's first message, after its preamble was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hello {
    /// Version 1.0.
    Client(ClientHello),
    /// Version 1.1: somebody who speaks for a remote user, bound by what the token grants, or by
    /// what users without one may do; without token and address, the bridge itself. Every connection through the service's own bridge is that,
    /// whatever it says.
    Bridged(ClientHello),
}

/// Who a client says it is. Process and program are not said but looked up by the service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientHello {
    /// Name shown to the user wherever clients are listed, at most 128 bytes.
    pub name: String,
    /// On bridged connections the remote user's token.
    pub token: Option<String>,
    /// On bridged connections the remote user's address.
    pub remote: Option<String>,
}

/// The service's answer to [`Hello`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Welcome {
    /// The connection may be used.
    Accepted {
        /// Id of this connection, as in lists of clients.
        connection: ConnectionId,
        /// Version of the service's program.
        version: String,
        /// Process of the service.
        pid: u32,
    },
    /// It may not; the connection is closed.
    Refused(ErrorReply),
}
