//! uvcsim - a USB (UVC 1.1) webcam in software, for the guest of vm-camera.sh.
//!
//! It speaks USB/IP on one end of a socket pair and hands the other end to the kernel's vhci_hcd,
//! so that the kernel's own uvcvideo driver finds a camera on a USB port: MJPG and YUYV, the
//! usual UVC controls, a metadata node, and a real unplug. No hardware and no network are
//! involved.
//!
//!   uvcsim --jpegs DIR [--commands FIFO] [--port N] [--name NAME]
//!
//! DIR holds frames named WIDTHxHEIGHT-ANYTHING.jpg, sent in turn. Lines written to FIFO:
//!   stall / go       stop and resume sending frames (the device stays there)
//!   bad N / short N  mark the next N frames bad, or cut them in half
//!   unplug / plug    leave the port, come back
//!   stats            print how many frames were sent, and dropped for want of a transfer
//!   quit

mod controls;
mod descriptors;
mod frames;
mod negotiation;
mod requests;
mod sender;
mod state;
mod usbip;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::Shutdown,
    os::{fd::AsRawFd as _, unix::net::UnixStream},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use frames::Frames;
use state::State;

struct Options {
    jpegs: PathBuf,
    commands: Option<PathBuf>,
    port: u32,
    name: String,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        jpegs: PathBuf::new(),
        commands: None,
        port: 0,
        name: "UVC Test Camera".to_owned(),
    };
    let mut args = std::env::args().skip(1);
    while let Some(option) = args.next() {
        let value = args.next().ok_or(format!("{option} needs a value"))?;
        match option.as_str() {
            "--jpegs" => options.jpegs = value.into(),
            "--commands" => options.commands = Some(value.into()),
            "--port" => options.port = value.parse().map_err(|_| "--port needs a number")?,
            "--name" => options.name = value,
            _ => return Err(format!("unknown option {option}")),
        }
    }
    Ok(options)
}

/// A webcam that is plugged in, or was.
struct Plugged {
    state: Arc<State>,
    socket: UnixStream,
}

fn plug(options: &Options, frames: &Arc<Frames>) -> Result<Plugged, String> {
    let text = |error: std::io::Error| error.to_string();
    let (ours, theirs) = UnixStream::pair().map_err(text)?;
    // 3 is high speed; the device's number only has to differ from those of others.
    let request = format!("{} {} {} 3", options.port, theirs.as_raw_fd(), 0x10001 + options.port);
    let deadline = Instant::now() + Duration::from_secs(10);
    // After an unplug the port is free only when the kernel has done with it.
    while let Err(error) = fs::write("/sys/devices/platform/vhci_hcd.0/attach", &request) {
        if Instant::now() >= deadline {
            return Err(format!("cannot attach to the port: {error}"));
        }
        thread::sleep(Duration::from_millis(20));
    }
    let state = Arc::new(State::new());
    let plugged = Plugged { state: state.clone(), socket: ours.try_clone().map_err(text)? };
    let (name, frames) = (options.name.clone(), frames.clone());
    thread::spawn(move || usbip::serve(ours, &name, &state, &frames));
    // The kernel has a reference of its own to its end.
    drop(theirs);
    Ok(plugged)
}

fn run() -> Result<(), String> {
    let options = options()?;
    let jpegs = Frames::load(&options.jpegs);
    let frames = Arc::new(jpegs.map_err(|error| format!("{}: {error}", options.jpegs.display()))?);
    let mut plugged = plug(&options, &frames)?;
    let Some(fifo) = &options.commands else {
        loop {
            thread::park();
        }
    };
    // Open for writing too, it has no end between one writer and the next.
    let commands = fs::OpenOptions::new().read(true).write(true).open(fifo);
    let commands = commands.map_err(|error| format!("{}: {error}", fifo.display()))?;
    for line in BufReader::new(commands).lines() {
        let line = line.map_err(|error| error.to_string())?;
        let mut words = line.split_whitespace();
        let command = words.next().unwrap_or_default();
        let count = words.next().and_then(|word| word.parse().ok()).unwrap_or(1);
        let state = &plugged.state;
        match command {
            "stall" => state.change(|shared| shared.stalled = true),
            "go" => state.change(|shared| shared.stalled = false),
            "bad" => state.change(|shared| shared.bad = count),
            "short" => state.change(|shared| shared.short = count),
            "stats" => {
                let shared = state.lock();
                println!("uvcsim: sent {} dropped {}", shared.sent, shared.dropped);
            }
            // Fails when it is unplugged already.
            "unplug" => drop(plugged.socket.shutdown(Shutdown::Both)),
            "plug" => match plug(&options, &frames) {
                Ok(new) => plugged = new,
                Err(error) => eprintln!("uvcsim: {error}"),
            },
            "quit" => break,
            _ => eprintln!("uvcsim: unknown command {line:?}"),
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("uvcsim: {error}");
            ExitCode::FAILURE
        }
    }
}
