//! A viewer's device that is a camera: its frames on their way to the service.
//!
//! One task for each publication. What waits for it is bounded by the credit that the service
//! gives: a frame without credit breaks the protocol.

use bytes::Bytes;
use pixels::markers;
use protocol::{
    ErrorKind, ErrorReply, FrameRate, Mode, PixelFormat, PublishRequest, Size,
    client::{PublishEvent, Publisher},
};
use tokio::{sync::mpsc, task::AbortHandle};

use super::message::FrameHeader;
use crate::bridge::{service::Failure, viewer::Viewer};

/// The largest message that a publisher may send: header and image.
pub(super) const MOST: usize = 8 << 20;
/// Frames on their way to the task; the service's credit is lower.
const ROOM: usize = 8;

/// What a publication tells its session.
pub(super) enum Told {
    Demand { publication: u32, watchers: u32, credit: u32 },
    Ended { publication: u32, error: ErrorReply },
}

/// A publication that was accepted.
pub(super) struct Accepted {
    publisher: Box<Publisher>,
    size: Size,
}

impl Accepted {
    pub(super) fn camera(&self) -> String {
        self.publisher.camera().0.clone()
    }
}

/// Asks the service for a camera of this name.
pub(super) async fn open(
    viewer: &Viewer,
    name: String,
    size: Size,
    rate: FrameRate,
) -> Result<Accepted, ErrorReply> {
    let mode = Mode { format: PixelFormat::Mjpg, size, rate };
    let request = PublishRequest { name, mode, colour: None };
    let publisher = viewer.connector().publish(request).await.map_err(Failure::from)?;
    Ok(Accepted { publisher: Box::new(publisher), size })
}

/// A publication, seen from its session. Ends when dropped.
pub(super) struct Publication {
    frames: mpsc::Sender<(Bytes, Option<u64>)>,
    size: Size,
    credit: u64,
    task: AbortHandle,
}

impl Drop for Publication {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Why a frame is not taken.
pub(super) enum NotTaken {
    /// It breaks the protocol.
    Wrong(&'static str),
    /// The publication ends with it.
    Ended(ErrorReply),
}

impl Publication {
    /// Passes frames on until either side ends.
    pub(super) fn start(accepted: Accepted, id: u32, told: mpsc::Sender<Told>) -> Self {
        let (frames, waiting) = mpsc::channel(ROOM);
        let size = accepted.size;
        let task = tokio::spawn(run(accepted.publisher, id, waiting, told)).abort_handle();
        Self { frames, size, credit: 0, task }
    }

    /// So many frames more may come.
    pub(super) fn allow(&mut self, credit: u32) {
        self.credit += u64::from(credit);
    }

    /// Takes a frame.
    pub(super) fn take(&mut self, header: FrameHeader, image: Bytes) -> Result<(), NotTaken> {
        let Some(left) = self.credit.checked_sub(1) else {
            return Err(NotTaken::Wrong("a frame came for which there was no credit"));
        };
        self.credit = left;
        // The service looks as well, and at more; an image that claims to be huge goes no further.
        if markers::size(&image) != Some(self.size) {
            let message =
                format!("an image came that is no JPEG of {}, as was announced", self.size);
            return Err(NotTaken::Ended(ErrorReply::new(ErrorKind::Invalid, message)));
        }
        let unix_ns = (header.unix_us > 0).then(|| header.unix_us.saturating_mul(1000));
        match self.frames.try_send((image, unix_ns)) {
            Ok(()) => Ok(()),
            // It tells by itself why it has ended.
            Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => {
                Err(NotTaken::Wrong("frames came faster than credit allows"))
            }
        }
    }
}

async fn run(
    mut publisher: Box<Publisher>,
    publication: u32,
    mut frames: mpsc::Receiver<(Bytes, Option<u64>)>,
    told: mpsc::Sender<Told>,
) {
    let error = loop {
        tokio::select! {
            event = publisher.next() => match event {
                Ok(PublishEvent::Demand { watchers, credit }) => {
                    if told.send(Told::Demand { publication, watchers, credit }).await.is_err() {
                        return;
                    }
                }
                Err(error) => break error,
            },
            frame = frames.recv() => {
                let Some((image, unix_ns)) = frame else { return };
                if let Err(error) = publisher.send(&image, unix_ns).await {
                    break error;
                }
            }
        }
    };
    let error = Failure::from(error).into();
    // The session may have ended first.
    let _ = told.send(Told::Ended { publication, error }).await;
}
