//! The memory object of one slot: a sealed memfd on Linux, a file mapping on Windows.
#![allow(unsafe_code)]

use std::{io, ptr::NonNull};

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

    /// Gives the process `pid` a handle of its own to the object, with which it can only map it
    /// for reading, and returns that handle.
    #[cfg(windows)]
    pub fn share_with(&self, pid: u32) -> io::Result<u64> {
        platform::share(&self.object, pid)
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

#[cfg(windows)]
mod platform {
    use std::{
        io,
        os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle},
        ptr::NonNull,
    };

    use windows::Win32::{
        Foundation::{DUPLICATE_HANDLE_OPTIONS, DuplicateHandle, HANDLE, INVALID_HANDLE_VALUE},
        System::{
            Memory::{
                CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, MEMORY_MAPPED_VIEW_ADDRESS,
                MapViewOfFile, PAGE_READWRITE, UnmapViewOfFile,
            },
            Threading::{GetCurrentProcess, OpenProcess, PROCESS_DUP_HANDLE},
        },
    };

    pub(super) type Object = OwnedHandle;

    pub(super) fn create(length: usize) -> io::Result<(Object, NonNull<u8>)> {
        let (high, low) = ((length as u64 >> 32) as u32, length as u32);
        // SAFETY: an unnamed mapping backed by the page file; no pointer is passed in.
        let handle = unsafe {
            CreateFileMappingW(INVALID_HANDLE_VALUE, None, PAGE_READWRITE, high, low, None)?
        };
        // SAFETY: the handle is new and owned by nobody else.
        let object = unsafe { OwnedHandle::from_raw_handle(handle.0) };
        // SAFETY: a new view at an address of the system's choice touches no other memory.
        let view =
            unsafe { MapViewOfFile(HANDLE(object.as_raw_handle()), FILE_MAP_WRITE, 0, 0, length) };
        let Some(start) = NonNull::new(view.Value.cast::<u8>()) else {
            return Err(io::Error::last_os_error());
        };
        // SAFETY: just mapped with this length. Written once so that the pages are there.
        unsafe { start.as_ptr().write_bytes(0, length) };
        Ok((object, start))
    }

    pub(super) fn share(object: &Object, pid: u32) -> io::Result<u64> {
        // SAFETY: no pointer is passed in.
        let process = unsafe { OpenProcess(PROCESS_DUP_HANDLE, false, pid)? };
        // SAFETY: the handle is new and owned by nobody else.
        let process = unsafe { OwnedHandle::from_raw_handle(process.0) };
        let mut theirs = HANDLE::default();
        // SAFETY: both handles are open, and `theirs` outlives the call.
        unsafe {
            DuplicateHandle(
                GetCurrentProcess(),
                HANDLE(object.as_raw_handle()),
                HANDLE(process.as_raw_handle()),
                &raw mut theirs,
                FILE_MAP_READ.0,
                false,
                DUPLICATE_HANDLE_OPTIONS(0),
            )?;
        }
        Ok(theirs.0 as usize as u64)
    }

    pub(super) unsafe fn unmap(start: NonNull<u8>, _length: usize) {
        let view = MEMORY_MAPPED_VIEW_ADDRESS { Value: start.as_ptr().cast() };
        // SAFETY: the caller passes on a view that nobody uses any more.
        let _ = unsafe { UnmapViewOfFile(view) };
    }
}
