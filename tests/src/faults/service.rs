//! The service under test, and the client that asks it how it is.

use std::sync::{Arc, atomic::Ordering};

use protocol::{
    CameraId, ErrorKind,
    client::{Client, ClientError, Connector},
    endpoint::Endpoint,
};
use rustix::process::Signal;
use tokio::runtime::Runtime;

use super::{stage::PATIENCE, subscriber::Weather};
use crate::{Builder, Service};

/// A service, and a connection to it.
pub(super) struct Attended {
    pub(super) service: Service,
    pub(super) weather: Arc<Weather>,
    runtime: Runtime,
    client: Option<Client>,
}

impl Attended {
    pub(super) fn start(builder: Builder) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Self {
            service: builder.start(),
            weather: Arc::default(),
            runtime: runtime.expect("a runtime can be made"),
            client: None,
        }
    }

    pub(super) fn connector(&self, name: &str) -> Connector {
        Connector::new(name).endpoint(Endpoint::at(self.service.socket()))
    }

    pub(super) fn incarnation(&self) -> u64 {
        self.weather.incarnation.load(Ordering::SeqCst)
    }

    /// Asks something. An answer must come, if only that it cannot be done.
    #[track_caller]
    pub(super) fn ask<T>(
        &mut self,
        what: &str,
        request: impl AsyncFnOnce(&Client) -> Result<T, ClientError>,
    ) -> Result<T, protocol::ErrorReply> {
        let connector = self.connector("attendant");
        let client = self.client.take();
        let (client, answer) = self.runtime.block_on(async {
            let client = match client {
                Some(client) => client,
                None => connector.control().await.unwrap_or_else(|error| panic!("{what}: {error}")),
            };
            let answer = tokio::time::timeout(PATIENCE, request(&client)).await;
            (client, answer.unwrap_or_else(|_| panic!("{what}: no answer in {PATIENCE:?}")))
        });
        self.client = Some(client);
        match answer {
            Ok(answer) => Ok(answer),
            Err(ClientError::Reply(reply)) if reply.kind != ErrorKind::Timeout => Err(reply),
            Err(error) => panic!("{what}: {error}"),
        }
    }

    /// Asks something that can always be done.
    #[track_caller]
    pub(super) fn must<T>(
        &mut self,
        what: &str,
        request: impl AsyncFnOnce(&Client) -> Result<T, ClientError>,
    ) -> T {
        self.ask(what, request).unwrap_or_else(|error| panic!("{what}: {error:?}"))
    }

    /// Whether the camera is known.
    pub(super) fn has(&mut self, camera: &CameraId) -> bool {
        let cameras = self.must("the list", async |client| client.cameras().await);
        cameras.iter().any(|known| known.id == *camera)
    }

    pub(super) fn stop(&self) {
        self.service.signal(Signal::STOP);
    }

    pub(super) fn go_on(&self) {
        self.service.signal(Signal::CONT);
    }

    /// Kills it, and starts it again after `meanwhile`.
    pub(super) fn kill(&mut self, meanwhile: impl FnOnce()) {
        self.weather.incarnation.fetch_add(1, Ordering::SeqCst);
        self.client = None;
        self.service.kill();
        meanwhile();
        self.service.start_again();
        self.weather.incarnation.fetch_add(1, Ordering::SeqCst);
    }
}
