//! The first 16 bytes of a connection, each way.

use proptest::prelude::*;
use protocol::{MAGIC, MAJOR, MINOR, Preamble, PreambleError, Role, Verdict};

const ROLES: [Role; 4] = [Role::Control, Role::Events, Role::Stream, Role::Publish];

#[test]
fn the_layout() {
    let bytes = Preamble { major: 0x0102, minor: 0x0304, what: Role::Publish }.to_bytes();
    assert_eq!(bytes, *b"\x89CAMSVC\n\x02\x01\x04\x03\x03\0\0\0");
    // What a line-based or text protocol would send never starts like this, and what passes
    // through something that changes line ends does not come through.
    assert!(!MAGIC[0].is_ascii() && MAGIC[7] == b'\n');
}

#[test]
fn a_new_preamble_has_this_version() {
    let preamble = Preamble::new(Role::Stream);
    assert_eq!((preamble.major, preamble.minor), (MAJOR, MINOR));
}

#[test]
fn every_other_magic_is_refused() {
    for place in 0..8 {
        let mut bytes = Preamble::new(Role::Control).to_bytes();
        bytes[place] ^= 1;
        assert_eq!(Preamble::<Role>::from_bytes(&bytes), Err(PreambleError::Magic));
        assert_eq!(Preamble::<Verdict>::from_bytes(&bytes), Err(PreambleError::Magic));
    }
    let error = Preamble::<Role>::from_bytes(b"GET / HTTP/1.1\r\n").expect_err("not ours");
    assert_eq!(error.to_string(), "what came is not the camera-service protocol");
}

/// The version is judged before the role: another major version may have other roles.
#[test]
fn another_major_version_is_told_with_both_versions() {
    let mut bytes = Preamble { major: MAJOR + 1, minor: 7, what: Role::Control }.to_bytes();
    bytes[12] = 200;
    let wanted = PreambleError::Version { theirs_major: MAJOR + 1, theirs_minor: 7 };
    assert_eq!(Preamble::<Role>::from_bytes(&bytes), Err(wanted));
    assert_eq!(Preamble::<Verdict>::from_bytes(&bytes), Err(wanted));
    let text = wanted.to_string();
    assert!(text.contains("2.7") && text.contains(&format!("{MAJOR}.{MINOR}")), "{text}");
}

#[test]
fn another_minor_version_is_no_obstacle() {
    for minor in [MINOR + 1, u16::MAX] {
        let preamble = Preamble { major: MAJOR, minor, what: Role::Events };
        assert_eq!(Preamble::<Role>::from_bytes(&preamble.to_bytes()), Ok(preamble));
    }
}

#[test]
fn unknown_roles_and_verdicts() {
    for what in 4..=u8::MAX {
        let mut bytes = Preamble::new(Role::Control).to_bytes();
        bytes[12] = what;
        assert_eq!(Preamble::<Role>::from_bytes(&bytes), Err(PreambleError::What(what)));
        let verdict = Preamble::<Verdict>::from_bytes(&bytes);
        if what == 4 {
            assert_eq!(verdict, Ok(Preamble::new(Verdict::NotUnderstood)));
        } else {
            assert_eq!(verdict, Err(PreambleError::What(what)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn preambles_survive(major in Just(MAJOR), minor in any::<u16>(), role in 0..4_usize) {
        let preamble = Preamble { major, minor, what: ROLES[role] };
        prop_assert_eq!(Preamble::<Role>::from_bytes(&preamble.to_bytes()), Ok(preamble));
    }

    /// Later versions may use the reserved bytes; this one looks past them.
    #[test]
    fn reserved_bytes_are_sent_as_zeros_and_not_read(reserved in any::<[u8; 3]>()) {
        let preamble = Preamble::new(Role::Stream);
        let mut bytes = preamble.to_bytes();
        prop_assert_eq!(&bytes[13..], &[0; 3]);
        bytes[13..].copy_from_slice(&reserved);
        prop_assert_eq!(Preamble::<Role>::from_bytes(&bytes), Ok(preamble));
    }

    #[test]
    fn no_bytes_panic(bytes in any::<[u8; 16]>(), ours in any::<bool>()) {
        let mut bytes = bytes;
        if ours {
            bytes[..8].copy_from_slice(&MAGIC);
        }
        let _ = Preamble::<Role>::from_bytes(&bytes);
        let _ = Preamble::<Verdict>::from_bytes(&bytes);
    }
}
