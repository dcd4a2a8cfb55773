//! Who serves: the bridge, a plain writer, µStreamer.

use std::{env, net::SocketAddr, process::Command, time::Duration};

use anyhow::{Context as _, Result};
use protocol::Scope;
use tests::{
    Process, Program, Service, Shim,
    bridge::{Bridge, token},
    wait_until,
};

use super::camera::Camera;

const START: Duration = Duration::from_secs(30);

/// A way in which frames are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    WebSocket,
    Mjpeg,
    Ustreamer,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Plain, Self::WebSocket, Self::Mjpeg, Self::Ustreamer];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain writer",
            Self::WebSocket => "websocket",
            Self::Mjpeg => "mjpeg",
            Self::Ustreamer => "ustreamer",
        }
    }
}

/// Where frames are to be had.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
}

/// The service and its bridge, which run all the time, and one other server at a time.
pub(crate) struct Servers {
    other: Option<Program>,
    bridge: Bridge,
    service: Service,
    camera: Camera,
    token: String,
}

impl Servers {
    pub(crate) fn start() -> Result<Self> {
        let camera = Camera::new()?;
        let config = "[bridge]\nconnections = 2000\nconnections_per_address = 2000\n\
                      [limits]\nconnections = 4000\n";
        let service =
            Service::builder().shim(&camera.shim).config(config).env("RUST_LOG", "warn").start();
        let file = service.config_file().to_str().context("a plain name")?.to_owned();
        let bridge = Bridge::start(&service, &["--config", &file, "--log", "warn"]);
        let token = token(&service, "bench", &[Scope::Watch], &[]);
        Ok(Self { other: None, bridge, service, camera, token })
    }

    pub(crate) fn bytes(&self) -> usize {
        self.camera.bytes
    }

    /// Starts what serves in this way.
    pub(crate) fn serve(&mut self, kind: Kind) -> Result<Served> {
        let mut address = self.bridge.address();
        match kind {
            Kind::WebSocket | Kind::Mjpeg => {
                let camera = &self.service.json(&["list"])[0];
                let camera = camera["id"].as_str().context("the shim's camera is listed")?;
                // Held open in its mode, so that every run finds the same.
                self.service
                    .cli(&[
                        "start", camera, "--format", "MJPG", "--size", "1280x720", "--fps", "30",
                    ])
                    .ok();
            }
            Kind::Plain => {
                let mut command = Command::new(env::current_exe()?);
                // The images are the camera's: it reads them where the shim does.
                command.arg("--plain").envs(self.camera.shim.env()).env_remove("LD_PRELOAD");
                let program = Program::start("the plain writer", &mut command);
                address = wait_until("the plain writer to listen", START, || {
                    let text = String::from_utf8_lossy(&program.stdout()).into_owned();
                    text.trim().parse().map_err(|_| text)
                });
                self.other = Some(program);
            }
            Kind::Ustreamer => {
                let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
                address = SocketAddr::from(([127, 0, 0, 1], port));
                let mut command = Command::new("ustreamer");
                command.envs(self.camera.shim.env()).args([
                    "--device",
                    Shim::DEVICE,
                    "--format",
                    "MJPEG",
                    "--resolution",
                    "1280x720",
                    "--desired-fps",
                    "30",
                    "--encoder",
                    "HW",
                    "--tcp-nodelay",
                    "--port",
                ]);
                let program = Program::start("ustreamer", command.arg(port.to_string()));
                wait_until("ustreamer to listen", START, || {
                    std::net::TcpStream::connect(address).map_err(|error| error.to_string())
                });
                self.other = Some(program);
            }
        }
        Ok(Served { address, token: self.token.clone() })
    }

    /// CPU that its server took so far.
    pub(crate) fn cpu(&self, kind: Kind) -> Result<Duration> {
        let of = |process: Process| -> Duration {
            let threads = process.cpu_by_thread().into_iter();
            threads.filter(|(name, _)| name != Shim::THREAD).map(|(_, time)| time).sum()
        };
        match kind {
            Kind::WebSocket | Kind::Mjpeg => Ok(of(**self.bridge) + of(**self.service)),
            Kind::Plain | Kind::Ustreamer => {
                Ok(of(**self.other.as_ref().context("it was started")?))
            }
        }
    }

    /// Ends what was started for it; the camera is free again.
    pub(crate) fn end(&mut self, kind: Kind) {
        self.other = None;
        if matches!(kind, Kind::WebSocket | Kind::Mjpeg) {
            let camera = self.service.json(&["list"])[0]["id"].clone();
            let camera = camera.as_str().unwrap_or_default().to_owned();
            self.service.cli(&["stop", &camera]).ok();
            wait_until("the camera to close", START, || {
                let camera = self.service.json(&["list"])[0].clone();
                if camera["state"] == "closed" { Ok(()) } else { Err(camera.to_string()) }
            });
        }
    }
}
