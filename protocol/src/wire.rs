//! Messages to bytes and back. The only file that knows `bincode`.
//!
//! A message is a little-endian `u32` length, then that many bytes: integers of fixed width,
//! little-endian; enums as a `u32` tag and the variant's fields; sequences and strings as a `u64`
//! length and their elements; options as one byte, 0 or 1, and the value.

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use serde::{Serialize, de::DeserializeOwned};

/// Most bytes of a message, without its length.
pub const MAX_MESSAGE: usize = 1 << 20;
/// Most bytes of a request or a stream's command. Less than [`MAX_MESSAGE`], since what a message
/// becomes in memory can be many times its bytes.
pub const MAX_REQUEST: usize = 64 << 10;
/// Most bytes of a message during the handshake.
pub const MAX_HELLO: usize = 4 << 10;
/// Most bytes of a frame that follows its message.
pub const MAX_INLINE_FRAME: usize = 64 << 20;

const CONFIG: Configuration<LittleEndian, Fixint, Limit<MAX_MESSAGE>> =
    bincode::config::legacy().with_limit::<MAX_MESSAGE>();

/// Bytes that are no message, or a message that is too long to be one.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The bytes do not make up the message expected.
    #[error("a message could not be read: {0}")]
    Decode(#[from] bincode::error::DecodeError),
    /// The message has more than [`MAX_MESSAGE`] bytes.
    #[error("a message could not be written: {0}")]
    Encode(#[from] bincode::error::EncodeError),
    /// Bytes are left over behind the message.
    #[error("{0} bytes are left over behind a message")]
    Trailing(usize),
    /// The length is over the limit.
    #[error("a message of {length} bytes was announced, {limit} are allowed")]
    TooLong {
        /// The length announced.
        length: usize,
        /// The limit in force.
        limit: usize,
    },
}

/// Appends `message` with its length to `buffer`. On failure `buffer` is as it was.
pub fn append<T: Serialize>(buffer: &mut Vec<u8>, message: &T) -> Result<(), WireError> {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; 4]);
    match bincode::serde::encode_into_std_write(message, buffer, CONFIG) {
        Ok(length) if length <= MAX_MESSAGE => {
            buffer[start..start + 4].copy_from_slice(&(length as u32).to_le_bytes());
            Ok(())
        }
        Ok(length) => {
            buffer.truncate(start);
            Err(WireError::TooLong { length, limit: MAX_MESSAGE })
        }
        Err(error) => {
            buffer.truncate(start);
            Err(error.into())
        }
    }
}

/// `message` with its length.
pub fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, WireError> {
    let mut buffer = Vec::with_capacity(128);
    append(&mut buffer, message)?;
    Ok(buffer)
}

/// The message that `body`, the bytes behind a length, makes up: all of them, or it is an error.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, WireError> {
    let (message, used) = bincode::serde::decode_from_slice(body, CONFIG)?;
    if used != body.len() {
        return Err(WireError::Trailing(body.len() - used));
    }
    Ok(message)
}

/// Splits the first whole message off `bytes`: its body and the number of bytes with its length.
/// `None` while more bytes are needed. Fails as soon as a length is over `limit`.
pub fn split(bytes: &[u8], limit: usize) -> Result<Option<(&[u8], usize)>, WireError> {
    let Some((head, rest)) = bytes.split_first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_le_bytes(*head) as usize;
    if length > limit {
        return Err(WireError::TooLong { length, limit });
    }
    Ok(rest.get(..length).map(|body| (body, 4 + length)))
}
