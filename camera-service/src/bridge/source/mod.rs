//! Frames: one stream of the service for each rendition, shared by all who watch it.
//!
//! A [`Subscription`] sees the newest picture only: what it has not taken when the next one comes
//! is passed over. It never keeps another one, or the stream, waiting. A stream is held while
//! there are subscriptions, and a moment longer. Everything is on the one thread of the bridge.

mod fetch;
mod picture;
mod tables;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::{ErrorKind, ErrorReply, Mode, StreamRequest};
use tokio::sync::Notify;

use super::{seldom::Bell, service::Service, viewer::Watch};
pub(super) use picture::{BOUNDARY, Picture};

/// Most streams at once. Each is a connection that the service counts, and of which viewers may
/// not take so many that nothing is left for their own connections.
const MOST: usize = 256;
/// Most streams of one token: whoever asks for every size there is leaves room for others.
const MOST_OF_A_TOKEN: usize = 64;

/// All streams that are held.
pub(super) struct Sources {
    service: Arc<Service>,
    // At most [`MOST`].
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
    /// The token for which it was opened.
    opened_for: String,
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
    listeners: Vec<Listener>,
    next_listener: u64,
}

/// Who is told of news.
struct Listener {
    number: u64,
    /// The token with which it watches.
    token: String,
    bell: Arc<Bell>,
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

    /// Whether it is there for `token`: it watches, or did last and left a moment ago.
    fn is_for(&self, token: &str) -> bool {
        let state = self.state();
        match state.listeners.is_empty() {
            true => self.opened_for == token,
            false => state.listeners.iter().any(|listener| listener.token == token),
        }
    }
}

impl State {
    fn tell(&self) {
        for listener in &self.listeners {
            listener.bell.ring();
        }
    }
}

impl Sources {
    pub(super) fn new(service: Arc<Service>) -> Self {
        Self { service, held: Arc::default() }
    }

    /// Subscribes to what `request` asks for of the camera of `watch`, which the caller must have
    /// for as long; `news` is told of every picture and change. Fails where that would take one
    /// stream too many.
    pub(super) fn subscribe(
        &self,
        watch: &Watch,
        request: StreamRequest,
        news: Arc<Bell>,
    ) -> Result<Subscription, ErrorReply> {
        let token = watch.token();
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let source = match held.iter().find(|source| source.request == request) {
            Some(source) => source.clone(),
            None => {
                let of_token = held.iter().filter(|source| source.is_for(token)).count();
                check_room(held.len(), of_token)?;
                let state = State {
                    picture: None,
                    pictures: 0,
                    phase: Phase::Opening,
                    phases: 0,
                    listeners: Vec::new(),
                    next_listener: 0,
                };
                let state = Mutex::new(state);
                let opened_for = token.to_owned();
                let source = Arc::new(Source { request, opened_for, state, wanted: Notify::new() });
                held.push(source.clone());
                let (service, held) = (self.service.clone(), self.held.clone());
                tokio::spawn(fetch::run(source.clone(), service, held));
                source
            }
        };
        drop(held);
        let mut state = source.state();
        let number = state.next_listener;
        state.next_listener += 1;
        state.listeners.push(Listener { number, token: token.to_owned(), bell: news });
        // The picture that is there is shown at once.
        let (picture, phase) = (state.pictures.saturating_sub(1), 0);
        drop(state);
        source.wanted.notify_one();
        Ok(Subscription { source, listener: number, picture, phase })
    }

    /// How many streams are held.
    pub(super) fn len(&self) -> usize {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Whether there may be one stream more, where there are so many in all and of one token.
fn check_room(all: usize, of_token: usize) -> Result<(), ErrorReply> {
    let limit = |message: String| Err(ErrorReply::new(ErrorKind::Limit, message));
    if of_token >= MOST_OF_A_TOKEN {
        return limit(format!(
            "a token may have {MOST_OF_A_TOKEN} streams of different size, rate or quality at a \
             time; ask for one that is there"
        ));
    }
    if all >= MOST {
        return limit(format!("the bridge has {MOST} streams, which is the most; try again later"));
    }
    Ok(())
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
        state.listeners.retain(|listener| listener.number != self.listener);
        let last = state.listeners.is_empty();
        drop(state);
        if last {
            self.source.wanted.notify_one();
        }
    }
}
