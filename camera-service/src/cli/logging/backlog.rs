//! Lines of the log that wait to be written: bounded, and whoever logs never waits.
//!
//! They are written by a thread of their own. Where nobody reads what it writes (a terminal that
//! was told to pause, a pager), that thread waits, what comes meanwhile is kept up to
//! [`MOST`] bytes, and the rest is counted and told once there is a reader again.

use std::{
    io::{self, Write},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Bytes that may wait, besides as many that are being written.
const MOST: usize = 256 << 10;
/// Room that is kept for the next lines.
const KEPT: usize = 16 << 10;

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<u8>,
    /// Lines for which there was no room, all of them later than those that wait.
    lost: u64,
    /// Whether lines that were taken from here are not written yet.
    is_writing: bool,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.lost == 0
    }
}

impl Backlog {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes to `out` what comes, for ever. Blocks.
    pub(super) fn write_out(&self, mut out: impl Write) {
        let mut lines = Vec::new();
        loop {
            let mut waiting = self.waiting();
            waiting.is_writing = false;
            self.changed.notify_all();
            let comes = self.changed.wait_while(waiting, |waiting| waiting.is_empty());
            let mut waiting = comes.unwrap_or_else(PoisonError::into_inner);
            waiting.is_writing = true;
            std::mem::swap(&mut lines, &mut waiting.lines);
            let lost = std::mem::take(&mut waiting.lost);
            drop(waiting);
            if lost > 0 {
                let note = format!("({lost} lines of the log were lost: nobody read it)\n");
                lines.extend_from_slice(note.as_bytes());
            }
            // Where nobody will ever read it, there is nobody to be told either.
            let _ = out.write_all(&lines).and_then(|()| out.flush());
            lines.clear();
            lines.shrink_to(KEPT);
        }
    }

    /// Whether all is written, for which it waits so long at most. Blocks.
    pub(super) fn is_written_within(&self, patience: Duration) -> bool {
        let is_left = |waiting: &mut Waiting| waiting.is_writing || !waiting.is_empty();
        let done = self.changed.wait_timeout_while(self.waiting(), patience, is_left);
        !done.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

impl Write for &Backlog {
    /// Takes a line, or counts it as lost.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.waiting();
        let is_first = waiting.is_empty();
        // After one was lost no other is taken, so that it is told of in its place.
        if waiting.lost > 0 || waiting.lines.len() + line.len() > MOST {
            waiting.lost += 1;
        } else {
            waiting.lines.extend_from_slice(line);
        }
        drop(waiting);
        if is_first {
            self.changed.notify_all();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, sync::mpsc, thread};

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    /// Hands on what is written, and then waits until it is asked for.
    struct Slow(mpsc::SyncSender<String>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let text = String::from_utf8_lossy(bytes).into_owned();
            self.0.send(text).map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn log(mut backlog: &Backlog, line: &str) {
        backlog.write_all(line.as_bytes()).expect("it never fails");
    }

    #[test]
    fn without_a_reader_lines_wait_and_then_are_counted_and_nobody_waits() {
        let backlog = Arc::new(Backlog::default());
        // Without room: each write waits for whoever reads.
        let (sender, written) = mpsc::sync_channel(0);
        let writing = backlog.clone();
        thread::spawn(move || writing.write_out(Slow(sender)));
        log(&backlog, "first\n");
        // Until the thread has that one, and hangs with it.
        while !backlog.waiting().lines.is_empty() {
            thread::yield_now();
        }
        let line = format!("{}\n", "x".repeat(1023));
        for _ in 0..MOST / line.len() + 7 {
            log(&backlog, &line);
        }
        log(&backlog, "short\n");
        assert!(backlog.waiting().lines.len() <= MOST);
        assert!(!backlog.is_written_within(Duration::from_millis(1)));
        assert_eq!(written.recv_timeout(LONG).as_deref(), Ok("first\n"));
        let rest = written.recv_timeout(LONG).expect("what waited");
        let (kept, note) = rest.split_at(MOST);
        assert!(kept.lines().all(|kept| kept == line.trim_end()), "{}", &kept[..100]);
        assert_eq!(note, "(8 lines of the log were lost: nobody read it)\n");
        // From now on as if nothing had been.
        log(&backlog, "last\n");
        assert_eq!(written.recv_timeout(LONG).as_deref(), Ok("last\n"));
        assert!(backlog.is_written_within(LONG));
    }
}
