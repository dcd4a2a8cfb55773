//! What `protocol::wire` promises of any message and of any bytes.

#[path = "support/draw.rs"]
mod draw;
#[path = "support/fields.rs"]
mod fields;
#[path = "support/files.rs"]
mod files;
#[path = "support/kinds.rs"]
mod kinds;

use proptest::{collection::vec, prelude::*};
use protocol::{
    ClientHello, Hello, StreamMessage,
    wire::{self, MAX_HELLO, MAX_MESSAGE, WireError},
};

use kinds::{KINDS, Kind};

fn any_kind() -> impl Strategy<Value = &'static Kind> {
    (0..KINDS.len()).prop_map(|index| &KINDS[index])
}

fn seed() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..200)
}

/// A message cut short anywhere is not one yet, and its body cut short anywhere never is one.
fn cut_everywhere(kind: &Kind, name: &str, bytes: &[u8]) {
    let (body, used) = wire::split(bytes, MAX_MESSAGE).expect("it is short").expect("it is whole");
    assert_eq!((body, used), (&bytes[4..], bytes.len()), "{name}");
    for cut in 0..bytes.len() {
        let split = wire::split(&bytes[..cut], MAX_MESSAGE);
        assert!(matches!(split, Ok(None)), "{name} of {} cut to {cut}: {split:?}", kind.file);
    }
    for cut in 0..body.len() {
        let decoded = (kind.decode)(&body[..cut]);
        assert!(
            matches!(decoded, Err(WireError::Decode(_))),
            "{name} of {} cut to {cut}: {decoded:?}",
            kind.file
        );
    }
}

/// Bytes behind a message are an error that tells their number.
fn left_over(kind: &Kind, name: &str, body: &[u8], more: &[u8]) {
    let decoded = (kind.decode)(&[body, more].concat());
    assert!(
        matches!(decoded, Err(WireError::Trailing(left)) if left == more.len()),
        "{name} of {} with {more:02x?} behind: {decoded:?}",
        kind.file
    );
}

#[test]
fn every_golden_message_cut_at_every_byte_and_with_bytes_behind() {
    for kind in KINDS {
        for (name, bytes) in files::read(kind.file) {
            cut_everywhere(kind, &name, &bytes);
            left_over(kind, &name, &bytes[4..], &[0]);
            left_over(kind, &name, &bytes[4..], &bytes);
        }
    }
}

/// What fuzzing found worth keeping is an error or a message here too.
#[test]
fn the_corpus_of_fuzzing_holds_no_surprise() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fuzz/corpus");
    for kind in KINDS {
        let folder = format!("{corpus}/{}", kind.file);
        let files = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{folder}: {e}"));
        let mut messages = 0;
        for file in files {
            let path = file.expect("the folder can be read").path();
            let body = std::fs::read(&path).expect("its files too");
            if let Ok(bytes) = (kind.round_trip)(&body) {
                assert_eq!(bytes, body, "{}", path.display());
                messages += 1;
            }
        }
        assert!(messages > 0, "{folder} holds no message that is whole");
    }
}

/// Requests, replies and events begin with an id or a time, replies then with a result's tag.
#[test]
fn no_tag_beyond_the_last_is_known() {
    for kind in KINDS {
        for before in [0, 8, 9, 12] {
            for tag in [1_000, u32::MAX] {
                let body = [vec![0; before], tag.to_le_bytes().to_vec(), vec![0; 64]].concat();
                let decoded = (kind.decode)(&body);
                assert!(
                    matches!(decoded, Err(WireError::Decode(_) | WireError::Trailing(_))),
                    "{} with the tag {tag} at {before}: {decoded:?}",
                    kind.file
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_message_survives(kind in any_kind(), seed in seed()) {
        (kind.drawn)(&seed);
    }

    #[test]
    fn any_cut_is_noticed(kind in any_kind(), seed in seed(), more in vec(any::<u8>(), 1..20)) {
        let bytes = (kind.drawn)(&seed);
        cut_everywhere(kind, "a drawn message", &bytes);
        left_over(kind, "a drawn message", &bytes[4..], &more);
    }

    /// Bytes have one reading: what decodes encodes to the same bytes.
    #[test]
    fn any_bytes_are_an_error_or_a_message(kind in any_kind(), body in seed()) {
        if let Ok(bytes) = (kind.round_trip)(&body) {
            prop_assert_eq!(bytes, body);
        }
    }

    #[test]
    fn a_damaged_message_is_an_error_or_another_message(
        kind in any_kind(),
        seed in seed(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut body = (kind.drawn)(&seed).split_off(4);
        for (place, byte) in damage {
            let place = place.index(body.len());
            body[place] = byte;
        }
        if let Ok(bytes) = (kind.round_trip)(&body) {
            prop_assert_eq!(bytes, body);
        }
    }

    #[test]
    fn a_stream_of_messages_splits_the_same_however_it_arrives(
        kind in any_kind(),
        seeds in vec(seed(), 1..6),
        pieces in vec(1..40_usize, 1..20),
    ) {
        let messages: Vec<Vec<u8>> = seeds.iter().map(|seed| (kind.drawn)(seed)).collect();
        let stream = messages.concat();
        let mut arriving = stream.as_slice();
        let mut buffer = Vec::new();
        let mut got = Vec::new();
        for piece in pieces.into_iter().cycle() {
            let (piece, rest) = arriving.split_at(piece.min(arriving.len()));
            arriving = rest;
            buffer.extend_from_slice(piece);
            while let Some((_, used)) = wire::split(&buffer, MAX_MESSAGE)? {
                got.push(buffer.drain(..used).collect::<Vec<u8>>());
            }
            if arriving.is_empty() {
                break;
            }
        }
        prop_assert_eq!(got, messages);
        prop_assert!(buffer.is_empty());
    }

    #[test]
    fn a_length_over_the_limit_is_refused_at_once(
        limit in prop_oneof![Just(MAX_HELLO), Just(MAX_MESSAGE)],
        over in 1..=u32::MAX,
        behind in vec(any::<u8>(), 0..10),
    ) {
        let length = (limit as u32).saturating_add(over);
        let bytes = [&length.to_le_bytes()[..], &behind].concat();
        let split = wire::split(&bytes, limit);
        prop_assert!(
            matches!(split, Err(WireError::TooLong { length: l, limit: m })
                if l == length as usize && m == limit),
            "{split:?}"
        );
        let bytes = [&(limit as u32).to_le_bytes()[..], &behind].concat();
        prop_assert!(matches!(wire::split(&bytes, limit), Ok(None)));
    }
}

/// A message whose body has `length` bytes: 4 for its tag, 8 for the length of its text.
fn message_of(length: usize) -> StreamMessage {
    StreamMessage::Lost { reason: "x".repeat(length - 12) }
}

#[test]
fn the_longest_message_passes_and_one_byte_more_does_not() {
    let longest = message_of(MAX_MESSAGE);
    let bytes = wire::encode(&longest).expect("it is as long as may be");
    let (body, used) = wire::split(&bytes, MAX_MESSAGE).expect("in the limit").expect("whole");
    assert_eq!((body.len(), used), (MAX_MESSAGE, MAX_MESSAGE + 4));
    assert_eq!(wire::decode::<StreamMessage>(body).expect("in the limit"), longest);

    let mut buffer = b"before".to_vec();
    let error = wire::append(&mut buffer, &message_of(MAX_MESSAGE + 1)).expect_err("too long");
    assert_eq!(
        error.to_string(),
        "a message of 1048577 bytes was announced, 1048576 are allowed",
        "{error:?}"
    );
    assert_eq!(buffer, b"before", "what was there before stays");
    wire::append(&mut buffer, &StreamMessage::Lagged).expect("short");
    assert_eq!(buffer, b"before\x04\0\0\0\x08\0\0\0", "and can be appended to");
}

/// The longest greeting that makes sense has room in the handshake's limit.
#[test]
fn a_full_hello_is_within_its_limit() {
    let hello = Hello::Client(ClientHello {
        name: "n".repeat(128),
        token: Some("t".repeat(512)),
        remote: Some("[2001:db8:1234:5678:9abc:def0:1234:5678%eth0]:65535".to_owned()),
    });
    let bytes = wire::encode(&hello).expect("short");
    assert!(matches!(wire::split(&bytes, MAX_HELLO), Ok(Some(_))), "{} bytes", bytes.len());
}
