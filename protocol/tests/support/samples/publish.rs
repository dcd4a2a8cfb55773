//! What a publisher and the service say.

use protocol::{
    CameraId, Colour, ErrorKind, Matrix, Mode, PixelFormat, PublishCommand, PublishFrame,
    PublishMessage, PublishRequest, Range,
};

use super::{Sample, camera, plain, special};

pub(crate) fn publish_command() -> Vec<Sample<PublishCommand>> {
    vec![
        plain(PublishCommand::Open(PublishRequest {
            name: "phone".to_owned(),
            mode: camera::HD,
            colour: None,
        })),
        special(
            "colour_known",
            PublishCommand::Open(PublishRequest {
                name: "desk.2".to_owned(),
                mode: Mode { format: PixelFormat::I420, ..camera::HD },
                colour: Some(Colour { matrix: Matrix::Bt709, range: Range::Limited }),
            }),
        ),
        plain(PublishCommand::Frame(PublishFrame { length: 157_001, unix_ns: None })),
        special(
            "time_known",
            PublishCommand::Frame(PublishFrame {
                length: 156_998,
                unix_ns: Some(1_700_000_000_066_666_666),
            }),
        ),
    ]
}

pub(crate) fn publish_message() -> Vec<Sample<PublishMessage>> {
    vec![
        plain(PublishMessage::Accepted { camera: CameraId::from("published:phone") }),
        plain(PublishMessage::Refused(camera::error(
            ErrorKind::NameTaken,
            "a camera published:phone is there already; choose another name",
        ))),
        plain(PublishMessage::Demand { watchers: 1, credit: 2 }),
        plain(PublishMessage::Ended(camera::error(
            ErrorKind::Protocol,
            "published:phone sent 80,000 bytes that are no JPEG image of 1280x720",
        ))),
    ]
}
