//! Many viewers in one process: one thread and one `poll` over all their sockets.
//!
//! Says `ready` when all have had a frame; at a line on standard input counts, at the next prints
//! what it counted as JSON and ends.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    os::fd::AsFd as _,
};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::{
    event::{PollFd, PollFlags, poll},
    time::{ClockId, clock_gettime},
};

use crate::parse::{Came, Multipart, Parser, WebSocket};

struct Viewer {
    socket: TcpStream,
    parser: Box<dyn Parser>,
    /// What is said once the WebSocket is open.
    first_words: Vec<u8>,
    frames: u64,
}

/// `args`: `multipart` or `websocket`, the address, the path, the token and the camera or nothing,
/// how many, and `all` or `one-stopped`: then the first has its request sent and never reads.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let [kind, address, path, token, camera, count, stopped] = args else {
        bail!("viewers: {args:?}")
    };
    let address: SocketAddr = address.parse()?;
    let count: usize = count.parse()?;
    let mut viewers = Vec::new();
    for _ in 0..count {
        viewers.push(connect(kind, address, path, (token, camera))?);
    }
    let silent = if stopped == "one-stopped" { Some(viewers.remove(0)) } else { None };
    watch(viewers)?;
    drop(silent);
    Ok(())
}

fn connect(
    kind: &str,
    address: SocketAddr,
    path: &str,
    (token, camera): (&str, &str),
) -> Result<Viewer> {
    let mut socket = TcpStream::connect(address)?;
    let mut request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n");
    let (parser, first_words): (Box<dyn Parser>, _) = match kind {
        "multipart" => {
            if !token.is_empty() {
                request += &format!("Authorization: Bearer {token}\r\n");
            }
            (Box::new(Multipart::default()), Vec::new())
        }
        "websocket" => {
            request += "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                        Sec-WebSocket-Protocol: camera.v1.json\r\n";
            let identify =
                serde_json::json!({ "op": "identify", "d": { "token": token, "events": [] } });
            let open = serde_json::json!({ "op": "request", "d": {
                "id": "1", "type": "open_stream", "camera": camera, "adaptive": false } });
            let mut words = text(&identify.to_string());
            words.extend(text(&open.to_string()));
            (Box::new(WebSocket::default()), words)
        }
        _ => bail!("no such kind: {kind}"),
    };
    socket.write_all(format!("{request}\r\n").as_bytes())?;
    socket.set_nonblocking(true)?;
    Ok(Viewer { socket, parser, first_words, frames: 0 })
}

/// A text message as a client sends it; the mask is zero, which leaves the text as it is.
fn text(text: &str) -> Vec<u8> {
    let mut message = vec![0x81];
    match u8::try_from(text.len()) {
        Ok(length @ 0..=125) => message.push(0x80 | length),
        _ => {
            message.push(0x80 | 126);
            message.extend((text.len() as u16).to_be_bytes());
        }
    }
    message.extend([0; 4]);
    message.extend(text.as_bytes());
    message
}

fn watch(mut viewers: Vec<Viewer>) -> Result<()> {
    let mut buffer = vec![0; 1 << 20];
    let mut latencies: Option<Vec<u64>> = None;
    let mut ready = false;
    loop {
        let stdin = io::stdin();
        let mut sockets: Vec<PollFd<'_>> = viewers
            .iter()
            .map(|v| PollFd::from_borrowed_fd(v.socket.as_fd(), PollFlags::IN))
            .collect();
        sockets.push(PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN));
        poll(&mut sockets, None)?;
        let due: Vec<bool> = sockets.iter().map(|socket| !socket.revents().is_empty()).collect();
        drop(sockets);
        for (viewer, _) in viewers.iter_mut().zip(&due).filter(|(_, due)| **due) {
            viewer.read(&mut buffer, &mut latencies)?;
        }
        if !ready && viewers.iter().all(|viewer| viewer.frames > 0) {
            ready = true;
            println!("ready");
        }
        if due.last() == Some(&true) {
            let mut line = String::new();
            io::stdin().read_line(&mut line)?;
            match latencies.take() {
                None => latencies = Some(Vec::new()),
                Some(latencies) => {
                    println!("{}", serde_json::json!({ "latencies_us": latencies }));
                    return Ok(());
                }
            }
        }
    }
}

impl Viewer {
    fn read(&mut self, buffer: &mut [u8], latencies: &mut Option<Vec<u64>>) -> Result<()> {
        let length = match self.socket.read(buffer) {
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error).context("a viewer's connection"),
        };
        ensure!(length > 0, "the server closed a viewer's connection");
        let Self { socket, parser, first_words, frames } = self;
        let mut answers = Vec::new();
        let fed = parser.feed(&buffer[..length], &mut |came| match came {
            Came::Open => answers.append(first_words),
            Came::Frame { captured_ns, acknowledge } => {
                *frames += 1;
                if let Some(latencies) = latencies {
                    latencies.push(now_ns().saturating_sub(captured_ns) / 1000);
                }
                if let Some((stream, sequence)) = acknowledge {
                    let ack = format!(
                        r#"{{"op":"ack","d":{{"stream":{stream},"sequence":{sequence}}}}}"#
                    );
                    answers.extend(text(&ack));
                }
            }
        });
        fed.map_err(|error| anyhow::anyhow!("the server said: {error}"))?;
        if !answers.is_empty() {
            // Some bytes: there is always room for them.
            socket.write_all(&answers)?;
        }
        Ok(())
    }
}

fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
