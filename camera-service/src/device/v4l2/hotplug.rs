//! Learning that device files come, go or change their permissions, without looking.
//!
//! A thread named `v4l2-hotplug` sleeps in `poll` until the kernel tells of a change in the
//! folder. Changes come in bursts (a camera has several files, each made and then given to a
//! group), so it waits until none has come for a moment and tells of the burst once.

use std::{
    io,
    mem::MaybeUninit,
    os::fd::{AsFd as _, OwnedFd},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::inotify::{self, CreateFlags, WatchFlags},
    io::Errno,
};

use crate::device::{Watch, wake::Waker};

/// A burst is over when nothing came for so long …
const QUIET: Duration = Duration::from_millis(100);
/// … or when it has gone on for so long.
const LONGEST: Duration = Duration::from_secs(1);

/// Calls `changed` after every burst of changes to video device files in `folder`.
pub(super) fn watch(folder: &Path, changed: Box<dyn Fn() + Send>) -> io::Result<Watch> {
    let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    let events = WatchFlags::CREATE
        | WatchFlags::DELETE
        | WatchFlags::ATTRIB
        | WatchFlags::MOVED_FROM
        | WatchFlags::MOVED_TO;
    inotify::add_watch(&inotify, folder, events)?;
    let waker = Arc::new(Waker::new()?);
    let thread = {
        let waker = waker.clone();
        std::thread::Builder::new().name("v4l2-hotplug".to_owned()).spawn(move || {
            if let Err(error) = run(&inotify, &waker, &*changed) {
                tracing::error!(%error, "cameras that are plugged in will not be noticed");
            }
        })?
    };
    Ok(Watch::new(waker, thread))
}

fn run(inotify: &OwnedFd, waker: &Waker, changed: &dyn Fn()) -> Result<(), Errno> {
    loop {
        // Nothing pending: sleep for as long as nothing changes.
        if wait(inotify, waker, None)? == Wake::Ended {
            return Ok(());
        }
        if !drain(inotify)? {
            continue;
        }
        let began = Instant::now();
        while began.elapsed() < LONGEST {
            match wait(inotify, waker, Some(QUIET))? {
                Wake::Ended => return Ok(()),
                Wake::Quiet => break,
                Wake::Changes => {
                    drain(inotify)?;
                }
            }
        }
        changed();
    }
}

#[derive(PartialEq, Eq)]
enum Wake {
    Changes,
    Quiet,
    Ended,
}

fn wait(inotify: &OwnedFd, waker: &Waker, timeout: Option<Duration>) -> Result<Wake, Errno> {
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    loop {
        let mut fds = [
            PollFd::from_borrowed_fd(inotify.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(waker.fd(), PollFlags::IN),
        ];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(0) => return Ok(Wake::Quiet),
            Ok(_) if !fds[1].revents().is_empty() => return Ok(Wake::Ended),
            Ok(_) => return Ok(Wake::Changes),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Takes all events there are, and tells whether one is of a video device file.
fn drain(inotify: &OwnedFd) -> Result<bool, Errno> {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut events = inotify::Reader::new(inotify, &mut buffer);
    let mut ours = false;
    loop {
        match events.next() {
            Ok(event) => {
                // Events that were lost have no name: any may have been of ours.
                ours |= event.file_name().is_none_or(|name| name.to_bytes().starts_with(b"video"));
            }
            Err(Errno::AGAIN) => return Ok(ours),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, sync::mpsc};

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn a_burst_of_changes_is_told_once_and_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let (told, tellings) = mpsc::channel();
        let watch = watch(folder.path(), Box::new(move || told.send(()).unwrap())).unwrap();
        let file = folder.path().join("video7");

        fs::write(folder.path().join("tty7"), "").unwrap();
        for _ in 0..5 {
            fs::write(&file, "").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o660)).unwrap();
        }
        tellings.recv_timeout(LONG).expect("told of the new file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        tellings.recv_timeout(LONG).expect("told of its permissions");
        fs::remove_file(&file).unwrap();
        tellings.recv_timeout(LONG).expect("told of its end");
        fs::write(folder.path().join("tty8"), "").unwrap();

        // The thread has ended when the watch is dropped, and with it the sender.
        drop(watch);
        assert!(tellings.recv().is_err(), "told of something else");
    }
}
