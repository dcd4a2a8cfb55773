//! One WebSocket from its hello to its close, in one task.

mod aside;
mod asked;
mod end;
mod login;
mod tell;

use std::{
    collections::BTreeMap,
    future::poll_fn,
    net::IpAddr,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use protocol::{ErrorReply, Request, client::EventStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::{
    frames::Stream,
    message::{Mask, OpenStream, Outgoing},
    pipe::{Pipe, Progress},
    publish::{Accepted, Publication},
};
use crate::bridge::{
    Bridge,
    http::Wish,
    metrics::{Sent, Way},
    seldom::Bell,
    viewer::{Viewer, Watch},
};
use aside::{Aside, Happened};
use end::{End, behind, ended};
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
            Session::new(&bridge, &mut pipe, viewer, events, mask).run().await
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
    aside: Aside,
    /// Told of every picture and change of every stream.
    news: Arc<Bell>,
    heard: Instant,
    pinged: bool,
    sent: Sent,
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
        events: Option<EventStream>,
        mask: Option<Vec<Mask>>,
    ) -> Self {
        Self {
            aside: Aside::new(&bridge.stop, &viewer, events),
            bridge,
            pipe,
            viewer,
            mask,
            streams: BTreeMap::new(),
            publications: BTreeMap::new(),
            last: 0,
            turn: 0,
            news: Arc::default(),
            heard: Instant::now(),
            pinged: false,
            sent: bridge.counters.sent(&Way::WEBSOCKET),
            counted: Counted::default(),
        }
    }

    async fn run(mut self) -> End {
        loop {
            if let Err(end) = poll_fn(|cx| Poll::Ready(self.turn(cx))).await {
                return end;
            }
            self.aside.be_on_time(self.deadline());
            self.aside.hold_events(self.pipe.is_busy());
            let reading = self.takes_requests();
            let step = tokio::select! {
                biased;
                happened = self.aside.next() => self.happened(happened).await,
                progress = self.pipe.progress(reading) => match progress {
                    Ok(Progress::Read) => {
                        (self.heard, self.pinged) = (Instant::now(), false);
                        Ok(())
                    }
                    Ok(Progress::Written) => Ok(()),
                    Ok(Progress::Ended) => return End::Gone,
                    Err(error) => Err(error.into()),
                },
                () = self.news.heard() => Ok(()),
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn happened(&mut self, happened: Happened) -> Result<(), End> {
        match happened {
            Happened::Stopped => Err(ended(None)),
            Happened::Done(Ok(done)) => self.done(done),
            Happened::Done(Err(error)) => {
                tracing::error!("a request has failed: {error}");
                Ok(())
            }
            Happened::Told(told) => self.told(told),
            Happened::Closed(reason) => Err(ended(reason)),
            Happened::Event(Some(message)) => self.event(&message.event),
            // The other connection tells why; where it goes on, the service has given this one up.
            Happened::Event(None) => {
                Err(self.aside.why_closed().await.map_or_else(|_| behind(), ended))
            }
            Happened::Time => self.tick(Instant::now()),
        }
    }

    fn takes_requests(&self) -> bool {
        self.aside.requests() < MOST_REQUESTS && !self.pipe.is_busy()
    }

    /// Does what can be done at once.
    fn turn(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        while self.takes_requests() {
            match self.pipe.message()? {
                Some(Message::Text(text)) => self.text(&text)?,
                Some(Message::Binary(bytes)) => self.published(bytes)?,
                Some(_) => {}
                None => break,
            }
        }
        self.tell_news()?;
        // As many as there is credit for, and room on the way.
        loop {
            self.send_frame();
            if !self.pipe.has_output() || !self.pipe.write(cx)? {
                return Ok(());
            }
        }
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
