//! The real bridge beside a real service, and clients of it that know nothing of our code:
//! [`Http`] speaks HTTP over a plain socket, [`WebSocket`] is tungstenite's client.

mod http;
mod socket;

use std::{
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use protocol::{CameraId, Reply, Request, Scope, TokenRequest, client::Connector, endpoint::Endpoint};

pub use http::{Answer, Http};
pub use socket::{Frame, WebSocket};

use crate::{Output, Program, Service, wait_until};

/// How long the bridge may take to listen.
const START: Duration = Duration::from_secs(30);

/// A running `camera-service bridge`. A [`Program`].
pub struct Bridge {
    program: Program,
    address: SocketAddr,
}

impl Bridge {
    /// Starts it on loopback with these arguments, and waits until it listens.
    #[track_caller]
    pub fn start(service: &Service, args: &[&str]) -> Self {
        Self::start_at(service, "127.0.0.1:0", args)
    }

    /// As [`Bridge::start`], at this address.
    #[track_caller]
    pub fn start_at(service: &Service, listen: &str, args: &[&str]) -> Self {
        let args = [&["bridge", "--listen", listen, "--json"], args].concat();
        let mut program = service.cli_start(&args);
        let address = wait_until("the bridge to listen", START, || {
            if let Some(status) = program.exit_status() {
                panic!("the bridge has ended ({status}):\n{}", program.stderr());
            }
            let output = String::from_utf8_lossy(&program.stdout()).into_owned();
            let line: serde_json::Value =
                serde_json::from_str(output.lines().next().unwrap_or_default())
                    .map_err(|error| format!("{error}: {output:?}"))?;
            let url = line["urls"][0].as_str().ok_or_else(|| output.clone())?;
            let authority = url.split('/').nth(2).ok_or_else(|| output.clone())?;
            let (_, port) = authority.rsplit_once(':').ok_or_else(|| output.clone())?;
            let port: u16 = port.parse().map_err(|_| output.clone())?;
            Ok(SocketAddr::from(([127, 0, 0, 1], port)))
        });
        let bridge = Self { program, address };
        wait_until("the bridge to reach the service", START, || {
            match bridge.http().get("/healthz") {
                answer if answer.status == 200 => Ok(()),
                answer => Err(format!("{answer:?}")),
            }
        });
        bridge
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A plain connection to it.
    #[track_caller]
    pub fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).expect("the bridge accepts connections")
    }

    /// A client without a token.
    pub fn http(&self) -> Http {
        Http::new(self.address)
    }

    /// A WebSocket that has not identified.
    #[track_caller]
    pub fn websocket(&self) -> WebSocket {
        WebSocket::connect(self.address)
    }

    /// A WebSocket that has logged in with `token`.
    #[track_caller]
    pub fn log_in(&self, token: &str) -> WebSocket {
        let mut socket = self.websocket();
        socket.log_in(token);
        socket
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        self.program.stderr()
    }

    /// Asks it to end (SIGTERM) and waits.
    #[track_caller]
    pub fn stop(mut self) -> Output {
        self.program.terminate()
    }
}

impl std::ops::Deref for Bridge {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.program
    }
}

impl std::ops::DerefMut for Bridge {
    fn deref_mut(&mut self) -> &mut Program {
        &mut self.program
    }
}

/// Sends the service a request as a program of this user.
#[track_caller]
pub fn ask(service: &Service, request: Request) -> Reply {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let connector = Connector::new("tests").endpoint(Endpoint::at(service.socket()));
        let client = connector.control().await.expect("the service accepts connections");
        client.request(request).await.expect("the request is fulfilled")
    })
}

/// Makes a token with these scopes, for `cameras` or all, and gives its secret.
#[track_caller]
pub fn token(service: &Service, name: &str, scopes: &[Scope], cameras: &[&str]) -> String {
    secret(service, name, scopes, cameras, None)
}

/// Makes an invitation to such a token, and gives its secret.
#[track_caller]
pub fn invitation(service: &Service, name: &str, scopes: &[Scope]) -> String {
    secret(service, name, scopes, &[], Some(60))
}

#[track_caller]
fn secret(
    service: &Service,
    name: &str,
    scopes: &[Scope],
    cameras: &[&str],
    invitation_s: Option<u32>,
) -> String {
    let token = TokenRequest {
        name: name.to_owned(),
        scopes: scopes.to_vec(),
        cameras: cameras.iter().map(|&camera| CameraId::from(camera)).collect(),
        expires_s: None,
        invitation_s,
    };
    match ask(service, Request::AddToken { token }) {
        Reply::TokenAdded(token) => token.secret,
        other => panic!("no token was made: {other:?}"),
    }
}

/// Ends a token.
#[track_caller]
pub fn revoke(service: &Service, name: &str) {
    assert_eq!(ask(service, Request::RevokeToken { name: name.to_owned() }), Reply::Done);
}
