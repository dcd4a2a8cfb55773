//! A slot as a client maps it: read-only, and only after a look at what it is.
#![allow(unsafe_code)]

use std::{io, ops::Deref, ptr::NonNull};

use crate::transport::Object;

/// A memory object mapped for reading.
pub(crate) struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the mapping belongs to this value alone, is not tied to a thread, and is only read.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `length` bytes of `object`. Fails where the object is smaller, or could shrink or
    /// be written by others.
    pub(crate) fn new(object: &Object, length: u64) -> io::Result<Self> {
        let length = usize::try_from(length).ok().filter(|length| *length > 0);
        let length = length.ok_or_else(|| invalid("a slot has an impossible size"))?;
        let start = platform::map(object, length)?;
        Ok(Self { start, length })
    }
}

impl Deref for Mapping {
    type Target = [u8];

    /// All bytes of the slot.
    fn deref(&self) -> &[u8] {
        // SAFETY: `length` bytes are mapped for as long as `self` lives. The service is trusted
        // not to write while this client holds the slot; the object cannot shrink.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.length) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped in `new`, and no slice of it outlives `self`.
        unsafe { platform::unmap(self.start, self.length) };
    }
}

fn invalid(message: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(unix)]
mod platform {
    use std::{
        io,
        ptr::{self, NonNull},
    };

    use rustix::{
        fs::{SealFlags, fcntl_get_seals, fstat},
        mm::{MapFlags, ProtFlags, mmap, munmap},
    };

    use super::{Object, invalid};

    pub(super) fn map(object: &Object, length: usize) -> io::Result<NonNull<u8>> {
        let seals = fcntl_get_seals(object)?;
        if !seals.contains(SealFlags::SHRINK | SealFlags::FUTURE_WRITE) {
            return Err(invalid("a slot is not sealed"));
        }
        if u64::try_from(fstat(object)?.st_size).unwrap_or(0) < length as u64 {
            return Err(invalid("a slot is smaller than announced"));
        }
        let flags = MapFlags::SHARED | MapFlags::POPULATE;
        // SAFETY: a new mapping at an address of the kernel's choice touches no other memory.
        let start = unsafe { mmap(ptr::null_mut(), length, ProtFlags::READ, flags, object, 0)? };
        NonNull::new(start.cast()).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
    }

    pub(super) unsafe fn unmap(start: NonNull<u8>, length: usize) {
        // SAFETY: the caller passes on a mapping that nobody uses any more.
        let _ = unsafe { munmap(start.as_ptr().cast(), length) };
    }
}

#[cfg(windows)]
mod platform {
    use std::{io, os::windows::io::AsRawHandle as _, ptr::NonNull};

    use windows::Win32::{
        Foundation::HANDLE,
        System::Memory::{
            FILE_MAP_READ, MEMORY_MAPPED_VIEW_ADDRESS, MapViewOfFile, UnmapViewOfFile,
        },
    };

    use super::Object;

    pub(super) fn map(object: &Object, length: usize) -> io::Result<NonNull<u8>> {
        // SAFETY: a new view at an address of the system's choice touches no other memory. It
        // fails where the object is smaller than `length`.
        let view =
            unsafe { MapViewOfFile(HANDLE(object.as_raw_handle()), FILE_MAP_READ, 0, 0, length) };
        NonNull::new(view.Value.cast()).ok_or_else(io::Error::last_os_error)
    }

    pub(super) unsafe fn unmap(start: NonNull<u8>, _length: usize) {
        let view = MEMORY_MAPPED_VIEW_ADDRESS { Value: start.as_ptr().cast() };
        // SAFETY: the caller passes on a view that nobody uses any more.
        let _ = unsafe { UnmapViewOfFile(view) };
    }
}

#[cfg(all(test, unix))]
mod tests {
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};

    use super::*;

    fn memfd(length: u64, seals: SealFlags) -> Object {
        let fd = memfd_create("test", MemfdFlags::ALLOW_SEALING).expect("a memfd");
        ftruncate(&fd, length).expect("sized");
        fcntl_add_seals(&fd, seals).expect("sealed");
        fd
    }

    #[test]
    fn only_a_sealed_object_of_the_announced_size_is_mapped() {
        let all = SealFlags::SHRINK | SealFlags::GROW | SealFlags::FUTURE_WRITE;
        assert_eq!(Mapping::new(&memfd(4096, all), 4096).expect("mapped").len(), 4096);
        for (length, seals) in [
            (4096, SealFlags::GROW | SealFlags::FUTURE_WRITE),
            (4096, SealFlags::SHRINK),
            (4095, all),
        ] {
            assert!(Mapping::new(&memfd(length, seals), 4096).is_err(), "{length} {seals:?}");
        }
        assert!(Mapping::new(&memfd(4096, all), 0).is_err());
        assert!(Mapping::new(&memfd(4096, all), u64::MAX).is_err());
    }
}
