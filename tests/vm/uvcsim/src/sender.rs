//! Sends frames at their rate, each as one payload over as many transfers as it takes.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    frames::Frames,
    negotiation::{Choice, raw_length},
    state::State,
    usbip::Wire,
};

/// Runs on a thread of its own until the webcam is unplugged.
pub fn run(wire: &Wire, state: &State, frames: &Frames) {
    let (mut due, mut number, mut toggle) = (Instant::now(), 0, 0);
    while let Some(choice) = wait_for_stream(state, &mut due) {
        sleep_until_next(&mut due, choice.interval);
        let Some(frame) = frames.get(choice, number) else { continue };
        number += 1;
        let Some(payload) = payload(state, choice, frame, toggle) else { continue };
        toggle ^= 1;
        // A transfer that it does not fill ends a payload; one as large as can be needs no end.
        let longest = raw_length(choice.size) as usize + 2;
        send(wire, state, choice, &payload, longest);
    }
}

/// Waits until the host streams; `None` once the webcam is unplugged.
fn wait_for_stream(state: &State, due: &mut Instant) -> Option<Choice> {
    let mut shared = state.lock();
    loop {
        match shared.streaming {
            _ if shared.gone => return None,
            Some(choice) if !shared.stalled => return Some(choice),
            _ => shared = state.wait(shared),
        }
        *due = Instant::now();
    }
}

fn sleep_until_next(due: &mut Instant, interval: u32) {
    *due += Duration::from_nanos(u64::from(interval) * 100);
    match due.checked_duration_since(Instant::now()) {
        Some(rest) => thread::sleep(rest),
        // Far behind, it does not try to catch up.
        None if due.elapsed() > Duration::from_secs(1) => *due = Instant::now(),
        None => {}
    }
}

/// The frame with its header, spoilt as commanded; `None` when it is not to be sent.
///
/// That is the case too when the host has ended the stream it was made for meanwhile, even if
/// it has begun another.
fn payload(state: &State, choice: Choice, mut frame: Vec<u8>, toggle: u8) -> Option<Vec<u8>> {
    const END_OF_HEADER: u8 = 0x80;
    const ERROR: u8 = 0x40;
    const END_OF_FRAME: u8 = 0x02;
    let mut shared = state.lock();
    if shared.streaming != Some(choice) || shared.stalled {
        return None;
    }
    if shared.pending.is_empty() {
        shared.dropped += 1;
        return None;
    }
    let mut flags = END_OF_HEADER | END_OF_FRAME | toggle;
    if shared.bad > 0 {
        shared.bad -= 1;
        flags |= ERROR;
    }
    if shared.short > 0 {
        shared.short -= 1;
        frame.truncate(frame.len() / 2);
    }
    shared.sent += 1;
    let mut payload = vec![2, flags];
    payload.append(&mut frame);
    Some(payload)
}

fn send(wire: &Wire, state: &State, choice: Choice, payload: &[u8], longest: usize) {
    let mut rest = payload;
    loop {
        let mut shared = state.lock();
        let transfer = loop {
            if shared.gone || shared.streaming != Some(choice) {
                return;
            }
            match shared.pending.pop_front() {
                Some(transfer) => break transfer,
                None => shared = state.wait(shared),
            }
        };
        let (part, after) = rest.split_at(transfer.length.min(rest.len()));
        // Under the lock, so that an unlink of this transfer finds it done.
        wire.answer_transfer(transfer.number, 0, part, part.len());
        drop(shared);
        rest = after;
        if part.len() < transfer.length || (rest.is_empty() && payload.len() == longest) {
            return;
        }
    }
}
