//! Percentiles of latencies.

/// Most latencies kept: hours of a fast camera. Beyond, the oldest make room.
const KEPT: usize = 1 << 20;

/// Latencies in µs.
#[derive(Default)]
pub(super) struct Latencies {
    values: Vec<i64>,
    next: usize,
}

impl Latencies {
    pub(super) fn add(&mut self, value: i64) {
        if self.values.len() < KEPT {
            self.values.push(value);
        } else {
            self.values[self.next] = value;
            self.next = (self.next + 1) % KEPT;
        }
    }

    /// Median, 99th percentile and maximum, by nearest rank; `None` while there is no value.
    pub(super) fn summary(&self) -> Option<(i64, i64, i64)> {
        let mut sorted = self.values.clone();
        sorted.sort_unstable();
        let rank = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100).max(1);
            sorted.get(rank - 1).copied()
        };
        Some((rank(50)?, rank(99)?, *sorted.last()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(values: impl IntoIterator<Item = i64>) -> Option<(i64, i64, i64)> {
        let mut latencies = Latencies::default();
        values.into_iter().for_each(|value| latencies.add(value));
        latencies.summary()
    }

    #[test]
    fn ranks_are_the_nearest() {
        assert_eq!(summary([]), None);
        assert_eq!(summary([7]), Some((7, 7, 7)));
        assert_eq!(summary([9, 1]), Some((1, 9, 9)));
        assert_eq!(summary([3, 2, 1]), Some((2, 3, 3)));
        assert_eq!(summary((1..=100).rev()), Some((50, 99, 100)));
        assert_eq!(summary(1..=1000), Some((500, 990, 1000)));
        assert_eq!(summary([-5, -1]), Some((-5, -1, -1)));
    }

    #[test]
    fn no_more_than_a_bounded_number_is_kept() {
        let kept = KEPT as i64;
        let (_, _, max) = summary((0..kept + 3).rev()).expect("values");
        assert_eq!(max, kept - 1, "the three oldest, which were the largest, made room");
    }
}
