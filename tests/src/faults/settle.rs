//! All faults are taken back: then frames come to everybody, and everything that the service says
//! agrees.

use std::time::{Duration, Instant};

use protocol::{CameraState, CameraSummary, ClientSummary, Role, ServiceStatus};

use super::{
    Rig,
    stage::{PATIENCE, Stage},
};
use crate::wait_until;

/// So many frames show that they flow, and are not the last of before.
const FRAMES: u64 = 4;
/// Connections that only ask: the attendant's and the record's.
const ASKING: u32 = 2;
/// Most bytes in slots: sixteen of the camera's largest frames, and as many of two renditions.
const SLOT_BYTES: u64 = 16 * (1920 * 1080 * 2) + 2 * 16 * 160 * 120 * 4;

impl<R: Rig> Stage<R> {
    /// Takes everything back and demands that all is well.
    #[track_caller]
    pub(super) fn settle(&mut self) {
        self.heal();
        let healed = Instant::now();
        self.wait_for_frames(1);
        self.note_recovery(healed.elapsed());
        self.replace_readers();
        self.wait_for_frames(FRAMES);
        self.wait_for_readers();
        self.agree();
        self.compare_controls();
        self.invariants();
        self.model.disturbed = false;
        self.burst.clear();
        self.rest_when_due();
    }

    /// Waits until each subscriber has had so many frames from now on.
    #[track_caller]
    pub(super) fn wait_for_frames(&self, count: u64) {
        let frames = |stage: &Self| -> Vec<u64> {
            stage.subscribers.iter().map(|subscriber| subscriber.seen().frames).collect()
        };
        let before = frames(self);
        wait_until("frames for every subscriber", PATIENCE, || {
            let now = frames(self);
            let all = before.iter().zip(&now).all(|(before, now)| *now >= before + count);
            if all { Ok(()) } else { Err(format!("frames before {before:?}, now {now:?}")) }
        });
    }

    fn note_recovery(&mut self, took: Duration) {
        if self.burst.is_empty() {
            // The start.
            return;
        }
        let report = &mut self.report;
        report.recoveries += 1;
        if took > report.worst_recovery {
            report.worst_recovery = took;
            report.worst_after = self.burst.join(", ");
        }
    }

    /// Readers live, but for those that the service's end has ended: these are replaced.
    #[track_caller]
    fn replace_readers(&mut self) {
        let incarnation = self.attended.incarnation();
        for reader in &mut self.readers {
            let lives = reader.program.is_running();
            assert!(
                lives || reader.incarnation != incarnation,
                "a reader has ended: {}",
                reader.program.stderr()
            );
        }
        self.readers.retain_mut(|reader| reader.program.is_running());
        self.replenish();
        for reader in &mut self.readers {
            reader.mark();
        }
    }

    #[track_caller]
    fn wait_for_readers(&self) {
        wait_until("frames for every reader", PATIENCE, || {
            let without = self.readers.iter().filter(|reader| !reader.has_frames());
            let without: Vec<_> = without.map(|reader| reader.program.pid()).collect();
            if without.is_empty() { Ok(()) } else { Err(format!("none for {without:?}")) }
        });
    }

    /// Waits until `status`, `clients` and the events agree with one another and with what was
    /// done.
    #[track_caller]
    fn agree(&mut self) {
        wait_until("status, clients and events to agree", PATIENCE, || {
            let (status, clients) = self.attended.must("the status", async |client| {
                Ok((client.status().await?, client.clients().await?))
            });
            self.judge_status(&status)?;
            self.judge_clients(&clients)?;
            self.judge_picture(&status, &clients)
        });
    }

    /// Whether the status is what was done.
    fn judge_status(&self, status: &ServiceStatus) -> Result<(), String> {
        let watchers = (self.subscribers.len() + self.readers.len()) as u32;
        let is_well = |camera: &CameraSummary| {
            let held = self.model.held;
            camera.id == self.camera
                && camera.state == CameraState::Streaming
                && camera.present
                && camera.watchers == watchers
                && (!camera.held_open || held.is_none() || camera.mode == held)
        };
        let right = status.cameras.iter().any(is_well)
            && status.connections == watchers + ASKING
            && !status.privacy_off
            && status.slot_bytes > 0
            && status.slot_bytes <= SLOT_BYTES;
        if right { Ok(()) } else { Err(format!("{watchers} watch, but {status:?}")) }
    }

    /// Whether the clients are those that live.
    fn judge_clients(&self, clients: &[ClientSummary]) -> Result<(), String> {
        let streams = clients.iter().filter(|client| client.role == Role::Stream);
        let watching = streams.filter(|client| client.camera.as_ref() == Some(&self.camera));
        let watching: Vec<_> = watching.collect();
        let subscribers = self.subscribers.iter().all(|subscriber| {
            let id = subscriber.seen().connection;
            watching.iter().any(|client| Some(client.id) == id && client.name == subscriber.name())
        });
        let readers = self
            .readers
            .iter()
            .all(|reader| watching.iter().any(|client| client.pid == reader.program.pid()));
        let all = watching.len() == self.subscribers.len() + self.readers.len();
        if subscribers && readers && all { Ok(()) } else { Err(format!("{clients:?}")) }
    }

    /// Whether the events, played, are what the service says.
    fn judge_picture(
        &self,
        status: &ServiceStatus,
        clients: &[ClientSummary],
    ) -> Result<(), String> {
        let picture = self.record.picture();
        // What is counted all the time is not told all the time.
        let counted_out =
            |client: &ClientSummary| ClientSummary { frames: 0, dropped: 0, ..client.clone() };
        let told: Vec<_> = picture.clients.values().map(counted_out).collect();
        let clients: Vec<_> = clients.iter().map(counted_out).collect();
        let cameras: Vec<_> = picture.cameras.values().cloned().collect();
        let agrees = picture.connected
            && cameras == status.cameras
            && told == clients
            && picture.off == status.privacy_off;
        if agrees {
            Ok(())
        } else {
            Err(format!("events tell {cameras:?} {told:?}, but {status:?} {clients:?}"))
        }
    }

    /// Controls have the values that the camera took.
    #[track_caller]
    fn compare_controls(&mut self) {
        let expected = self.model.controls.clone();
        if expected.is_empty() {
            return;
        }
        let names: Vec<String> = expected.keys().map(|name| (*name).to_owned()).collect();
        let camera = self.camera.clone();
        let controls = self
            .attended
            .must("controls", async |client| client.get_controls(&camera, names).await);
        for control in controls {
            let value = expected.get(control.name.as_str()).copied();
            let expected = value.map(protocol::ControlValue::Integer);
            assert_eq!(Some(&control.value), expected.as_ref(), "{}", control.name);
        }
    }
}
