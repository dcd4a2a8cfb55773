//! Many viewers in one process and one thread: they read headers and the beginning of an image,
//! and throw the rest away without copying it.

use std::{
    env,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    os::fd::AsFd as _,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::{
    event::{
        Timespec,
        epoll::{self, CreateFlags, EventData, EventFlags},
    },
    io::Errno,
    net::{RecvFlags, recv},
};
use serde::{Deserialize, Serialize};
use tests::{Program, bridge::clock, wait_until};

use super::servers::{Kind, Served};

/// Bytes from the beginning of an image behind which the shim's number and time stand.
const TAG: usize = 14;
const TAGGED: usize = TAG + 16;
const PATIENCE: Duration = Duration::from_secs(120);

/// What all viewers together saw.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) frames: u64,
    /// Frames a second of each viewer.
    pub(crate) rate: f64,
    /// Latency in seconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Bytes of an image, on average: the same for all servers, or they cannot be compared.
    pub(crate) bytes: f64,
}

/// Viewers that watch.
pub(crate) struct Crowd(Program);

/// Starts them, and waits until all have seen a frame.
pub(crate) fn start(
    kind: Kind,
    served: &Served,
    viewers: usize,
    stopped: usize,
    time: Duration,
) -> Result<Crowd> {
    let mut command = Command::new(env::current_exe()?);
    command
        .arg("--viewers")
        .args([kind.name(), &served.address.to_string(), &served.token])
        .args([viewers, stopped].map(|count| count.to_string()))
        .arg(time.as_secs_f64().to_string());
    let mut program = Program::start("the viewers", &mut command);
    wait_until("all viewers to see a frame", PATIENCE, || {
        if let Some(status) = program.exit_status() {
            panic!("the viewers have ended ({status}): {}", program.stderr());
        }
        let text = String::from_utf8_lossy(&program.stdout()).into_owned();
        if text.contains("ready\n") { Ok(()) } else { Err(program.stderr()) }
    });
    Ok(Crowd(program))
}

impl Crowd {
    /// What they saw, when the time is over.
    pub(crate) fn finish(mut self) -> Result<Figures> {
        let output = self.0.wait(PATIENCE).ok();
        let text = String::from_utf8(output.stdout)?;
        let line = text.lines().nth(1).context("the viewers tell what they saw")?;
        Ok(serde_json::from_str(line)?)
    }
}

struct Viewer {
    kind: Kind,
    stream: TcpStream,
    head: Vec<u8>,
    /// Bytes of the present frame that are thrown away.
    skip: usize,
    taken: u64,
    /// To be said when the frame is there.
    ack: Option<Vec<u8>>,
    frames: u64,
    /// Bytes of the present image.
    length: usize,
}

/// `--viewers`: the process that they are.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let [kind, address, token, viewers, stopped, seconds] = args else { bail!("six arguments") };
    let kind = Kind::ALL.into_iter().find(|other| other.name() == kind).context("no such kind")?;
    let address: SocketAddr = address.parse()?;
    let (viewers, stopped): (usize, usize) = (viewers.parse()?, stopped.parse()?);
    let time = Duration::from_secs_f64(seconds.parse()?);
    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    let mut crowd = Vec::with_capacity(viewers);
    for id in 0..viewers {
        let stream = connect(kind, address, token)?;
        stream.set_nonblocking(true)?;
        epoll::add(&poll, stream.as_fd(), EventData::new_u64(id as u64), EventFlags::IN)?;
        let (head, ack) = (Vec::with_capacity(4096), None);
        crowd.push(Viewer { kind, stream, head, skip: 0, taken: 0, ack, frames: 0, length: 0 });
    }
    // These never read.
    let _stopped: Vec<TcpStream> =
        (0..stopped).map(|_| connect(kind, address, token)).collect::<Result<_>>()?;
    let mut events = Vec::with_capacity(1024);
    let mut ages: Vec<u64> = Vec::new();
    let mut bytes = 0;
    let mut began: Option<Instant> = None;
    let mut scratch = vec![0; 1 << 20];
    while began.is_none_or(|began| began.elapsed() < time) {
        events.clear();
        let wait = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
        epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), Some(&wait))?;
        for event in &events {
            let viewer = &mut crowd[event.data.u64() as usize];
            viewer.read(&mut scratch, |age, length| {
                if began.is_some() {
                    ages.push(age);
                    bytes += length as u64;
                }
            })?;
        }
        if began.is_none() && crowd.iter().all(|viewer| viewer.frames > 0) {
            println!("ready");
            began = Some(Instant::now());
        }
    }
    ages.sort_unstable();
    let at = |part: f64| {
        let age = ages.get((ages.len() as f64 * part) as usize).copied().unwrap_or(0);
        age as f64 / 1e9
    };
    let figures = Figures {
        frames: ages.len() as u64,
        rate: ages.len() as f64 / time.as_secs_f64() / viewers as f64,
        p50: at(0.5),
        p99: at(0.99),
        bytes: bytes as f64 / ages.len().max(1) as f64,
    };
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

impl Viewer {
    /// Reads what is there; `seen` is told the age of each whole image in ns, and its bytes.
    fn read(&mut self, scratch: &mut [u8], mut seen: impl FnMut(u64, usize)) -> Result<()> {
        loop {
            if self.skip > 0 {
                let room = self.skip.min(scratch.len());
                // Of TCP this throws bytes away without copying them.
                match recv(&self.stream, &mut scratch[..room], RecvFlags::TRUNC) {
                    Ok((_, 0)) => bail!("the server has closed"),
                    Ok((_, count)) => self.skip -= count,
                    Err(Errno::AGAIN) => return Ok(()),
                    Err(error) => return Err(error.into()),
                }
                if self.skip == 0 {
                    self.frames += 1;
                    seen(clock().saturating_sub(self.taken), self.length);
                    if let Some(ack) = self.ack.take() {
                        self.stream.write_all(&ack)?;
                    }
                }
                continue;
            }
            let mut some = [0; 512];
            let wanted = some.len().min(512 - self.head.len().min(448));
            match recv(&self.stream, &mut some[..wanted], RecvFlags::empty()) {
                Ok((_, 0)) => bail!("the server has closed"),
                Ok((_, count)) => self.head.extend_from_slice(&some[..count]),
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            while self.skip == 0 && self.frame()? {}
        }
    }

    /// Begins with the frame in `head`, if enough of it is there; `false` where more is needed.
    fn frame(&mut self) -> Result<bool> {
        let Some((start, length)) = (match self.kind {
            Kind::Plain => {
                let prefix = self.head.first_chunk::<4>().map(|four| u32::from_le_bytes(*four));
                prefix.map(|length| (4, length as usize))
            }
            Kind::Mjpeg | Kind::Ustreamer => part(&self.head),
            Kind::WebSocket => match message(&self.head) {
                Some((start, length, true)) => Some((start, length)),
                // Text is of no matter here.
                Some((start, length, false)) if self.head.len() >= start + length => {
                    self.head.drain(..start + length);
                    return Ok(true);
                }
                _ => None,
            },
        }) else {
            ensure!(self.head.len() < 4096, "no frame begins here");
            return Ok(false);
        };
        let header = if self.kind == Kind::WebSocket { 40 } else { 0 };
        let image = start + header;
        let Some(tag) = self.head.get(image + TAG + 8..image + TAGGED) else { return Ok(false) };
        self.taken = u64::from_le_bytes(tag.try_into()?);
        if self.kind == Kind::WebSocket {
            let sequence = u64::from_le_bytes(self.head[start + 8..start + 16].try_into()?);
            let text = format!(r#"{{"op":"ack","d":{{"stream":1,"sequence":{sequence}}}}}"#);
            self.ack = Some(text_message(&text));
        }
        self.length = length - header;
        let have = self.head.len().min(start + length) - start;
        self.skip = length - have;
        self.head.drain(..start + have);
        Ok(true)
    }
}

/// Where the image of a part of MJPEG begins, and its length.
fn part(head: &[u8]) -> Option<(usize, usize)> {
    let end = head.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&head[..end]).ok()?;
    let length = text.split("Content-Length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
    Some((end, length))
}

/// Where a WebSocket message's payload begins, its length, and whether it is binary.
fn message(head: &[u8]) -> Option<(usize, usize, bool)> {
    let (start, length) = match *head.get(1)? {
        126 => (4, u16::from_be_bytes(head.get(2..4)?.try_into().ok()?).into()),
        127 => (10, u64::from_be_bytes(head.get(2..10)?.try_into().ok()?) as usize),
        short => (2, short.into()),
    };
    Some((start, length, head[0] & 0x0f == 2))
}

/// A text as a client sends it; its mask is zeros.
fn text_message(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).ok().filter(|length| *length < 126);
    let mut message = vec![0x81];
    match length {
        Some(length) => message.push(0x80 | length),
        None => {
            message.push(0x80 | 126);
            message.extend((text.len() as u16).to_be_bytes());
        }
    }
    message.extend([0; 4]);
    message.extend(text.as_bytes());
    message
}

/// Connects and asks for frames.
fn connect(kind: Kind, address: SocketAddr, token: &str) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let host = format!("Host: {address}\r\nAuthorization: Bearer {token}\r\n");
    match kind {
        Kind::Plain => stream.write_all(b"frames\n")?,
        Kind::Mjpeg | Kind::Ustreamer => {
            stream.write_all(format!("GET /stream HTTP/1.1\r\n{host}\r\n").as_bytes())?;
            until(&mut stream, b"\r\n\r\n")?;
        }
        Kind::WebSocket => {
            let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                           Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                           Sec-WebSocket-Protocol: camera.v1.json\r\n";
            stream.write_all(format!("GET /ws HTTP/1.1\r\n{host}{upgrade}\r\n").as_bytes())?;
            until(&mut stream, b"\r\n\r\n")?;
            let identify = format!(r#"{{"op":"identify","d":{{"token":"{token}","events":[]}}}}"#);
            stream.write_all(&text_message(&identify))?;
            let camera = loop {
                let text = text(&mut stream)?;
                if let Some(id) = text["d"]["cameras"][0]["id"].as_str() {
                    break id.to_owned();
                }
            };
            let open = serde_json::json!({ "op": "request", "d": {
                "id": "open", "type": "open_stream", "camera": camera, "adaptive": false,
            }});
            stream.write_all(&text_message(&open.to_string()))?;
            let response = text(&mut stream)?;
            ensure!(response["d"]["ok"] == true, "{response}");
        }
    }
    Ok(stream)
}

fn until(stream: &mut TcpStream, end: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(end) {
        stream.read_exact(&mut byte)?;
        bytes.push(byte[0]);
    }
    Ok(bytes)
}

fn text(stream: &mut TcpStream) -> Result<serde_json::Value> {
    let mut head = Vec::new();
    let (_, length, binary) = loop {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
        if let Some((start, length, binary)) = message(&head)
            && head.len() == start
        {
            break (start, length, binary);
        }
    };
    ensure!(!binary, "a frame came before the response");
    let mut text = vec![0; length];
    stream.read_exact(&mut text)?;
    Ok(serde_json::from_slice(&text)?)
}
