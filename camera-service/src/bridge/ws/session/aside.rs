//! What a session waits for beside its connection and its frames; polled only when it was woken.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use protocol::{ClientError, ErrorReply, EventMessage, client::EventStream};
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinSet},
    time::{Sleep, error::Elapsed, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{Done, MOST_PUBLICATIONS};
use crate::bridge::{seldom::Seldom, viewer::Viewer, ws::publish::Told};

/// Connections that end together end within this.
const SOON: Duration = Duration::from_secs(1);

type Waiting<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// An event, or that there are no more; and where the next one comes from.
type Heard = (EventStream, Result<Option<EventMessage>, ClientError>);

/// What has happened.
pub(super) enum Happened {
    /// The bridge ends.
    Stopped,
    /// A request has come to this.
    Done(Result<Done, JoinError>),
    /// A publication is told this.
    Told(Told),
    /// The user's connection to the service has ended, for this reason.
    Closed(Option<ErrorReply>),
    /// An event; nothing where there are no more.
    Event(Option<EventMessage>),
    /// It is time for something.
    Time,
}

/// All of it, in one place to be waited for.
pub(super) struct Aside {
    seldom: Seldom,
    stop: Waiting<()>,
    closed: Waiting<Option<ErrorReply>>,
    events: Option<Waiting<Heard>>,
    /// Whether events are left where they are for now.
    held: bool,
    requests: JoinSet<Done>,
    told: mpsc::Receiver<Told>,
    /// For those who tell.
    pub(super) tell: mpsc::Sender<Told>,
    timer: Pin<Box<Sleep>>,
    /// When the timer rings; nothing where it has.
    rings: Option<Instant>,
}

impl Aside {
    pub(super) fn new(
        stop: &CancellationToken,
        viewer: &Viewer,
        events: Option<EventStream>,
    ) -> Self {
        let client = viewer.client.clone();
        let (tell, told) = mpsc::channel(MOST_PUBLICATIONS * 4);
        Self {
            seldom: Seldom::new(),
            stop: Box::pin(stop.clone().cancelled_owned()),
            closed: Box::pin(async move { client.closed().await }),
            events: events.map(next),
            held: false,
            requests: JoinSet::new(),
            told,
            tell,
            timer: Box::pin(sleep_until(Instant::now().into())),
            rings: None,
        }
    }

    /// Begins a request.
    pub(super) fn begin(&mut self, request: impl Future<Output = Done> + Send + 'static) {
        self.requests.spawn(request);
        self.seldom.look();
    }

    /// Requests that have begun and not been told to be done.
    pub(super) fn requests(&self) -> usize {
        self.requests.len()
    }

    /// Leaves events where they are, or no longer.
    pub(super) fn hold_events(&mut self, held: bool) {
        if self.held != held {
            self.held = held;
            self.seldom.look();
        }
    }

    /// Sees to it that it is time by `deadline`. It may be so sooner: a timer that is set anew for
    /// every frame costs more than one that sometimes rings for nothing.
    pub(super) fn be_on_time(&mut self, deadline: Instant) {
        if self.rings.is_none_or(|rings| deadline < rings) {
            self.rings = Some(deadline);
            self.timer.as_mut().reset(deadline.into());
            self.seldom.look();
        }
    }

    /// What happens next. Safe to cancel.
    pub(super) async fn next(&mut self) -> Happened {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// Why the user's connection to the service has ended, if it has or does soon. `Err` where it
    /// goes on.
    pub(super) async fn why_closed(&mut self) -> Result<Option<ErrorReply>, Elapsed> {
        timeout(SOON, self.closed.as_mut()).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Happened> {
        let Self { seldom, stop, closed, events, held, requests, told, timer, rings, tell: _ } =
            self;
        seldom.poll(cx, |cx| {
            if stop.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Happened::Stopped);
            }
            if let Poll::Ready(Some(done)) = requests.poll_join_next(cx) {
                return Poll::Ready(Happened::Done(done));
            }
            if let Poll::Ready(Some(news)) = told.poll_recv(cx) {
                return Poll::Ready(Happened::Told(news));
            }
            if let Poll::Ready(reason) = closed.as_mut().poll(cx) {
                return Poll::Ready(Happened::Closed(reason));
            }
            if let Some(Poll::Ready((stream, heard))) =
                events.as_mut().filter(|_| !*held).map(|event| event.as_mut().poll(cx))
            {
                *events = Some(next(stream));
                return Poll::Ready(Happened::Event(heard.ok().flatten()));
            }
            // Polled again only once it is set again.
            let time = rings.is_some() && timer.as_mut().poll(cx).is_ready();
            if time {
                *rings = None;
                return Poll::Ready(Happened::Time);
            }
            Poll::Pending
        })
    }
}

fn next(mut events: EventStream) -> Waiting<Heard> {
    Box::pin(async move {
        let heard = events.next().await;
        (events, heard)
    })
}
