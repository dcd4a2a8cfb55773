//! The servers that are compared, each with the same camera.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result};
use tests::{Process, Program, Service, Shim, wait_until};

/// How long a server may take to listen.
const START: Duration = Duration::from_secs(20);

/// Where viewers go, and whose CPU counts.
pub(crate) trait Server {
    fn name(&self) -> &'static str;
    /// `multipart` or `websocket`.
    fn kind(&self) -> &'static str {
        "multipart"
    }
    fn address(&self) -> SocketAddr;
    fn path(&self) -> &'static str;
    fn token(&self) -> &str {
        ""
    }
    /// Its camera, for those who must name it.
    fn camera(&self) -> &str {
        ""
    }
    fn processes(&self) -> Vec<Process>;
}

/// The plain writer: this program again.
pub(crate) struct Plain {
    child: Child,
    address: SocketAddr,
}

impl Plain {
    pub(crate) fn start(frames: &Path) -> Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .arg("--writer")
            .arg(frames)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("stdout is a pipe")?;
        BufReader::new(stdout).read_line(&mut line)?;
        Ok(Self { child, address: line.trim_end().parse()? })
    }
}

impl Server for Plain {
    fn name(&self) -> &'static str {
        "plain writer"
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn path(&self) -> &'static str {
        "/"
    }

    fn processes(&self) -> Vec<Process> {
        vec![Process::new(self.child.id())]
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// camera-service and its bridge.
pub(crate) struct Bridge {
    service: Service,
    bridge: Program,
    address: SocketAddr,
    camera: String,
    token: String,
}

/// The bridge as one kind of viewer sees it.
pub(crate) struct Face<'a> {
    bridge: &'a Bridge,
    name: &'static str,
    kind: &'static str,
    path: &'static str,
}

impl Bridge {
    pub(crate) fn start(shim: &Shim) -> Result<Self> {
        let config = "[limits]\nconnections = 4096\n\
                      [bridge]\nconnections = 2000\nconnections_per_address = 2000\n";
        let service = Service::builder().shim(shim).config(config).env("RUST_LOG", "warn").start();
        let camera = service.json(&["list"])[0]["id"].as_str().context("a camera")?.to_owned();
        let made = service.json(&["token", "add", "viewers", "--scope", "watch"]);
        let token = made["token"].as_str().context("a token is made")?.to_owned();
        let address = free_address()?;
        let config = service.config_file().to_string_lossy().into_owned();
        let mut command = service.command();
        command.args(["bridge", "--listen", &address.to_string(), "--config", &config]);
        let bridge = Program::start("the bridge", command.env("RUST_LOG", "warn"));
        listens(address);
        Ok(Self { service, bridge, address, camera, token })
    }

    pub(crate) fn multipart(&self) -> Face<'_> {
        Face { bridge: self, name: "bridge, multipart", kind: "multipart", path: "/stream" }
    }

    pub(crate) fn websocket(&self) -> Face<'_> {
        Face { bridge: self, name: "bridge, WebSocket", kind: "websocket", path: "/ws" }
    }

    pub(crate) fn process(&self) -> Process {
        *self.bridge
    }

    /// Whether the camera is open or watched.
    pub(crate) fn is_watched(&self) -> bool {
        let camera = &self.service.json(&["list"])[0];
        camera["watchers"] != 0 || camera["state"] != "closed"
    }
}

impl Server for Face<'_> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn kind(&self) -> &'static str {
        self.kind
    }

    fn address(&self) -> SocketAddr {
        self.bridge.address
    }

    fn path(&self) -> &'static str {
        self.path
    }

    fn token(&self) -> &str {
        &self.bridge.token
    }

    fn camera(&self) -> &str {
        &self.bridge.camera
    }

    fn processes(&self) -> Vec<Process> {
        vec![*self.bridge.bridge, **self.bridge.service]
    }
}

/// Debian's µStreamer.
pub(crate) struct Ustreamer {
    program: Program,
    address: SocketAddr,
}

impl Ustreamer {
    pub(crate) fn start(shim: &Shim) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new("ustreamer");
        command
            .args(["--device", Shim::DEVICE, "--resolution", "1280x720", "--format", "MJPEG"])
            .args([
                "--encoder",
                "HW",
                "--desired-fps",
                "30",
                "--host",
                "127.0.0.1",
                "--tcp-nodelay",
            ])
            .args(["--port", &address.port().to_string()])
            .envs(shim.env());
        let program = Program::start("ustreamer", &mut command);
        listens(address);
        Ok(Self { program, address })
    }
}

impl Server for Ustreamer {
    fn name(&self) -> &'static str {
        "ustreamer"
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn path(&self) -> &'static str {
        "/stream"
    }

    fn processes(&self) -> Vec<Process> {
        vec![*self.program]
    }
}

/// An address that nobody listens at.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn listens(address: SocketAddr) {
    wait_until(&format!("a server at {address}"), START, || {
        TcpStream::connect(address).map_err(|error| error.to_string())
    });
}

/// Time that all CPUs together were not idle so far.
pub(crate) fn busy() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().context("/proc/stat has a first line")?;
    // user nice system idle iowait irq softirq steal, in hundredths of a second.
    let times: Vec<u64> = line.split_whitespace().skip(1).flat_map(str::parse).collect();
    Ok(Duration::from_millis((times[..3].iter().sum::<u64>() + times[5] + times[6]) * 10))
}
