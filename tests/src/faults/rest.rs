//! Nobody watches: nothing is left of those who did.

use std::collections::BTreeMap;

use protocol::CameraState;

use super::{
    Report, Rig,
    stage::{PATIENCE, Stage},
};
use crate::wait_until;

/// Steps from one rest to the next.
const STEPS: u32 = 40;
/// Rests that warm a service up: which buffers it keeps for the next time differs at first.
const WARM_UP: usize = 3;
/// What is left to fragmentation.
const HEAP_MARGIN: u64 = 1 << 20;
/// Mappings are also the allocator's, and stacks that are kept for the next thread.
const MAPS_MARGIN: usize = 16;

/// What a service had in use whenever nobody watched, since it was started.
#[derive(Debug, Default)]
pub(super) struct Rests {
    all: Vec<Rest>,
    last_step: u32,
}

/// What it has in use.
#[derive(Debug, Clone)]
struct Rest {
    heap: u64,
    maps: usize,
    descriptors: usize,
}

impl Rests {
    /// Another service runs from now on.
    pub(super) fn forget(&mut self) {
        self.all.clear();
    }

    /// Puts the figures into `report`. Panics where a service that was warm has grown.
    #[track_caller]
    pub(super) fn judge(&self, report: &mut Report) {
        let (Some(first), Some(last)) = (self.all.first(), self.all.last()) else { return };
        report.memory_at_start = first.heap;
        report.memory_at_end = last.heap;
        report.rests = self.all.len();
        if self.all.len() <= WARM_UP {
            return;
        }
        let warm = &self.all[..WARM_UP];
        let heap = warm.iter().map(|rest| rest.heap).max().unwrap_or(0);
        let maps = warm.iter().map(|rest| rest.maps).max().unwrap_or(0);
        assert!(last.heap <= heap + HEAP_MARGIN, "memory has grown: {:#?}", self.all);
        assert!(last.maps <= maps + MAPS_MARGIN, "mappings have been left: {:#?}", self.all);
    }
}

impl<R: Rig> Stage<R> {
    /// Now and then everybody leaves, and comes back.
    #[track_caller]
    pub(super) fn rest_when_due(&mut self) {
        if self.step >= self.rests.last_step + STEPS {
            self.rest();
            self.subscribe();
            self.wait_for_frames(1);
        }
    }

    /// Everybody leaves. Waits until nothing is left, and notes what the service has in use.
    #[track_caller]
    pub(super) fn rest(&mut self) {
        self.rests.last_step = self.step;
        self.count_subscribers();
        self.subscribers.clear();
        self.readers.clear();
        if self.rests.all.is_empty() {
            self.warm_up();
        }
        self.end_hold();
        wait_until("the service to rest", PATIENCE, || {
            let status = self.attended.must("the status", async |client| client.status().await);
            let closed = status.cameras.iter().all(|camera| {
                camera.state == CameraState::Closed && camera.watchers == 0 && !camera.held_open
            });
            let rests = closed && status.connections == 2 && status.slot_bytes == 0;
            if rests { Ok(()) } else { Err(format!("{status:?}")) }
        });
        let service = &self.attended.service;
        wait_until("threads to end", PATIENCE, || {
            let threads = service.threads_by_name();
            if rest_threads(&threads) { Ok(()) } else { Err(format!("{threads:?}")) }
        });
        let before = self.rests.all.first().map(|rest| rest.descriptors);
        wait_until("descriptors to be closed", PATIENCE, || {
            let open = service.descriptors();
            let closed = before.is_none_or(|before| open.len() <= before);
            let slots = open.iter().filter(|name| name.contains("/memfd:")).count();
            if closed && slots == 0 {
                Ok(())
            } else {
                Err(format!("at first {before:?}: {open:#?}"))
            }
        });
        self.rests.all.push(Rest {
            heap: service.anonymous_rss(),
            maps: service.maps_count(),
            descriptors: service.fd_count(),
        });
    }

    /// Has the camera opened once in each of its modes: what a driver that is a library keeps for
    /// each is not the service's to give back.
    #[track_caller]
    fn warm_up(&mut self) {
        for wish in self.rig.modes() {
            let camera = self.camera.clone();
            self.attended.must("a start", async |client| client.start_camera(&camera, wish).await);
        }
    }

    fn count_subscribers(&mut self) {
        for subscriber in &self.subscribers {
            let seen = subscriber.seen();
            self.report.frames += seen.frames;
            self.report.missed += seen.missed;
            self.report.reconnections += seen.connections.saturating_sub(1);
        }
    }
}

/// Whether these are the threads of a service whose cameras are closed, while events are read.
fn rest_threads(threads: &BTreeMap<String, usize>) -> bool {
    threads.iter().all(|(name, count)| match name.as_str() {
        "capture" | "modes" | "v4l2-finder" | crate::Shim::THREAD => false,
        // One for each camera of the rig, since events are read.
        "controls" => *count <= 2,
        "discovery" | "v4l2-hotplug" => *count == 1,
        // The main thread, the workers, and tokio's for files, which end when they are idle.
        _ => true,
    })
}
