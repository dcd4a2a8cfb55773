//! A camera's life: when its device is opened and closed, and what becomes of failures.
//!
//! One task for each camera, on the I/O thread. It never blocks: the device is touched by the
//! capture thread only, of which there is one at most. A thread that does not end in time makes
//! the camera stuck, and no other is started until it has returned.

mod commands;
mod opening;
mod privacy;
mod reports;
mod tell;

use std::{sync::Arc, time::Duration};

use protocol::{CameraState, ErrorKind, ErrorReply, Mode, ModeWish, StartedCamera};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

use super::{
    Camera, Condition, Context, Found,
    capture::{Capturing, Report},
    choice,
};
use crate::{clock, config::Timeouts};

/// A life that is woken so late was stopped with the whole process, and so was the capture thread …
const LATE: Duration = Duration::from_millis(200);
/// … which gets this time to show that it lives.
const EXCUSE: Duration = Duration::from_millis(300);

/// What a camera can be told.
pub(super) enum Command {
    /// Open in a mode and hold it, or change the mode for all.
    Start {
        wish: ModeWish,
        /// Who asks, for people to read.
        by: String,
        reply: oneshot::Sender<Result<StartedCamera, ErrorReply>>,
    },
    /// End the hold.
    Stop { reply: oneshot::Sender<()> },
    /// The device is there, or not any more.
    Present(Option<Found>),
    /// Tell when the device is closed, or cannot be.
    WhenClosed(oneshot::Sender<()>),
}

/// Where the device is in its life.
enum Phase {
    Closed,
    /// It failed and is tried again at this time.
    Retry(Instant),
    /// It is being opened, by this time.
    Opening(Capturing, Instant),
    Streaming(Capturing),
    /// It is being closed, by this time.
    Closing(Capturing, Instant),
    /// A call into it does not return.
    Stuck(Capturing),
}

/// An explicit start that was not answered yet.
struct PendingStart {
    reply: oneshot::Sender<Result<StartedCamera, ErrorReply>>,
    /// The mode in which the camera was open until then.
    before: Option<Mode>,
}

struct Life {
    camera: Arc<Camera>,
    context: Context,
    phase: Phase,
    /// Explicit starts hold the camera open in this mode.
    hold: Option<ModeWish>,
    /// Who asked for the last of them; not known where that was before a restart.
    started_by: Option<String>,
    /// What the camera is opened with.
    wish: ModeWish,
    /// What it was opened with successfully, to go back to when a new mode fails.
    worked: Option<ModeWish>,
    watched: bool,
    epoch: u64,
    failures: u32,
    /// When the camera is closed, since nobody watches.
    close_at: Option<Instant>,
    pending: Vec<PendingStart>,
    /// Until then nothing counts as stuck.
    excused: Instant,
    /// Who waits for the device to be closed; each is a request, so they are bounded.
    when_closed: Vec<oneshot::Sender<()>>,
}

/// Lives a camera's life.
pub(super) async fn live(
    camera: Arc<Camera>,
    mut inbox: mpsc::Receiver<Command>,
    context: Context,
) {
    let mut privacy_off = context.privacy_off.clone();
    let stop = context.stop.clone();
    // What the service before this one held open is held open again.
    let hold = context.starts.of(&camera.id);
    let mut life = Life {
        camera: camera.clone(),
        context,
        phase: Phase::Closed,
        hold,
        started_by: None,
        wish: hold.unwrap_or_default(),
        worked: None,
        watched: false,
        epoch: 0,
        failures: 0,
        close_at: None,
        pending: Vec::new(),
        excused: Instant::now(),
        when_closed: Vec::new(),
    };
    camera.controls.set_device(camera.device());
    camera.update(|facts| facts.hold = hold);
    loop {
        life.settle();
        if life.is_over() {
            // What it was told in the meantime counts; after that nobody can tell it anything.
            match inbox.try_recv() {
                Ok(command) => life.command(command),
                Err(_) => {
                    inbox.close();
                    break;
                }
            }
            continue;
        }
        let deadline = life.deadline();
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            report = next_report(&mut life.phase) => life.reported(report),
            Some(command) = inbox.recv() => life.command(command),
            () = camera.watchers.changed.notified() => life.watchers_changed(),
            Ok(()) = privacy_off.changed() => life.privacy_changed(),
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {}
        }
        let now = Instant::now();
        if deadline.is_some_and(|deadline| now > deadline + LATE) {
            life.excused = now + EXCUSE;
        }
    }
    life.end().await;
}

/// The next report of the capture thread; `None` when the thread has ended. Waits for ever
/// where there is no thread.
async fn next_report(phase: &mut Phase) -> Option<Report> {
    match phase {
        Phase::Opening(capturing, _)
        | Phase::Streaming(capturing)
        | Phase::Closing(capturing, _)
        | Phase::Stuck(capturing) => capturing.reports.recv().await,
        Phase::Closed | Phase::Retry(_) => std::future::pending().await,
    }
}

impl Life {
    fn timeouts(&self) -> Timeouts {
        self.context.config.borrow().timeouts.clone()
    }

    fn is_off(&self) -> bool {
        *self.context.privacy_off.borrow()
    }

    fn is_wanted(&self) -> bool {
        !self.is_off() && (self.hold.is_some() || self.camera.watchers.has_streams())
    }

    /// The device is gone, and nobody waits for it.
    fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Closed)
            && self.hold.is_none()
            && self.camera.watchers.is_empty()
            && self.camera.device().is_none()
    }

    /// Does all that follows from how things are now.
    fn settle(&mut self) {
        let now = Instant::now();
        // Before it may be opened anew.
        self.tell_closed();
        if self.is_off() {
            self.turn_off(now);
        }
        match &self.phase {
            Phase::Closed => self.settle_closed(now),
            Phase::Retry(at) => {
                // A failure may be told after the unplugging that it came of: then there is
                // nothing to try until the device is back.
                if !self.is_wanted() || self.camera.device().is_none() {
                    self.phase = Phase::Closed;
                    self.settle_closed(now);
                } else if *at <= now {
                    self.open(now);
                }
            }
            Phase::Opening(_, by) | Phase::Closing(_, by) if *by.max(&self.excused) <= now => {
                self.stuck();
            }
            Phase::Opening(..) | Phase::Closing(..) | Phase::Stuck(_) => {}
            Phase::Streaming(_) => self.settle_streaming(now),
        }
        self.tell_privacy();
        self.tell_closed();
        let hold = self.hold;
        self.camera.update(|facts| facts.hold = hold);
    }

    fn settle_closed(&mut self, now: Instant) {
        if self.is_off() {
            self.tell(CameraState::Blocked, "all cameras are turned off", None);
        } else if !self.is_wanted() {
            self.failures = 0;
            let reason = if self.camera.device().is_none() { self.absence().0 } else { "" };
            self.tell(CameraState::Closed, reason, None);
            self.condition(Condition::Waiting);
        } else if self.camera.device().is_some() {
            self.open(now);
        } else {
            let (absence, remedy) = self.absence();
            self.lost(&format!("{absence}; {remedy} and frames resume"));
        }
    }

    /// How to say that the device is not there, and what brings it back.
    fn absence(&self) -> (&'static str, &'static str) {
        match self.camera.facts().descriptor.driver.as_str() {
            "published" => ("its publisher is gone", "publish it again"),
            "test" => ("it was removed", "add it again"),
            _ => ("the camera is unplugged", "plug it in"),
        }
    }

    fn settle_streaming(&mut self, now: Instant) {
        if self.is_wanted() {
            self.close_at = None;
            self.tell_live();
        } else {
            // Who comes next may be the first one, whose wish decides about the mode.
            self.condition(Condition::Waiting);
            let grace = self.timeouts().close_after;
            if *self.close_at.get_or_insert(now + grace) <= now {
                self.close(now);
            }
        }
        let silent = self.silence() > self.patience() && self.excused <= now;
        if matches!(self.phase, Phase::Streaming(_)) && silent {
            self.stuck();
        }
    }

    /// How long the capture thread has shown no sign of life.
    fn silence(&self) -> Duration {
        let alive = self.camera.counters.alive_ns.load(std::sync::atomic::Ordering::Relaxed);
        Duration::from_nanos(clock::monotonic_ns().saturating_sub(alive))
    }

    /// How long it may.
    fn patience(&self) -> Duration {
        let timeouts = self.timeouts();
        timeouts.stall_after + timeouts.close_within
    }

    fn deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Closed | Phase::Stuck(_) => None,
            Phase::Retry(at) => Some(*at),
            Phase::Opening(_, by) | Phase::Closing(_, by) => Some(*by.max(&self.excused)),
            Phase::Streaming(_) => {
                let look = Instant::now() + self.patience().saturating_sub(self.silence());
                let look = (look + Duration::from_millis(1)).max(self.excused);
                Some(self.close_at.map_or(look, |close_at| close_at.min(look)))
            }
        }
    }

    fn answer_starts(&mut self, answer: &Result<StartedCamera, ErrorReply>) {
        for start in self.pending.drain(..) {
            // Who asked may have gone.
            let _ = start.reply.send(answer.clone());
        }
    }

    fn watchers_changed(&mut self) {
        let watched = self.camera.watchers.has_streams();
        let first = watched && !std::mem::replace(&mut self.watched, watched);
        self.watched = watched;
        if !first || self.hold.is_some() {
            return;
        }
        // Nobody else watches: the first one's wish decides.
        let Some(request) = self.camera.watchers.first_request() else { return };
        let wish = choice::for_stream(&self.camera.facts().modes, &request);
        match &self.phase {
            Phase::Streaming(_) if !self.is_open_as(wish) => {
                self.wish = wish;
                self.close(Instant::now());
            }
            Phase::Streaming(_) | Phase::Opening(..) => {}
            _ => self.wish = wish,
        }
    }

    fn is_open_as(&self, wish: ModeWish) -> bool {
        let mode = self.camera.facts().mode;
        mode.is_some_and(|mode| {
            wish.format.is_none_or(|format| format == mode.format)
                && wish.size.is_none_or(|size| size == mode.size)
                && wish.rate.is_none_or(|rate| rate == mode.rate)
        })
    }

    async fn end(&mut self) {
        self.camera.controls.set_device(None);
        let stopping = ErrorReply::new(ErrorKind::Stopping, "camera-service is stopping");
        self.answer_starts(&Err(stopping));
        let now = Instant::now();
        let by = now + self.timeouts().close_within.min(Duration::from_secs(1));
        self.close(now);
        if let Phase::Closing(capturing, _) | Phase::Stuck(capturing) = &mut self.phase {
            let ended = async { while capturing.reports.recv().await.is_some() {} };
            if tokio::time::timeout_at(by, ended).await.is_err() {
                tracing::warn!(camera = %self.camera.id, "its capture thread was left behind");
            }
        }
        let gone = ErrorReply::new(ErrorKind::Lost, format!("{} is gone", self.camera.id));
        self.condition(Condition::Ended(gone));
    }
}
