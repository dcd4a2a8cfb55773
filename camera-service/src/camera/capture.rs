//! The capture thread: opens a device, brings its frames into slots, closes it.
//!
//! One thread for each opening. It ends when told to stop, when the device fails, and when it
//! delivers nothing for too long; the last thing it does is to close the device. Whoever has the
//! receiving end of its reports knows that it has ended when they end, even if it panicked.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use protocol::{FrameHeader, Mode, ModeWish};
use tokio::sync::mpsc;

use super::{Camera, Counters};
use crate::{
    clock,
    device::{self, Capture, Captured, Device, Next},
    slots::Pool,
};

/// How long a wait for a frame lasts before the thread looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(100);

/// What the thread reports.
pub(super) enum Report {
    /// The device is open in this mode; frames follow.
    Opened(Mode),
    /// The device is closed, and the thread ends.
    Ended(End),
}

/// Why a thread ended.
pub(super) enum End {
    /// It was told to.
    Stopped,
    /// No frame came for too long.
    Stalled,
    /// The device could not be opened, or failed. For a device that is in use, by whom.
    Failed { error: device::Error, holders: String },
}

/// A running capture thread, which stops when this is dropped.
pub(super) struct Capturing {
    stop: Arc<AtomicBool>,
    /// Two reports in its life at most.
    pub(super) reports: mpsc::Receiver<Report>,
}

impl Capturing {
    /// Tells the thread to stop; its reports end when it has.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Drop for Capturing {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Starts a thread that opens `device`. Its frames carry `epoch`.
pub(super) fn start(
    camera: Arc<Camera>,
    device: Arc<dyn Device>,
    wish: ModeWish,
    epoch: u64,
    stall_after: Duration,
) -> io::Result<Capturing> {
    let stop = Arc::new(AtomicBool::new(false));
    let (reporter, reports) = mpsc::channel(2);
    camera.counters.reset();
    let run = Run { camera, stop: stop.clone(), reporter, epoch, stall_after };
    thread::Builder::new().name("capture".to_owned()).spawn(move || {
        let end = run.run(&*device, &wish);
        let end = match end {
            Ok(end) => end,
            Err(error) => {
                let holders = match error {
                    device::Error::Busy => named(&device.holders()),
                    _ => String::new(),
                };
                End::Failed { error, holders }
            }
        };
        // Nobody listens any more when the service stops.
        let _ = run.reporter.blocking_send(Report::Ended(end));
    })?;
    Ok(Capturing { stop, reports })
}

fn named(holders: &[protocol::Holder]) -> String {
    // One that streams is the one in the way; who merely has it open is not.
    let streaming = holders.iter().any(|holder| holder.streaming);
    let names = holders.iter().filter(|holder| holder.streaming || !streaming);
    let names = names.map(|holder| match holder.pid {
        0 => holder.program.clone(),
        pid => format!("{} (pid {pid})", holder.program),
    });
    names.collect::<Vec<_>>().join(", ")
}

struct Run {
    camera: Arc<Camera>,
    stop: Arc<AtomicBool>,
    reporter: mpsc::Sender<Report>,
    epoch: u64,
    stall_after: Duration,
}

impl Run {
    fn run(&self, device: &dyn Device, wish: &ModeWish) -> Result<End, device::Error> {
        let mut capture = device.open(wish)?;
        if self.stop.load(Ordering::Relaxed) {
            return Ok(End::Stopped);
        }
        let pool = capture.pool();
        let mode = capture.mode();
        let result = if self.reporter.blocking_send(Report::Opened(mode)).is_ok() {
            self.frames(&mut *capture, &pool, mode)
        } else {
            Ok(End::Stopped)
        };
        self.camera.native.clear();
        pool.retire_all();
        result
    }

    fn frames(
        &self,
        capture: &mut dyn Capture,
        pool: &Pool,
        mode: Mode,
    ) -> Result<End, device::Error> {
        let counters = &self.camera.counters;
        // By the clock that stands still while the machine is suspended: not a stall.
        let mut last_frame = clock::monotonic_ns();
        let since = |then| Duration::from_nanos(clock::monotonic_ns().saturating_sub(then));
        let mut last_sequence = None;
        let mut meter = RateMeter::new();
        // A slow rate is no stall.
        let interval = Duration::from_nanos(mode.rate.interval_ns().unwrap_or(0));
        let stall_after = self.stall_after.max(interval.saturating_mul(3));
        while !self.stop.load(Ordering::Relaxed) {
            counters.alive_ns.store(clock::monotonic_ns(), Ordering::Relaxed);
            match capture.next_frame(pool, LOOK.min(self.stall_after))? {
                Next::Frame(frame) => {
                    last_frame = clock::monotonic_ns();
                    let sequence = frame.sequence;
                    let missing = last_sequence
                        .map_or(0, |last: u64| sequence.saturating_sub(last.saturating_add(1)));
                    last_sequence = Some(sequence);
                    counters.gaps.fetch_add(missing, Ordering::Relaxed);
                    counters.frames.fetch_add(1, Ordering::Relaxed);
                    if let Some(rate) = meter.frame(Instant::now()) {
                        counters.rate.store(rate, Ordering::Relaxed);
                    }
                    self.publish(frame, mode);
                }
                Next::Damaged { reason } => {
                    // The camera does deliver: it is not stalled.
                    last_frame = clock::monotonic_ns();
                    tracing::debug!(camera = %self.camera.id, "frame thrown away: {reason}");
                    counters.damaged.fetch_add(1, Ordering::Relaxed);
                }
                Next::TimedOut if since(last_frame) >= stall_after => {
                    return Ok(End::Stalled);
                }
                Next::TimedOut => {}
            }
        }
        Ok(End::Stopped)
    }

    fn publish(&self, frame: Captured, mode: Mode) {
        let Captured { slot, sequence, monotonic_ns, length, planes, colour } = frame;
        let age = clock::monotonic_ns().saturating_sub(monotonic_ns);
        let header = FrameHeader {
            sequence,
            monotonic_ns,
            unix_ns: clock::unix_ns().saturating_sub(age),
            size: mode.size,
            format: mode.format,
            planes,
            colour,
            length,
            dropped: 0,
        };
        self.camera.native.publish(slot.publish(header), self.epoch);
        self.camera.renditions.frame_arrived(monotonic_ns);
    }
}

impl Counters {
    fn reset(&self) {
        for counter in [&self.frames, &self.gaps, &self.damaged] {
            counter.store(0, Ordering::Relaxed);
        }
        self.rate.store(0, Ordering::Relaxed);
        self.alive_ns.store(clock::monotonic_ns(), Ordering::Relaxed);
    }
}

/// Frames a second, measured over a second at a time.
struct RateMeter {
    since: Option<Instant>,
    frames: u32,
}

impl RateMeter {
    fn new() -> Self {
        Self { since: None, frames: 0 }
    }

    /// Counts a frame; gives frames in 1,000 s once a second has passed.
    fn frame(&mut self, at: Instant) -> Option<u32> {
        let Some(since) = self.since else {
            self.since = Some(at);
            return None;
        };
        self.frames += 1;
        let passed = at.duration_since(since).as_secs_f64();
        if passed < 1.0 {
            return None;
        }
        let rate = (f64::from(self.frames) * 1000.0 / passed).round() as u32;
        (self.since, self.frames) = (Some(at), 0);
        Some(rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_is_measured_from_frame_to_frame() {
        let mut meter = RateMeter::new();
        let start = Instant::now();
        let rates: Vec<u32> =
            (0..=50).filter_map(|n| meter.frame(start + Duration::from_millis(40) * n)).collect();
        assert_eq!(rates, [25_000, 25_000]);
    }
}
