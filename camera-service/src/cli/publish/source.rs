//! Where frames come from, and the thread that reads them.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use pixels::markers;
use protocol::{FrameRate, Size};
use tokio::sync::Notify;

use super::{
    super::CliError,
    format::{self, Begun, Content, invalid},
    split::Split,
};

/// Where frames come from.
pub(super) struct Source {
    kind: Kind,
    pace: Pace,
}

enum Kind {
    /// Standard input; what it consists of, where that is known.
    Stdin { content: Option<Content>, size: Option<Size> },
    /// Images in a folder.
    Folder { images: Vec<PathBuf>, size: Option<Size>, once: bool },
}

/// How fast frames are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// As they come.
    Live,
    /// No faster than this, or than the input says.
    At(Option<FrameRate>),
}

/// Whether standard input is a file, which gives frames as fast as they are read.
pub(super) fn stdin_is_file() -> bool {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;
        let stdin = io::stdin();
        let copy = stdin.as_fd().try_clone_to_owned().map(fs::File::from);
        copy.and_then(|file| file.metadata()).is_ok_and(|metadata| metadata.is_file())
    }
    #[cfg(windows)]
    {
        use std::os::windows::io::AsHandle as _;
        let copy = io::stdin().as_handle().try_clone_to_owned().map(fs::File::from);
        // Of a pipe or a console there is no such thing to be had.
        copy.and_then(|file| file.metadata()).is_ok_and(|metadata| metadata.is_file())
    }
}

impl Source {
    pub(super) fn stdin(content: Option<Content>, size: Option<Size>, pace: Pace) -> Self {
        Self { kind: Kind::Stdin { content, size }, pace }
    }

    /// The JPEG images in `folder`, by their names.
    pub(super) fn folder(
        folder: &Path,
        size: Option<Size>,
        rate: FrameRate,
        once: bool,
    ) -> Result<Self, CliError> {
        let read = |error| CliError::io(format!("read {}", folder.display()), error);
        let mut images = Vec::new();
        for entry in fs::read_dir(folder).map_err(read)? {
            let path = entry.map_err(read)?.path();
            let extension = path.extension().map(|text| text.to_string_lossy().to_lowercase());
            if matches!(extension.as_deref(), Some("jpg" | "jpeg")) && path.is_file() {
                images.push(path);
            }
        }
        images.sort();
        if images.is_empty() {
            return Err(invalid(&format!(
                "there is no .jpg or .jpeg file in {}",
                folder.display()
            )));
        }
        Ok(Self { kind: Kind::Folder { images, size, once }, pace: Pace::At(Some(rate)) })
    }
}

/// Frames that a thread reads. The newest waits to be taken, and no others.
pub(super) struct Frames {
    shared: Arc<Shared>,
    sent: u64,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    begun: Option<Begun>,
    newest: Option<Vec<u8>>,
    read: u64,
    /// Set once, when there are no more.
    end: Option<Result<(), CliError>>,
}

/// What there is to send.
pub(super) enum Taken {
    Frame(Vec<u8>),
    /// No more frames come.
    End,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Frames {
    /// Starts the thread. It is not waited for: what it reads from may never end.
    pub(super) fn start(source: Source) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let reader = Reader { shared: shared.clone(), schedule: None };
        thread::Builder::new().name("input".to_owned()).spawn(move || reader.run(source))?;
        Ok(Self { shared, sent: 0 })
    }

    /// What the camera is to be. Safe to cancel.
    pub(super) async fn begin(&mut self) -> Result<Begun, CliError> {
        loop {
            {
                let mut state = self.shared.state();
                if let Some(begun) = state.begun {
                    return Ok(begun);
                }
                if let Some(end) = state.end.take() {
                    end?;
                    return Err(invalid("no frame came in"));
                }
            }
            self.shared.changed.notified().await;
        }
    }

    /// The newest frame, where it is wanted and may be sent now, or the end, behind the last
    /// frame that is wanted. Waits for either. Safe to cancel.
    pub(super) async fn take(&mut self, wanted: bool, now: bool) -> Result<Taken, CliError> {
        loop {
            {
                let mut state = self.shared.state();
                if wanted
                    && now
                    && let Some(frame) = state.newest.take()
                {
                    return Ok(Taken::Frame(frame));
                }
                let waits = wanted && state.newest.is_some();
                if !waits && let Some(end) = state.end.take() {
                    return end.map(|()| Taken::End);
                }
            }
            self.shared.changed.notified().await;
        }
    }

    pub(super) fn was_sent(&mut self) {
        self.sent += 1;
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// Frames that were read and not sent.
    pub(super) fn passed_over(&self) -> u64 {
        self.shared.state().read.saturating_sub(self.sent)
    }
}

/// What the thread does.
struct Reader {
    shared: Arc<Shared>,
    /// When the next frame is due, and the time between two.
    schedule: Option<(Instant, Duration)>,
}

impl Reader {
    fn run(mut self, source: Source) {
        let end = match source.kind {
            Kind::Stdin { content, size } => {
                self.stream(Split::new(io::stdin().lock()), content, size, source.pace)
            }
            Kind::Folder { images, size, once } => self.folder(&images, size, once, source.pace),
        };
        self.shared.state().end = Some(end);
        self.shared.changed.notify_one();
    }

    fn stream<R: Read>(
        &mut self,
        mut split: Split<R>,
        content: Option<Content>,
        size: Option<Size>,
        pace: Pace,
    ) -> Result<(), CliError> {
        let mut content = match content {
            Some(content) => content,
            None => split.content(size)?,
        };
        let begun = split.begin(&mut content)?;
        self.begin(begun, pace);
        while let Some(frame) = split.next(&content, begun)? {
            self.frame(frame);
        }
        Ok(())
    }

    fn folder(
        &mut self,
        images: &[PathBuf],
        size: Option<Size>,
        once: bool,
        pace: Pace,
    ) -> Result<(), CliError> {
        let mut begun = None;
        loop {
            for path in images {
                let read = |error| CliError::io(format!("read {}", path.display()), error);
                let image = fs::read(path).map_err(read)?;
                let name = |why: String| invalid(&format!("{}: {why}", path.display()));
                markers::whole(&image).map_err(|why| name(format!("no JPEG image: {why}")))?;
                let this = format::jpeg(&image, size).map_err(|error| name(error.to_string()))?;
                let first = *begun.get_or_insert_with(|| {
                    self.begin(this, pace);
                    this
                });
                if this.size != first.size {
                    let sizes = format!("it is {}, and the first image {}", this.size, first.size);
                    return Err(name(sizes));
                }
                self.frame(image);
            }
            if once {
                return Ok(());
            }
        }
    }

    fn begin(&mut self, begun: Begun, pace: Pace) {
        if let Pace::At(rate) = pace {
            let rate = rate.or(begun.rate).unwrap_or(super::DEFAULT_RATE);
            let interval = Duration::from_nanos(rate.interval_ns().unwrap_or(0));
            self.schedule = Some((Instant::now(), interval));
        }
        self.shared.state().begun = Some(begun);
        self.shared.changed.notify_one();
    }

    fn frame(&mut self, frame: Vec<u8>) {
        if let Some((due, interval)) = &mut self.schedule {
            let now = Instant::now();
            thread::sleep(due.saturating_duration_since(now));
            // What could not be read in time is not made up for by haste.
            *due = (*due).max(now.checked_sub(*interval).unwrap_or(now)) + *interval;
        }
        let mut state = self.shared.state();
        state.read += 1;
        let before = state.newest.replace(frame);
        drop(state);
        drop(before);
        self.shared.changed.notify_one();
    }
}
