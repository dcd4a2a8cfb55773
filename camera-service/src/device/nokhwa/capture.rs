//! A camera opened for frames.
//!
//! The system waits for a frame for as long as it takes, so a thread named `camera-reader` does that
//! and keeps the newest frame for whoever asks within a time of its own. A frame is copied once
//! more than it need be.
//!
//! Windows starts a camera at its first frame: only then does it say that another program has it.
//! So a camera counts as open when that is there.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use ::nokhwa::utils::CameraIndex;
use pixels::Layout;
use protocol::{Colour, Mode, PixelFormat, Plane};

use super::reader::Reader;
use crate::{
    clock,
    device::{Capture, Captured, Error, Next},
    slots::Pool,
};

/// A camera that gives no frame for so long after it was opened counts as open all the same: that
/// is a stall then, and no opening that hangs.
const FIRST_FRAME: Duration = Duration::from_secs(5);

/// A camera that streams. Dropping it waits until the camera is closed, which a camera that
/// delivers nothing can put off for ever.
pub(super) struct NokhwaCapture {
    mode: Mode,
    planes: Vec<Plane>,
    frame_bytes: usize,
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Whether the camera was opened.
    open: bool,
    /// Whether a frame has come.
    delivers: bool,
    /// The newest frame, until it is asked for.
    newest: Option<Frame>,
    /// Why no more frames come.
    error: Option<Error>,
    /// Nobody wants frames any more.
    stop: bool,
}

struct Frame {
    sequence: u64,
    monotonic_ns: u64,
    bytes: Vec<u8>,
}

impl NokhwaCapture {
    /// Opens the camera in one of the modes that it offers, and has it deliver.
    pub(super) fn start(index: &CameraIndex, mode: Mode) -> Result<Self, Error> {
        let (planes, frame_bytes) = match Layout::tight(mode.format, mode.size) {
            Some(layout) => (layout.planes, layout.length),
            // No JPEG image of a camera is larger than its pixels in YUYV.
            None => (vec![Plane { offset: 0, stride: 0 }], mode.size.area() as usize * 2),
        };
        if frame_bytes > Pool::MAX_BYTES {
            return Err(Error::Unsupported("frames of a sensible size in this mode"));
        }
        let shared = Arc::new(Shared::default());
        let reader = {
            let (shared, index) = (shared.clone(), index.clone());
            let run = move || {
                let mut last = LastWord { shared: &shared, error: Error::Gone };
                match read(&index, mode, &shared) {
                    Ok(()) => {}
                    Err(error) => last.error = error,
                }
            };
            thread::Builder::new().name("camera-reader".to_owned()).spawn(run)
        };
        let reader = reader.map_err(|source| Error::Io { call: "starting a thread", source })?;
        let capture = Self { mode, planes, frame_bytes, shared, reader: Some(reader) };
        let changed = &capture.shared.changed;
        let opening = |state: &mut State| !state.open && state.error.is_none();
        let opened = changed.wait_while(capture.shared.lock(), opening);
        let state = opened.unwrap_or_else(PoisonError::into_inner);
        let starting = |state: &mut State| !state.delivers && state.error.is_none();
        let waited = changed.wait_timeout_while(state, FIRST_FRAME, starting);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let error = state.error.take();
        drop(state);
        match error {
            Some(error) => Err(error),
            None => Ok(capture),
        }
    }

    /// What is wrong with these bytes as a frame.
    fn fault(&self, bytes: &[u8]) -> Option<&'static str> {
        match self.mode.format {
            _ if bytes.len() > self.frame_bytes => Some("it is longer than its mode allows"),
            PixelFormat::Mjpg if !bytes.starts_with(&[0xff, 0xd8]) => {
                Some("it does not begin like a JPEG image")
            }
            PixelFormat::Mjpg => None,
            _ if bytes.len() < self.frame_bytes => Some("it is shorter than its mode demands"),
            _ => None,
        }
    }
}

/// Says why no more frames come when the reader ends, also where it panics: whoever waits for a
/// frame, or for the camera to be open, would wait for ever.
struct LastWord<'a> {
    shared: &'a Shared,
    error: Error,
}

impl Drop for LastWord<'_> {
    fn drop(&mut self) {
        let error = std::mem::replace(&mut self.error, Error::Gone);
        self.shared.change(|state| state.error = Some(error));
    }
}

/// The reader's thread: opens the camera, reads until told to stop, closes it.
fn read(index: &CameraIndex, mode: Mode, shared: &Shared) -> Result<(), Error> {
    let mut reader = Reader::open(index, mode)?;
    shared.change(|state| state.open = true);
    let mut sequence = 0;
    while !shared.lock().stop {
        let Some(bytes) = reader.read()? else { continue };
        let frame = Frame { sequence, monotonic_ns: clock::monotonic_ns(), bytes };
        sequence += 1;
        shared.change(|state| {
            state.delivers = true;
            state.newest = Some(frame);
        });
    }
    Ok(())
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }
}

impl Capture for NokhwaCapture {
    fn mode(&self) -> Mode {
        self.mode
    }

    fn frame_bytes(&self) -> usize {
        self.frame_bytes
    }

    fn next_frame(&mut self, pool: &Pool, timeout: Duration) -> Result<Next, Error> {
        let nothing = |state: &mut State| state.newest.is_none() && state.error.is_none();
        let waited = self.shared.changed.wait_timeout_while(self.shared.lock(), timeout, nothing);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let Some(frame) = state.newest.take() else {
            return state.error.take().map_or(Ok(Next::TimedOut), Err);
        };
        drop(state);
        if let Some(reason) = self.fault(&frame.bytes) {
            return Ok(Next::Damaged { reason });
        }
        let mut slot =
            pool.acquire().map_err(|source| Error::Io { call: "making a slot", source })?;
        slot[..frame.bytes.len()].copy_from_slice(&frame.bytes);
        let jpeg_or_rgb = matches!(
            self.mode.format,
            PixelFormat::Mjpg | PixelFormat::Rgb | PixelFormat::Bgr | PixelFormat::Rgba
        );
        Ok(Next::Frame(Captured {
            slot,
            sequence: frame.sequence,
            monotonic_ns: frame.monotonic_ns,
            length: frame.bytes.len() as u32,
            planes: self.planes.clone(),
            colour: if jpeg_or_rgb { Colour::JPEG } else { Colour::VIDEO },
        }))
    }
}

impl Drop for NokhwaCapture {
    fn drop(&mut self) {
        self.shared.change(|state| state.stop = true);
        if let Some(reader) = self.reader.take() {
            // A panic of the reader has been reported; it ends the frames either way.
            let _ = reader.join();
        }
    }
}
