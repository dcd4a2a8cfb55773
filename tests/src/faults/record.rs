//! What events tell, played into a picture of the service: it must become what `status` says.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use protocol::{
    CameraId, CameraSummary, ClientSummary, ConnectionId, ControlValue, Event, client::Connector,
};

use super::subscriber::Weather;
use crate::live::Reading;

/// Wait before a connection is tried again.
const AGAIN: Duration = Duration::from_millis(20);

/// The service, by its events alone.
#[derive(Debug, Default, Clone)]
pub(super) struct Picture {
    /// Whether events come.
    pub(super) connected: bool,
    pub(super) cameras: BTreeMap<CameraId, CameraSummary>,
    pub(super) clients: BTreeMap<ConnectionId, ClientSummary>,
    pub(super) off: bool,
    pub(super) controls: BTreeMap<(CameraId, String), ControlValue>,
}

#[derive(Default)]
struct Shared {
    picture: Picture,
    /// Every state that a camera was told to be in, oldest first.
    told: Vec<CameraSummary>,
    wrong: Vec<String>,
}

/// A client that reads events for as long as this lives, and comes again when the service was
/// killed.
pub(super) struct Record {
    shared: Arc<Mutex<Shared>>,
    _reading: Reading,
}

impl Record {
    pub(super) fn start(connector: Connector, weather: Arc<Weather>) -> Self {
        let shared = Arc::<Mutex<Shared>>::default();
        let noted = shared.clone();
        let reading = Reading::start(move || async move {
            loop {
                let incarnation = weather.incarnation.load(Ordering::SeqCst);
                let error = read(&connector, &noted).await;
                let same = weather.incarnation.load(Ordering::SeqCst) == incarnation;
                if let Some(error) = error.filter(|_| same && incarnation.is_multiple_of(2)) {
                    lock(&noted).wrong.push(format!("events ended while the service ran: {error}"));
                }
                lock(&noted).picture.connected = false;
                tokio::time::sleep(AGAIN).await;
            }
        });
        Self { shared, _reading: reading }
    }

    pub(super) fn picture(&self) -> Picture {
        lock(&self.shared).picture.clone()
    }

    pub(super) fn wrong(&self) -> Vec<String> {
        lock(&self.shared).wrong.clone()
    }

    /// Number of states told so far: where to look from for what comes next.
    pub(super) fn now(&self) -> usize {
        lock(&self.shared).told.len()
    }

    /// Whether a camera was told to be like this, by the `from`th word or a later one.
    pub(super) fn told(&self, from: usize, like: impl Fn(&CameraSummary) -> bool) -> bool {
        lock(&self.shared).told[from..].iter().any(like)
    }

    /// The last states told, for a message.
    pub(super) fn last_told(&self) -> String {
        let shared = lock(&self.shared);
        let from = shared.told.len().saturating_sub(15);
        shared.told[from..].iter().fold(String::new(), |mut text, camera| {
            let (id, state, reason) = (&camera.id, &camera.state, &camera.reason);
            let _ = writeln!(text, "  {id} {state} present={} {reason}", camera.present);
            text
        })
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads until the connection ends, and says why; nothing where there was none.
async fn read(connector: &Connector, shared: &Mutex<Shared>) -> Option<String> {
    let mut events = connector.events().await.ok()?;
    loop {
        match events.next().await {
            Ok(Some(message)) => lock(shared).play(message.event),
            Ok(None) => return Some("closed".to_owned()),
            Err(error) => return Some(error.to_string()),
        }
    }
}

impl Shared {
    fn play(&mut self, event: Event) {
        match event {
            Event::State(state) => {
                self.told.extend(state.cameras.iter().cloned());
                self.picture = Picture {
                    connected: true,
                    cameras: state.cameras.into_iter().map(|c| (c.id.clone(), c)).collect(),
                    clients: state.clients.into_iter().map(|c| (c.id, c)).collect(),
                    off: state.privacy_off,
                    controls: BTreeMap::new(),
                };
            }
            Event::CameraAdded(camera) | Event::CameraChanged(camera) => {
                self.told.push(camera.clone());
                self.picture.cameras.insert(camera.id.clone(), camera);
            }
            Event::CameraRemoved { camera } => drop(self.picture.cameras.remove(&camera)),
            Event::ControlChanged { camera, control } => {
                self.picture.controls.insert((camera, control.name), control.value);
            }
            Event::ClientChanged(client) => {
                self.picture.clients.insert(client.id, client);
            }
            Event::ClientRemoved { connection } => {
                self.picture.clients.remove(&connection);
            }
            Event::PrivacyChanged { off } => self.picture.off = off,
            Event::Lagged => self.wrong.push("the reader of events fell behind".to_owned()),
            // Nothing that `status` or `clients` say.
            _ => {}
        }
    }
}
