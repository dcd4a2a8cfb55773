//! Tokens and the bridge as JSON.

use protocol::{BridgeStatus, NewToken, Scope, TokenSummary};
use serde::Serialize;

use crate::time::rfc3339;

/// The bridge.
#[derive(Serialize)]
pub(crate) struct BridgeJson<'a> {
    enabled: bool,
    listen: &'a str,
    running: bool,
    pid: Option<u32>,
    urls: &'a [String],
    fingerprint: Option<&'a str>,
    connections: u32,
    reason: &'a str,
}

impl<'a> From<&'a BridgeStatus> for BridgeJson<'a> {
    fn from(bridge: &'a BridgeStatus) -> Self {
        Self {
            enabled: bridge.enabled,
            listen: &bridge.listen,
            running: bridge.pid.is_some(),
            pid: bridge.pid,
            urls: &bridge.urls,
            fingerprint: bridge.fingerprint.as_deref(),
            connections: bridge.connections,
            reason: &bridge.reason,
        }
    }
}

/// A token without its secret, as in `token list`.
#[derive(Serialize)]
pub(crate) struct TokenJson<'a> {
    name: &'a str,
    scopes: Vec<&'static str>,
    cameras: Vec<&'a str>,
    since: String,
    expires: Option<String>,
    used: Option<String>,
    connections: u32,
}

impl<'a> From<&'a TokenSummary> for TokenJson<'a> {
    fn from(token: &'a TokenSummary) -> Self {
        Self {
            name: &token.name,
            scopes: token.scopes.iter().copied().map(Scope::as_str).collect(),
            cameras: token.cameras.iter().map(|camera| camera.0.as_str()).collect(),
            since: rfc3339(token.since_unix_ns),
            expires: token.expires_unix_ns.map(rfc3339),
            used: token.used_unix_ns.map(rfc3339),
            connections: token.connections,
        }
    }
}

/// A token that was made, as in `token add`: the only time that it is told.
#[derive(Serialize)]
pub(crate) struct NewTokenJson<'a> {
    name: &'a str,
    token: &'a str,
    scopes: Vec<&'static str>,
    cameras: Vec<&'a str>,
    expires: Option<String>,
}

impl<'a> From<&'a NewToken> for NewTokenJson<'a> {
    fn from(made: &'a NewToken) -> Self {
        let TokenJson { name, scopes, cameras, expires, .. } = (&made.summary).into();
        Self { name, token: &made.secret, scopes, cameras, expires }
    }
}
