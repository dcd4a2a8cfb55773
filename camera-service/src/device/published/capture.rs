//! A published camera opened for frames. Lives on its camera's capture thread.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use pixels::{Layout, markers};
use protocol::{Mode, PixelFormat, Plane};

use super::inlet::{Arrival, Inlet, Waited};
use crate::{
    device::{Capture, Captured, Error, Next},
    slots::{Pool, WriteSlot},
};

/// A progressive image has about ten; each costs those who decode it as much as a whole image.
const MOST_SCANS: usize = 100;

/// Frames are taken at so many times the rate that the publisher named, and no faster, so that
/// one that floods costs others nothing.
const HASTE: u32 = 2;

/// Frames as they come in.
pub(super) struct PublishedCapture {
    inlet: Arc<Inlet>,
    planes: Vec<Plane>,
    /// When the next slot may be offered.
    next_offer: Instant,
    pace: Duration,
}

impl PublishedCapture {
    pub(super) fn open(inlet: Arc<Inlet>) -> Result<Self, Error> {
        let Mode { format, size, rate } = inlet.mode();
        let planes = match Layout::tight(format, size) {
            Some(layout) => layout.planes,
            None => vec![Plane { offset: 0, stride: 0 }],
        };
        let pace = Duration::from_nanos(rate.interval_ns().unwrap_or(0)) / HASTE;
        inlet.open().ok_or(Error::Gone)?;
        Ok(Self { inlet, planes, next_offer: Instant::now(), pace })
    }

    /// Offers slots as long as there are fewer than there may be; the time until the next one
    /// may be offered, where that is the reason for stopping.
    fn offer(&mut self, pool: &Pool) -> Result<Option<Duration>, Error> {
        while self.inlet.has_room() {
            let now = Instant::now();
            let wait = self.next_offer.saturating_duration_since(now);
            if wait > Duration::ZERO {
                return Ok(Some(wait));
            }
            let slot =
                pool.acquire().map_err(|source| Error::Io { call: "memfd_create", source })?;
            self.inlet.offer(slot);
            // A publisher that was late may catch up by one frame, not by many.
            let earliest = now.checked_sub(self.pace).unwrap_or(now);
            self.next_offer = self.next_offer.max(earliest) + self.pace;
        }
        Ok(None)
    }

    fn judge(&self, slot: WriteSlot, arrival: Arrival) -> Next {
        let Arrival { sequence, mut length, monotonic_ns } = arrival;
        if self.inlet.mode().format == PixelFormat::Mjpg {
            match self.judge_image(&slot[..length]) {
                Ok(whole) => length = whole,
                Err(reason) => return Next::Damaged { reason },
            }
        }
        Next::Frame(Captured {
            slot,
            sequence,
            monotonic_ns,
            length: length as u32,
            planes: self.planes.clone(),
            colour: self.inlet.colour(),
        })
    }

    /// The length of the image in `bytes`. One that is broken is passed over; what would be wrong
    /// with every other image too ends the publishing.
    fn judge_image(&self, bytes: &[u8]) -> Result<usize, &'static str> {
        let image = markers::whole(bytes)?;
        let size = self.inlet.mode().size;
        let claimed = markers::size(image).ok_or("a JPEG image without a size")?;
        if claimed != size {
            self.inlet.refuse(format!(
                "the camera was to be {size}, and a JPEG image of {claimed} came; publish anew \
                 with that size"
            ));
            return Err("a JPEG image of another size");
        }
        if markers::scans(image) > MOST_SCANS {
            self.inlet.refuse(format!("a JPEG image with more than {MOST_SCANS} scans came"));
            return Err("a JPEG image with too many scans");
        }
        Ok(image.len())
    }
}

impl Capture for PublishedCapture {
    fn mode(&self) -> Mode {
        self.inlet.mode()
    }

    fn frame_bytes(&self) -> usize {
        self.inlet.most_bytes()
    }

    fn next_frame(&mut self, pool: &Pool, timeout: Duration) -> Result<Next, Error> {
        let by = Instant::now() + timeout;
        loop {
            let look = self.offer(pool)?.map_or(by, |wait| by.min(Instant::now() + wait));
            match self.inlet.wait(look) {
                Waited::Frame(slot, arrival) => return Ok(self.judge(slot, arrival)),
                Waited::Ended => return Err(Error::Gone),
                Waited::TimedOut if Instant::now() >= by => return Ok(Next::TimedOut),
                Waited::TimedOut => {}
            }
        }
    }
}

impl Drop for PublishedCapture {
    fn drop(&mut self) {
        self.inlet.close();
    }
}
