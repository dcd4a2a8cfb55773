//! What a publisher says: the request, and frames.

use arbitrary::{Result, Unstructured};
use protocol::{Colour, PublishCommand, PublishFrame, PublishRequest};

use super::{frames, heard::Publisher, pick, requests::encoded};

/// The next message of a publisher, with the bytes that follow it.
pub(super) fn message(publisher: &mut Publisher, bytes: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let Some(mode) = publisher.mode else {
        if bytes.int_in_range(0..=15u8)? == 15 {
            return frame(vec![0; 64], bytes);
        }
        return open(publisher, bytes);
    };
    match bytes.int_in_range(0..=31u8)? {
        31 => open(publisher, bytes),
        // As a good publisher waits for its credit.
        0..=15 if publisher.credit == 0 => Ok(Vec::new()),
        0..=23 => {
            publisher.credit = publisher.credit.saturating_sub(1);
            let frame = frames::right(&mode);
            self::frame(frame, bytes)
        }
        _ => {
            publisher.credit = publisher.credit.saturating_sub(1);
            let frame = frames::any(&mode, bytes)?;
            self::frame(frame, bytes)
        }
    }
}

fn open(publisher: &mut Publisher, bytes: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut mode = pick::mode(bytes)?;
    if bytes.ratio(1, 3)? {
        mode = frames::jpeg_mode();
    }
    let colour = pick::maybe(bytes, |bytes| {
        Ok(if bytes.arbitrary()? { Colour::JPEG } else { Colour::VIDEO })
    })?;
    publisher.mode = Some(mode);
    Ok(encoded(&PublishCommand::Open(PublishRequest { name: pick::name(bytes)?, mode, colour })))
}

/// A frame's message and its bytes, which are rarely more or fewer than it says.
fn frame(pixels: Vec<u8>, bytes: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let right = u32::try_from(pixels.len()).unwrap_or(u32::MAX);
    let length = match bytes.int_in_range(0..=31u8)? {
        28 => right.wrapping_sub(1),
        29 => right.saturating_add(1),
        30 => 0,
        31 => bytes.arbitrary()?,
        _ => right,
    };
    let unix_ns = pick::maybe(bytes, |bytes| bytes.arbitrary())?;
    let mut message = encoded(&PublishCommand::Frame(PublishFrame { length, unix_ns }));
    message.extend(pixels);
    Ok(message)
}
