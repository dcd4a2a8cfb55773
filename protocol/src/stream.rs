//! Messages of a connection with the role `stream`.

use serde::{Deserialize, Serialize};

use crate::{
    CameraId, ErrorReply, FrameHeader, FrameRate, Mode, ParseError, PixelFormat, Size, SlotId,
};

/// What a client sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum StreamCommand {
    /// Asks for frames. The first message, and sent once.
    Open(StreamRequest),
    /// Gives back a slot that a frame came in. Must be one that this connection holds.
    Release {
        /// The slot.
        slot: SlotId,
    },
}

/// Which frames a client wants.
///
/// It never changes the mode of a camera that others watch: what differs from the native mode
/// is computed. For a closed camera, format, size and rate also choose the mode it opens in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamRequest {
    /// Id, name or device file of the camera.
    pub camera: CameraId,
    /// Native frames, or a pixel format.
    pub format: StreamFormat,
    /// Frames are scaled down, keeping their aspect, until they fit; never up.
    pub max_size: Option<Size>,
    /// Most frames a second.
    pub max_rate: Option<FrameRate>,
    /// The part of the native frame wanted.
    pub crop: Option<Crop>,
    /// Turned clockwise, after cropping.
    pub rotation: Rotation,
    /// Left and right exchanged, after turning.
    pub mirror: bool,
    /// JPEG quality from 1 to 100 for frames that the service encodes; 80 where not given.
    pub quality: Option<u8>,
    /// How frames are to come.
    pub delivery: Delivery,
}

impl StreamRequest {
    /// Native frames of `camera` through shared memory.
    pub fn native(camera: CameraId) -> Self {
        Self {
            camera,
            format: StreamFormat::Native,
            max_size: None,
            max_rate: None,
            crop: None,
            rotation: Rotation::None,
            mirror: false,
            quality: None,
            delivery: Delivery::Shared,
        }
    }
}

/// Format of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StreamFormat {
    /// What the camera delivers, whatever it is.
    Native,
    /// This one: MJPG, I420, NV12, YUYV, RGB, BGR, RGBA or GREY.
    Pixels(PixelFormat),
}

/// A part of a frame, in ten-thousandths of its width and height.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Crop {
    /// Left edge, 0 to 9,999.
    pub left: u16,
    /// Upper edge, 0 to 9,999.
    pub top: u16,
    /// Width; with `left` at most 10,000.
    pub width: u16,
    /// Height; with `top` at most 10,000.
    pub height: u16,
}

impl Crop {
    /// Whether it lies within the frame and is not empty.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.width > 0
            && self.height > 0
            && self.left as u32 + self.width as u32 <= 10_000
            && self.top as u32 + self.height as u32 <= 10_000
    }
}

impl std::str::FromStr for Crop {
    type Err = ParseError;

    /// Takes left edge, upper edge, width and height in per cent: `25,25,50,50`, `0,12.5,100,75`.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let wrong = || {
            let expected = "LEFT,TOP,WIDTH,HEIGHT in per cent of the frame and within it, such as \
                            25,25,50,50";
            ParseError::new(text, expected)
        };
        let part = |part: &str| {
            let percent: f64 = part.trim().parse().ok()?;
            (0.0..=100.0).contains(&percent).then(|| (percent * 100.0).round() as u16)
        };
        let parts: Option<Vec<u16>> = text.split(',').map(part).collect();
        let [left, top, width, height] = parts.ok_or_else(wrong)?[..] else { return Err(wrong()) };
        Some(Self { left, top, width, height }).filter(|crop| crop.is_valid()).ok_or_else(wrong)
    }
}

/// Clockwise rotation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    /// As captured.
    #[default]
    None,
    /// A quarter turn.
    Quarter,
    /// Upside down.
    Half,
    /// Three quarters of a turn.
    ThreeQuarters,
}

impl Rotation {
    /// Degrees clockwise.
    #[must_use]
    pub const fn degrees(self) -> u16 {
        match self {
            Self::None => 0,
            Self::Quarter => 90,
            Self::Half => 180,
            Self::ThreeQuarters => 270,
        }
    }

    /// Whether width and height change places.
    #[must_use]
    pub const fn swaps_sides(self) -> bool {
        matches!(self, Self::Quarter | Self::ThreeQuarters)
    }
}

impl std::str::FromStr for Rotation {
    type Err = ParseError;

    /// Takes 0, 90, 180 and 270.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Ok(match text {
            "0" => Self::None,
            "90" => Self::Quarter,
            "180" => Self::Half,
            "270" => Self::ThreeQuarters,
            _ => return Err(ParseError::new(text, "a rotation: 0, 90, 180 or 270")),
        })
    }
}

/// How frames reach a client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// In shared memory, mapped by the client.
    #[default]
    Shared,
    /// Behind their message, over the connection.
    Inline,
}

impl Delivery {
    /// The delivery as one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Inline => "inline",
        }
    }
}

/// What a stream gives, in answer to [`StreamCommand::Open`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// The camera's id, also where the request named it otherwise.
    pub camera: CameraId,
    /// Format, size and highest rate of the frames that come.
    pub mode: Mode,
    /// The camera's own mode.
    pub native: Mode,
    /// How frames come; inline also where sharing was asked for and is not possible.
    pub delivery: Delivery,
    /// Where the service computes as many renditions as it may: the name of the one given
    /// in place of what was asked for.
    pub instead: Option<String>,
}

/// What the service sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum StreamMessage {
    /// The stream is set up. Comes when the camera delivers, once; `Lost` and `Blocked` may come
    /// before it.
    Started(Started),
    /// There will be no stream; the connection is closed.
    Refused(ErrorReply),
    /// A slot that this client has not seen before. Its memory object comes with the first byte
    /// of this message (a descriptor on Linux), or is `handle` (Windows).
    Slot {
        /// The slot.
        slot: SlotId,
        /// Size of the memory object in bytes.
        length: u64,
        /// On Windows the object's handle in the client's process, for mapping it before the
        /// slot is first released; the service closes it then. Elsewhere 0.
        handle: u64,
    },
    /// A frame lies in a slot. The client reads it there and answers
    /// [`StreamCommand::Release`].
    Frame {
        /// The slot.
        slot: SlotId,
        /// What lies in it.
        header: FrameHeader,
    },
    /// A frame whose `header.length` bytes follow this message raw.
    InlineFrame {
        /// What follows.
        header: FrameHeader,
    },
    /// No more frames will come in this slot: the client unmaps it when it has done reading.
    /// A frame that still lies there stays whole; it is released as always.
    Retired {
        /// The slot.
        slot: SlotId,
    },
    /// The camera's mode was changed. Sent to every stream of it: frames come in `mode` from now
    /// on, renditions too, though in the format and within the limits that were asked for.
    ModeChanged {
        /// Format, size and highest rate of the frames that come.
        mode: Mode,
        /// The camera's own mode.
        native: Mode,
    },
    /// The camera is gone or does not deliver. Frames resume by themselves when it is back.
    Lost {
        /// What happened.
        reason: String,
    },
    /// The client held a slot for so long that it was taken out of use: no frames come until
    /// the client has released all that it holds.
    Lagged,
    /// The user has turned all cameras off. Frames resume when they are turned on again.
    Blocked,
    /// The stream has ended for good; the connection is closed.
    Ended(ErrorReply),
}
