//! What the service said on a connection, and whether it may say that.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    Event, EventMessage, Mode, Preamble, PublishMessage, ReplyMessage, Role, SlotId, StreamMessage,
    Verdict, Welcome,
    wire::{self, MAX_INLINE_FRAME, MAX_MESSAGE},
};
use serde::de::DeserializeOwned;

/// How far the handshake has come.
pub(super) enum Progress {
    Preamble,
    Hello,
    /// With the id of the connection.
    Welcomed(u64),
    /// Nothing more may come.
    Over,
}

/// What a connection was told, by its role.
pub(super) enum Heard {
    Control(Control),
    Events(Events),
    Stream(Stream),
    Publish(Publisher),
}

#[derive(Default)]
pub(super) struct Control {
    /// Requests without a reply.
    asked: BTreeSet<u64>,
    pub(super) last: u64,
    /// Bytes went out that may have been a request, or one id was given to two requests.
    garbled: bool,
}

#[derive(Default)]
pub(super) struct Events {
    begun: bool,
}

#[derive(Default)]
pub(super) struct Stream {
    /// Whether frames were asked for.
    pub(super) asked: bool,
    /// Length of each slot that was announced.
    slots: BTreeMap<SlotId, u64>,
    /// Those that hold a frame, as far as this client knows.
    pub(super) held: Vec<SlotId>,
    /// Those that were given back.
    pub(super) released: Vec<SlotId>,
    started: bool,
    /// Raw bytes of an inline frame that have not come.
    raw: usize,
    /// Bytes went out that may have been a release.
    garbled: bool,
}

#[derive(Default)]
pub(super) struct Publisher {
    /// What was asked for: frames should be like this.
    pub(super) mode: Option<Mode>,
    pub(super) accepted: bool,
    pub(super) credit: u64,
}

impl Heard {
    pub(super) fn new(role: Role) -> Self {
        match role {
            Role::Control => Self::Control(Control::default()),
            Role::Events => Self::Events(Events::default()),
            Role::Stream => Self::Stream(Stream::default()),
            Role::Publish => Self::Publish(Publisher::default()),
        }
    }

    /// Damaged bytes are sent: what they mean to the service is not known here.
    pub(super) fn expect_anything(&mut self) {
        match self {
            Self::Control(control) => control.garbled = true,
            Self::Stream(stream) => stream.garbled = true,
            Self::Events(_) | Self::Publish(_) => {}
        }
    }

    /// Takes the whole messages out of `inbox`.
    pub(super) fn take(&mut self, progress: &mut Progress, inbox: &mut Vec<u8>) {
        let mut used = 0;
        while let Some(more) = self.one(progress, &inbox[used..]) {
            used += more;
        }
        inbox.drain(..used);
    }

    /// Takes one thing from the front of `bytes`, and gives its length.
    fn one(&mut self, progress: &mut Progress, bytes: &[u8]) -> Option<usize> {
        match progress {
            Progress::Preamble => {
                let answer = bytes.first_chunk::<16>()?;
                let answer = Preamble::<Verdict>::from_bytes(answer).expect("a preamble");
                *progress = match answer.what {
                    Verdict::Accepted => Progress::Hello,
                    _ => Progress::Over,
                };
                Some(16)
            }
            Progress::Hello => {
                let (welcome, used) = message::<Welcome>(bytes)?;
                *progress = match welcome {
                    Welcome::Accepted { connection, .. } => Progress::Welcomed(connection.0),
                    Welcome::Refused(_) => Progress::Over,
                };
                Some(used)
            }
            Progress::Over => {
                assert!(bytes.is_empty(), "{} bytes after the last message", bytes.len());
                None
            }
            Progress::Welcomed(_) => {
                let (used, over) = match self {
                    Self::Control(control) => control.one(bytes)?,
                    Self::Events(events) => events.one(bytes)?,
                    Self::Stream(stream) => stream.one(bytes)?,
                    Self::Publish(publisher) => publisher.one(bytes)?,
                };
                if over {
                    *progress = Progress::Over;
                }
                Some(used)
            }
        }
    }
}

/// The message at the front of `bytes`, where it has come whole, and its length.
fn message<T: DeserializeOwned>(bytes: &[u8]) -> Option<(T, usize)> {
    let (body, used) = wire::split(bytes, MAX_MESSAGE).expect("a message of a lawful length")?;
    Some((wire::decode(body).expect("a message that can be read"), used))
}

impl Control {
    /// Notes that a request with this id is sent.
    pub(super) fn ask(&mut self, id: u64) {
        let new = self.asked.insert(id);
        self.garbled |= !new;
    }

    fn one(&mut self, bytes: &[u8]) -> Option<(usize, bool)> {
        let (ReplyMessage { id, result }, used) = message(bytes)?;
        if id == 0 {
            assert!(result.is_err(), "only an error concerns the whole connection");
            return Some((used, false));
        }
        let asked = self.asked.remove(&id);
        assert!(asked || self.garbled, "a reply to {id}, which was not asked: {result:?}");
        if let Err(error) = &result {
            assert!(!error.message.is_empty(), "an error without a word: {error:?}");
        }
        Some((used, false))
    }
}

impl Events {
    fn one(&mut self, bytes: &[u8]) -> Option<(usize, bool)> {
        let (message, used) = message::<EventMessage>(bytes)?;
        let is_state = matches!(message.event, Event::State(_));
        assert_eq!(is_state, !self.begun, "the state comes first and once");
        self.begun = true;
        Some((used, false))
    }
}

impl Stream {
    fn one(&mut self, bytes: &[u8]) -> Option<(usize, bool)> {
        if self.raw > 0 {
            let used = self.raw.min(bytes.len());
            self.raw -= used;
            return (used > 0).then_some((used, false));
        }
        let (message, used) = message::<StreamMessage>(bytes)?;
        let over = match message {
            StreamMessage::Started(_) => {
                assert!(!self.started, "a stream starts once");
                self.started = true;
                false
            }
            StreamMessage::Slot { slot, length, .. } => {
                let known = self.slots.insert(slot, length);
                assert_eq!(known, None, "slot {slot:?} is announced twice");
                false
            }
            StreamMessage::Frame { slot, header } => {
                assert!(self.started, "a frame before the start");
                let length = self.slots.get(&slot).expect("a frame in a slot that is known");
                assert!(u64::from(header.length) <= *length, "{header:?} in {length} bytes");
                assert!(
                    !self.held.contains(&slot) || self.garbled,
                    "{slot:?} is written while held"
                );
                self.held.push(slot);
                assert!(self.held.len() <= 2 || self.garbled, "more than two slots");
                false
            }
            StreamMessage::InlineFrame { header } => {
                assert!(self.started, "a frame before the start");
                self.raw = header.length as usize;
                assert!(self.raw <= MAX_INLINE_FRAME, "{header:?}");
                false
            }
            StreamMessage::Retired { slot } => {
                let known = self.slots.remove(&slot);
                assert!(known.is_some(), "{slot:?} is retired and was never told");
                false
            }
            StreamMessage::ModeChanged { .. }
            | StreamMessage::Lost { .. }
            | StreamMessage::Lagged
            | StreamMessage::Blocked => false,
            StreamMessage::Refused(_) | StreamMessage::Ended(_) => true,
        };
        Some((used, over))
    }
}

impl Publisher {
    fn one(&mut self, bytes: &[u8]) -> Option<(usize, bool)> {
        let (message, used) = message::<PublishMessage>(bytes)?;
        let over = match message {
            PublishMessage::Accepted { camera } => {
                assert!(camera.0.starts_with("published:"), "{camera}");
                assert!(!self.accepted, "accepted once");
                self.accepted = true;
                false
            }
            PublishMessage::Demand { credit, .. } => {
                assert!(self.accepted, "a demand before it was accepted");
                assert!(credit <= 2, "at most two frames may be under way: {credit}");
                self.credit += u64::from(credit);
                false
            }
            PublishMessage::Refused(_) | PublishMessage::Ended(_) => true,
        };
        Some((used, over))
    }
}
