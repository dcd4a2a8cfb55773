//! The USB/IP protocol, the webcam's side of it.

use std::{
    collections::HashMap,
    io::{BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    sync::{Arc, Mutex},
    thread,
};

use crate::{
    controls::Controls,
    frames::Frames,
    requests, sender,
    state::{Pending, State},
};

/// Length of a header.
const HEADER: usize = 48;

/// The way to the host, for whole messages.
pub struct Wire(Mutex<UnixStream>);

impl Wire {
    /// Ends a transfer with `status` (0, or a negative error number) and `data` for the host.
    pub fn answer_transfer(&self, number: u32, status: i32, data: &[u8], actual: usize) {
        self.send(3, number, status, data, actual);
    }

    fn answer_unlink(&self, number: u32, status: i32) {
        self.send(4, number, status, &[], 0);
    }

    fn send(&self, command: u32, number: u32, status: i32, data: &[u8], actual: usize) {
        let mut message = Vec::with_capacity(HEADER + data.len());
        for word in [command, number, 0, 0, 0, status as u32, actual as u32] {
            message.extend(word.to_be_bytes());
        }
        message.resize(HEADER, 0);
        message.extend_from_slice(data);
        let mut socket = self.0.lock().expect("no thread panics while it writes");
        // When the host has gone, the thread that reads from it finds that out.
        let _ = socket.write_all(&message);
    }
}

/// Serves the host until it, or an unplug, hangs up.
pub fn serve(socket: UnixStream, product: &str, state: &Arc<State>, frames: &Arc<Frames>) {
    let reader = socket.try_clone().expect("a socket can be duplicated");
    let wire = Arc::new(Wire(Mutex::new(socket)));
    let sender = {
        let (wire, state, frames) = (wire.clone(), state.clone(), frames.clone());
        thread::spawn(move || sender::run(&wire, &state, &frames))
    };
    answer_all(reader, &wire, product, state);
    state.change(|shared| shared.gone = true);
    sender.join().expect("the sender does not panic");
}

fn answer_all(socket: UnixStream, wire: &Wire, product: &str, state: &State) {
    const UNLINK: u32 = 2;
    let mut controls = Controls::new();
    // The host may take back a transfer just before it submits it. Answered at once, it might
    // find the transfer neither here nor there: either it waits for it for ever, or it hangs up
    // when it is answered. So such an unlink is answered when its transfer comes.
    let (mut newest, mut early) = (0, HashMap::new());
    let mut reader = BufReader::with_capacity(1 << 16, socket);
    let mut header = [0; HEADER];
    while reader.read_exact(&mut header).is_ok() {
        let word = |at: usize| {
            let at = at * 4;
            u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let (command, number, to_host, endpoint) = (word(0), word(1), word(3) == 1, word(4));
        if command == UNLINK {
            let target = word(5);
            if target > newest {
                early.insert(target, number);
            } else {
                unlink(wire, state, number, endpoint, target);
            }
            continue;
        }
        newest = number;
        let length = word(6) as usize;
        let mut data = vec![0; if to_host { 0 } else { length }];
        if reader.read_exact(&mut data).is_err() {
            return;
        }
        if let Some(unlink) = early.remove(&number) {
            wire.answer_unlink(unlink, -libc::ECONNRESET);
            continue;
        }
        if endpoint != 0 {
            state.change(|shared| shared.pending.push_back(Pending { number, length }));
            continue;
        }
        let mut setup = [0; 8];
        setup.copy_from_slice(&header[40..]);
        match requests::answer(setup, &data, product, &mut controls, state) {
            Some(mut answer) => {
                answer.truncate(length);
                let actual = if to_host { answer.len() } else { length };
                wire.answer_transfer(number, 0, &answer, actual);
            }
            None => wire.answer_transfer(number, -libc::EPIPE, &[], 0),
        }
    }
}

/// Takes back the transfer `target`, unless it was done already.
fn unlink(wire: &Wire, state: &State, number: u32, endpoint: u32, target: u32) {
    state.change(|shared| {
        let before = shared.pending.len();
        shared.pending.retain(|transfer| transfer.number != target);
        let status = if shared.pending.len() < before { -libc::ECONNRESET } else { 0 };
        // The host takes back all transfers when it ends a stream.
        if endpoint == 1 && shared.pending.is_empty() {
            shared.streaming = None;
        }
        wire.answer_unlink(number, status);
    });
}
