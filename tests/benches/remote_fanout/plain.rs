//! The limit: a program that writes the same bytes to plain sockets, and does nothing else.
//!
//! One thread. Every 33 ms each connection that has taken the frame before gets the next one; its
//! image carries the time as the shim's do.

use std::{
    env, fs,
    io::{ErrorKind, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::fd::AsFd as _,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use rustix::event::{
    Timespec,
    epoll::{self, CreateFlags, EventData, EventFlags},
};

/// Where the shim puts number and time into an image: into a comment right behind its beginning.
const TAG: &[u8] = b"V4L2SHIM";
const INTERVAL: Duration = Duration::from_nanos(1_000_000_000 / 30);

struct Viewer {
    stream: TcpStream,
    frame: usize,
    done: usize,
}

pub(crate) fn run() -> Result<()> {
    let folder = env::var("V4L2SHIM_JPEG_DIR").context("V4L2SHIM_JPEG_DIR")?;
    let mut images = Vec::new();
    for entry in fs::read_dir(folder)? {
        images.push(tagged(&fs::read(entry?.path())?));
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    println!("{}", listener.local_addr()?);
    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&poll, &listener, EventData::new_u64(u64::MAX), EventFlags::IN)?;
    let mut viewers: Vec<Option<Viewer>> = Vec::new();
    let mut next = Instant::now();
    // The image that is being sent to whoever began with it: two, since some are slower.
    let mut frames = [images[0].clone(), images[0].clone()];
    let mut number = 0_u64;
    let mut events = Vec::with_capacity(1024);
    loop {
        let now = Instant::now();
        if now >= next {
            next += INTERVAL;
            number += 1;
            let frame = (number % 2) as usize;
            // Only where nobody has it half sent.
            if viewers.iter().flatten().all(|viewer| viewer.frame != frame || viewer.done == 0) {
                let image = &images[(number % images.len() as u64) as usize];
                frames[frame].clone_from(image);
                let at = 4 + 6 + TAG.len();
                frames[frame][at..at + 8].copy_from_slice(&number.to_le_bytes());
                frames[frame][at + 8..at + 16]
                    .copy_from_slice(&tests::bridge::clock().to_le_bytes());
                for viewer in viewers.iter_mut() {
                    if let Some(open) = viewer
                        && open.done == 0
                    {
                        open.frame = frame;
                        if !write(open, &frames) {
                            *viewer = None;
                        }
                    }
                }
            }
        }
        let wait = next.saturating_duration_since(Instant::now());
        let wait = Timespec { tv_sec: 0, tv_nsec: wait.as_nanos().try_into().unwrap_or(0) };
        events.clear();
        epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), Some(&wait))?;
        for event in &events {
            let id = event.data.u64();
            if id == u64::MAX {
                while let Ok((mut stream, _)) = listener.accept() {
                    // A line that is of no matter.
                    let _ = stream.read(&mut [0; 256]);
                    stream.set_nonblocking(true)?;
                    stream.set_nodelay(true)?;
                    let data = EventData::new_u64(viewers.len() as u64);
                    let flags = EventFlags::OUT | EventFlags::ET;
                    epoll::add(&poll, stream.as_fd(), data, flags)?;
                    viewers.push(Some(Viewer { stream, frame: 0, done: 0 }));
                }
            } else if let Some(viewer) = viewers.get_mut(id as usize)
                && let Some(open) = viewer
                && open.done > 0
                && !write(open, &frames)
            {
                *viewer = None;
            }
        }
    }
}

/// Goes on with a frame; `false` where the viewer has gone.
fn write(viewer: &mut Viewer, frames: &[Vec<u8>; 2]) -> bool {
    let frame = &frames[viewer.frame];
    while viewer.done < frame.len() {
        match viewer.stream.write(&frame[viewer.done..]) {
            Ok(0) => return false,
            Ok(count) => viewer.done += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
            Err(_) => return false,
        }
    }
    viewer.done = 0;
    true
}

/// An image with its length before it and room for the tag in it.
fn tagged(image: &[u8]) -> Vec<u8> {
    let mut tag = vec![0xff, 0xfe, 0, 26];
    tag.extend_from_slice(TAG);
    tag.extend_from_slice(&[0; 16]);
    let length = (image.len() + tag.len()) as u32;
    [&length.to_le_bytes()[..], &image[..2], &tag, &image[2..]].concat()
}
