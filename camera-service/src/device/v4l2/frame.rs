//! Judging a single frame: its number and its time.

use super::abi;

/// Makes numbers that only ever grow of those that a driver counts in 32 bits.
#[derive(Default)]
pub(super) struct Numbering {
    /// The driver's number of the frame before, and ours.
    last: Option<(u32, u64)>,
}

impl Numbering {
    /// The number of a frame that the driver calls `sequence`.
    pub(super) fn next(&mut self, sequence: u32) -> u64 {
        let number = match self.last {
            None => u64::from(sequence),
            Some((last, number)) => match sequence.wrapping_sub(last) {
                // Drivers that do not count repeat themselves, others begin anew: one further.
                0 | 0x8000_0000.. => number + 1,
                step => number + u64::from(step),
            },
        };
        self.last = Some((sequence, number));
        number
    }
}

/// A frame cannot have waited longer than this; a clock that says so is another one.
const OLDEST_NS: u64 = 60_000_000_000;

/// When a frame was captured, on CLOCK_MONOTONIC in ns, where that clock now says `now`.
pub(super) fn captured_at(buffer: &abi::Buffer, now: u64) -> u64 {
    if buffer.flags & abi::BUF_FLAG_TIMESTAMP_MASK != abi::BUF_FLAG_TIMESTAMP_MONOTONIC {
        return now;
    }
    let (Ok(seconds), Ok(micros)) =
        (u64::try_from(buffer.timestamp.tv_sec), u64::try_from(buffer.timestamp.tv_usec))
    else {
        return now;
    };
    let time = seconds.saturating_mul(1_000_000_000).saturating_add(micros.saturating_mul(1000));
    if time > now || now - time > OLDEST_NS { now } else { time }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::v4l2::abi::Plain as _;

    #[test]
    fn numbers_grow_over_wraps_and_repetitions() {
        let mut numbering = Numbering::default();
        let all = [5, 6, 9, 9, 0, 1, 4].map(|sequence| numbering.next(sequence));
        assert_eq!(all, [5, 6, 9, 10, 11, 12, 15]);

        let mut numbering = Numbering::default();
        let all = [u32::MAX - 1, u32::MAX, 0, 3].map(|sequence| numbering.next(sequence));
        let high = u64::from(u32::MAX);
        assert_eq!(all, [high - 1, high, high + 1, high + 4]);
    }

    #[test]
    fn only_sensible_monotonic_times_count() {
        let now = 100_000_000_000;
        let mut buffer = abi::Buffer::zeroed();
        buffer.timestamp.tv_sec = 99;
        buffer.timestamp.tv_usec = 500_000;
        assert_eq!(captured_at(&buffer, now), now, "an unknown clock");
        buffer.flags = abi::BUF_FLAG_TIMESTAMP_MONOTONIC;
        assert_eq!(captured_at(&buffer, now), 99_500_000_000);
        for seconds in [101, 1_700_000_000, i64::MAX, -1, 39] {
            buffer.timestamp.tv_sec = seconds;
            assert_eq!(captured_at(&buffer, now), now, "{seconds}");
        }
    }
}
