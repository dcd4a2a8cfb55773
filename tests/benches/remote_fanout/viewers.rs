//! Many viewers in one process and one thread: they read headers and the beginning of an image,
//! and throw the rest away without copying it.

use std::{
    env,
    io::Write as _,
    net::{SocketAddr, TcpStream},
    os::fd::AsFd as _,
    process::Command,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
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

use super::{
    connect::connect,
    servers::{Kind, Served},
    wire::{message, part, text_message},
};

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
    let mut crowd: Vec<Viewer> = Vec::with_capacity(viewers);
    // Those that are there read while the others still come: no server waits for ever.
    let (sender, arrivals) = mpsc::sync_channel(16);
    let token = token.clone();
    let connecting = thread::spawn(move || {
        for _ in 0..viewers {
            // Nobody takes it any more where reading has failed.
            let _ = sender.send(connect(kind, address, &token)?);
        }
        // These never read.
        (0..stopped).map(|_| connect(kind, address, &token)).collect::<Result<Vec<_>>>()
    });
    let mut connecting = Some(connecting);
    let mut stopped = Vec::new();
    let mut events = Vec::with_capacity(1024);
    let mut ages: Vec<u64> = Vec::new();
    let mut bytes = 0;
    let mut began: Option<Instant> = None;
    let mut scratch = vec![0; 1 << 20];
    while began.is_none_or(|began| began.elapsed() < time) {
        for stream in arrivals.try_iter() {
            stream.set_nonblocking(true)?;
            let id = EventData::new_u64(crowd.len() as u64);
            epoll::add(&poll, stream.as_fd(), id, EventFlags::IN)?;
            crowd.push(Viewer::new(kind, stream));
        }
        if let Some(thread) = connecting.take_if(|thread| thread.is_finished()) {
            stopped = thread.join().map_err(|_| anyhow!("connecting has panicked"))??;
        }
        events.clear();
        let wait = Timespec {
            tv_sec: 0,
            tv_nsec: if connecting.is_some() { 2_000_000 } else { 100_000_000 },
        };
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
        let all = connecting.is_none() && crowd.len() == viewers;
        if began.is_none() && all && crowd.iter().all(|viewer| viewer.frames > 0) {
            println!("ready");
            began = Some(Instant::now());
        }
    }
    drop(stopped);
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
    fn new(kind: Kind, stream: TcpStream) -> Self {
        let head = Vec::with_capacity(4096);
        Self { kind, stream, head, skip: 0, taken: 0, ack: None, frames: 0, length: 0 }
    }

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
