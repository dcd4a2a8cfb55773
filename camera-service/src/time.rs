//! Points in time and durations as text, and the age of frames.

use std::time::Duration;

use protocol::FrameHeader;

use crate::clock;

/// A point in time, in UTC.
struct Utc {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
    milli: u64,
}

impl Utc {
    fn new(unix_ns: u64) -> Self {
        let seconds = unix_ns / 1_000_000_000;
        let mut day = seconds / 86_400;
        let mut year = 1970;
        let leap = |year: u64| {
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
        };
        // A u64 of nanoseconds ends in the year 2554: a few hundred turns at most.
        while day >= 365 + u64::from(leap(year)) {
            day -= 365 + u64::from(leap(year));
            year += 1;
        }
        let february = 28 + u64::from(leap(year));
        let mut month = 1;
        for days in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
            if day < days {
                break;
            }
            day -= days;
            month += 1;
        }
        Self {
            year,
            month,
            day: day + 1,
            hour: seconds / 3600 % 24,
            minute: seconds / 60 % 60,
            second: seconds % 60,
            milli: unix_ns / 1_000_000 % 1000,
        }
    }
}

/// `2026-11-21T01:31:39.123Z`.
pub(crate) fn rfc3339(unix_ns: u64) -> String {
    let Utc { year, month, day, hour, minute, second, milli } = Utc::new(unix_ns);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// `20261121T013139Z`, for names of files.
pub(crate) fn compact(unix_ns: u64) -> String {
    let Utc { year, month, day, hour, minute, second, .. } = Utc::new(unix_ns);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// Year, month and day in UTC.
pub(crate) fn date(unix_ns: u64) -> (i32, u8, u8) {
    let Utc { year, month, day, .. } = Utc::new(unix_ns);
    // A u64 of nanoseconds ends in the year 2554.
    let small = |number: u64| u8::try_from(number).unwrap_or(u8::MAX);
    (i32::try_from(year).unwrap_or(i32::MAX), small(month), small(day))
}

/// How long ago that was, for people: `12 s`, `3 min`, `5 h`, `2 d`.
pub(crate) fn ago(unix_ns: u64) -> String {
    span(Duration::from_nanos(clock::unix_ns().saturating_sub(unix_ns)))
}

fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Time since a frame was captured, in µs. Negative where its time stamp lies in the future, as
/// some drivers have it.
pub(crate) fn latency_us(header: &FrameHeader) -> i64 {
    let ns = i128::from(clock::monotonic_ns()) - i128::from(header.monotonic_ns);
    i64::try_from(ns / 1000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn dates_are_right_at_the_turns_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399, "2000-02-28T23:59:59.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (951_868_800, "2000-03-01T00:00:00.000Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000Z"),
            (1_795_224_699, "2026-11-21T01:31:39.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(seconds * SECOND), expected);
        }
        assert_eq!(rfc3339(123_999_999), "1970-01-01T00:00:00.123Z");
        assert_eq!(compact(1_795_224_699 * SECOND), "20261121T013139Z");
        assert!(rfc3339(u64::MAX).starts_with("2554-07-21T"));
    }

    #[test]
    fn spans_are_short() {
        let texts = [0, 119, 120, 7199, 7200, 172_799, 172_800]
            .map(|seconds| span(Duration::from_secs(seconds)));
        assert_eq!(texts, ["0 s", "119 s", "2 min", "119 min", "2 h", "47 h", "2 d"]);
    }
}
