//! A command's way to the service.

use std::{pin::Pin, time::Duration};

use protocol::{
    ClientError,
    client::{Client, Connector},
    endpoint::Endpoint,
};

use super::{CliError, Global, Outcome};

/// The service answers within its own deadlines, of which opening a device has the longest. One
/// that does not is stopped or broken.
const ANSWER: Duration = Duration::from_secs(20);

/// What a command needs to talk to the service.
pub(super) struct Session {
    connector: Connector,
    /// Whether to print JSON.
    pub(super) json: bool,
}

/// Runs `command`, called `name` where clients are listed, on a runtime of this thread.
pub(super) fn with_service(
    global: &Global,
    name: &str,
    command: impl AsyncFnOnce(Session) -> Outcome,
) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::io("start", error))?;
    let mut connector = Connector::new(format!("camera-service {name}"));
    if let Some(path) = &global.socket {
        connector = connector.endpoint(Endpoint::at(path));
    }
    let session = Session { connector, json: global.json };
    let outcome = runtime.block_on(command(session));
    // A thread that still writes to a reader that takes nothing must not hold the program up.
    runtime.shutdown_background();
    outcome
}

impl Session {
    /// For streams and events.
    pub(super) fn connector(&self) -> &Connector {
        &self.connector
    }

    /// A connection for requests.
    pub(super) async fn control(&self) -> Result<Client, CliError> {
        Ok(self.connector.control().await?)
    }
}

/// What `reply` gives, unless the service is silent for too long.
pub(super) async fn answer<T>(
    reply: impl Future<Output = Result<T, ClientError>>,
) -> Result<T, CliError> {
    let reply = tokio::time::timeout(ANSWER, reply).await;
    Ok(reply.unwrap_or(Err(ClientError::NoAnswer(ANSWER)))?)
}

/// How to say that the service has gone, and is waited for.
pub(super) fn waiting(error: &ClientError) -> String {
    let why = match error {
        ClientError::Closed | ClientError::Transport(_) => "the service has gone".to_owned(),
        other => other.to_string(),
    };
    format!("{why}; waiting until it is back (Ctrl-C ends this)")
}

/// How to say that it is back.
pub(super) fn back(gap: Duration) -> String {
    format!("the service is back after {:.1} s; going on", gap.as_secs_f64())
}

/// The user's wish to end this program, or the system's.
pub(super) struct Interrupt {
    signal: Pin<Box<dyn Future<Output = ()>>>,
    seen: bool,
}

impl Interrupt {
    /// From the first [`Interrupt::wait`] on, a signal does not end the program by itself.
    pub(super) fn new() -> Self {
        Self { signal: Box::pin(signal()), seen: false }
    }

    /// Returns when the wish has come; at once where it has come before. Safe to cancel.
    pub(super) async fn wait(&mut self) {
        if !self.seen {
            (&mut self.signal).await;
            self.seen = true;
        }
    }
}

async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                result = tokio::signal::ctrl_c() => wait_unless(result).await,
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    #[cfg(windows)]
    if let (Ok(mut ctrl_break), Ok(mut close)) =
        (tokio::signal::windows::ctrl_break(), tokio::signal::windows::ctrl_close())
    {
        tokio::select! {
            result = tokio::signal::ctrl_c() => wait_unless(result).await,
            _ = ctrl_break.recv() => {}
            _ = close.recv() => {}
        }
        return;
    }
    wait_unless(tokio::signal::ctrl_c().await).await;
}

/// Returns when a signal came; never where none can be waited for.
async fn wait_unless(result: std::io::Result<()>) {
    if result.is_err() {
        std::future::pending::<()>().await;
    }
}
