//! A real `systemd --user` for a test, where there can be one (`tests/user-manager.sh`).

use std::{
    ffi::OsStr,
    fs,
    io::Read as _,
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use crate::{Output, Program, binary, wait_until};

const PATIENCE: Duration = Duration::from_secs(30);
const COMMAND: Duration = Duration::from_secs(60);
/// How the script says that there can be none.
const NONE: i32 = 77;

/// A user manager with folders of its own. It ends with this.
pub struct Manager {
    script: Child,
    user: Option<u32>,
    logind: bool,
    folder: TempDir,
}

impl Manager {
    /// Starts one, of root or of the user with this id. Where there can be none, says so on
    /// stderr: `None`.
    #[track_caller]
    pub fn start(user: Option<u32>) -> Option<Self> {
        Self::run(user, false)
    }

    /// Likewise, with a logind beside it, which has to know the user.
    #[track_caller]
    pub fn with_logind(user: Option<u32>) -> Option<Self> {
        Self::run(user, true)
    }

    #[track_caller]
    fn run(user: Option<u32>, logind: bool) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("manager-").tempdir().expect("a folder");
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(folder.path(), open).expect("it is ours");
        let script = binary::workspace().join("tests/user-manager.sh");
        let mut command = Command::new(script);
        if let Some(user) = user {
            command.arg("--uid").arg(user.to_string());
        }
        if logind {
            command.arg("--logind");
        }
        // It ends when its input does, also when the test is killed.
        command.arg(folder.path()).arg("cat").stdin(Stdio::piped()).stdout(Stdio::null());
        let script = command.stderr(Stdio::piped()).spawn().expect("bash is there");
        let mut manager = Self { script, user, logind, folder };
        let runs = wait_until("the user manager to run", PATIENCE, || {
            if let Some(status) = manager.script.try_wait().expect("a child can be asked") {
                let mut said = String::new();
                let stderr = manager.script.stderr.as_mut().expect("a pipe");
                stderr.read_to_string(&mut said).expect("text");
                assert_eq!(status.code(), Some(NONE), "{said}");
                eprintln!("SKIPPED, no user manager can be run here: {said}");
                return Ok(false);
            }
            if !manager.within("pid").exists() {
                return Err("it has no mounts yet".to_owned());
            }
            let active = manager.systemctl(&["is-active", "basic.target"]);
            if active.code() == Some(0) { Ok(true) } else { Err(format!("{active:?}")) }
        });
        runs.then_some(manager)
    }

    /// The folder with `run`, `config`, `state`, `data`, `cache` and `home`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The service's own folder below one of those.
    pub fn within(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// A program with the environment of this manager's user, to be started as that user.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        // As the manager's user, without the groups of whoever runs the test.
        let mut command = Command::new("setpriv");
        if self.logind {
            // What it has done shows in its own mounts only.
            let pid = fs::read_to_string(self.within("pid")).expect("the manager runs");
            command = Command::new("nsenter");
            command.args(["--target", pid.trim(), "--mount", "--wd"]).arg("setpriv");
        }
        if let Some(user) = self.user {
            command.args([format!("--reuid={user}"), format!("--regid={user}")]);
            command.arg("--clear-groups");
        }
        command.arg("--").arg(program).current_dir(self.folder());
        for name in ["CAMERA_SERVICE_SOCKET", "DBUS_SESSION_BUS_ADDRESS", "LD_PRELOAD"] {
            command.env_remove(name);
        }
        command
            .env("HOME", self.within("home"))
            .env("XDG_RUNTIME_DIR", self.within("run"))
            .env("XDG_CONFIG_HOME", self.within("config"))
            .env("XDG_STATE_HOME", self.within("state"))
            .env("XDG_DATA_HOME", self.within("data"))
            .env("XDG_CACHE_HOME", self.within("cache"));
        command
    }

    /// Runs `camera-service` as a user of this manager does.
    #[track_caller]
    pub fn cli(&self, args: &[&str]) -> Output {
        self.cli_start(args).wait(COMMAND)
    }

    /// Starts `camera-service` likewise, for commands that go on.
    #[track_caller]
    pub fn cli_start(&self, args: &[&str]) -> Program {
        let mut command = self.command(binary::camera_service());
        Program::start(&format!("camera-service {}", args.join(" ")), command.args(args))
    }

    /// Runs `systemctl --user`.
    #[track_caller]
    pub fn systemctl(&self, args: &[&str]) -> Output {
        let mut command = self.command("systemctl");
        let name = format!("systemctl --user {}", args.join(" "));
        Program::start(&name, command.arg("--user").args(args)).wait(COMMAND)
    }

    /// A property of a unit.
    #[track_caller]
    pub fn property(&self, unit: &str, name: &str) -> String {
        let property = format!("--property={name}");
        self.systemctl(&["show", "--value", &property, unit]).ok().text().trim().to_owned()
    }

    /// Makes the manager's user the owner of a file.
    pub fn give(&self, path: &Path) {
        chown(path, self.user, self.user).expect("root can give files away");
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = fs::read_to_string(self.within("manager.log")).unwrap_or_default();
            eprintln!("--- the user manager logged:\n{log}");
            let log = fs::read_to_string(self.within("logind.log")).unwrap_or_default();
            eprintln!("--- logind logged:\n{log}");
        }
        drop(self.script.stdin.take());
        // Its end is the end of all that it ran; the folder is removed after.
        let _ = self.script.wait();
    }
}
