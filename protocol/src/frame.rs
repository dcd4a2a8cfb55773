//! What is said about one frame: its slot, and the header that describes its bytes.

use serde::{Deserialize, Serialize};

use crate::{PixelFormat, Size};

/// A slot: one frame's room in shared memory. Ids are never used again while a service runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SlotId(pub u64);

/// Everything about a frame but its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameHeader {
    /// The driver's number for this frame; a gap means that the driver dropped frames.
    /// Starts anew when the camera is opened again.
    pub sequence: u64,
    /// Time of capture on this machine's monotonic clock (`CLOCK_MONOTONIC`), in ns.
    pub monotonic_ns: u64,
    /// Time of capture in ns since 1970 (UTC).
    pub unix_ns: u64,
    /// Size in pixels.
    pub size: Size,
    /// Pixel format.
    pub format: PixelFormat,
    /// Where each plane lies; one for packed formats and MJPG.
    pub planes: Vec<Plane>,
    /// How luma and chroma become red, green and blue.
    pub colour: Colour,
    /// Number of bytes of the frame, from the start of its slot.
    pub length: u32,
    /// Frames passed over for this reader since the one that it got before: it held two slots,
    /// or was told that it lagged. What a rate limit leaves out is not counted.
    pub dropped: u32,
}

/// One plane of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plane {
    /// Offset of the first row from the start of the frame, in bytes.
    pub offset: u32,
    /// Bytes from one row to the next; 0 for MJPG, which has no rows.
    pub stride: u32,
}

/// Colour encoding of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Colour {
    /// Which luma coefficients were used.
    pub matrix: Matrix,
    /// Whether black is 0 or 16.
    pub range: Range,
}

impl Colour {
    /// What JPEG images and most webcams' MJPG use: BT.601, full range.
    pub const JPEG: Self = Self { matrix: Matrix::Bt601, range: Range::Full };
    /// What most webcams' uncompressed formats use: BT.601, limited range.
    pub const VIDEO: Self = Self { matrix: Matrix::Bt601, range: Range::Limited };
}

/// Luma coefficients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matrix {
    /// ITU-R BT.601.
    Bt601,
    /// ITU-R BT.709.
    Bt709,
}

/// Quantisation range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Range {
    /// Luma 16 to 235, chroma 16 to 240.
    Limited,
    /// 0 to 255.
    Full,
}
