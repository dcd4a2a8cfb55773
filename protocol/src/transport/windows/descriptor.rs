//! Who may open a pipe.

use std::{ffi::c_void, io};

use windows::{
    Win32::{
        Foundation::{HLOCAL, LocalFree},
        Security::{
            Authorization::{
                ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
            },
            PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES,
        },
    },
    core::HSTRING,
};

use crate::endpoint::user_sid;

/// A security descriptor in memory of the system's.
pub(super) struct Descriptor(PSECURITY_DESCRIPTOR);

// SAFETY: the memory belongs to this value alone, is not tied to a thread, and is only read.
unsafe impl Send for Descriptor {}
// SAFETY: as above.
unsafe impl Sync for Descriptor {}

impl Descriptor {
    /// Everything for the user of this process, nothing for anybody else, and nothing inherited.
    pub(super) fn for_this_user() -> io::Result<Self> {
        let text = HSTRING::from(format!("D:P(A;;GA;;;{})", user_sid()?));
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

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: given by the conversion to be freed so, and used no more.
        unsafe { LocalFree(Some(HLOCAL(self.0.0.cast::<c_void>()))) };
    }
}
