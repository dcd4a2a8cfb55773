//! The service: puts everything together, runs until it is told to stop, and takes it apart.

#[cfg(unix)]
mod activation;
mod allocator;
mod bridge;
mod config_watch;
mod descriptors;
mod finders;
mod instance;
mod loopbacks;
mod signals;
mod supervisor;

use std::{path::PathBuf, sync::Arc, time::Duration};

pub use allocator::keep_small;
#[cfg(unix)]
pub use instance::is_taken;
use protocol::endpoint::Endpoint;
use tokio::sync::{mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    camera::Context,
    clock,
    config::{self, Config, TestCamera},
    events::Hub,
    registry::{Discovery, Ids, Registry, cameras_file},
    server::{self, Bridge, Clients, ConfigSource, Server, Shared},
    source::Workers,
    state::{BridgeSettings, Privacy, Programs, Settings, Starts, Tokens},
};

/// How long everything may take to end.
const SHUTDOWN: Duration = Duration::from_millis(1800);

/// What the service is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The configuration.
    pub config: Config,
    /// Where it was read from, and is read again.
    pub config_path: PathBuf,
    /// Whether the user named that file, which must be there then.
    pub config_is_named: bool,
    /// Test cameras beside those of the configuration.
    pub test_cameras: Vec<TestCamera>,
    /// Who started it, where that cannot be told otherwise.
    pub started_by: Option<String>,
    /// Where to listen; where not given, [`Endpoint::to_listen`] decides.
    pub endpoint: Option<Endpoint>,
}

/// Why the service did not start, or ended badly.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// One is running for this user.
    #[error(
        "camera-service is running already (pid {pid}, at {endpoint}); `camera-service shutdown` stops it"
    )]
    AlreadyRunning {
        /// Its process.
        pid: u32,
        /// Where it listens.
        endpoint: String,
    },
    /// The endpoint cannot be had.
    #[error("cannot listen at {endpoint}: {source}")]
    Listen {
        /// Where it should listen.
        endpoint: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is no folder for it.
    #[error("there is no place to listen at: {0}")]
    NoEndpoint(std::io::Error),
    /// The folder for state cannot be told.
    #[error(transparent)]
    State(#[from] config::ConfigError),
    /// The system refused something that the service cannot do without.
    #[error("the service cannot start: {0}")]
    System(#[from] std::io::Error),
}

/// Runs the service until it is told to stop. Blocks.
pub fn run(options: Options) -> Result<(), ServeError> {
    descriptors::raise_limit();
    // One thread for all sockets and timers: measured at half the CPU of two for fan-out.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(serve(options));
    // A blocking task that hangs, in a device or a file system, is left behind.
    runtime.shutdown_background();
    result
}

async fn serve(options: Options) -> Result<(), ServeError> {
    let instance = instance::Instance::take(options.endpoint).await?;
    let endpoint = instance.endpoint.clone();
    let started_by = started_by(instance.is_passed, options.started_by);
    let folder = config::state_dir()?;
    let ids = Ids::load(cameras_file(&folder));
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    let lives = TaskTracker::new();
    let hub = Hub::new();
    let (config, config_seen) = watch::channel(Arc::new(options.config));
    let privacy = Privacy::load(folder.join("cameras-off"), hub.clone());
    // Cameras outlive the connections, which are told first.
    let stop_cameras = CancellationToken::new();
    let context = Context {
        config: config_seen,
        hub: hub.clone(),
        workers: Workers::new(),
        privacy_off: privacy.watch(),
        settings: Settings::load(folder.join("presets.toml"), hub.clone()),
        starts: Starts::load(folder.join("starts.toml")),
        stop: stop_cameras.clone(),
    };
    let registry = Registry::new(ids, context, lives.clone());
    let source =
        ConfigSource::new(options.config_path, options.config_is_named, options.test_cameras);
    let read = config.borrow().clone();
    source.begin(&registry, &read).await;
    let (found, mut finds) = mpsc::channel(1);
    let discovery = Discovery::start(finders::platform(), registry.ids(), found)?;
    let jobs_config = config.subscribe();
    let clients = Clients::new(hub.clone());
    let kept = BridgeSettings::load(folder.join("bridge.toml"));
    let bridge = Bridge::new(kept, config.subscribe(), clients.clone(), hub.clone());
    let server = Arc::new(Server {
        registry: registry.clone(),
        clients,
        tokens: Tokens::load(folder.join("tokens.toml"), hub.clone(), stop.clone()),
        bridge,
        room: Arc::new(()),
        shared: Shared::default(),
        hub,
        config,
        source,
        started_by,
        endpoint: endpoint.clone(),
        since_unix_ns: clock::unix_ns(),
        privacy,
        programs: Programs::load(folder.join("programs.toml")),
        tasks: tasks.clone(),
        stop: stop.clone(),
    });
    let signals = signals::spawn(stop.clone())?;
    // From now on, since on Windows there is no room for a second client that is not accepted.
    // None is answered before the first look for cameras.
    let accepting = tasks.spawn(server::accept(server.clone(), instance.listener));
    let finding = tasks.spawn({
        let (registry, stop) = (registry.clone(), stop.clone());
        async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    devices = finds.recv() => match devices {
                        Some(devices) => registry.found(devices).await,
                        None => return,
                    }
                }
            }
        }
    });
    registry.first_look().await;
    tracing::info!(pid = std::process::id(), by = server.started_by, "listening at {endpoint}");
    let jobs = tasks.spawn(loopbacks::keep(jobs_config, endpoint.clone(), stop.clone()));
    let bridge = tasks.spawn(bridge::keep(server.clone()));
    let tokens = tasks.spawn(server.tokens.clone().keep_time());
    let edits = tasks.spawn(config_watch::watch(server.clone()));
    #[cfg(unix)]
    {
        activation::ready(&endpoint).await;
        // Until the very end, which may take 2 s.
        tokio::spawn(activation::live(CancellationToken::new()));
    }
    stop.cancelled().await;
    tracing::info!("stopping");
    #[cfg(unix)]
    activation::stopping().await;
    signals.abort();
    drop(discovery);
    // Clients are told by their own tasks; then the cameras close.
    tasks.close();
    let told = tokio::time::timeout(SHUTDOWN / 3, tasks.wait()).await;
    if told.is_err() {
        tracing::warn!("{} connections were left behind", tasks.len());
    }
    drop((accepting, finding, jobs, bridge, tokens, edits));
    stop_cameras.cancel();
    lives.close();
    if tokio::time::timeout(SHUTDOWN * 2 / 3, lives.wait()).await.is_err() {
        tracing::warn!("{} cameras were left behind", lives.len());
    }
    instance.guard.remove();
    Ok(())
}

/// How the service was started, for people.
fn started_by(is_passed: bool, named: Option<String>) -> String {
    #[cfg(unix)]
    if is_passed || activation::is_by_systemd() {
        return if is_passed { "systemd, at its socket" } else { "systemd" }.to_owned();
    }
    let _ = is_passed;
    named.unwrap_or_else(|| "by hand".to_owned())
}
