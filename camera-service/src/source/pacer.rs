//! Keeping to a lower frame rate than the source's.

/// Chooses which frames of a faster source make up a slower one.
///
/// It goes by capture times, so that the choice is the same whoever makes it and whenever, and
/// keeps to the rate on average: 24 of 30 frames a second are four out of five.
#[derive(Debug, Clone)]
pub struct Pacer {
    interval_ns: u64,
    due_ns: u64,
}

impl Pacer {
    /// A pacer for one frame each `interval_ns`; 0 admits every frame.
    pub fn new(interval_ns: u64) -> Self {
        Self { interval_ns, due_ns: 0 }
    }

    /// Whether the frame captured at `at_ns` is one of them.
    pub fn admits(&mut self, at_ns: u64) -> bool {
        // A frame that comes a little early is the one that is due: capture times jitter.
        if at_ns + self.interval_ns / 8 < self.due_ns && self.due_ns - at_ns <= 2 * self.interval_ns
        {
            return false;
        }
        let next = self.due_ns + self.interval_ns;
        // After a pause, or when the clock jumped, begin anew rather than catch up.
        let in_step = next > at_ns && next - at_ns <= 2 * self.interval_ns;
        self.due_ns = if in_step { next } else { at_ns + self.interval_ns };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(source_fps: u64, fps: u64, seconds: u64) -> usize {
        let mut pacer = Pacer::new(1_000_000_000 / fps);
        let step = 1_000_000_000 / source_fps;
        (0..source_fps * seconds).filter(|n| pacer.admits(5_000 + n * step)).count()
    }

    #[test]
    fn keeps_the_rate_on_average() {
        for (source, fps) in [(30, 30), (30, 24), (30, 15), (30, 10), (60, 25), (25, 1)] {
            let count = admitted(source, fps, 10) as i64;
            assert!((count - fps as i64 * 10).abs() <= 1, "{fps} of {source}: {count}");
        }
    }

    #[test]
    fn a_faster_limit_than_the_source_admits_all() {
        assert_eq!(admitted(25, 60, 4), 100);
        assert!(Pacer::new(0).admits(7));
    }

    #[test]
    fn resumes_at_once_after_a_pause_or_a_jump_back() {
        let mut pacer = Pacer::new(100);
        assert!(pacer.admits(1_000));
        assert!(!pacer.admits(1_050));
        assert!(pacer.admits(9_000));
        assert!(!pacer.admits(9_050));
        assert!(pacer.admits(100));
    }
}
