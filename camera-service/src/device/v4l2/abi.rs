//! The kernel's V4L2 interface: the structures that its calls take, and its constants.
//!
//! Written from the public interface (`linux/videodev2.h`). Every structure is plain old data:
//! any bytes are a valid value of it. That each has the kernel's size is checked when compiling.
#![allow(unsafe_code)]

/// Structures of which every bit pattern, all zeros included, is a valid value.
///
/// # Safety
/// The type has integers, floats and raw pointers only.
pub(super) unsafe trait Plain: Copy {
    /// A value of which every byte is zero: what the kernel demands of reserved fields.
    fn zeroed() -> Self {
        // SAFETY: all zeros is a valid value by this trait's promise.
        unsafe { std::mem::zeroed() }
    }
}

macro_rules! plain {
    ($($name:ident: $size:literal,)*) => {
        $(
            // SAFETY: integers and raw pointers only, see the definitions below.
            unsafe impl Plain for $name {}
            // The kernel encodes the size in the number of the call; 32-bit systems have others.
            #[cfg(target_pointer_width = "64")]
            const _: () = assert!(size_of::<$name>() == $size);
        )*
    };
}

plain! {
    Capability: 104,
    FormatDescription: 64,
    Format: 208,
    FrameSizes: 44,
    FrameIntervals: 52,
    StreamParameters: 204,
    RequestBuffers: 20,
    Buffer: 88,
    QueryControl: 68,
    QueryExtControl: 232,
    QueryMenu: 44,
    OldControl: 8,
    ExtControl: 20,
    ExtControls: 32,
    Event: 136,
    EventSubscription: 32,
}

// SAFETY: an integer.
unsafe impl Plain for libc::c_int {}

// SAFETY: an integer.
unsafe impl Plain for u32 {}

/// `struct v4l2_capability`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Capability {
    pub(super) driver: [u8; 16],
    pub(super) card: [u8; 32],
    pub(super) bus_info: [u8; 32],
    pub(super) version: u32,
    pub(super) capabilities: u32,
    pub(super) device_caps: u32,
    reserved: [u32; 3],
}

pub(super) const CAP_VIDEO_CAPTURE: u32 = 0x0000_0001;
pub(super) const CAP_VIDEO_OUTPUT: u32 = 0x0000_0002;
pub(super) const CAP_VIDEO_CAPTURE_MPLANE: u32 = 0x0000_1000;
pub(super) const CAP_VIDEO_OUTPUT_MPLANE: u32 = 0x0000_2000;
pub(super) const CAP_VIDEO_M2M_MPLANE: u32 = 0x0000_4000;
pub(super) const CAP_VIDEO_M2M: u32 = 0x0000_8000;
pub(super) const CAP_META_CAPTURE: u32 = 0x0080_0000;
pub(super) const CAP_STREAMING: u32 = 0x0400_0000;
pub(super) const CAP_META_OUTPUT: u32 = 0x0800_0000;
pub(super) const CAP_DEVICE_CAPS: u32 = 0x8000_0000;

/// `V4L2_BUF_TYPE_VIDEO_CAPTURE`.
pub(super) const VIDEO_CAPTURE: u32 = 1;
/// `V4L2_BUF_TYPE_VIDEO_OUTPUT`.
pub(super) const VIDEO_OUTPUT: u32 = 2;

/// `struct v4l2_fmtdesc`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct FormatDescription {
    pub(super) index: u32,
    pub(super) kind: u32,
    pub(super) flags: u32,
    pub(super) description: [u8; 32],
    pub(super) pixel_format: u32,
    pub(super) mbus_code: u32,
    reserved: [u32; 3],
}

/// `struct v4l2_format` with `struct v4l2_pix_format` in it.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Format {
    pub(super) kind: u32,
    /// The kernel's union has pointers in it and is aligned like them.
    alignment: [usize; 0],
    pub(super) pix: PixFormat,
    rest: [u8; 200 - size_of::<PixFormat>()],
}

/// `struct v4l2_pix_format`.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(super) struct PixFormat {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) pixel_format: u32,
    pub(super) field: u32,
    pub(super) bytes_per_line: u32,
    pub(super) size_image: u32,
    pub(super) colorspace: u32,
    pub(super) private: u32,
    pub(super) flags: u32,
    pub(super) ycbcr_enc: u32,
    pub(super) quantization: u32,
    pub(super) xfer_func: u32,
}

/// Says in `private` that the fields after it count.
pub(super) const PIX_FMT_PRIV_MAGIC: u32 = 0xfeed_cafe;

pub(super) const FIELD_NONE: u32 = 1;
pub(super) const FIELD_SEQ_TB: u32 = 5;
pub(super) const FIELD_SEQ_BT: u32 = 6;
pub(super) const FIELD_ALTERNATE: u32 = 7;

pub(super) const COLORSPACE_SMPTE240M: u32 = 2;
pub(super) const COLORSPACE_REC709: u32 = 3;
pub(super) const COLORSPACE_JPEG: u32 = 7;
pub(super) const COLORSPACE_BT2020: u32 = 10;
pub(super) const COLORSPACE_DCI_P3: u32 = 12;
pub(super) const YCBCR_ENC_DEFAULT: u32 = 0;
pub(super) const YCBCR_ENC_709: u32 = 2;
pub(super) const YCBCR_ENC_XV709: u32 = 4;
pub(super) const YCBCR_ENC_BT2020: u32 = 6;
pub(super) const YCBCR_ENC_BT2020_CONST_LUM: u32 = 7;
pub(super) const YCBCR_ENC_SMPTE240M: u32 = 8;
pub(super) const QUANTIZATION_FULL_RANGE: u32 = 1;
pub(super) const QUANTIZATION_LIM_RANGE: u32 = 2;

/// `struct v4l2_frmsizeenum`. `size` is width and height where `kind` is `DISCRETE`, else
/// lowest, highest and step of the width, then of the height.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct FrameSizes {
    pub(super) index: u32,
    pub(super) pixel_format: u32,
    pub(super) kind: u32,
    pub(super) size: [u32; 6],
    reserved: [u32; 2],
}

/// `struct v4l2_frmivalenum`. `interval` is one fraction of a second where `kind` is
/// `DISCRETE`, else the lowest, the highest and the step.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct FrameIntervals {
    pub(super) index: u32,
    pub(super) pixel_format: u32,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) kind: u32,
    pub(super) interval: [u32; 6],
    reserved: [u32; 2],
}

/// `V4L2_FRMSIZE_TYPE_DISCRETE` and `V4L2_FRMIVAL_TYPE_DISCRETE`.
pub(super) const DISCRETE: u32 = 1;

/// `struct v4l2_streamparm` with `struct v4l2_captureparm` in it; `struct v4l2_outputparm` lies
/// alike.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct StreamParameters {
    pub(super) kind: u32,
    pub(super) capability: u32,
    pub(super) capture_mode: u32,
    /// Seconds a frame: numerator, denominator.
    pub(super) time_per_frame: [u32; 2],
    pub(super) extended_mode: u32,
    pub(super) read_buffers: u32,
    rest: [u8; 200 - 24],
}

/// `V4L2_PRIORITY_BACKGROUND`, below that of everybody who does not ask for another.
pub(super) const PRIORITY_BACKGROUND: u32 = 1;

/// `struct v4l2_requestbuffers`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct RequestBuffers {
    pub(super) count: u32,
    pub(super) kind: u32,
    pub(super) memory: u32,
    pub(super) capabilities: u32,
    pub(super) flags: u32,
}

pub(super) const MEMORY_MMAP: u32 = 1;
pub(super) const MEMORY_USERPTR: u32 = 2;

/// `struct v4l2_buffer`, of a kind with one plane.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Buffer {
    pub(super) index: u32,
    pub(super) kind: u32,
    pub(super) bytes_used: u32,
    pub(super) flags: u32,
    pub(super) field: u32,
    pub(super) timestamp: libc::timeval,
    pub(super) timecode: [u32; 4],
    pub(super) sequence: u32,
    pub(super) memory: u32,
    pub(super) m: BufferMemory,
    pub(super) length: u32,
    reserved: [u32; 2],
}

/// Where a buffer's memory is, by the kind of its memory.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) union BufferMemory {
    pub(super) offset: u32,
    pub(super) userptr: libc::c_ulong,
}

pub(super) const BUF_FLAG_ERROR: u32 = 0x0040;
pub(super) const BUF_FLAG_TIMESTAMP_MASK: u32 = 0xe000;
pub(super) const BUF_FLAG_TIMESTAMP_MONOTONIC: u32 = 0x2000;

/// `struct v4l2_queryctrl`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct QueryControl {
    pub(super) id: u32,
    pub(super) kind: u32,
    pub(super) name: [u8; 32],
    pub(super) minimum: i32,
    pub(super) maximum: i32,
    pub(super) step: i32,
    pub(super) default: i32,
    pub(super) flags: u32,
    reserved: [u32; 2],
}

/// `struct v4l2_query_ext_ctrl`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct QueryExtControl {
    pub(super) id: u32,
    pub(super) kind: u32,
    pub(super) name: [u8; 32],
    pub(super) minimum: i64,
    pub(super) maximum: i64,
    pub(super) step: u64,
    pub(super) default: i64,
    pub(super) flags: u32,
    pub(super) elem_size: u32,
    pub(super) elems: u32,
    pub(super) nr_of_dims: u32,
    pub(super) dims: [u32; 4],
    reserved: [u32; 32],
}

/// `struct v4l2_querymenu`. `name` holds a 64-bit number for a menu of numbers.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct QueryMenu {
    pub(super) id: u32,
    pub(super) index: u32,
    pub(super) name: [u8; 32],
    reserved: u32,
}

/// `struct v4l2_control`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct OldControl {
    pub(super) id: u32,
    pub(super) value: i32,
}

/// `struct v4l2_ext_control`.
#[derive(Clone, Copy)]
#[repr(C, packed)]
pub(super) struct ExtControl {
    pub(super) id: u32,
    pub(super) size: u32,
    reserved: u32,
    pub(super) payload: ExtPayload,
}

/// A control's value, by its type.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) union ExtPayload {
    pub(super) value: i32,
    pub(super) value64: i64,
    pub(super) pointer: *mut u8,
}

/// `struct v4l2_ext_controls`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct ExtControls {
    pub(super) which: u32,
    pub(super) count: u32,
    pub(super) error_idx: u32,
    pub(super) request_fd: i32,
    reserved: u32,
    pub(super) controls: *mut ExtControl,
}

/// `V4L2_CTRL_WHICH_CUR_VAL` and `V4L2_CTRL_WHICH_DEF_VAL`.
pub(super) const WHICH_CURRENT: u32 = 0;
pub(super) const WHICH_DEFAULT: u32 = 0x0f00_0000;

pub(super) const CTRL_TYPE_INTEGER: u32 = 1;
pub(super) const CTRL_TYPE_BOOLEAN: u32 = 2;
pub(super) const CTRL_TYPE_MENU: u32 = 3;
pub(super) const CTRL_TYPE_BUTTON: u32 = 4;
pub(super) const CTRL_TYPE_INTEGER64: u32 = 5;
pub(super) const CTRL_TYPE_CTRL_CLASS: u32 = 6;
pub(super) const CTRL_TYPE_STRING: u32 = 7;
pub(super) const CTRL_TYPE_BITMASK: u32 = 8;
pub(super) const CTRL_TYPE_INTEGER_MENU: u32 = 9;

pub(super) const CID_POWER_LINE_FREQUENCY: u32 = 0x0098_0918;
pub(super) const CTRL_FLAG_DISABLED: u32 = 0x0001;
pub(super) const CTRL_FLAG_GRABBED: u32 = 0x0002;
pub(super) const CTRL_FLAG_READ_ONLY: u32 = 0x0004;
pub(super) const CTRL_FLAG_INACTIVE: u32 = 0x0010;
pub(super) const CTRL_FLAG_WRITE_ONLY: u32 = 0x0040;
pub(super) const CTRL_FLAG_VOLATILE: u32 = 0x0080;
pub(super) const CTRL_FLAG_HAS_PAYLOAD: u32 = 0x0100;
/// The number of elements changes; `dims[0]` is the most.
pub(super) const CTRL_FLAG_DYNAMIC_ARRAY: u32 = 0x0800;
/// Or-ed to an id, these ask for the next control, compound ones included.
pub(super) const CTRL_FLAG_NEXT_CTRL: u32 = 0x8000_0000;
pub(super) const CTRL_FLAG_NEXT_COMPOUND: u32 = 0x4000_0000;

/// Ids to be asked for one by one where a driver cannot tell the next control.
pub(super) const CID_BASE: u32 = 0x0098_0900;
pub(super) const CID_LASTP1: u32 = CID_BASE + 44;
pub(super) const CID_CAMERA_BASE: u32 = 0x009a_0900;
pub(super) const CID_CAMERA_LASTP1: u32 = CID_CAMERA_BASE + 40;
pub(super) const CID_PRIVATE_BASE: u32 = 0x0800_0000;

/// `struct v4l2_event` with `struct v4l2_event_ctrl` in it.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Event {
    pub(super) kind: u32,
    pub(super) control: EventControl,
    rest: [u8; 64 - size_of::<EventControl>()],
    pub(super) pending: u32,
    pub(super) sequence: u32,
    pub(super) timestamp: libc::timespec,
    pub(super) id: u32,
    reserved: [u32; 8],
}

/// `struct v4l2_event_ctrl`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct EventControl {
    pub(super) changes: u32,
    pub(super) kind: u32,
    pub(super) value: i64,
    pub(super) flags: u32,
    pub(super) minimum: i32,
    pub(super) maximum: i32,
    pub(super) step: i32,
    pub(super) default: i32,
}

impl Event {
    /// Of an [`EVENT_CLIENT_USAGE`], the first number that it carries: how many read.
    pub(super) const fn readers(&self) -> u32 {
        self.control.changes
    }
}

pub(super) const EVENT_CTRL: u32 = 3;
pub(super) const EVENT_CTRL_CH_VALUE: u32 = 1;
/// v4l2loopback's own, from 0.13 on: `V4L2_EVENT_PRI_CLIENT_USAGE`.
pub(super) const EVENT_CLIENT_USAGE: u32 = 0x0800_0000 + 0x08e0_0000 + 1;
pub(super) const EVENT_SUB_FL_SEND_INITIAL: u32 = 1;
pub(super) const EVENT_SUB_FL_ALLOW_FEEDBACK: u32 = 2;

/// `struct v4l2_event_subscription`.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct EventSubscription {
    pub(super) kind: u32,
    pub(super) id: u32,
    pub(super) flags: u32,
    reserved: [u32; 5],
}

/// Text in a field of fixed size, up to its first zero byte.
pub(super) fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).trim().to_owned()
}
