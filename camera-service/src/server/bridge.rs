//! The bridge as the service knows it: how it is to run, whether it does, and where it listens.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use protocol::{
    BridgeListening, BridgeStatus, BridgeWish, ConnectionId, ErrorKind, ErrorReply, Event,
};
use tokio::sync::watch;

use super::clients::{Clients, Connected};
use crate::{
    config::{self, Config},
    events::Hub,
    state::BridgeSettings,
};

/// Most addresses that a bridge may say it has, and most bytes of each.
const MOST_URLS: usize = 64;
const LONGEST_URL: usize = 256;
/// SHA-256 as pairs of digits with colons.
const FINGERPRINT: usize = 32 * 3 - 1;

/// How the bridge is to run, and how it does.
pub struct Bridge {
    settings: Arc<BridgeSettings>,
    config: watch::Receiver<Arc<Config>>,
    clients: Clients,
    hub: Hub,
    live: Mutex<Live>,
    /// Counts how often it was to be tried again at once.
    rounds: watch::Sender<u64>,
}

#[derive(Default)]
struct Live {
    /// Process of the bridge that the service runs.
    supervised: Option<u32>,
    /// Why that does not run.
    reason: String,
    /// Bridges that listen, by the connections on which they said so.
    listening: BTreeMap<ConnectionId, Listening>,
    /// What was last told to event readers.
    told: Option<BridgeStatus>,
}

struct Listening {
    pid: u32,
    listening: BridgeListening,
}

impl Bridge {
    /// A bridge that does not run yet.
    pub fn new(
        settings: Arc<BridgeSettings>,
        config: watch::Receiver<Arc<Config>>,
        clients: Clients,
        hub: Hub,
    ) -> Arc<Self> {
        let (live, rounds) = (Mutex::default(), watch::Sender::default());
        Arc::new(Self { settings, config, clients, hub, live, rounds })
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it is to run, and whether (`enabled`): the configuration, and over it what the user
    /// said at run time.
    pub fn wanted(&self) -> config::Bridge {
        let BridgeWish { enabled, listen } = self.settings.now();
        let section = self.config.borrow().bridge.clone();
        // What is kept was checked when it was set or read.
        let listen = listen.and_then(|listen| listen.parse().ok());
        config::Bridge {
            enabled: enabled.unwrap_or(section.enabled),
            listen: listen.unwrap_or(section.listen),
            ..section
        }
    }

    /// What the user says of it, as it changes.
    pub fn settings(&self) -> watch::Receiver<BridgeWish> {
        self.settings.watch()
    }

    /// Changes when one that fails is to be tried again at once.
    pub fn rounds(&self) -> watch::Receiver<u64> {
        self.rounds.subscribe()
    }

    /// The bridge as it is now.
    pub fn status(&self) -> BridgeStatus {
        self.status_of(&self.live())
    }

    fn status_of(&self, live: &Live) -> BridgeStatus {
        let config::Bridge { enabled, listen, .. } = self.wanted();
        // The service's own counts more than one that was started by hand.
        let own = live.listening.values().find(|one| Some(one.pid) == live.supervised);
        let listening = own.or_else(|| live.listening.values().next_back());
        let (urls, fingerprint) = match listening {
            Some(Listening { listening, .. }) => {
                (listening.urls.clone(), listening.fingerprint.clone())
            }
            None => (Vec::new(), None),
        };
        BridgeStatus {
            enabled,
            listen: listen.to_string(),
            pid: listening.map(|one| one.pid).or(live.supervised),
            urls,
            fingerprint,
            connections: self.clients.remote_count(),
            reason: if enabled && listening.is_none() {
                live.reason.clone()
            } else {
                String::new()
            },
        }
    }

    /// Turns it on or off, or has it listen elsewhere, and keeps that. Turned on although it is
    /// on and fails, it is tried again at once.
    pub async fn set(&self, wish: BridgeWish) -> Result<BridgeStatus, ErrorReply> {
        let (before, on) = (self.wanted(), wish.enabled == Some(true));
        let set = self.settings.set(wish).await;
        self.renew(&before);
        if on && set.is_ok() {
            self.try_again();
        }
        set.map(|()| self.status())
    }

    /// To be called when how it is to run may have changed; `before` is how it was. What runs now
    /// is about to end then: neither where it listens nor why not is true any more.
    pub(super) fn renew(&self, before: &config::Bridge) {
        if self.wanted() != *before {
            let mut live = self.live();
            let supervised = live.supervised;
            live.listening.retain(|_, one| Some(one.pid) != supervised);
            live.reason.clear();
        }
        self.tell();
    }

    /// Has one that fails begin anew. One that has yet to say whether it fails is left to it.
    fn try_again(&self) {
        let mut live = self.live();
        let failed = !live.reason.is_empty();
        if failed {
            live.reason.clear();
            self.rounds.send_modify(|round| *round += 1);
        }
        drop(live);
        self.tell();
    }

    /// A bridge has said where it can be reached; that holds until its connection ends.
    pub(super) fn listens(
        &self,
        connected: &Connected,
        listening: BridgeListening,
    ) -> Result<(), ErrorReply> {
        let BridgeListening { urls, fingerprint } = &listening;
        let is_url = |url: &String| url.len() <= LONGEST_URL && !url.chars().any(char::is_control);
        let is_fingerprint = |text: &String| {
            text.len() == FINGERPRINT && text.chars().all(|c| c.is_ascii_hexdigit() || c == ':')
        };
        if urls.len() > MOST_URLS
            || !urls.iter().all(is_url)
            || !fingerprint.iter().all(is_fingerprint)
        {
            let message = "these are no addresses, or no certificate's SHA-256";
            return Err(ErrorReply::new(ErrorKind::Invalid, message));
        }
        tracing::info!(pid = connected.pid, ?urls, "the bridge listens");
        let entry = Listening { pid: connected.pid, listening };
        self.live().listening.insert(connected.id, entry);
        self.tell();
        Ok(())
    }

    /// A connection of a bridge has ended.
    pub(super) fn left(&self, connection: ConnectionId) {
        if self.live().listening.remove(&connection).is_some() {
            self.tell();
        }
    }

    /// The service has started it as process `pid`.
    pub fn started(&self, pid: Option<u32>) {
        let mut live = self.live();
        live.supervised = pid;
        drop(live);
        self.tell();
    }

    /// The one that the service had started has ended, or could not be started.
    pub fn ended(&self, reason: String) {
        let mut live = self.live();
        (live.supervised, live.reason) = (None, reason);
        drop(live);
        self.tell();
    }

    /// Tells event readers where something is new. How many use it, they hear of clients.
    pub fn tell(&self) {
        let mut live = self.live();
        let status = self.status_of(&live);
        let news = BridgeStatus { connections: 0, ..status.clone() };
        if live.told.as_ref() != Some(&news) {
            live.told = Some(news);
            self.hub.send(Event::BridgeChanged(status));
        }
    }
}
