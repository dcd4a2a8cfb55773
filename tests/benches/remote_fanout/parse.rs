//! Frames out of bytes as they arrive, without keeping them: only the start of each is looked at.

/// Marks the shim's tag in a JPEG: then come the frame's number and the driver's time.
const TAG: &[u8] = b"V4L2SHIM";
/// So much of a frame's start is kept: the tag lies within.
const START: usize = 128;

/// What came.
pub(crate) enum Came {
    /// A frame, captured at this time (`CLOCK_MONOTONIC`, ns); of a WebSocket also what
    /// acknowledges it.
    Frame { captured_ns: u64, acknowledge: Option<(u32, u64)> },
    /// The WebSocket is open.
    Open,
}

/// Takes bytes as they come.
pub(crate) trait Parser {
    /// Fails on what a server of this kind never sends.
    fn feed(&mut self, bytes: &[u8], came: &mut dyn FnMut(Came)) -> Result<(), String>;
}

/// The time in the tag of the frame that begins with `start`.
fn captured(start: &[u8]) -> Option<u64> {
    let at = start.windows(TAG.len()).position(|window| window == TAG)? + TAG.len() + 8;
    Some(u64::from_le_bytes(start.get(at..at + 8)?.try_into().ok()?))
}

/// A head that ends with an empty line, taken piece by piece.
#[derive(Default)]
struct Head(Vec<u8>);

impl Head {
    /// Takes from `bytes`; the head's text once it is whole.
    fn feed(&mut self, bytes: &mut &[u8]) -> Result<Option<String>, String> {
        while let [first, rest @ ..] = *bytes {
            self.0.push(*first);
            *bytes = rest;
            if self.0.ends_with(b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.0).to_ascii_lowercase();
                self.0.clear();
                return Ok(Some(head));
            }
            if self.0.len() > 8192 {
                return Err(format!("no head: {}", String::from_utf8_lossy(&self.0)));
            }
        }
        Ok(None)
    }
}

/// `multipart/x-mixed-replace` over HTTP, chunked or not.
#[derive(Default)]
pub(crate) struct Multipart {
    head: Head,
    answered: bool,
    chunked: bool,
    chunk: Chunk,
    part: Part,
}

#[derive(Default)]
struct Chunk {
    line: Vec<u8>,
    left: usize,
    /// The line end behind a chunk's bytes.
    tail: usize,
}

#[derive(Default)]
struct Part {
    head: Head,
    /// Bytes that the body still has; `None` within a head.
    left: Option<usize>,
    start: Vec<u8>,
}

impl Parser for Multipart {
    fn feed(&mut self, mut bytes: &[u8], came: &mut dyn FnMut(Came)) -> Result<(), String> {
        if !self.answered {
            let Some(head) = self.head.feed(&mut bytes)? else { return Ok(()) };
            if !head.contains(" 200 ") {
                return Err(head);
            }
            self.chunked = head.contains("transfer-encoding: chunked");
            self.answered = true;
        }
        if !self.chunked {
            return self.part.feed(bytes, came);
        }
        while !bytes.is_empty() {
            let chunk = &mut self.chunk;
            if chunk.left > 0 {
                let (now, later) = bytes.split_at(chunk.left.min(bytes.len()));
                chunk.left -= now.len();
                bytes = later;
                chunk.tail = if chunk.left == 0 { 2 } else { 0 };
                self.part.feed(now, came)?;
            } else if chunk.tail > 0 {
                chunk.tail -= 1;
                bytes = &bytes[1..];
            } else {
                chunk.line.push(bytes[0]);
                bytes = &bytes[1..];
                if chunk.line.ends_with(b"\r\n") {
                    let line = String::from_utf8_lossy(&chunk.line).into_owned();
                    chunk.line.clear();
                    let length = usize::from_str_radix(line.trim_end(), 16);
                    chunk.left = length.map_err(|_| format!("no chunk: {line:?}"))?;
                }
            }
        }
        Ok(())
    }
}

impl Part {
    fn feed(&mut self, mut bytes: &[u8], came: &mut dyn FnMut(Came)) -> Result<(), String> {
        while !bytes.is_empty() {
            let Some(left) = &mut self.left else {
                let Some(head) = self.head.feed(&mut bytes)? else { return Ok(()) };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
                let length = length.and_then(|length| length.trim().parse().ok());
                self.left = Some(length.ok_or_else(|| format!("a part without length: {head}"))?);
                continue;
            };
            let (now, later) = bytes.split_at((*left).min(bytes.len()));
            let room = START - self.start.len();
            self.start.extend_from_slice(&now[..now.len().min(room)]);
            *left -= now.len();
            bytes = later;
            if *left == 0 {
                let captured_ns = captured(&self.start).ok_or("a frame without the shim's tag")?;
                came(Came::Frame { captured_ns, acknowledge: None });
                self.start.clear();
                self.left = None;
            }
        }
        Ok(())
    }
}

/// A WebSocket with `camera.v1.json` from the server's side.
#[derive(Default)]
pub(crate) struct WebSocket {
    head: Head,
    open: bool,
    header: Vec<u8>,
    /// Opcode and bytes that the payload still has; `None` within a header.
    payload: Option<(u8, usize)>,
    start: Vec<u8>,
}

impl WebSocket {
    /// Opcode and length of the message whose header is `self.header`, once it is whole.
    fn length(&self) -> Option<(u8, usize)> {
        let [first, second, rest @ ..] = &self.header[..] else { return None };
        let length = match second & 0x7f {
            126 => u16::from_be_bytes(rest.try_into().ok()?).into(),
            127 => usize::try_from(u64::from_be_bytes(rest.try_into().ok()?)).ok()?,
            short => short.into(),
        };
        Some((first & 0x0f, length))
    }
}

impl Parser for WebSocket {
    fn feed(&mut self, mut bytes: &[u8], came: &mut dyn FnMut(Came)) -> Result<(), String> {
        if !self.open {
            let Some(head) = self.head.feed(&mut bytes)? else { return Ok(()) };
            if !head.contains(" 101 ") {
                return Err(head);
            }
            self.open = true;
            came(Came::Open);
        }
        while !bytes.is_empty() {
            let Some((opcode, left)) = &mut self.payload else {
                self.header.push(bytes[0]);
                bytes = &bytes[1..];
                self.payload = self.length();
                if self.payload.is_some() {
                    self.header.clear();
                }
                continue;
            };
            let (now, later) = bytes.split_at((*left).min(bytes.len()));
            let room = START - self.start.len();
            self.start.extend_from_slice(&now[..now.len().min(room)]);
            *left -= now.len();
            bytes = later;
            if *left > 0 {
                continue;
            }
            match *opcode {
                2 => came(frame(&self.start).ok_or("a binary message that is no frame")?),
                8 => return Err("the server closes".to_owned()),
                1 if self.start.windows(6).any(|text| text == b"\"error") => {
                    return Err(String::from_utf8_lossy(&self.start).into_owned());
                }
                _ => {}
            }
            self.start.clear();
            self.payload = None;
        }
        Ok(())
    }
}

fn frame(start: &[u8]) -> Option<Came> {
    let stream = u32::from_le_bytes(start.get(4..8)?.try_into().ok()?);
    let sequence = u64::from_le_bytes(start.get(8..16)?.try_into().ok()?);
    Some(Came::Frame { captured_ns: captured(start)?, acknowledge: Some((stream, sequence)) })
}
