//! A client that watches, and comes again when the service was killed.
//!
//! It lives on a thread of its own, judges every frame, and notes what a well-behaved service must
//! never do to it.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use protocol::{
    ConnectionId, ErrorKind, FrameHeader, Mode, StreamRequest,
    client::{ClientError, Connector, FrameStream, StreamEvent},
};

use crate::live::{Judge, Reading, judged};

/// Wait before a connection is tried again.
const AGAIN: Duration = Duration::from_millis(20);

/// What subscribers know of what is done to the service.
#[derive(Default)]
pub(super) struct Weather {
    /// Even while a service runs; another even number is another service.
    pub(super) incarnation: AtomicU64,
    /// All cameras are turned off, and the reply has come.
    pub(super) off: AtomicBool,
}

/// What a subscriber saw.
#[derive(Debug, Default, Clone)]
pub(super) struct Seen {
    /// Its connection, while it has one on which a stream began or waits.
    pub(super) connection: Option<ConnectionId>,
    /// Whole frames in order.
    pub(super) frames: u64,
    /// Frames of the camera that it did not get while it was open.
    pub(super) missed: u64,
    /// When the last one came.
    pub(super) last_frame: Option<Instant>,
    pub(super) mode: Option<Mode>,
    /// The last thing it was told, apart from frames.
    pub(super) told: String,
    pub(super) blocked: bool,
    pub(super) connections: u64,
    /// What must never happen.
    pub(super) wrong: Vec<String>,
}

/// A client that watches for as long as this lives.
pub(super) struct Subscriber {
    name: String,
    seen: Arc<Mutex<Seen>>,
    _reading: Reading,
}

impl Subscriber {
    pub(super) fn start(
        name: &str,
        connector: Connector,
        request: StreamRequest,
        judge: Arc<Judge>,
        weather: Arc<Weather>,
    ) -> Self {
        let seen = Arc::<Mutex<Seen>>::default();
        let watcher = Watcher { seen: seen.clone(), judge, weather };
        let reading = Reading::start(move || async move {
            loop {
                watcher.connect(&connector, request.clone()).await;
                tokio::time::sleep(AGAIN).await;
            }
        });
        Self { name: name.to_owned(), seen, _reading: reading }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn seen(&self) -> Seen {
        lock(&self.seen).clone()
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Watcher {
    seen: Arc<Mutex<Seen>>,
    judge: Arc<Judge>,
    weather: Arc<Weather>,
}

impl Watcher {
    async fn connect(&self, connector: &Connector, request: StreamRequest) {
        let incarnation = self.weather.incarnation.load(Ordering::SeqCst);
        let Ok(stream) = connector.stream(request).await else { return };
        {
            let mut seen = lock(&self.seen);
            seen.connection = Some(stream.id());
            seen.connections += 1;
            seen.blocked = false;
        }
        let (error, began) = self.watch(stream).await;
        let mut seen = lock(&self.seen);
        seen.connection = None;
        seen.told = format!("ended: {error}");
        // A camera that is unplugged while nobody watches it yet is not there to be watched.
        let not_there = matches!(&error, ClientError::Reply(reply)
            if matches!(reply.kind, ErrorKind::NoSuchCamera | ErrorKind::Lost));
        let same = self.weather.incarnation.load(Ordering::SeqCst) == incarnation;
        if same && incarnation.is_multiple_of(2) && (began || !not_there) {
            seen.wrong.push(format!("its stream ended while the service ran: {error}"));
        }
    }

    /// Watches until the stream ends; why, and whether it had begun.
    async fn watch(&self, mut stream: FrameStream) -> (ClientError, bool) {
        // Numbers begin anew with every opening of the camera, which is never without a word.
        let (mut last, mut began) = (None, false);
        loop {
            let event = match stream.next().await {
                Ok(event) => event,
                Err(error) => return (error, began),
            };
            began = true;
            match event {
                StreamEvent::Frame(frame) => {
                    self.frame(frame.header(), &frame, last);
                    last = Some(frame.header().sequence);
                }
                other => {
                    last = None;
                    self.told(&other);
                }
            }
        }
    }

    fn frame(&self, header: &FrameHeader, bytes: &[u8], last: Option<u64>) {
        let verdict = judged(header, bytes, last).and_then(|()| (self.judge)(header, bytes));
        let mut seen = lock(&self.seen);
        if let Err(wrong) = verdict {
            let told = seen.told.clone();
            seen.wrong.push(format!("{wrong}; last told: {told}"));
        }
        if seen.blocked && self.weather.off.load(Ordering::SeqCst) {
            seen.wrong.push("a frame came while all cameras were off".to_owned());
        }
        seen.frames += 1;
        seen.missed += last.map_or(0, |last| header.sequence.saturating_sub(last + 1));
        seen.last_frame = Some(Instant::now());
    }

    fn told(&self, event: &StreamEvent) {
        let mut seen = lock(&self.seen);
        seen.blocked = matches!(event, StreamEvent::Blocked);
        seen.told = match event {
            StreamEvent::Started(started) => {
                seen.mode = Some(started.mode);
                format!("started as {}", started.mode)
            }
            StreamEvent::ModeChanged { mode, native } => {
                seen.mode = Some(*mode);
                format!("mode changed to {mode} of {native}")
            }
            StreamEvent::Lost { reason } => format!("lost: {reason}"),
            StreamEvent::Lagged => "lagged".to_owned(),
            StreamEvent::Blocked => "blocked".to_owned(),
            StreamEvent::Frame(_) => unreachable!("frames are counted"),
        };
    }
}
