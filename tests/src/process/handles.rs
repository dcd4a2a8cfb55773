//! Which handles a process has open. `GetProcessHandleCount` would be the way, did it not always
//! say 0 under Wine 10; the list of all handles of all processes is told by either.

use std::{ffi::c_void, ptr};

use windows::Win32::Foundation::{NTSTATUS, STATUS_INFO_LENGTH_MISMATCH};

windows::core::link!("ntdll.dll" "system" fn NtQuerySystemInformation(class: i32, information: *mut c_void, length: u32, returned: *mut u32) -> NTSTATUS);

/// `SystemExtendedHandleInformation`: a [`Head`], and so many [`Entry`] behind it.
const ALL_HANDLES: i32 = 64;

#[repr(C)]
struct Head {
    count: usize,
    _reserved: usize,
}

/// One handle.
#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Entry {
    _object: usize,
    process: usize,
    _handle: usize,
    /// What may be done with it.
    pub(super) access: u32,
    _trace: u16,
    _kind: u16,
    _attributes: u32,
    _reserved: u32,
}

/// The handles of process `pid`.
pub(super) fn of(pid: u32) -> windows::core::Result<Vec<Entry>> {
    // In words of 8 bytes, for its alignment.
    let mut words = vec![0u64; 64 << 10];
    loop {
        let length = size_of_val(&words[..]) as u32;
        // SAFETY: the call is told the length of what it may write to.
        let asked = unsafe {
            NtQuerySystemInformation(
                ALL_HANDLES,
                words.as_mut_ptr().cast(),
                length,
                ptr::null_mut(),
            )
        };
        if asked != STATUS_INFO_LENGTH_MISMATCH {
            asked.ok()?;
            break;
        }
        // There may be more by the time of the next question.
        words.resize(words.len() * 2, 0);
    }
    let start = words.as_ptr();
    // SAFETY: the call has written a head, for which the memory is aligned.
    let count = unsafe { (*start.cast::<Head>()).count };
    let room = (size_of_val(&words[..]) - size_of::<Head>()) / size_of::<Entry>();
    // SAFETY: behind the head lie `count` entries, within the memory, which lives as long as the
    // slice.
    let all = unsafe {
        let first = start.byte_add(size_of::<Head>()).cast::<Entry>();
        std::slice::from_raw_parts(first, count.min(room))
    };
    Ok(all.iter().filter(|entry| entry.process == pid as usize).copied().collect())
}
