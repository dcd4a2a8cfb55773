//! Whether somebody reads what is written into a loopback device.
//!
//! Drivers from 0.13 on tell. Of older ones it is learnt from who has the device open: the
//! kernel tells that it was opened or closed (inotify), whether anybody but us still has it open
//! (by ranks, see [`Watching::is_open`]), and `/proc` by whom, unless that is another user's
//! program. One that has mapped it reads; one that merely has it open does after a while, since
//! listing devices opens each for a moment. Nothing runs while nothing changes, on the thread
//! `loopback-readers`.

use std::{
    fs, io,
    mem::MaybeUninit,
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::fs::MetadataExt as _,
    },
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use protocol::Holder;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::inotify::{self, CreateFlags, WatchFlags},
    io::Errno,
};

use super::{
    abi::{self, Plain as _},
    holders::holders,
    ioctl::Node,
    output::Output,
};
use crate::device::{Watch, wake::Waker};

/// A program that has the device open for so long, and not mapped, reads it with `read`.
const OPEN_MEANS_READING: Duration = Duration::from_secs(1);
/// Between two looks at programs that have it open and may be about to map it.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// That a file was closed is told before the driver hears of it, which takes no time to speak of.
const CLOSING: Duration = Duration::from_secs(1);

/// Stands for the programs that have it open and cannot be seen.
const UNSEEN: u32 = 0;

/// What is known of a device's readers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Nobody reads.
    Nobody,
    /// Somebody does: these programs; none where they cannot be seen.
    By(Vec<Holder>),
    /// The device was removed.
    Removed,
}

/// Keeps the watching going; dropping it ends and joins its thread.
pub struct Readers {
    _watch: Watch,
}

impl Readers {
    /// Calls `changed` with what is known now, and after every change of it, on a thread of its
    /// own.
    pub fn watch(
        output: &Output,
        changed: impl FnMut(Reading) + Send + 'static,
    ) -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        // The last name of a file that goes changes its number of links.
        let mut events = WatchFlags::ATTRIB | WatchFlags::DELETE_SELF;
        if !output.tells_readers {
            events |= WatchFlags::OPEN | WatchFlags::CLOSE_WRITE | WatchFlags::CLOSE_NOWRITE;
        }
        inotify::add_watch(&inotify, &output.path, events)?;
        let waker = Arc::new(Waker::new()?);
        let mut watching = Watching {
            node: output.node.clone(),
            path: output.path.clone(),
            device: output.device,
            told_by_driver: output.tells_readers,
            inotify,
            waker: waker.clone(),
            is_lowest: output.is_lowest,
            opened: Vec::new(),
            streams: 0,
            hung_up: false,
            happened: Instant::now(),
        };
        let thread = thread::Builder::new()
            .name("loopback-readers".to_owned())
            .spawn(move || watching.run(changed))?;
        Ok(Self { _watch: Watch::new(waker, thread) })
    }
}

struct Watching {
    node: Arc<Node>,
    path: PathBuf,
    device: u64,
    told_by_driver: bool,
    inotify: OwnedFd,
    waker: Arc<Waker>,
    is_lowest: bool,
    /// Programs that have it open, and since when that is known; 0 stands for those that cannot
    /// be seen.
    opened: Vec<(u32, Instant)>,
    /// How many read, as the driver told last.
    streams: u32,
    /// The driver has let go of the device.
    hung_up: bool,
    /// When the file was last opened or closed.
    happened: Instant,
}

impl Watching {
    fn run(&mut self, mut changed: impl FnMut(Reading)) {
        let mut told = None;
        loop {
            let (reading, settled) = self.look();
            let is_end = reading == Reading::Removed;
            if told.as_ref() != Some(&reading) {
                changed(reading.clone());
                told = Some(reading);
            }
            if is_end || !self.wait((!settled).then_some(LOOK_AGAIN)) {
                return;
            }
        }
    }

    /// What is known now, and whether that stays so until something happens.
    fn look(&mut self) -> (Reading, bool) {
        if self.hung_up || is_removed(&self.path, self.device) {
            return (Reading::Removed, true);
        }
        if self.told_by_driver {
            let mut event = abi::Event::zeroed();
            while self.node.dequeue_event(&mut event).is_ok() {
                if event.kind == abi::EVENT_CLIENT_USAGE {
                    self.streams = event.readers();
                }
            }
            return match self.streams {
                0 => (Reading::Nobody, true),
                _ => (Reading::By(reading_now(holders(&self.path))), true),
            };
        }
        let mut holders = holders(&self.path);
        let is_unseen = holders.is_empty() && self.is_open();
        if is_unseen {
            holders.push(Holder { pid: UNSEEN, program: String::new(), streaming: false });
        }
        let now = Instant::now();
        self.opened.retain(|(pid, _)| holders.iter().any(|holder| holder.pid == *pid));
        for holder in &holders {
            if !self.opened.iter().any(|(pid, _)| *pid == holder.pid) {
                self.opened.push((holder.pid, now));
            }
        }
        let opened = &self.opened;
        let (mut reading, waiting) = judge(holders, |pid| {
            let since = opened.iter().find(|(known, _)| *known == pid);
            since.map_or(Duration::ZERO, |(_, since)| now.duration_since(*since))
        });
        let may_be_closing = is_unseen && self.happened.elapsed() < CLOSING;
        let settled = waiting == 0 && !may_be_closing;
        if reading.is_empty() {
            return (Reading::Nobody, settled);
        }
        reading.retain(|holder| holder.pid != UNSEEN);
        (Reading::By(reading), settled)
    }

    /// Whether anybody but us has it open: the highest rank of all who do is above ours then.
    fn is_open(&self) -> bool {
        let mut highest = 0;
        self.is_lowest
            && self.node.get_priority(&mut highest).is_ok()
            && highest > abi::PRIORITY_BACKGROUND
    }

    /// Waits until something may have changed. False once this is to end.
    fn wait(&mut self, timeout: Option<Duration>) -> bool {
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let mut fds = vec![
            PollFd::from_borrowed_fd(self.waker.fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.inotify.as_fd(), PollFlags::IN),
        ];
        if self.told_by_driver {
            fds.push(PollFd::from_borrowed_fd(self.node.as_fd(), PollFlags::PRI));
        }
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => {
                tracing::error!(%error, "it is no longer known whether somebody reads");
                return false;
            }
        }
        let ended = !fds[0].revents().is_empty();
        let happened = !fds[1].revents().is_empty();
        let gone = PollFlags::HUP | PollFlags::ERR;
        let hung_up = fds.get(2).is_some_and(|fd| fd.revents().intersects(gone));
        drop(fds);
        self.hung_up |= hung_up;
        if happened {
            self.happened = Instant::now();
        }
        drain(&self.inotify);
        !ended
    }
}

/// Whether the file is gone, or that of another device.
fn is_removed(path: &Path, device: u64) -> bool {
    fs::metadata(path).map_or(true, |metadata| metadata.rdev() != device)
}

/// Of the programs that have the device, those that have mapped it; all where none is seen to.
fn reading_now(holders: Vec<Holder>) -> Vec<Holder> {
    let mapped: Vec<Holder> = holders.iter().filter(|holder| holder.streaming).cloned().collect();
    if mapped.is_empty() { holders } else { mapped }
}

/// Those of `holders` that read, and how many may turn out to. `open_for` tells how long a
/// process has had it open.
fn judge(holders: Vec<Holder>, open_for: impl Fn(u32) -> Duration) -> (Vec<Holder>, usize) {
    let all = holders.len();
    let reads = |holder: &Holder| holder.streaming || open_for(holder.pid) >= OPEN_MEANS_READING;
    let mut reading: Vec<Holder> = holders.into_iter().filter(reads).collect();
    // How it reads makes no difference, and would make news of it.
    reading.iter_mut().for_each(|holder| holder.streaming = true);
    let waiting = all - reading.len();
    (reading, waiting)
}

/// Forgets all events so far: what they are about is looked at.
fn drain(inotify: &OwnedFd) {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut events = inotify::Reader::new(inotify, &mut buffer);
    while !matches!(events.next(), Err(errno) if errno != Errno::INTR) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(pid: u32, streaming: bool) -> Holder {
        Holder { pid, program: "program".to_owned(), streaming }
    }

    #[test]
    fn mapping_is_reading_at_once_and_having_it_open_after_a_while() {
        let holders = vec![holder(1, true), holder(2, false), holder(3, false)];
        let open_for = |pid| if pid == 3 { OPEN_MEANS_READING } else { Duration::ZERO };
        let (reading, waiting) = judge(holders, open_for);
        assert_eq!(reading, [holder(1, true), holder(3, true)]);
        assert_eq!(waiting, 1);
        assert_eq!(judge(Vec::new(), |_| Duration::MAX), (Vec::new(), 0));
    }

    #[test]
    fn a_file_that_is_gone_or_another_is_noticed() {
        let null = Path::new("/dev/null");
        let device = fs::metadata(null).unwrap().rdev();
        assert!(!is_removed(null, device));
        assert!(is_removed(Path::new("/dev/zero"), device));
        assert!(is_removed(Path::new("/dev/no-such-file"), device));
    }
}
