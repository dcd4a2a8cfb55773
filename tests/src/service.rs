//! The real service as a child process, with folders and an endpoint of its own.

use std::{
    ffi::{OsStr, OsString},
    fs,
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    time::Duration,
};

use tempfile::TempDir;

#[cfg(unix)]
use crate::Shim;
use crate::{Output, Program, Socket, binary, wait_until};

/// How long the service may take to accept connections. Generous: the guest is slow, and a busy
/// machine no slower.
const START: Duration = Duration::from_secs(30);
/// How long a command may take.
const COMMAND: Duration = Duration::from_secs(60);

/// How a service is to be started.
pub struct Builder {
    folder: TempDir,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    config: String,
    own_socket: bool,
    named_config: bool,
    #[cfg(unix)]
    user: Option<u32>,
}

impl Builder {
    /// Adds a test camera of this mode, such as `640x480@30`.
    #[must_use]
    pub fn test_camera(self, mode: &str) -> Self {
        self.args(&["--test-camera", mode])
    }

    /// Adds arguments for `serve`.
    #[must_use]
    pub fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(OsString::from));
        self
    }

    /// Sets an environment variable for the service alone.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Has the service see the camera of a shim.
    #[cfg(unix)]
    #[must_use]
    pub fn shim(mut self, shim: &Shim) -> Self {
        self.env.extend(shim.env());
        self
    }

    /// Writes this into its configuration file, in place of [`QUICK`].
    #[must_use]
    pub fn config(mut self, text: &str) -> Self {
        text.clone_into(&mut self.config);
        self
    }

    /// Leaves it to the service where its configuration is:
    /// `config/camera-service/config.toml`, which is not there at first.
    #[must_use]
    pub fn default_config(mut self) -> Self {
        self.named_config = false;
        self
    }

    /// Leaves the endpoint to the service: below XDG_RUNTIME_DIR, which still is its own.
    #[cfg(unix)]
    #[must_use]
    pub fn default_endpoint(mut self) -> Self {
        self.own_socket = false;
        self
    }

    /// Runs it, and the commands that speak to it, as this user. Only root may do so.
    #[cfg(unix)]
    #[must_use]
    pub fn user(mut self, id: u32) -> Self {
        self.user = Some(id);
        self
    }

    /// Its runtime folder, to put things there before it starts.
    pub fn runtime_folder(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// Starts it and returns at once: for a service that is to fail.
    #[track_caller]
    pub fn spawn(self) -> Service {
        let folder = self.folder;
        let config = if self.named_config {
            let config = folder.path().join("config/test.toml");
            fs::write(&config, &self.config).expect("the configuration can be written");
            config
        } else {
            folder.path().join("config/camera-service/config.toml")
        };
        let socket = endpoint(folder.path(), self.own_socket);
        #[cfg(unix)]
        if let Some(user) = self.user {
            give_away(folder.path(), user).expect("root can give folders away");
        }
        let (mut args, env) = (self.args, self.env);
        if self.named_config {
            args.extend(["--config".into(), config.clone().into()]);
        }
        let surroundings = Surroundings {
            folder,
            socket,
            own_socket: self.own_socket,
            #[cfg(unix)]
            user: self.user,
            binary: binary::camera_service(),
        };
        let program = surroundings.serve(&args, &env);
        Service { program, config, args, env, surroundings }
    }

    /// Starts it and waits until it accepts connections. Panics with its log when it does not.
    #[track_caller]
    pub fn start(self) -> Service {
        let mut service = self.spawn();
        service.wait_until_ready();
        service
    }
}

/// Timeouts of a tenth of what users have, so that tests need not wait for long.
pub const QUICK: &str = include_str!("quick.toml");

/// A running `camera-service serve`. Dropping it kills it; when that is because a test fails, the
/// end of its log is shown.
///
/// It is a [`Program`], whose log is [`Program::stderr`].
pub struct Service {
    // First, so that the program ends before its folders vanish.
    program: Program,
    config: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    surroundings: Surroundings,
}

/// What the service and the commands that speak to it have in common.
struct Surroundings {
    folder: TempDir,
    socket: PathBuf,
    own_socket: bool,
    #[cfg(unix)]
    user: Option<u32>,
    binary: &'static Path,
}

/// Where the service with this folder listens.
fn endpoint(folder: &Path, own: bool) -> PathBuf {
    if cfg!(windows) {
        // Pipes are in no folder. The temporary folder's name is nobody else's.
        let name = folder.file_name().expect("a temporary folder has a name");
        return PathBuf::from(format!(r"\\.\pipe\{}", name.to_string_lossy()));
    }
    folder.join(if own { "run/test.sock" } else { "run/camera-service/v1.sock" })
}

/// Makes `user` the owner of a folder and of what lies in it.
#[cfg(unix)]
fn give_away(path: &Path, user: u32) -> std::io::Result<()> {
    std::os::unix::fs::chown(path, Some(user), Some(user))?;
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            give_away(&entry?.path(), user)?;
        }
    }
    Ok(())
}

impl Surroundings {
    fn serve(&self, args: &[OsString], env: &[(OsString, OsString)]) -> Program {
        let mut command = self.command();
        command.arg("serve").args(args).envs(env.iter().cloned());
        Program::start("camera-service serve", &mut command)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.binary);
        for name in
            ["LD_PRELOAD", "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "CAMERA_SERVICE_SOCKET"]
        {
            command.env_remove(name);
        }
        let within = |name: &str| self.folder.path().join(name);
        command
            .current_dir(self.folder.path())
            .env("RUST_LOG", "debug")
            .env("HOME", within("home"))
            .env("XDG_RUNTIME_DIR", within("run"))
            .env("XDG_CONFIG_HOME", within("config"))
            .env("XDG_STATE_HOME", within("state"))
            .env("XDG_DATA_HOME", within("data"))
            .env("XDG_CACHE_HOME", within("cache"));
        if self.own_socket {
            command.env("CAMERA_SERVICE_SOCKET", &self.socket);
        }
        #[cfg(unix)]
        if let Some(user) = self.user {
            use std::os::unix::process::CommandExt as _;
            command.uid(user).gid(user);
        }
        command
    }
}

impl Service {
    /// A service to be adjusted before it starts: no cameras of its own yet, [`QUICK`] timeouts.
    pub fn builder() -> Builder {
        let folder = tempfile::Builder::new().prefix("camera-service-").tempdir();
        let folder = folder.expect("the temporary folder can be written");
        for name in ["home", "run", "config", "state", "data", "cache"] {
            let path = folder.path().join(name);
            fs::create_dir(&path).expect("a folder can be made");
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                let private = fs::Permissions::from_mode(0o700);
                fs::set_permissions(&path, private).expect("it is this user's");
            }
        }
        Builder {
            folder,
            args: vec![],
            env: vec![],
            config: QUICK.to_owned(),
            own_socket: true,
            named_config: true,
            #[cfg(unix)]
            user: None,
        }
    }

    /// A service with one test camera, `test:0`, of 320×240 at 30 frames a second.
    #[track_caller]
    pub fn start() -> Self {
        Self::builder().test_camera("320x240@30").start()
    }

    /// Waits until it accepts connections.
    #[track_caller]
    pub fn wait_until_ready(&mut self) {
        let socket = self.surroundings.socket.clone();
        wait_until("the service to accept connections", START, || {
            if let Some(status) = self.program.exit_status() {
                panic!("the service has ended ({status}):\n{}", self.program.stderr());
            }
            Socket::connect(&socket)
                .map(drop)
                .map_err(|error| format!("{}: {error}", socket.display()))
        });
    }

    /// Its socket.
    pub fn socket(&self) -> &Path {
        &self.surroundings.socket
    }

    /// The temporary folder with `run`, `config`, `state`, `data`, `cache` and `home`.
    pub fn folder(&self) -> &Path {
        self.surroundings.folder.path()
    }

    /// Its configuration file.
    pub fn config_file(&self) -> &Path {
        &self.config
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        self.program.stderr()
    }

    /// The binary with the environment to speak to this service.
    pub fn command(&self) -> Command {
        self.surroundings.command()
    }

    /// Runs `camera-service` with these arguments to its end.
    #[track_caller]
    pub fn cli(&self, args: &[impl AsRef<OsStr>]) -> Output {
        self.cli_start(args).wait(COMMAND)
    }

    /// Starts `camera-service` with these arguments, for commands that go on.
    #[track_caller]
    pub fn cli_start(&self, args: &[impl AsRef<OsStr>]) -> Program {
        let words: Vec<_> = args.iter().map(|arg| arg.as_ref().to_string_lossy()).collect();
        Program::start(&format!("camera-service {}", words.join(" ")), self.command().args(args))
    }

    /// Runs `args` with `--json` and returns what it printed.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> serde_json::Value {
        self.cli(&[args, &["--json"]].concat()).json()
    }

    /// Asks it to end, waits, and returns how it ended.
    #[track_caller]
    pub fn stop(mut self) -> Output {
        self.program.terminate()
    }

    /// Asks it to end, waits, and starts it anew with the same arguments and folders,
    /// in which `meanwhile` may change things. Returns how it ended.
    #[track_caller]
    pub fn restart(&mut self, meanwhile: impl FnOnce(&Path)) -> Output {
        // One that answers is past its start, and ends as it should.
        self.cli(&["status"]).ok();
        let ended = self.program.terminate();
        meanwhile(self.folder());
        self.start_again();
        ended
    }

    /// Starts it anew, which has ended or was killed, with the same arguments and folders.
    #[track_caller]
    pub fn start_again(&mut self) {
        self.program.kill();
        self.program = self.surroundings.serve(&self.args, &self.env);
        self.wait_until_ready();
    }

    /// Its exit status, once it has ended.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        self.program.exit_status()
    }
}

impl Deref for Service {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.program
    }
}

impl DerefMut for Service {
    fn deref_mut(&mut self) -> &mut Program {
        &mut self.program
    }
}
