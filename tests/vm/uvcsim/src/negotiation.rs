//! What is streamed: the sizes and rates offered, and the settling of the host's wish.

/// Sizes in pixels, in the order of their descriptors.
pub const SIZES: [(u16, u16); 4] = [(320, 240), (640, 480), (1280, 720), (1920, 1080)];
/// Frame intervals in 100 ns, shortest first; 7.5 frames a second among them, as real cameras have.
pub const INTERVALS: [u32; 5] = [166_666, 333_333, 666_666, 1_000_000, 1_333_333];
/// The interval where the host wishes for none.
pub const DEFAULT_INTERVAL: u32 = INTERVALS[1];
/// Index of the first format.
pub const MJPG: u8 = 1;
/// Index of the second format.
pub const YUY2: u8 = 2;
/// Length of a wish in bytes.
pub const PROBE: usize = 34;

/// What is being streamed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Which of the streams since plugging in it is.
    pub stream: u32,
    /// [`MJPG`] or [`YUY2`].
    pub format: u8,
    /// Width and height.
    pub size: (u16, u16),
    /// Frame interval in 100 ns.
    pub interval: u32,
}

impl Choice {
    /// What a settled wish stands for.
    pub fn of(probe: &[u8], stream: u32) -> Self {
        Self {
            stream,
            format: probe[2],
            size: SIZES[probe[3] as usize - 1],
            interval: interval_of(probe),
        }
    }
}

/// Bytes of a frame of two bytes a pixel.
pub fn raw_length((width, height): (u16, u16)) -> u32 {
    u32::from(width) * u32::from(height) * 2
}

/// The wish before the host has made any.
pub fn default_probe() -> Vec<u8> {
    settle(&[0, 0, MJPG, 2])
}

/// What the webcam makes of the host's wish.
pub fn settle(wish: &[u8]) -> Vec<u8> {
    let mut probe = vec![0; PROBE];
    let length = wish.len().min(PROBE);
    probe[..length].copy_from_slice(&wish[..length]);
    probe[2] = probe[2].clamp(MJPG, YUY2);
    probe[3] = probe[3].clamp(1, SIZES.len() as u8);
    let interval = match interval_of(&probe) {
        0 => DEFAULT_INTERVAL,
        wish => INTERVALS.into_iter().min_by_key(|each| each.abs_diff(wish)).unwrap_or(wish),
    };
    let length = raw_length(SIZES[probe[3] as usize - 1]);
    probe[4..8].copy_from_slice(&interval.to_le_bytes());
    probe[18..22].copy_from_slice(&length.to_le_bytes());
    // A payload is a whole frame with its header of two bytes.
    probe[22..26].copy_from_slice(&(length + 2).to_le_bytes());
    probe[26..30].copy_from_slice(&1_000_000u32.to_le_bytes());
    probe
}

fn interval_of(probe: &[u8]) -> u32 {
    u32::from_le_bytes([probe[4], probe[5], probe[6], probe[7]])
}
