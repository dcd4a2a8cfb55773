//! What the fuzz targets do with their input. They fail on a panic, on bytes that have two
//! readings, and on memory beyond libFuzzer's limit.

pub mod connection;
#[cfg(feature = "service")]
pub mod service;

use std::fmt::Debug;

use protocol::wire::{self, WireError};
use serde::{Serialize, de::DeserializeOwned};

/// Decodes a body. What decodes must encode to the same bytes and print without a panic.
pub fn body<T: Serialize + DeserializeOwned + Debug>(body: &[u8]) {
    if let Ok(message) = decode::<T>(body) {
        let text = format!("{message:?}");
        assert!(!text.is_empty());
    }
}

fn decode<T: Serialize + DeserializeOwned>(body: &[u8]) -> Result<T, WireError> {
    let message: T = wire::decode(body)?;
    let bytes = wire::encode(&message).expect("it was short enough to be decoded");
    assert_eq!(bytes[4..], *body, "bytes with two readings");
    Ok(message)
}
