//! Cutting a stream of bytes into frames. Runs on the thread that reads.

use std::io::{self, Read};

use pixels::markers::{self, End};
use protocol::wire::MAX_INLINE_FRAME;

use super::{
    super::CliError,
    format::{self, Begun, Content, invalid},
};

/// Bytes that are asked for at once.
const PIECE: usize = 64 << 10;
/// Most bytes of a line of Y4M.
const MOST_LINE: usize = 4096;

/// Reads frames from a stream of bytes.
pub(super) struct Split<R> {
    input: R,
    /// Read and not yet used.
    buffer: Vec<u8>,
    ended: bool,
}

impl<R: Read> Split<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), ended: false }
    }

    /// Finds out what comes.
    pub(super) fn content(&mut self, size: Option<protocol::Size>) -> Result<Content, CliError> {
        loop {
            if let Some(content) = Content::of(&self.buffer, size) {
                return content;
            }
            if !self.read()? {
                return Err(invalid("the input ended before the first frame"));
            }
        }
    }

    /// What `content` says of the camera. What is read for that is not lost; `content` becomes
    /// raw frames where it was Y4M.
    pub(super) fn begin(&mut self, content: &mut Content) -> Result<Begun, CliError> {
        match *content {
            Content::Raw { format, size, .. } => {
                Ok(Begun { format, size, rate: None, colour: None })
            }
            Content::Y4m => {
                let line = self.line()?.ok_or_else(|| invalid("the input is empty"))?;
                if !line.as_bytes().starts_with(format::Y4M) {
                    return Err(invalid("the input is not Y4M"));
                }
                format::y4m(&line)
            }
            Content::Jpeg { size } => {
                let length = self.image()?.ok_or_else(|| invalid("no JPEG image came in"))?;
                format::jpeg(&self.buffer[..length], size)
            }
        }
    }

    /// The next frame; `None` at the end.
    pub(super) fn next(
        &mut self,
        content: &Content,
        begun: Begun,
    ) -> Result<Option<Vec<u8>>, CliError> {
        match content {
            Content::Jpeg { .. } => Ok(self.image()?.map(|length| self.take(length))),
            Content::Raw { length, .. } => self.exactly(*length),
            Content::Y4m => {
                let Some(line) = self.line()? else { return Ok(None) };
                if !line.starts_with("FRAME") {
                    return Err(invalid("the Y4M is broken: a frame does not begin with FRAME"));
                }
                match Content::raw(begun.format, begun.size)? {
                    Content::Raw { length, .. } => self.exactly(length),
                    Content::Jpeg { .. } | Content::Y4m => Ok(None),
                }
            }
        }
    }

    fn read(&mut self) -> Result<bool, CliError> {
        if self.ended {
            return Ok(false);
        }
        let before = self.buffer.len();
        // Grows with what comes, so that looking through it anew does not cost ever more.
        let piece = PIECE.max(before / 2);
        self.buffer.resize(before + piece, 0);
        let got = loop {
            match self.input.read(&mut self.buffer[before..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(before + *got.as_ref().unwrap_or(&0));
        let got = got.map_err(|error| CliError::io("read the input", error))?;
        self.ended = got == 0;
        Ok(got > 0)
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(length);
        std::mem::replace(&mut self.buffer, rest)
    }

    /// The length of the whole image at the beginning of the buffer; what lies before an image,
    /// such as the headers of HTTP, is thrown away, and so is a broken one.
    fn image(&mut self) -> Result<Option<usize>, CliError> {
        loop {
            let start = self.buffer.windows(3).position(|bytes| bytes == [0xff, 0xd8, 0xff]);
            let keep = start.unwrap_or(self.buffer.len().saturating_sub(2));
            self.buffer.drain(..keep);
            if start.is_some() {
                match markers::end(&self.buffer) {
                    End::At(length) => return Ok(Some(length)),
                    End::Never => {
                        self.buffer.drain(..2);
                        continue;
                    }
                    End::Later if self.buffer.len() > MAX_INLINE_FRAME => {
                        return Err(invalid("a JPEG image of more than 64 MiB came in"));
                    }
                    End::Later => {}
                }
            }
            if !self.read()? {
                if start.is_none() {
                    return Ok(None);
                }
                // It never ends; another one may have begun within it.
                self.buffer.drain(..2);
            }
        }
    }

    fn exactly(&mut self, length: usize) -> Result<Option<Vec<u8>>, CliError> {
        while self.buffer.len() < length {
            if !self.read()? {
                // A frame that is cut off by the end is none.
                return Ok(None);
            }
        }
        Ok(Some(self.take(length)))
    }

    fn line(&mut self) -> Result<Option<String>, CliError> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer) {
                let line = self.take(end + 1);
                return Ok(Some(String::from_utf8_lossy(&line).trim_end().to_owned()));
            }
            if self.buffer.len() > MOST_LINE {
                return Err(invalid("the Y4M is broken: a line does not end"));
            }
            if !self.read()? {
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::{PixelFormat, Size};

    use super::*;

    /// Gives a few bytes at a time, as pipes may.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let some = self.0.len().min(buffer.len()).min(3);
            buffer[..some].copy_from_slice(&self.0[..some]);
            self.0 = &self.0[some..];
            Ok(some)
        }
    }

    fn all(input: &[u8], content: Content) -> Result<(Begun, Vec<Vec<u8>>), CliError> {
        let mut split = Split::new(Drip(input));
        let mut content = content;
        let begun = split.begin(&mut content)?;
        let mut frames = Vec::new();
        while let Some(frame) = split.next(&content, begun)? {
            frames.push(frame);
        }
        Ok((begun, frames))
    }

    fn image(tag: u8) -> Vec<u8> {
        let size = [0xff, 0xc0, 0, 8, 8, 0, 2, 0, 4, 1];
        [&[0xff, 0xd8][..], &size, &[0xff, 0xda, 0, 3, 0, tag, 0xff, 0, 7, 0xff, 0xd9]].concat()
    }

    #[test]
    fn images_are_told_apart_whatever_lies_between_them() {
        let (reserved, too_long) = (b"\xff\xd8\xffbroken", b"\xff\xd8\xff\xe0\xff\xff");
        let (one, two, cut) = (&image(1)[..], &image(2)[..], &image(3)[..9]);
        let input = [b"\r\n--x\r\n", one, reserved, two, too_long, one, cut];
        let (begun, frames) = all(&input.concat(), Content::Jpeg { size: None }).expect("read");
        assert_eq!(begun.size, Size::new(4, 2));
        assert_eq!(frames, [image(1), image(2), image(1)]);
        let other = Content::Jpeg { size: Some(Size::new(4, 4)) };
        assert!(all(&image(1), other).is_err(), "not the size that was named");
        assert!(all(b"nothing of the kind", Content::Jpeg { size: None }).is_err());
    }

    #[test]
    fn y4m_frames_follow_their_lines() {
        let input = b"YUV4MPEG2 W2 H2 F5:1\nFRAME\n012345FRAME Ip\n6789abFRAME\n01";
        let (begun, frames) = all(input, Content::Y4m).expect("read");
        assert_eq!((begun.format, begun.size), (PixelFormat::I420, Size::new(2, 2)));
        assert_eq!(frames, [b"012345".to_vec(), b"6789ab".to_vec()]);
        assert!(all(b"YUV4MPEG2 W2 H2\nFRAMX\n012345", Content::Y4m).is_err());
        let endless = [b"YUV4MPEG2 ", &[b'x'; 9000][..]].concat();
        assert!(all(&endless, Content::Y4m).is_err());
    }

    #[test]
    fn raw_frames_have_one_length() {
        let content = Content::raw(PixelFormat::Yuyv, Size::new(2, 1)).expect("small");
        let (_, frames) = all(b"0123456789", content).expect("read");
        assert_eq!(frames, [b"0123".to_vec(), b"4567".to_vec()]);
    }

    #[test]
    fn what_comes_is_found_out_without_losing_any() {
        let mut split = Split::new(Drip(b"YUV4MPEG2 W2 H2\nFRAME\n012345"));
        let mut content = split.content(None).expect("told");
        assert_eq!(content, Content::Y4m);
        let begun = split.begin(&mut content).expect("a line");
        assert_eq!(split.next(&content, begun).expect("read"), Some(b"012345".to_vec()));
        assert!(Split::new(Drip(b"YUV4")).content(None).is_err());
        assert!(Split::new(Drip(b"what?")).content(None).is_err());
    }
}
