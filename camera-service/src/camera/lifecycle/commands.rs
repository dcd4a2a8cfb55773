//! What a camera is told: explicit starts and stops, and that its device is there or not.

use protocol::{ErrorKind, ErrorReply, Mode, ModeWish, StartedCamera};
use tokio::{sync::oneshot, time::Instant};

use super::{Command, Life, PendingStart, Phase, privacy};
use crate::camera::{Found, choice};

impl Life {
    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::Start { wish, by, reply } => self.start(wish, by, reply),
            Command::Stop { reply } => {
                self.hold = None;
                let now = Instant::now();
                if matches!(self.phase, Phase::Streaming(_)) && !self.is_wanted() {
                    self.close(now);
                }
                self.camera.update(|facts| facts.hold = None);
                // Who asked may have gone.
                let _ = reply.send(());
            }
            Command::Present(found) => self.present(found),
            Command::WhenClosed(reply) => self.when_closed.push(reply),
        }
    }

    fn start(
        &mut self,
        wish: ModeWish,
        by: String,
        reply: oneshot::Sender<Result<StartedCamera, ErrorReply>>,
    ) {
        match self.try_start(wish, by) {
            Ok(Some(mode)) => {
                tracing::info!(camera = %self.camera.id, by = self.starter(), "held open: {mode}");
                let _ = reply.send(Ok(StartedCamera { mode, affected: Vec::new() }));
            }
            Ok(None) => {
                let before = self.camera.facts().mode;
                self.pending.push(PendingStart { reply, before });
                let now = Instant::now();
                match self.phase {
                    Phase::Streaming(_) | Phase::Opening(..) => self.close(now),
                    Phase::Retry(_) => self.phase = Phase::Retry(now),
                    Phase::Closed | Phase::Closing(..) | Phase::Stuck(_) => {}
                }
            }
            Err(error) => {
                let _ = reply.send(Err(error));
            }
        }
    }

    /// The mode, where the camera is open in the one wished for already; `None` where it has to
    /// be opened.
    fn try_start(&mut self, wish: ModeWish, by: String) -> Result<Option<Mode>, ErrorReply> {
        let id = &self.camera.id;
        if self.is_off() {
            return Err(privacy::refusal(id));
        }
        if self.camera.device().is_none() {
            let message = format!("{id} cannot be started: {}", self.absence().0);
            return Err(ErrorReply::new(ErrorKind::Lost, message));
        }
        if matches!(self.phase, Phase::Stuck(_)) {
            let message = format!("{id} cannot be started: {}", self.camera.facts().reason);
            return Err(ErrorReply::new(ErrorKind::Device, message));
        }
        let (modes, now) = {
            let facts = self.camera.facts();
            (facts.modes.clone(), facts.mode)
        };
        let wish = choice::for_start(id, &modes, wish, now)?;
        self.hold = Some(wish);
        self.started_by = Some(by);
        self.wish = wish;
        if matches!(self.phase, Phase::Streaming(_)) && self.is_open_as(wish) {
            self.camera.update(|facts| facts.hold = Some(wish));
            return Ok(now);
        }
        Ok(None)
    }

    fn present(&mut self, found: Option<Found>) {
        let device = found.as_ref().map(|found| found.device.clone());
        let is_open = matches!(self.phase, Phase::Streaming(_) | Phase::Opening(..));
        if device.is_none() && is_open && self.camera.facts().descriptor.driver == "test" {
            // It has no cable to be pulled, and would go on.
            self.close(Instant::now());
        }
        if self.camera.facts().descriptor.driver == "published" {
            // Nobody could tell cameras apart that were published once and are held open for ever.
            // Its next publisher finds the start in force that was kept.
            let kept = self.context.starts.of(&self.camera.id);
            self.hold = self.hold.or(kept).filter(|_| device.is_some());
        }
        self.camera.controls.set_device(device.clone());
        self.camera.update(|facts| {
            if let Some(found) = &found {
                facts.descriptor = found.device.descriptor().clone();
                facts.modes.clone_from(&found.modes);
            }
            facts.device = device;
        });
        if matches!(self.phase, Phase::Retry(_)) {
            // Plugged in again: no need to wait. Unplugged: nothing to try.
            self.failures = 0;
            self.phase = Phase::Closed;
        }
    }
}
