//! The messages of `camera.v1.json`.

use std::fmt::Write as _;

use protocol::{ErrorReply, Mode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{pipe::HEADER, requests::What};
use crate::json::ModeJson;

/// The version of the messages, as told in `hello`.
const VERSION: u32 = 1;
/// Characters of a request's id.
const MOST_ID: usize = 64;

/// What a viewer says.
#[derive(Debug)]
pub(super) enum Incoming {
    Identify(Identify),
    Request { id: String, what: Box<Result<Asked, String>> },
    Ack(Ack),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Identify {
    pub(super) token: Option<String>,
    pub(super) events: Option<Vec<Mask>>,
}

/// What of a stream was shown.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ack {
    pub(super) stream: u32,
    pub(super) sequence: u64,
}

/// Kinds of events that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mask {
    Cameras,
    Controls,
    Clients,
    Presets,
    Privacy,
    Bridge,
}

/// A request: one that the connection itself has to do with, or any other.
#[derive(Debug)]
pub(super) enum Asked {
    OpenStream(OpenStream),
    CloseStream { stream: u32 },
    Publish(Publish),
    StopPublishing { publication: u32 },
    Other(What),
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Own {
    OpenStream {
        camera: String,
        width: Option<u32>,
        height: Option<u32>,
        fps: Option<f64>,
        crop: Option<String>,
        quality: Option<u8>,
        rotation: Option<u16>,
        mirror: Option<bool>,
        adaptive: Option<bool>,
    },
    CloseStream {
        stream: u32,
    },
    Publish {
        name: String,
        width: u32,
        height: u32,
        fps: f64,
    },
    StopPublishing {
        publication: u32,
    },
}

/// What is asked of a stream.
#[derive(Debug)]
pub(super) struct OpenStream {
    pub(super) camera: String,
    pub(super) width: Option<u32>,
    pub(super) height: Option<u32>,
    pub(super) fps: Option<f64>,
    pub(super) crop: Option<String>,
    pub(super) quality: Option<u8>,
    pub(super) rotation: Option<u16>,
    pub(super) mirror: bool,
    pub(super) adaptive: bool,
}

/// The camera that a viewer wants to be.
#[derive(Debug)]
pub(super) struct Publish {
    pub(super) name: String,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) fps: f64,
}

impl Incoming {
    /// Reads a message; fails with what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Envelope {
            op: String,
            d: Value,
        }
        /// By far the most of what comes: read without a detour.
        #[derive(Deserialize)]
        #[serde(tag = "op", content = "d", rename_all = "snake_case", deny_unknown_fields)]
        enum Often {
            Ack(Ack),
        }
        if text.starts_with(r#"{"op":"ack""#)
            && let Ok(Often::Ack(ack)) = serde_json::from_str(text)
        {
            return Ok(Self::Ack(ack));
        }
        let Envelope { op, d } = serde_json::from_str(text).map_err(|e| e.to_string())?;
        match op.as_str() {
            "ack" => Ack::deserialize(d).map(Self::Ack).map_err(|e| e.to_string()),
            "identify" => Identify::deserialize(d).map(Self::Identify).map_err(|e| e.to_string()),
            "request" => {
                let Value::Object(mut fields) = d else { return Err("d is no object".to_owned()) };
                match fields.remove("id") {
                    Some(Value::String(id)) if id.chars().count() <= MOST_ID => {
                        Ok(Self::Request { id, what: Box::new(Asked::parse(fields)) })
                    }
                    _ => {
                        Err(format!("a request needs an id: text of {MOST_ID} characters at most"))
                    }
                }
            }
            other => Err(format!("there is no op {:?}", shortened(other))),
        }
    }
}

impl Asked {
    fn parse(fields: serde_json::Map<String, Value>) -> Result<Self, String> {
        let own = matches!(
            fields.get("type").and_then(Value::as_str),
            Some("open_stream" | "close_stream" | "publish" | "stop_publishing")
        );
        let fields = Value::Object(fields);
        if !own {
            return What::deserialize(fields).map(Self::Other).map_err(|e| e.to_string());
        }
        Ok(match Own::deserialize(fields).map_err(|error| error.to_string())? {
            Own::OpenStream {
                camera,
                width,
                height,
                fps,
                crop,
                quality,
                rotation,
                mirror,
                adaptive,
            } => Self::OpenStream(OpenStream {
                camera,
                width,
                height,
                fps,
                crop,
                quality,
                rotation,
                mirror: mirror.unwrap_or(false),
                adaptive: adaptive.unwrap_or(true),
            }),
            Own::CloseStream { stream } => Self::CloseStream { stream },
            Own::Publish { name, width, height, fps } => {
                Self::Publish(Publish { name, width, height, fps })
            }
            Own::StopPublishing { publication } => Self::StopPublishing { publication },
        })
    }
}

/// The first characters of what somebody sent.
fn shortened(text: &str) -> String {
    text.chars().take(32).collect()
}

/// What the bridge says, but for responses and frames.
#[derive(Serialize)]
#[serde(tag = "op", content = "d", rename_all = "snake_case")]
pub(super) enum Outgoing<'a> {
    Hello {
        version: &'a str,
        protocol: u32,
    },
    Identified {
        name: &'a str,
        scopes: Vec<&'static str>,
        cameras: Vec<&'a str>,
        expires: Option<String>,
        /// ms since 1970.
        time: u64,
    },
    Demand {
        publication: u32,
        watchers: u32,
        credit: u32,
    },
    Event(Event<'a>),
    Error(&'a ErrorReply),
}

/// What happens to streams and publications; the service's own events stand beside these.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event<'a> {
    StreamChanged { stream: u32, rung: u8, mode: ModeJson, native: ModeJson, reason: &'a str },
    StreamLost { stream: u32, reason: &'a str },
    StreamBlocked { stream: u32 },
    StreamEnded { stream: u32, error: &'a ErrorReply },
    PublicationEnded { publication: u32, error: &'a ErrorReply },
}

impl Outgoing<'_> {
    pub(super) fn hello() -> Outgoing<'static> {
        Outgoing::Hello { version: env!("CARGO_PKG_VERSION"), protocol: VERSION }
    }

    pub(super) fn text(&self) -> String {
        // All of ours can be written: keys are text.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// An event of the service.
pub(super) fn event(event: &crate::json::EventJson<'_>) -> String {
    let event = serde_json::to_string(event).unwrap_or_default();
    format!("{{\"op\":\"event\",\"d\":{event}}}")
}

/// The response to the request `id`; a result is JSON already.
pub(super) fn response(id: &str, result: &Result<String, ErrorReply>) -> String {
    let id = serde_json::to_string(id).unwrap_or_default();
    let mut text = format!("{{\"op\":\"response\",\"d\":{{\"id\":{id},");
    // Writing to a string cannot fail.
    let _ = match result {
        Ok(result) => write!(text, "\"ok\":true,\"result\":{result}}}}}"),
        Err(error) => {
            let error = serde_json::to_string(error).unwrap_or_default();
            write!(text, "\"ok\":false,\"error\":{error}}}}}")
        }
    };
    text
}

/// The result of `open_stream`; `modes` are those of the stream and of the camera, where frames
/// come already.
pub(super) fn opened(stream: u32, camera: &str, modes: Option<(Mode, Mode)>) -> String {
    #[derive(Serialize)]
    struct Opened<'a> {
        stream: u32,
        camera: &'a str,
        mode: Option<ModeJson>,
        native: Option<ModeJson>,
        rung: u8,
    }
    let (mode, native) = modes.map(|(mode, native)| (mode.into(), native.into())).unzip();
    let opened = Opened { stream, camera, mode, native, rung: 0 };
    serde_json::to_string(&opened).unwrap_or_default()
}

/// A frame's header, whoever sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    /// The stream or publication.
    pub(super) stream: u32,
    pub(super) sequence: u64,
    /// µs since 1970.
    pub(super) unix_us: u64,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) dropped: u32,
    pub(super) length: u32,
}

const TO_VIEWER: u8 = 1;
const FROM_PUBLISHER: u8 = 2;

impl FrameHeader {
    pub(super) fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0] = TO_VIEWER;
        bytes[1] = HEADER as u8;
        bytes[4..8].copy_from_slice(&self.stream.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.unix_us.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.width.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.height.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.dropped.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.length.to_le_bytes());
        bytes
    }

    /// The header of a published frame, and its image.
    pub(super) fn published(message: &[u8]) -> Result<(Self, &[u8]), &'static str> {
        let (header, image) =
            message.split_first_chunk::<HEADER>().ok_or("it is shorter than its header")?;
        if header[0] != FROM_PUBLISHER || usize::from(header[1]) != HEADER {
            return Err("it is no frame of a publisher (type 2, header of 40 bytes)");
        }
        let u32_at = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|i| header[at + i]));
        let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
        let header = Self {
            stream: u32_at(4),
            sequence: u64_at(8),
            unix_us: u64_at(16),
            width: u32_at(24),
            height: u32_at(28),
            dropped: u32_at(32),
            length: u32_at(36),
        };
        if header.length as usize != image.len() {
            return Err("its length is not the one in its header");
        }
        Ok((header, image))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_have_their_fields_where_they_were_promised() {
        let header = FrameHeader {
            stream: 0x0403_0201,
            sequence: 5,
            unix_us: 0x0102_0304_0506_0708,
            width: 1280,
            height: 720,
            dropped: 9,
            length: 3,
        };
        let mut bytes = header.to_bytes();
        assert_eq!(bytes[..8], [1, 40, 0, 0, 1, 2, 3, 4]);
        assert_eq!(bytes[16..24], [8, 7, 6, 5, 4, 3, 2, 1]);
        bytes[0] = 2;
        let message = [&bytes[..], b"abc"].concat();
        assert_eq!(FrameHeader::published(&message), Ok((header, &b"abc"[..])));
        for length in 0..message.len() {
            assert!(FrameHeader::published(&message[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn messages_are_told_from_nonsense() {
        let request =
            r#"{"op":"request","d":{"id":"a","type":"open_stream","camera":"c","fps":5}}"#;
        let Ok(Incoming::Request { id, what }) = Incoming::parse(request) else { panic!() };
        assert_eq!(id, "a");
        assert!(matches!(*what, Ok(Asked::OpenStream(OpenStream { adaptive: true, .. }))));
        let ack = r#"{"op":"ack","d":{"stream":1,"sequence":2}}"#;
        assert!(matches!(Incoming::parse(ack), Ok(Incoming::Ack(_))));
        let unknown = r#"{"op":"request","d":{"id":"a","type":"shutdown"}}"#;
        let Ok(Incoming::Request { what, .. }) = Incoming::parse(unknown) else { panic!() };
        assert!(what.is_err());
        let deep = "[".repeat(100_000);
        for text in [
            "",
            "{",
            "[]",
            r#"{"op":"ack"}"#,
            r#"{"op":"fly","d":{}}"#,
            r#"{"op":"ack","d":{"stream":1,"sequence":2},"x":1}"#,
            r#"{"op":"ack","d":{"stream":-1,"sequence":2}}"#,
            r#"{"op":"identify","d":{"token":"t","cookie":"c"}}"#,
            r#"{"op":"request","d":{"type":"status"}}"#,
            r#"{"op":"request","d":{"id":7,"type":"status"}}"#,
            &format!(r#"{{"op":"request","d":{{"id":"{}","type":"status"}}}}"#, "x".repeat(65)),
            &format!(r#"{{"op":"request","d":{deep}"#),
        ] {
            assert!(Incoming::parse(text).is_err(), "{text:.80}");
        }
    }
}
