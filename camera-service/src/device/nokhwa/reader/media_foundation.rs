//! Read from Media Foundation by a source reader, frame by frame, as the camera delivers them.
//!
//! Of the camera's native types one is chosen, and nothing is converted. What the camera is
//! used for by others shows at the first frame, no sooner: the system starts it then.
#![allow(unsafe_code)]

use ::nokhwa::utils::CameraIndex;
use protocol::{Mode, PixelFormat};
use windows::{
    Win32::Media::MediaFoundation::{
        IMFAttributes, IMFMediaBuffer, IMFMediaSource, IMFMediaType, IMFSourceReader,
        MF_DEVSOURCE_ATTRIBUTE_SOURCE_TYPE, MF_DEVSOURCE_ATTRIBUTE_SOURCE_TYPE_VIDCAP_GUID,
        MF_DEVSOURCE_ATTRIBUTE_SOURCE_TYPE_VIDCAP_SYMBOLIC_LINK, MF_E_NO_MORE_TYPES,
        MF_MT_FRAME_RATE, MF_MT_FRAME_RATE_RANGE_MAX, MF_MT_FRAME_RATE_RANGE_MIN, MF_MT_FRAME_SIZE,
        MF_MT_SUBTYPE, MF_READWRITE_DISABLE_CONVERTERS, MF_SOURCE_READER_ALL_STREAMS,
        MF_SOURCE_READER_FIRST_VIDEO_STREAM, MF_SOURCE_READERF_CURRENTMEDIATYPECHANGED,
        MF_SOURCE_READERF_ENDOFSTREAM, MF_SOURCE_READERF_ERROR, MFCreateAttributes,
        MFCreateDeviceSource, MFCreateSourceReaderFromMediaSource, MFVideoFormat_MJPG,
        MFVideoFormat_NV12, MFVideoFormat_YUY2,
    },
    core::{self, GUID, HSTRING},
};

use super::super::library;
use crate::device::Error;

const VIDEO: u32 = MF_SOURCE_READER_FIRST_VIDEO_STREAM.0.cast_unsigned();
const ALL: u32 = MF_SOURCE_READER_ALL_STREAMS.0.cast_unsigned();
/// Brightness alone, by its four letters, Y800: the headers have no name for it.
const Y800: GUID = GUID::from_u128(0x3030_3859_0000_0010_8000_00aa_0038_9b71);

/// A camera that streams.
pub(in super::super) struct Reader {
    reader: IMFSourceReader,
    index: CameraIndex,
}

impl Reader {
    /// Opens the camera in one of the modes that it offers. Blocks for as long as the driver
    /// pleases.
    pub(in super::super) fn open(index: &CameraIndex, mode: Mode) -> Result<Self, Error> {
        library::prepare();
        let failed = |call| move |error| library::system_error(call, index, &error);
        let reader = source_reader(&index.to_string()).map_err(failed("opening the camera"))?;
        let kind = kind(&reader, mode).map_err(failed("asking for its modes"))?;
        let kind = kind.ok_or(Error::Unsupported("this mode"))?;
        // SAFETY: all objects live for longer than the calls. Other streams, such as that of a
        // button for photographs, would fill up unread.
        let started = unsafe {
            reader
                .SetCurrentMediaType(VIDEO, None, &kind)
                .and_then(|()| reader.SetStreamSelection(ALL, false))
                .and_then(|()| reader.SetStreamSelection(VIDEO, true))
        };
        started.map_err(failed("setting the mode"))?;
        Ok(Self { reader, index: index.clone() })
    }

    /// The next frame, or nothing where the system woke up without one. Blocks for as long as the
    /// camera pleases.
    pub(in super::super) fn read(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let (mut flags, mut sample) = (0_u32, None);
        let mut read = || -> core::Result<Option<Vec<u8>>> {
            // SAFETY: what is filled in outlives the call; a sample that comes is owned here.
            unsafe {
                self.reader.ReadSample(
                    VIDEO,
                    0,
                    None,
                    Some(&raw mut flags),
                    None,
                    Some(&raw mut sample),
                )?;
            }
            let Some(sample) = sample.take() else { return Ok(None) };
            // SAFETY: takes nothing; what it gives is owned here.
            let buffer = unsafe { sample.ConvertToContiguousBuffer()? };
            bytes(&buffer).map(Some)
        };
        let read = read()
            .map_err(|error| library::system_error("reading a frame", &self.index, &error))?;
        let has = |flag: i32| flags & flag.cast_unsigned() != 0;
        if has(MF_SOURCE_READERF_ENDOFSTREAM.0) || has(MF_SOURCE_READERF_ERROR.0) {
            // Without this it would be asked again at once, for ever.
            return Err(Error::Gone);
        }
        if has(MF_SOURCE_READERF_CURRENTMEDIATYPECHANGED.0) {
            let source = std::io::Error::other("the camera has changed its mode by itself");
            return Err(Error::Io { call: "reading a frame", source });
        }
        Ok(read)
    }
}

/// A reader of the camera with this symbolic link, which names the one device and no other.
fn source_reader(link: &str) -> core::Result<IMFSourceReader> {
    let wish = attributes()?;
    let settings = attributes()?;
    // SAFETY: all objects and texts live for longer than the calls.
    unsafe {
        wish.SetGUID(
            &MF_DEVSOURCE_ATTRIBUTE_SOURCE_TYPE,
            &MF_DEVSOURCE_ATTRIBUTE_SOURCE_TYPE_VIDCAP_GUID,
        )?;
        wish.SetString(
            &MF_DEVSOURCE_ATTRIBUTE_SOURCE_TYPE_VIDCAP_SYMBOLIC_LINK,
            &HSTRING::from(link),
        )?;
        settings.SetUINT32(&MF_READWRITE_DISABLE_CONVERTERS, 1)?;
        let source: IMFMediaSource = MFCreateDeviceSource(&wish)?;
        // From then on it is shut down with its reader.
        MFCreateSourceReaderFromMediaSource(&source, &settings).inspect_err(|_| {
            // What matters is why there is no reader.
            let _ = source.Shutdown();
        })
    }
}

fn attributes() -> core::Result<IMFAttributes> {
    let mut attributes = None;
    // SAFETY: what is filled in outlives the call.
    unsafe { MFCreateAttributes(&raw mut attributes, 2)? };
    attributes.ok_or_else(core::Error::empty)
}

/// The native type of this mode; `None` where there is none.
fn kind(reader: &IMFSourceReader, mode: Mode) -> core::Result<Option<IMFMediaType>> {
    let mut kinds = Vec::new();
    for number in 0.. {
        // SAFETY: takes numbers; what it gives is owned here.
        match unsafe { reader.GetNativeMediaType(VIDEO, number) } {
            Ok(kind) => kinds.push(kind),
            Err(error) if error.code() == MF_E_NO_MORE_TYPES => break,
            Err(error) => return Err(error),
        }
    }
    chosen(&kinds, mode)
}

/// The one among `kinds` of this mode: one of that rate, else one whose range of rates begins or
/// ends with it, which is then told to have it.
fn chosen(kinds: &[IMFMediaType], mode: Mode) -> core::Result<Option<IMFMediaType>> {
    let format = match mode.format {
        PixelFormat::Mjpg => MFVideoFormat_MJPG,
        PixelFormat::Yuyv => MFVideoFormat_YUY2,
        PixelFormat::Nv12 => MFVideoFormat_NV12,
        PixelFormat::Grey => Y800,
        _ => return Ok(None),
    };
    let size = pair(mode.size.width, mode.size.height);
    let rate = pair(mode.rate.numerator, mode.rate.denominator);
    let fits = |kind: &&IMFMediaType| {
        // SAFETY: the objects and keys live for longer than the calls.
        unsafe {
            kind.GetGUID(&MF_MT_SUBTYPE).is_ok_and(|is| is == format)
                && kind.GetUINT64(&MF_MT_FRAME_SIZE).is_ok_and(|is| is == size)
        }
    };
    let has = |kind: &&IMFMediaType, key: &GUID| {
        // SAFETY: as above.
        unsafe { kind.GetUINT64(key) }.is_ok_and(|is| is == rate)
    };
    let fitting = || kinds.iter().filter(fits);
    if let Some(kind) = fitting().find(|kind| has(kind, &MF_MT_FRAME_RATE)) {
        return Ok(Some(kind.clone()));
    }
    let ends = [&MF_MT_FRAME_RATE_RANGE_MAX, &MF_MT_FRAME_RATE_RANGE_MIN];
    let ranged = fitting().find(|kind| ends.into_iter().any(|end| has(kind, end)));
    if let Some(kind) = ranged {
        // SAFETY: as above. The type is a copy that the reader made for whoever asked.
        unsafe { kind.SetUINT64(&MF_MT_FRAME_RATE, rate)? };
    }
    Ok(ranged.cloned())
}

/// Two numbers as Media Foundation keeps them in one.
fn pair(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// A copy of what is in a buffer.
fn bytes(buffer: &IMFMediaBuffer) -> core::Result<Vec<u8>> {
    let (mut start, mut length) = (std::ptr::null_mut::<u8>(), 0);
    // SAFETY: what is filled in outlives the call; unlocked below.
    unsafe { buffer.Lock(&raw mut start, None, Some(&raw mut length))? };
    let bytes = if start.is_null() {
        Vec::new()
    } else {
        // SAFETY: until it is unlocked the buffer has so many bytes there, and nobody writes.
        unsafe { std::slice::from_raw_parts(start, length as usize) }.to_vec()
    };
    // SAFETY: locked above, and what lay there is used no more.
    unsafe { buffer.Unlock()? };
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use protocol::{FrameRate, Size};
    use windows::Win32::Media::MediaFoundation::{MFCreateMediaType, MFCreateMemoryBuffer};

    use super::*;

    const YUYV: Mode =
        Mode { format: PixelFormat::Yuyv, size: Size::new(640, 480), rate: FrameRate::new(30, 1) };

    fn native(format: GUID, size: (u32, u32), rate: u32) -> IMFMediaType {
        // SAFETY: the objects and keys live for longer than the calls.
        unsafe {
            let kind = MFCreateMediaType().expect("made");
            kind.SetGUID(&MF_MT_SUBTYPE, &format).expect("set");
            kind.SetUINT64(&MF_MT_FRAME_SIZE, pair(size.0, size.1)).expect("set");
            kind.SetUINT64(&MF_MT_FRAME_RATE, pair(rate, 1)).expect("set");
            kind
        }
    }

    #[test]
    fn of_the_native_types_that_of_the_mode_is_chosen() {
        library::prepare();
        let kinds = [
            native(MFVideoFormat_MJPG, (640, 480), 30),
            native(MFVideoFormat_YUY2, (640, 360), 30),
            native(MFVideoFormat_YUY2, (640, 480), 15),
            native(MFVideoFormat_YUY2, (640, 480), 30),
        ];
        let found = chosen(&kinds, YUYV).expect("asked").expect("there");
        assert_eq!(found, kinds[3]);
        let other = Mode { rate: FrameRate::new(60, 1), ..YUYV };
        assert!(chosen(&kinds, other).expect("asked").is_none());
        let other = Mode { format: PixelFormat::Nv12, ..YUYV };
        assert!(chosen(&kinds, other).expect("asked").is_none());
        // A range that ends there.
        // SAFETY: the object and key live for longer than the call.
        unsafe { kinds[2].SetUINT64(&MF_MT_FRAME_RATE_RANGE_MAX, pair(60, 1)).expect("set") };
        let fast = Mode { rate: FrameRate::new(60, 1), ..YUYV };
        let found = chosen(&kinds, fast).expect("asked").expect("there");
        // SAFETY: as above.
        let rate = unsafe { found.GetUINT64(&MF_MT_FRAME_RATE) }.expect("it has one");
        assert_eq!((found == kinds[2], rate), (true, pair(60, 1)));
    }

    #[test]
    fn bytes_are_copied_and_the_buffer_is_given_back() {
        library::prepare();
        // SAFETY: the buffer is written within its length, and locked only meanwhile.
        let buffer = unsafe {
            let buffer = MFCreateMemoryBuffer(4).expect("made");
            let mut start = std::ptr::null_mut();
            buffer.Lock(&raw mut start, None, None).expect("locked");
            start.copy_from_nonoverlapping([1, 2, 3].as_ptr(), 3);
            buffer.Unlock().expect("unlocked");
            buffer.SetCurrentLength(3).expect("it has room");
            buffer
        };
        for _ in 0..3 {
            assert_eq!(bytes(&buffer).expect("read"), [1, 2, 3]);
        }
    }

    #[test]
    fn a_camera_that_is_not_there_is_not_opened() {
        let link =
            r"\\?\usb#vid_0000&pid_0000&mi_00#none#{e5323777-f976-4f5b-9b55-b94699c46e44}\global";
        match Reader::open(&CameraIndex::String(link.to_owned()), YUYV) {
            Ok(_) => panic!("there is no such camera"),
            // The latter where Media Foundation has no part for cameras.
            Err(Error::Gone | Error::Io { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
}
