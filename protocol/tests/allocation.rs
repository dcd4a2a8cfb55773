//! Lengths that a message announces cost no memory: decoding is measured with an allocator that
//! counts.
// Clippy does not see the `const` where the variables of threads are the system's.
#![allow(clippy::missing_const_for_thread_local)]
#![allow(unsafe_code)]

#[path = "support/draw.rs"]
mod draw;
#[path = "support/fields.rs"]
mod fields;
#[path = "support/files.rs"]
mod files;
#[path = "support/kinds.rs"]
mod kinds;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use kinds::{KINDS, Kind};
use protocol::{
    ControlSetting, ControlValue, Request, RequestMessage,
    wire::{self, MAX_MESSAGE, WireError},
};

/// The system's allocator, which counts what each thread holds.
struct Counting;

thread_local! {
    /// Bytes that this thread holds now, and the most that it held since [`most`] began.
    static HELD: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

fn count(change: impl FnOnce(usize) -> usize) {
    // A thread that is ending has no counter any more.
    let _ = HELD.try_with(|held| {
        let (now, most) = held.get();
        let now = change(now);
        held.set((now, most.max(now)));
    });
}

// SAFETY: every call goes to the system's allocator as it came; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(|now| now + layout.size());
        // SAFETY: the caller keeps the promises of this function, which are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(|now| now + layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both may be there for a moment.
        count(|now| now + size);
        count(|now| now.saturating_sub(layout.size()));
        // SAFETY: as above.
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // What another thread allocated is not counted here.
        count(|now| now.saturating_sub(layout.size()));
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Most bytes that this thread held at once during `work`, beyond what it held before.
fn most<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = HELD.with(|held| {
        let (now, _) = held.get();
        held.set((now, now));
        now
    });
    let done = work();
    (HELD.with(Cell::get).1 - before, done)
}

/// A list within a list within a list costs each the most that is reserved for one before its
/// elements are there: 1 MiB. Deeper than four no message is.
const HOSTILE: usize = 4 * MAX_MESSAGE + 4096;

const LENGTHS: [u64; 8] = [
    u64::MAX,
    i64::MAX as u64,
    1 << 60,
    1 << 40,
    u32::MAX as u64,
    64 << 20,
    MAX_MESSAGE as u64,
    MAX_MESSAGE as u64 - 200,
];

#[test]
fn the_counter_counts() {
    let (bytes, list) = most(|| vec![1_u8; 3 << 20]);
    assert_eq!(bytes, list.len());
    let (bytes, _) = most(|| drop(vec![0_u8; 5 << 20]));
    assert_eq!(bytes, 5 << 20);
    let (bytes, _) = most(|| list.len());
    assert_eq!(bytes, 0);
}

/// Bodies of messages of one kind: the golden ones, and some that have more in their lists.
fn bodies(kind: &Kind) -> Vec<(String, Vec<u8>)> {
    let golden = files::read(kind.file).into_iter().map(|(name, bytes)| (name, bytes[4..].into()));
    let drawn = (0..100_u8).map(|number| {
        let seed: Vec<u8> = (0..80_u8).map(|i| i.wrapping_mul(31).wrapping_add(number)).collect();
        (format!("drawn {number}"), (kind.drawn)(&seed).split_off(4))
    });
    golden.chain(drawn).collect()
}

/// Wherever a length may stand in a message, a hostile one is put.
#[test]
fn hostile_lengths_reserve_little() {
    let mut worst = 0;
    for kind in KINDS {
        for (name, body) in bodies(kind) {
            let whole = (kind.round_trip)(&body).expect("it is a message before it is damaged");
            assert_eq!(whole, body, "{name} of {}", kind.file);
            for place in 0..=body.len().saturating_sub(8) {
                for length in LENGTHS {
                    let mut body = body.clone();
                    let end = body.len().min(place + 8);
                    body[place..end].copy_from_slice(&length.to_le_bytes()[..end - place]);
                    let (bytes, _) = most(|| (kind.decode)(&body));
                    assert!(
                        bytes <= HOSTILE,
                        "{name} of {} with the length {length} at {place} took {bytes} bytes",
                        kind.file
                    );
                    worst = worst.max(bytes);
                }
            }
        }
    }
    println!("most bytes for a short message with a hostile length: {worst}");
    assert!(worst > 1_000, "no length was taken for one: is the counter at work?");
}

#[test]
fn text_and_lists_of_any_depth_reserve_little() {
    type Decode = fn(&[u8]) -> Result<(), WireError>;
    fn decode<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<(), WireError> {
        wire::decode::<T>(body).map(drop)
    }
    let types: [(&str, Decode, usize); 7] = [
        ("String", decode::<String>, 1),
        ("Vec<u8>", decode::<Vec<u8>>, 1),
        ("Vec<u64>", decode::<Vec<u64>>, 1),
        ("Vec<[u64; 64]>", decode::<Vec<[[u64; 8]; 8]>>, 1),
        ("Vec<String>", decode::<Vec<String>>, 2),
        ("Vec<Vec<u8>>", decode::<Vec<Vec<u8>>>, 2),
        ("Vec<Vec<Vec<String>>>", decode::<Vec<Vec<Vec<String>>>>, 4),
    ];
    for (name, decode, depth) in types {
        for length in LENGTHS {
            let body = length.to_le_bytes().repeat(depth);
            let (bytes, decoded) = most(|| decode(&body));
            assert!(decoded.is_err(), "{name}: {length} elements out of nothing");
            assert!(
                bytes <= depth * MAX_MESSAGE + 4096,
                "{name} of {length} elements took {bytes} bytes"
            );
        }
    }
}

/// What a client can make the service hold with a message that is whole: the shortest elements
/// there are, as many as fit.
#[test]
fn a_full_message_grows_by_a_bounded_factor() {
    let request = |request| RequestMessage { id: 1, deadline_ms: None, request };
    let camera = || protocol::CameraId::from("");
    let setting = || ControlSetting { name: String::new(), value: ControlValue::None };
    let fullest = [
        request(Request::GetControls {
            camera: camera(),
            names: vec![String::new(); (MAX_MESSAGE - 64) / 8],
        }),
        request(Request::SetControls {
            camera: camera(),
            settings: vec![setting(); (MAX_MESSAGE - 64) / 12],
        }),
        request(Request::SetControls {
            camera: camera(),
            settings: vec![ControlSetting {
                name: String::new(),
                value: ControlValue::Bytes(vec![7; MAX_MESSAGE - 64]),
            }],
        }),
    ];
    for message in fullest {
        let bytes = wire::encode(&message).expect("it just fits");
        drop(message);
        let (held, decoded) = most(|| wire::decode::<RequestMessage>(&bytes[4..]));
        decoded.expect("it is whole");
        println!("a body of {} bytes took {held} bytes to decode", bytes.len() - 4);
        assert!(held <= 16 * MAX_MESSAGE, "{held} bytes for a message of {}", bytes.len());
    }
}

/// An announced length is refused, or waited for, without a byte reserved.
#[test]
fn splitting_allocates_nothing() {
    for length in [0, 1, 4096, 4097, MAX_MESSAGE as u32, MAX_MESSAGE as u32 + 1, u32::MAX] {
        let head = length.to_le_bytes();
        let (bytes, _) = most(|| drop(wire::split(&head, MAX_MESSAGE)));
        assert_eq!(bytes, 0, "a length of {length}");
    }
}
