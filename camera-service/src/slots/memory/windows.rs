//! Slots of Windows: unnamed file mappings. They have no size to change, and nobody gets at them
//! but by a handle that the service makes.

use std::{
    io,
    os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle},
    ptr::NonNull,
};

use windows::{
    Win32::{
        Foundation::{
            DUPLICATE_CLOSE_SOURCE, DUPLICATE_HANDLE_OPTIONS, DUPLICATE_SAME_ACCESS,
            DuplicateHandle, HANDLE, HLOCAL, INVALID_HANDLE_VALUE, LocalFree,
        },
        Security::{
            Authorization::{
                ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
            },
            PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES,
        },
        System::{
            Memory::{
                CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, MEMORY_MAPPED_VIEW_ADDRESS,
                MapViewOfFile, PAGE_READWRITE, UnmapViewOfFile,
            },
            Threading::{GetCurrentProcess, OpenProcess, PROCESS_DUP_HANDLE},
        },
    },
    core::{PCWSTR, w},
};

pub(super) type Object = OwnedHandle;

pub(super) fn create(length: usize) -> io::Result<(Object, NonNull<u8>)> {
    let object = unnamed(length)?;
    // SAFETY: a new view at an address of the system's choice touches no other memory.
    let view =
        unsafe { MapViewOfFile(HANDLE(object.as_raw_handle()), FILE_MAP_WRITE, 0, 0, length) };
    let Some(start) = NonNull::new(view.Value.cast::<u8>()) else {
        return Err(io::Error::last_os_error());
    };
    // Filled in advance: page faults would cost more than the copy of a frame.
    // SAFETY: just mapped with this length.
    unsafe { start.as_ptr().write_bytes(0, length) };
    Ok((object, start))
}

/// Nobody may do anything, and its owner no more than read this: without the latter an owner may
/// always change it, and every program of this user's is the owner.
const NOBODY: PCWSTR = w!("D:P(A;;RC;;;OW)");

/// A file mapping backed by the page file, which lets nobody in. Without a list of who may do what,
/// whoever has a handle for reading could make one for writing of it: the system looks at rights
/// where there are any to look at.
fn unnamed(length: usize) -> io::Result<Object> {
    let mut descriptor = PSECURITY_DESCRIPTOR::default();
    // SAFETY: the text is static; `descriptor` receives memory that is freed below.
    unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            NOBODY,
            SDDL_REVISION_1,
            &raw mut descriptor,
            None,
        )?;
    }
    let attributes = SECURITY_ATTRIBUTES {
        nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
        lpSecurityDescriptor: descriptor.0,
        bInheritHandle: false.into(),
    };
    let (high, low) = ((length as u64 >> 32) as u32, length as u32);
    // SAFETY: the attributes and what they point to outlive the call, and are freed after it. The
    // handle is new and owned by nobody else.
    unsafe {
        let made = CreateFileMappingW(
            INVALID_HANDLE_VALUE,
            Some(&raw const attributes),
            PAGE_READWRITE,
            high,
            low,
            None,
        );
        LocalFree(Some(HLOCAL(descriptor.0)));
        Ok(OwnedHandle::from_raw_handle(made?.0))
    }
}

pub(super) unsafe fn unmap(start: NonNull<u8>, _length: usize) {
    let view = MEMORY_MAPPED_VIEW_ADDRESS { Value: start.as_ptr().cast() };
    // SAFETY: the caller passes on a view that nobody uses any more.
    let _ = unsafe { UnmapViewOfFile(view) };
}

/// A process that slots can be given to.
pub struct Recipient(OwnedHandle);

impl Recipient {
    /// The process `pid`. Fails where this one may not put handles into it, as into one that runs
    /// with an administrator's rights.
    pub fn open(pid: u32) -> io::Result<Self> {
        // SAFETY: no pointer is passed in; the handle is new and owned by nobody else.
        unsafe {
            let process = OpenProcess(PROCESS_DUP_HANDLE, false, pid)?;
            Ok(Self(OwnedHandle::from_raw_handle(process.0)))
        }
    }

    /// Makes a handle in that process with which the object can be mapped for reading only.
    pub(super) fn give(&self, object: &Object) -> io::Result<u64> {
        let mut theirs = HANDLE::default();
        // SAFETY: all handles are open, and `theirs` outlives the call.
        unsafe {
            DuplicateHandle(
                GetCurrentProcess(),
                HANDLE(object.as_raw_handle()),
                HANDLE(self.0.as_raw_handle()),
                &raw mut theirs,
                FILE_MAP_READ.0,
                false,
                DUPLICATE_HANDLE_OPTIONS(0),
            )?;
        }
        Ok(theirs.0 as usize as u64)
    }

    /// Closes a handle that was made in that process. Nobody else closes it, so it is still that
    /// one. It has gone already where the process has.
    pub fn take_back(&self, handle: u64) {
        let mut ours = HANDLE::default();
        // SAFETY: the handle is moved into this process, where it is owned by nobody else. To move
        // it nowhere would do, but for Wine, which closes nothing then.
        unsafe {
            let moved = DuplicateHandle(
                HANDLE(self.0.as_raw_handle()),
                HANDLE(handle as usize as *mut std::ffi::c_void),
                GetCurrentProcess(),
                &raw mut ours,
                0,
                false,
                DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE,
            );
            if moved.is_ok() {
                drop(OwnedHandle::from_raw_handle(ours.0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use windows::Win32::System::Memory::FILE_MAP;

    use super::{super::Memory, *};

    fn map(object: &OwnedHandle, access: FILE_MAP, length: usize) -> Option<NonNull<u8>> {
        // SAFETY: a new view at an address of the system's choice touches no other memory.
        let view = unsafe { MapViewOfFile(HANDLE(object.as_raw_handle()), access, 0, 0, length) };
        NonNull::new(view.Value.cast())
    }

    fn given(memory: &Memory) -> OwnedHandle {
        let recipient = Recipient::open(std::process::id()).expect("this process may do so");
        let handle = memory.share_with(&recipient).expect("a handle");
        // SAFETY: made for this process by the call, and owned by nobody else.
        unsafe { OwnedHandle::from_raw_handle(handle as usize as *mut std::ffi::c_void) }
    }

    #[test]
    fn what_is_given_shows_the_same_bytes_and_cannot_be_mapped_for_writing() {
        let memory = Memory::new(10_000).expect("made");
        // SAFETY: nobody else has it.
        let bytes = unsafe { memory.bytes_mut() };
        bytes[9_999] = 42;
        let theirs = given(&memory);
        let view = map(&theirs, FILE_MAP_READ, 10_000).expect("mapped for reading");
        // SAFETY: mapped with this length, and nobody writes.
        assert_eq!(unsafe { view.as_ptr().add(9_999).read() }, 42);
        // SAFETY: mapped above, and used no more.
        unsafe { unmap(view, 10_000) };
        assert!(map(&theirs, FILE_MAP_WRITE, 10_000).is_none(), "it could be written");
        assert!(map(&theirs, FILE_MAP_READ, 1 << 20).is_none(), "it has no more than its size");
    }

    #[test]
    fn of_what_is_given_nothing_can_be_made_that_may_write() {
        let memory = Memory::new(4096).expect("made");
        let theirs = given(&memory);
        let duplicate = |access, options| {
            let mut more = HANDLE::default();
            // SAFETY: all handles are open, and `more` outlives the call.
            let made = unsafe {
                let (this, source) = (GetCurrentProcess(), HANDLE(theirs.as_raw_handle()));
                DuplicateHandle(this, source, this, &raw mut more, access, false, options)
            };
            // SAFETY: where the call made a handle, it is owned by nobody else.
            made.map(|()| unsafe { OwnedHandle::from_raw_handle(more.0) })
        };
        let same = duplicate(0, DUPLICATE_SAME_ACCESS).expect("the same again");
        assert!(map(&same, FILE_MAP_WRITE, 4096).is_none());
        let more = duplicate(FILE_MAP_WRITE.0, DUPLICATE_HANDLE_OPTIONS(0));
        assert!(more.is_err(), "rights that were not given");
    }

    #[test]
    fn there_is_no_process_to_give_to() {
        // The idle process's id, which nobody may open.
        assert!(Recipient::open(0).is_err());
    }
}
