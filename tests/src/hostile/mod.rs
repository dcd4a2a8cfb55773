//! Clients that behave badly, as bytes say: for fuzzing a whole service over its socket.
//!
//! [`play`] reads bytes as a sequence of actions on several real connections of every role: right
//! and wrong messages, cut and damaged ones, slots released twice or never, frames of every sort,
//! an end at any point. It keeps in mind what each connection was told, so that sequences lead
//! deep, and checks that what the service says makes sense. [`settle`] then brings the service
//! back to where it was, as a well-behaved client, and fails where that takes too long or anything
//! is left.
//!
//! `tests/fuzz` plays what a fuzzer thinks of, in the process of the service; `tests/replay.rs`
//! plays the corpus that came of that against the real binary. Both panic where the service does
//! wrong. Every value of a byte means something, and small ones mean what a good client would do.

mod frames;
mod heard;
mod line;
mod pick;
mod publish;
mod requests;
mod settle;
mod streams;

use std::{path::Path, thread, time::Duration};

use arbitrary::Unstructured;
use protocol::{ClientHello, Hello, Preamble, Role, wire};

pub use settle::{Gone, settle};

use self::{
    heard::Heard,
    line::{Damage, Line},
};
use crate::hello;

/// Most connections at once.
const LINES: usize = 8;
/// Most actions of one input.
const ACTIONS: usize = 64;
/// Longest wait of one action. The service answers in a millisecond; frames come every 4.
const WAIT: Duration = Duration::from_millis(5);

/// What was done that outlasts the connections.
#[derive(Debug, Default, Clone, Copy)]
pub struct Left {
    /// Presets or pins were spoken of.
    pub settings: bool,
}

/// The configuration of the service: after every input its cameras must be closed.
pub const CONFIG: &str = "[timeouts]
close_after = 0.01
retry_first = 0.005
retry_most = 0.01
handshake = 0.25
request = 2

[limits]
connections = 16
";

/// The test camera that the service has, and nothing else.
pub const CAMERA: &str = "160x120@240";

/// Does what `input` says to the service at `socket`. Panics where the service says something
/// that it must not.
pub fn play(socket: &Path, input: &[u8]) -> Left {
    let mut bytes = Unstructured::new(input);
    let mut stage = Stage { lines: Vec::new(), current: 0, left: Left::default() };
    for _ in 0..ACTIONS {
        if bytes.is_empty() {
            break;
        }
        // It fails when the bytes have run out, which ends the sequence.
        if stage.act(socket, &mut bytes).is_err() {
            break;
        }
    }
    stage.left
}

struct Stage {
    lines: Vec<Line>,
    current: usize,
    left: Left,
}

impl Stage {
    fn act(&mut self, socket: &Path, bytes: &mut Unstructured<'_>) -> arbitrary::Result<()> {
        let action = bytes.int_in_range(0..=23u8)?;
        if self.lines.is_empty() && action != 23 {
            return self.connect(socket, bytes);
        }
        self.current %= self.lines.len().max(1);
        match action {
            0..=2 => self.connect(socket, bytes)?,
            3..=10 => self.speak(bytes)?,
            11..=13 => self.listen(WAIT),
            14..=16 => self.current = bytes.int_in_range(0..=LINES - 1)?,
            17 => self.damaged(bytes)?,
            18 => {
                let garbage: Vec<u8> = bytes.arbitrary()?;
                self.line(|line| line.send_garbage(&garbage));
            }
            19 => self.line(Line::finish),
            20 => {
                if self.current < self.lines.len() {
                    self.lines.remove(self.current);
                }
            }
            21 => thread::sleep(Duration::from_millis(bytes.int_in_range(0..=5)?)),
            22 => self.listen(Duration::ZERO),
            _ => {
                // Many that say nothing: beyond what the service takes.
                let crowd: Vec<Line> = (0..bytes.int_in_range(1..=24u8)?)
                    .filter_map(|_| Line::connect(socket, Role::Control))
                    .collect();
                thread::sleep(Duration::from_millis(1));
                drop(crowd);
            }
        }
        Ok(())
    }

    fn line(&mut self, act: impl FnOnce(&mut Line)) {
        if let Some(line) = self.lines.get_mut(self.current) {
            act(line);
        }
    }

    fn listen(&mut self, wait: Duration) {
        self.line(|line| line.listen(wait));
    }

    /// A new connection, its preamble and its hello: mostly right.
    fn connect(&mut self, socket: &Path, bytes: &mut Unstructured<'_>) -> arbitrary::Result<()> {
        let role = match bytes.int_in_range(0..=9u8)? {
            0 | 1 => Role::Control,
            2 => Role::Events,
            3..=6 => Role::Stream,
            _ => Role::Publish,
        };
        if self.lines.len() >= LINES {
            self.lines.remove(0);
        }
        let Some(mut line) = Line::connect(socket, role) else { return Ok(()) };
        let mut preamble = Preamble::new(role).to_bytes();
        let how = bytes.int_in_range(0..=31u8)?;
        match how {
            24 => preamble[bytes.int_in_range(0..=15)?] ^= bytes.int_in_range(1..=255u8)?,
            25 => preamble[12] = bytes.arbitrary()?,
            _ => {}
        }
        if how == 26 {
            // It will be late with the rest, or never send it.
            line.send_garbage(&preamble[..bytes.int_in_range(0..=15)?]);
        } else {
            if matches!(how, 24 | 25) {
                line.send_garbage(&preamble)
            } else {
                line.send(&preamble)
            }
            let name = match how {
                27 => String::new(),
                28 => "n".repeat(bytes.int_in_range(100..=4200)?),
                29 => "a\nb".to_owned(),
                _ => "hostile".to_owned(),
            };
            let hello = match how {
                // As the bridge itself, and with a token that is none.
                22 => Hello::Bridged(ClientHello { name, token: None, remote: None }),
                23 => Hello::Bridged(ClientHello {
                    name,
                    token: Some(format!("cst_{}", pick::text(bytes)?)),
                    remote: Some(pick::text(bytes)?),
                }),
                _ => hello(&name),
            };
            match wire::encode(&hello) {
                Ok(hello) if how == 30 => line.send_half(hello),
                Ok(hello) if how == 31 => {
                    // Frames and replies must not come before it.
                    line.send(&hello[..3]);
                    thread::sleep(Duration::from_millis(2));
                    line.send(&hello[3..]);
                }
                Ok(hello) => line.send(&hello),
                Err(_) => {}
            }
        }
        if how < 24 {
            line.listen_until_welcome();
        }
        self.lines.push(line);
        self.current = self.lines.len() - 1;
        Ok(())
    }

    /// The next message of the current connection, as its role and what it was told suggest.
    fn speak(&mut self, bytes: &mut Unstructured<'_>) -> arbitrary::Result<()> {
        let message = self.message(bytes)?;
        self.line(|line| line.send(&message));
        Ok(())
    }

    /// A message with something wrong in its bytes, or a half of one: the other half may follow.
    fn damaged(&mut self, bytes: &mut Unstructured<'_>) -> arbitrary::Result<()> {
        let message = self.message(bytes)?;
        let damage = Damage::choose(message.len(), bytes)?;
        self.line(|line| line.send_damaged(message, &damage));
        Ok(())
    }

    fn message(&mut self, bytes: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
        let ids: Vec<u64> = self.lines.iter().filter_map(Line::id).collect();
        let Some(line) = self.lines.get_mut(self.current) else { return Ok(Vec::new()) };
        match &mut line.heard {
            Heard::Control(control) => requests::message(control, &ids, &mut self.left, bytes),
            // An event reader has nothing to say.
            Heard::Events(_) => requests::stray(bytes),
            Heard::Stream(stream) => streams::message(stream, bytes),
            Heard::Publish(publisher) => publish::message(publisher, bytes),
        }
    }
}
