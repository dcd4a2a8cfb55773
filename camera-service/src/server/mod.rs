//! Connections: who may connect, and what each role says. One task for each connection, all on
//! the I/O thread; none of them blocks or computes.

mod accept;
mod clients;
mod control;
mod events;
mod handshake;
mod publish;
mod reload;
mod stream;
mod title;

use std::sync::Arc;

use protocol::endpoint::Endpoint;
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use accept::accept;
pub use clients::Clients;
pub use reload::{ConfigSource, reload};

use crate::{
    config::Config,
    events::Hub,
    registry::Registry,
    state::{Privacy, Programs},
};

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
    /// The tasks of connections.
    pub tasks: TaskTracker,
    /// Ends everything.
    pub stop: CancellationToken,
}
