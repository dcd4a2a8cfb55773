//! One token: what it grants, who uses it, and that it has ended.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU32, AtomicU64, Ordering},
};

use protocol::{CameraId, ErrorKind, ErrorReply, Grant, Scope, TokenSummary};
use tokio_util::sync::CancellationToken;

use super::layout::Kept;
use crate::clock;

/// A token. What it grants never changes.
pub struct Token {
    pub(super) kept: Kept,
    /// ns since 1970; 0 where it was not used since the service started.
    used_unix_ns: AtomicU64,
    connections: AtomicU32,
    ended: CancellationToken,
    /// Why it has ended. Set before `ended` is.
    why: OnceLock<ErrorReply>,
}

impl Token {
    pub(super) fn new(kept: Kept, stop: &CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            kept,
            used_unix_ns: AtomicU64::new(0),
            connections: AtomicU32::new(0),
            ended: stop.child_token(),
            why: OnceLock::new(),
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.kept.name
    }

    /// Whether it grants `scope`.
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        self.kept.scopes.contains(&scope)
    }

    /// Whether it is for some cameras only.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        !self.kept.cameras.is_empty()
    }

    /// Whether it is for `camera`, an id.
    #[must_use]
    pub fn is_for(&self, camera: &CameraId) -> bool {
        !self.is_limited() || self.kept.cameras.contains(camera)
    }

    /// What it grants.
    #[must_use]
    pub fn grant(&self) -> Grant {
        let Kept { name, scopes, cameras, expires_unix_ns, .. } = self.kept.clone();
        let (scopes, cameras) = (Vec::from_iter(scopes), Vec::from_iter(cameras));
        Grant { name, scopes, cameras, expires_unix_ns }
    }

    /// What is told of it in lists.
    #[must_use]
    pub fn summary(&self) -> TokenSummary {
        let Grant { name, scopes, cameras, expires_unix_ns } = self.grant();
        let used = self.used_unix_ns.load(Ordering::Relaxed);
        TokenSummary {
            name,
            scopes,
            cameras,
            since_unix_ns: self.kept.since_unix_ns,
            expires_unix_ns,
            used_unix_ns: (used > 0).then_some(used),
            connections: self.connections.load(Ordering::Relaxed),
        }
    }

    /// Whether its time is over by the clock.
    pub(super) fn is_over(&self) -> bool {
        self.kept.expires_unix_ns.is_some_and(|expires| expires <= clock::unix_ns())
    }

    /// Fails where it was revoked or has expired, with the reason for its user.
    pub fn check(&self) -> Result<(), ErrorReply> {
        if self.is_over() {
            self.expire();
        }
        self.why.get().map_or(Ok(()), |why| Err(why.clone()))
    }

    /// Cancelled when it ends, and when the service stops.
    #[must_use]
    pub fn ended(&self) -> &CancellationToken {
        &self.ended
    }

    pub(super) fn expire(&self) {
        self.end(format!("the token {} has expired", self.name()));
    }

    pub(super) fn revoke(&self) {
        self.end(format!("the token {} was revoked", self.name()));
    }

    fn end(&self, why: String) {
        // The first reason stays.
        let _ = self.why.set(ErrorReply::new(ErrorKind::Forbidden, why));
        self.ended.cancel();
    }

    /// Notes that a connection uses it, until the returned value is dropped.
    #[must_use]
    pub fn enter(self: &Arc<Self>) -> InUse {
        self.used_unix_ns.store(clock::unix_ns(), Ordering::Relaxed);
        self.connections.fetch_add(1, Ordering::Relaxed);
        InUse(self.clone())
    }
}

/// A connection uses a token for as long as this lives.
pub struct InUse(Arc<Token>);

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}
