//! Streams and events of a service as tests watch them.
//!
//! Each is read on a thread of its own, which notes all that happens: a test waits for what it
//! wants to see, and nothing is missed while it does something else.

mod notes;
mod publisher;

use std::sync::{Arc, mpsc};

use protocol::{
    ConnectionId, Event, FrameHeader, Mode, PixelFormat, Started, StreamRequest,
    client::{Connector, FrameStream, StreamEvent},
    endpoint::Endpoint,
};

pub use self::publisher::{Publishing, Told, picture};

pub(crate) use self::notes::Reading;

use self::notes::{Notes, PATIENCE};
use crate::Service;

fn connector(service: &Service) -> Connector {
    Connector::new("tests").endpoint(Endpoint::at(service.socket()))
}

/// What a [`Watcher`] saw.
#[derive(Debug, Clone)]
pub enum Seen {
    /// The stream is set up.
    Started(Started),
    /// A frame, whole and in order.
    Frame(FrameHeader),
    /// A frame that is not, and why.
    Fault(String),
    /// The mode of the frames, and the camera's.
    ModeChanged(Mode, Mode),
    /// The camera does not deliver, and why.
    Lost(String),
    /// This client held a frame for too long.
    Lagged,
    /// All cameras are turned off.
    Blocked,
    /// The stream has ended, and why.
    Ended(String),
}

/// Judges the bytes of a frame.
pub type Judge = dyn Fn(&FrameHeader, &[u8]) -> Result<(), String> + Send + Sync;

/// A client with a stream. It takes every frame at once and judges it: raw ones must have the
/// length that their format and size demand, all must come in order.
pub struct Watcher {
    notes: Notes<Seen>,
    id: ConnectionId,
    _reading: Reading,
}

impl Watcher {
    /// Asks for a stream; `judge` judges its frames too.
    #[track_caller]
    pub fn start(service: &Service, request: StreamRequest, judge: Arc<Judge>) -> Self {
        let notes = Notes::new();
        let (connector, noted) = (connector(service), notes.clone());
        let (opened, id) = mpsc::channel();
        let reading = Reading::start(move || async move {
            match connector.stream(request).await {
                Ok(stream) => {
                    opened.send(Ok(stream.id())).expect("the test waits for it");
                    watch(stream, &noted, &*judge).await;
                }
                Err(error) => opened.send(Err(error)).expect("the test waits for it"),
            }
        });
        let id = id.recv_timeout(PATIENCE).expect("an answer");
        let id = id.unwrap_or_else(|error| panic!("no stream: {error}"));
        Self { notes, id, _reading: reading }
    }

    /// Id of its connection.
    pub fn id(&self) -> ConnectionId {
        self.id
    }

    /// Number of things seen so far: where to look from for what comes next.
    pub fn now(&self) -> usize {
        self.notes.all().len()
    }

    /// All that was seen so far.
    pub fn all(&self) -> Vec<Seen> {
        self.notes.all().clone()
    }

    /// Waits for something, the `from`th that was seen or a later one, and gives it with its
    /// number. Panics when the stream has ended or a frame was at fault.
    #[track_caller]
    pub fn wait(&self, from: usize, what: &str, wanted: impl Fn(&Seen) -> bool) -> (usize, Seen) {
        let found = self.notes.wait(from, what, |seen| {
            wanted(seen) || matches!(seen, Seen::Fault(_) | Seen::Ended(_))
        });
        assert!(wanted(&found.1), "waiting for {what}: {:?}", found.1);
        self.assert_sound();
        found
    }

    /// Waits until the stream is set up.
    #[track_caller]
    pub fn started(&self) -> Started {
        match self.wait(0, "the stream to start", |seen| matches!(seen, Seen::Started(_))).1 {
            Seen::Started(started) => started,
            other => unreachable!("{other:?}"),
        }
    }

    /// Waits until the camera is said to be lost, and gives the reason and where that was.
    #[track_caller]
    pub fn lost(&self, from: usize) -> (usize, String) {
        match self.wait(from, "the camera to be lost", |seen| matches!(seen, Seen::Lost(_))) {
            (at, Seen::Lost(reason)) => (at, reason),
            other => unreachable!("{other:?}"),
        }
    }

    /// Waits for the change to a native mode, and gives the mode of the frames and where that was.
    #[track_caller]
    pub fn mode_changed(&self, from: usize, to: Mode) -> (usize, Mode) {
        let what = format!("the mode to change to {to}");
        match self.wait(from, &what, |seen| matches!(seen, Seen::ModeChanged(_, now) if *now == to))
        {
            (at, Seen::ModeChanged(mode, _)) => (at, mode),
            other => unreachable!("{other:?}"),
        }
    }

    /// Waits for so many frames after the `from`th thing seen; gives their headers.
    #[track_caller]
    pub fn frames(&self, mut from: usize, count: usize) -> Vec<FrameHeader> {
        let mut frames = Vec::with_capacity(count);
        for number in 1..=count {
            let what = format!("frame {number} of {count}");
            let (at, seen) = self.wait(from, &what, |seen| matches!(seen, Seen::Frame(_)));
            if let Seen::Frame(header) = seen {
                frames.push(header);
            }
            from = at + 1;
        }
        frames
    }

    /// Everything seen so far but frames.
    pub fn other_than_frames(&self) -> Vec<Seen> {
        let all = self.notes.all();
        all.iter().filter(|seen| !matches!(seen, Seen::Frame(_))).cloned().collect()
    }

    /// Panics when a frame was not whole or not in order, or the stream has ended.
    #[track_caller]
    pub fn assert_sound(&self) {
        let bad = |seen: &&Seen| matches!(seen, Seen::Fault(_) | Seen::Ended(_));
        let bad: Vec<Seen> = self.notes.all().iter().filter(bad).cloned().collect();
        assert!(bad.is_empty(), "{bad:#?}");
    }
}

/// A judge to whom all frames are right.
pub fn any() -> Arc<Judge> {
    Arc::new(|_, _| Ok(()))
}

async fn watch(mut stream: FrameStream, notes: &Notes<Seen>, judge: &Judge) {
    // Numbers begin anew with every opening of the camera, which is never without a word.
    let mut last = None;
    loop {
        let seen = match stream.next().await {
            Ok(StreamEvent::Frame(frame)) => {
                let header = frame.header().clone();
                let verdict = judged(&header, &frame, last).and_then(|()| judge(&header, &frame));
                last = Some(header.sequence);
                verdict.map_or_else(Seen::Fault, |()| Seen::Frame(header))
            }
            Ok(event) => {
                last = None;
                match event {
                    StreamEvent::Started(started) => Seen::Started(started),
                    StreamEvent::ModeChanged { mode, native } => Seen::ModeChanged(mode, native),
                    StreamEvent::Lost { reason } => Seen::Lost(reason),
                    StreamEvent::Blocked => Seen::Blocked,
                    StreamEvent::Lagged | StreamEvent::Frame(_) => Seen::Lagged,
                }
            }
            Err(error) => {
                notes.add(Seen::Ended(error.to_string()));
                return;
            }
        };
        notes.add(seen);
    }
}

/// Whether a frame is whole and comes after the `last` one.
pub(crate) fn judged(header: &FrameHeader, bytes: &[u8], last: Option<u64>) -> Result<(), String> {
    if last.is_some_and(|last| header.sequence <= last) {
        return Err(format!("frame {} came after {last:?}", header.sequence));
    }
    let pixels = header.size.area() as usize;
    let expected = match header.format {
        PixelFormat::Yuyv => pixels * 2,
        PixelFormat::Nv12 | PixelFormat::I420 => pixels * 3 / 2,
        PixelFormat::Grey => pixels,
        PixelFormat::Rgb | PixelFormat::Bgr => pixels * 3,
        PixelFormat::Rgba => pixels * 4,
        PixelFormat::Mjpg | PixelFormat::Other(_) => header.length as usize,
    };
    if bytes.len() != expected || header.length as usize != expected {
        let (format, size, length) = (header.format, header.size, header.length);
        let got = bytes.len();
        return Err(format!("{format} {size}: {got} bytes, {length} in the header"));
    }
    Ok(())
}

/// A client that reads events.
pub struct Events {
    notes: Notes<Event>,
    _reading: Reading,
}

impl Events {
    /// Connects, and waits for the full state.
    #[track_caller]
    pub fn start(service: &Service) -> Self {
        let notes = Notes::new();
        let (connector, noted) = (connector(service), notes.clone());
        let reading = Reading::start(move || async move {
            let mut events = connector.events().await.expect("a connection for events");
            while let Ok(Some(message)) = events.next().await {
                noted.add(message.event);
            }
        });
        let events = Self { notes, _reading: reading };
        events.wait(0, "the state", |event| matches!(event, Event::State(_)));
        events
    }

    /// Number of events so far: where to look from for what comes next.
    pub fn now(&self) -> usize {
        self.notes.all().len()
    }

    /// Waits for an event, the `from`th or a later one, and gives it with its number.
    #[track_caller]
    pub fn wait(&self, from: usize, what: &str, wanted: impl Fn(&Event) -> bool) -> (usize, Event) {
        self.notes.wait(from, what, wanted)
    }

    /// All events so far.
    pub fn all(&self) -> Vec<Event> {
        self.notes.all().clone()
    }
}
