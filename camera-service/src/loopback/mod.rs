//! A camera written into a v4l2loopback device, for programs that know nothing but
//! `/dev/video*`: the client side of `camera-service loopback`.
//!
//! A client of the service like any other. The device is opened, set to one mode and shown one
//! black frame at once, since with `exclusive_caps=1` it is a camera to others only then; the
//! stream, and with it the camera, is opened only while somebody reads. While there are no
//! frames, because the camera is lost, all cameras are turned off or the service is stopped,
//! readers see black. [`run`] is one task; the device is written on a thread of its own
//! ([`writer`]), and its readers are watched on another (`device/v4l2/readers.rs`).

mod canvas;
mod writer;

use std::{io, sync::Arc, time::Duration};

use pixels::PixelError;
use protocol::{
    CameraId, ClientError, Delivery, FrameRate, Holder, Mode, Rotation, Size, StreamRequest,
    client::{Connector, FrameStream, StreamEvent},
};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

pub use canvas::Canvas;

use crate::device::v4l2::{Output, OutputError, Readers, Reading};
use writer::{Picture, Writer};

/// The largest picture unless another size is asked for: what video calls send at most.
const USUAL_SIZE: Size = Size::new(1280, 720);
/// Told to readers unless another rate is asked for.
pub const USUAL_RATE: FrameRate = FrameRate::new(30, 1);
/// Between two attempts to get a stream.
const RETRY: Duration = Duration::from_millis(500);

/// Why nothing more is written.
#[derive(Debug, thiserror::Error)]
pub enum LoopbackError {
    /// The device.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A black frame could not be made.
    #[error("no frame can be made: {0}")]
    Pixels(#[from] PixelError),
    /// The service, in a way that waiting does not cure.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The system gave no thread, or took one.
    #[error("cannot go on writing: {0}")]
    Thread(io::Error),
}

/// Something that whoever runs this may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// The device can be read, and who does is watched.
    Ready,
    /// These programs read; none where they cannot be seen.
    Read(Vec<Holder>),
    /// Nobody reads any more: the camera may close.
    Unread,
    /// Frames come, of a camera in this mode.
    Streaming(Mode),
    /// The camera does not deliver; readers see black.
    Lost(String),
    /// All cameras are turned off; readers see black.
    Blocked,
    /// The service has gone; readers see black until it is back.
    ServiceGone,
}

/// The size for a camera that offers `modes`: what it has up to 1280×720, and what is larger
/// scaled down to that.
#[must_use]
pub fn usual_size(modes: &[Mode]) -> Size {
    let sizes = || modes.iter().map(|mode| mode.size);
    if sizes().any(|size| size == USUAL_SIZE) {
        return USUAL_SIZE;
    }
    let Some(largest) = sizes().max_by_key(|size| size.area()) else { return USUAL_SIZE };
    let spec = pixels::Spec {
        max_size: Some(USUAL_SIZE),
        ..pixels::Spec::new(protocol::PixelFormat::I420)
    };
    spec.output_size(largest)
}

/// What is to be written.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Frames of this camera.
    pub camera: CameraId,
    /// Whether to wait for a service that has gone.
    pub lasts: bool,
}

/// Writes the camera of `wish` into `output`, which is set to the mode of `canvas`, until `stop` or until
/// that is no longer possible.
pub async fn run(
    connector: &Connector,
    wish: Wish,
    (output, mut canvas): (Output, Canvas),
    mut tell: impl FnMut(News),
    stop: impl Future<Output = ()>,
) -> Result<(), LoopbackError> {
    let request = request(wish.camera, &canvas);
    let removed = OutputError::Removed { path: output.path().to_owned() };
    output.write(canvas.black()?)?;
    output.tell_of_change();
    let (sender, mut readings) = watch::channel(Reading::Nobody);
    let output = Arc::new(output);
    let changed = move |reading| drop(sender.send_replace(reading));
    let _readers = match Readers::watch(&output, changed) {
        Ok(readers) => readers,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(removed.into()),
        Err(error) => return Err(LoopbackError::Thread(error)),
    };
    let mut writer = Writer::start(output, canvas).map_err(LoopbackError::Thread)?;
    tell(News::Ready);
    let mut source = Source { request, state: State::Closed };
    let mut reported = None;
    let mut report = move |news: News| {
        if reported.as_ref() != Some(&news) {
            tell(news.clone());
            reported = Some(news);
        }
    };
    tokio::pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => return Ok(()),
            error = writer.failed() => return Err(error),
            // Its other end lives as long as the readers are watched.
            Ok(()) = readings.changed() => {
                let reading = readings.borrow_and_update().clone();
                match reading {
                    Reading::Removed => return Err(removed.into()),
                    Reading::Nobody if source.is_closed() => {}
                    Reading::Nobody => {
                        source.close();
                        writer.show(Picture::Rest);
                        report(News::Unread);
                    }
                    Reading::By(programs) => {
                        report(News::Read(programs));
                        if source.is_closed() {
                            source.open();
                            writer.show(Picture::Black);
                        }
                    }
                }
            }
            event = source.next(connector) => match event {
                Ok(Event::Frame { frame, native }) => {
                    if let Some(native) = native {
                        report(News::Streaming(native));
                    }
                    writer.show(Picture::Frame(frame));
                }
                Ok(Event::None(News::ServiceGone)) if !wish.lasts => {
                    return Err(ClientError::Closed.into());
                }
                Ok(Event::None(news)) => {
                    writer.show(Picture::Black);
                    report(news);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Which frames to ask for.
fn request(camera: CameraId, canvas: &Canvas) -> StreamRequest {
    let Mode { size, rate, .. } = canvas.mode();
    StreamRequest {
        camera,
        format: canvas.wanted(),
        max_size: Some(size),
        max_rate: Some(rate),
        crop: None,
        rotation: Rotation::None,
        mirror: false,
        quality: None,
        delivery: Delivery::Shared,
    }
}

/// Where frames come from.
struct Source {
    request: StreamRequest,
    state: State,
}

enum State {
    /// Nobody wants any.
    Closed,
    /// To be opened then.
    Waiting(Instant),
    Open {
        stream: Box<FrameStream>,
        /// The camera's mode, as soon as it is told.
        native: Option<Mode>,
        /// Whether frames came since there were none.
        flows: bool,
    },
}

/// What comes of a source.
enum Event {
    /// A frame; after a time without any also the camera's mode.
    Frame { frame: protocol::Frame, native: Option<Mode> },
    /// No frames any more, for this reason.
    None(News),
}

impl Source {
    fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    fn close(&mut self) {
        self.state = State::Closed;
    }

    fn open(&mut self) {
        self.state = State::Waiting(Instant::now());
    }

    /// What comes next; nothing while closed. Fails where trying again is of no use. Safe to
    /// cancel.
    async fn next(&mut self, connector: &Connector) -> Result<Event, ClientError> {
        loop {
            let failed = match &mut self.state {
                State::Closed => std::future::pending().await,
                State::Waiting(at) => {
                    sleep_until(*at).await;
                    match connector.stream(self.request.clone()).await {
                        Ok(stream) => {
                            let stream = Box::new(stream);
                            self.state = State::Open { stream, native: None, flows: false };
                            continue;
                        }
                        Err(error) => error,
                    }
                }
                State::Open { stream, native, flows } => match stream.next().await {
                    Ok(StreamEvent::Frame(frame)) => {
                        let native = if *flows { None } else { *native };
                        *flows = true;
                        return Ok(Event::Frame { frame, native });
                    }
                    Ok(StreamEvent::Started(started)) => {
                        *native = Some(started.native);
                        continue;
                    }
                    Ok(StreamEvent::ModeChanged { native: now, .. }) => {
                        *native = Some(now);
                        continue;
                    }
                    Ok(StreamEvent::Lagged) => continue,
                    Ok(StreamEvent::Lost { reason }) => {
                        *flows = false;
                        return Ok(Event::None(News::Lost(reason)));
                    }
                    Ok(StreamEvent::Blocked) => {
                        *flows = false;
                        return Ok(Event::None(News::Blocked));
                    }
                    Err(error) => error,
                },
            };
            self.state = State::Waiting(Instant::now() + RETRY);
            return match failed {
                ClientError::Reply(reply) => Ok(Event::None(News::Lost(reply.message))),
                error @ (ClientError::Preamble(_) | ClientError::ForeignService(_)) => Err(error),
                _ => Ok(Event::None(News::ServiceGone)),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::PixelFormat;

    use super::*;

    #[test]
    fn the_usual_size_is_one_that_the_camera_has_where_it_can_be() {
        let usual = |sizes: &[(u32, u32)]| {
            let mode = |(width, height): &(u32, u32)| Mode {
                format: PixelFormat::Mjpg,
                size: Size::new(*width, *height),
                rate: USUAL_RATE,
            };
            usual_size(&sizes.iter().map(mode).collect::<Vec<_>>())
        };
        assert_eq!(usual(&[]), USUAL_SIZE);
        assert_eq!(usual(&[(640, 480), (320, 240)]), Size::new(640, 480));
        assert_eq!(usual(&[(640, 480), (1280, 720), (2592, 1944)]), USUAL_SIZE);
        assert_eq!(usual(&[(640, 480), (1920, 1080)]), USUAL_SIZE);
        assert_eq!(usual(&[(1600, 1200), (640, 480)]), Size::new(960, 720));
        assert_eq!(usual(&[(161, 121)]), Size::new(160, 120));
    }
}
