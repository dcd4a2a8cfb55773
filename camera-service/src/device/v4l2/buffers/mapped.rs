//! Buffers of the driver's own memory (`V4L2_MEMORY_MMAP`), mapped here: their bytes are copied.
//!
//! Always holds: the bytes of a buffer are read only between its dequeueing and its requeueing,
//! while the driver leaves it alone, since there is a [`Filled`] for exactly that time.
#![allow(unsafe_code)]

use std::{
    ffi::c_void,
    ptr::{self, NonNull},
};

use rustix::{
    io::Errno,
    mm::{MapFlags, ProtFlags, mmap, munmap},
};

use super::{COUNT, Filled, request};
use crate::device::v4l2::{
    abi,
    ioctl::{Failure, Node},
};

/// A device that streams into mapped buffers. Dropping it ends the stream.
pub(super) struct Stream {
    // Before `node`: unmapped first.
    mappings: Vec<Mapping>,
    node: Node,
}

impl Stream {
    /// Has the driver make buffers for the format that is set, and deliver.
    pub(super) fn start(node: Node) -> Result<Self, Failure> {
        let count = request(&node, abi::MEMORY_MMAP, COUNT)?;
        let mut stream = Self { mappings: Vec::new(), node };
        for index in 0..count {
            let (offset, length) = stream.node.query_mapped_buffer(index)?;
            stream.mappings.push(Mapping::new(&stream.node, offset, length)?);
            stream.node.queue_mapped(index)?;
        }
        stream.node.stream_on(&mut (abi::VIDEO_CAPTURE as libc::c_int))?;
        Ok(stream)
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    /// Takes a filled buffer; `EAGAIN` where none is.
    pub(super) fn dequeue(&self) -> Result<Filled, Failure> {
        let buffer = self.node.dequeue_mapped()?;
        if buffer.index as usize >= self.mappings.len() {
            return Err(Failure { call: "VIDIOC_DQBUF", errno: Errno::IO });
        }
        Ok(Filled { buffer, slot: None })
    }

    /// The bytes that the driver has put there.
    pub(super) fn bytes<'a>(&'a self, filled: &'a Filled) -> &'a [u8] {
        let mapping = &self.mappings[filled.buffer.index as usize];
        let length = mapping.length.min(filled.buffer.bytes_used as usize);
        // SAFETY: the mapping is at least that long and lives as long as `self`; the driver does
        // not write to a dequeued buffer, and as long as `filled` lives it is one.
        unsafe { std::slice::from_raw_parts(mapping.start.as_ptr(), length) }
    }

    /// Gives the buffer back to the driver.
    pub(super) fn requeue(&self, filled: Filled) -> Result<(), Failure> {
        self.node.queue_mapped(filled.buffer.index)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Fails on a device that is gone, which streams no more anyway.
        let _ = self.node.stream_off(&mut (abi::VIDEO_CAPTURE as libc::c_int));
    }
}

/// A buffer of the driver's, mapped here for reading.
struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

impl Mapping {
    fn new(node: &Node, offset: u32, length: u32) -> Result<Self, Failure> {
        let failure = |errno| Failure { call: "mmap", errno };
        let length = length as usize;
        // Some drivers refuse a mapping that is not for writing as well.
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice touches no other memory.
        let start =
            unsafe { mmap(ptr::null_mut(), length, prot, MapFlags::SHARED, node, offset.into()) }
                .map_err(failure)?;
        let start = NonNull::new(start.cast()).ok_or(failure(Errno::NOMEM))?;
        Ok(Self { start, length })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped in `new` with this length; slices of it borrow from the stream and
        // cannot outlive this.
        let _ = unsafe { munmap(self.start.as_ptr().cast::<c_void>(), self.length) };
    }
}
