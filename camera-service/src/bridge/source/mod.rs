//! Frames: one stream of the service for each rendition, shared by all who watch it.
//!
//! A [`Subscription`] sees the newest picture only: what it has not taken when the next one comes
//! is passed over. It never keeps another one, or the stream, waiting. A stream is held while
//! there are subscriptions, and a moment longer. Everything is on the one thread of the bridge.

mod fetch;
mod picture;
mod tables;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::{ErrorReply, Mode, StreamRequest};
use tokio::sync::Notify;

use super::{seldom::Bell, service::Service};
pub(super) use picture::{BOUNDARY, Picture};

/// All streams that are held.
pub(super) struct Sources {
    service: Arc<Service>,
    // As many as viewers ask for, each a connection that the service counts.
    held: Arc<Mutex<Vec<Arc<Source>>>>,
}

/// How a stream is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Phase {
    /// Nothing has come yet.
    Opening,
    /// Pictures come in the first of these modes, from a camera in the second.
    Live(Mode, Mode),
    /// The camera does not deliver; pictures resume by themselves.
    Lost(String),
    /// All cameras are turned off; pictures resume when they are turned on.
    Blocked,
    /// There will be no more.
    Ended(ErrorReply),
}

/// A stream and what came last on it.
struct Source {
    request: StreamRequest,
    state: Mutex<State>,
    /// Told when the last subscription ends or one begins.
    wanted: Notify,
}

struct State {
    picture: Option<Arc<Picture>>,
    /// Pictures so far, those that were passed over on their way here included.
    pictures: u64,
    phase: Phase,
    /// Changes of the phase so far.
    phases: u64,
    listeners: Vec<(u64, Arc<Bell>)>,
    next_listener: u64,
}

impl Source {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new picture, for which so many were passed over on their way here.
    fn publish(&self, picture: Picture, passed_over: u32) {
        let mut state = self.state();
        state.picture = Some(Arc::new(picture));
        state.pictures += 1 + u64::from(passed_over);
        state.tell();
    }

    fn enter(&self, phase: Phase) {
        let mut state = self.state();
        if state.phase != phase {
            state.phase = phase;
            state.phases += 1;
            state.tell();
        }
    }

    fn is_wanted(&self) -> bool {
        !self.state().listeners.is_empty()
    }
}

impl State {
    fn tell(&self) {
        for (_, listener) in &self.listeners {
            listener.ring();
        }
    }
}

impl Sources {
    pub(super) fn new(service: Arc<Service>) -> Self {
        Self { service, held: Arc::default() }
    }

    /// Subscribes to what `request` asks for; `news` is told of every picture and change. The
    /// caller must have a watch on the camera for as long.
    pub(super) fn subscribe(&self, request: StreamRequest, news: Arc<Bell>) -> Subscription {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let source = match held.iter().find(|source| source.request == request) {
            Some(source) => source.clone(),
            None => {
                let state = State {
                    picture: None,
                    pictures: 0,
                    phase: Phase::Opening,
                    phases: 0,
                    listeners: Vec::new(),
                    next_listener: 0,
                };
                let state = Mutex::new(state);
                let source = Arc::new(Source { request, state, wanted: Notify::new() });
                held.push(source.clone());
                let (service, held) = (self.service.clone(), self.held.clone());
                tokio::spawn(fetch::run(source.clone(), service, held));
                source
            }
        };
        drop(held);
        let mut state = source.state();
        let listener = state.next_listener;
        state.next_listener += 1;
        state.listeners.push((listener, news));
        // The picture that is there is shown at once.
        let (picture, phase) = (state.pictures.saturating_sub(1), 0);
        drop(state);
        source.wanted.notify_one();
        Subscription { source, listener, picture, phase }
    }

    /// How many streams are held.
    pub(super) fn len(&self) -> usize {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Takes a source that nobody wants out of those that are held; `false` where somebody does.
fn release(held: &Mutex<Vec<Arc<Source>>>, source: &Arc<Source>) -> bool {
    let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
    let state = source.state();
    if !state.listeners.is_empty() && !matches!(state.phase, Phase::Ended(_)) {
        return false;
    }
    held.retain(|other| !Arc::ptr_eq(other, source));
    true
}

/// One viewer's view of a source.
pub(super) struct Subscription {
    source: Arc<Source>,
    listener: u64,
    /// Pictures and phases that were seen.
    picture: u64,
    phase: u64,
}

impl Subscription {
    /// The newest picture if it was not taken before, and how many were passed over since the
    /// last one.
    pub(super) fn take(&mut self) -> Option<(Arc<Picture>, u64)> {
        let state = self.source.state();
        if state.pictures == self.picture {
            return None;
        }
        let passed_over = state.pictures - self.picture - 1;
        let picture = state.picture.clone()?;
        self.picture = state.pictures;
        Some((picture, passed_over))
    }

    /// Whether a picture is there that was not taken before.
    pub(super) fn has_picture(&self) -> bool {
        self.source.state().pictures != self.picture
    }

    /// The phase if it was not seen before.
    pub(super) fn change(&mut self) -> Option<Phase> {
        let state = self.source.state();
        if state.phases == self.phase {
            return None;
        }
        self.phase = state.phases;
        Some(state.phase.clone())
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut state = self.source.state();
        state.listeners.retain(|(listener, _)| *listener != self.listener);
        let last = state.listeners.is_empty();
        drop(state);
        if last {
            self.source.wanted.notify_one();
        }
    }
}
