//! A service manager's side of the service: a socket passed to it, what it tells of its readiness
//! and life, and what it does with a socket that is not its own.

use std::{
    fs,
    os::{
        fd::OwnedFd,
        unix::net::{UnixDatagram, UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tests::{Process, Program, Signal, binary, wait_until};

const PATIENCE: Duration = Duration::from_secs(30);

/// A service manager as small as one can be: it listens for the service, and to it.
struct Parent {
    folder: TempDir,
    told: UnixDatagram,
}

impl Parent {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let told = UnixDatagram::bind(folder.path().join("notify")).expect("bound");
        told.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout");
        Self { folder, told }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("v1.sock")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(binary::camera_service());
        self.adjust(&mut command);
        command
    }

    fn adjust(&self, command: &mut Command) {
        let within = |name: &str| self.folder.path().join(name);
        for name in ["CAMERA_SERVICE_SOCKET", "LD_PRELOAD", "SYSTEMD_EXEC_PID"] {
            command.env_remove(name);
        }
        command
            .env("HOME", within("home"))
            .env("XDG_RUNTIME_DIR", within("run"))
            .env("XDG_CONFIG_HOME", within("config"))
            .env("XDG_STATE_HOME", within("state"));
    }

    /// Starts the service with `passed` as its only descriptor beside the usual ones.
    fn start(&self, passed: OwnedFd, watchdog: Duration) -> Program {
        let mut command = Command::new("sh");
        // The descriptor comes as standard input; the process is to know that it is meant.
        let script =
            "exec 3<&0 </dev/null; export LISTEN_PID=$$ WATCHDOG_PID=$$; exec \"$0\" \"$@\"";
        command.arg("-c").arg(script).arg(binary::camera_service());
        command.args(["serve", "--test-camera", "320x240@30"]);
        self.adjust(&mut command);
        command
            .env("LISTEN_FDS", "1")
            .env("NOTIFY_SOCKET", self.folder.path().join("notify"))
            .env("WATCHDOG_USEC", watchdog.as_micros().to_string());
        Program::start_with("camera-service serve", &mut command, Stdio::from(passed))
    }

    /// What the service says next, line by line; empty where it says nothing for a while.
    fn hear(&self) -> Vec<String> {
        let mut text = [0; 4096];
        let Ok(length) = self.told.recv(&mut text) else { return Vec::new() };
        let text = String::from_utf8_lossy(&text[..length]).into_owned();
        text.lines().map(str::to_owned).collect()
    }

    #[track_caller]
    fn wait_for(&self, line: &str) -> Vec<String> {
        wait_until(&format!("{line:?}"), PATIENCE, || {
            let heard = self.hear();
            if heard.iter().any(|heard| heard == line) {
                Ok(heard)
            } else {
                Err(format!("{heard:?}"))
            }
        })
    }

    fn cli(&self, args: &[&str]) -> tests::Output {
        let mut command = self.command();
        command.arg("--socket").arg(self.socket()).args(args);
        Program::start(&format!("camera-service {}", args.join(" ")), &mut command).wait(PATIENCE)
    }
}

#[test]
fn it_serves_the_socket_that_was_passed_and_leaves_it_there() {
    let parent = Parent::new();
    let listener = UnixListener::bind(parent.socket()).expect("bound");
    let inode = |path: &Path| {
        use std::os::unix::fs::MetadataExt as _;
        fs::metadata(path).expect("it is there").ino()
    };
    let before = inode(&parent.socket());
    let mut pids = Vec::new();
    for round in 0..2 {
        // Who asks before it runs is served all the same.
        let mut early = parent.command();
        early.arg("--socket").arg(parent.socket()).args(["list", "--json"]);
        let mut early = Program::start("camera-service list", &mut early);
        let mut service = parent
            .start(listener.try_clone().expect("a descriptor").into(), Duration::from_secs(60));
        let ready = parent.wait_for("READY=1");
        let listening = format!("STATUS=listening at {}", parent.socket().display());
        assert!(ready.contains(&listening), "{ready:?}");
        assert_eq!(early.wait(PATIENCE).json()[0]["id"], "test:0", "round {round}");
        let status = parent.cli(&["status", "--json"]).json();
        assert_eq!(status["started_by"], "systemd, at its socket", "{status}");
        assert_eq!(status["endpoint"], parent.socket().display().to_string());
        assert_eq!(status["pid"], service.pid(), "{status}");
        pids.push(service.pid());

        // By hand there is no place for a second one, and the first is named: not the process
        // that listens for it.
        let second = parent.cli(&["serve"]).expect_code(3);
        assert!(second.stderr.contains(&format!("pid {}", service.pid())), "{second:?}");

        let ended = service.terminate();
        assert_eq!(ended.code(), Some(0), "{ended:?}");
        parent.wait_for("STOPPING=1");
        assert_eq!(inode(&parent.socket()), before, "the socket is its parent's");
        assert!(UnixStream::connect(parent.socket()).is_ok(), "which listens there still");
    }
    assert_ne!(pids[0], pids[1]);
}

#[test]
fn it_says_that_it_lives_as_often_as_is_wanted_and_only_while_it_does() {
    let parent = Parent::new();
    let listener = UnixListener::bind(parent.socket()).expect("bound");
    let within = Duration::from_millis(600);
    let service = parent.start(listener.into(), within);
    parent.wait_for("READY=1");
    let mut last = Instant::now();
    let mut longest = Duration::ZERO;
    for _ in 0..10 {
        parent.wait_for("WATCHDOG=1");
        longest = longest.max(last.elapsed());
        last = Instant::now();
    }
    assert!(longest < within, "{longest:?}");
    Process::new(service.pid()).signal(Signal::STOP);
    // What was said before is heard first.
    while !parent.hear().is_empty() {}
    let silent = Instant::now();
    while silent.elapsed() < within * 2 {
        assert_eq!(parent.hear(), [""; 0], "it is stopped");
    }
    Process::new(service.pid()).signal(Signal::CONT);
    parent.wait_for("WATCHDOG=1");
}

#[test]
fn a_socket_that_cannot_be_served_is_an_error_that_says_why() {
    let parent = Parent::new();
    let file = fs::File::create(parent.folder.path().join("file")).expect("a file");
    let datagrams = UnixDatagram::bind(parent.folder.path().join("datagrams")).expect("bound");
    let (unbound, _other) = UnixStream::pair().expect("a pair");
    for passed in [OwnedFd::from(file), datagrams.into(), unbound.into()] {
        let mut service = parent.start(passed, PATIENCE);
        let ended = service.wait(PATIENCE).expect_code(1);
        assert!(ended.stderr.contains("cannot start"), "{ended:?}");
    }
}

#[test]
fn one_that_is_still_leaving_is_waited_for() {
    let parent = Parent::new();
    let lock = fs::File::create(parent.folder.path().join("v1.lock")).expect("a file");
    lock.lock().expect("locked");
    let listener = UnixListener::bind(parent.socket()).expect("bound");
    let mut service = parent.start(listener.into(), PATIENCE);
    std::thread::sleep(Duration::from_millis(300));
    assert!(service.is_running() && parent.hear().is_empty());
    drop(lock);
    parent.wait_for("READY=1");
    parent.cli(&["list"]).ok();
}
