//! `camera-service loopback` under test, and what comes out of its device.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use protocol::{Size, strip};
use serde_json::Value;
use tempfile::TempDir;

use crate::{Output, Program, Service, wait_until};

/// Longer than anything takes in an emulated machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running `camera-service loopback … --json`.
pub struct Loopback {
    program: Program,
}

impl Loopback {
    /// Writes `camera` into `device`, and waits until it does.
    #[track_caller]
    pub fn start(service: &Service, camera: &str, device: &str, more: &[&str]) -> Self {
        let args = [&["loopback", camera, device, "--json"], more].concat();
        let loopback = Self { program: service.cli_start(&args) };
        loopback.wait_for(0, "ready");
        loopback
    }

    /// What it told so far, a value a line.
    pub fn lines(&self) -> Vec<Value> {
        let text = self.program.stdout();
        let text = String::from_utf8_lossy(&text);
        // The last line may not be whole yet.
        text.split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
            .collect()
    }

    /// Waits until, after the first `from` lines, it tells `event`; gives the number of lines up
    /// to that.
    #[track_caller]
    pub fn wait_for(&self, from: usize, event: &str) -> usize {
        wait_until(&format!("the loopback to tell {event:?}"), PATIENCE, || {
            let lines = self.lines();
            let found = lines.iter().skip(from).position(|line| line["event"] == event);
            found
                .map(|at| from + at + 1)
                .ok_or_else(|| format!("{lines:?}\n{}", self.program.stderr()))
        })
    }

    /// The process.
    pub fn program(&mut self) -> &mut Program {
        &mut self.program
    }
}

/// What came out of a device: frames, and what was to be seen in them.
pub struct Footage {
    bytes: Vec<u8>,
    size: Size,
    /// Bytes of a frame, of a row of luma, and from one pixel's luma to the next.
    layout: (usize, usize, usize),
}

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// No light at all.
    Black,
    /// The test camera's picture with this number.
    Number(u64),
    /// Anything else.
    Other,
}

impl Footage {
    /// Frames of `size` in `format` (YUYV, I420 or NV12), one after the other.
    pub fn new(bytes: Vec<u8>, format: &str, size: Size) -> Self {
        let (width, area) = (size.width as usize, size.area() as usize);
        let layout =
            if format == "YUYV" { (area * 2, width * 2, 2) } else { (area * 3 / 2, width, 1) };
        Self { bytes, size, layout }
    }

    /// What is to be seen, frame by frame. Panics where the last frame is not whole.
    pub fn seen(&self) -> Vec<Seen> {
        let (frame, stride, step) = self.layout;
        assert_eq!(self.bytes.len() % frame, 0, "a frame is not whole");
        let one = |bytes: &[u8]| {
            let luma = &bytes[..stride * self.size.height as usize];
            if luma.iter().step_by(step).all(|luma| *luma <= 16) {
                return Seen::Black;
            }
            let strip = strip::read_bytes(luma, stride, step, self.size);
            strip.map_or(Seen::Other, |strip| Seen::Number(strip.sequence))
        };
        self.bytes.chunks_exact(frame).map(one).collect()
    }
}

/// A program that reads a device into a file until it is dropped or has read enough.
pub struct Reader {
    program: Program,
    _folder: TempDir,
    file: PathBuf,
}

impl Reader {
    /// `v4l2-ctl`, for `count` frames; 0 for as many as come.
    pub fn v4l2_ctl(device: &str, count: usize) -> Self {
        Self::start("v4l2-ctl", |file| {
            let mut command = Command::new("v4l2-ctl");
            command.args(["-d", device, "--stream-mmap", &format!("--stream-count={count}")]);
            command.arg(format!("--stream-to={}", file.display()));
            command
        })
    }

    /// `ffmpeg`, for `count` frames, as they come; 0 for as many as come.
    pub fn ffmpeg(device: &str, count: usize) -> Self {
        Self::start("ffmpeg", |file| {
            let mut command = Command::new("ffmpeg");
            command.args(["-nostdin", "-loglevel", "warning", "-f", "v4l2", "-i", device]);
            command.args(["-fps_mode", "passthrough", "-c:v", "copy"]);
            if count > 0 {
                command.args(["-frames:v", &count.to_string()]);
            }
            command.args(["-f", "rawvideo", "-y"]).arg(file);
            command
        })
    }

    fn start(name: &str, command: impl FnOnce(&Path) -> Command) -> Self {
        let folder = tempfile::tempdir().expect("the temporary folder can be written");
        let file = folder.path().join("frames");
        let program = Program::start(name, &mut command(&file));
        Self { program, _folder: folder, file }
    }

    /// All that it read, once it has ended.
    #[track_caller]
    pub fn wait(self) -> Vec<u8> {
        let (ended, bytes) = self.end();
        ended.ok();
        bytes
    }

    /// How it ended, and all that it read.
    #[track_caller]
    pub fn end(mut self) -> (Output, Vec<u8>) {
        let ended = self.program.wait(PATIENCE * 2);
        (ended, fs::read(&self.file).unwrap_or_default())
    }

    /// How it ended, once it has.
    pub fn ended(&mut self) -> Option<Output> {
        (!self.program.is_running()).then(|| self.program.wait(PATIENCE))
    }

    /// The bytes that it has read so far.
    pub fn so_far(&self) -> Vec<u8> {
        fs::read(&self.file).unwrap_or_default()
    }

    /// The last whole frame so far, of `length` bytes.
    pub fn last(&self, length: usize) -> Vec<u8> {
        let bytes = self.so_far();
        let whole = bytes.len() / length * length;
        bytes[whole.saturating_sub(length)..whole].to_vec()
    }
}
