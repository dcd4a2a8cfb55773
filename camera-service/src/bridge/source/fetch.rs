//! Keeping a source's stream: opening it, copying its frames, opening it again.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use protocol::{
    ClientError, ErrorKind, ErrorReply,
    client::{FrameStream, StreamEvent},
};
use tokio::time::{Instant, sleep};

use super::{Phase, Picture, Service, Source, picture::Room, release};

/// A stream is held for so long after the last viewer, who may be back at once.
const LINGER: Duration = Duration::from_millis(500);
/// Between two attempts to reach a service that is away.
const RETRY: Duration = Duration::from_millis(250);
/// The service ends a stream when the last viewer leaves. One who came just then is told nothing
/// of that: the stream is opened again, unless it fails for so long.
const PATIENCE: Duration = Duration::from_secs(2);

/// Runs until nobody wants the source or it has ended.
pub(super) async fn run(
    source: Arc<Source>,
    service: Arc<Service>,
    held: Arc<Mutex<Vec<Arc<Source>>>>,
) {
    let mut room = Room::default();
    let mut refused_since: Option<Instant> = None;
    loop {
        let error = {
            let flow = flow(&source, &service, &mut room, &mut refused_since);
            tokio::select! {
                error = flow => error,
                () = unwanted(&source) => {
                    if release(&held, &source) {
                        return;
                    }
                    continue;
                }
            }
        };
        match error {
            ClientError::Reply(reply) if reply.kind == ErrorKind::Forbidden => {
                let since = *refused_since.get_or_insert_with(Instant::now);
                if since.elapsed() > PATIENCE {
                    return end(&source, &held, reply);
                }
                sleep(RETRY / 5).await;
            }
            ClientError::Reply(reply) if reply.kind != ErrorKind::Stopping => {
                return end(&source, &held, reply);
            }
            error => {
                let reason = match error {
                    ClientError::NotAccepted(why) => {
                        format!("camera-service took no further connection: {why}")
                    }
                    _ => "camera-service does not run at the moment".to_owned(),
                };
                source.enter(Phase::Lost(reason));
                sleep(RETRY).await;
            }
        }
        if !source.is_wanted() && release(&held, &source) {
            return;
        }
    }
}

fn end(source: &Arc<Source>, held: &Mutex<Vec<Arc<Source>>>, reply: ErrorReply) {
    source.enter(Phase::Ended(reply));
    release(held, source);
}

/// Returns when nobody has wanted the source for a moment.
async fn unwanted(source: &Source) {
    loop {
        if source.is_wanted() {
            source.wanted.notified().await;
            continue;
        }
        tokio::select! {
            () = sleep(LINGER) => if !source.is_wanted() { return },
            () = source.wanted.notified() => {}
        }
    }
}

/// Copies frames until that is no longer possible.
async fn flow(
    source: &Source,
    service: &Service,
    room: &mut Room,
    refused_since: &mut Option<Instant>,
) -> ClientError {
    let stream = service.shared().stream(source.request.clone()).await;
    let mut stream: FrameStream = match stream {
        Ok(stream) => stream,
        Err(error) => return error,
    };
    let mut modes = None;
    loop {
        match stream.next().await {
            Ok(StreamEvent::Frame(frame)) => {
                *refused_since = None;
                if let Some((mode, native)) = modes {
                    source.enter(Phase::Live(mode, native));
                }
                let picture = Picture::new(frame.header(), &frame, room);
                source.publish(picture, frame.header().dropped);
            }
            Ok(StreamEvent::Started(started)) => {
                modes = Some((started.mode, started.native));
                source.enter(Phase::Live(started.mode, started.native));
            }
            Ok(StreamEvent::ModeChanged { mode, native }) => {
                modes = Some((mode, native));
                source.enter(Phase::Live(mode, native));
            }
            Ok(StreamEvent::Lost { reason }) => source.enter(Phase::Lost(reason)),
            Ok(StreamEvent::Blocked) => source.enter(Phase::Blocked),
            // A frame is copied and given back at once.
            Ok(StreamEvent::Lagged) => {}
            Err(error) => return error,
        }
    }
}
