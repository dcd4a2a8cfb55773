//! A v4l2loopback device that this program writes into.
//!
//! Frames go out by `write`. In every version of the driver that is one copy into its ring of
//! buffers and waits for nobody, and the driver numbers and stamps frames itself; mapped buffers
//! would be shared with the readers, whose own `VIDIOC_REQBUFS` resets them under the writer
//! (0.12), at no gain.

use std::{
    fs, io,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use protocol::{FrameRate, Holder, Mode, PixelFormat, Size};
use rustix::io::Errno;

use super::{
    abi::{self, Plain as _},
    format, holders, identity,
    ioctl::{Failure, Node},
    loopback,
};
use crate::{config::LOAD_V4L2LOOPBACK, device::Error};

/// How long a device that is set up already is watched for frames of another writer. Cameras
/// deliver some in this time.
const OTHER_WRITER: Duration = Duration::from_millis(500);

/// Between two looks in that time.
const PAUSE: Duration = Duration::from_millis(10);

/// A loopback device, opened and set to one format. While it is there, the device is marked as
/// an output of ours.
pub struct Output {
    pub(super) node: Arc<Node>,
    pub(super) path: PathBuf,
    /// The device's number: its file may go and another come.
    pub(super) device: u64,
    /// Whether the driver tells when somebody reads.
    pub(super) tells_readers: bool,
    /// Whether we rank below all others who have it open, so that the highest rank tells whether
    /// there are any.
    pub(super) is_lowest: bool,
    frame_bytes: usize,
    /// A JPEG has as many bytes as it has; of other formats a frame has all of them.
    whole: bool,
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The driver has it.
    Whole,
    /// It is larger than what the driver has room for, and was left out.
    TooLarge,
}

/// Why a device cannot be written into.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// There is nothing there, or not any more.
    #[error(
        "there is no device {path}; load the driver ({LOAD_V4L2LOOPBACK}) and see which it made (v4l2-ctl --list-devices)"
    )]
    Missing {
        /// Its file.
        path: PathBuf,
    },
    /// The device went away while it was written into.
    #[error("{path} was removed")]
    Removed {
        /// Its file.
        path: PathBuf,
    },
    /// It is something else.
    #[error("{path} is {what}, not an output of v4l2loopback")]
    NotLoopback {
        /// Its file.
        path: PathBuf,
        /// What it is.
        what: String,
    },
    /// Another program writes into it.
    #[error("another program writes into {path} already{by}")]
    InUse {
        /// Its file.
        path: PathBuf,
        /// Which, as far as that can be seen.
        by: String,
    },
    /// It is fixed to another format while others have it open.
    #[error("{path} stays at {has} in place of {wanted} while others have it open{by}")]
    Fixed {
        /// Its file.
        path: PathBuf,
        /// What it is set to.
        has: String,
        /// What it should be set to.
        wanted: String,
        /// Who has it, as far as that can be seen.
        by: String,
    },
    /// The device cannot be opened, or not be written into.
    #[error("{path}: {source}")]
    Device {
        /// Its file.
        path: PathBuf,
        /// What the driver or the system said.
        source: Error,
    },
}

impl Output {
    /// Opens the device at `path` and sets it to `mode`, whose format must be one that is
    /// served. Blocks, for a second at most.
    pub fn open(path: &Path, mode: Mode) -> Result<Self, OutputError> {
        let device = device_number(path)?;
        let node = Node::open(path).map_err(|error| failed(path, error))?;
        let is_output = expect_loopback(&node, path)?;
        if !loopback::mark(&node) {
            return Err(in_use(path));
        }
        let sysfs = identity::sysfs_node(rustix::fs::major(device), rustix::fs::minor(device));
        // What it says while nobody has set it up is nothing.
        let format_file = sysfs.map(|folder| folder.join("format"));
        let was_set = format_file
            .and_then(|file| fs::read_to_string(file).ok())
            .is_some_and(|format| !format.trim().is_empty());
        let tells_readers = subscribe(&node);
        let frame_bytes = set_format(&node, path, mode, is_output)?;
        // Drivers after 0.13 have refused a second writer by now; with others one has to see.
        if was_set && is_written(path) {
            return Err(in_use(path));
        }
        set_rate(&node, mode.rate);
        // Drivers up to 0.13 know by this that it is the writer who closes the device; later ones
        // want buffers first, and know by themselves.
        let mut kind = abi::VIDEO_OUTPUT as libc::c_int;
        let _ = node.stream_on(&mut kind);
        // Last, since a format may be set by those alone who rank with the highest.
        let is_lowest = node.set_priority(&mut abi::PRIORITY_BACKGROUND.clone()).is_ok();
        let whole = mode.format != PixelFormat::Mjpg;
        let (node, path) = (Arc::new(node), path.to_owned());
        Ok(Self { node, path, device, tells_readers, is_lowest, frame_bytes, whole })
    }

    /// Its device file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one frame of the mode that the device was set to.
    pub fn write(&self, frame: &[u8]) -> Result<Written, OutputError> {
        if frame.len() > self.frame_bytes || (self.whole && frame.len() != self.frame_bytes) {
            return Ok(Written::TooLarge);
        }
        match self.node.write(frame) {
            Ok(_) => Ok(Written::Whole),
            Err(Failure { errno: Errno::BUSY, .. }) => Err(in_use(&self.path)),
            Err(failure) => Err(match Error::from(failure) {
                Error::Gone => OutputError::Removed { path: self.path.clone() },
                source => OutputError::Device { path: self.path.clone(), source },
            }),
        }
    }

    /// Tells those who look for cameras that this device has become something else: after the
    /// first frame, with which it becomes one that can be read.
    pub fn tell_of_change(&self) {
        loopback::tell_of_change(&self.path);
    }

    /// Whether the driver tells when somebody reads. Else it is guessed from who has it open.
    pub fn tells_readers(&self) -> bool {
        self.tells_readers
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // The lock may outlast this where the readers' thread still has the device.
        let _ = self.node.file().unlock();
        loopback::tell_of_change(&self.path);
    }
}

/// The number of the device behind `path`.
fn device_number(path: &Path) -> Result<u64, OutputError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.file_type().is_char_device() => Ok(metadata.rdev()),
        Ok(_) => Err(not_loopback(path, "no device".to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(OutputError::Missing { path: path.to_owned() })
        }
        Err(source) => Err(failed(path, Error::Io { call: "stat", source })),
    }
}

/// Whether the device says that it can be written into.
fn expect_loopback(node: &Node, path: &Path) -> Result<bool, OutputError> {
    let capabilities = match node.capabilities() {
        Ok(capabilities) => capabilities,
        Err(failure) if failure.is_unknown_call() || failure.errno == Errno::INVAL => {
            return Err(not_loopback(path, "no video device".to_owned()));
        }
        Err(failure) => return Err(failed(path, failure.into())),
    };
    if capabilities.driver == loopback::DRIVER {
        return Ok(capabilities.node & abi::CAP_VIDEO_OUTPUT != 0);
    }
    let (card, driver) = (&capabilities.card, &capabilities.driver);
    let kind = if capabilities.node & abi::CAP_VIDEO_CAPTURE != 0 { "camera" } else { "device" };
    Err(not_loopback(path, format!("a {kind} ({card}, driver {driver})")))
}

/// Asks the driver to tell when somebody reads, and whether somebody does now.
fn subscribe(node: &Node) -> bool {
    let mut subscription = abi::EventSubscription::zeroed();
    subscription.kind = abi::EVENT_CLIENT_USAGE;
    subscription.flags = abi::EVENT_SUB_FL_SEND_INITIAL;
    node.subscribe_event(&mut subscription).is_ok()
}

/// Sets the format; gives the most bytes that a frame may have.
fn set_format(node: &Node, path: &Path, mode: Mode, is_output: bool) -> Result<usize, OutputError> {
    let Mode { format, size, .. } = mode;
    let mut wanted = abi::Format::zeroed();
    wanted.kind = abi::VIDEO_OUTPUT;
    wanted.pix.width = size.width;
    wanted.pix.height = size.height;
    wanted.pix.pixel_format = format::to_code(format);
    wanted.pix.field = abi::FIELD_NONE;
    match node.set_format(&mut wanted) {
        Ok(()) => {}
        Err(Failure { errno: Errno::BUSY, .. }) => return Err(in_use(path)),
        // With `exclusive_caps=1` it is nothing but a camera while somebody writes.
        Err(Failure { errno: Errno::INVAL, .. }) if !is_output => return Err(in_use(path)),
        Err(failure) => return Err(failed(path, failure.into())),
    }
    let pix = wanted.pix;
    let has = (format::from_code(pix.pixel_format), Size::new(pix.width, pix.height));
    if has != (format, size) {
        return Err(OutputError::Fixed {
            path: path.to_owned(),
            has: format!("{} {}", has.0, has.1),
            wanted: format!("{format} {size}"),
            by: by(&holders(path)),
        });
    }
    Ok(match pixels::Layout::tight(format, size) {
        Some(layout) => layout.length,
        None => pix.size_image as usize,
    })
}

/// Readers are told this rate; a driver that does not want to know it is no reason to fail.
fn set_rate(node: &Node, rate: FrameRate) {
    let mut parameters = abi::StreamParameters::zeroed();
    parameters.kind = abi::VIDEO_OUTPUT;
    parameters.time_per_frame = [rate.denominator, rate.numerator];
    if let Err(failure) = node.set_parameters(&mut parameters) {
        tracing::debug!(?failure, "the frame rate was not set");
    }
}

/// Whether frames come out of the device: somebody else puts them in.
fn is_written(path: &Path) -> bool {
    // Another descriptor: what has read cannot become the writer in every version.
    let Ok(node) = Node::open(path) else { return false };
    let deadline = Instant::now() + OTHER_WRITER;
    let mut byte = [0];
    // What was written before this comes first, however long ago.
    let mut old = 64;
    while Instant::now() < deadline {
        match rustix::io::read(node.file(), &mut byte) {
            Ok(_) if old == 0 => return true,
            Ok(_) => old -= 1,
            Err(Errno::AGAIN) => {
                old = 0;
                thread::sleep(PAUSE);
            }
            Err(_) => return false,
        }
    }
    false
}

fn not_loopback(path: &Path, what: String) -> OutputError {
    OutputError::NotLoopback { path: path.to_owned(), what }
}

fn in_use(path: &Path) -> OutputError {
    OutputError::InUse { path: path.to_owned(), by: by(&holders(path)) }
}

fn failed(path: &Path, source: Error) -> OutputError {
    match source {
        Error::Gone => OutputError::Missing { path: path.to_owned() },
        source => OutputError::Device { path: path.to_owned(), source },
    }
}

/// Names programs, as the end of a sentence.
fn by(holders: &[Holder]) -> String {
    let names: Vec<String> =
        holders.iter().map(|holder| format!("{} (pid {})", holder.program, holder.pid)).collect();
    if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &Path) -> String {
        let mode = Mode {
            format: PixelFormat::Yuyv,
            size: Size::new(640, 480),
            rate: FrameRate::new(30, 1),
        };
        Output::open(path, mode).err().expect("refused").to_string()
    }

    #[test]
    fn what_is_no_loopback_device_says_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let missing = refused(&folder.path().join("video7"));
        assert!(missing.contains("modprobe v4l2loopback"), "{missing}");
        assert!(refused(folder.path()).contains("is no device"), "{}", refused(folder.path()));
        let null = refused(Path::new("/dev/null"));
        assert!(null.contains("/dev/null is no video device"), "{null}");
    }
}
