//! Where frames begin and end in what comes, and a text as a WebSocket's client sends it.

/// Where the image of a part of MJPEG begins, and its length.
pub(super) fn part(head: &[u8]) -> Option<(usize, usize)> {
    let end = head.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&head[..end]).ok()?;
    let length = text.split("Content-Length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
    Some((end, length))
}

/// Where a WebSocket message's payload begins, its length, and whether it is binary.
pub(super) fn message(head: &[u8]) -> Option<(usize, usize, bool)> {
    let (start, length) = match *head.get(1)? {
        126 => (4, u16::from_be_bytes(head.get(2..4)?.try_into().ok()?).into()),
        127 => (10, u64::from_be_bytes(head.get(2..10)?.try_into().ok()?) as usize),
        short => (2, short.into()),
    };
    Some((start, length, head[0] & 0x0f == 2))
}

/// A text as a client sends it; its mask is zeros.
pub(super) fn text_message(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).ok().filter(|length| *length < 126);
    let mut message = vec![0x81];
    match length {
        Some(length) => message.push(0x80 | length),
        None => {
            message.push(0x80 | 126);
            message.extend((text.len() as u16).to_be_bytes());
        }
    }
    message.extend([0; 4]);
    message.extend(text.as_bytes());
    message
}
