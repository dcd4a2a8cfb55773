//! The bridge: cameras for browsers, phones and other machines, by HTTP and WebSocket.
//!
//! A client of the service with a process of its own, which can crash or be attacked without the
//! owner of the cameras noticing. It knows `protocol`'s client and nothing of the service's
//! inside. Everything runs on one thread, its tokio runtime's; what reads files or asks the
//! system for names goes to a blocking thread.
//!
//! - [`listen`] accepts, within limits, and makes a [`socket`], with [`tls`] where wished.
//! - [`gate`] looks at Host and Origin, [`login`] counts failures, [`viewer`] is who logged in.
//! - [`http`] answers requests, [`ws`] speaks `camera.v1.json`.
//! - [`confine`] takes from the process what it does not need.
//! - [`source`] has each picture once for all who watch it; [`seldom`] keeps what does not happen
//!   for every picture from being looked at for every one.
//!
//! Nothing that comes from outside is trusted with more than it shows a token for: the service
//! verifies tokens and checks every request. What waits is bounded everywhere, and what a viewer
//! does, or fails to do, costs that viewer alone.

mod assets;
#[cfg(target_os = "linux")]
pub mod confine;
mod gate;
mod http;
mod listen;
mod login;
mod metrics;
mod names;
mod seldom;
mod service;
mod socket;
mod source;
mod tls;
mod viewer;
mod ws;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use protocol::BridgeListening;
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::config;
use gate::Gate;
use login::Logins;
use metrics::Counters;
use names::{Known, Names};
use service::Service;
pub use service::Way;
use source::Sources;
use tls::Tls;

/// What to do about an address off loopback without TLS: where the bridge was started by hand, …
const USE_TLS: &str = "use --tls self (tls = \"self\" in the configuration), or --insecure to do \
                       without all the same";
/// … and where the service runs it.
const SET_TLS: &str = "run `camera-service config set bridge.tls self`";
/// How often the bridge looks whether it is still reached where it was.
const LOOK: std::time::Duration = std::time::Duration::from_secs(20);
/// How long connections have to end: less than the service, where it runs the bridge, gives that.
const END: std::time::Duration = std::time::Duration::from_millis(300);

/// How the bridge is to run.
#[derive(Debug)]
pub struct Options {
    /// As the section `[bridge]` says; `enabled` does not matter.
    pub config: config::Bridge,
    /// Whether an address off loopback may do without TLS.
    pub insecure: bool,
    /// Who may watch without a token.
    pub open_watch: OpenWatch,
    /// Whether the service runs it, so that errors say what to do there.
    pub supervised: bool,
    /// The folder in which the own certificate is kept.
    pub tls_folder: PathBuf,
    /// How the service is reached.
    pub way: Way,
}

/// Whether anybody on this machine may watch without a token. On loopback only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenWatch {
    /// Nobody.
    Off,
    /// Anybody: the service's own configuration says so, and the service lets them.
    Service,
    /// Anybody: this token stands in for those that are not shown.
    Token(String),
}

/// Why the bridge does not run.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    /// Anybody in the network could read along.
    #[error(
        "{address} can be reached from other machines, and without TLS everybody in between can \
         read tokens and pictures; {advice}"
    )]
    NeedsTls {
        /// The address.
        address: SocketAddr,
        /// What to do, where this bridge was started.
        advice: &'static str,
    },
    /// Anybody in the network could watch.
    #[error(
        "{0} can be reached from other machines: --open-watch (open_watch in the configuration) \
         is for loopback only"
    )]
    OpenWatch(SocketAddr),
    /// The address cannot be had.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A certificate cannot be used.
    #[error("cannot use {path}: {reason}")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The own certificate cannot be made or kept.
    #[error("cannot {doing} in {folder}: {source}")]
    Keep {
        /// What was tried.
        doing: &'static str,
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What all connections share.
struct Bridge {
    service: Arc<Service>,
    sources: Sources,
    gate: Gate,
    names: Arc<Known>,
    logins: Logins,
    counters: Counters,
    open_watch: OpenWatch,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Bridge {
    /// `secret`, shown by `remote`, was wrong: counted, and slow to be told.
    async fn log_in_failed(&self, secret: &str, remote: IpAddr) {
        self.logins.failed(secret, remote);
        self.counters.failed_logins.inc();
        tokio::time::sleep(login::SLOWED).await;
    }
}

/// Gives up, for this process and for good, what a bridge with these `options` does not need.
/// Says in the log how far that went. To be called before there are other threads.
#[cfg(target_os = "linux")]
pub fn confine_for(options: &Options) {
    let mut needs = confine::Needs::default();
    match &options.config.tls {
        config::Tls::Off => {}
        config::Tls::Own => {
            // A folder that is not there yet could not be named. That it cannot be made is told
            // when it is needed.
            let _ = std::fs::create_dir_all(&options.tls_folder);
            needs.write.push(options.tls_folder.clone());
        }
        config::Tls::Files { certificate, key } => {
            // Their folders: files that are renewed are replaced, and may be links.
            for file in [certificate, key] {
                let target = file.canonicalize().unwrap_or_else(|_| file.clone());
                needs.read.extend(
                    [file, &target].into_iter().filter_map(|file| file.parent().map(Into::into)),
                );
            }
        }
    }
    needs.connects = matches!(options.way, Way::Endpoint(_));
    match confine::confine(&needs) {
        Ok(confine::Confined { files: true, calls: true }) => tracing::debug!("confined"),
        Ok(confine::Confined { files, calls }) => {
            tracing::warn!(files, calls, "this kernel cannot confine the bridge in all respects");
        }
        // It runs all the same, as it would on an older kernel.
        Err(error) => tracing::warn!("not confined: {error}"),
    }
}

/// Runs the bridge until `stop` is cancelled; `ready` is told where it listens.
pub async fn run(
    options: Options,
    stop: CancellationToken,
    ready: impl FnOnce(&BridgeListening),
) -> Result<(), BridgeError> {
    let Options { config, insecure, open_watch, supervised, tls_folder, way } = options;
    let address = config.listen;
    let is_loopback = address.ip().to_canonical().is_loopback();
    if !is_loopback && config.tls == config::Tls::Off && !insecure {
        let advice = if supervised { SET_TLS } else { USE_TLS };
        return Err(BridgeError::NeedsTls { address, advice });
    }
    if !is_loopback && open_watch != OpenWatch::Off {
        return Err(BridgeError::OpenWatch(address));
    }
    let wish = config.tls.clone();
    let prepared = tokio::task::spawn_blocking(move || {
        let names = Names::read();
        Tls::load(&wish, tls_folder, &names).map(|tls| (names, tls))
    });
    let failed = |source: io::Error| BridgeError::Listen { address, source };
    let (names, tls) = prepared.await.map_err(|error| failed(error.into()))??;
    let listener = listen::bind(address).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let tls = tls.map(Arc::new);
    let listening = listening(bound, &names, tls.as_deref());
    tracing::info!(address = %bound, tls = tls.is_some(), "listening");
    ready(&listening);
    let told = watch::Sender::new(listening);
    let service = Service::connect(way, told.subscribe(), stop.clone());
    let bridge = Arc::new(Bridge {
        sources: Sources::new(service.clone()),
        service,
        gate: Gate::new(config.allowed_hosts),
        names: Arc::new(Known::new(names)),
        logins: Logins::default(),
        counters: Counters::default(),
        open_watch,
        stop: stop.clone(),
        tasks: TaskTracker::new(),
    });
    let limits = listen::Limits {
        all: config.connections as usize,
        each: config.connections_per_address as usize,
    };
    bridge.tasks.spawn(follow(bridge.clone(), bound, tls.clone(), told));
    listen::run(bridge.clone(), listener, tls, limits).await;
    bridge.tasks.close();
    // Who has not ended by then ends with the process.
    let _ = tokio::time::timeout(END, bridge.tasks.wait()).await;
    Ok(())
}

/// What the service is told.
fn listening(bound: SocketAddr, names: &Names, tls: Option<&Tls>) -> BridgeListening {
    BridgeListening {
        urls: urls(bound, names, tls.is_some()),
        fingerprint: tls.map(Tls::fingerprint),
    }
}

/// Sees to it that what the service is told stays true: a machine gets other addresses when its
/// network changes, and another certificate with them.
async fn follow(
    bridge: Arc<Bridge>,
    bound: SocketAddr,
    tls: Option<Arc<Tls>>,
    told: watch::Sender<BridgeListening>,
) {
    let looking = async {
        loop {
            tokio::time::sleep(LOOK).await;
            let names = bridge.names.now().await;
            if let Some(tls) = &tls {
                tls.acceptor(names.clone()).await;
            }
            let now = listening(bound, &names, tls.as_deref());
            told.send_if_modified(|before| {
                let has_changed = *before != now;
                *before = now;
                has_changed
            });
        }
    };
    bridge.stop.run_until_cancelled(looking).await;
}

/// Where the bridge can be reached; what other devices reach comes first.
fn urls(bound: SocketAddr, names: &Names, is_encrypted: bool) -> Vec<String> {
    let scheme = if is_encrypted { "https" } else { "http" };
    let port = bound.port();
    let url = |host: String| format!("{scheme}://{host}:{port}/");
    if !bound.ip().is_unspecified() {
        return vec![url(SocketAddr::new(bound.ip(), 0)
            .to_string()
            .trim_end_matches(":0")
            .to_owned())];
    }
    let address = names.reachable().map(|ip| SocketAddr::new(ip, 0).to_string());
    let address = address.map(|text| text.trim_end_matches(":0").to_owned());
    let local = names.hosts.iter().find(|host| host.ends_with(".local")).cloned();
    address.into_iter().chain(local).chain(["localhost".to_owned()]).map(url).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_that_others_can_use() {
        let mut names = Names::default();
        names.hosts.extend(["desk".to_owned(), "desk.local".to_owned(), "localhost".to_owned()]);
        names.addresses.extend([[127, 0, 0, 1], [192, 168, 1, 5]].map(IpAddr::from));
        let of = |text: &str, tls| urls(text.parse().expect("an address"), &names, tls);
        assert_eq!(of("127.0.0.1:80", false), ["http://127.0.0.1:80/"]);
        assert_eq!(of("[::1]:81", true), ["https://[::1]:81/"]);
        let all = ["https://192.168.1.5:82/", "https://desk.local:82/", "https://localhost:82/"];
        assert_eq!(of("0.0.0.0:82", true), all);
    }
}
