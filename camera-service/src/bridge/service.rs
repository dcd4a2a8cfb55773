//! The way to the service: connections of the bridge's own and of its viewers.
//!
//! The bridge keeps one control connection of its own, without a token. It tells the service
//! where the bridge listens, redeems invitations, and shows whether the service is there. When
//! the service goes away the bridge goes on listening, and connects again.

use std::{net::IpAddr, sync::Arc, time::Duration};

use protocol::{
    BridgeListening, Client, ClientError, ErrorKind, ErrorReply, NewToken, Reply, Request,
    client::Connector, endpoint::Endpoint,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Between two attempts to reach the service, at first …
const RETRY: Duration = Duration::from_millis(100);
/// … doubling up to this.
const RETRY_MOST: Duration = Duration::from_secs(2);

/// How the service is reached.
#[derive(Debug, Clone)]
pub enum Way {
    /// As any program reaches it: at this endpoint, or where it usually is.
    Endpoint(Option<Endpoint>),
    /// Through the door that it gave to this process. Closed, it ends the bridge.
    #[cfg(unix)]
    Door(Arc<protocol::transport::Door>),
}

/// How connections are made.
pub(super) struct Service {
    way: Way,
    own: watch::Receiver<Option<Client>>,
}

/// Why the service cannot be asked.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// It is not there, or is going.
    Away,
    /// It said no.
    Reply(ErrorReply),
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Reply(reply) if reply.kind == ErrorKind::Stopping => Self::Away,
            ClientError::Reply(reply) => Self::Reply(reply),
            ClientError::NotRunning(_) | ClientError::Closed | ClientError::Transport(_) => {
                Self::Away
            }
            error => {
                tracing::warn!("the service cannot be asked: {error}");
                Self::Away
            }
        }
    }
}

impl From<Failure> for ErrorReply {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Away => Self::new(
                ErrorKind::Stopping,
                "camera-service does not run at the moment; try again soon",
            ),
            Failure::Reply(reply) => reply,
        }
    }
}

impl Service {
    /// Tells the service where the bridge listens, now, whenever that changes and whenever it comes
    /// back, until `stop`, which is cancelled when the service's door is closed.
    pub(super) fn connect(
        way: Way,
        listening: watch::Receiver<BridgeListening>,
        stop: CancellationToken,
    ) -> Arc<Self> {
        let (sender, own) = watch::channel(None);
        let service = Arc::new(Self { way: way.clone(), own });
        let connector = service.connector("bridge").bridged(None, None);
        let keeping = stop.clone();
        tokio::spawn(async move {
            keeping.run_until_cancelled(keep(connector, listening, sender)).await;
        });
        #[cfg(unix)]
        if let Way::Door(door) = way {
            tokio::spawn(async move {
                if stop.run_until_cancelled(door.closed()).await.is_some() {
                    stop.cancel();
                    tracing::info!("the service has closed the door");
                }
            });
        }
        service
    }

    fn connector(&self, name: &str) -> Connector {
        let connector = Connector::new(name);
        match &self.way {
            Way::Endpoint(Some(endpoint)) => connector.endpoint(endpoint.clone()),
            Way::Endpoint(None) => connector,
            #[cfg(unix)]
            Way::Door(door) => connector.door(door.clone()),
        }
    }

    /// Makes connections for the user at `remote` who showed `token`, or for anybody there.
    pub(super) fn viewer(&self, name: &str, token: Option<&str>, remote: IpAddr) -> Connector {
        self.connector(name).bridged(token.map(str::to_owned), Some(remote.to_string()))
    }

    /// Makes connections for the frames that all viewers share.
    pub(super) fn shared(&self) -> Connector {
        self.connector("bridge").bridged(None, None)
    }

    /// Whether the service is there.
    pub(super) fn is_there(&self) -> bool {
        self.own.borrow().is_some()
    }

    /// Swaps the secret of an invitation for a token.
    pub(super) async fn redeem(&self, secret: String, remote: IpAddr) -> Result<NewToken, Failure> {
        let client = self.own.borrow().clone().ok_or(Failure::Away)?;
        let request = Request::RedeemInvitation { secret, remote: remote.to_string() };
        match client.request(request).await? {
            Reply::TokenAdded(token) => Ok(token),
            _ => Err(ClientError::Unexpected("another kind of reply").into()),
        }
    }
}

/// Keeps a control connection.
async fn keep(
    connector: Connector,
    mut listening: watch::Receiver<BridgeListening>,
    sender: watch::Sender<Option<Client>>,
) {
    let mut wait = RETRY;
    // Once for each time that it is away.
    let mut told = false;
    loop {
        match connector.control().await {
            Ok(client) => {
                told = false;
                tracing::info!("connected to camera-service {}", client.service_version());
                wait = RETRY;
                let reason = loop {
                    let now = listening.borrow_and_update().clone();
                    if let Err(error) =
                        client.request(Request::BridgeListening { listening: now }).await
                    {
                        tracing::warn!(
                            "camera-service was not told where the bridge listens: {error}"
                        );
                    }
                    if sender.borrow().is_none() {
                        sender.send_replace(Some(client.clone()));
                    }
                    tokio::select! {
                        reason = client.closed() => break reason,
                        Ok(()) = listening.changed() => {}
                    }
                };
                sender.send_replace(None);
                let reason = reason.map_or(String::new(), |reason| format!(": {reason}"));
                tracing::warn!("the connection to camera-service has ended{reason}");
            }
            Err(ClientError::NotRunning(_)) if told => {}
            Err(ClientError::NotRunning(_)) => {
                told = true;
                tracing::warn!(
                    "camera-service is not running; the bridge waits for it \
                     (`camera-service serve`)"
                );
            }
            Err(error) => tracing::warn!("camera-service cannot be reached: {error}"),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(RETRY_MOST);
    }
}
