//! The memory object of one slot: a sealed memfd on Linux, a file mapping on Windows.
#![allow(unsafe_code)]

#[cfg(windows)]
#[path = "memory/windows.rs"]
mod platform;

use std::{io, ptr::NonNull};

#[cfg(windows)]
pub use platform::Recipient;

/// A shared memory object, mapped here for writing. Others can only map it for reading.
pub struct Memory {
    object: platform::Object,
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the mapping belongs to this value alone and is not tied to a thread; access to its
// bytes goes through `bytes` and `bytes_mut`, whose callers keep the rules of references.
unsafe impl Send for Memory {}
// SAFETY: as above; a shared reference gives out shared slices only.
unsafe impl Sync for Memory {}

impl Memory {
    /// A new object of `length` bytes, all of them zero and present in memory.
    pub fn new(length: usize) -> io::Result<Self> {
        if length == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a slot cannot be empty"));
        }
        let (object, start) = platform::create(length)?;
        Ok(Self { object, start, length })
    }

    /// Size in bytes.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Where the bytes lie. On Linux that is the beginning of a page.
    pub fn start(&self) -> NonNull<u8> {
        self.start
    }

    /// The bytes.
    ///
    /// # Safety
    /// Nobody may write to them while the slice lives.
    pub unsafe fn bytes(&self) -> &[u8] {
        // SAFETY: the mapping has `length` bytes and lives as long as `self`; that nobody writes
        // is the caller's promise.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }

    /// The bytes, to be written.
    ///
    /// # Safety
    /// Nobody else, in this process or another, may read or write them while the slice lives.
    #[expect(clippy::mut_from_ref, reason = "exclusive access is the caller's promise")]
    pub unsafe fn bytes_mut(&self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and exclusive by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.length) }
    }

    /// The object, to be given to clients.
    #[cfg(unix)]
    pub fn fd(&self) -> std::os::fd::BorrowedFd<'_> {
        std::os::fd::AsFd::as_fd(&self.object)
    }

    /// Gives a process a handle of its own to the object, with which it can only map it for
    /// reading, and returns that handle.
    #[cfg(windows)]
    pub fn share_with(&self, recipient: &Recipient) -> io::Result<u64> {
        recipient.give(&self.object)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: `start` and `length` are those of the mapping made in `new`, and no slice of
        // it outlives `self`.
        unsafe { platform::unmap(self.start, self.length) };
    }
}

#[cfg(unix)]
mod platform {
    use std::{
        io,
        os::fd::OwnedFd,
        ptr::{self, NonNull},
    };

    use rustix::{
        fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create},
        mm::{MapFlags, ProtFlags, mmap, munmap},
    };

    pub(super) type Object = OwnedFd;

    pub(super) fn create(length: usize) -> io::Result<(Object, NonNull<u8>)> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let fd = memfd_create("camera-service slot", flags)?;
        ftruncate(&fd, length as u64)?;
        let prot = ProtFlags::READ | ProtFlags::WRITE;
        // Filled in advance: page faults would cost more than the copy of a frame.
        let flags = MapFlags::SHARED | MapFlags::POPULATE;
        // SAFETY: a new mapping at an address of the kernel's choice touches no other memory.
        let start = unsafe { mmap(ptr::null_mut(), length, prot, flags, &fd, 0)? };
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        // FUTURE_WRITE lets this mapping, made before, stay writable.
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::FUTURE_WRITE | SealFlags::SEAL;
        if let Err(error) = fcntl_add_seals(&fd, seals) {
            // SAFETY: just mapped, and not given out.
            unsafe { unmap(start, length) };
            return Err(error.into());
        }
        Ok((fd, start))
    }

    pub(super) unsafe fn unmap(start: NonNull<u8>, length: usize) {
        // SAFETY: the caller passes on a mapping that nobody uses any more.
        let _ = unsafe { munmap(start.as_ptr().cast(), length) };
    }
}
