//! The bridge that the service runs: a supervised `camera-service bridge`, while the user or the
//! configuration says so. What comes through its door is served as bridged connections.
//!
//! It is told how to run, and reads no configuration: the file may say something else by then, of
//! which the service knows nothing yet.

use std::{ffi::OsString, sync::Arc, time::Duration};

use protocol::endpoint::Endpoint;
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::supervisor::{Job, Patience, Report, supervise};
use crate::{config, server::Server};

/// An address that is taken keeps it failing: the longest wait is so many times that of a camera.
const WAIT: u32 = 6;

/// Keeps the bridge as it is to be until the service stops.
pub(super) async fn keep(server: Arc<Server>) {
    let mut config = server.config.subscribe();
    let (mut settings, mut rounds) = (server.bridge.settings(), server.bridge.rounds());
    // Started and Ended of one child after the other: each waits until it was heard.
    let (reports, mut news) = mpsc::channel(1);
    let mut running: Option<Running> = None;
    loop {
        config.borrow_and_update();
        settings.borrow_and_update();
        let wanted = How::now(&server, *rounds.borrow_and_update());
        if running.as_ref().map(|running| &running.how) != wanted.as_ref() {
            if let Some(running) = running.take() {
                running.end(&mut news).await;
                server.bridge.ended(String::new());
            }
            running = wanted.map(|how| Running::start(&server, how, reports.clone()));
        }
        server.bridge.tell();
        tokio::select! {
            biased;
            () = server.stop.cancelled() => break,
            // These come first: what is heard of one that is about to end is not true any more.
            changed = config.changed() => if changed.is_err() { break },
            changed = settings.changed() => if changed.is_err() { break },
            changed = rounds.changed() => if changed.is_err() { break },
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
    section: config::Bridge,
    /// Changes when it is to be tried again at once.
    round: u64,
}

impl How {
    /// `None` where it is not to run.
    fn now(server: &Server, round: u64) -> Option<Self> {
        let section = server.bridge.wanted();
        section.enabled.then_some(Self { section, round })
    }
}

struct Running {
    how: How,
    stop: CancellationToken,
    job: JoinHandle<()>,
}

impl Running {
    fn start(server: &Server, how: How, reports: mpsc::Sender<Report>) -> Self {
        let stop = server.stop.child_token();
        let job = job(&how, &server.endpoint, reports);
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

fn job(how: &How, endpoint: &Endpoint, reports: mpsc::Sender<Report>) -> Job {
    // Nothing of it is secret: it may stand where every user can read it. All of it can be written.
    let section = serde_json::to_string(&how.section).unwrap_or_default();
    let mut args: Vec<OsString> = vec!["bridge".into(), "--supervised".into(), section.into()];
    // Where there is no door the bridge comes to the endpoint, as any program does.
    if cfg!(not(unix)) {
        args.extend(["--socket".into(), endpoint.path().into()]);
    }
    Job { name: "bridge".to_owned(), args, reports: Some(reports) }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_child_is_told_all_there_is_to_know() {
        let section = config::Bridge {
            enabled: true,
            listen: "[::1]:8443".parse().expect("an address"),
            tls: config::Tls::Own,
            allowed_hosts: vec!["a.example".to_owned()],
            ..config::Bridge::default()
        };
        let (reports, _) = mpsc::channel(1);
        let how = How { section: section.clone(), round: 0 };
        let job = job(&how, &Endpoint::at("/run/s"), reports);
        let [command, option, text] = &job.args[..] else { panic!("{:?}", job.args) };
        assert_eq!((command.to_str(), option.to_str()), (Some("bridge"), Some("--supervised")));
        let told: config::Bridge =
            serde_json::from_str(text.to_str().expect("text")).expect("JSON");
        assert_eq!(told, section);
    }
}
