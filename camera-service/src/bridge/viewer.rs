//! A remote user: the control connection that speaks for one, and what it watches.
//!
//! The service checks the token and every request; here it is only carried.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use protocol::{
    CameraId, Client, ClientError, ErrorKind, ErrorReply, Grant, Reply, Request,
    client::{Connector, EventStream},
};

use super::{Bridge, OpenWatch, login::Throttled, service::Failure};

/// A remote user who has logged in.
#[derive(Clone)]
pub(super) struct Viewer {
    pub(super) client: Client,
    pub(super) grant: Grant,
    connector: Connector,
    watched: Arc<Mutex<Watched>>,
}

/// What a user watches: how often, since one watch at the service stands for all of a camera.
#[derive(Default)]
struct Watched {
    counts: HashMap<CameraId, usize>,
    /// Requests to watch without a reply. Until it is there, nobody knows which camera a name
    /// means, and no watch may be ended that one of them relies on.
    asked: usize,
    /// To be ended then, unless watched again.
    ending: Vec<CameraId>,
}

/// Why somebody is not let in.
#[derive(Debug, Clone)]
pub(super) enum Refused {
    /// No token was shown.
    NoToken,
    /// The token is wrong, has expired, or was revoked.
    Wrong(ErrorReply),
    /// Too many log-ins have failed.
    Throttled(u64),
    /// The service is away or cannot take more.
    Failed(ErrorReply),
}

impl From<Refused> for ErrorReply {
    fn from(refused: Refused) -> Self {
        let forbidden = |message: &str| Self::new(ErrorKind::Forbidden, message);
        match refused {
            Refused::NoToken => forbidden(
                "a token is needed; `camera-service token add` makes one on the service's machine",
            ),
            Refused::Wrong(reply) | Refused::Failed(reply) => reply,
            Refused::Throttled(seconds) => Self::new(
                ErrorKind::Limit,
                format!("too many log-ins have failed; try again in {seconds} s"),
            ),
        }
    }
}

impl Viewer {
    /// Logs in the user at `remote` who shows `token`; `name` is for lists of clients.
    pub(super) async fn log_in(
        bridge: &Bridge,
        name: &str,
        token: Option<&str>,
        remote: IpAddr,
    ) -> Result<Self, Refused> {
        let token = match (token, &bridge.open_watch) {
            (Some(token), _) => token,
            (None, OpenWatch::Token(token)) => {
                return Self::anybody(bridge, name, token, remote).await;
            }
            (None, OpenWatch::Service) => return Self::nobody(bridge, name, remote).await,
            (None, OpenWatch::Off) => return Err(Refused::NoToken),
        };
        bridge.logins.admit(token, remote).map_err(|Throttled(wait)| {
            Refused::Throttled(wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
        })?;
        let connector = bridge.service.viewer(name, Some(token), remote);
        match Self::open(connector).await {
            Ok(viewer) => {
                bridge.logins.succeeded(token);
                Ok(viewer)
            }
            Err(Failure::Reply(reply)) if reply.kind == ErrorKind::Forbidden => {
                bridge.log_in_failed(token, remote).await;
                Err(Refused::Wrong(reply))
            }
            Err(failure) => Err(Refused::Failed(failure.into())),
        }
    }

    /// Somebody at `remote` who shows no token, and needs none: if the one that stands in for it
    /// was revoked, that is no failed log-in.
    async fn anybody(
        bridge: &Bridge,
        name: &str,
        token: &str,
        remote: IpAddr,
    ) -> Result<Self, Refused> {
        match Self::open(bridge.service.viewer(name, Some(token), remote)).await {
            Err(Failure::Reply(reply)) if reply.kind == ErrorKind::Forbidden => {
                Err(Refused::NoToken)
            }
            opened => opened.map_err(|failure| Refused::Failed(failure.into())),
        }
    }

    /// Somebody at `remote` who shows no token: the service decides whether that is enough.
    async fn nobody(bridge: &Bridge, name: &str, remote: IpAddr) -> Result<Self, Refused> {
        match Self::open(bridge.service.viewer(name, None, remote)).await {
            Err(Failure::Reply(reply)) if reply.kind == ErrorKind::Forbidden => {
                Err(Refused::NoToken)
            }
            opened => opened.map_err(|failure| Refused::Failed(failure.into())),
        }
    }

    async fn open(connector: Connector) -> Result<Self, Failure> {
        let client = connector.control().await?;
        match client.request(Request::WhoAmI).await? {
            Reply::Grant(grant) => Ok(Self { client, grant, connector, watched: Arc::default() }),
            _ => Err(ClientError::Unexpected("another kind of reply").into()),
        }
    }

    /// For connections of this user in other roles.
    pub(super) fn connector(&self) -> &Connector {
        &self.connector
    }

    /// What this user may hear of.
    pub(super) async fn events(&self) -> Result<EventStream, Failure> {
        Ok(self.connector.events().await?)
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches a camera, by id, name or device file, until what is returned is dropped. Safe to
    /// cancel.
    pub(super) async fn watch(&self, camera: &CameraId) -> Result<Watch, ErrorReply> {
        let _asking = Asking::begin(self);
        let request = Request::Watch { camera: camera.clone() };
        match self.client.request(request).await.map_err(Failure::from)? {
            Reply::Watching { camera } => {
                *self.watched().counts.entry(camera.clone()).or_default() += 1;
                Ok(Watch { camera, viewer: self.clone() })
            }
            _ => Err(Failure::from(ClientError::Unexpected("another kind of reply")).into()),
        }
    }

    /// Ends those watches that nobody relies on.
    fn end_watches(&self) {
        let mut watched = self.watched();
        if watched.asked > 0 {
            return;
        }
        for camera in std::mem::take(&mut watched.ending) {
            if !watched.counts.contains_key(&camera) {
                let client = self.client.clone();
                // A connection that has ended watches nothing.
                tokio::spawn(
                    async move { drop(client.request(Request::Unwatch { camera }).await) },
                );
            }
        }
    }
}

/// A request to watch that is on its way.
struct Asking<'a>(&'a Viewer);

impl<'a> Asking<'a> {
    fn begin(viewer: &'a Viewer) -> Self {
        viewer.watched().asked += 1;
        Self(viewer)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.watched().asked -= 1;
        self.0.end_watches();
    }
}

/// A camera that is watched. Ends with this, unless it is watched more than once.
pub(super) struct Watch {
    pub(super) camera: CameraId,
    viewer: Viewer,
}

impl Watch {
    /// The name of the token by which the camera is watched.
    pub(super) fn token(&self) -> &str {
        &self.viewer.grant.name
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watched = self.viewer.watched();
        if let Some(count) = watched.counts.get_mut(&self.camera) {
            *count -= 1;
            if *count == 0 {
                watched.counts.remove(&self.camera);
                watched.ending.push(self.camera.clone());
            }
        }
        drop(watched);
        self.viewer.end_watches();
    }
}
