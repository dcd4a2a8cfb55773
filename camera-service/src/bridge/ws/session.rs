//! One WebSocket from its hello to its close, in one task.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use protocol::{
    CameraId, ErrorKind, ErrorReply, Event as ServiceEvent, Request, Scope, Size,
    client::EventStream,
};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
    time::{sleep_until, timeout},
};
use tokio_tungstenite::tungstenite::Message;

use super::{
    frames::{News, Stream},
    message::{
        Asked, Event, FrameHeader, Identify, Incoming, Mask, OpenStream, Outgoing, Publish, event,
        opened, response,
    },
    pipe::{Pipe, PipeError, Progress},
    publish::{self, Accepted, NotTaken, Publication, Told},
    requests,
};
use crate::{
    bridge::{
        Bridge,
        http::Wish,
        metrics::Way,
        viewer::{Refused, Viewer, Watch},
    },
    clock,
    json::EventJson,
    time::rfc3339,
};

/// Who has not said who it is by then is not waited for.
const IDENTIFY: Duration = Duration::from_secs(5);
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

/// Codes with which connections are closed.
mod code {
    pub(super) const GOING_AWAY: u16 = 1001;
    pub(super) const BAD_MESSAGE: u16 = 4000;
    pub(super) const NOT_LOGGED_IN: u16 = 4001;
    pub(super) const TOO_SLOW: u16 = 4002;
    pub(super) const REVOKED: u16 = 4003;
}

/// Why a session ends.
enum End {
    /// The viewer has gone.
    Gone,
    /// This is said, and the connection closed with this code.
    Say(u16, ErrorReply),
}

impl From<PipeError> for End {
    fn from(error: PipeError) -> Self {
        match error {
            PipeError::Wrong(message) => bad(message),
            PipeError::TooSlow => {
                let message = "too much was asked for and not read";
                Self::Say(code::TOO_SLOW, ErrorReply::new(ErrorKind::Limit, message))
            }
            PipeError::Io(_) | PipeError::Closed => Self::Gone,
        }
    }
}

fn bad(message: impl Into<String>) -> End {
    End::Say(code::BAD_MESSAGE, ErrorReply::new(ErrorKind::Protocol, message))
}

/// What the end of the service's connection means.
fn ended(reason: Option<ErrorReply>) -> End {
    match reason {
        Some(reason) if reason.kind != ErrorKind::Stopping => End::Say(code::REVOKED, reason),
        reason => End::Say(code::GOING_AWAY, crate::bridge::http::gone(reason)),
    }
}

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

async fn log_in(
    bridge: &Bridge,
    pipe: &mut Pipe,
    remote: IpAddr,
) -> Result<(Viewer, EventStream, Option<Vec<Mask>>), End> {
    let not_logged_in = |error| End::Say(code::NOT_LOGGED_IN, error);
    pipe.text(Outgoing::hello().text())?;
    let identify = tokio::select! {
        () = bridge.stop.cancelled() => return Err(ended(None)),
        identify = timeout(IDENTIFY, identify(pipe)) => identify,
    };
    let Identify { token, events: mask } = identify.map_err(|_| {
        let message = "nobody has identified within 5 s";
        not_logged_in(ErrorReply::new(ErrorKind::Timeout, message))
    })??;
    let viewer = Viewer::log_in(bridge, "websocket", token.as_deref(), remote).await;
    let viewer = viewer.map_err(|refused| match refused {
        Refused::Failed(error) if error.kind == ErrorKind::Stopping => ended(Some(error)),
        refused => not_logged_in(refused.into()),
    })?;
    let events = viewer.events().await.map_err(|failure| ended(Some(failure.into())))?;
    if viewer.grant.scopes.contains(&Scope::Publish) {
        pipe.allow(publish::MOST);
    }
    let grant = &viewer.grant;
    let identified = Outgoing::Identified {
        name: &grant.name,
        scopes: grant.scopes.iter().copied().map(Scope::as_str).collect(),
        cameras: grant.cameras.iter().map(|camera| camera.0.as_str()).collect(),
        expires: grant.expires_unix_ns.map(rfc3339),
        time: clock::unix_ns() / 1_000_000,
    };
    pipe.text(identified.text())?;
    Ok((viewer, events, mask))
}

async fn identify(pipe: &mut Pipe) -> Result<Identify, End> {
    loop {
        match pipe.message()? {
            None => {}
            Some(Message::Text(text)) => match Incoming::parse(&text).map_err(bad)? {
                Incoming::Identify(identify) => return Ok(identify),
                _ => return Err(bad("the first message is to be identify")),
            },
            Some(_) => return Err(bad("the first message is to be identify")),
        }
        if pipe.progress(true).await? == Progress::Ended {
            return Err(End::Gone);
        }
    }
}

/// What a request has come to.
enum Done {
    Result { id: String, result: Result<String, ErrorReply> },
    Watched { id: String, open: OpenStream, wish: Wish, watch: Result<Watch, ErrorReply> },
    Published { id: String, accepted: Result<Accepted, ErrorReply> },
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

    async fn run(mut self, mut events: EventStream) -> End {
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
                event = events.next(), if !busy => match event {
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

    fn text(&mut self, text: &str) -> Result<(), End> {
        match Incoming::parse(text).map_err(bad)? {
            Incoming::Ack(ack) => {
                if let Some(open) = self.streams.get_mut(&ack.stream) {
                    let now = Instant::now();
                    open.stream.acknowledged(ack.sequence, now, self.bridge, &self.news);
                }
                Ok(())
            }
            Incoming::Request { id, what } => match *what {
                Ok(asked) => self.request(id, asked),
                Err(message) => self.refuse(&id, ErrorKind::Invalid, message),
            },
            Incoming::Identify(_) => Err(bad("this connection has identified already")),
        }
    }

    fn respond(&mut self, id: &str, result: &Result<String, ErrorReply>) -> Result<(), End> {
        Ok(self.pipe.text(response(id, result))?)
    }

    fn refuse(&mut self, id: &str, kind: ErrorKind, message: impl Into<String>) -> Result<(), End> {
        self.respond(id, &Err(ErrorReply::new(kind, message)))
    }

    fn request(&mut self, id: String, asked: Asked) -> Result<(), End> {
        let viewer = self.viewer.clone();
        match asked {
            Asked::Other(what) => {
                self.tasks.spawn(async move {
                    Done::Result { id, result: requests::perform(&viewer, what).await }
                });
            }
            Asked::OpenStream(open) => {
                if self.streams.len() >= MOST_STREAMS {
                    let message = format!("a connection may have {MOST_STREAMS} streams");
                    return self.refuse(&id, ErrorKind::Limit, message);
                }
                let wish = match wish(&open) {
                    Ok(wish) => wish,
                    Err(error) => return self.respond(&id, &Err(error)),
                };
                let camera = CameraId(open.camera.clone());
                self.tasks.spawn(async move {
                    let watch = viewer.watch(&camera).await;
                    Done::Watched { id, open, wish, watch }
                });
            }
            Asked::CloseStream { stream } => {
                return match self.streams.remove(&stream) {
                    Some(open) => {
                        if let Some(opening) = open.request {
                            self.refuse(&opening, ErrorKind::Invalid, "it was closed again")?;
                        }
                        self.bridge.counters.viewers.get_or_create(&Way::WEBSOCKET).dec();
                        self.respond(&id, &Ok("{}".to_owned()))
                    }
                    None => {
                        self.refuse(&id, ErrorKind::Invalid, format!("there is no stream {stream}"))
                    }
                };
            }
            Asked::Publish(Publish { name, width, height, fps }) => {
                if self.publications.len() >= MOST_PUBLICATIONS {
                    let message = format!("a connection may be {MOST_PUBLICATIONS} cameras");
                    return self.refuse(&id, ErrorKind::Limit, message);
                }
                let rate = match requests::rate(fps) {
                    Ok(rate) => rate,
                    Err(error) => return self.respond(&id, &Err(error)),
                };
                let size = Size::new(width, height);
                self.tasks.spawn(async move {
                    let accepted = publish::open(&viewer, name, size, rate).await;
                    Done::Published { id, accepted }
                });
            }
            Asked::StopPublishing { publication } => {
                return match self.publications.remove(&publication) {
                    Some(_) => self.respond(&id, &Ok("{}".to_owned())),
                    None => {
                        let message = format!("there is no publication {publication}");
                        self.refuse(&id, ErrorKind::Invalid, message)
                    }
                };
            }
        }
        Ok(())
    }

    fn done(&mut self, done: Done) -> Result<(), End> {
        match done {
            Done::Result { id, result } => self.respond(&id, &result),
            Done::Watched { id, open, wish, watch } => match watch {
                Ok(_) if self.streams.len() >= MOST_STREAMS => {
                    let message = format!("a connection may have {MOST_STREAMS} streams");
                    self.refuse(&id, ErrorKind::Limit, message)
                }
                Ok(watch) => {
                    self.last += 1;
                    let news = self.news.clone();
                    let stream =
                        Stream::open(self.bridge, self.last, watch, wish, open.adaptive, news);
                    self.streams.insert(self.last, Open { stream, request: Some(id) });
                    self.bridge.counters.viewers.get_or_create(&Way::WEBSOCKET).inc();
                    Ok(())
                }
                Err(error) => self.respond(&id, &Err(error)),
            },
            Done::Published { id, accepted } => match accepted {
                Ok(_) if self.publications.len() >= MOST_PUBLICATIONS => {
                    let message = format!("a connection may be {MOST_PUBLICATIONS} cameras");
                    self.refuse(&id, ErrorKind::Limit, message)
                }
                Ok(accepted) => {
                    self.last += 1;
                    let camera = serde_json::to_string(&accepted.camera()).unwrap_or_default();
                    let publication = self.last;
                    self.respond(
                        &id,
                        &Ok(format!("{{\"camera\":{camera},\"publication\":{publication}}}")),
                    )?;
                    let started = Publication::start(accepted, publication, self.tell.clone());
                    self.publications.insert(publication, started);
                    Ok(())
                }
                Err(error) => self.respond(&id, &Err(error)),
            },
        }
    }

    fn told(&mut self, told: Told) -> Result<(), End> {
        match told {
            Told::Demand { publication, watchers, credit } => {
                let Some(open) = self.publications.get_mut(&publication) else { return Ok(()) };
                open.allow(credit);
                let demand = Outgoing::Demand { publication, watchers, credit };
                Ok(self.pipe.text(demand.text())?)
            }
            Told::Ended { publication, error } => self.end_publication(publication, &error),
        }
    }

    fn end_publication(&mut self, publication: u32, error: &ErrorReply) -> Result<(), End> {
        if self.publications.remove(&publication).is_none() {
            return Ok(());
        }
        let event = Event::PublicationEnded { publication, error };
        Ok(self.pipe.text(Outgoing::Event(event).text())?)
    }

    fn published(&mut self, message: bytes::Bytes) -> Result<(), End> {
        let (header, image) = FrameHeader::published(&message)
            .map_err(|wrong| bad(format!("a frame is not understood: {wrong}")))?;
        let image = message.slice_ref(image);
        // One that has just ended may have frames on their way.
        let Some(publication) = self.publications.get_mut(&header.stream) else { return Ok(()) };
        match publication.take(header, image) {
            Ok(()) => {
                self.bridge.counters.published.inc();
                Ok(())
            }
            Err(NotTaken::Wrong(message)) => Err(bad(message)),
            Err(NotTaken::Ended(error)) => self.end_publication(header.stream, &error),
        }
    }

    /// An event of the service.
    fn event(&mut self, happened: &ServiceEvent) -> Result<(), End> {
        let mask = match happened {
            ServiceEvent::Ended(reason) => return Err(ended(Some(reason.clone()))),
            ServiceEvent::Stopping => return Err(ended(None)),
            ServiceEvent::Lagged => {
                let message = "events were not read as fast as they came";
                let error = ErrorReply::new(ErrorKind::Limit, message);
                return Err(End::Say(code::TOO_SLOW, error));
            }
            ServiceEvent::State(_) => None,
            ServiceEvent::CameraAdded(_)
            | ServiceEvent::CameraChanged(_)
            | ServiceEvent::CameraRemoved { .. } => Some(Mask::Cameras),
            ServiceEvent::ControlChanged { .. } => Some(Mask::Controls),
            ServiceEvent::ClientChanged(_)
            | ServiceEvent::ClientRemoved { .. }
            | ServiceEvent::NewWatcher { .. } => Some(Mask::Clients),
            ServiceEvent::PrivacyChanged { .. } => Some(Mask::Privacy),
            ServiceEvent::PresetsChanged { .. } | ServiceEvent::PinsChanged { .. } => {
                Some(Mask::Presets)
            }
            ServiceEvent::ConfigReloaded
            | ServiceEvent::ConfigRefused { .. }
            | ServiceEvent::BridgeChanged(_)
            | ServiceEvent::TokensChanged { .. } => Some(Mask::Bridge),
        };
        let wanted = match (mask, &self.mask) {
            (Some(kind), Some(wanted)) => wanted.contains(&kind),
            _ => true,
        };
        if wanted {
            self.pipe.text(event(&EventJson::from(happened)))?;
        }
        Ok(())
    }

    /// Tells what has changed with streams.
    fn tell_news(&mut self) -> Result<(), End> {
        let mut gone = Vec::new();
        for (&id, open) in &mut self.streams {
            while let Some(news) = open.stream.news() {
                let rung = open.stream.rung();
                let text = match (news, open.request.take()) {
                    (News::Live { mode, native, .. }, Some(request)) => {
                        let modes = Some((mode, native));
                        response(&request, &Ok(opened(id, open.stream.camera(), modes)))
                    }
                    (News::Ended(error), Some(request)) => {
                        gone.push(id);
                        response(&request, &Err(error))
                    }
                    (news, request) => {
                        if let Some(request) = request {
                            let result = Ok(opened(id, open.stream.camera(), None));
                            self.pipe.text(response(&request, &result))?;
                        }
                        let event = match &news {
                            News::Live { mode, native, reason } => {
                                let (mode, native) = ((*mode).into(), (*native).into());
                                Event::StreamChanged { stream: id, rung, mode, native, reason }
                            }
                            News::Lost(reason) => Event::StreamLost { stream: id, reason },
                            News::Blocked => Event::StreamBlocked { stream: id },
                            News::Ended(error) => {
                                gone.push(id);
                                Event::StreamEnded { stream: id, error }
                            }
                        };
                        Outgoing::Event(event).text()
                    }
                };
                self.pipe.text(text)?;
            }
        }
        for id in gone {
            self.streams.remove(&id);
            self.bridge.counters.viewers.get_or_create(&Way::WEBSOCKET).dec();
        }
        Ok(())
    }

    /// Puts a frame in line if there is room and credit for one.
    fn send_frame(&mut self) {
        if !self.pipe.takes_frame() {
            return;
        }
        let ready = |(_, open): &(&u32, &Open)| open.request.is_none() && open.stream.is_ready();
        let after = self.streams.range(self.turn + 1..).find(ready);
        let next = after.or_else(|| self.streams.range(..=self.turn).find(ready));
        let Some(id) = next.map(|(id, _)| *id) else { return };
        self.turn = id;
        let Some(open) = self.streams.get_mut(&id) else { return };
        let now = Instant::now();
        let Some((header, image, dropped)) = open.stream.frame(now) else { return };
        let counters = &self.bridge.counters;
        counters.frames.get_or_create(&Way::WEBSOCKET).inc();
        counters.dropped.get_or_create(&Way::WEBSOCKET).inc_by(dropped);
        counters.bytes.get_or_create(&Way::WEBSOCKET).inc_by(image.len() as u64);
        self.counted.frames += 1;
        self.counted.dropped += dropped;
        self.counted.next.get_or_insert(now + COUNT);
        self.pipe.frame(header, image);
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

/// What a stream is to be like.
fn wish(open: &OpenStream) -> Result<Wish, ErrorReply> {
    let wrong = |message: &str| Err(ErrorReply::new(ErrorKind::Invalid, message));
    let side = |side: Option<u32>| side.is_none_or(|side| (1..=65_535).contains(&side));
    if !side(open.width) || !side(open.height) {
        return wrong("width and height are from 1 to 65535");
    }
    if open.quality.is_some_and(|quality| !(1..=100).contains(&quality)) {
        return wrong("quality is from 1 to 100");
    }
    let Ok(rotation) = open.rotation.unwrap_or(0).to_string().parse() else {
        return wrong("rotation is 0, 90, 180 or 270");
    };
    Ok(Wish {
        width: open.width,
        height: open.height,
        rate: open.fps.map(requests::rate).transpose()?,
        quality: open.quality,
        rotation,
        mirror: open.mirror,
    })
}
