//! The threads that compute renditions.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak, mpsc},
    thread,
};

use super::Rendition;

/// Most worker threads: more would take the machine from those who watch.
const MOST_THREADS: usize = 4;

/// A small pool of threads, started with the first rendition and ended with this value.
pub struct Workers {
    /// As long as there are renditions: each is in it once at most. `None` before the first.
    queue: Mutex<Option<mpsc::Sender<Arc<Rendition>>>>,
    /// Handed to the threads, so that they can put a rendition that fell behind back in.
    this: Weak<Self>,
}

impl Workers {
    /// A pool without threads yet.
    pub fn new() -> Arc<Self> {
        Arc::new_cyclic(|this| Self { queue: Mutex::new(None), this: this.clone() })
    }

    /// Puts `rendition` into the queue.
    pub(super) fn queue(&self, rendition: Arc<Rendition>) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = queue.get_or_insert_with(|| start(&self.this));
        // Fails only when no thread could be started or all have died, which a panic in a codec
        // does not bring about.
        if sender.send(rendition).is_err() {
            tracing::error!("no thread is left to compute renditions");
        }
    }
}

fn start(workers: &Weak<Workers>) -> mpsc::Sender<Arc<Rendition>> {
    let (sender, receiver) = mpsc::channel::<Arc<Rendition>>();
    let receiver = Arc::new(Mutex::new(receiver));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    for number in 0..cores.min(MOST_THREADS) {
        let (receiver, workers) = (receiver.clone(), workers.clone());
        let started = thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
            loop {
                // One of them waits for work, the others for their turn to wait.
                let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let (Ok(rendition), Some(workers)) = (next, workers.upgrade()) else { break };
                rendition.run(&workers);
            }
        });
        if let Err(error) = started {
            tracing::error!("a thread for renditions could not be started: {error}");
        }
    }
    sender
}
