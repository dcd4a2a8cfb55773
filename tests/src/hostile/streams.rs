//! What a client says on a stream: the request, and releases.

use arbitrary::{Result, Unstructured};
use protocol::{Crop, Delivery, Rotation, SlotId, StreamCommand, StreamFormat, StreamRequest};

use super::{heard::Stream, pick, requests::encoded};

/// The next message of a stream: its request first, then releases.
pub(super) fn message(stream: &mut Stream, bytes: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let asks = !stream.asked || bytes.int_in_range(0..=31u8)? == 31;
    if asks && bytes.int_in_range(0..=15u8)? < 15 {
        stream.asked = true;
        return Ok(encoded(&StreamCommand::Open(request(bytes)?)));
    }
    let slot = match bytes.int_in_range(0..=15u8)? {
        // Most held is what a good client releases; without any, the rest goes wrong.
        0..=12 if !stream.held.is_empty() => {
            stream.held.remove(bytes.int_in_range(0..=stream.held.len() - 1)?)
        }
        13 if !stream.released.is_empty() => *bytes.choose(&stream.released)?,
        14 | 15 => SlotId(bytes.arbitrary()?),
        // Nothing to release: it says nothing.
        _ => return Ok(Vec::new()),
    };
    // By chance a slot may be held that was meant to be a wrong one.
    stream.held.retain(|held| *held != slot);
    stream.released.push(slot);
    Ok(encoded(&StreamCommand::Release { slot }))
}

fn request(bytes: &mut Unstructured<'_>) -> Result<StreamRequest> {
    let native = StreamRequest::native(pick::camera(bytes)?);
    let delivery = if bytes.ratio(1, 3)? { Delivery::Inline } else { Delivery::Shared };
    if bytes.ratio(1, 2)? {
        return Ok(StreamRequest { delivery, ..native });
    }
    let format = match bytes.int_in_range(0..=2u8)? {
        0 => StreamFormat::Native,
        _ => StreamFormat::Pixels(pick::format(bytes)?),
    };
    let rotation = match bytes.int_in_range(0..=5u8)? {
        0..=2 => Rotation::None,
        3 => Rotation::Quarter,
        4 => Rotation::Half,
        _ => Rotation::ThreeQuarters,
    };
    Ok(StreamRequest {
        format,
        max_size: pick::maybe(bytes, pick::size)?,
        max_rate: pick::maybe(bytes, pick::rate)?,
        crop: pick::maybe(bytes, crop)?,
        rotation,
        mirror: bytes.arbitrary()?,
        quality: pick::maybe(bytes, |bytes| bytes.arbitrary())?,
        delivery,
        ..native
    })
}

fn crop(bytes: &mut Unstructured<'_>) -> Result<Crop> {
    if bytes.ratio(1, 4)? {
        let [left, top, width, height] = bytes.arbitrary()?;
        return Ok(Crop { left, top, width, height });
    }
    let (left, top) = (bytes.int_in_range(0..=9999)?, bytes.int_in_range(0..=9999)?);
    let width = bytes.int_in_range(1..=10_000 - left)?;
    let height = bytes.int_in_range(1..=10_000 - top)?;
    Ok(Crop { left, top, width, height })
}
