//! Remote users: the bridge, the tokens by which they log in, and what each token grants.
//!
//! All of it is since version 1.1.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{CameraId, ParseError};

/// What the holder of a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// See cameras and watch them.
    Watch,
    /// Start and stop cameras, set their controls, turn all of them off.
    Control,
    /// Be a camera.
    Publish,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 3] = [Self::Watch, Self::Control, Self::Publish];

    /// The scope as one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Watch => "watch",
            Self::Control => "control",
            Self::Publish => "publish",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = ParseError;

    /// Takes `watch`, `control` and `publish`.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let scope = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        scope.ok_or_else(|| ParseError::new(text, "a scope: watch, control or publish"))
    }
}

/// A token that is to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRequest {
    /// Its name: 1 to 64 letters, digits, `-`, `_`, `.`; unique.
    pub name: String,
    /// What it grants; at least one.
    pub scopes: Vec<Scope>,
    /// The cameras it is for, by id; none for all. A publisher's camera is `published:` and its
    /// name.
    pub cameras: Vec<CameraId>,
    /// It ends after so many seconds; `None` for never.
    pub expires_s: Option<u64>,
    /// Not a token but an invitation: its secret can be redeemed once, within so many seconds,
    /// for a token with all of the above.
    pub invitation_s: Option<u32>,
}

/// A token as it is listed: all but its secret, which nobody has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenSummary {
    /// Its name.
    pub name: String,
    /// What it grants.
    pub scopes: Vec<Scope>,
    /// The cameras it is for; none for all.
    pub cameras: Vec<CameraId>,
    /// When it was made, ns since 1970.
    pub since_unix_ns: u64,
    /// When it ends, ns since 1970.
    pub expires_unix_ns: Option<u64>,
    /// When it was last used, ns since 1970, since the service started.
    pub used_unix_ns: Option<u64>,
    /// Connections that it has now.
    pub connections: u32,
}

/// A token or invitation that was made. The only time that its secret is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewToken {
    /// What the token grants; of an invitation, what it will.
    pub summary: TokenSummary,
    /// What its holder shows to log in, or to redeem it.
    pub secret: String,
}

/// What the token of a bridged connection grants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Name of the token.
    pub name: String,
    /// What it grants.
    pub scopes: Vec<Scope>,
    /// The cameras it is for; none for all.
    pub cameras: Vec<CameraId>,
    /// When it ends, ns since 1970.
    pub expires_unix_ns: Option<u64>,
}

/// How the bridge is to run. What is left open stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeWish {
    /// Whether it is to run.
    pub enabled: Option<bool>,
    /// Where it is to listen: an address and a port, as in `127.0.0.1:8088`, `[::]:8443`.
    pub listen: Option<String>,
}

/// The bridge as it is now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeStatus {
    /// Whether the service keeps it running.
    pub enabled: bool,
    /// Where it is to listen.
    pub listen: String,
    /// Its process, while it runs.
    pub pid: Option<u32>,
    /// Where it can be reached, once it listens; the address that other devices reach first.
    pub urls: Vec<String>,
    /// SHA-256 of its certificate, as pairs of hexadecimal digits with colons; `None` without TLS.
    pub fingerprint: Option<String>,
    /// Connections of remote users.
    pub connections: u32,
    /// Why it does not listen although it is to; else empty.
    pub reason: String,
}

/// What a bridge tells the service once it listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BridgeListening {
    /// Where it can be reached.
    pub urls: Vec<String>,
    /// SHA-256 of its certificate.
    pub fingerprint: Option<String>,
}
