//! Frames that the kernel writes straight into slots: that it does, that it never writes into one
//! that is held or was, and what is done where it will not.

use std::{fs::File, os::unix::fs::FileExt as _, sync::Arc};

use camera_service::{
    device::{Captured, Device},
    slots::{Lease, Pool},
};
use protocol::{FrameHeader, Mode};
use tests::{
    Process,
    device::{Open, camera, open, pixel},
};

use super::{BARS, DRIVER, ctl};

const MODE: &str = "YUYV 320x180 30";

/// Whether this program has mapped the driver's memory: frames are copied from there.
fn is_mapped(camera: &Arc<dyn Device>) -> bool {
    let path = camera.descriptor().path.clone().expect("a device file");
    Process::new(std::process::id()).has_mapped(&path)
}

/// The next frame, which must have vivid's bars below a line of text, and not that of the one
/// before: it says the time.
fn next(open: &mut Open, before: &mut Vec<u8>) -> Captured {
    let mode = open.capture.mode();
    let frame = open.frame();
    for (bar, colour) in (0..).zip(BARS) {
        let seen = pixel(&frame, mode, bar * 40 + 20, 170);
        let close = seen.iter().zip(colour).all(|(a, b)| a.abs_diff(b) <= 6);
        assert!(close, "frame {}: bar {bar} is {seen:?}, not {colour:?}", frame.sequence);
    }
    let bytes = &frame.slot[..frame.length as usize];
    // The driver may draw its first frame twice: it begins to count anew after that one.
    let new = bytes != before || frame.sequence < 2;
    assert!(new, "frame {} is the one before", frame.sequence);
    bytes.clone_into(before);
    frame
}

fn publish(frame: Captured, mode: Mode) -> Lease {
    frame.slot.publish(FrameHeader {
        sequence: frame.sequence,
        monotonic_ns: frame.monotonic_ns,
        unix_ns: 0,
        size: mode.size,
        format: mode.format,
        planes: frame.planes,
        colour: frame.colour,
        length: frame.length,
        dropped: 0,
    })
}

/// Holds on frames, each with what lay there when it was published.
type Held = Vec<(Lease, Vec<u8>)>;

fn assert_untouched(held: &Held) {
    for (lease, bytes) in held {
        assert!(**lease == **bytes, "frame {} was written over", lease.header().sequence);
    }
}

#[test]
fn frames_are_written_into_slots_and_where_the_driver_refuses_they_are_copied() {
    let camera = camera(DRIVER);
    ctl(&camera, "osd_text_mode=1");
    let frames = |open: &mut Open| {
        // The time that it shows begins anew with every opening.
        let mut before = Vec::new();
        for _ in 0..10 {
            next(open, &mut before);
        }
    };
    frames(&mut open(&camera, MODE));
    for call in ["reqbufs", "qbuf", "streamon"] {
        ctl(&camera, &format!("inject_vidioc_{call}_error=1"));
        let mut copied = open(&camera, MODE);
        assert!(is_mapped(&camera), "{call}");
        frames(&mut copied);
        drop(copied);
        let mut lent = open(&camera, MODE);
        assert!(!is_mapped(&camera), "the refusal of {call} was for once");
        frames(&mut lent);
    }
    ctl(&camera, "osd_text_mode=0");
}

#[test]
fn slots_that_readers_hold_or_died_with_are_never_written() {
    let camera = camera(DRIVER);
    ctl(&camera, "osd_text_mode=1");
    let mut open = open(&camera, MODE);
    let (mode, mut before) = (open.capture.mode(), Vec::new());
    let mut held: Held = Vec::new();
    // More than there are slots: some are retired, and held on to all the same.
    for _ in 0..2 * Pool::MAX_SLOTS {
        let lease = publish(next(&mut open, &mut before), mode);
        held.push((lease, before.clone()));
        assert_untouched(&held);
    }
    assert!(held[0].0.is_overdue(), "it was held for the longest time");
    assert!(open.pool.slots() <= Pool::MAX_SLOTS);
    // Released out of order.
    let mut number = 0;
    held.retain(|_| {
        number += 1;
        number % 3 == 0
    });
    for _ in 0..Pool::MAX_SLOTS {
        publish(next(&mut open, &mut before), mode);
        assert_untouched(&held);
    }
    held.clear();
    // Readers that are gone, and may yet read: they have the memory, and nobody counts them. One
    // at a time, so that the next slot comes to lie where that one's was; and many.
    for many in [1, Pool::MAX_SLOTS / 2] {
        let mut dead: Vec<(File, Vec<u8>)> = Vec::new();
        while dead.len() < 3 * Pool::MAX_SLOTS {
            while held.len() < many {
                held.push((publish(next(&mut open, &mut before), mode), before.clone()));
            }
            for (lease, bytes) in held.drain(..) {
                let memory = lease.memory().fd().try_clone_to_owned().expect("a descriptor");
                dead.push((memory.into(), bytes));
                lease.abandon();
            }
        }
        for _ in 0..Pool::MAX_SLOTS {
            publish(next(&mut open, &mut before), mode);
        }
        for (memory, bytes) in &dead {
            let mut now = vec![0; bytes.len()];
            memory.read_exact_at(&mut now, 0).expect("a slot can be read");
            assert!(now == *bytes, "a slot that a reader died with was written");
        }
    }
    assert!(!is_mapped(&camera));
    drop(open);
    ctl(&camera, "osd_text_mode=0");
}
