//! The pool's rule under any order of events: no slot is written while it is held, none leaks,
//! bounds hold.

use std::collections::HashMap;

use proptest::prelude::*;
use protocol::{Colour, FrameHeader, PixelFormat, Size, SlotId};

use super::{Lease, Pool, WriteSlot};

const LENGTH: usize = 64;

fn header(number: u64) -> FrameHeader {
    FrameHeader {
        sequence: number,
        monotonic_ns: 0,
        unix_ns: 0,
        size: Size::new(8, 8),
        format: PixelFormat::Grey,
        planes: Vec::new(),
        colour: Colour::VIDEO,
        length: LENGTH as u32,
        dropped: 0,
    }
}

#[derive(Debug, Clone)]
enum Step {
    /// Take a slot and begin to write a frame into it.
    Acquire,
    /// Publish the frame being written that was begun so many before the last.
    Publish(usize),
    /// Give up one that is being written.
    GiveUp(usize),
    /// Another holder of a frame.
    Share(usize),
    /// A holder lets go.
    Release(usize),
    /// A holder is gone without letting go.
    Abandon(usize),
    /// The source has ended.
    RetireAll,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => Just(Step::Acquire),
        6 => (0..3usize).prop_map(Step::Publish),
        1 => (0..3usize).prop_map(Step::GiveUp),
        4 => (0..40usize).prop_map(Step::Share),
        6 => (0..40usize).prop_map(Step::Release),
        1 => (0..40usize).prop_map(Step::Abandon),
        1 => Just(Step::RetireAll),
    ];
    prop::collection::vec(step, 1..200)
}

/// Every lease must still show the frame that was published in it.
fn assert_whole(leases: &[Lease]) {
    for lease in leases {
        let number = lease.header().sequence as u8;
        assert!(lease.iter().all(|byte| *byte == number), "slot {:?} was written", lease.id());
    }
}

fn pick<T>(list: &mut Vec<T>, at: usize) -> Option<T> {
    if list.is_empty() { None } else { Some(list.swap_remove(at % list.len())) }
}

proptest! {
    #[test]
    fn no_held_slot_is_written_and_none_leaks(steps in steps()) {
        let pool = Pool::new(LENGTH);
        let mut writing: Vec<WriteSlot> = Vec::new();
        let mut leases: Vec<Lease> = Vec::new();
        let mut seen: HashMap<SlotId, bool> = HashMap::new();
        let mut number = 0;
        for step in steps {
            match step {
                Step::Acquire => {
                    // A source writes one frame at a time, a device of its own a few.
                    if writing.len() < 4 {
                        let mut slot = pool.acquire().expect("a slot");
                        slot.fill(0xee);
                        writing.push(slot);
                    }
                }
                Step::Publish(at) => {
                    if let Some(mut slot) = pick(&mut writing, at) {
                        number += 1;
                        slot.fill(number as u8);
                        leases.push(slot.publish(header(number)));
                    }
                }
                Step::GiveUp(at) => drop(pick(&mut writing, at)),
                Step::Share(at) => {
                    if let Some(lease) = leases.get(at % leases.len().max(1)) {
                        leases.push(lease.clone());
                    }
                }
                Step::Release(at) => drop(pick(&mut leases, at)),
                Step::Abandon(at) => {
                    if let Some(lease) = pick(&mut leases, at) {
                        let id = lease.id();
                        lease.abandon();
                        seen.insert(id, true);
                    }
                }
                Step::RetireAll => pool.retire_all(),
            }
            assert_whole(&leases);
            prop_assert!(pool.slots() <= Pool::MAX_SLOTS);
            for slot in &leases {
                seen.entry(slot.id()).or_insert(false);
            }
        }
        // What was abandoned is never used again, whatever comes.
        let abandoned: Vec<SlotId> =
            seen.iter().filter(|(_, gone)| **gone).map(|(id, _)| *id).collect();
        drop(writing);
        for _ in 0..2 * Pool::MAX_SLOTS {
            let lease = pool.acquire().expect("a slot").publish(header(1));
            prop_assert!(!abandoned.contains(&lease.id()));
        }
        // And what is held still is whole at the end.
        assert_whole(&leases);
        drop(leases);
        pool.retire_all();
        prop_assert_eq!(pool.slots(), 0);
    }
}

#[test]
fn at_the_bound_the_longest_held_slot_gives_way_and_its_holder_is_told() {
    let pool = Pool::new(LENGTH);
    let mut publish = |number| pool.acquire().expect("a slot").publish(header(number));
    let held: Vec<Lease> = (0..Pool::MAX_SLOTS as u64).map(&mut publish).collect();
    let next = publish(99);
    assert!(held[0].is_overdue() && held[0].watch_retirement().is_retired());
    assert!(held[1..].iter().all(|lease| !lease.is_overdue()));
    assert!(held.iter().all(|lease| lease.id() != next.id()));
    assert_eq!(pool.slots(), Pool::MAX_SLOTS);
}

#[test]
fn what_is_being_written_when_all_is_retired_is_not_used_again() {
    let pool = Pool::new(LENGTH);
    let (mut lent, given_up) = (pool.acquire().expect("a slot"), pool.acquire().expect("a slot"));
    let (kept, start) = (given_up.keep(), lent.start());
    assert!(kept.is_of(&given_up) && !kept.is_of(&lent) && !kept.is_retired());
    pool.retire_all();
    assert!(kept.is_retired());
    assert_eq!(pool.slots(), 0);
    drop(given_up);
    let mut fresh = pool.acquire().expect("a slot");
    assert!(!kept.is_of(&fresh));
    // It can still be published, and is whole for as long as it is held.
    assert_eq!(lent.start(), start, "it does not move");
    lent.fill(7);
    let lease = lent.publish(header(7));
    fresh.fill(9);
    drop(fresh.publish(header(9)));
    assert_whole(std::slice::from_ref(&lease));
    assert!(lease.watch_retirement().is_retired() && !lease.is_overdue());
    drop((lease.clone(), lease));
    assert_eq!(pool.slots(), 1);
}

#[test]
fn threads_never_see_each_others_writes() {
    let pool = Pool::new(LENGTH);
    let (sender, receiver) = std::sync::mpsc::sync_channel::<Lease>(4);
    let receiver = std::sync::Mutex::new(receiver);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let next = || receiver.lock().expect("no panic").recv();
                while let Ok(lease) = next() {
                    let copy = lease.clone();
                    drop(lease);
                    assert_whole(std::slice::from_ref(&copy));
                }
            });
        }
        for number in 0..5000 {
            let mut slot = pool.acquire().expect("a slot");
            slot.fill(number as u8);
            sender.send(slot.publish(header(number))).expect("readers");
        }
        drop(sender);
    });
    assert!(pool.slots() <= Pool::MAX_SLOTS);
}

#[test]
fn large_frames_get_fewer_slots() {
    assert_eq!(Pool::new(64 << 20).acquire().expect("a slot").len(), 64 << 20);
    let pool = Pool::new(Pool::MAX_BYTES / 4);
    let held: Vec<Lease> =
        (0..6).map(|number| pool.acquire().expect("a slot").publish(header(number))).collect();
    assert_eq!(pool.slots(), 4);
    assert!(held[0].is_overdue() && held[1].is_overdue() && !held[2].is_overdue());
}
