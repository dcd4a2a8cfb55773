//! The thread that writes into the device: always the newest picture, and black by the second
//! where there is none.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use protocol::client::frame::Frame;
use tokio::sync::oneshot;

use super::{Canvas, LoopbackError};
use crate::device::v4l2::{Output, Written};

/// From one black frame to the next: a reader that gets none for some seconds gives up.
const BLACK_EVERY: Duration = Duration::from_secs(1);
/// How long the end waits for the thread. No call into the driver takes long.
const END: Duration = Duration::from_millis(500);

/// What is to be seen.
pub(super) enum Picture {
    /// Nothing, and nobody looks: one black frame, so that the device stays a camera and the
    /// last picture is not what the next reader sees first.
    Rest,
    /// Black, again and again.
    Black,
    /// This frame.
    Frame(Frame),
}

/// Writes pictures on a thread of its own. Dropping it ends the thread.
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// `None` once it was told.
    failed: Option<oneshot::Receiver<LoopbackError>>,
}

#[derive(Default)]
struct Shared {
    next: Mutex<Next>,
    changed: Condvar,
}

#[derive(Default)]
struct Next {
    /// One at most: a newer picture takes the place of one that was not begun.
    picture: Option<Picture>,
    is_end: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Next> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Writer {
    pub(super) fn start(output: Arc<Output>, canvas: Canvas) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (sender, failed) = oneshot::channel();
        let theirs = shared.clone();
        let thread = thread::Builder::new().name("loopback".to_owned()).spawn(move || {
            if let Err(error) = run(&theirs, &output, canvas) {
                // Nobody listens where the end has come meanwhile.
                let _ = sender.send(error);
            }
        })?;
        Ok(Self { shared, thread: Some(thread), failed: Some(failed) })
    }

    /// Shows `picture` from now on.
    pub(super) fn show(&self, picture: Picture) {
        let before = self.shared.lock().picture.replace(picture);
        self.shared.changed.notify_one();
        // A frame goes back to the service, outside of the lock.
        drop(before);
    }

    /// Why nothing more is written; waits for that. Safe to cancel.
    pub(super) async fn failed(&mut self) -> LoopbackError {
        let error = match &mut self.failed {
            Some(failed) => failed.await,
            None => std::future::pending().await,
        };
        self.failed = None;
        match error {
            Ok(error) => error,
            // It ends without an error when it panics alone.
            Err(_) => LoopbackError::Thread(std::io::Error::other("the writing thread has ended")),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.lock().is_end = true;
        self.shared.changed.notify_one();
        let Some(thread) = self.thread.take() else { return };
        // A driver that holds it up must not hold up the end.
        let deadline = Instant::now() + END;
        while !thread.is_finished() {
            if Instant::now() > deadline {
                tracing::warn!("the driver does not return; left behind");
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        // It reports its failures by itself.
        let _ = thread.join();
    }
}

fn run(shared: &Shared, output: &Output, mut canvas: Canvas) -> Result<(), LoopbackError> {
    let mut again = None;
    while let Some(picture) = next(shared, again) {
        let frame = match &picture {
            Picture::Frame(frame) => canvas.frame(frame.header(), frame),
            Picture::Rest | Picture::Black => canvas.black(),
        };
        let written = match frame {
            Ok(frame) => output.write(frame)?,
            Err(error) => {
                tracing::warn!("a frame was left out: {error}");
                Written::Whole
            }
        };
        if written == Written::TooLarge {
            tracing::warn!("a frame was left out: it is larger than the device takes");
        }
        again = matches!(picture, Picture::Black).then_some(BLACK_EVERY);
    }
    Ok(())
}

/// The next picture; black where none comes within `again`. `None` at the end.
fn next(shared: &Shared, again: Option<Duration>) -> Option<Picture> {
    let deadline = again.map(|time| Instant::now() + time);
    let mut next = shared.lock();
    loop {
        if next.is_end {
            return None;
        }
        if let Some(picture) = next.picture.take() {
            return Some(picture);
        }
        next = match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
            None => shared.changed.wait(next).unwrap_or_else(PoisonError::into_inner),
            Some(Duration::ZERO) => return Some(Picture::Black),
            Some(left) => {
                let waited = shared.changed.wait_timeout(next, left);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
    }
}
