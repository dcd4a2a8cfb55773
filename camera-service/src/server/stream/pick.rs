//! Which of a feed's frames a stream takes, and how many it passes over.

use crate::source::{Feed, Pacer, Published};

/// Takes the newest frame whenever there is room, keeps to a rate limit, and counts.
pub(super) struct Pick {
    pacer: Option<(Pacer, u64)>,
    /// Index of the newest frame that was looked at.
    seen: u64,
    /// A frame is due: the newest one is to be taken as soon as there is room.
    due: bool,
    passed_over: u64,
}

impl Pick {
    pub(super) fn new() -> Self {
        Self { pacer: None, seen: 0, due: false, passed_over: 0 }
    }

    /// Keeps frames `interval_ns` apart; 0 takes every one.
    pub(super) fn set_interval(&mut self, interval_ns: u64) {
        if self.pacer.as_ref().map_or(0, |(_, interval)| *interval) != interval_ns {
            self.pacer = (interval_ns > 0).then(|| (Pacer::new(interval_ns), interval_ns));
        }
    }

    /// Turns to another feed, of which `published` frames were published: the newest of them is
    /// news.
    pub(super) fn attach(&mut self, published: u64) {
        self.seen = published.saturating_sub(1);
        self.due = false;
    }

    /// What was due belongs to an earlier opening of the camera.
    pub(super) fn begin_anew(&mut self) {
        self.due = false;
    }

    /// The frame to take now, and how many were passed over since the one before.
    pub(super) fn next(
        &mut self,
        feed: &Feed,
        epoch: u64,
        has_room: bool,
    ) -> Option<(Published, u32)> {
        let newest = feed.newer_than(self.seen);
        if let Some(newest) = &newest {
            self.look_at(newest);
        }
        if !self.due || !has_room {
            return None;
        }
        let frame = newest.or_else(|| feed.newer_than(0)).filter(|frame| frame.epoch == epoch)?;
        // Another may have come since: it is looked at the next time.
        if frame.index > self.seen {
            return None;
        }
        self.due = false;
        let passed_over = u32::try_from(std::mem::take(&mut self.passed_over)).unwrap_or(u32::MAX);
        Some((frame, passed_over))
    }

    fn look_at(&mut self, newest: &Published) {
        let between = newest.index - self.seen - 1;
        self.seen = newest.index;
        match &mut self.pacer {
            None => {
                self.passed_over += between + u64::from(self.due);
                self.due = true;
            }
            Some((pacer, _)) => {
                if pacer.admits(newest.lease.header().monotonic_ns) {
                    self.passed_over += u64::from(self.due);
                    self.due = true;
                }
            }
        }
    }
}
