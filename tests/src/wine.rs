//! The Windows programs, run under Wine from outside: for what is seen on a screen, or from another
//! machine.
//!
//! `tests/windows/win-check.sh` has Wine; `WINDOWS_PROGRAMS` names the folder of the programs, which
//! `tests/windows/run.sh` builds.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;

use crate::{Display, Output, Program, QUICK, binary::workspace, wait_until};

/// The first program makes the prefix, which takes a while on a busy machine.
const START: Duration = Duration::from_secs(180);
const COMMAND: Duration = Duration::from_secs(60);

/// A screen and what runs on it. All programs meet: they are of one Wine prefix.
pub struct Wine {
    display: Display,
    folder: TempDir,
    prefix: PathBuf,
}

impl Wine {
    /// Starts a screen.
    #[track_caller]
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("camera-service-wine-").tempdir();
        let folder = folder.expect("the temporary folder can be written");
        // Kept from run to run: to make one takes longer than the tests.
        let prefix = programs().join("wine-prefix");
        fs::create_dir_all(&prefix).expect("a folder for the prefix");
        Self { display: Display::start(), folder, prefix }
    }

    /// Its screen.
    pub fn display(&self) -> &Display {
        &self.display
    }

    /// A folder of this test's.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts one of the programs.
    #[track_caller]
    pub fn program(&self, name: &str, args: &[&str], variables: &[(&str, &str)]) -> Program {
        let exe = programs().join(name).with_extension("exe");
        let mut command = self.script();
        command.args(["run", "-x"]).arg(exe).args(args);
        command.envs(variables.iter().copied());
        Program::start(&format!("{name} {}", args.join(" ")), &mut command)
    }

    /// Starts the service with a test camera and this configuration besides quick timeouts, and
    /// waits until it answers.
    #[track_caller]
    pub fn service(&self, mode: &str, config: &str) -> Program {
        let file = self.folder().join("test.toml");
        fs::write(&file, format!("{QUICK}\n{config}")).expect("the configuration can be written");
        let args = ["serve", "--test-camera", mode, "--config"];
        let file = windows_path(&file);
        let mut service = self.program("camera-service", &[&args[..], &[&file]].concat(), &[]);
        wait_until("the service to answer", START, || {
            assert!(service.is_running(), "the service has ended: {}", service.stderr());
            let out = self.cli(&["list"]);
            if out.code() == Some(0) { Ok(()) } else { Err(format!("{out:?}")) }
        });
        service
    }

    /// Runs `camera-service` to its end.
    #[track_caller]
    pub fn cli(&self, args: &[&str]) -> Output {
        self.program("camera-service", args, &[]).wait(START.max(COMMAND))
    }

    fn script(&self) -> Command {
        let mut command = Command::new(workspace().join("tests/windows/win-check.sh"));
        let state = OsString::from(windows_path(&self.folder().join("state")));
        command
            .env("WINX_PREFIX", &self.prefix)
            .env("DISPLAY", self.display.name())
            .env("XDG_STATE_HOME", state)
            .env("CAMERA_SERVICE_SOCKET", self.pipe())
            .env("RUST_LOG", "debug,wgpu=warn,naga=warn");
        command
    }

    fn pipe(&self) -> String {
        let name = self.folder().file_name().expect("a temporary folder has a name");
        format!(r"\\.\pipe\{}", name.to_string_lossy())
    }
}

impl Drop for Wine {
    fn drop(&mut self) {
        // What was started through a script does not end with it. One with a screen has a prefix
        // of that name.
        let mut prefix = self.prefix.clone().into_os_string();
        prefix.push("-x");
        let _ = self.script().env("WINX_PREFIX", prefix).arg("stop").output();
    }
}

fn programs() -> PathBuf {
    let folder = std::env::var_os("WINDOWS_PROGRAMS").map(PathBuf::from);
    folder.expect("tests/windows/run.sh says where the programs are (WINDOWS_PROGRAMS)")
}

/// The name that Wine has for a file of this machine.
pub fn windows_path(path: &Path) -> String {
    format!("Z:{}", path.to_string_lossy().replace('/', r"\"))
}
