//! `camera-service stream` as a process of its own, to be stopped and killed.

use rustix::process::Signal;

use crate::{Program, Service};

/// Bytes that a few small frames have at least.
const FRAMES: u64 = 2000;

/// A process that reads a small rendition and writes it into a file.
pub(super) struct Reader {
    pub(super) program: Program,
    pub(super) stopped: bool,
    /// The incarnation of the service that it connected to.
    pub(super) incarnation: u64,
    /// How much it had written when it was last looked at.
    mark: u64,
}

impl Reader {
    pub(super) fn start(service: &Service, camera: &str, inline: bool, incarnation: u64) -> Self {
        let mut args = vec!["stream", camera, "--format", "jpeg", "--size", "160x120", "-o", "-"];
        args.extend(inline.then_some("--inline"));
        Self { program: service.cli_start(&args), stopped: false, incarnation, mark: 0 }
    }

    pub(super) fn stop(&mut self) {
        self.program.signal(Signal::STOP);
        self.stopped = true;
    }

    pub(super) fn go_on(&mut self) {
        self.program.signal(Signal::CONT);
        self.stopped = false;
    }

    fn written(&self) -> u64 {
        self.program.stdout_file().metadata().map_or(0, |file| file.len())
    }

    /// From here on.
    pub(super) fn mark(&mut self) {
        self.mark = self.written();
    }

    /// Whether frames have come since the mark.
    pub(super) fn has_frames(&self) -> bool {
        self.written() >= self.mark + FRAMES
    }
}
