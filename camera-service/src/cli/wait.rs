//! Waiting for the first frame of a stream.

use std::time::Duration;

use protocol::{
    CameraId, ClientError, ErrorKind, Frame, Started,
    client::{FrameStream, StreamEvent},
};

use tokio::time::timeout;

use super::{CliError, Session, list};

/// How long a first frame may take unless the user says otherwise: some cameras take seconds.
pub(super) const PATIENCE: &str = "10";
/// For asking what is the matter.
const ASK: Duration = Duration::from_secs(2);

/// The first frame of `stream`, and what the stream gives. Fails when none comes within
/// `patience`, with the reason as far as the service knows it; at once while all cameras are
/// turned off.
pub(super) async fn first_frame(
    session: &Session,
    stream: &mut FrameStream,
    camera: &CameraId,
    patience: Duration,
) -> Result<(Started, Frame), CliError> {
    let mut started = None;
    let waiting = async {
        loop {
            match stream.next().await? {
                StreamEvent::Started(set_up) => started = Some(set_up),
                StreamEvent::Frame(frame) => return Ok(frame),
                StreamEvent::ModeChanged { mode, native } => {
                    if let Some(started) = &mut started {
                        (started.mode, started.native) = (mode, native);
                    }
                }
                StreamEvent::Blocked => return Err(blocked(camera)),
                StreamEvent::Lost { .. } | StreamEvent::Lagged => {}
            }
        }
    };
    let waited: Result<Result<Frame, CliError>, _> = timeout(patience, waiting).await;
    let Ok(frame) = waited else { return Err(no_frame(session, camera, patience).await) };
    let frame = frame?;
    let started = started.ok_or(ClientError::Unexpected("a frame before the stream was set up"))?;
    Ok((started, frame))
}

fn blocked(camera: &CameraId) -> CliError {
    let message = format!(
        "no frame comes from {camera}: all cameras are turned off; `camera-service on` turns them \
         back on"
    );
    CliError::failed(ErrorKind::Blocked, message)
}

async fn no_frame(session: &Session, camera: &CameraId, patience: Duration) -> CliError {
    let asked = timeout(ASK, async {
        let client = session.control().await.ok()?;
        Some(client.camera(camera).await.ok()?.summary)
    });
    let state = match asked.await {
        Ok(Some(summary)) => format!("the camera is {}", list::state(&summary)),
        Ok(None) | Err(_) => "the service does not say why".to_owned(),
    };
    CliError::failed(
        ErrorKind::Timeout,
        format!("no frame came from {camera} within {} s: {state}", patience.as_secs_f64()),
    )
}
