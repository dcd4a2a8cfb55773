//! A pretended V4L2 camera at native speed: `tests/shim/v4l2shim.c`, preloaded into the service.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    thread,
    time::Duration,
};

use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use crate::binary;

/// How often the library looks at its control file, and a little more.
const LOOKED_AT: Duration = Duration::from_millis(30);

/// A pretended camera, seen by the programs that get its environment; they share its state.
pub struct Shim {
    folder: TempDir,
    env: Vec<(OsString, OsString)>,
}

impl Shim {
    /// The device file that the camera has; there is no such file for others.
    pub const DEVICE: &str = "/dev/video90";
    /// Name of the thread, in every process that streams from it, that plays the hardware.
    pub const THREAD: &str = "v4l2shim";

    /// A camera with MJPG and YUYV, 640×480, 1280×720 and 1920×1080, at up to 120 frames a second.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("the temporary folder can be written");
        let within = |name: &str| folder.path().join(name).into_os_string();
        let frames = binary::workspace().join("tests/vm/uvcsim/frames");
        let env = [
            ("LD_PRELOAD", library().as_os_str().to_owned()),
            ("V4L2SHIM_DEV", Self::DEVICE.into()),
            ("V4L2SHIM_JPEG_DIR", frames.into()),
            ("V4L2SHIM_CTL", within("mode")),
            ("V4L2SHIM_STATE", within("state")),
            ("V4L2SHIM_LOCK", within("lock")),
        ];
        let env = env.into_iter().map(|(name, value)| (name.into(), value)).collect();
        Self { folder, env }
    }

    /// Has its unplugging and plugging in be noticed as the kernel's devices' is, also while nobody
    /// streams from it.
    #[must_use]
    pub fn pluggable(self) -> Self {
        let folder = self.plug_folder();
        fs::create_dir(&folder).expect("a folder can be made");
        let shim = self.with("V4L2SHIM_PLUG", &folder.to_string_lossy());
        shim.run();
        shim
    }

    /// Sets one of the further variables that the head of `v4l2shim.c` explains.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// The environment of a program that is to see the camera.
    pub fn env(&self) -> impl Iterator<Item = (OsString, OsString)> {
        self.env.clone().into_iter()
    }

    /// Frames come (again), and all calls return; after [`Shim::disconnect`] this is the replug.
    pub fn run(&self) {
        let anew = self.plug();
        self.set("run");
        if anew {
            // On a busy disk it may have been looked at before it runs.
            self.touch();
        }
    }

    /// Tells that it is plugged in, where that was not told: for one that was made to
    /// [`Shim::hang`] after [`Shim::disconnect`]. Returns whether it was not.
    pub fn plug(&self) -> bool {
        let (folder, file) = (self.plug_folder(), self.plug_file());
        let anew = folder.is_dir() && !file.exists();
        if anew {
            fs::write(file, "").expect("a file can be written");
        }
        anew
    }

    /// No frames come.
    pub fn stall(&self) {
        self.set("stall");
    }

    /// It is unplugged.
    pub fn disconnect(&self) {
        self.set("disconnect");
        if self.plug_file().exists() {
            fs::remove_file(self.plug_file()).expect("a file can be removed");
        }
    }

    /// Half frames come.
    pub fn truncate(&self) {
        self.set("truncate");
    }

    /// Frames come marked as damaged.
    pub fn error(&self) {
        self.set("error");
    }

    /// Streaming is refused, as when another program streams.
    pub fn busy(&self) {
        self.set("busy");
    }

    /// Streaming, and taking a frame, fails with EIO.
    pub fn eio(&self) {
        self.set("eio");
    }

    /// Frames come, but a call does not return before [`Shim::run`]: `open`, `dqbuf`, `streamoff`,
    /// `control` (setting one) or `modes` (asking for formats).
    pub fn hang(&self, call: &str) {
        self.set(&format!("run hang={call}"));
        // The file is looked at that often; calls until then may still return.
        thread::sleep(LOOKED_AT);
    }

    /// Has whoever watches for devices look again: a permission changes, as udev does it.
    pub fn touch(&self) {
        let file = self.plug_file();
        fs::metadata(&file)
            .and_then(|data| fs::set_permissions(&file, data.permissions()))
            .expect("it is plugged in");
    }

    fn plug_folder(&self) -> PathBuf {
        self.folder.path().join("plug")
    }

    fn plug_file(&self) -> PathBuf {
        self.plug_folder().join(Path::new(Self::DEVICE).file_name().expect("it has a name"))
    }

    fn set(&self, mode: &str) {
        // Renamed into place, since an empty file means `run`.
        let (new, file) = (self.folder.path().join("mode.new"), self.folder.path().join("mode"));
        fs::write(&new, mode)
            .and_then(|()| fs::rename(&new, &file))
            .expect("a file can be written");
    }
}

impl Default for Shim {
    fn default() -> Self {
        Self::new()
    }
}

/// The library, compiled when it is missing or older than its source.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = binary::workspace().join("tests/shim/v4l2shim.c");
        let folder = binary::profile_folder();
        let library = folder.join("v4l2shim.so");
        let lock = fs::File::create(folder.join(".v4l2shim.lock")).expect("a lock can be made");
        flock(&lock, FlockOperation::LockExclusive).expect("a file can be locked");
        let modified = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
        if modified(&library) <= modified(&source) {
            compile(&source, &library);
        }
        library
    })
}

fn compile(source: &Path, library: &Path) {
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    let out = Command::new(&compiler)
        .args(["-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-o"])
        .args([library, source])
        .args(["-ldl", "-lpthread"])
        .output()
        .unwrap_or_else(|error| panic!("cannot start {}: {error}", compiler.display()));
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "cannot compile {}:\n{errors}", source.display());
}
