//! Connections with the role `stream`: one camera's frames to one client.
//!
//! Nothing queues up here. The feed holds the newest frame; this task takes it when the client
//! has room, and counts what it passed over. A client's slots are held in `held`, two at most,
//! until it releases them.

mod delivery;
#[cfg(windows)]
mod given;
mod pick;

use std::sync::Arc;

use protocol::{
    ErrorKind, ErrorReply, Event, Mode, Started, StreamCommand, StreamMessage, StreamRequest,
    transport::{Reader, TransportError},
    wire::MAX_REQUEST,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::{delivery::Outlet, pick::Pick};
use super::{Server, caller::Caller, clients::Connected, handshake::Session};
use crate::{
    camera::{Camera, Condition, Watch, WatcherInfo, Watching},
    source::{Feed, Rendition},
};

/// Serves a stream until the client closes, breaks the protocol, or is told that it has ended.
pub(super) async fn serve(server: Arc<Server>, session: Session) -> Result<(), TransportError> {
    let Session { mut reader, writer, listed, .. } = session;
    let kick = listed.connected.kick.clone();
    let limit = server.config.borrow().timeouts.handshake;
    let mut outlet = Outlet::new(writer, listed.connected.clone());
    let opening = tokio::select! {
        () = kick.cancelled() => return Ok(()),
        opening = tokio::time::timeout(limit, reader.message(MAX_REQUEST)) => opening,
    };
    let request = match opening {
        Ok(Ok(Some(StreamCommand::Open(request)))) => request,
        Ok(Ok(None)) => return Ok(()),
        Ok(Ok(Some(StreamCommand::Release { .. }))) => {
            return outlet
                .refuse(ErrorKind::Protocol, "a stream begins with what it asks for")
                .await;
        }
        Ok(Err(error)) => {
            outlet.refuse(ErrorKind::Protocol, &error.to_string()).await?;
            return Err(error);
        }
        Err(_) => return outlet.refuse(ErrorKind::Timeout, "no request for a stream came").await,
    };
    let camera = server.registry.find(&request.camera);
    let camera = match camera.and_then(|camera| camera.check(&request).map(|()| camera)) {
        Ok(camera) => camera,
        Err(error) => return outlet.send(&StreamMessage::Refused(error)).await,
    };
    let connected = &*listed.connected;
    let (watch, users) = match &connected.caller {
        // A frame that a remote user gets was fetched by the bridge, for all who watch.
        Caller::Bridge | Caller::Remote(_) => match server.shared.watches.shared(camera.id()) {
            Some(users) => (Watch::Shared(request.clone()), Some(users)),
            None => return outlet.refuse(ErrorKind::Forbidden, NOBODY_WATCHES).await,
        },
        Caller::Program => (Watch::Stream(request.clone()), None),
    };
    outlet.set_delivery(request.delivery);
    listed.watches(camera.id().clone(), outlet.delivery());
    if users.is_none() {
        tell_if_new(&server, connected, connected.program.clone(), &camera);
    }
    let watching = camera.watch(watcher(connected), watch);
    let mut stream = Stream {
        condition: camera.condition(),
        camera,
        request,
        _watching: watching,
        outlet,
        route: Route::None,
        told: None,
        epoch: NO_OPENING,
        pick: Pick::new(),
        news: None,
    };
    let ended = tokio::select! {
        ended = stream.run(&mut reader) => Ok(ended),
        () = kick.cancelled() => Err(connected.caller.why_ended(&server)),
        () = last_user(users) => Err(ErrorReply::new(ErrorKind::Forbidden, NOBODY_WATCHES)),
    };
    let ended = match ended {
        Ok(ended) => ended,
        Err(why) => {
            let last = StreamMessage::Ended(why);
            let last = stream.outlet.send(&last);
            // A client that does not read is not waited for.
            let _ = tokio::time::timeout(std::time::Duration::from_millis(100), last).await;
            Ok(())
        }
    };
    stream.outlet.end(&reader).await;
    ended
}

/// Why the bridge has no stream without somebody who watches.
const NOBODY_WATCHES: &str = "no remote user watches this camera";

/// Returns when no remote user is left to watch; never where the stream is for a program.
async fn last_user(users: Option<CancellationToken>) {
    match users {
        Some(users) => users.cancelled().await,
        None => std::future::pending().await,
    }
}

/// What is told of a connection that watches.
pub(super) fn watcher(connected: &Connected) -> WatcherInfo {
    WatcherInfo {
        connection: connected.id,
        name: connected.watcher_name(),
        pid: connected.pid,
        program: connected.program.clone(),
        since_unix_ns: connected.since_unix_ns,
    }
}

/// Tells event readers of a connection whose `program` never watched a camera before.
pub(super) fn tell_if_new(
    server: &Server,
    connected: &Connected,
    program: String,
    camera: &Camera,
) {
    if server.programs.watches(&program, &server.tasks) {
        let (camera, connection) = (camera.id().clone(), connected.id);
        server.hub.send(Event::NewWatcher { camera, program, connection });
    }
}

/// The openings of a camera are counted from 1. A frame of an earlier one, which a rendition may
/// still be at work on, must not come behind the word that the camera is lost: the numbers of the
/// next opening's begin anew.
const NO_OPENING: u64 = 0;

/// Where a stream's frames come from.
enum Route {
    None,
    Native(Arc<Feed>),
    Rendition(Arc<Rendition>),
}

impl Route {
    fn feed(&self) -> Option<&Feed> {
        match self {
            Self::None => None,
            Self::Native(feed) => Some(feed),
            Self::Rendition(rendition) => Some(rendition.feed()),
        }
    }
}

struct Stream {
    camera: Arc<Camera>,
    request: StreamRequest,
    /// Counts this stream among those of the camera.
    _watching: Watching,
    condition: watch::Receiver<Condition>,
    outlet: Outlet,
    route: Route,
    /// Mode of the frames, and the native one, as the client was told.
    told: Option<(Mode, Mode)>,
    epoch: u64,
    pick: Pick,
    /// Changes with each frame of the route.
    news: Option<watch::Receiver<u64>>,
}

impl Stream {
    async fn run(&mut self, reader: &mut Reader) -> Result<(), TransportError> {
        self.condition.mark_changed();
        loop {
            if self.condition.has_changed().unwrap_or(false) {
                let condition = self.condition.borrow_and_update().clone();
                if let Some(last) = self.follow(condition).await? {
                    return self.outlet.send(&last).await;
                }
            }
            self.outlet.tell_retired().await?;
            self.deliver().await?;
            tokio::select! {
                biased;
                command = reader.message(MAX_REQUEST) => {
                    if let Some(last) = self.command(command, reader)? {
                        return match last {
                            Some(last) => self.outlet.send(&last).await,
                            None => Ok(()),
                        };
                    }
                }
                changed = self.condition.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    // Waiting has marked it as seen; the turn to come looks at it.
                    self.condition.mark_changed();
                }
                () = next(&mut self.news) => {}
            }
        }
    }

    /// Does what the client says. `Some` ends the stream, perhaps with a last message.
    fn command(
        &mut self,
        command: Result<Option<StreamCommand>, TransportError>,
        reader: &mut Reader,
    ) -> Result<Option<Option<StreamMessage>>, TransportError> {
        let refuse = |message: String| {
            Ok(Some(Some(StreamMessage::Ended(ErrorReply::new(ErrorKind::Protocol, message)))))
        };
        let mut command = command;
        loop {
            match command {
                Ok(Some(StreamCommand::Release { slot })) => {
                    if !self.outlet.release(slot) {
                        return refuse(format!("slot {} is not held here", slot.0));
                    }
                }
                Ok(Some(StreamCommand::Open(_))) => {
                    return refuse("a stream is asked for once".to_owned());
                }
                Ok(None) => return Ok(Some(None)),
                Err(TransportError::Wire(error)) => return refuse(error.to_string()),
                Err(error) => return Err(error),
            }
            // What came in with it costs no further turn.
            match reader.buffered(MAX_REQUEST) {
                Ok(None) => return Ok(None),
                other => command = other,
            }
        }
    }

    /// Tells the client of the camera's condition, and takes the route that suits it. Some
    /// message is the last.
    async fn follow(
        &mut self,
        condition: Condition,
    ) -> Result<Option<StreamMessage>, TransportError> {
        match condition {
            Condition::Waiting => {}
            Condition::Live { native, epoch } => {
                let mode = match self.take_route(native) {
                    Ok(mode) => mode,
                    Err(error) if self.told.is_none() => {
                        return Ok(Some(StreamMessage::Refused(error)));
                    }
                    Err(error) => return Ok(Some(StreamMessage::Ended(error))),
                };
                self.epoch = epoch;
                self.pick.begin_anew();
                let before = self.told.replace((mode.0, native));
                let message = match before {
                    None => Some(StreamMessage::Started(Started {
                        camera: self.camera.id().clone(),
                        mode: mode.0,
                        native,
                        delivery: self.outlet.delivery(),
                        instead: mode.1,
                    })),
                    Some(before) if before != (mode.0, native) => {
                        Some(StreamMessage::ModeChanged { mode: mode.0, native })
                    }
                    Some(_) => None,
                };
                if let Some(message) = message {
                    self.outlet.send(&message).await?;
                }
            }
            Condition::Lost(reason) => {
                self.epoch = NO_OPENING;
                self.outlet.send(&StreamMessage::Lost { reason }).await?;
            }
            Condition::Blocked => {
                self.epoch = NO_OPENING;
                self.outlet.send(&StreamMessage::Blocked).await?;
            }
            Condition::Ended(error) => return Ok(Some(StreamMessage::Ended(error))),
        }
        Ok(None)
    }

    /// Takes the route for a camera in mode `native`: the mode of its frames, and the name of
    /// the rendition where it is not the one asked for.
    fn take_route(&mut self, native: Mode) -> Result<(Mode, Option<String>), ErrorReply> {
        let limit = self.request.max_rate;
        let rate = limit.map_or(native.rate, |limit| limit.min(native.rate));
        match self.camera.route(&self.request, native)? {
            None => {
                let interval = limit.filter(|limit| *limit < native.rate);
                self.pick.set_interval(interval.and_then(|rate| rate.interval_ns()).unwrap_or(0));
                if !matches!(self.route, Route::Native(_)) {
                    self.attach(Route::Native(self.camera.native().clone()));
                }
                Ok((Mode { rate, ..native }, None))
            }
            Some(routed) => {
                // One that was made for others does not keep to this one's limit.
                let own = limit.filter(|_| routed.instead).and_then(|rate| rate.interval_ns());
                self.pick.set_interval(own.unwrap_or(0));
                let rendition = routed.rendition;
                let spec = &rendition.key().spec;
                let mode = Mode { format: spec.format, size: spec.output_size(native.size), rate };
                let instead = routed.instead.then(|| rendition.key().to_string());
                let same =
                    matches!(&self.route, Route::Rendition(now) if Arc::ptr_eq(now, &rendition));
                if !same {
                    self.attach(Route::Rendition(rendition));
                }
                Ok((mode, instead))
            }
        }
    }

    fn attach(&mut self, route: Route) {
        self.route = route;
        if let Some(feed) = self.route.feed() {
            self.news = Some(feed.subscribe());
            self.pick.attach(feed.published());
        }
    }

    /// Gives the newest frame to a client that has room for it.
    async fn deliver(&mut self) -> Result<(), TransportError> {
        let Some(feed) = self.route.feed() else { return Ok(()) };
        if let Some((frame, passed_over)) = self.pick.next(feed, self.epoch, self.outlet.has_room())
        {
            self.outlet.frame(frame, passed_over).await?;
        }
        Ok(())
    }
}

/// Waits for the next frame of the route; for ever where there is none.
async fn next(news: &mut Option<watch::Receiver<u64>>) {
    let changed = match news {
        Some(news) => news.changed().await,
        None => std::future::pending().await,
    };
    if changed.is_err() {
        // The source has ended; the condition says what comes next.
        *news = None;
    }
}
