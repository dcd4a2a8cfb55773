//! Who may open a pipe, and whose it is.

use std::{ffi::c_void, io};

use windows::{
    Win32::{
        Foundation::{HANDLE, HLOCAL, LocalFree},
        Security::{
            Authorization::{
                ConvertStringSecurityDescriptorToSecurityDescriptorW, GetSecurityInfo,
                SDDL_REVISION_1, SE_KERNEL_OBJECT,
            },
            OWNER_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID, SECURITY_ATTRIBUTES,
        },
    },
    core::HSTRING,
};

use crate::endpoint::{text_of, user_sid};

/// A security descriptor in memory of the system's.
pub(super) struct Descriptor(PSECURITY_DESCRIPTOR);

// SAFETY: the memory belongs to this value alone, is not tied to a thread, and is only read.
unsafe impl Send for Descriptor {}
// SAFETY: as above.
unsafe impl Sync for Descriptor {}

impl Descriptor {
    /// Everything for the user of this process, whose it is also where that runs with an
    /// administrator's rights; nothing for anybody else, and nothing inherited.
    pub(super) fn for_this_user() -> io::Result<Self> {
        let user = user_sid()?;
        let text = HSTRING::from(format!("O:{user}D:P(A;;GA;;;{user})"));
        let mut descriptor = PSECURITY_DESCRIPTOR::default();
        // SAFETY: `text` outlives the call; `descriptor` receives memory that is freed on drop.
        unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                &text,
                SDDL_REVISION_1,
                &raw mut descriptor,
                None,
            )?;
        }
        Ok(Self(descriptor))
    }

    /// For a call that makes something. Good for as long as `self`.
    pub(super) fn attributes(&self) -> SECURITY_ATTRIBUTES {
        SECURITY_ATTRIBUTES {
            nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: self.0.0,
            bInheritHandle: false.into(),
        }
    }
}

/// Whether `pipe` belongs to the user of this process, who then has said who may open it.
pub(super) fn is_of_this_user(pipe: HANDLE) -> io::Result<bool> {
    let (mut owner, mut descriptor) = (PSID::default(), PSECURITY_DESCRIPTOR::default());
    // SAFETY: the handle is open; what the call gives is freed below.
    let asked = unsafe {
        GetSecurityInfo(
            pipe,
            SE_KERNEL_OBJECT,
            OWNER_SECURITY_INFORMATION,
            Some(&raw mut owner),
            None,
            None,
            None,
            Some(&raw mut descriptor),
        )
    };
    asked.ok()?;
    let _freed = Descriptor(descriptor);
    // SAFETY: it lies in the descriptor.
    Ok(unsafe { text_of(owner)? } == user_sid()?)
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: given by the conversion to be freed so, and used no more.
        unsafe { LocalFree(Some(HLOCAL(self.0.0.cast::<c_void>()))) };
    }
}
