//! The calls into a V4L2 driver, each safe to make with any argument, and what their failures
//! mean.
//!
//! A [`Node`] is one open descriptor of a device file. Everything goes through libc's `ioctl`,
//! is repeated when a signal interrupts it, and never blocks for a frame: descriptors are
//! non-blocking.
#![allow(unsafe_code)]

use std::{
    fs::{File, OpenOptions},
    io,
    os::{
        fd::{AsFd, AsRawFd as _, BorrowedFd},
        unix::fs::OpenOptionsExt as _,
    },
    path::Path,
    ptr::NonNull,
};

use rustix::io::Errno;

use super::abi::{self, Plain as _};
use crate::device::Error;

/// A call into the driver that failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failure {
    /// The call, as its manual names it.
    pub(super) call: &'static str,
    /// What the driver said.
    pub(super) errno: Errno,
}

impl Failure {
    /// Whether the driver does not know this call at all.
    pub(super) fn is_unknown_call(&self) -> bool {
        self.errno == Errno::NOTTY
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure.errno {
            Errno::NODEV | Errno::NXIO | Errno::NOENT => Self::Gone,
            Errno::BUSY => Self::Busy,
            errno => Self::Io { call: failure.call, source: errno.into() },
        }
    }
}

/// What a driver says to `VIDIOC_QUERYCAP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Capabilities {
    pub(super) driver: String,
    pub(super) card: String,
    pub(super) bus_info: String,
    /// What this node can do, as opposed to the whole device.
    pub(super) node: u32,
}

/// An open device file.
pub(super) struct Node(File);

impl AsFd for Node {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Node {
    /// Opens `path` for reading and writing.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).custom_flags(libc::O_NONBLOCK);
        let error = match options.open(path) {
            Ok(file) => return Ok(Self(file)),
            Err(error) => error,
        };
        Err(match Errno::from_io_error(&error) {
            Some(Errno::ACCESS | Errno::PERM) => Error::Permission(path.display().to_string()),
            Some(errno) => Failure { call: "open", errno }.into(),
            None => Error::Io { call: "open", source: error },
        })
    }

    /// Writes `bytes` at once, as one frame of an output device.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<usize, Failure> {
        rustix::io::retry_on_intr(|| rustix::io::write(&self.0, bytes))
            .map_err(|errno| Failure { call: "write", errno })
    }

    /// The file, for what has nothing to do with the driver.
    pub(super) fn file(&self) -> &File {
        &self.0
    }

    /// Makes one call.
    ///
    /// # Safety
    /// `T` is what the call takes, and every pointer in `argument` leads to memory that the
    /// driver may read and write as the call demands.
    unsafe fn call<T: abi::Plain>(
        &self,
        number: u32,
        direction: u32,
        call: &'static str,
        argument: &mut T,
    ) -> Result<(), Failure> {
        let code = direction << 30 | (size_of::<T>() as u32) << 16 | u32::from(b'V') << 8 | number;
        loop {
            // SAFETY: the descriptor is open, `argument` is valid for reads and writes of the
            // size that `code` carries, and the rest is the caller's promise.
            let result = unsafe {
                libc::ioctl(self.0.as_raw_fd(), code as libc::Ioctl, std::ptr::from_mut(argument))
            };
            if result >= 0 {
                return Ok(());
            }
            let errno = Errno::from_io_error(&io::Error::last_os_error()).unwrap_or(Errno::IO);
            if errno != Errno::INTR {
                return Err(Failure { call, errno });
            }
        }
    }
}

const WRITE: u32 = 1;
const READ: u32 = 2;

/// Calls whose argument has no pointers in it.
macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident($number:literal, $direction:expr, $argument:ty) = $call:literal;)*) => {
        impl Node {
            $(
                $(#[$doc])*
                pub(super) fn $name(&self, argument: &mut $argument) -> Result<(), Failure> {
                    // SAFETY: this call takes this type, which has no pointers in it.
                    unsafe { self.call($number, $direction, $call, argument) }
                }
            )*
        }
    };
}

calls! {
    query_capabilities(0, READ, abi::Capability) = "VIDIOC_QUERYCAP";
    enum_formats(2, READ | WRITE, abi::FormatDescription) = "VIDIOC_ENUM_FMT";
    get_format(4, READ | WRITE, abi::Format) = "VIDIOC_G_FMT";
    set_format(5, READ | WRITE, abi::Format) = "VIDIOC_S_FMT";
    request_buffers(8, READ | WRITE, abi::RequestBuffers) = "VIDIOC_REQBUFS";
    stream_on(18, WRITE, libc::c_int) = "VIDIOC_STREAMON";
    stream_off(19, WRITE, libc::c_int) = "VIDIOC_STREAMOFF";
    get_parameters(21, READ | WRITE, abi::StreamParameters) = "VIDIOC_G_PARM";
    set_parameters(22, READ | WRITE, abi::StreamParameters) = "VIDIOC_S_PARM";
    get_old_control(27, READ | WRITE, abi::OldControl) = "VIDIOC_G_CTRL";
    set_old_control(28, READ | WRITE, abi::OldControl) = "VIDIOC_S_CTRL";
    query_control(36, READ | WRITE, abi::QueryControl) = "VIDIOC_QUERYCTRL";
    query_menu(37, READ | WRITE, abi::QueryMenu) = "VIDIOC_QUERYMENU";
    /// The highest priority of all who have the device open.
    get_priority(67, READ, u32) = "VIDIOC_G_PRIORITY";
    set_priority(68, WRITE, u32) = "VIDIOC_S_PRIORITY";
    try_format(64, READ | WRITE, abi::Format) = "VIDIOC_TRY_FMT";
    enum_frame_sizes(74, READ | WRITE, abi::FrameSizes) = "VIDIOC_ENUM_FRAMESIZES";
    enum_frame_intervals(75, READ | WRITE, abi::FrameIntervals) = "VIDIOC_ENUM_FRAMEINTERVALS";
    dequeue_event(89, READ, abi::Event) = "VIDIOC_DQEVENT";
    subscribe_event(90, WRITE, abi::EventSubscription) = "VIDIOC_SUBSCRIBE_EVENT";
    query_ext_control(103, READ | WRITE, abi::QueryExtControl) = "VIDIOC_QUERY_EXT_CTRL";
}

impl Node {
    /// What the device is and can do.
    pub(super) fn capabilities(&self) -> Result<Capabilities, Failure> {
        let mut answer = abi::Capability::zeroed();
        self.query_capabilities(&mut answer)?;
        let whole = answer.capabilities;
        Ok(Capabilities {
            driver: abi::text(&answer.driver),
            card: abi::text(&answer.card),
            bus_info: abi::text(&answer.bus_info),
            node: if whole & abi::CAP_DEVICE_CAPS != 0 { answer.device_caps } else { whole },
        })
    }

    /// Where buffer `index` can be mapped from, and its length.
    pub(super) fn query_mapped_buffer(&self, index: u32) -> Result<(u32, u32), Failure> {
        let mut buffer = buffer(abi::MEMORY_MMAP, index);
        // SAFETY: of a buffer with one plane and of mapped memory the driver follows no pointer.
        unsafe { self.call(9, READ | WRITE, "VIDIOC_QUERYBUF", &mut buffer)? };
        // SAFETY: the driver sets the offset of a mapped buffer, and any bits are a valid u32.
        Ok((unsafe { buffer.m.offset }, buffer.length))
    }

    /// Gives the mapped buffer `index` to the driver to be filled.
    pub(super) fn queue_mapped(&self, index: u32) -> Result<(), Failure> {
        let mut buffer = buffer(abi::MEMORY_MMAP, index);
        // SAFETY: of a buffer with one plane and of mapped memory the driver follows no pointer.
        unsafe { self.call(15, READ | WRITE, "VIDIOC_QBUF", &mut buffer) }
    }

    /// Takes a filled buffer back; `EAGAIN` where none is.
    pub(super) fn dequeue_mapped(&self) -> Result<abi::Buffer, Failure> {
        let mut buffer = buffer(abi::MEMORY_MMAP, 0);
        // SAFETY: of a buffer with one plane and of mapped memory the driver follows no pointer.
        unsafe { self.call(17, READ | WRITE, "VIDIOC_DQBUF", &mut buffer)? };
        Ok(buffer)
    }

    /// Gives `length` bytes at `start` to the driver, as buffer `index`, to be filled.
    ///
    /// # Safety
    /// Nobody else may write or read them, and they stay mapped, until the driver has given the
    /// buffer back, has ended the stream or is closed; also where this call fails. The driver knows
    /// an address again: until another one was queued with this index, no other memory may lie there.
    pub(super) unsafe fn queue_lent(
        &self,
        index: u32,
        start: NonNull<u8>,
        length: u32,
    ) -> Result<(), Failure> {
        let mut buffer = buffer(abi::MEMORY_USERPTR, index);
        buffer.m.userptr = start.as_ptr().expose_provenance() as libc::c_ulong;
        buffer.length = length;
        // SAFETY: the pointer leads to as many bytes as the buffer says; that they are the driver's
        // to write is the caller's promise.
        unsafe { self.call(15, READ | WRITE, "VIDIOC_QBUF", &mut buffer) }
    }

    /// Takes a buffer of lent memory back; `EAGAIN` where none is filled.
    pub(super) fn dequeue_lent(&self) -> Result<abi::Buffer, Failure> {
        let mut buffer = buffer(abi::MEMORY_USERPTR, 0);
        // SAFETY: of a buffer with one plane the driver follows no pointer that comes with this
        // call: it writes down the one that the buffer was queued with.
        unsafe { self.call(17, READ | WRITE, "VIDIOC_DQBUF", &mut buffer)? };
        Ok(buffer)
    }

    /// The current or default (`which`) value of a control that fits into 64 bits; a smaller
    /// one is in the lower half of them.
    pub(super) fn get_number(&self, which: u32, id: u32, wide: bool) -> Result<i64, Failure> {
        let mut control = abi::ExtControl::zeroed();
        control.id = id;
        // SAFETY: no pointer: numbers have no payload, and `size` is 0, so that a driver that
        // thinks otherwise of this control refuses.
        unsafe { self.ext_control(71, "VIDIOC_G_EXT_CTRLS", which, &mut control)? };
        let payload = control.payload;
        // SAFETY: any bits are valid integers.
        Ok(unsafe { if wide { payload.value64 } else { i64::from(payload.value) } })
    }

    /// Sets a control that fits into 64 bits.
    pub(super) fn set_number(&self, id: u32, value: i64, wide: bool) -> Result<(), Failure> {
        let mut control = abi::ExtControl::zeroed();
        control.id = id;
        control.payload = if wide {
            abi::ExtPayload { value64: value }
        } else {
            abi::ExtPayload { value: value as i32 }
        };
        // SAFETY: as in `get_number`.
        unsafe { self.ext_control(72, "VIDIOC_S_EXT_CTRLS", abi::WHICH_CURRENT, &mut control) }
    }

    /// Puts the current or default (`which`) payload of a control into `bytes`, and gives its
    /// length. `ENOSPC` where it needs more.
    pub(super) fn get_payload(
        &self,
        which: u32,
        id: u32,
        bytes: &mut [u8],
    ) -> Result<usize, Failure> {
        let mut control = payload_control(id, bytes)?;
        // SAFETY: the pointer and the size are those of `bytes`, which is ours to be written.
        unsafe { self.ext_control(71, "VIDIOC_G_EXT_CTRLS", which, &mut control)? };
        Ok(bytes.len().min(control.size as usize))
    }

    /// Sets the payload of a control. The driver may change `bytes` to what it took.
    pub(super) fn set_payload(&self, id: u32, bytes: &mut [u8]) -> Result<(), Failure> {
        let mut control = payload_control(id, bytes)?;
        // SAFETY: as in `get_payload`.
        unsafe { self.ext_control(72, "VIDIOC_S_EXT_CTRLS", abi::WHICH_CURRENT, &mut control) }
    }

    /// Gets or sets one control.
    ///
    /// # Safety
    /// Where `control.size` is not 0, its payload is a pointer to as many bytes, valid for
    /// reads and writes.
    unsafe fn ext_control(
        &self,
        number: u32,
        call: &'static str,
        which: u32,
        control: &mut abi::ExtControl,
    ) -> Result<(), Failure> {
        let mut controls = abi::ExtControls::zeroed();
        controls.which = which;
        controls.count = 1;
        controls.controls = control;
        // SAFETY: `controls` leads to the one control that it counts, and that one's payload is
        // the caller's promise.
        unsafe { self.call(number, READ | WRITE, call, &mut controls) }
    }
}

fn buffer(memory: u32, index: u32) -> abi::Buffer {
    let mut buffer = abi::Buffer::zeroed();
    buffer.index = index;
    buffer.kind = abi::VIDEO_CAPTURE;
    buffer.memory = memory;
    buffer
}

fn payload_control(id: u32, bytes: &mut [u8]) -> Result<abi::ExtControl, Failure> {
    let too_long = Failure { call: "VIDIOC_S_EXT_CTRLS", errno: Errno::TOOBIG };
    let mut control = abi::ExtControl::zeroed();
    control.id = id;
    control.size = u32::try_from(bytes.len()).map_err(|_| too_long)?;
    control.payload = abi::ExtPayload { pointer: bytes.as_mut_ptr() };
    Ok(control)
}
