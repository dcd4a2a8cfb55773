//! What was seen so far, and the thread that sees it.

use std::{
    fmt::Debug,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::sync::oneshot;

use crate::wait_until;

/// Longer than anything takes in an emulated machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// Notes shown when what a test waits for does not come.
const SHOWN: usize = 12;

/// What happened so far, oldest first.
pub(super) struct Notes<T>(Arc<Mutex<Vec<T>>>);

impl<T> Clone for Notes<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Clone + Debug> Notes<T> {
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    pub(super) fn all(&self) -> MutexGuard<'_, Vec<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, note: T) {
        self.all().push(note);
    }

    /// Waits for a note, the `from`th or a later one, and gives it with its number.
    #[track_caller]
    pub(super) fn wait(&self, from: usize, what: &str, found: impl Fn(&T) -> bool) -> (usize, T) {
        wait_until(what, PATIENCE, || {
            let all = self.all();
            let at = (from..all.len()).find(|at| found(&all[*at]));
            at.map(|at| (at, all[at].clone())).ok_or_else(|| {
                let last = &all[all.len().saturating_sub(SHOWN).max(from.min(all.len()))..];
                format!("{} notes since the {from}th, the last: {last:#?}", all.len() - from)
            })
        })
    }
}

/// A thread that reads until this is dropped.
pub(crate) struct Reading {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Reading {
    pub(crate) fn start<F: Future<Output = ()>>(read: impl FnOnce() -> F + Send + 'static) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    () = read() => {}
                }
            });
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !thread::panicking()
        {
            panic!("the thread that reads has panicked");
        }
    }
}
