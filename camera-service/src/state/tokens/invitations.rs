//! Invitations: secrets that can be swapped for a token, once and soon. They lie in memory only,
//! so none outlives the service.

use std::time::{Duration, Instant};

use protocol::{ErrorKind, ErrorReply};
use subtle::ConstantTimeEq as _;

use super::{
    layout::Wanted,
    secret::{self, Fingerprint, Purpose},
};

/// Most invitations that wait to be redeemed.
const MOST: usize = 32;
/// The longest that one waits, in seconds.
const LONGEST_S: u32 = 3600;

#[derive(Default)]
pub(super) struct Invitations(Vec<Invitation>);

struct Invitation {
    fingerprint: Fingerprint,
    until: Instant,
    wanted: Wanted,
}

impl Invitations {
    /// Takes down who is invited to what, and gives the secret for it.
    pub(super) fn add(&mut self, wanted: Wanted, seconds: u32) -> Result<String, ErrorReply> {
        let invalid = |kind, message: String| Err(ErrorReply::new(kind, message));
        if !(1..=LONGEST_S).contains(&seconds) {
            let message = format!("an invitation can wait for 1 to {LONGEST_S} seconds");
            return invalid(ErrorKind::Invalid, message);
        }
        let now = Instant::now();
        self.0.retain(|invitation| invitation.until > now);
        if self.0.len() >= MOST {
            let message = format!("{MOST} invitations wait already; they end by themselves");
            return invalid(ErrorKind::Limit, message);
        }
        let (secret, fingerprint) = secret::make(Purpose::Invitation)?;
        let until = now + Duration::from_secs(seconds.into());
        self.0.push(Invitation { fingerprint, until, wanted });
        Ok(secret)
    }

    /// What the holder of `secret` is invited to. It is spent by that.
    pub(super) fn redeem(&mut self, secret: &str) -> Option<Wanted> {
        let now = Instant::now();
        self.0.retain(|invitation| invitation.until > now);
        let shown = Fingerprint::of(secret, Purpose::Invitation)?;
        let mut found = None;
        // All are looked at, so that time tells nothing.
        for (at, invitation) in self.0.iter().enumerate() {
            if invitation.fingerprint.ct_eq(&shown).into() {
                found = Some(at);
            }
        }
        found.map(|at| self.0.swap_remove(at).wanted)
    }
}
