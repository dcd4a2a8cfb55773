//! Three fixed rungs: what a viewer gets when its link is slow.
//!
//! What counts is how long frames take to be acknowledged. Down at once when that is long; up
//! after a calm while, when the larger frames can be expected to pass in time, and later each
//! time that it turned out they cannot.

use std::time::{Duration, Instant};

use protocol::FrameRate;

use crate::bridge::http::Wish;

/// Rungs there are; the first gives what was asked for.
pub(super) const RUNGS: u8 = 3;
/// A frame that takes longer is too slow; two in a row are enough, …
const SLOW: Duration = Duration::from_millis(250);
/// … or one that takes as long as this.
const VERY_SLOW: Duration = Duration::from_millis(600);
/// While frames take longer than this, only one is on its way at a time: the second would wait
/// behind the first.
const ONE_AT_A_TIME: Duration = Duration::from_millis(120);
/// So long frames must have passed quickly before the next rung up is tried.
const CALM: Duration = Duration::from_secs(8);
/// The wait doubles, up to this, each time that the rung up did not last.
const CALM_MOST: Duration = Duration::from_secs(120);
/// What frames of the rung up may be expected to take.
const EXPECTED: Duration = Duration::from_millis(170);

/// `wish` as it is on a rung: never more than was asked for.
pub(super) fn on_rung(wish: Wish, rung: u8) -> Wish {
    let (side, quality, rate) = match rung {
        0 => return wish,
        1 => (640, 60, 15),
        _ => (320, 40, 8),
    };
    let most = FrameRate::new(rate, 1);
    Wish {
        width: Some(wish.width.map_or(side, |width| width.min(side))),
        quality: Some(wish.quality.map_or(quality, |asked| asked.min(quality))),
        rate: Some(wish.rate.map_or(most, |rate| rate.min(most))),
        ..wish
    }
}

/// On which rung a viewer is, and why.
#[derive(Debug)]
pub(super) struct Rungs {
    rung: u8,
    /// How long the last frame took, and whether it was slow.
    last: Duration,
    slow: u32,
    calm_since: Instant,
    calm: Duration,
    /// When this rung was entered.
    entered: Instant,
    /// When the rung was last climbed.
    climbed: Option<Instant>,
    /// Bytes of a frame on each rung, where it is known.
    sizes: [usize; RUNGS as usize],
}

impl Rungs {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            rung: 0,
            // Nothing is known of the link yet.
            last: SLOW,
            slow: 0,
            calm_since: now,
            calm: CALM,
            entered: now,
            climbed: None,
            sizes: [0; RUNGS as usize],
        }
    }

    /// The rung.
    pub(super) fn rung(&self) -> u8 {
        self.rung
    }

    /// Frames that may be on their way at once, of the two that a viewer allows.
    pub(super) fn at_once(&self) -> usize {
        if self.last > ONE_AT_A_TIME { 1 } else { 2 }
    }

    /// A frame of `bytes`, sent on `rung`, was acknowledged after `took`. Gives the new rung
    /// where that changes it.
    pub(super) fn acknowledged(
        &mut self,
        rung: u8,
        bytes: usize,
        took: Duration,
        now: Instant,
    ) -> Option<u8> {
        if rung != self.rung {
            return None;
        }
        self.last = took;
        self.sizes[usize::from(rung)] = bytes;
        if took >= SLOW {
            self.slow += 1;
            self.calm_since = now;
            if self.slow >= 2 || took >= VERY_SLOW {
                return self.down(now);
            }
            return None;
        }
        self.slow = 0;
        if took > EXPECTED {
            self.calm_since = now;
        }
        if self.rung == 0 || now.duration_since(self.calm_since) < self.calm {
            return None;
        }
        let larger = self.sizes[usize::from(self.rung - 1)];
        let expected = took.mul_f64(larger as f64 / bytes.max(1) as f64);
        if expected > EXPECTED {
            return None;
        }
        self.enter(self.rung - 1, now);
        self.climbed = Some(now);
        Some(self.rung)
    }

    /// When a frame sent at `sent` that has not been acknowledged makes a difference.
    pub(super) fn patience(&self, sent: Instant) -> Option<Instant> {
        (self.rung + 1 < RUNGS).then(|| sent.max(self.entered) + VERY_SLOW)
    }

    /// A frame sent at `sent` has not been acknowledged.
    pub(super) fn overdue(&mut self, sent: Instant, now: Instant) -> Option<u8> {
        if self.patience(sent).is_none_or(|patience| now < patience) {
            return None;
        }
        let waits = now.duration_since(sent);
        self.last = self.last.max(waits);
        self.calm_since = now;
        self.down(now)
    }

    fn down(&mut self, now: Instant) -> Option<u8> {
        if self.rung + 1 >= RUNGS {
            return None;
        }
        let lasted = self.climbed.map(|climbed| now.duration_since(climbed));
        if lasted.is_some_and(|lasted| lasted < 2 * self.calm) {
            self.calm = (self.calm * 2).min(CALM_MOST);
        }
        self.enter(self.rung + 1, now);
        Some(self.rung)
    }

    fn enter(&mut self, rung: u8, now: Instant) {
        self.rung = rung;
        self.slow = 0;
        (self.calm_since, self.entered) = (now, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_rung_never_gives_more_than_was_asked_for() {
        let wish = Wish { width: Some(200), quality: Some(50), ..Wish::default() };
        let second = on_rung(wish, 1);
        assert_eq!((second.width, second.quality), (Some(200), Some(50)));
        assert_eq!(second.rate, Some(FrameRate::new(15, 1)));
        let third = on_rung(Wish::default(), 2);
        assert_eq!((third.width, third.quality), (Some(320), Some(40)));
        assert_eq!(on_rung(wish, 0), wish);
    }

    #[test]
    fn slow_links_go_down_and_quick_ones_stay() {
        let start = Instant::now();
        let mut rungs = Rungs::new(start);
        assert_eq!(rungs.at_once(), 1);
        for _ in 0..100 {
            assert_eq!(rungs.acknowledged(0, 50_000, 20 * MS, start), None);
        }
        assert_eq!(rungs.at_once(), 2);
        assert_eq!(rungs.acknowledged(0, 50_000, 400 * MS, start), None);
        assert_eq!(rungs.at_once(), 1);
        assert_eq!(rungs.acknowledged(0, 50_000, 400 * MS, start), Some(1));
        assert_eq!(rungs.acknowledged(0, 50_000, 900 * MS, start), None, "from before");
        assert_eq!(rungs.overdue(start, start + 500 * MS), None);
        assert_eq!(rungs.overdue(start, start + 800 * MS), Some(2));
        assert_eq!(rungs.overdue(start, start + 8000 * MS), None, "there is none below");
    }

    #[test]
    fn up_goes_after_calm_and_only_where_it_can_be_expected_to_last() {
        let mut now = Instant::now();
        let mut rungs = Rungs::new(now);
        assert_eq!(rungs.acknowledged(0, 100_000, 800 * MS, now), Some(1));
        // Half as large, but not quick enough for what is above.
        let mut steps = |rungs: &mut Rungs, took: Duration, seconds: u32| {
            (0..seconds * 10).find_map(|_| {
                now += 100 * MS;
                rungs.acknowledged(rungs.rung(), 10_000, took, now)
            })
        };
        assert_eq!(steps(&mut rungs, 80 * MS, 60), None);
        assert_eq!(steps(&mut rungs, 10 * MS, 20), Some(0));
        assert_eq!(steps(&mut rungs, 800 * MS, 1), Some(1));
        // It did not last: this time it takes longer.
        rungs.sizes[0] = 10_000;
        assert_eq!(steps(&mut rungs, 10 * MS, 14), None);
        assert_eq!(steps(&mut rungs, 10 * MS, 4), Some(0));
    }
}
