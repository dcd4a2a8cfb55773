//! Logging in: what a request shows, and slowing down who guesses.
//!
//! Tokens are verified by the service alone. Here failures are counted by address: each costs
//! its sender the same time, whatever was wrong, and after a few more are turned away unseen
//! for a while. Tokens that were right before are let through all the same, so that somebody who
//! guesses from the same address (another user of this machine, another behind the same router)
//! shuts nobody out.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// A failed log-in is answered after this time.
pub(super) const SLOWED: Duration = Duration::from_millis(300);
/// Failures in a row that are looked at; …
const BURST: f64 = 10.0;
/// … after these, one each so many seconds.
const REFILL: f64 = 3.0;
/// Addresses that are remembered. Whoever has more of them drives out only the calmest.
const ADDRESSES: usize = 4096;
/// Tokens that are remembered as right; the one used least recently makes room.
const TOKENS: usize = 256;
/// Between two lines in the log about one address.
const LOG_AGAIN: Duration = Duration::from_secs(10);

/// Failures of all addresses.
#[derive(Default)]
pub(super) struct Logins(Mutex<State>);

#[derive(Default)]
struct State {
    addresses: HashMap<IpAddr, Failures>,
    right: VecDeque<[u8; 32]>,
}

struct Failures {
    /// Of `BURST`, as of `at`.
    count: f64,
    at: Instant,
    logged: Option<Instant>,
    unlogged: u32,
}

impl Failures {
    fn now(&self, now: Instant) -> f64 {
        let calmed = now.duration_since(self.at).as_secs_f64() / REFILL;
        (self.count - calmed).max(0.0)
    }
}

/// Too many failures: to be tried again after this time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Throttled(pub(super) Duration);

impl Logins {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether `secret`, shown by `remote`, is to be looked at.
    pub(super) fn admit(&self, secret: &str, remote: IpAddr) -> Result<(), Throttled> {
        let now = Instant::now();
        let state = self.state();
        let count = state.addresses.get(&group(remote)).map_or(0.0, |failures| failures.now(now));
        // The count sinks all the time: room for one more is asked for, not a number.
        if count <= BURST - 1.0 || state.is_right(&digest(secret)) {
            return Ok(());
        }
        Err(Throttled(Duration::from_secs_f64((count - BURST + 1.0) * REFILL)))
    }

    /// `secret` was right.
    pub(super) fn succeeded(&self, secret: &str) {
        let digest = digest(secret);
        let mut state = self.state();
        state.right.retain(|right| !bool::from(right.ct_eq(&digest)));
        state.right.push_front(digest);
        state.right.truncate(TOKENS);
    }

    /// `secret`, shown by `remote`, was wrong. Logged, the secret apart.
    pub(super) fn failed(&self, secret: &str, remote: IpAddr) {
        let (now, digest) = (Instant::now(), digest(secret));
        let mut state = self.state();
        // It was right before, and has been revoked: no guess.
        let revoked = state.is_right(&digest);
        state.right.retain(|right| !bool::from(right.ct_eq(&digest)));
        if revoked {
            tracing::info!(%remote, "a log-in failed: the token is not valid any more");
            return;
        }
        state.make_room(now);
        let none = Failures { count: 0.0, at: now, logged: None, unlogged: 0 };
        let failures = state.addresses.entry(group(remote)).or_insert(none);
        failures.count = (failures.now(now) + 1.0).min(2.0 * BURST);
        failures.at = now;
        match failures.logged {
            Some(logged) if now.duration_since(logged) < LOG_AGAIN => failures.unlogged += 1,
            _ => {
                let more = std::mem::take(&mut failures.unlogged);
                failures.logged = Some(now);
                tracing::warn!(%remote, more, "a log-in failed: no such token");
            }
        }
    }
}

impl State {
    fn is_right(&self, digest: &[u8; 32]) -> bool {
        // All are compared, so that time tells nothing.
        self.right.iter().fold(false, |found, right| found | bool::from(right.ct_eq(digest)))
    }

    fn make_room(&mut self, now: Instant) {
        if self.addresses.len() < ADDRESSES {
            return;
        }
        self.addresses.retain(|_, failures| failures.now(now) > 0.0);
        if self.addresses.len() < ADDRESSES {
            return;
        }
        let calmest = self.addresses.iter().min_by(|a, b| a.1.now(now).total_cmp(&b.1.now(now)));
        if let Some(address) = calmest.map(|(address, _)| *address) {
            self.addresses.remove(&address);
        }
    }
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// Whoever has one IPv6 address has all of its network.
pub(super) fn group(remote: IpAddr) -> IpAddr {
    match remote.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    #[test]
    fn who_guesses_is_slowed_and_who_knows_is_not() {
        let logins = Logins::default();
        logins.succeeded("right");
        for guess in 0..10 {
            assert_eq!(logins.admit("guess", HERE), Ok(()), "{guess}");
            logins.failed("guess", HERE);
        }
        let Err(Throttled(wait)) = logins.admit("guess", HERE) else { panic!("not slowed") };
        assert!(wait <= Duration::from_secs(3), "{wait:?}");
        assert_eq!(logins.admit("right", HERE), Ok(()));
        assert_eq!(logins.admit("guess", THERE), Ok(()));
        logins.failed("right", HERE);
        assert!(logins.admit("right", HERE).is_err(), "it was revoked");
    }

    #[test]
    fn many_addresses_do_not_grow_it() {
        let logins = Logins::default();
        for guess in 0..20 {
            logins.failed(&guess.to_string(), HERE);
        }
        for address in 0..3 * ADDRESSES as u32 {
            logins.failed("guess", IpAddr::from(address.to_be_bytes()));
        }
        assert!(logins.state().addresses.len() <= ADDRESSES);
        assert!(logins.admit("guess", HERE).is_err(), "the worst one is still known");
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let of = |text: &str| group(text.parse().expect("an address"));
        assert_eq!(of("2001:db8:1:2::3"), of("2001:db8:1:2:ffff::"));
        assert_ne!(of("2001:db8:1:2::3"), of("2001:db8:1:3::3"));
        assert_eq!(of("::ffff:10.0.0.1"), HERE);
    }
}
