//! The test camera: colour bars with a running clock, a moving block and the strip of
//! [`protocol::strip`], in every pixel format.
//!
//! A [`TestCamera`] is as a device should be: one program at a time may open it, frames come at
//! their times and are lost when nobody takes them, controls keep their values while it is
//! closed. Nothing here is a device of the system, so it runs everywhere.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use protocol::{FrameRate, Holder, Mode, ModeWish, PixelFormat, Size, strip};

use super::{Capture, Controls, Descriptor, Device, Error, Identity};
use crate::clock;

mod canvas;
mod capture;
mod controls;
mod font;
mod picture;
mod settings;
#[cfg(test)]
mod tests;

use settings::Settings;

const SIZES: [Size; 6] = [
    Size::new(320, 180),
    Size::new(320, 240),
    Size::new(640, 360),
    Size::new(640, 480),
    Size::new(1280, 720),
    Size::new(1920, 1080),
];
const RATES: [FrameRate; 8] = [
    FrameRate::new(1, 1),
    FrameRate::new(5, 1),
    FrameRate::new(10, 1),
    FrameRate::new(15, 1),
    FrameRate::new(24, 1),
    FrameRate::new(25, 1),
    FrameRate::new(30, 1),
    FrameRate::new(60, 1),
];
const RAW_FORMATS: [PixelFormat; 7] = [
    PixelFormat::Yuyv,
    PixelFormat::Nv12,
    PixelFormat::I420,
    PixelFormat::Grey,
    PixelFormat::Rgb,
    PixelFormat::Bgr,
    PixelFormat::Rgba,
];
const MAX_SIZE: Size = Size::new(7680, 4320);
const MAX_RATE: FrameRate = FrameRate::new(1000, 1);

/// A camera that draws its frames itself.
pub struct TestCamera {
    descriptor: Descriptor,
    /// The mode that is opened when nothing is wished for.
    preferred: Mode,
    shared: Arc<Shared>,
}

impl TestCamera {
    /// The test camera with this number: `test:0`, `test:1` and so on. It opens in `size` and
    /// `rate` unless others are wished for. Fails with [`Error::UnsupportedMode`] where these
    /// are beyond what it can draw.
    pub fn new(index: u32, size: Size, rate: FrameRate) -> Result<Self, Error> {
        let preferred = Mode { format: PixelFormat::Yuyv, size, rate };
        let fits = size.width >= strip::MIN_SIZE.width
            && size.height >= strip::MIN_SIZE.height
            && size.width <= MAX_SIZE.width
            && size.height <= MAX_SIZE.height;
        if !fits || !rate.is_valid() || rate > MAX_RATE {
            return Err(Error::UnsupportedMode(format!(
                "{size} at {rate} fps; a test camera has {} to {MAX_SIZE} and up to {MAX_RATE} fps",
                strip::MIN_SIZE,
            )));
        }
        let descriptor = Descriptor {
            identity: Identity {
                model: format!("test:{index}"),
                serial: None,
                port: String::new(),
            },
            name: format!("Test camera {index}"),
            driver: "test".to_owned(),
            bus: String::new(),
            path: None,
            plugged: 0,
        };
        Ok(Self { descriptor, preferred, shared: Arc::default() })
    }

    fn sizes(&self) -> Vec<Size> {
        let mut sizes = SIZES.to_vec();
        sizes.push(self.preferred.size);
        sizes.sort_by_key(|size| (size.area(), size.width));
        sizes.dedup();
        sizes
    }

    fn rates(&self) -> Vec<FrameRate> {
        let mut rates = RATES.to_vec();
        rates.push(self.preferred.rate);
        rates.sort();
        rates.dedup();
        rates
    }

    /// The mode that suits `wish` best: sizes and rates that are not offered become the next
    /// higher one, else the highest.
    fn choose(&self, wish: &ModeWish) -> Result<Mode, Error> {
        let format = wish.format.unwrap_or(self.preferred.format);
        if format != PixelFormat::Mjpg && !RAW_FORMATS.contains(&format) {
            return Err(Error::UnsupportedMode(wish.to_string()));
        }
        let size = wish.size.map_or(self.preferred.size, |wished| {
            let sizes = self.sizes();
            let covers = |size: &&Size| size.width >= wished.width && size.height >= wished.height;
            let exact = sizes.iter().find(|&&size| size == wished);
            *exact.or_else(|| sizes.iter().find(covers)).unwrap_or(&sizes[sizes.len() - 1])
        });
        let rate = wish.rate.filter(|rate| rate.is_valid());
        let rate = rate.map_or(self.preferred.rate, |wished| {
            let rates = self.rates();
            *rates.iter().find(|&&rate| rate >= wished).unwrap_or(&rates[rates.len() - 1])
        });
        Ok(Mode { format, size, rate })
    }
}

impl Device for TestCamera {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn modes(&self) -> Result<Vec<Mode>, Error> {
        let (sizes, rates) = (self.sizes(), self.rates());
        let formats = std::iter::once(PixelFormat::Mjpg).chain(RAW_FORMATS);
        Ok(formats
            .flat_map(|format| sizes.iter().map(move |&size| (format, size)))
            .flat_map(|(format, size)| rates.iter().map(move |&rate| Mode { format, size, rate }))
            .collect())
    }

    fn usual_mode(&self, _modes: &[Mode]) -> Option<Mode> {
        Some(self.preferred)
    }

    fn open(&self, wish: &ModeWish) -> Result<Box<dyn Capture>, Error> {
        let mode = self.choose(wish)?;
        if self.shared.open.swap(true, Ordering::AcqRel) {
            return Err(Error::Busy);
        }
        match capture::TestCapture::new(self.shared.clone(), mode) {
            Ok(capture) => Ok(Box::new(capture)),
            Err(error) => {
                self.shared.close();
                Err(error)
            }
        }
    }

    fn controls(&self) -> Result<Box<dyn Controls>, Error> {
        Ok(Box::new(controls::TestControls(self.shared.clone())))
    }

    fn holders(&self) -> Vec<Holder> {
        Vec::new()
    }
}

/// What capture and controls of one camera share.
struct Shared {
    open: AtomicBool,
    settings: Mutex<Settings>,
    /// Frames since the counter was reset.
    frames: AtomicU64,
    /// When the counter was reset.
    counting_since_ns: AtomicU64,
    /// Controls that changed because another one was set, not yet told.
    changes: Mutex<Vec<String>>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            open: AtomicBool::new(false),
            settings: Mutex::default(),
            frames: AtomicU64::new(0),
            counting_since_ns: AtomicU64::new(clock::monotonic_ns()),
            changes: Mutex::default(),
        }
    }
}

impl Shared {
    fn close(&self) {
        self.open.store(false, Ordering::Release);
    }

    fn settings(&self) -> Settings {
        lock(&self.settings).clone()
    }

    fn set_settings(&self, settings: Settings) {
        *lock(&self.settings) = settings;
    }

    fn frames_captured(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    fn count_frame(&self) {
        self.frames.fetch_add(1, Ordering::Relaxed);
    }

    fn reset_counter(&self) {
        self.frames.store(0, Ordering::Relaxed);
        self.counting_since_ns.store(clock::monotonic_ns(), Ordering::Relaxed);
    }

    /// Time at `now_ns` since the counter was reset.
    fn counted_ns(&self, now_ns: u64) -> u64 {
        now_ns.saturating_sub(self.counting_since_ns.load(Ordering::Relaxed))
    }

    fn note_change(&self, name: &str) {
        let mut changes = lock(&self.changes);
        // Names are a handful, so that the list stays as short.
        if !changes.iter().any(|noted| noted == name) {
            changes.push(name.to_owned());
        }
    }

    fn take_changes(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.changes))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
