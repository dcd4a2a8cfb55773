//! The kinds of messages, to test each the same way.

use std::fmt::Debug;

use protocol::{
    EventMessage, Hello, PublishCommand, PublishMessage, ReplyMessage, RequestMessage,
    StreamCommand, StreamMessage, Welcome,
    wire::{self, WireError},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{draw::draw, fields::fields};

/// One kind of message.
#[derive(Debug)]
pub(crate) struct Kind {
    /// Its golden file.
    pub(crate) file: &'static str,
    /// Decodes a body and gives what it was, encoded again, without a length.
    pub(crate) round_trip: fn(&[u8]) -> Result<Vec<u8>, WireError>,
    /// Decodes a body and drops what it was.
    pub(crate) decode: fn(&[u8]) -> Result<(), WireError>,
    /// Draws a message from a seed, sees that it comes through encoding and decoding whole, and
    /// gives its bytes with their length.
    pub(crate) drawn: fn(&[u8]) -> Vec<u8>,
}

const fn kind<T: Serialize + DeserializeOwned + PartialEq + Debug>(file: &'static str) -> Kind {
    Kind {
        file,
        round_trip: round_trip::<T>,
        decode: |body| wire::decode::<T>(body).map(drop),
        drawn: drawn::<T>,
    }
}

fn round_trip<T: Serialize + DeserializeOwned>(body: &[u8]) -> Result<Vec<u8>, WireError> {
    let message: T = wire::decode(body)?;
    let mut bytes = wire::encode(&message)?;
    Ok(bytes.split_off(4))
}

fn drawn<T: Serialize + DeserializeOwned + PartialEq + Debug>(seed: &[u8]) -> Vec<u8> {
    let message: T = draw(seed);
    let bytes = wire::encode(&message).expect("drawn messages are short");
    assert_eq!(bytes[4..], fields(&message).concat(), "{message:?}");
    let decoded: T = wire::decode(&bytes[4..]).unwrap_or_else(|e| panic!("{message:?}: {e}"));
    assert_eq!(decoded, message);
    bytes
}

/// All of them.
pub(crate) const KINDS: &[Kind] = &[
    kind::<Hello>("hello"),
    kind::<Welcome>("welcome"),
    kind::<RequestMessage>("request"),
    kind::<ReplyMessage>("reply"),
    kind::<EventMessage>("event"),
    kind::<StreamCommand>("stream_command"),
    kind::<StreamMessage>("stream_message"),
    kind::<PublishCommand>("publish_command"),
    kind::<PublishMessage>("publish_message"),
];
