//! Requests and their replies.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Mutex as AsyncMutex, oneshot, watch},
    task::AbortHandle,
};

use super::{ClientError, connect::Opened};
use crate::{
    CameraDetail, CameraId, CameraSummary, ClientSummary, ConnectionId, Control, ControlOutcome,
    ControlSetting, ErrorReply, ModeWish, Preset, Reply, ReplyMessage, Request, RequestMessage,
    ServiceStatus, StartedCamera,
    transport::{Reader, Writer},
    wire::MAX_MESSAGE,
};

/// A connection for requests. Clones share it; requests may overlap.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    writer: AsyncMutex<Writer>,
    waiting: Arc<Waiting>,
    next_id: AtomicU64,
    receiver: AbortHandle,
    ended: watch::Receiver<Option<Ended>>,
    id: ConnectionId,
    version: String,
    pid: u32,
}

/// That a connection has ended, and why where the service said so.
type Ended = Option<ErrorReply>;

type Answer = oneshot::Sender<Result<Reply, ErrorReply>>;

/// Requests without a reply yet; `None` once the connection has ended. As long as requests are
/// in flight, which the service bounds.
type Waiting = Mutex<Option<HashMap<u64, Answer>>>;

impl Drop for Inner {
    fn drop(&mut self) {
        self.receiver.abort();
    }
}

async fn receive(mut reader: Reader, waiting: Arc<Waiting>, ended: watch::Sender<Option<Ended>>) {
    let mut reason = None;
    while let Ok(Some(reply)) = reader.message::<ReplyMessage>(MAX_MESSAGE).await {
        if reply.id == 0 {
            reason = reply.result.err();
            continue;
        }
        let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = waiting.as_mut().and_then(|waiting| waiting.remove(&reply.id));
        if let Some(answer) = answer {
            // Nobody waits for the reply of a request that was cancelled.
            let _ = answer.send(reply.result);
        }
    }
    // Dropping the senders tells everybody who waits that the connection is closed.
    waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
    ended.send_replace(Some(reason));
}

impl Client {
    pub(super) fn start(opened: Opened) -> Self {
        let waiting = Arc::new(Mutex::new(Some(HashMap::new())));
        let (sender, ended) = watch::channel(None);
        let receiver = tokio::spawn(receive(opened.reader, waiting.clone(), sender)).abort_handle();
        Self(Arc::new(Inner {
            writer: AsyncMutex::new(opened.writer),
            waiting,
            ended,
            next_id: AtomicU64::new(1),
            receiver,
            id: opened.id,
            version: opened.version,
            pid: opened.pid,
        }))
    }

    /// Id of this connection, as in lists of clients.
    #[must_use]
    pub fn id(&self) -> ConnectionId {
        self.0.id
    }

    /// Version of the service's program.
    #[must_use]
    pub fn service_version(&self) -> &str {
        &self.0.version
    }

    /// Process of the service.
    #[must_use]
    pub fn service_pid(&self) -> u32 {
        self.0.pid
    }

    /// Returns once the connection has ended, with the reason where the service gave one.
    /// Safe to cancel.
    pub async fn closed(&self) -> Option<ErrorReply> {
        let mut ended = self.0.ended.clone();
        // A receiver that was stopped has ended as well.
        ended.wait_for(Option::is_some).await.ok().and_then(|ended| ended.clone().flatten())
    }

    /// Sends `request` and waits for its reply; the service answers within its usual deadline.
    pub async fn request(&self, request: Request) -> Result<Reply, ClientError> {
        self.request_within(request, None).await
    }

    /// Sends `request`, to be answered within `deadline`, and waits for its reply.
    pub async fn request_within(
        &self,
        request: Request,
        deadline: Option<Duration>,
    ) -> Result<Reply, ClientError> {
        let id = self.0.next_id.fetch_add(1, Ordering::Relaxed);
        let deadline_ms = deadline.map(|time| u32::try_from(time.as_millis()).unwrap_or(u32::MAX));
        let message = crate::wire::encode(&RequestMessage { id, deadline_ms, request })?;
        let (sender, receiver) = oneshot::channel();
        {
            let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(waiting) = waiting.as_mut() else { return Err(ClientError::Closed) };
            waiting.insert(id, sender);
        }
        // In a task of its own: a caller that gives up must not leave half a message behind.
        let inner = self.0.clone();
        let written = tokio::spawn(async move { inner.writer.lock().await.raw(&message).await });
        // Where it failed, the reply or the closed connection says more.
        let _ = written.await;
        receiver.await.map_err(|_| ClientError::Closed)?.map_err(ClientError::Reply)
    }
}

/// Sends `$request` and takes the one kind of reply that fits.
macro_rules! call {
    ($client:expr, $request:expr, $pattern:pat => $value:expr) => {
        match $client.request($request).await? {
            $pattern => Ok($value),
            _ => Err(ClientError::Unexpected("another kind of reply")),
        }
    };
}
pub(super) use call;

impl Client {
    /// All cameras.
    pub async fn cameras(&self) -> Result<Vec<CameraSummary>, ClientError> {
        call!(self, Request::ListCameras, Reply::Cameras(cameras) => cameras)
    }

    /// One camera in full.
    pub async fn camera(&self, camera: &CameraId) -> Result<CameraDetail, ClientError> {
        let camera = camera.clone();
        call!(self, Request::DescribeCamera { camera }, Reply::Camera(detail) => *detail)
    }

    /// The service.
    pub async fn status(&self) -> Result<ServiceStatus, ClientError> {
        call!(self, Request::Status, Reply::Status(status) => status)
    }

    /// All connections.
    pub async fn clients(&self) -> Result<Vec<ClientSummary>, ClientError> {
        call!(self, Request::ListClients, Reply::Clients(clients) => clients)
    }

    /// Opens a camera and holds it open, or changes its mode for all.
    pub async fn start_camera(
        &self,
        camera: &CameraId,
        wish: ModeWish,
    ) -> Result<StartedCamera, ClientError> {
        let camera = camera.clone();
        call!(self, Request::StartCamera { camera, wish }, Reply::Started(started) => started)
    }

    /// Ends the hold of [`Client::start_camera`].
    pub async fn stop_camera(&self, camera: &CameraId) -> Result<(), ClientError> {
        call!(self, Request::StopCamera { camera: camera.clone() }, Reply::Done => ())
    }

    /// All controls of a camera.
    pub async fn controls(&self, camera: &CameraId) -> Result<Vec<Control>, ClientError> {
        let camera = camera.clone();
        call!(self, Request::ListControls { camera }, Reply::Controls(controls) => controls)
    }

    /// Some controls of a camera as they are now.
    pub async fn get_controls(
        &self,
        camera: &CameraId,
        names: Vec<String>,
    ) -> Result<Vec<Control>, ClientError> {
        let camera = camera.clone();
        call!(self, Request::GetControls { camera, names }, Reply::Controls(controls) => controls)
    }

    /// Sets controls in the order given; one outcome for each.
    pub async fn set_controls(
        &self,
        camera: &CameraId,
        settings: Vec<ControlSetting>,
    ) -> Result<Vec<ControlOutcome>, ClientError> {
        let camera = camera.clone();
        call!(self, Request::SetControls { camera, settings }, Reply::Outcomes(outcomes) => outcomes)
    }

    /// Sets controls to their defaults; with no names, all that can be set.
    pub async fn reset_controls(
        &self,
        camera: &CameraId,
        names: Vec<String>,
    ) -> Result<Vec<ControlOutcome>, ClientError> {
        let camera = camera.clone();
        call!(self, Request::ResetControls { camera, names }, Reply::Outcomes(outcomes) => outcomes)
    }

    /// Presets of a camera.
    pub async fn presets(&self, camera: &CameraId) -> Result<Vec<Preset>, ClientError> {
        let camera = camera.clone();
        call!(self, Request::ListPresets { camera }, Reply::Presets(presets) => presets)
    }

    /// Keeps the controls of a camera as they are now under a name.
    pub async fn save_preset(
        &self,
        camera: &CameraId,
        preset: impl Into<String>,
    ) -> Result<(), ClientError> {
        let (camera, preset) = (camera.clone(), preset.into());
        call!(self, Request::SavePreset { camera, preset }, Reply::Done => ())
    }

    /// Sets the controls of a camera as they were kept; one outcome for each.
    pub async fn apply_preset(
        &self,
        camera: &CameraId,
        preset: impl Into<String>,
    ) -> Result<Vec<ControlOutcome>, ClientError> {
        let (camera, preset) = (camera.clone(), preset.into());
        call!(self, Request::ApplyPreset { camera, preset }, Reply::Outcomes(outcomes) => outcomes)
    }

    /// Gives a preset another name.
    pub async fn rename_preset(
        &self,
        camera: &CameraId,
        preset: impl Into<String>,
        name: impl Into<String>,
    ) -> Result<(), ClientError> {
        let (camera, preset, name) = (camera.clone(), preset.into(), name.into());
        call!(self, Request::RenamePreset { camera, preset, name }, Reply::Done => ())
    }

    /// Forgets a preset.
    pub async fn delete_preset(
        &self,
        camera: &CameraId,
        preset: impl Into<String>,
    ) -> Result<(), ClientError> {
        let (camera, preset) = (camera.clone(), preset.into());
        call!(self, Request::DeletePreset { camera, preset }, Reply::Done => ())
    }

    /// Pinned controls of a camera.
    pub async fn pins(&self, camera: &CameraId) -> Result<Vec<ControlSetting>, ClientError> {
        let camera = camera.clone();
        call!(self, Request::ListPins { camera }, Reply::Pins(pins) => pins)
    }

    /// Sets controls now and at every open and replug; one outcome for each. What cannot be set
    /// is not pinned.
    pub async fn pin_controls(
        &self,
        camera: &CameraId,
        settings: Vec<ControlSetting>,
    ) -> Result<Vec<ControlOutcome>, ClientError> {
        let camera = camera.clone();
        call!(self, Request::PinControls { camera, settings }, Reply::Outcomes(outcomes) => outcomes)
    }

    /// Pins controls no more; with no names, none.
    pub async fn unpin_controls(
        &self,
        camera: &CameraId,
        names: Vec<String>,
    ) -> Result<(), ClientError> {
        let camera = camera.clone();
        call!(self, Request::UnpinControls { camera, names }, Reply::Done => ())
    }

    /// Gives a camera a name of the user's, or takes it away.
    pub async fn rename_camera(
        &self,
        camera: &CameraId,
        name: Option<String>,
    ) -> Result<(), ClientError> {
        let camera = camera.clone();
        call!(self, Request::RenameCamera { camera, name }, Reply::Done => ())
    }

    /// Turns all cameras off, or back on.
    pub async fn set_privacy(&self, off: bool) -> Result<(), ClientError> {
        call!(self, Request::SetPrivacy { off }, Reply::Done => ())
    }

    /// Ends a connection.
    pub async fn disconnect(&self, connection: ConnectionId) -> Result<(), ClientError> {
        call!(self, Request::Disconnect { connection }, Reply::Done => ())
    }

    /// Adds a test camera.
    pub async fn add_test_camera(&self, wish: ModeWish) -> Result<CameraDetail, ClientError> {
        call!(self, Request::AddTestCamera { wish }, Reply::Camera(detail) => *detail)
    }

    /// Removes a test camera.
    pub async fn remove_test_camera(&self, camera: &CameraId) -> Result<(), ClientError> {
        call!(self, Request::RemoveTestCamera { camera: camera.clone() }, Reply::Done => ())
    }

    /// Has the configuration read anew.
    pub async fn reload_config(&self) -> Result<(), ClientError> {
        call!(self, Request::ReloadConfig, Reply::Done => ())
    }

    /// Stops the service.
    pub async fn shutdown(&self) -> Result<(), ClientError> {
        call!(self, Request::Shutdown, Reply::Done => ())
    }
}
