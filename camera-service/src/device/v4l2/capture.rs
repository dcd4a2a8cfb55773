//! A device opened for frames: set to a mode, streaming, one frame at a time into slots.
//!
//! Lives on its camera's capture thread. Where the driver writes into slots by itself a frame is
//! not copied, else once ([`buffers`](super::buffers)); either way the driver has another buffer
//! at once.

use std::{
    os::fd::AsFd,
    sync::Arc,
    time::{Duration, Instant},
};

use pixels::markers;
use protocol::{Colour, FrameRate, Mode, ModeWish, PixelFormat, Size};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    time::{ClockId, clock_gettime},
};

use super::{
    abi::{self, Plain as _},
    buffers::{Filled, Lending, Stream},
    format,
    format::Layout,
    frame::{self, Numbering},
    ioctl::{Failure, Node},
    modes,
};
use crate::{
    device::{self, Captured, Error, Next, choice},
    slots::Pool,
};

/// So many images of another size may come first: some cameras still have one in store from the
/// mode before. One that goes on like that is believed, its images say themselves how large they are.
const STALE_IMAGES: u8 = 8;

/// A device that streams.
pub(super) struct Capture {
    stream: Stream,
    mode: Mode,
    layout: Layout,
    colour: Colour,
    numbering: Numbering,
    /// Images of another size that may still come before one of the mode's.
    stale_images: u8,
}

impl Capture {
    /// Sets the device to the mode that suits `wish` best and has it deliver.
    pub(super) fn start(node: Node, wish: &ModeWish, lending: Arc<Lending>) -> Result<Self, Error> {
        let offers = modes::all(&node)?;
        let modes: Vec<Mode> = offers.iter().map(|offer| offer.mode).collect();
        let offer = offers[choice::choose(&modes, wish)?];
        set_format(&node, offer.code, offer.mode.size)?;
        let rate = set_rate(&node, offer.mode.rate)?;
        let pix = current_format(&node)?;
        let format = format::from_code(pix.pixel_format);
        let size = Size::new(pix.width, pix.height);
        if (format, size) != (offer.mode.format, offer.mode.size) {
            let text = format!("{} though it lists it; it took {format} {size}", offer.mode);
            return Err(Error::UnsupportedMode(text));
        }
        if matches!(pix.field, abi::FIELD_ALTERNATE | abi::FIELD_SEQ_TB | abi::FIELD_SEQ_BT) {
            return Err(Error::Unsupported("whole frames: it delivers fields one by one"));
        }
        let layout = Layout::new(format, &pix)
            .filter(|layout| layout.length as usize <= Pool::MAX_BYTES)
            .ok_or(Error::Unsupported("frames of a sensible size in this mode"))?;
        let mode = Mode { format, size, rate };
        tracing::debug!(%mode, ?pix, "device set");
        Ok(Self {
            stream: Stream::start(node, layout.length as usize, pix.size_image as usize, lending)?,
            mode,
            layout,
            colour: format::colour(format, &pix),
            numbering: Numbering::default(),
            stale_images: if format == PixelFormat::Mjpg { STALE_IMAGES } else { 0 },
        })
    }

    /// Waits until there is something to dequeue, a frame or a reason why none comes.
    fn wait(&self, timeout: Duration) -> Result<PollFlags, Error> {
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left)
                .unwrap_or(Timespec { tv_sec: i64::from(i32::MAX), tv_nsec: 0 });
            let mut fds = [PollFd::from_borrowed_fd(self.stream.as_fd(), PollFlags::IN)];
            match poll(&mut fds, Some(&left)) {
                Ok(_) => return Ok(fds[0].revents()),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(Failure { call: "poll", errno }.into()),
            }
        }
    }

    /// Makes a frame of what the driver has filled.
    fn take(&mut self, filled: Filled, pool: &Pool) -> Result<Next, Error> {
        let buffer = filled.buffer;
        let sequence = self.numbering.next(buffer.sequence);
        let bytes = match self.judge(&filled) {
            Ok(bytes) => bytes,
            Err(reason) => {
                self.stream.requeue(filled)?;
                return Ok(Next::Damaged { reason });
            }
        };
        let slot = self.stream.take(filled, bytes, pool)?;
        let length = match self.mode.format {
            PixelFormat::Mjpg => bytes as u32,
            // Where the last row came without its padding, readers still find whole rows.
            _ => self.layout.length,
        };
        Ok(Next::Frame(Captured {
            slot,
            sequence,
            monotonic_ns: frame::captured_at(&buffer, now_ns()),
            length,
            planes: self.layout.planes.clone(),
            colour: self.colour,
        }))
    }

    /// How many of the bytes that the driver has filled are the frame's, from the first on; or why
    /// they are none.
    fn judge(&mut self, filled: &Filled) -> Result<usize, &'static str> {
        if filled.buffer.flags & abi::BUF_FLAG_ERROR != 0 {
            return Err("the driver marked it as damaged");
        }
        let bytes = self.stream.bytes(filled);
        let most = self.layout.length as usize;
        if self.mode.format != PixelFormat::Mjpg {
            if bytes.len() < self.layout.least as usize {
                return Err("it is shorter than its mode demands");
            }
            return Ok(bytes.len().min(most));
        }
        let image = markers::whole(bytes)?;
        if self.stale_images > 0 {
            if markers::size(image).is_some_and(|size| size != self.mode.size) {
                self.stale_images -= 1;
                return Err("it has not the size of its mode");
            }
            self.stale_images = 0;
        }
        if image.len() > most {
            return Err("it is longer than its mode allows");
        }
        Ok(image.len())
    }

    /// Why the device is ready without a frame.
    fn fault(&self, ready: PollFlags) -> Error {
        match self.stream.node().capabilities() {
            Ok(_) if !ready.contains(PollFlags::HUP) => {
                Failure { call: "poll", errno: Errno::IO }.into()
            }
            _ => Error::Gone,
        }
    }
}

impl device::Capture for Capture {
    fn mode(&self) -> Mode {
        self.mode
    }

    fn frame_bytes(&self) -> usize {
        self.layout.length as usize
    }

    fn pool(&self) -> Pool {
        self.stream.pool().clone()
    }

    fn next_frame(&mut self, pool: &Pool, timeout: Duration) -> Result<Next, Error> {
        let ready = self.wait(timeout)?;
        if ready.is_empty() {
            return Ok(Next::TimedOut);
        }
        // Also where `poll` reports an error: the call then says which.
        let filled = match self.stream.dequeue() {
            Ok(filled) => filled,
            Err(Failure { errno: Errno::AGAIN, .. }) => {
                let faults = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
                if ready.intersects(faults) {
                    return Err(self.fault(ready));
                }
                return Ok(Next::TimedOut);
            }
            Err(failure) => return Err(failure.into()),
        };
        self.take(filled, pool)
    }
}

fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

fn set_format(node: &Node, code: u32, size: Size) -> Result<(), Failure> {
    let mut format = abi::Format::zeroed();
    format.kind = abi::VIDEO_CAPTURE;
    format.pix.width = size.width;
    format.pix.height = size.height;
    format.pix.pixel_format = code;
    format.pix.field = abi::FIELD_NONE;
    format.pix.private = abi::PIX_FMT_PRIV_MAGIC;
    node.set_format(&mut format)
}

/// The format that the device has, whatever was asked for.
fn current_format(node: &Node) -> Result<abi::PixFormat, Failure> {
    let mut format = abi::Format::zeroed();
    format.kind = abi::VIDEO_CAPTURE;
    format.pix.private = abi::PIX_FMT_PRIV_MAGIC;
    node.get_format(&mut format)?;
    Ok(format.pix)
}

/// Sets the rate, and gives the one that the driver took.
fn set_rate(node: &Node, wanted: FrameRate) -> Result<FrameRate, Failure> {
    let mut parameters = abi::StreamParameters::zeroed();
    parameters.kind = abi::VIDEO_CAPTURE;
    parameters.time_per_frame = [wanted.denominator, wanted.numerator];
    match node.set_parameters(&mut parameters) {
        Ok(()) => {}
        Err(failure @ Failure { errno: Errno::NODEV | Errno::BUSY, .. }) => return Err(failure),
        // Many drivers have one rate and no such call.
        Err(failure) => tracing::debug!(%wanted, errno = %failure.errno, "rate not set"),
    }
    let Some(taken) = modes::current_rate(node) else { return Ok(wanted) };
    // Drivers count in their own units: 10000000/333333 is the 30 that they list.
    let close = (taken.as_f64() - wanted.as_f64()).abs() < wanted.as_f64() * 1e-4;
    Ok(if close { wanted } else { taken })
}
