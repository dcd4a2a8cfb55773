//! Connections: who may connect, and what each role says. One task for each connection, all on
//! the I/O thread; none of them blocks or computes.

mod accept;
mod bridge;
mod caller;
mod clients;
mod control;
mod events;
mod grants;
mod handshake;
mod logins;
mod publish;
mod reload;
mod stream;
mod title;
mod watches;

use std::sync::Arc;

use protocol::endpoint::Endpoint;
use tokio::sync::{Semaphore, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use accept::accept;
#[cfg(unix)]
pub use accept::accept_through;
pub use bridge::Bridge;
pub use clients::Clients;
pub use reload::{ConfigSource, reload};

use crate::{
    config::Config,
    events::Hub,
    registry::Registry,
    state::{Privacy, Programs, Tokens},
};
use logins::FailedLogins;
use watches::Watches;

/// What every connection may need.
pub struct Server {
    /// All cameras.
    pub registry: Arc<Registry>,
    /// All connections.
    pub clients: Clients,
    /// Where events come from.
    pub hub: Hub,
    /// The configuration in force.
    pub config: watch::Sender<Arc<Config>>,
    /// Where it is read from.
    pub source: ConfigSource,
    /// Where the service listens.
    pub endpoint: Endpoint,
    /// How the service was started, for people.
    pub started_by: String,
    /// When the service started, ns since 1970.
    pub since_unix_ns: u64,
    /// Whether all cameras are turned off.
    pub privacy: Arc<Privacy>,
    /// Which programs have watched a camera.
    pub programs: Arc<Programs>,
    /// The tokens of remote users.
    pub tokens: Arc<Tokens>,
    /// How the bridge is to run, and how it does.
    pub bridge: Arc<Bridge>,
    /// Of which every connection, however it comes, has a share: they are counted by it.
    pub room: Arc<()>,
    /// What connections have in common.
    pub shared: Shared,
    /// The tasks of connections.
    pub tasks: TaskTracker,
    /// Ends everything.
    pub stop: CancellationToken,
}

/// What connections have in common and nobody else sees.
pub struct Shared {
    /// What remote users watch.
    watches: Watches,
    /// Log-ins that failed.
    failed_logins: FailedLogins,
    /// Held by whoever looks which programs have a device open.
    look_for_holders: Arc<Semaphore>,
    /// Every connection of the bridge has a share, besides that in [`Server::room`].
    bridged: Arc<()>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            watches: Watches::default(),
            failed_logins: FailedLogins::default(),
            look_for_holders: Arc::new(Semaphore::new(1)),
            bridged: Arc::default(),
        }
    }
}

#[cfg(all(test, unix))]
mod tests;
