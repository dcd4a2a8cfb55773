//! The real bridge beside a real service, and clients of it that know nothing of our code:
//! [`Http`] speaks HTTP over a plain socket, [`WebSocket`] is tungstenite's client.

mod http;
mod relay;
mod socket;

use std::{
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use protocol::{
    CameraId, Reply, Request, Scope, Size, TokenRequest, client::Connector, endpoint::Endpoint,
    strip::Strip,
};

pub use http::{Answer, Http};
pub use relay::Relay;
pub use socket::{Frame, WebSocket};

use crate::{Output, Program, Service, wait_until};

/// How long the bridge may take to listen.
const START: Duration = Duration::from_secs(30);

/// A running `camera-service bridge`. A [`Program`].
pub struct Bridge {
    program: Program,
    address: SocketAddr,
    fingerprint: Option<String>,
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
        let bridge = Self::listening(service, listen, args);
        wait_until("the bridge to reach the service", START, || {
            match bridge.http().get("/healthz") {
                answer if answer.status == 200 => Ok(()),
                answer => Err(format!("{answer:?}")),
            }
        });
        bridge
    }

    /// Starts it with a certificate: `tls` is as for `--tls`.
    #[track_caller]
    pub fn start_tls(service: &Service, listen: &str, tls: &str) -> Self {
        Self::listening(service, listen, &["--tls", tls])
    }

    #[track_caller]
    fn listening(service: &Service, listen: &str, args: &[&str]) -> Self {
        let args = [&["bridge", "--listen", listen, "--json"], args].concat();
        let mut program = service.cli_start(&args);
        let (port, fingerprint) = wait_until("the bridge to listen", START, || {
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
            Ok((port, line["fingerprint"].as_str().map(str::to_owned)))
        });
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Self { program, address, fingerprint }
    }

    /// SHA-256 of its certificate.
    pub fn fingerprint(&self) -> Option<String> {
        self.fingerprint.clone()
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

/// What the test camera drew into a picture: its number, and when it was taken.
pub fn strip(jpeg: &[u8]) -> Result<Strip, String> {
    let image = turbojpeg::decompress(jpeg, turbojpeg::PixelFormat::GRAY);
    let image = image.map_err(|error| format!("{error} in {} bytes", jpeg.len()))?;
    let size = Size::new(image.width as u32, image.height as u32);
    protocol::strip::read_bytes(&image.pixels, image.pitch, 1, size).map_err(|e| e.to_string())
}

/// A picture of the test camera's kind, for clients that are cameras.
pub fn jpeg(size: Size, sequence: u64) -> Vec<u8> {
    let (width, height) = (size.width as usize, size.height as usize);
    let mut pixels = vec![128; width * height];
    let strip = Strip { sequence, monotonic_ns: clock() };
    protocol::strip::draw(&mut pixels, width, size, (16, 240), &strip).expect("it is large enough");
    let format = turbojpeg::PixelFormat::GRAY;
    let image = turbojpeg::Image { pixels: &pixels[..], width, pitch: width, height, format };
    turbojpeg::compress(image, 85, turbojpeg::Subsamp::Gray).expect("a JPEG").to_vec()
}

/// The machine's monotonic clock in ns, which the strips have their times from.
pub fn clock() -> u64 {
    camera_service::clock::monotonic_ns()
}
