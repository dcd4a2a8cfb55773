//! The least that a server can do: at every tick the same bytes to every viewer, each socket
//! written without waiting, a viewer that is behind given the newest when it has room.
//!
//! One thread, one `poll`. What it costs is what the kernel costs.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::fd::AsFd as _,
    path::Path,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    time::{ClockId, clock_gettime},
};

const TICK: Duration = Duration::from_nanos(1_000_000_000 / 30);

struct Client {
    socket: TcpStream,
    asked: bool,
    /// What is being written, and how much of it has been.
    writing: Option<(Rc<Vec<u8>>, usize)>,
    last: u64,
}

/// Serves the first image in `folder`; prints its address first.
pub(crate) fn run(folder: &Path) -> Result<()> {
    let image = fs::read(folder.join("1280x720-1.jpg")).context("an image")?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    println!("{}", listener.local_addr()?);
    let mut clients: Vec<Client> = Vec::new();
    let (mut next, mut number) = (Instant::now() + TICK, 0);
    let mut newest = Rc::new(part(&image, number));
    loop {
        let mut waiting = vec![PollFd::from_borrowed_fd(listener.as_fd(), PollFlags::IN)];
        for client in &clients {
            let mut events = PollFlags::IN;
            if client.writing.is_some() {
                events |= PollFlags::OUT;
            }
            waiting.push(PollFd::from_borrowed_fd(client.socket.as_fd(), events));
        }
        let wait = Timespec::try_from(next.saturating_duration_since(Instant::now()))?;
        poll(&mut waiting, Some(&wait))?;
        let due: Vec<PollFlags> = waiting.iter().map(PollFd::revents).collect();
        drop(waiting);
        let mut gone = Vec::new();
        for (index, (client, due)) in clients.iter_mut().zip(&due[1..]).enumerate() {
            if due.contains(PollFlags::IN) && !client.listen() {
                gone.push(index);
            } else if due.contains(PollFlags::OUT) && client.go_on().is_err() {
                gone.push(index);
            }
        }
        for index in gone.into_iter().rev() {
            clients.swap_remove(index);
        }
        if due[0].contains(PollFlags::IN) {
            while let Ok((socket, _)) = listener.accept() {
                socket.set_nonblocking(true)?;
                socket.set_nodelay(true)?;
                clients.push(Client { socket, asked: false, writing: None, last: 0 });
            }
        }
        if Instant::now() >= next {
            next += TICK;
            number += 1;
            newest = Rc::new(part(&image, number));
        }
        clients.retain_mut(|client| client.offer(&newest, number).is_ok());
    }
}

impl Client {
    /// Whether the client is still there.
    fn listen(&mut self) -> bool {
        let mut request = [0; 4096];
        match self.socket.read(&mut request) {
            Ok(0) => false,
            Ok(_) if self.asked => true,
            Ok(_) => {
                self.asked = true;
                let head = "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=frame\r\n\r\n";
                self.socket.write_all(head.as_bytes()).is_ok()
            }
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }

    /// Begins with `newest` where it has done with the one before.
    fn offer(&mut self, newest: &Rc<Vec<u8>>, number: u64) -> io::Result<()> {
        if !self.asked || self.writing.is_some() || self.last >= number {
            return Ok(());
        }
        self.last = number;
        self.writing = Some((newest.clone(), 0));
        self.go_on()
    }

    fn go_on(&mut self) -> io::Result<()> {
        while let Some((bytes, at)) = &mut self.writing {
            match self.socket.write(&bytes[*at..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(length) => *at += length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
            if *at == bytes.len() {
                self.writing = None;
            }
        }
        Ok(())
    }
}

/// A part with `image`, tagged as the shim tags a frame that is captured now.
fn part(image: &[u8], number: u64) -> Vec<u8> {
    let now = clock_gettime(ClockId::Monotonic);
    let now = now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64;
    let length = image.len() + 28;
    let mut part =
        format!("--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n")
            .into_bytes();
    part.extend(&image[..2]);
    part.extend(b"\xff\xfe\x00\x1aV4L2SHIM");
    part.extend(number.to_le_bytes());
    part.extend(now.to_le_bytes());
    part.extend(&image[2..]);
    part.extend(b"\r\n");
    part
}
