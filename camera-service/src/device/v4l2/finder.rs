//! Which V4L2 cameras there are.
//!
//! Asking a device what it is means opening it, which wakes a USB camera and can hang. So each
//! device file is asked once for as long as it is the same file, on a thread that is given up
//! when it does not come back.

use std::{
    collections::HashMap,
    fs, io,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    time::Duration,
};

use super::{
    V4l2Device, abi, hotplug, identity,
    ioctl::{Capabilities, Node},
    loopback,
};
use crate::device::{self, Descriptor, Device, Error, Watch};

/// How long a device may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(2);

/// Finds the cameras of the kernel's V4L2 drivers.
pub struct Finder {
    probe: Probe,
    patience: Duration,
    known: Arc<Mutex<HashMap<File, Known>>>,
    /// Held while looking, so that one look does not take another's question for a hang.
    looking: Mutex<()>,
}

/// A device file, told from another that later has the same name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct File {
    pub(super) path: PathBuf,
    device: u64,
    inode: u64,
}

/// What a device file turned out to be.
#[derive(Clone)]
enum Known {
    /// It is being asked.
    Asked,
    /// Not a camera.
    Other,
    Camera(Descriptor),
}

/// Asks a device file what it is, and whether it will say the same the next time. May hang.
type Probe = fn(&File) -> Result<(Known, bool), Error>;

impl Default for Finder {
    fn default() -> Self {
        Self::new()
    }
}

impl Finder {
    /// A finder that has not looked yet.
    pub fn new() -> Self {
        Self::asking(probe, PATIENCE)
    }

    fn asking(probe: Probe, patience: Duration) -> Self {
        Self { probe, patience, known: Arc::default(), looking: Mutex::default() }
    }

    /// The cameras among `files`.
    fn look(&self, files: &[File]) -> Vec<Descriptor> {
        let _looking = lock(&self.looking);
        lock(&self.known).retain(|file, _| files.contains(file));
        let mut thread = None;
        files.iter().filter_map(|file| self.ask(file, &mut thread)).collect()
    }

    /// The camera behind `file`, where it is one and says so in time.
    fn ask(&self, file: &File, thread: &mut Option<Thread>) -> Option<Descriptor> {
        match lock(&self.known).get(file) {
            Some(Known::Camera(descriptor)) => return Some(descriptor.clone()),
            Some(Known::Other) => return None,
            Some(Known::Asked) => {
                tracing::warn!(path = %file.path.display(), "still does not answer; left out");
                return None;
            }
            None => {}
        }
        if thread.is_none() {
            *thread = Thread::start(self.probe, self.known.clone())
                .inspect_err(|error| tracing::error!(%error, "cannot look for cameras"))
                .ok();
        }
        match thread.as_ref()?.ask(file, self.patience) {
            Some(Ok(Known::Camera(descriptor))) => Some(descriptor),
            Some(Ok(Known::Other | Known::Asked)) => None,
            Some(Err(Error::Permission(path))) => {
                tracing::warn!(path, "no permission to open it");
                identity::without_opening(&file.path, file.inode, sysfs_node(file).as_deref()?)
            }
            Some(Err(error)) => {
                tracing::info!(path = %file.path.display(), %error, "left out");
                None
            }
            None => {
                let after = self.patience;
                tracing::warn!(path = %file.path.display(), ?after, "no answer; left out");
                // That thread still waits for the device: the next question needs another.
                *thread = None;
                None
            }
        }
    }
}

impl device::Finder for Finder {
    fn enumerate(&self) -> Vec<Arc<dyn Device>> {
        self.look(&device_files())
            .into_iter()
            .map(|descriptor| Arc::new(V4l2Device::new(descriptor)) as Arc<dyn Device>)
            .collect()
    }

    fn watch(&self, changed: Box<dyn Fn() + Send>) -> io::Result<Watch> {
        hotplug::watch(Path::new("/dev"), changed)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A thread that asks devices what they are. It ends with this, or once the device that it
/// hangs in answers.
struct Thread {
    known: Arc<Mutex<HashMap<File, Known>>>,
    questions: mpsc::Sender<File>,
    answers: mpsc::Receiver<Result<Known, Error>>,
}

impl Thread {
    fn start(probe: Probe, known: Arc<Mutex<HashMap<File, Known>>>) -> io::Result<Self> {
        let (questions, inbox) = mpsc::channel::<File>();
        let (outbox, answers) = mpsc::channel();
        let notes = known.clone();
        let asking = move || {
            for file in inbox {
                let answer = probe(&file);
                // Noted here: an answer that comes too late counts for the next look.
                match &answer {
                    Ok((known, true)) => lock(&notes).insert(file, known.clone()),
                    _ => lock(&notes).remove(&file),
                };
                if outbox.send(answer.map(|(known, _)| known)).is_err() {
                    break;
                }
            }
        };
        std::thread::Builder::new().name("v4l2-finder".to_owned()).spawn(asking)?;
        Ok(Self { known, questions, answers })
    }

    /// What `file` says, or nothing where it does not say it in time.
    fn ask(&self, file: &File, patience: Duration) -> Option<Result<Known, Error>> {
        lock(&self.known).insert(file.clone(), Known::Asked);
        self.questions.send(file.clone()).ok()?;
        self.answers.recv_timeout(patience).ok()
    }
}

/// Device files that may be cameras, each once however many names it has, in the order of
/// their numbers.
pub(super) fn device_files() -> Vec<File> {
    let entries = match fs::read_dir("/dev") {
        Ok(entries) => entries,
        Err(error) => {
            tracing::warn!(%error, "cannot list /dev: no cameras");
            return Vec::new();
        }
    };
    let mut files: Vec<File> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("video"))
        .filter_map(|entry| {
            let path = fs::canonicalize(entry.path()).ok()?;
            let metadata = fs::metadata(&path).ok()?;
            let (device, inode) = (metadata.rdev(), metadata.ino());
            metadata.file_type().is_char_device().then_some(File { path, device, inode })
        })
        .collect();
    files.sort_by(|a, b| (a.device, &a.path).cmp(&(b.device, &b.path)));
    files.dedup_by(|a, b| a.device == b.device);
    files
}

/// Opens the file and asks.
fn probe(file: &File) -> Result<(Known, bool), Error> {
    let node = Node::open(&file.path)?;
    let capabilities = node.capabilities()?;
    let sysfs = sysfs_node(file);
    let is_loopback = capabilities.driver == loopback::DRIVER;
    // What a loopback device is changes while its file stays.
    let lasting = !is_loopback;
    let delivers = || !loopback::is_ours(&node) && loopback::has_producer(&node, sysfs.as_deref());
    if !is_camera(&capabilities) || (is_loopback && !delivers()) {
        return Ok((Known::Other, lasting));
    }
    let descriptor = Descriptor {
        identity: identity::identity(&capabilities, sysfs.as_deref()),
        name: capabilities.card,
        driver: capabilities.driver,
        bus: capabilities.bus_info,
        path: Some(file.path.clone()),
        // Each file of /dev is a new one.
        plugged: file.inode,
    };
    Ok((Known::Camera(descriptor), lasting))
}

pub(super) fn sysfs_node(file: &File) -> Option<PathBuf> {
    identity::sysfs_node(rustix::fs::major(file.device), rustix::fs::minor(file.device))
}

/// Whether a node delivers pictures in one plane. Metadata and output nodes do not, nor do
/// codecs, which capture what they are given.
pub(super) fn is_camera(capabilities: &Capabilities) -> bool {
    let has = |bits| capabilities.node & bits == bits;
    // A loopback device is both ends at once; codecs of old, too, but not under this name.
    let output = has(abi::CAP_VIDEO_OUTPUT) && capabilities.driver != loopback::DRIVER;
    has(abi::CAP_VIDEO_CAPTURE | abi::CAP_STREAMING) && !has(abi::CAP_VIDEO_M2M) && !output
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(driver: &str, node: u32) -> Capabilities {
        let word = String::new;
        Capabilities { driver: driver.to_owned(), card: word(), bus_info: word(), node }
    }

    #[test]
    fn only_what_delivers_pictures_is_a_camera() {
        let capture = abi::CAP_VIDEO_CAPTURE | abi::CAP_STREAMING;
        assert!(is_camera(&node("uvcvideo", capture)));
        assert!(!is_camera(&node("uvcvideo", 0x04a0_0000)), "metadata");
        assert!(!is_camera(&node("vivid", abi::CAP_VIDEO_OUTPUT | abi::CAP_STREAMING)));
        assert!(!is_camera(&node("pwc", abi::CAP_VIDEO_CAPTURE)), "no streaming");
        assert!(!is_camera(&node("codec", capture | abi::CAP_VIDEO_M2M)));
        assert!(!is_camera(&node("codec", capture | abi::CAP_VIDEO_OUTPUT)));
        assert!(is_camera(&node("v4l2 loopback", capture | abi::CAP_VIDEO_OUTPUT)));
    }

    fn file(name: &str, inode: u64) -> File {
        File { path: PathBuf::from(name), device: 0, inode }
    }

    fn camera(file: &File) -> Known {
        let identity = device::Identity {
            model: "model".to_owned(),
            serial: None,
            port: file.path.display().to_string(),
        };
        let (name, driver, bus) = (String::new(), String::new(), String::new());
        let path = Some(file.path.clone());
        Known::Camera(Descriptor { identity, name, driver, bus, path, plugged: file.inode })
    }

    fn names(found: &[Descriptor]) -> Vec<&str> {
        found.iter().map(|descriptor| descriptor.identity.port.as_str()).collect()
    }

    #[test]
    fn a_device_that_hangs_is_left_out_until_it_answers() {
        static HANGS: Mutex<()> = Mutex::new(());
        fn probe(file: &File) -> Result<(Known, bool), Error> {
            if file.path == Path::new("hangs") {
                drop(lock(&HANGS));
            }
            Ok((camera(file), true))
        }
        let hold = lock(&HANGS);
        let finder = Finder::asking(probe, Duration::from_millis(100));
        let files = [file("first", 1), file("hangs", 2), file("last", 3)];
        assert_eq!(names(&finder.look(&files)), ["first", "last"]);
        // It is not asked once more: that would take another thread each time.
        let began = std::time::Instant::now();
        assert_eq!(names(&finder.look(&files)), ["first", "last"]);
        assert!(began.elapsed() < Duration::from_millis(100), "asked again");
        drop(hold);
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while names(&finder.look(&files)) != ["first", "hangs", "last"] {
            assert!(std::time::Instant::now() < deadline, "it never answers");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_device_is_asked_once_as_long_as_its_file_is_the_same() {
        use std::sync::atomic::{AtomicU32, Ordering};
        static ASKED: AtomicU32 = AtomicU32::new(0);
        fn probe(file: &File) -> Result<(Known, bool), Error> {
            ASKED.fetch_add(1, Ordering::Relaxed);
            match file.path.to_str() {
                Some("metadata") => Ok((Known::Other, true)),
                Some("loopback") => Ok((camera(file), false)),
                Some("locked") => Err(Error::Busy),
                _ => Ok((camera(file), true)),
            }
        }
        let finder = Finder::asking(probe, PATIENCE);
        let lasting = [file("camera", 1), file("metadata", 2)];
        for _ in 0..3 {
            assert_eq!(names(&finder.look(&lasting)), ["camera"]);
        }
        assert_eq!(ASKED.swap(0, Ordering::Relaxed), 2);
        for _ in 0..3 {
            let changing = [file("loopback", 3), file("locked", 4)];
            assert_eq!(names(&finder.look(&changing)), ["loopback"]);
        }
        assert_eq!(ASKED.swap(0, Ordering::Relaxed), 6);
        // The same name, but another file: it was plugged in again.
        assert_eq!(names(&finder.look(&[file("camera", 5)])), ["camera"]);
        assert_eq!(ASKED.load(Ordering::Relaxed), 1);
    }
}
