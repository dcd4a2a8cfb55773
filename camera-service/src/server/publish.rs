//! Connections with the role `publish`: a client that is a camera.
//!
//! Frames go from the socket into the slots that the camera's capture thread offers, and nowhere
//! else: as many frames may be on their way as there are slots, and a client that sends more is
//! not read from. What is in a frame is judged by the capture thread, not here.

use std::{collections::VecDeque, pin::pin, sync::Arc, time::Duration};

use protocol::{
    CameraId, ErrorKind, ErrorReply, PublishCommand, PublishFrame, PublishMessage, PublishRequest,
    transport::{Reader, TransportError, Writer},
    wire::MAX_REQUEST,
};
use tokio::sync::watch;

use super::{
    Server,
    caller::Caller,
    clients::{Connected, Listed},
    grants,
    handshake::Session,
};
use crate::{
    clock,
    device::published::{Arrival, MOST_UNACKNOWLEDGED, Room},
    registry::{Published, Publisher},
};

/// How often it is looked whether a client is still there that is not read from.
const LOOK: Duration = Duration::from_secs(1);
/// A frame that waited for so long to be read is no longer news.
const STALE: Duration = Duration::from_millis(500);
/// A frame cannot have been on its way for longer; a clock that says so is another one.
const OLDEST_NS: u64 = 10_000_000_000;
/// A frame that was begun may take so many times [`LOOK`] to come: whoever stops in its middle
/// keeps a slot and a name. Counted in pieces, so that a service that was stopped as a whole, and
/// wakes up late, does not take its own pause for the client's.
const LOOKS_AT_A_FRAME: u32 = 10;
/// A client that does not read is not waited for when its connection ends.
const LAST_WORD: Duration = Duration::from_millis(100);

/// Serves a publisher until it leaves, breaks the protocol, or is told that it has ended.
pub(super) async fn serve(server: Arc<Server>, session: Session) -> Result<(), TransportError> {
    let Session { mut reader, mut writer, listed, .. } = session;
    let kick = listed.connected.kick.clone();
    let opening = tokio::select! {
        () = kick.cancelled() => return Ok(()),
        opening = ask(&server, &mut reader) => opening?,
    };
    let Some(request) = opening else { return Ok(()) };
    let published = match request {
        Ok(request) => {
            let connected = &listed.connected;
            let publisher = match &connected.caller {
                Caller::Remote(token) => Publisher::Token(token.name().to_owned()),
                Caller::Program | Caller::Bridge => {
                    let Connected { program, pid, .. } = &**connected;
                    Publisher::Program(format!("{program} (pid {pid})"))
                }
            };
            match grants::check_publishing(&connected.caller, &request.name) {
                Ok(()) => server.registry.publish(&request, publisher).await,
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    };
    let published = match published {
        Ok(published) => published,
        Err(error) => return writer.message(&PublishMessage::Refused(error)).await,
    };
    let camera = published.camera.id().clone();
    listed.is_camera(camera.clone());
    tracing::info!(%camera, name = listed.connected.name, "published");
    let mut publishing = Publishing {
        watchers: published.camera.watcher_count(),
        privacy_off: server.privacy.watch(),
        published: &published,
        listed: &listed,
        writer: &mut writer,
        rooms: VecDeque::with_capacity(MOST_UNACKNOWLEDGED),
        allowed: 0,
        told: None,
        frames: 0,
    };
    let ended = tokio::select! {
        ended = publishing.run(&mut reader, camera) => ended,
        () = kick.cancelled() => {
            let error = listed.connected.caller.why_ended(&server);
            let last = PublishMessage::Ended(error);
            let _ = tokio::time::timeout(LAST_WORD, writer.message(&last)).await;
            Ok(())
        }
    };
    published.end().await;
    ended
}

/// What the client wants to be; `None` where it left.
async fn ask(
    server: &Server,
    reader: &mut Reader,
) -> Result<Option<Result<PublishRequest, ErrorReply>>, TransportError> {
    let refuse = |kind, message: &str| Ok(Some(Err(ErrorReply::new(kind, message))));
    let limit = server.config.borrow().timeouts.handshake;
    match tokio::time::timeout(limit, reader.message(MAX_REQUEST)).await {
        Ok(Ok(Some(PublishCommand::Open(request)))) => Ok(Some(Ok(request))),
        Ok(Ok(Some(PublishCommand::Frame(_)))) => {
            refuse(ErrorKind::Protocol, "publishing begins with what the camera is to be")
        }
        Ok(Ok(None)) => Ok(None),
        Ok(Err(TransportError::Wire(error))) => refuse(ErrorKind::Protocol, &error.to_string()),
        Ok(Err(error)) => Err(error),
        Err(_) => refuse(ErrorKind::Timeout, "it was not said what the camera is to be"),
    }
}

struct Publishing<'a> {
    published: &'a Published,
    listed: &'a Listed,
    writer: &'a mut Writer,
    watchers: watch::Receiver<u32>,
    privacy_off: watch::Receiver<bool>,
    /// Slots to be filled, at most [`MOST_UNACKNOWLEDGED`].
    rooms: VecDeque<Room>,
    /// Frames that the client may still send. More than there are rooms where the camera was
    /// closed meanwhile: those frames are passed over.
    allowed: usize,
    /// The number of watchers that the client was told.
    told: Option<u32>,
    frames: u64,
}

/// A frame that was announced, and whose bytes were not read.
struct Pending {
    frame: PublishFrame,
    since: tokio::time::Instant,
}

impl Publishing<'_> {
    async fn run(&mut self, reader: &mut Reader, camera: CameraId) -> Result<(), TransportError> {
        self.writer.message(&PublishMessage::Accepted { camera }).await?;
        let mut pending: Option<Pending> = None;
        loop {
            if let Some(why) = self.published.inlet.refused() {
                return self.end(ErrorKind::Invalid, why).await;
            }
            self.demand().await?;
            if self.allowed > 0
                && let Some(Pending { frame, since }) = pending.take()
            {
                if !self.frame_in_time(frame, since, reader).await? {
                    let took = LOOK * LOOKS_AT_A_FRAME;
                    let why = format!("a frame that was begun did not come within {took:?}");
                    return self.end(ErrorKind::Timeout, why).await;
                }
                continue;
            }
            tokio::select! {
                biased;
                () = self.published.inlet.changed() => {}
                Ok(()) = self.watchers.changed() => {}
                Ok(()) = self.privacy_off.changed() => {}
                message = reader.message(MAX_REQUEST), if pending.is_none() => {
                    let frame = match message {
                        Ok(Some(PublishCommand::Frame(frame))) => frame,
                        Ok(Some(PublishCommand::Open(_))) => {
                            let why = "a client can be one camera on a connection".to_owned();
                            return self.end(ErrorKind::Protocol, why).await;
                        }
                        Ok(None) => return Ok(()),
                        Err(TransportError::Wire(error)) => {
                            return self.end(ErrorKind::Protocol, error.to_string()).await;
                        }
                        Err(error) => return Err(error),
                    };
                    if let Err(why) = self.published.inlet.check_length(frame.length as usize) {
                        return self.end(ErrorKind::Invalid, why).await;
                    }
                    pending = Some(Pending { frame, since: tokio::time::Instant::now() });
                }
                // What came before its leaving fills the socket, so its leaving is not read.
                () = tokio::time::sleep(LOOK), if pending.is_some() => {
                    if reader.has_hung_up() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Tells the client how much is wanted, where that has changed.
    async fn demand(&mut self) -> Result<(), TransportError> {
        let inlet = &self.published.inlet;
        self.rooms.retain(|room| inlet.is_wanted(room));
        while let Some(room) = inlet.take_room() {
            self.rooms.push_back(room);
        }
        let credit = self.rooms.len().saturating_sub(self.allowed);
        // Who is not shown to anybody may rest.
        let off = *self.privacy_off.borrow_and_update();
        let watchers = if off { 0 } else { *self.watchers.borrow_and_update() };
        if credit == 0 && self.told == Some(watchers) {
            return Ok(());
        }
        self.allowed += credit;
        self.told = Some(watchers);
        let credit = u32::try_from(credit).unwrap_or(u32::MAX);
        self.writer.message(&PublishMessage::Demand { watchers, credit }).await
    }

    /// Reads a frame, and tells whether it came in time.
    async fn frame_in_time(
        &mut self,
        frame: PublishFrame,
        since: tokio::time::Instant,
        reader: &mut Reader,
    ) -> Result<bool, TransportError> {
        let mut coming = pin!(self.frame(frame, since, reader));
        for _ in 0..LOOKS_AT_A_FRAME {
            if let Ok(came) = tokio::time::timeout(LOOK, &mut coming).await {
                return came.map(|()| true);
            }
        }
        Ok(false)
    }

    /// Reads a frame into a slot, or past where nobody wants it.
    async fn frame(
        &mut self,
        frame: PublishFrame,
        since: tokio::time::Instant,
        reader: &mut Reader,
    ) -> Result<(), TransportError> {
        let PublishFrame { length, unix_ns } = frame;
        let length = length as usize;
        self.frames += 1;
        self.listed.count_frame();
        if since.elapsed() > STALE {
            return pass_over(reader, length).await;
        }
        self.allowed -= 1;
        let now = clock::unix_ns();
        let age = unix_ns.map_or(0, |captured| now.saturating_sub(captured));
        let age = if age > OLDEST_NS { 0 } else { age };
        let monotonic_ns = clock::monotonic_ns().saturating_sub(age);
        let Some(mut room) = self.rooms.pop_front() else {
            return pass_over(reader, length).await;
        };
        match room.bytes(length) {
            Some(bytes) => reader.raw(bytes).await?,
            // Its length was checked against that of slots.
            None => return pass_over(reader, length).await,
        }
        self.published.inlet.fill(room, Arrival { sequence: self.frames, length, monotonic_ns });
        Ok(())
    }

    async fn end(&mut self, kind: ErrorKind, why: String) -> Result<(), TransportError> {
        let camera = self.published.camera.id();
        tracing::warn!(%camera, name = self.listed.connected.name, "publishing ended: {why}");
        let last = PublishMessage::Ended(ErrorReply::new(kind, format!("{camera}: {why}")));
        let sent = tokio::time::timeout(LAST_WORD, self.writer.message(&last)).await;
        sent.unwrap_or(Ok(()))
    }
}

/// Reads `length` bytes that nobody wants.
async fn pass_over(reader: &mut Reader, length: usize) -> Result<(), TransportError> {
    let mut scratch = vec![0; length.min(64 << 10)];
    let mut left = length;
    while left > 0 {
        let piece = left.min(scratch.len());
        reader.raw(&mut scratch[..piece]).await?;
        left -= piece;
    }
    Ok(())
}
