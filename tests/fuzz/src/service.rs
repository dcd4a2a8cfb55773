//! The whole service in this process, on a thread of its own, kept over inputs: each is a sequence
//! of actions on connections to it (`tests::hostile`).
//!
//! A panic on any thread aborts, as libfuzzer-sys has it, also where the service would go on.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::{Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use camera_service::{
    config::Config,
    serve::{self, Options, ServeError},
};
use protocol::endpoint::Endpoint;
use tests::hostile;

/// How long the service may take to listen, and to end.
const PATIENCE: Duration = Duration::from_secs(20);

static RUNNING: Mutex<Option<Running>> = Mutex::new(None);

struct Running {
    thread: JoinHandle<Result<(), ServeError>>,
    socket: PathBuf,
}

/// Does what `input` says to the service, which must then be as it was.
pub fn play(input: &[u8]) {
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let service = running.take().unwrap_or_else(Running::start);
    let left = hostile::play(&service.socket, input);
    match hostile::settle(&service.socket, left) {
        Ok(()) => *running = Some(service),
        // A byte that was changed told it to end.
        Err(hostile::Gone) => service.join(),
    }
}

impl Running {
    fn start() -> Self {
        let folder = env::temp_dir().join(format!("camera-service-fuzz-{}", process::id()));
        fs::create_dir_all(&folder).expect("the temporary folder can be written");
        // SAFETY: no other thread of this process runs yet, or reads the environment: the service
        // before has ended, and libFuzzer has threads of its own for other things only.
        unsafe { env::set_var("XDG_STATE_HOME", &folder) };
        let socket = folder.join("fuzz.sock");
        let config_path = folder.join("config.toml");
        // It is read again whenever an input says so.
        fs::write(&config_path, hostile::CONFIG).expect("the configuration can be written");
        let (config, config_path) = Config::load(Some(&config_path)).expect("it is valid");
        let options = Options {
            config,
            config_path,
            config_is_named: true,
            test_cameras: vec![hostile::CAMERA.parse().expect("a mode")],
            started_by: None,
            endpoint: Some(Endpoint::at(&socket)),
        };
        let thread = thread::spawn(move || serve::run(options));
        wait("the service to listen", || is_listening(&socket));
        Self { thread, socket }
    }

    fn join(self) {
        wait("the service to end", || self.thread.is_finished());
        let ended = self.thread.join().expect("a panic would have aborted");
        ended.expect("it ends as it was told to");
    }
}

fn is_listening(socket: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(socket).is_ok()
}

#[track_caller]
fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        thread::sleep(Duration::from_millis(1));
    }
}
