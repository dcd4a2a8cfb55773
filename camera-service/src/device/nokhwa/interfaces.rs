//! Whether cameras may have come or gone, without asking nokhwa: on Windows each of its looks keeps
//! some memory for ever (the list of devices and their names), which a look every two seconds would
//! make much of.

/// A change is told before Media Foundation knows of it: so many looks follow one.
const LOOKS: u32 = 5;

/// What was there at the last look.
#[derive(Default)]
pub(super) struct Interfaces {
    seen: Option<Vec<u16>>,
    /// Looks that are still to follow the last change.
    looks: u32,
}

impl Interfaces {
    /// Whether a look through nokhwa may find something else than the last one. Always where the
    /// system does not tell.
    pub(super) fn may_have_changed(&mut self) -> bool {
        self.compare(platform::present())
    }

    fn compare(&mut self, now: Option<Vec<u16>>) -> bool {
        if now.is_none() || now != self.seen {
            self.seen = now;
            self.looks = LOOKS;
        }
        let any = self.looks > 0;
        self.looks = self.looks.saturating_sub(1);
        any
    }
}

#[cfg(windows)]
#[allow(unsafe_code)]
mod platform {
    use windows::{
        Win32::Devices::DeviceAndDriverInstallation::{
            CM_GET_DEVICE_INTERFACE_LIST_PRESENT, CM_Get_Device_Interface_List_SizeW,
            CM_Get_Device_Interface_ListW, CR_BUFFER_SMALL, CR_SUCCESS,
        },
        core::{GUID, PCWSTR},
    };

    /// What a camera's driver says that its device is: a camera of the USB or built in, one of the
    /// network, or something that captures, as older drivers put it.
    const CLASSES: [GUID; 3] = [
        GUID::from_u128(0xe5323777_f976_4f5b_9b55_b94699c46e44),
        GUID::from_u128(0xb8238652_b500_41eb_b4f3_4234f7f5ae99),
        GUID::from_u128(0x65e8773d_8f56_11d0_a3b9_00a0c9223196),
    ];
    /// The list may grow between the question for its length and that for itself.
    const TRIES: usize = 3;

    /// The names of all interfaces of cameras that are there, each class's list behind the other;
    /// `None` where the system does not say.
    pub(super) fn present() -> Option<Vec<u16>> {
        let mut all = Vec::new();
        for class in &CLASSES {
            all.extend(of_class(class)?);
        }
        Some(all)
    }

    fn of_class(class: &GUID) -> Option<Vec<u16>> {
        for _ in 0..TRIES {
            let mut length = 0;
            let there = CM_GET_DEVICE_INTERFACE_LIST_PRESENT;
            // SAFETY: the number and the class outlive the call; no device is named, so all are
            // meant.
            let asked = unsafe {
                CM_Get_Device_Interface_List_SizeW(&raw mut length, class, PCWSTR::null(), there)
            };
            if asked != CR_SUCCESS {
                return None;
            }
            let mut names = vec![0; length as usize];
            // SAFETY: as above; the call is told the buffer's length.
            let asked =
                unsafe { CM_Get_Device_Interface_ListW(class, PCWSTR::null(), &mut names, there) };
            match asked {
                CR_SUCCESS => return Some(names),
                CR_BUFFER_SMALL => {}
                _ => return None,
            }
        }
        None
    }
}

#[cfg(not(windows))]
mod platform {
    /// There is nothing cheaper than a look.
    pub(super) fn present() -> Option<Vec<u16>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_followed_by_some_looks_and_then_there_are_none() {
        let mut interfaces = Interfaces::default();
        let mut looks = |now: &[u16]| interfaces.compare(Some(now.to_vec()));
        for list in [&[][..], &[1, 2], &[]] {
            let many = (0..20).filter(|_| looks(list)).count();
            assert_eq!(many, LOOKS as usize, "{list:?}");
        }
    }

    #[test]
    fn where_the_system_does_not_tell_every_look_is_made() {
        let mut interfaces = Interfaces::default();
        assert!((0..20).all(|_| interfaces.compare(None)));
    }

    #[test]
    fn what_is_there_is_told_the_same_way_twice() {
        assert_eq!(platform::present(), platform::present());
    }
}
