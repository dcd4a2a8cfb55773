//! The connection to the service, as a subscription: events, and a client for requests. It
//! connects again by itself, and what was selected and shown stays meanwhile.

use std::{convert::Infallible, time::Duration};

use iced::{
    Subscription,
    futures::{SinkExt as _, Stream, channel::mpsc::Sender, future},
    task::Task,
};
use protocol::{
    Client, ClientError, ErrorKind, Event, Reply, Request, client::Connector, endpoint,
};
use tokio::time::{sleep, timeout};
use tracing::{debug, info};

/// Between two attempts to connect.
const RETRY: Duration = Duration::from_millis(300);
/// Events that wait for the window; while none fits, the service's own bound holds.
const WAITING: usize = 64;
/// A mode change closes and opens a device, and a set waits for the device.
const DEADLINE: Duration = Duration::from_secs(15);
/// For what is asked while the window closes.
const LAST: Duration = Duration::from_secs(1);

/// What happens to the connection.
#[derive(Debug, Clone)]
pub(crate) enum Update {
    /// There is one. The full state follows as an event.
    Connected(Link),
    /// An event of the service.
    Happened(Box<Event>),
    /// There is none, and why; it is tried again.
    Gone(Why),
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Why {
    /// No service runs.
    NotRunning,
    /// It ended.
    Ended,
    /// Something else, in words.
    Failed(String),
}

impl From<&ClientError> for Why {
    fn from(error: &ClientError) -> Self {
        match error {
            ClientError::NotRunning(_) => Self::NotRunning,
            ClientError::Closed => Self::Ended,
            other => Self::Failed(other.to_string()),
        }
    }
}

/// A client, as messages carry it.
#[derive(Clone)]
pub(crate) struct Link(Client);

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Link").field(&self.0.id()).finish()
    }
}

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    /// What kind of refusal it was; `None` where the connection failed.
    pub kind: Option<ErrorKind>,
    /// What to tell.
    pub message: String,
}

impl Failure {
    /// Whether this service cannot do that at all.
    #[must_use]
    pub(crate) fn is_unsupported(&self) -> bool {
        self.kind == Some(ErrorKind::Unsupported)
    }
}

/// What a request came to.
pub(crate) type Answer = Result<Reply, Failure>;

/// Sends `request`; without a connection the answer says so.
pub(crate) fn ask(link: Option<&Link>, request: Request) -> Task<Answer> {
    let Some(Link(client)) = link.cloned() else {
        let message = "The camera service is not running. Start it, then try again.".to_owned();
        return Task::done(Err(Failure { kind: None, message }));
    };
    Task::future(async move {
        let answer = client.request_within(request, Some(DEADLINE)).await;
        answer.map_err(|error| Failure {
            kind: if let ClientError::Reply(reply) = &error { Some(reply.kind) } else { None },
            message: error.to_string(),
        })
    })
}

/// Sends `requests`, and waits for the answers for as long as a window may take to close.
pub(crate) async fn at_last(link: Option<Link>, requests: Vec<Request>) {
    let Some(Link(client)) = link else { return };
    let answers = requests.into_iter().map(|request| client.request(request));
    if timeout(LAST, future::join_all(answers)).await.is_err() {
        debug!("the service did not answer in time");
    }
}

/// Connects, and stays connected.
pub(crate) fn subscription() -> Subscription<Update> {
    let overridden = std::env::var_os(endpoint::OVERRIDE);
    Subscription::run_with(overridden, |_| run())
}

fn run() -> impl Stream<Item = Update> {
    iced::stream::channel(WAITING, async move |mut messages| {
        let mut told = None;
        loop {
            let Err(error) = follow(&mut messages, &mut told).await;
            let why = Why::from(&error);
            debug!("no connection: {error}");
            if told.as_ref() != Some(&why) {
                // The window is closing where nobody listens.
                let _ = messages.send(Update::Gone(why.clone())).await;
                told = Some(why);
            }
            sleep(RETRY).await;
        }
    })
}

async fn follow(
    messages: &mut Sender<Update>,
    told: &mut Option<Why>,
) -> Result<Infallible, ClientError> {
    let connector = Connector::new(crate::NAME);
    let mut events = connector.events().await?;
    let client = connector.control().await?;
    info!("connected to camera-service {} ({})", client.service_version(), client.service_pid());
    *told = None;
    let _ = messages.send(Update::Connected(Link(client))).await;
    while let Some(message) = events.next().await? {
        let _ = messages.send(Update::Happened(Box::new(message.event))).await;
    }
    Err(ClientError::Closed)
}

/// `answer`, no sooner than `interval` from now.
pub(crate) fn paced(answer: Task<Answer>, interval: Duration) -> Task<Answer> {
    let until = tokio::time::Instant::now() + interval;
    answer.then(move |answer| {
        Task::future(async move {
            tokio::time::sleep_until(until).await;
            answer
        })
    })
}
