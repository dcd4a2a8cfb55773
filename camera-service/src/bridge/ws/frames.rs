//! A viewer's stream: which picture it gets next, and when.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use bytes::Bytes;
use protocol::{ErrorReply, Mode};

use super::{
    message::FrameHeader,
    pipe::HEADER,
    rungs::{Rungs, on_rung},
};
use crate::bridge::{
    Bridge,
    http::{Wish, request},
    seldom::Bell,
    source::{Phase, Subscription},
    viewer::Watch,
};

/// Frames that may be on their way without having been acknowledged.
const CREDIT: usize = 2;

/// Why frames come otherwise than before.
const SLOW: &str = "the link is slow";
const QUICK: &str = "the link is quick again";
const MODE: &str = "the camera's mode was changed";
const RESUMED: &str = "frames come again";

/// One stream of a viewer.
pub(super) struct Stream {
    id: u32,
    watch: Watch,
    wish: Wish,
    adaptive: bool,
    rungs: Rungs,
    subscription: Subscription,
    on_way: VecDeque<Sent>,
    /// Passed over since the last frame.
    dropped: u64,
    /// The modes that were told last.
    told: Option<(Mode, Mode, u8)>,
    reason: &'static str,
}

struct Sent {
    sequence: u64,
    rung: u8,
    bytes: usize,
    at: Instant,
}

/// What is to be told of a stream.
pub(super) enum News {
    /// It flows, in the first of these modes; the first time it is the answer to its opening.
    Live {
        mode: Mode,
        native: Mode,
        reason: &'static str,
    },
    Lost(String),
    Blocked,
    Ended(ErrorReply),
}

impl Stream {
    /// Subscribes to what `wish` asks for. Fails where the bridge has no room for it.
    pub(super) fn open(
        bridge: &Bridge,
        id: u32,
        watch: Watch,
        wish: Wish,
        adaptive: bool,
        news: Arc<Bell>,
    ) -> Result<Self, ErrorReply> {
        let request = request(watch.camera.clone(), wish);
        let subscription = bridge.sources.subscribe(&watch, request, news)?;
        let rungs = Rungs::new(Instant::now());
        Ok(Self {
            id,
            watch,
            wish,
            adaptive,
            rungs,
            subscription,
            on_way: VecDeque::with_capacity(CREDIT),
            dropped: 0,
            told: None,
            reason: MODE,
        })
    }

    /// The camera's id.
    pub(super) fn camera(&self) -> &str {
        &self.watch.camera.0
    }

    pub(super) fn rung(&self) -> u8 {
        self.rungs.rung()
    }

    /// What is to be told, if anything changed.
    pub(super) fn news(&mut self) -> Option<News> {
        match self.subscription.change()? {
            Phase::Opening => None,
            Phase::Live(mode, native) => {
                let now = (mode, native, self.rung());
                if self.told == Some(now) {
                    return None;
                }
                let reason = std::mem::replace(&mut self.reason, MODE);
                self.told = Some(now);
                Some(News::Live { mode, native, reason })
            }
            Phase::Lost(reason) => {
                (self.told, self.reason) = (None, RESUMED);
                Some(News::Lost(reason))
            }
            Phase::Blocked => {
                (self.told, self.reason) = (None, RESUMED);
                Some(News::Blocked)
            }
            Phase::Ended(error) => Some(News::Ended(error)),
        }
    }

    /// Whether a frame is there for which there is credit.
    pub(super) fn is_ready(&self) -> bool {
        let most = if self.adaptive { self.rungs.at_once() } else { CREDIT };
        self.on_way.len() < most && self.subscription.has_picture()
    }

    /// The newest frame, with its header and the number that were passed over for it.
    pub(super) fn frame(&mut self, now: Instant) -> Option<([u8; HEADER], Bytes, u64)> {
        let (picture, passed_over) = self.subscription.take()?;
        let dropped = self.dropped + passed_over;
        self.dropped = 0;
        let header = FrameHeader {
            stream: self.id,
            sequence: picture.sequence,
            unix_us: picture.unix_us,
            width: picture.size.width,
            height: picture.size.height,
            dropped: u32::try_from(dropped).unwrap_or(u32::MAX),
            // The protocol's frames are far smaller.
            length: u32::try_from(picture.len()).unwrap_or(u32::MAX),
        };
        let (sequence, rung, bytes) = (picture.sequence, self.rung(), picture.len());
        self.on_way.push_back(Sent { sequence, rung, bytes, at: now });
        Some((header.to_bytes(), picture.image(), dropped))
    }

    /// The viewer has shown the frame with this number, and what came before it.
    pub(super) fn acknowledged(
        &mut self,
        sequence: u64,
        now: Instant,
        bridge: &Bridge,
        news: &Arc<Bell>,
    ) {
        let Some(at) = self.on_way.iter().position(|sent| sent.sequence == sequence) else {
            // One that was never sent, or acknowledged before, changes nothing.
            return;
        };
        let Some(Sent { rung, bytes, at, .. }) = self.on_way.drain(..=at).next_back() else {
            return;
        };
        if !self.adaptive {
            return;
        }
        let before = self.rung();
        let took = now.duration_since(at);
        if let Some(rung) = self.rungs.acknowledged(rung, bytes, took, now) {
            self.step(if rung > before { SLOW } else { QUICK }, bridge, news);
        }
    }

    /// When [`Stream::tick`] is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        if !self.adaptive {
            return None;
        }
        self.on_way.front().and_then(|sent| self.rungs.patience(sent.at))
    }

    /// Steps down where a frame is overdue.
    pub(super) fn tick(&mut self, now: Instant, bridge: &Bridge, news: &Arc<Bell>) {
        let Some(sent) = self.on_way.front().filter(|_| self.adaptive) else { return };
        if self.rungs.overdue(sent.at, now).is_some() {
            self.step(SLOW, bridge, news);
        }
    }

    /// Goes on with what the present rung gives.
    fn step(&mut self, reason: &'static str, bridge: &Bridge, news: &Arc<Bell>) {
        let wish = on_rung(self.wish, self.rung());
        let request = request(self.watch.camera.clone(), wish);
        // Where there is no room for another, what is there is better than nothing.
        if let Ok(subscription) = bridge.sources.subscribe(&self.watch, request, news.clone()) {
            (self.subscription, self.reason) = (subscription, reason);
        }
    }
}
