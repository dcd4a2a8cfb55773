//! What must hold at every moment, and what is shown where something does not.

use protocol::CameraState;

use super::{
    Rig,
    stage::{PATIENCE, Stage},
};
use crate::wait_until;

/// Last faults that are shown.
const SHOWN: usize = 40;

impl<R: Rig> Stage<R> {
    /// Panics where something happened that never may.
    #[track_caller]
    pub(super) fn invariants(&mut self) {
        let status = self.attended.service.exit_status();
        assert!(status.is_none(), "the service has ended: {status:?}");
        for subscriber in &self.subscribers {
            let wrong = subscriber.seen().wrong;
            assert!(wrong.is_empty(), "{}: {wrong:#?}", subscriber.name());
        }
        let wrong = self.record.wrong();
        assert!(wrong.is_empty(), "{wrong:#?}");
        // All calls return here. A machine that is busy, or a service that was stopped, may have
        // one look stuck for a moment; not for longer.
        wait_until("no camera to be said to be stuck", PATIENCE, || {
            let cameras = self.record.picture().cameras;
            let mut stuck = cameras.values().filter(|camera| camera.state == CameraState::Stuck);
            stuck.next().map_or(Ok(()), |camera| Err(format!("{camera:?}")))
        });
        // The rig has one camera that is opened. One thread ends as the next begins, so they are
        // looked at until that is over.
        wait_until("one capture thread at most", PATIENCE, || {
            let threads = self.attended.service.threads_by_name();
            let count = |name: &str| threads.get(name).copied().unwrap_or(0);
            let few = count("capture") <= 1 && count("modes") <= 1 && count("v4l2-finder") <= 1;
            if few { Ok(()) } else { Err(format!("{threads:?}")) }
        });
    }

    /// Shows what was done and seen.
    pub(super) fn explain(&self) {
        let (seed, steps) = (self.plan.seed, self.plan.steps);
        eprintln!("--- FAULTS_SEED={seed} FAULTS_STEPS={steps}, at step {}", self.step);
        for done in &self.history[self.history.len().saturating_sub(SHOWN)..] {
            eprintln!("{done}");
        }
        eprintln!("--- {:?}", self.model);
        for subscriber in &self.subscribers {
            eprintln!("--- {}: {:?}", subscriber.name(), subscriber.seen());
        }
        for reader in &self.readers {
            let (pid, stopped) = (reader.program.pid(), reader.stopped);
            eprintln!("--- reader {pid}, stopped: {stopped}: {}", reader.program.stderr());
        }
        eprintln!("--- told:\n{}--- {:?}", self.record.last_told(), self.record.picture());
        if std::path::Path::new(&format!("/proc/{}", self.attended.service.pid())).exists() {
            eprintln!("--- threads: {:?}", self.attended.service.threads_by_name());
        }
    }
}
