//! What the service told: cameras, clients, and whether all cameras are off. Built from the full
//! state and kept true by every change.

use protocol::{CameraId, CameraSummary, ClientSummary, Event, Role};

/// Cameras and clients as they are now.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// Cameras, those that are there first, then by name.
    pub cameras: Vec<CameraSummary>,
    /// Connections.
    pub clients: Vec<ClientSummary>,
    /// Whether all cameras are turned off.
    pub privacy_off: bool,
    /// Whether the full state has come.
    pub is_known: bool,
}

impl Model {
    /// Takes over what an event says. Events that concern neither cameras nor clients change
    /// nothing.
    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::State(state) => {
                self.cameras.clone_from(&state.cameras);
                self.clients.clone_from(&state.clients);
                self.privacy_off = state.privacy_off;
                self.is_known = true;
            }
            Event::CameraAdded(camera) | Event::CameraChanged(camera) => {
                put(&mut self.cameras, camera, |camera| &camera.id);
            }
            Event::CameraRemoved { camera } => self.cameras.retain(|known| known.id != *camera),
            Event::ClientChanged(client) => put(&mut self.clients, client, |client| &client.id),
            Event::ClientRemoved { connection } => {
                self.clients.retain(|known| known.id != *connection);
            }
            Event::PrivacyChanged { off } => self.privacy_off = *off,
            _ => return,
        }
        self.cameras.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    }

    /// The camera with this id.
    #[must_use]
    pub(crate) fn camera(&self, id: &CameraId) -> Option<&CameraSummary> {
        self.cameras.iter().find(|camera| camera.id == *id)
    }

    /// The camera that a user means: an id, or a name in any case.
    #[must_use]
    pub(crate) fn find(&self, text: &str) -> Option<&CameraSummary> {
        let named = |camera: &&CameraSummary| camera.name.eq_ignore_ascii_case(text);
        let by_id = self.cameras.iter().find(|camera| camera.id.0 == text);
        by_id.or_else(|| self.cameras.iter().find(named))
    }

    /// Clients that watch a camera or are one, those of the same camera together.
    #[must_use]
    pub(crate) fn streams(&self) -> Vec<&ClientSummary> {
        let streams = self.clients.iter();
        let mut streams: Vec<_> =
            streams.filter(|client| matches!(client.role, Role::Stream | Role::Publish)).collect();
        streams.sort_by_key(|client| (&client.camera, client.since_unix_ns));
        streams
    }
}

fn put<T: Clone, K: PartialEq>(all: &mut Vec<T>, new: &T, key: impl Fn(&T) -> &K) {
    match all.iter_mut().find(|known| key(known) == key(new)) {
        Some(known) => known.clone_from(new),
        None => all.push(new.clone()),
    }
}

#[cfg(test)]
mod tests {
    use protocol::{CameraState, State};

    use super::*;
    use crate::samples::camera;

    #[test]
    fn changes_keep_the_state_true() {
        let mut model = Model::default();
        let state =
            State { cameras: vec![camera("b"), camera("a")], clients: vec![], privacy_off: false };
        model.apply(&Event::State(state));
        let ids = |model: &Model| model.cameras.iter().map(|c| c.id.0.clone()).collect::<Vec<_>>();
        assert_eq!(ids(&model), ["a", "b"], "by name");

        model.apply(&Event::CameraAdded(camera("c")));
        let changed = CameraSummary { state: CameraState::Streaming, ..camera("a") };
        model.apply(&Event::CameraChanged(changed));
        model.apply(&Event::CameraRemoved { camera: CameraId::from("b") });
        model.apply(&Event::PrivacyChanged { off: true });
        assert_eq!(ids(&model), ["a", "c"]);
        assert_eq!(model.cameras[0].state, CameraState::Streaming);
        assert!(model.privacy_off);

        model.apply(&Event::State(State { cameras: vec![], clients: vec![], privacy_off: false }));
        assert!(model.cameras.is_empty() && !model.privacy_off, "a new state replaces all");
    }
}
