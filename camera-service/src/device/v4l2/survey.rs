//! What every video device file is, for people who wonder why one is no camera here.
//!
//! Unlike the finder this tells of all files, and asks each anew. It asks for nothing that would
//! change a device or disturb a stream that runs on it. A device can hang, so each file is asked
//! on a thread of its own, which is given up when it does not come back.

use std::{
    path::{Path, PathBuf},
    sync::mpsc,
    time::{Duration, Instant},
};

use protocol::PixelFormat;

use super::{
    abi::{self, Plain as _},
    finder::{self, File},
    format,
    ioctl::{Capabilities, Node},
    loopback, modes,
};
use crate::device::Error;

/// How long all devices together may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// One video device file.
#[derive(Debug)]
pub struct Surveyed {
    /// The file.
    pub path: PathBuf,
    /// Its node in sysfs (`…/video4linux/video0`).
    pub sysfs: Option<PathBuf>,
    /// What came of asking it.
    pub answer: Answer,
}

/// What came of asking a device.
#[derive(Debug)]
pub enum Answer {
    /// What it says of itself.
    Is(Words),
    /// Why it could not be asked.
    Failed(Error),
    /// It did not answer in time.
    Silent,
    /// It was not asked, since it is known to hang.
    LeftAlone,
}

/// What a device says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// What it is.
    pub kind: Kind,
    /// Its own name.
    pub name: String,
    /// The kernel's name of its driver.
    pub driver: String,
    /// The formats in which it captures.
    pub formats: Vec<PixelFormat>,
    /// What it does against the flicker of lamps, where it can do anything.
    pub power_line: Option<PowerLine>,
}

/// What a device file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A camera.
    Camera,
    /// A camera for infrared light, as for logging in by face.
    Infrared,
    /// A v4l2loopback device.
    Loopback,
    /// A camera whose frames come in several memory areas, which is not supported.
    MultiPlanar,
    /// A camera that can only be read byte by byte, which is not supported.
    NoStreaming,
    /// What belongs to the frames of a camera beside it.
    Metadata,
    /// It shows pictures rather than delivering them.
    Output,
    /// An encoder, decoder or scaler.
    Codec,
    /// Something else.
    Other,
}

/// The control `power_line_frequency`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PowerLine {
    /// What it is set to.
    pub set: Option<Mains>,
    /// Whether the camera can find out by itself, and does.
    pub automatic: bool,
}

/// Frequency of the power line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mains {
    /// 50 Hz.
    Hz50,
    /// 60 Hz.
    Hz60,
}

/// Asks every video device file what it is, but not those in `leave_alone`. Takes 2 s at most.
pub fn survey(leave_alone: &[PathBuf]) -> Vec<Surveyed> {
    let asked: Vec<_> = finder::device_files()
        .into_iter()
        .map(|file| {
            let alone = leave_alone.contains(&file.path);
            let answer = (!alone).then(|| start(file.path.clone(), ask));
            (file, answer)
        })
        .collect();
    let deadline = Instant::now() + PATIENCE;
    asked.into_iter().map(|(file, answer)| surveyed(file, answer, deadline)).collect()
}

type Asked = Result<Words, Error>;

fn surveyed(file: File, answer: Option<mpsc::Receiver<Asked>>, deadline: Instant) -> Surveyed {
    let answer = match answer {
        None => Answer::LeftAlone,
        Some(answer) => wait(&answer, deadline),
    };
    Surveyed { sysfs: finder::sysfs_node(&file), path: file.path, answer }
}

fn wait(answer: &mpsc::Receiver<Asked>, deadline: Instant) -> Answer {
    match answer.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(Ok(words)) => Answer::Is(words),
        Ok(Err(error)) => Answer::Failed(error),
        Err(_) => Answer::Silent,
    }
}

/// Has `path` asked on a thread that nobody waits for.
fn start(path: PathBuf, ask: fn(&Path) -> Asked) -> mpsc::Receiver<Asked> {
    let (told, answer) = mpsc::channel();
    let failed = told.clone();
    let thread = std::thread::Builder::new().name("v4l2-survey".to_owned()).spawn(move || {
        // Nobody listens any more to one that answers too late.
        let _ = told.send(ask(&path));
    });
    if let Err(source) = thread {
        // The receiver is here.
        let _ = failed.send(Err(Error::Io { call: "starting a thread", source }));
    }
    answer
}

fn ask(path: &Path) -> Asked {
    let node = Node::open(path)?;
    let capabilities = node.capabilities()?;
    let codes = modes::codes(&node).unwrap_or_default();
    let mut formats: Vec<PixelFormat> = codes.into_iter().map(format::from_code).collect();
    formats.dedup();
    Ok(Words {
        kind: kind(&capabilities, &formats),
        power_line: power_line(&node),
        name: capabilities.card,
        driver: capabilities.driver,
        formats,
    })
}

fn kind(capabilities: &Capabilities, formats: &[PixelFormat]) -> Kind {
    let has = |bits| capabilities.node & bits != 0;
    let captures = has(abi::CAP_VIDEO_CAPTURE | abi::CAP_VIDEO_CAPTURE_MPLANE);
    let shows = has(abi::CAP_VIDEO_OUTPUT | abi::CAP_VIDEO_OUTPUT_MPLANE);
    if capabilities.driver == loopback::DRIVER {
        Kind::Loopback
    } else if finder::is_camera(capabilities) {
        if is_infrared(&capabilities.card, formats) { Kind::Infrared } else { Kind::Camera }
    } else if has(abi::CAP_VIDEO_M2M | abi::CAP_VIDEO_M2M_MPLANE) || captures && shows {
        Kind::Codec
    } else if shows {
        Kind::Output
    } else if has(abi::CAP_VIDEO_CAPTURE_MPLANE) {
        Kind::MultiPlanar
    } else if captures {
        Kind::NoStreaming
    } else if has(abi::CAP_META_CAPTURE | abi::CAP_META_OUTPUT) {
        Kind::Metadata
    } else {
        Kind::Other
    }
}

/// Whether a camera sees no colours, or says so.
fn is_infrared(name: &str, formats: &[PixelFormat]) -> bool {
    let grey = |format: &PixelFormat| match format {
        PixelFormat::Grey => true,
        PixelFormat::Other(code) => matches!(&code.0, b"Y10 " | b"Y12 " | b"Y16 " | b"Y8I "),
        _ => false,
    };
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| word.eq_ignore_ascii_case("ir") || word.eq_ignore_ascii_case("infrared"))
        || !formats.is_empty() && formats.iter().all(grey)
}

fn power_line(node: &Node) -> Option<PowerLine> {
    let mut description = abi::QueryControl::zeroed();
    description.id = abi::CID_POWER_LINE_FREQUENCY;
    node.query_control(&mut description).ok()?;
    if description.flags & (abi::CTRL_FLAG_DISABLED | abi::CTRL_FLAG_READ_ONLY) != 0 {
        return None;
    }
    let mut control = abi::OldControl { id: abi::CID_POWER_LINE_FREQUENCY, value: 0 };
    node.get_old_control(&mut control).ok()?;
    let set = match control.value {
        1 => Some(Mains::Hz50),
        2 => Some(Mains::Hz60),
        _ => None,
    };
    Some(PowerLine { set, automatic: control.value == 3 })
}

#[cfg(test)]
mod tests {
    use protocol::FourCc;

    use super::*;

    fn kind_of(driver: &str, card: &str, node: u32, formats: &[PixelFormat]) -> Kind {
        let capabilities = Capabilities {
            driver: driver.to_owned(),
            card: card.to_owned(),
            bus_info: String::new(),
            node,
        };
        kind(&capabilities, formats)
    }

    #[test]
    fn every_kind_of_file_is_told_by_its_capabilities() {
        let camera = abi::CAP_VIDEO_CAPTURE | abi::CAP_STREAMING;
        let grey = PixelFormat::Grey;
        for (kind, driver, card, node, formats) in [
            (Kind::Camera, "uvcvideo", "C920", camera, &[PixelFormat::Mjpg, grey][..]),
            (Kind::Camera, "uvcvideo", "Birds", camera, &[]),
            (Kind::Infrared, "uvcvideo", "Integrated IR Camera", camera, &[PixelFormat::Yuyv]),
            (
                Kind::Infrared,
                "uvcvideo",
                "Cam",
                camera,
                &[grey, PixelFormat::Other(FourCc(*b"Y16 "))],
            ),
            (Kind::Loopback, loopback::DRIVER, "Dummy", camera | abi::CAP_VIDEO_OUTPUT, &[]),
            (Kind::Loopback, loopback::DRIVER, "Dummy", abi::CAP_VIDEO_OUTPUT, &[]),
            (Kind::Metadata, "uvcvideo", "C920", 0x04a0_0000, &[]),
            (Kind::Output, "vivid", "out", abi::CAP_VIDEO_OUTPUT | abi::CAP_STREAMING, &[]),
            (Kind::Codec, "codec", "codec", camera | abi::CAP_VIDEO_M2M, &[]),
            (Kind::Codec, "bcm2835-codec", "codec", 0x0400_3000, &[]),
            (Kind::MultiPlanar, "rkisp1", "isp", 0x0400_1000, &[]),
            (Kind::NoStreaming, "pwc", "old", abi::CAP_VIDEO_CAPTURE, &[]),
            (Kind::Other, "radio", "radio", 0x0005_0000, &[]),
        ] {
            assert_eq!(kind_of(driver, card, node, formats), kind, "{driver} {card}");
        }
    }

    #[test]
    fn a_device_that_hangs_is_silent_and_holds_nobody_up() {
        fn hangs(_: &Path) -> Asked {
            std::thread::sleep(Duration::from_secs(60));
            Err(Error::Gone)
        }
        let began = Instant::now();
        let answer = start(PathBuf::from("hangs"), hangs);
        let deadline = Instant::now() + Duration::from_millis(50);
        assert!(matches!(wait(&answer, deadline), Answer::Silent));
        assert!(began.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_file_that_is_no_device_says_why_it_cannot_be_asked() {
        let answer = start(PathBuf::from("/dev/null"), ask);
        let Answer::Failed(error) = wait(&answer, Instant::now() + Duration::from_secs(20)) else {
            panic!("it is none");
        };
        assert!(error.to_string().contains("QUERYCAP"), "{error}");
    }
}
