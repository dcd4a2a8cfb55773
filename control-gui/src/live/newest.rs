//! The newest picture of a stream, on its way from the task that receives it to the renderer that
//! draws it. Pixels pass here and never in messages.
//!
//! One picture waits at most; a newer one takes its place. Nothing waits while nobody looks (the
//! window is minimised, the view is frozen), nor for longer than [`UNSEEN`].

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use protocol::Size;

use super::{
    picture::{Picture, Stamp},
    software::Image,
};

/// So long a picture waits to be drawn. Then it goes, and with it the slot that it lies in.
pub(crate) const UNSEEN: Duration = Duration::from_millis(250);
/// Without a GPU at most so often: drawing costs more than 10 ms then.
const SOFTWARE_INTERVAL: Duration = Duration::from_millis(1000 / 15);
/// Frames within this time make the rate.
const RATE_OVER: Duration = Duration::from_secs(2);
/// Latencies of which the median is shown.
const LATENCIES: usize = 15;

/// What passes pictures on. Shared by the stream, the view and the renderer.
#[derive(Debug)]
pub(crate) struct Newest {
    id: u64,
    /// Nobody looks.
    asleep: AtomicBool,
    /// The renderer has no GPU.
    software: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    waiting: Option<Picture>,
    noted: Option<Instant>,
    shown: Option<(Size, Stamp)>,
    image: Option<Image>,
    meter: Meter,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("shown", &self.shown).finish_non_exhaustive()
    }
}

/// What an overlay tells.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Figures {
    /// Size of the pictures.
    pub size: Size,
    /// Pictures a second that came.
    pub rate: f32,
    /// Frames passed over, since the stream began.
    pub dropped: u64,
    /// From capture to being drawn.
    pub latency: Duration,
}

#[derive(Default)]
struct Meter {
    arrivals: VecDeque<Instant>,
    latencies: VecDeque<Duration>,
    dropped: u64,
}

impl Newest {
    /// One without a picture.
    pub(crate) fn new() -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Arc::new(Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            asleep: AtomicBool::new(false),
            software: AtomicBool::new(false),
            inner: Mutex::default(),
        })
    }

    /// Tells it from all others of this process.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Whether anybody looks. While nobody does, pictures are dropped as they come.
    pub(crate) fn set_awake(&self, awake: bool) {
        self.asleep.store(!awake, Ordering::Relaxed);
        if !awake {
            self.forget();
        }
    }

    /// Whether the renderer has no GPU, as far as is known.
    pub(crate) fn is_software(&self) -> bool {
        self.software.load(Ordering::Relaxed)
    }

    /// Puts a picture in place of the one that waits. Returns whether there is something to draw.
    pub(crate) fn put(&self, picture: Picture) -> bool {
        let now = Instant::now();
        let mut inner = self.inner();
        inner.meter.arrived(now, picture.stamp.dropped);
        if self.asleep.load(Ordering::Relaxed) {
            return false;
        }
        let software = self.software.load(Ordering::Relaxed);
        if software && inner.noted.is_some_and(|noted| now - noted < SOFTWARE_INTERVAL) {
            return false;
        }
        inner.noted = Some(now);
        let before = inner.waiting.replace(picture);
        drop(inner);
        // Giving a slot back writes to a socket: not under the lock.
        drop(before);
        true
    }

    /// Drops the picture that waits.
    pub(crate) fn forget(&self) {
        let waiting = self.inner().waiting.take();
        drop(waiting);
    }

    /// Takes the picture that waits, to draw it now.
    pub(crate) fn take(&self) -> Option<Picture> {
        let mut inner = self.inner();
        let picture = inner.waiting.take()?;
        inner.shown = Some((picture.size, picture.stamp));
        inner.meter.drawn(picture.stamp);
        Some(picture)
    }

    /// Size and stamp of the picture drawn last.
    pub(crate) fn shown(&self) -> Option<(Size, Stamp)> {
        self.inner().shown
    }

    /// Figures; `None` before the first picture was drawn.
    pub(crate) fn figures(&self) -> Option<Figures> {
        let inner = self.inner();
        let (size, _) = inner.shown?;
        let (rate, latency) = (inner.meter.rate(), inner.meter.latency());
        Some(Figures { size, rate, dropped: inner.meter.dropped, latency })
    }

    /// The image that a renderer without a GPU draws, made by `convert` from the picture that
    /// waits, or as it was where none does or the area is another one.
    pub(super) fn image(&self, convert: impl FnOnce(&Picture) -> Option<Image>) -> Option<Image> {
        self.software.store(true, Ordering::Relaxed);
        if let Some(picture) = self.take()
            && let Some(image) = convert(&picture)
        {
            self.inner().image = Some(image);
        }
        self.inner().image.clone()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Meter {
    fn arrived(&mut self, now: Instant, dropped: u32) {
        self.dropped += u64::from(dropped);
        self.arrivals.push_back(now);
        while self.arrivals.front().is_some_and(|first| now - *first > RATE_OVER) {
            self.arrivals.pop_front();
        }
    }

    fn drawn(&mut self, stamp: Stamp) {
        let captured = UNIX_EPOCH + Duration::from_nanos(stamp.unix_ns);
        // A clock that was set back says nothing about latency.
        if let Ok(latency) = SystemTime::now().duration_since(captured) {
            self.latencies.push_back(latency);
        }
        while self.latencies.len() > LATENCIES {
            self.latencies.pop_front();
        }
    }

    fn rate(&self) -> f32 {
        let (Some(first), Some(last)) = (self.arrivals.front(), self.arrivals.back()) else {
            return 0.0;
        };
        let seconds = (*last - *first).as_secs_f32();
        let old = last.elapsed() > RATE_OVER;
        if old || seconds <= 0.0 { 0.0 } else { (self.arrivals.len() - 1) as f32 / seconds }
    }

    fn latency(&self) -> Duration {
        let mut sorted: Vec<_> = self.latencies.iter().copied().collect();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }
}
