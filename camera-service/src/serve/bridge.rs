//! The bridge that the service runs: a supervised `camera-service bridge`, while the user or the
//! configuration says so. What comes through its door is served as bridged connections.

use std::{ffi::OsString, path::Path, sync::Arc, time::Duration};

use protocol::endpoint::Endpoint;
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::supervisor::{Job, Patience, Report, supervise};
use crate::server::{Server, Wanted};

/// An address that is taken keeps it failing: the longest wait is so many times that of a camera.
const WAIT: u32 = 6;

/// Keeps the bridge as it is to be until the service stops.
pub(super) async fn keep(server: Arc<Server>) {
    let mut config = server.config.subscribe();
    let mut settings = server.bridge.settings();
    // Started and Ended of one child after the other: each waits until it was heard.
    let (reports, mut news) = mpsc::channel(1);
    let mut running: Option<Running> = None;
    loop {
        config.borrow_and_update();
        settings.borrow_and_update();
        let wanted = How::now(&server);
        if running.as_ref().map(|running| &running.how) != wanted.as_ref() {
            if let Some(running) = running.take() {
                running.end(&mut news).await;
                server.bridge.ended(String::new());
            }
            if let Some(how) = wanted {
                running = Some(Running::start(&server, how, reports.clone()).await);
            }
        }
        server.bridge.tell();
        tokio::select! {
            () = server.stop.cancelled() => break,
            changed = config.changed() => if changed.is_err() { break },
            changed = settings.changed() => if changed.is_err() { break },
            Some(report) = news.recv() => hear(&server, report, running.as_ref()),
        }
    }
    if let Some(running) = running {
        running.end(&mut news).await;
    }
}

/// How the bridge is to run. Where it changes, another one is started.
#[derive(Debug, Clone, PartialEq)]
struct How {
    wanted: Wanted,
    /// The child reads the configuration itself.
    config: crate::config::Bridge,
}

impl How {
    /// `None` where it is not to run.
    fn now(server: &Server) -> Option<Self> {
        let wanted = server.bridge.wanted();
        let config = server.config.borrow().bridge.clone();
        wanted.enabled.then_some(Self { wanted, config })
    }
}

struct Running {
    how: How,
    stop: CancellationToken,
    job: JoinHandle<()>,
}

impl Running {
    async fn start(server: &Server, how: How, reports: mpsc::Sender<Report>) -> Self {
        let stop = server.stop.child_token();
        let path = server.source.path().to_owned();
        // The usual file may be missing; one that is named must be there.
        let exists = tokio::task::spawn_blocking(move || path.exists()).await.unwrap_or(true);
        let config = exists.then_some(server.source.path());
        let job = job(&how, config, &server.endpoint, reports);
        let timeouts = server.config.borrow().timeouts.clone();
        let most = (timeouts.retry_most * WAIT).max(Duration::from_millis(1));
        let patience = Patience { first: timeouts.retry_first, most };
        let job = tokio::spawn(supervise(job, patience, stop.clone()));
        Self { how, stop, job }
    }

    /// Ends it and waits for that: the next one may need its port.
    async fn end(mut self, news: &mut mpsc::Receiver<Report>) {
        self.stop.cancel();
        loop {
            tokio::select! {
                ended = &mut self.job => {
                    if let Err(error) = ended {
                        tracing::error!("the bridge was not supervised to its end: {error}");
                    }
                    break;
                }
                // What it still had to say concerns nobody; but it may wait to be heard.
                Some(_) = news.recv() => {}
            }
        }
        while news.try_recv().is_ok() {}
    }
}

fn hear(server: &Arc<Server>, report: Report, running: Option<&Running>) {
    #[cfg(not(unix))]
    let _ = running;
    match report {
        #[cfg(unix)]
        Report::Started { pid, door } => {
            if let (Some(door), Some(Running { stop, .. })) = (door, running) {
                let accept = crate::server::accept_through(server.clone(), door, stop.clone());
                server.tasks.spawn(accept);
            }
            server.bridge.started(pid);
        }
        #[cfg(not(unix))]
        Report::Started { pid } => server.bridge.started(pid),
        Report::Ended { reason } => server.bridge.ended(reason),
    }
}

fn job(
    how: &How,
    config: Option<&Path>,
    endpoint: &Endpoint,
    reports: mpsc::Sender<Report>,
) -> Job {
    let mut args: Vec<OsString> = vec!["bridge".into(), "--supervised".into()];
    let mut option = |name: &str, value: OsString| {
        args.push(name.into());
        args.push(value);
    };
    // Where there is no door the bridge comes to the endpoint, as any program does.
    if cfg!(not(unix)) {
        option("--socket", endpoint.path().into());
    }
    if let Some(config) = config {
        option("--config", config.into());
    }
    if let Some(listen) = how.wanted.listen {
        option("--listen", listen.to_string().into());
    }
    Job { name: "bridge".to_owned(), args, reports: Some(reports) }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_child_is_told_where_its_configuration_is_and_what_comes_before_it() {
        let args = |listen: Option<&str>, config: Option<&str>| {
            let listen = listen.map(|listen| listen.parse().expect("an address"));
            let how = How {
                wanted: Wanted { enabled: true, listen },
                config: crate::config::Bridge::default(),
            };
            let (reports, _) = mpsc::channel(1);
            let job = job(&how, config.map(Path::new), &Endpoint::at("/run/s"), reports);
            let args = job.args.into_iter().map(|arg| arg.into_string().expect("text"));
            args.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(args(None, None), "bridge --supervised");
        assert_eq!(
            args(Some("[::1]:8443"), Some("/etc/c.toml")),
            "bridge --supervised --config /etc/c.toml --listen [::1]:8443"
        );
    }
}
