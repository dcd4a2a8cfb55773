//! What a reader of frames and the service say.

use protocol::{
    Crop, Delivery, ErrorKind, FrameRate, Mode, PixelFormat, Rotation, Size, SlotId, Started,
    StreamCommand, StreamFormat, StreamMessage, StreamRequest,
};

use super::{Sample, camera, plain, special};

/// The rendition that `Open/everything` asks for.
const SMALL: Mode =
    Mode { format: PixelFormat::Nv12, size: Size::new(360, 640), rate: FrameRate::new(15, 1) };

pub(crate) fn stream_command() -> Vec<Sample<StreamCommand>> {
    let inline = StreamRequest {
        format: StreamFormat::Pixels(PixelFormat::Mjpg),
        delivery: Delivery::Inline,
        ..StreamRequest::native(camera::test_id())
    };
    let everything = StreamRequest {
        camera: camera::id(),
        format: StreamFormat::Pixels(PixelFormat::Nv12),
        max_size: Some(Size::new(640, 640)),
        max_rate: Some(FrameRate::new(15, 1)),
        crop: Some(Crop { left: 1_250, top: 0, width: 7_500, height: 10_000 }),
        rotation: Rotation::Quarter,
        mirror: true,
        quality: Some(90),
        delivery: Delivery::Shared,
    };
    vec![
        plain(StreamCommand::Open(StreamRequest::native(camera::test_id()))),
        special("jpeg_inline", StreamCommand::Open(inline)),
        special("everything", StreamCommand::Open(everything)),
        plain(StreamCommand::Release { slot: SlotId(3) }),
    ]
}

pub(crate) fn stream_message() -> Vec<Sample<StreamMessage>> {
    vec![
        plain(StreamMessage::Started(Started {
            camera: camera::id(),
            mode: camera::HD,
            native: camera::HD,
            delivery: Delivery::Shared,
            instead: None,
        })),
        special(
            "instead",
            StreamMessage::Started(Started {
                camera: camera::id(),
                mode: SMALL,
                native: camera::HD,
                delivery: Delivery::Inline,
                instead: Some("NV12 360x640 15 fps".to_owned()),
            }),
        ),
        plain(StreamMessage::Refused(camera::error(
            ErrorKind::NoSuchCamera,
            "no camera is called attic; `camera-service list` shows all",
        ))),
        plain(StreamMessage::Slot { slot: SlotId(3), length: 1_843_200, handle: 0 }),
        special(
            "windows",
            StreamMessage::Slot { slot: SlotId(4), length: 1_843_200, handle: 0x1a4 },
        ),
        plain(StreamMessage::Frame { slot: SlotId(3), header: camera::nv12() }),
        plain(StreamMessage::InlineFrame { header: camera::mjpg() }),
        plain(StreamMessage::Retired { slot: SlotId(3) }),
        plain(StreamMessage::ModeChanged { mode: camera::VGA, native: camera::VGA }),
        plain(StreamMessage::Lost { reason: "unplugged".to_owned() }),
        plain(StreamMessage::Lagged),
        plain(StreamMessage::Blocked),
        plain(StreamMessage::Ended(camera::error(ErrorKind::Stopping, "the service is stopping"))),
    ]
}
