//! One stream of one camera, as a subscription that lasts as long as the camera is watched: it
//! connects, receives, and connects again when the service was away.
//!
//! Frames go into [`Newest`]; of each only the news that it is there becomes a message.

use std::{
    convert::Infallible,
    hash::{Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use iced::{
    Subscription,
    futures::{SinkExt as _, Stream, channel::mpsc::Sender},
};
use protocol::{
    CameraId, ClientError, Mode,
    client::{Connector, FrameStream, StreamEvent},
};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tracing::{debug, warn};

use super::{
    decode::Decoder,
    newest::{Newest, UNSEEN},
    picture::{Picture, Readable},
};
use crate::framing::Framing;

/// Between two attempts to get a stream.
const RETRY: Duration = Duration::from_millis(500);
/// Messages that wait for the window: news of frames are left out when there is no room, since
/// one is on its way already.
const WAITING: usize = 8;

/// What happens to a stream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Update {
    /// It is set up, or the camera's mode was changed.
    Mode {
        /// The camera's own mode.
        native: Mode,
    },
    /// There is something new to draw.
    Frame,
    /// The camera is gone or does not deliver, and why.
    Lost(String),
    /// All cameras are turned off.
    Blocked,
    /// There is no stream now, and why; it is tried again.
    Interrupted(String),
}

struct Key {
    camera: CameraId,
    newest: Arc<Newest>,
    framing: watch::Receiver<Framing>,
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.newest.id().hash(state);
    }
}

/// Streams `camera` into `newest`, framed as `framing` says from time to time.
pub(crate) fn subscription(
    camera: &CameraId,
    newest: &Arc<Newest>,
    framing: &watch::Sender<Framing>,
) -> Subscription<(CameraId, Update)> {
    let (camera, newest, framing) = (camera.clone(), newest.clone(), framing.subscribe());
    Subscription::run_with(Key { camera, newest, framing }, run)
}

fn run(key: &Key) -> impl Stream<Item = (CameraId, Update)> + use<> {
    let (camera, newest, mut framing) =
        (key.camera.clone(), key.newest.clone(), key.framing.clone());
    iced::stream::channel(WAITING, async move |messages| {
        let mut reporter = Reporter { camera, messages };
        loop {
            let Err(error) = watch(&newest, &mut framing, &mut reporter).await;
            debug!("stream of {}: {error}", reporter.camera);
            let why = match &error {
                // Where it was looked for helps nobody here; there is a button that starts it.
                ClientError::NotRunning(_) => "the camera service is not running".to_owned(),
                other => other.to_string(),
            };
            reporter.tell(Update::Interrupted(why)).await;
            sleep(RETRY).await;
        }
    })
}

struct Reporter {
    camera: CameraId,
    messages: Sender<(CameraId, Update)>,
}

impl Reporter {
    async fn tell(&mut self, update: Update) {
        // The window is closing where nobody listens.
        let _ = self.messages.send((self.camera.clone(), update)).await;
    }

    fn frame(&mut self) {
        let _ = self.messages.try_send((self.camera.clone(), Update::Frame));
    }
}

async fn watch(
    newest: &Arc<Newest>,
    framing: &mut watch::Receiver<Framing>,
    reporter: &mut Reporter,
) -> Result<Infallible, ClientError> {
    let connector = Connector::new(crate::NAME);
    let mut wished = *framing.borrow_and_update();
    let mut stream = connector.stream(wished.request(reporter.camera.clone())).await?;
    let decoder = Decoder::start(newest.clone())?;
    loop {
        let event = tokio::select! {
            () = decoder.done() => {
                reporter.frame();
                continue;
            }
            Ok(()) = framing.changed() => {
                let now = *framing.borrow_and_update();
                if now != std::mem::replace(&mut wished, now) {
                    // The old stream goes last, so that the camera stays open.
                    stream = connector.stream(now.request(reporter.camera.clone())).await?;
                }
                continue;
            }
            event = next(&mut stream, newest) => event?,
        };
        match event {
            StreamEvent::Frame(frame) => match Picture::of(frame) {
                Ok(Readable::AsItIs(picture)) => {
                    if newest.put(picture) {
                        reporter.frame();
                    }
                }
                Ok(Readable::Not(frame)) => decoder.offer(frame),
                Err(error) => warn!("{}: {error}", reporter.camera),
            },
            StreamEvent::Started(started) => {
                reporter.tell(Update::Mode { native: started.native }).await;
            }
            StreamEvent::ModeChanged { native, .. } => reporter.tell(Update::Mode { native }).await,
            StreamEvent::Lost { reason } => reporter.tell(Update::Lost(reason)).await,
            StreamEvent::Blocked => reporter.tell(Update::Blocked).await,
            // Frames come again once those held are dropped, which they are.
            StreamEvent::Lagged => newest.forget(),
        }
    }
}

/// The next event. A picture that nobody has drawn for a while is dropped meanwhile. Safe to
/// cancel.
async fn next(stream: &mut FrameStream, newest: &Newest) -> Result<StreamEvent, ClientError> {
    if let Ok(event) = timeout(UNSEEN, stream.next()).await {
        return event;
    }
    newest.forget();
    stream.next().await
}
