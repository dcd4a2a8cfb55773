//! A process confined as the bridge is, and what it can still do.
//!
//! The test program runs itself again for the one test that is called in it; that one confines
//! itself, tries, and prints a line for each attempt. Nothing of the tests' own process is given up.

use std::{
    fs::{self, File, OpenOptions},
    io,
    net::{TcpListener, TcpStream, UdpSocket},
    os::unix::net::{UnixDatagram, UnixListener, UnixStream},
    path::Path,
    process::Command,
};

use camera_service::bridge::confine::{Needs, confine};

/// In the environment of the confined process: the device that it tries to open.
const DEVICE: &str = "CONFINED_TRIES_DEVICE";

/// What a confined process could do, and what it said of itself.
#[derive(Debug)]
pub struct Tried {
    said: String,
}

impl Tried {
    /// Whether `what` succeeded.
    ///
    /// # Panics
    ///
    /// Where it was not tried.
    #[must_use]
    pub fn could(&self, what: &str) -> bool {
        let found = self.said.lines().find_map(|line| line.split_once(&format!("tried {what}: ")));
        let (_, result) = found.unwrap_or_else(|| panic!("{what} was not tried:\n{}", self.said));
        result == "done"
    }

    /// Whether the kernel of this machine confines `part`: files or calls.
    #[must_use]
    pub fn is_confined(&self, part: &str) -> bool {
        self.said.contains(&format!("confined {part}: true"))
    }
}

/// Runs the test `name` of this program in a process of its own; it is to call
/// [`attempt_when_asked`]. `device` is what it tries to open.
///
/// # Panics
///
/// Where that process fails.
#[must_use]
pub fn run(name: &str, device: &str) -> Tried {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program)
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(DEVICE, device)
        .output()
        .expect("this program runs again");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{said}\n{errors}", output.status);
    Tried { said }
}

/// In the process that [`run`] started: confines itself and tries. In every other: nothing.
pub fn attempt_when_asked() {
    let Ok(device) = std::env::var(DEVICE) else { return };
    let own = tempfile::tempdir().expect("a folder");
    let other = tempfile::tempdir().expect("a folder");
    fs::write(own.path().join("kept"), "a").expect("written");
    fs::write(other.path().join("private"), "a").expect("written");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let unix = other.path().join("socket");
    let _unix = UnixListener::bind(&unix).expect("a socket");
    let needs = Needs { read: Vec::new(), write: vec![own.path().into()], connects: false };
    // The framework's thread stays as it is, to report; what is confined is this one.
    let attempts = move || {
        let confined = confine(&needs).expect("confined");
        println!("\nconfined files: {}", confined.files);
        println!("confined calls: {}", confined.calls);
        attempt("to open the device", File::open(&device));
        attempt("to write the device", OpenOptions::new().write(true).open(&device));
        attempt("to read a private file", fs::read(other.path().join("private")));
        attempt("to write elsewhere", fs::write(other.path().join("new"), "b"));
        attempt("to read /etc/passwd", fs::read("/etc/passwd"));
        attempt("to list /", fs::read_dir("/"));
        attempt("to read its own", fs::read(own.path().join("kept")));
        attempt("to write its own", replace(own.path()));
        attempt("to run a program", Command::new("/bin/true").status());
        attempt("to signal its parent", signal_parent());
        attempt("to limit its parent", limit_parent());
        attempt("to send a datagram", send_datagram());
        attempt("to send to a path", UnixDatagram::pair());
        attempt("to connect to a socket", UnixStream::connect(&unix));
        attempt("to connect elsewhere", TcpStream::connect(address));
        attempt("to listen", TcpListener::bind("127.0.0.1:0"));
        (own, other)
    };
    // The folders are removed by a thread that may.
    drop(std::thread::spawn(attempts).join().expect("the confined thread"));
}

fn replace(folder: &Path) -> io::Result<()> {
    fs::write(folder.join("new"), "b")?;
    fs::rename(folder.join("new"), folder.join("kept"))
}

fn signal_parent() -> io::Result<()> {
    let parent = rustix::process::getppid().expect("a parent");
    rustix::process::test_kill_process(parent).map_err(io::Error::from)
}

/// To what it is limited to.
fn limit_parent() -> io::Result<()> {
    use rustix::process::{Resource, getppid, getrlimit, prlimit};

    let limit = getrlimit(Resource::Nofile);
    prlimit(getppid(), Resource::Nofile, limit).map(drop).map_err(io::Error::from)
}

fn send_datagram() -> io::Result<usize> {
    let (sender, receiver) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    sender.send_to(b"a", receiver.local_addr()?)
}

fn attempt<T>(what: &str, result: io::Result<T>) {
    match result {
        Ok(_) => println!("tried {what}: done"),
        Err(error) => println!("tried {what}: {error}"),
    }
}
