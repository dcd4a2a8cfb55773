//! One WebSocket from its hello to its close, in one task.

mod asked;
mod end;
mod login;
mod tell;

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use protocol::{ClientError, ErrorReply, EventMessage, Request, client::EventStream};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
    time::{sleep_until, timeout},
};
use tokio_tungstenite::tungstenite::Message;

use super::{
    frames::Stream,
    message::{Mask, OpenStream, Outgoing},
    pipe::{Pipe, Progress},
    publish::{Accepted, Publication, Told},
};
use crate::bridge::{
    Bridge,
    http::Wish,
    metrics::Way,
    viewer::{Viewer, Watch},
};
use end::{End, ended};
use login::log_in;

/// Requests without a response; with more nothing is read.
const MOST_REQUESTS: usize = 64;
const MOST_STREAMS: usize = 16;
const MOST_PUBLICATIONS: usize = 4;
/// Who says nothing for so long is asked whether it is still there …
const PING: Duration = Duration::from_secs(20);
/// … and given up when it says nothing for so long.
const SILENT: Duration = Duration::from_secs(60);
/// How often the service is told how many frames a viewer got.
const COUNT: Duration = Duration::from_secs(2);
/// The last words have so long to be written.
const FAREWELL: Duration = Duration::from_secs(2);

/// Serves a WebSocket until it ends.
pub(super) async fn serve(bridge: Arc<Bridge>, mut pipe: Pipe, remote: IpAddr) {
    let ended = match log_in(&bridge, &mut pipe, remote).await {
        Ok((viewer, events, mask)) => {
            tracing::debug!(%remote, token = viewer.grant.name, "logged in by WebSocket");
            let session = Session::new(&bridge, &mut pipe, viewer, mask);
            session.run(events).await
        }
        Err(end) => end,
    };
    if let End::Say(code, error) = ended {
        tracing::debug!(%remote, code, "a WebSocket is closed: {error}");
        let _ = pipe.text(Outgoing::Error(&error).text());
        pipe.close(code, &error.message);
        let _ = timeout(FAREWELL, pipe.finish()).await;
    }
}

/// What a request has come to.
enum Done {
    Result { id: String, result: Result<String, ErrorReply> },
    Watched(Box<Watched>),
    Published { id: String, accepted: Result<Accepted, ErrorReply> },
}

/// A stream that may be opened, or not.
struct Watched {
    id: String,
    open: OpenStream,
    wish: Wish,
    watch: Result<Watch, ErrorReply>,
}

struct Session<'a> {
    bridge: &'a Arc<Bridge>,
    pipe: &'a mut Pipe,
    viewer: Viewer,
    mask: Option<Vec<Mask>>,
    streams: BTreeMap<u32, Open>,
    publications: BTreeMap<u32, Publication>,
    /// The number of the last stream or publication.
    last: u32,
    /// The stream that sent last: others come first.
    turn: u32,
    tasks: JoinSet<Done>,
    told: mpsc::Receiver<Told>,
    tell: mpsc::Sender<Told>,
    /// Told of every picture and change of every stream.
    news: Arc<Notify>,
    heard: Instant,
    pinged: bool,
    counted: Counted,
}

struct Open {
    stream: Stream,
    /// The request that opened it, until that is answered.
    request: Option<String>,
}

/// Frames that the viewer got.
#[derive(Default)]
struct Counted {
    frames: u64,
    dropped: u64,
    told: u64,
    next: Option<Instant>,
}

impl<'a> Session<'a> {
    fn new(
        bridge: &'a Arc<Bridge>,
        pipe: &'a mut Pipe,
        viewer: Viewer,
        mask: Option<Vec<Mask>>,
    ) -> Self {
        let (tell, told) = mpsc::channel(MOST_PUBLICATIONS * 4);
        Self {
            bridge,
            pipe,
            viewer,
            mask,
            streams: BTreeMap::new(),
            publications: BTreeMap::new(),
            last: 0,
            turn: 0,
            tasks: JoinSet::new(),
            told,
            tell,
            news: Arc::new(Notify::new()),
            heard: Instant::now(),
            pinged: false,
            counted: Counted::default(),
        }
    }

    async fn run(mut self, mut events: Option<EventStream>) -> End {
        let viewer = self.viewer.clone();
        let closed = viewer.client.closed();
        tokio::pin!(closed);
        let timer = sleep_until(self.deadline().into());
        tokio::pin!(timer);
        loop {
            if let Err(end) = self.turn() {
                return end;
            }
            let deadline = self.deadline().into();
            if timer.deadline() != deadline {
                timer.as_mut().reset(deadline);
            }
            let (reading, busy) = (self.takes_requests(), self.pipe.is_busy());
            let step = tokio::select! {
                biased;
                () = self.bridge.stop.cancelled() => return ended(None),
                progress = self.pipe.progress(reading) => match progress {
                    Ok(Progress::Read) => {
                        (self.heard, self.pinged) = (Instant::now(), false);
                        Ok(())
                    }
                    Ok(Progress::Written) => Ok(()),
                    Ok(Progress::Ended) => return End::Gone,
                    Err(error) => Err(error.into()),
                },
                () = self.news.notified() => Ok(()),
                Some(done) = self.tasks.join_next() => match done {
                    Ok(done) => self.done(done),
                    Err(error) => {
                        tracing::error!("a request has failed: {error}");
                        Ok(())
                    }
                },
                Some(told) = self.told.recv() => self.told(told),
                reason = &mut closed => return ended(reason),
                event = next(&mut events), if !busy => match event {
                    Ok(Some(message)) => self.event(&message.event),
                    // The other connection tells why.
                    Ok(None) | Err(_) => return ended((&mut closed).await),
                },
                () = &mut timer => self.tick(Instant::now()),
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    fn takes_requests(&self) -> bool {
        self.tasks.len() < MOST_REQUESTS && !self.pipe.is_busy()
    }

    /// Does what can be done at once.
    fn turn(&mut self) -> Result<(), End> {
        while self.takes_requests() {
            match self.pipe.message()? {
                Some(Message::Text(text)) => self.text(&text)?,
                Some(Message::Binary(bytes)) => self.published(bytes)?,
                Some(_) => {}
                None => break,
            }
        }
        self.tell_news()?;
        self.send_frame();
        Ok(())
    }

    /// When [`Session::tick`] is due.
    fn deadline(&self) -> Instant {
        let mut deadline = self.heard + if self.pinged { SILENT } else { PING };
        for open in self.streams.values() {
            deadline = open.stream.deadline().map_or(deadline, |stream| deadline.min(stream));
        }
        self.counted.next.map_or(deadline, |next| deadline.min(next))
    }

    fn tick(&mut self, now: Instant) -> Result<(), End> {
        if now >= self.heard + SILENT {
            return Err(End::Gone);
        }
        if now >= self.heard + PING && !self.pinged {
            self.pinged = true;
            self.pipe.forget_pieces();
            self.pipe.ping()?;
        }
        for open in self.streams.values_mut() {
            open.stream.tick(now, self.bridge, &self.news);
        }
        let counted = &mut self.counted;
        if counted.next.is_some_and(|next| now >= next) {
            counted.next = None;
            if counted.told != counted.frames {
                counted.told = counted.frames;
                let request =
                    Request::CountFrames { frames: counted.frames, dropped: counted.dropped };
                let client = self.viewer.client.clone();
                // Of no matter where the connection has ended.
                tokio::spawn(async move { drop(client.request(request).await) });
            }
        }
        Ok(())
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        let gauge = self.bridge.counters.viewers.get_or_create(&Way::WEBSOCKET);
        gauge.dec_by(i64::try_from(self.streams.len()).unwrap_or(0));
    }
}

/// The next event; never where there are none to be heard.
async fn next(events: &mut Option<EventStream>) -> Result<Option<EventMessage>, ClientError> {
    match events {
        Some(events) => events.next().await,
        None => std::future::pending().await,
    }
}
