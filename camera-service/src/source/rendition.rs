//! Renditions: a camera's frames in another format, size, orientation or rate, each computed
//! once for all who ask for the same, and only while somebody does.

use std::{
    collections::HashMap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use pixels::{Converter, Spec};
use protocol::{ErrorKind, ErrorReply, FrameHeader, Size};

use super::{Feed, Pacer, Workers};
use crate::slots::Pool;

/// What tells one rendition from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RenditionKey {
    /// What its pixels are.
    pub spec: Spec,
    /// Least time between its frames in ns; 0 for every frame.
    pub interval_ns: u64,
}

impl fmt::Display for RenditionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Spec { format, max_size, crop, rotation, mirror, quality } = &self.spec;
        write!(f, "{format}")?;
        if *format == protocol::PixelFormat::Mjpg {
            write!(f, " quality {quality}")?;
        }
        if let Some(size) = max_size {
            write!(f, " within {size}")?;
        }
        if let Some(crop) = crop {
            write!(f, " crop {},{},{},{}", crop.left, crop.top, crop.width, crop.height)?;
        }
        if rotation.degrees() != 0 {
            write!(f, " turned {}", rotation.degrees())?;
        }
        if *mirror {
            write!(f, " mirrored")?;
        }
        if self.interval_ns > 0 {
            write!(f, " at most {:.3} fps", 1e9 / self.interval_ns as f64)?;
        }
        Ok(())
    }
}

/// One rendition. It ends when nobody holds it any more.
pub struct Rendition {
    key: RenditionKey,
    native: Arc<Feed>,
    feed: Feed,
    pacer: Mutex<Pacer>,
    turn: Mutex<Turn>,
    work: Mutex<Work>,
}

/// Whether a worker has to do with a rendition: it is in their queue once at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Idle,
    Queued,
    Running,
    /// A newer frame came while this one was computed.
    RunningBehind,
}

struct Work {
    converter: Converter,
    pool: Option<Pool>,
    /// Index of the native frame computed last.
    done: u64,
    /// Whether the last frame failed, so that a broken camera fills no log.
    failing: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Rendition {
    fn new(key: RenditionKey, native: Arc<Feed>) -> Self {
        Self {
            native,
            feed: Feed::default(),
            pacer: Mutex::new(Pacer::new(key.interval_ns)),
            turn: Mutex::new(Turn::Idle),
            work: Mutex::new(Work {
                converter: Converter::new(key.spec),
                pool: None,
                done: 0,
                failing: false,
            }),
            key,
        }
    }

    /// Where its frames come.
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// What it is.
    pub fn key(&self) -> &RenditionKey {
        &self.key
    }

    fn schedule(self: Arc<Self>, workers: &Workers) {
        let mut turn = lock(&self.turn);
        match *turn {
            Turn::Idle => *turn = Turn::Queued,
            Turn::Running => {
                *turn = Turn::RunningBehind;
                return;
            }
            Turn::Queued | Turn::RunningBehind => return,
        }
        drop(turn);
        workers.queue(self);
    }

    /// Computes the newest native frame; on a worker.
    pub(super) fn run(self: Arc<Self>, workers: &Workers) {
        *lock(&self.turn) = Turn::Running;
        self.compute();
        let mut turn = lock(&self.turn);
        let behind = *turn == Turn::RunningBehind;
        *turn = Turn::Idle;
        drop(turn);
        if behind {
            self.schedule(workers);
        }
    }

    fn compute(&self) {
        let mut work = lock(&self.work);
        let Some(native) = self.native.newer_than(work.done) else { return };
        work.done = native.index;
        // A fault in a codec costs this frame and no more.
        let outcome =
            catch_unwind(AssertUnwindSafe(|| work.convert(native.lease.header(), &native.lease)));
        let failure = match outcome {
            Ok(Ok((slot, header))) => {
                work.failing = false;
                self.feed.publish(slot.publish(header), native.epoch);
                return;
            }
            Ok(Err(message)) => message,
            Err(_) => {
                work.converter = Converter::new(self.key.spec);
                "the converter panicked".to_owned()
            }
        };
        if !std::mem::replace(&mut work.failing, true) {
            tracing::warn!(rendition = %self.key, "a frame could not be converted: {failure}");
        }
    }
}

impl Work {
    fn convert(
        &mut self,
        header: &FrameHeader,
        bytes: &[u8],
    ) -> Result<(crate::slots::WriteSlot, FrameHeader), String> {
        let needed = self.converter.most_bytes(header.size);
        let pool = match &self.pool {
            Some(pool) if pool.slot_length() == needed => pool,
            other => {
                if let Some(old) = other {
                    old.retire_all();
                }
                self.pool.insert(Pool::new(needed))
            }
        };
        let mut slot = pool.acquire().map_err(|error| error.to_string())?;
        let converted =
            self.converter.convert(header, bytes, &mut slot).map_err(|error| error.to_string())?;
        let header = FrameHeader {
            size: converted.size,
            format: converted.format,
            planes: converted.planes,
            colour: converted.colour,
            length: u32::try_from(converted.length).map_err(|_| "too long".to_owned())?,
            dropped: 0,
            ..*header
        };
        Ok((slot, header))
    }
}

impl Drop for Rendition {
    fn drop(&mut self) {
        self.feed.clear();
        if let Some(pool) = &lock(&self.work).pool {
            pool.retire_all();
        }
    }
}

/// The renditions of one camera.
pub struct Renditions {
    native: Arc<Feed>,
    workers: Arc<Workers>,
    active: Mutex<HashMap<RenditionKey, Weak<Rendition>>>,
}

/// The rendition that a request is served by.
pub struct Routed {
    /// The rendition.
    pub rendition: Arc<Rendition>,
    /// Whether it is not the one that was asked for.
    pub instead: bool,
}

impl Renditions {
    /// Most renditions of a camera at once.
    pub const MOST: usize = 8;

    /// No renditions yet, of the frames in `native`.
    pub fn new(native: Arc<Feed>, workers: Arc<Workers>) -> Self {
        Self { native, workers, active: Mutex::default() }
    }

    /// The rendition `key`, computed from now on; at the bound the nearest smaller one of the
    /// same format and orientation. `native` is the size of native frames.
    pub fn route(&self, key: &RenditionKey, native: Size) -> Result<Routed, ErrorReply> {
        let mut active = lock(&self.active);
        active.retain(|_, rendition| rendition.strong_count() > 0);
        if let Some(rendition) = active.get(key).and_then(Weak::upgrade) {
            return Ok(Routed { rendition, instead: false });
        }
        if active.len() < Self::MOST {
            let rendition = Arc::new(Rendition::new(key.clone(), self.native.clone()));
            active.insert(key.clone(), Arc::downgrade(&rendition));
            drop(active);
            // The newest frame is news to this one.
            rendition.clone().schedule(&self.workers);
            return Ok(Routed { rendition, instead: false });
        }
        let area = |key: &RenditionKey| key.spec.output_size(native).area();
        let wanted = area(key);
        let alike = active.values().filter_map(Weak::upgrade).filter(|other| {
            let (a, b) = (&other.key.spec, &key.spec);
            (a.format, a.crop, a.rotation, a.mirror) == (b.format, b.crop, b.rotation, b.mirror)
        });
        // Smaller ones first, the largest of them; else the smallest of the larger ones.
        let nearest = alike.min_by_key(|other| {
            let area = area(&other.key);
            (area > wanted, area.abs_diff(wanted))
        });
        nearest.map(|rendition| Routed { rendition, instead: true }).ok_or_else(|| {
            ErrorReply::new(
                ErrorKind::Limit,
                format!(
                    "{} renditions of this camera are being computed, which is the most, and \
                     none of them is like {key}; ask for one that others watch, or for native \
                     frames",
                    Self::MOST
                ),
            )
        })
    }

    /// To be called for each native frame that was published.
    pub fn frame_arrived(&self, captured_ns: u64) {
        let active: Vec<Arc<Rendition>> =
            lock(&self.active).values().filter_map(Weak::upgrade).collect();
        for rendition in active {
            let admitted = lock(&rendition.pacer).admits(captured_ns);
            if admitted {
                rendition.schedule(&self.workers);
            }
        }
    }

    /// Names of the renditions that are being computed.
    pub fn names(&self) -> Vec<String> {
        let active = lock(&self.active);
        let mut names: Vec<String> = active
            .iter()
            .filter(|(_, rendition)| rendition.strong_count() > 0)
            .map(|(key, _)| key.to_string())
            .collect();
        names.sort();
        names
    }
}
