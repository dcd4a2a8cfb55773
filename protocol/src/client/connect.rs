//! Finding the service, connecting and shaking hands.

#[cfg(unix)]
use std::sync::Arc;
use std::{io, time::Duration};

use tokio::time::{Instant, sleep, timeout};

use super::{Client, ClientError, EventStream, FrameStream, Publisher};
#[cfg(unix)]
use crate::transport::Door;
use crate::{
    ClientHello, ConnectionId, Hello, Preamble, PublishRequest, Role, StreamRequest, Verdict,
    Welcome,
    endpoint::Endpoint,
    transport::{Connection, Reader, Writer},
    wire::MAX_MESSAGE,
};

/// The service has 2 s for its side of the handshake; a loaded machine gets some more.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Between two looks for a service that is not there yet.
const RETRY: Duration = Duration::from_millis(50);

/// Who this program is, where it looks for the service and for how long.
#[derive(Debug, Clone)]
pub struct Connector {
    hello: ClientHello,
    bridged: bool,
    endpoint: Option<Endpoint>,
    #[cfg(unix)]
    door: Option<Arc<Door>>,
    patience: Duration,
}

/// A connection after its handshake.
pub(crate) struct Opened {
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
    pub(crate) id: ConnectionId,
    pub(crate) version: String,
    pub(crate) pid: u32,
}

impl Connector {
    /// A client called `name` wherever clients are listed; at most 128 bytes of it are kept.
    pub fn new(name: impl Into<String>) -> Self {
        let mut name = name.into();
        while name.len() > 128 {
            name.pop();
        }
        Self {
            hello: ClientHello { name, token: None, remote: None },
            bridged: false,
            endpoint: None,
            #[cfg(unix)]
            door: None,
            patience: Duration::ZERO,
        }
    }

    /// Speaks for the user at the address `remote` who showed `token`, and may do what that
    /// grants; without a token, for the bridge itself.
    #[must_use]
    pub fn bridged(mut self, token: Option<String>, remote: Option<String>) -> Self {
        self.bridged = true;
        (self.hello.token, self.hello.remote) = (token, remote);
        self
    }

    /// Connects through the door that the service gave to its bridge. What comes through it is
    /// always bridged.
    #[cfg(unix)]
    #[must_use]
    pub fn door(mut self, door: Arc<Door>) -> Self {
        self.bridged = true;
        self.door = Some(door);
        self
    }

    /// Looks at this endpoint only.
    #[must_use]
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = Some(endpoint);
        self
    }

    /// Waits so long for a service that is not there yet. Without it, one look is all.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// A connection for requests.
    pub async fn control(&self) -> Result<Client, ClientError> {
        self.open(Role::Control).await.map(Client::start)
    }

    /// A connection for events.
    pub async fn events(&self) -> Result<EventStream, ClientError> {
        self.open(Role::Events).await.map(EventStream::new)
    }

    /// A connection with the frames that `request` asks for.
    pub async fn stream(&self, request: StreamRequest) -> Result<FrameStream, ClientError> {
        FrameStream::start(self.open(Role::Stream).await?, request).await
    }

    /// A connection by which this program becomes a camera.
    pub async fn publish(&self, request: PublishRequest) -> Result<Publisher, ClientError> {
        Publisher::start(self.open(Role::Publish).await?, request).await
    }

    async fn open(&self, role: Role) -> Result<Opened, ClientError> {
        let deadline = Instant::now() + self.patience;
        loop {
            match self.attempt(role).await {
                Err(ClientError::NotRunning(_)) if Instant::now() < deadline => sleep(RETRY).await,
                other => return other,
            }
        }
    }

    async fn attempt(&self, role: Role) -> Result<Opened, ClientError> {
        #[cfg(unix)]
        if let Some(door) = &self.door {
            let connection = door.connect().await.map_err(|_| ClientError::Closed)?;
            return self.within(connection, role).await;
        }
        let candidates = match &self.endpoint {
            Some(endpoint) => vec![endpoint.clone()],
            None => Endpoint::candidates(),
        };
        for endpoint in &candidates {
            match Connection::connect(endpoint).await {
                Ok(connection) => {
                    if !connection.peer()?.same_user {
                        return Err(ClientError::ForeignService(endpoint.to_string()));
                    }
                    return self.within(connection, role).await;
                }
                Err(error) if means_not_running(&error) => {}
                Err(source) => {
                    return Err(ClientError::Connect { endpoint: endpoint.to_string(), source });
                }
            }
        }
        let looked: Vec<String> = candidates.iter().map(Endpoint::to_string).collect();
        Err(ClientError::NotRunning(looked.join(", ")))
    }

    async fn within(&self, connection: Connection, role: Role) -> Result<Opened, ClientError> {
        let opened = timeout(HANDSHAKE, self.handshake(connection, role)).await;
        opened.map_err(|_| ClientError::NoAnswer(HANDSHAKE))?
    }

    async fn handshake(&self, connection: Connection, role: Role) -> Result<Opened, ClientError> {
        let (mut reader, mut writer) = connection.split();
        // A service that refuses may have closed already: its answer says more than the failure
        // to write.
        let written = writer.raw(&Preamble::new(role).to_bytes()).await;
        let answer = match (reader.preamble().await, written) {
            (Ok(answer), _) => answer,
            (Err(_), Err(error)) => return Err(error.into()),
            (Err(_), Ok(())) => return Err(ClientError::Closed),
        };
        match Preamble::<Verdict>::from_bytes(&answer)?.what {
            Verdict::Accepted => {}
            Verdict::VersionDiffers => return Err(ClientError::NotAccepted("the versions differ")),
            Verdict::TooManyConnections => {
                return Err(ClientError::NotAccepted(
                    "it has as many connections as it takes; close some clients",
                ));
            }
            Verdict::NotPermitted => {
                return Err(ClientError::NotAccepted("it belongs to another user"));
            }
            Verdict::NotUnderstood => {
                return Err(ClientError::NotAccepted("it did not understand the handshake"));
            }
        }
        let hello = if self.bridged { Hello::Bridged } else { Hello::Client };
        writer.message(&hello(self.hello.clone())).await?;
        match reader.message(MAX_MESSAGE).await? {
            Some(Welcome::Accepted { connection, version, pid }) => {
                Ok(Opened { reader, writer, id: connection, version, pid })
            }
            Some(Welcome::Refused(error)) => Err(error.into()),
            None => Err(ClientError::Closed),
        }
    }
}

fn means_not_running(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}
