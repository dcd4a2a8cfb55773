//! What becomes of what the capture thread reports: that the device is open, that it delivers
//! nothing, that it failed.

use protocol::{CameraState, ErrorKind, ErrorReply, Mode, ModeWish, StartedCamera};

use super::{Life, Phase};
use crate::{
    camera::{
        Condition,
        capture::{End, Report},
        route,
    },
    device,
};

impl Life {
    pub(super) fn reported(&mut self, report: Option<Report>) {
        match report {
            Some(Report::Opened(mode)) => self.opened(mode),
            Some(Report::Ended(end)) => {
                let was = std::mem::replace(&mut self.phase, Phase::Closed);
                match (was, end) {
                    // What was asked for: `settle` finds out what comes next.
                    (Phase::Closing(..) | Phase::Stuck(_), _) | (_, End::Stopped) => {}
                    (_, End::Stalled) => self.stalled(),
                    (_, End::Failed { error, holders }) => self.failed(&error, &holders),
                }
            }
            None => {
                let was = std::mem::replace(&mut self.phase, Phase::Closed);
                if !matches!(was, Phase::Closing(..) | Phase::Stuck(_)) {
                    let source = std::io::Error::other("the capture thread panicked");
                    self.failed(&device::Error::Io { call: "capturing", source }, "");
                }
            }
        }
    }

    fn opened(&mut self, mode: Mode) {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Closed) {
            Phase::Opening(capturing, _) => Phase::Streaming(capturing),
            // It was told to stop meanwhile, or took so long that nobody counts on it.
            other => {
                self.phase = other;
                return;
            }
        };
        self.failures = 0;
        self.worked = Some(self.wish);
        self.tell(CameraState::Streaming, "", Some(mode));
        self.tell_live();
        for start in self.pending.drain(..) {
            let affected = start.before.map_or_else(Vec::new, |before| {
                let delivered = route::delivered;
                let watchers = &self.camera.watchers;
                watchers.affected(|request| delivered(request, before) != delivered(request, mode))
            });
            // Who asked may have gone.
            let _ = start.reply.send(Ok(StartedCamera { mode, affected }));
        }
    }

    fn stalled(&mut self) {
        if !self.is_wanted() {
            // Nobody waits for its frames; a publisher has even been told so.
            return;
        }
        let seconds = self.timeouts().stall_after.as_secs_f64();
        let reason = format!("no frame came for {seconds} s; it is being opened again");
        self.tell(CameraState::Stalled, &reason, None);
        self.condition(Condition::Lost(reason));
        self.retry_later();
    }

    pub(super) fn failed(&mut self, error: &device::Error, holders: &str) {
        let reason = match error {
            device::Error::Busy if !holders.is_empty() => {
                format!("held by {holders}; close it there and frames resume")
            }
            device::Error::Busy => {
                "held by another user's program, or one that cannot be seen; frames resume when it \
                 ends"
                    .to_owned()
            }
            other => other.to_string(),
        };
        let kind = match error {
            device::Error::Busy => ErrorKind::Busy,
            device::Error::Permission(_) => ErrorKind::Permission,
            device::Error::UnsupportedMode(_) => ErrorKind::UnsupportedMode,
            device::Error::Gone => ErrorKind::Lost,
            _ => ErrorKind::Device,
        };
        if !self.pending.is_empty() {
            // The start is refused, and things are as they were before it.
            self.hold = None;
            self.wish = self.worked.unwrap_or_default();
            let id = &self.camera.id;
            self.answer_starts(&Err(ErrorReply::new(kind, format!("{id}: {reason}"))));
        } else if kind == ErrorKind::UnsupportedMode {
            // The device changed its mind about what it offers.
            self.wish = ModeWish::default();
        }
        self.lost(&reason);
        self.retry_later();
    }
}
