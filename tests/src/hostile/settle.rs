//! Bringing a service back to where it was, and looking whether anything is left.

use std::{
    io::ErrorKind::{ConnectionRefused, NotFound},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use protocol::{
    CameraState, ErrorReply, ModeWish, Reply, ReplyMessage, Request, RequestMessage, Role,
    ServiceStatus,
};

use super::{CAMERA, Left};
use crate::Raw;

/// How long a service may take to be as it was. Bounded by its own timeouts, of which this is a
/// multiple: a machine may be slow.
const PATIENCE: Duration = Duration::from_secs(20);

/// Nobody listens any more: the service was told to end, by a byte that was changed.
#[derive(Debug)]
pub struct Gone;

/// Takes back what [`super::play`] did to the service at `socket`, which has one test camera of
/// [`super::CAMERA`], and waits until nobody is connected, no camera is open and no slot is left.
/// Panics when that takes too long, or when the service does not answer.
pub fn settle(socket: &Path, left: Left) -> Result<(), Gone> {
    let deadline = Instant::now() + PATIENCE;
    let mut client = None;
    let mut last = String::from("no answer");
    while Instant::now() < deadline {
        match attempt(&mut client, socket, left) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(Failure::Gone) => return Err(Gone),
            Err(Failure::Not(state)) => last = state,
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("waited {PATIENCE:?} for the service to be as it was, but it is: {last}");
}

enum Failure {
    /// Nobody listens.
    Gone,
    /// It is not as it was: how it is.
    Not(String),
}

/// One look, whether everything is as it was. Keeps its connection for the next.
fn attempt(kept: &mut Option<Client>, socket: &Path, left: Left) -> Result<bool, Failure> {
    let mut client = match kept.take() {
        Some(client) => client,
        None => Client::connect(socket)?,
    };
    if left.settings {
        client.forget_settings()?;
    }
    let status = client.status()?;
    client.restore(&status)?;
    *kept = Some(client);
    let closed = status.cameras.iter().all(|camera| camera.state == CameraState::Closed);
    if status.connections == 1 && status.slot_bytes == 0 && status.cameras.len() == 1 && closed {
        return Ok(true);
    }
    Err(Failure::Not(format!("{status:?}")))
}

/// A client that behaves.
struct Client {
    raw: Raw,
    id: u64,
}

impl Client {
    /// Refused while those that were there before are still being taken leave of.
    fn connect(socket: &Path) -> Result<Self, Failure> {
        match Raw::try_open(socket, Role::Control) {
            Ok(raw) => Ok(Self { raw, id: 0 }),
            Err(error) if matches!(error.kind(), NotFound | ConnectionRefused) => {
                Err(Failure::Gone)
            }
            Err(error) => Err(Failure::Not(error.to_string())),
        }
    }

    fn ask(&mut self, request: Request) -> Result<Result<Reply, ErrorReply>, Failure> {
        self.id += 1;
        self.raw.send_message(&RequestMessage { id: self.id, deadline_ms: None, request });
        // Another client's last wish may have been to disconnect this one.
        let closed = || Failure::Not("the connection was closed".to_owned());
        let reply: ReplyMessage = self.raw.message().ok_or_else(closed)?;
        if reply.id == self.id { Ok(reply.result) } else { Err(Failure::Not(format!("{reply:?}"))) }
    }

    fn status(&mut self) -> Result<ServiceStatus, Failure> {
        match self.ask(Request::Status)? {
            Ok(Reply::Status(status)) => Ok(status),
            other => panic!("the status is {other:?}"),
        }
    }

    /// Ends holds, removes test cameras but the first, and turns cameras on.
    fn restore(&mut self, status: &ServiceStatus) -> Result<(), Failure> {
        if status.privacy_off {
            self.done(Request::SetPrivacy { off: false })?;
        }
        for camera in &status.cameras {
            let id = camera.id.clone();
            if camera.held_open {
                self.done(Request::StopCamera { camera: id.clone() })?;
            }
            if camera.driver == "test" && id.0 != "test:0" {
                self.done(Request::RemoveTestCamera { camera: id })?;
            }
        }
        if !status.cameras.iter().any(|camera| camera.id.0 == "test:0") {
            let (size, rate) = CAMERA.split_once('@').expect("a size and a rate");
            let (size, rate) = (size.parse().ok(), rate.parse().ok());
            self.done(Request::AddTestCamera { wish: ModeWish { format: None, size, rate } })?;
        }
        Ok(())
    }

    fn done(&mut self, request: Request) -> Result<(), Failure> {
        // What has gone meanwhile needs no more of it: the next look tells.
        self.ask(request).map(drop)
    }

    /// Deletes presets and pins of the cameras there are.
    fn forget_settings(&mut self) -> Result<(), Failure> {
        for camera in self.status()?.cameras {
            let camera = camera.id;
            if let Ok(Reply::Presets(presets)) =
                self.ask(Request::ListPresets { camera: camera.clone() })?
            {
                for preset in presets {
                    let (camera, preset) = (camera.clone(), preset.name);
                    self.done(Request::DeletePreset { camera, preset })?;
                }
            }
            let pinned = self.ask(Request::ListPins { camera: camera.clone() })?;
            if matches!(pinned, Ok(Reply::Pins(pins)) if !pins.is_empty()) {
                self.done(Request::UnpinControls { camera, names: Vec::new() })?;
            }
        }
        Ok(())
    }
}
