//! Writing on a thread of its own, so that a reader that takes nothing does not keep a command
//! from hearing of anything else.

use std::{io, thread};

use tokio::sync::{mpsc, oneshot};

/// Items that wait while one is being written. With frames that makes two at hand, which is as
/// many as a reader may hold.
const WAITING: usize = 1;

/// A thread that writes what it is sent, in order.
pub(super) struct Background<T> {
    items: mpsc::Sender<T>,
    /// The thread's result; `None` once that was taken.
    ended: Option<oneshot::Receiver<io::Result<()>>>,
}

impl<T: Send + 'static> Background<T> {
    /// Starts a thread that calls `write` for every item, until it fails or no more come.
    pub(super) fn start(
        mut write: impl FnMut(T) -> io::Result<()> + Send + 'static,
    ) -> io::Result<Self> {
        let (items, mut waiting) = mpsc::channel(WAITING);
        let (sender, ended) = oneshot::channel();
        thread::Builder::new().name("output".to_owned()).spawn(move || {
            let mut result = Ok(());
            while result.is_ok()
                && let Some(item) = waiting.blocking_recv()
            {
                result = write(item);
            }
            drop(waiting);
            // Nobody waits where the command has ended before.
            let _ = sender.send(result);
        })?;
        Ok(Self { items, ended: Some(ended) })
    }

    /// Hands over `item`, waiting for room. Fails with the writer's error.
    pub(super) async fn send(&mut self, item: T) -> io::Result<()> {
        if self.items.send(item).await.is_ok() {
            return Ok(());
        }
        Err(self.failed().await)
    }

    /// The writer's error; waits for one. Told once. Safe to cancel.
    pub(super) async fn failed(&mut self) -> io::Error {
        match self.result().await {
            Err(error) => error,
            // It goes on as long as `items` is there.
            Ok(()) => gone(),
        }
    }

    /// Waits until all is written. Says nothing of an error that was told before.
    pub(super) async fn finish(mut self) -> io::Result<()> {
        if self.ended.is_none() {
            return Ok(());
        }
        let (closed, _) = mpsc::channel(WAITING);
        self.items = closed;
        self.result().await
    }

    async fn result(&mut self) -> io::Result<()> {
        let Some(ended) = &mut self.ended else { return Err(gone()) };
        let result = ended.await;
        self.ended = None;
        result.unwrap_or_else(|_| Err(gone()))
    }
}

fn gone() -> io::Error {
    io::Error::other("the writer has ended")
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[tokio::test]
    async fn everything_is_written_in_order() {
        let written = Arc::new(Mutex::new(Vec::new()));
        let sink = written.clone();
        let mut output = Background::start(move |item: u32| {
            sink.lock().expect("not poisoned").push(item);
            Ok(())
        })
        .expect("a thread");
        for item in 0..100 {
            output.send(item).await.expect("written");
        }
        output.finish().await.expect("written");
        assert_eq!(*written.lock().expect("not poisoned"), (0..100).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_failure_reaches_whoever_sends() {
        let mut output =
            Background::start(|_: u32| Err(io::ErrorKind::BrokenPipe.into())).expect("a thread");
        output.send(1).await.expect("taken over");
        assert_eq!(output.failed().await.kind(), io::ErrorKind::BrokenPipe);
        assert!(output.send(2).await.is_err(), "nobody takes it");
        output.finish().await.expect("the error was told");
    }

    #[tokio::test]
    async fn a_failure_that_nobody_heard_of_is_told_at_the_end() {
        let mut output =
            Background::start(|_: u32| Err(io::ErrorKind::StorageFull.into())).expect("a thread");
        output.send(1).await.expect("taken over");
        let error = output.finish().await.expect_err("told");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }

    #[tokio::test]
    async fn a_failure_ends_a_wait_for_room() {
        let mut output =
            Background::start(|_: u32| Err(io::ErrorKind::BrokenPipe.into())).expect("a thread");
        let error = loop {
            if let Err(error) = output.send(1).await {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
