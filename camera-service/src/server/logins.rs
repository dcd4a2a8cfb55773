//! Failed log-ins: each is told in the log, but not more than somebody would read.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Most lines in a minute.
const MOST: u32 = 6;
const MINUTE: Duration = Duration::from_secs(60);

/// Counts failed log-ins.
#[derive(Default)]
pub(super) struct FailedLogins(Mutex<Option<Minute>>);

struct Minute {
    began: Instant,
    failed: u32,
}

impl FailedLogins {
    /// Notes that somebody at `remote` failed to log in.
    pub(super) fn note(&self, remote: &str) {
        if let Some(before) = self.count(Instant::now()) {
            if before > 0 {
                tracing::warn!("{before} more log-ins failed");
            }
            tracing::warn!(remote, "a log-in failed");
        }
    }

    /// Counts one; whether it is to be told, and how many were not since the last one was.
    fn count(&self, now: Instant) -> Option<u32> {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut untold = 0;
        let current = match &mut *minute {
            Some(minute) if now.duration_since(minute.began) < MINUTE => minute,
            over => {
                untold = over.take().map_or(0, |minute| minute.failed.saturating_sub(MOST));
                over.insert(Minute { began: now, failed: 0 })
            }
        };
        current.failed = current.failed.saturating_add(1);
        (current.failed <= MOST).then_some(untold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_some_lines_a_minute_and_its_number_is_told() {
        let failed = FailedLogins::default();
        let begin = Instant::now();
        let told: Vec<_> = (0..1000).filter_map(|_| failed.count(begin)).collect();
        assert_eq!(told, [0; MOST as usize]);
        assert_eq!(failed.count(begin + MINUTE), Some(1000 - MOST));
        assert_eq!(failed.count(begin + MINUTE), Some(0));
    }
}
