//! The verdict on frames: in order, whole, and with the right strip.

use protocol::{FrameHeader, Mode, PixelFormat, strip, strip::StripError};

use super::{super::rows, percentile::Latencies};

/// Problems that are told in words; the rest are only counted.
const TOLD: usize = 5;

/// Looks at one frame after the other and counts what is wrong.
#[derive(Default)]
pub(super) struct Judge {
    /// What frames must be in.
    mode: Option<Mode>,
    /// Whether frames must carry a strip.
    strip: bool,
    /// The highest sequence number since the camera was opened.
    last: Option<u64>,
    decoder: Option<turbojpeg::Decompressor>,
    grey: Vec<u8>,
    pub(super) frames: u64,
    /// Frames that the driver dropped.
    pub(super) gaps: u64,
    /// Frames passed over for this reader.
    pub(super) dropped: u64,
    pub(super) out_of_order: u64,
    pub(super) torn: u64,
    /// Frames whose strip was read and right.
    pub(super) strips: u64,
    pub(super) latencies: Latencies,
    pub(super) problems: Vec<String>,
}

impl Judge {
    /// A judge of frames in `mode`; `strip` where they come from a test camera.
    pub(super) fn new(mode: Mode, strip: bool) -> Self {
        let fits =
            mode.size.width >= strip::MIN_SIZE.width && mode.size.height >= strip::MIN_SIZE.height;
        Self { mode: Some(mode), strip: strip && fits, ..Self::default() }
    }

    /// The camera is opened anew: numbers start again.
    pub(super) fn reopened(&mut self, mode: Option<Mode>) {
        self.last = None;
        self.mode = mode.or(self.mode);
    }

    /// Whether strips are read.
    pub(super) fn reads_strips(&self) -> bool {
        self.strip
    }

    /// Looks at a frame that was captured `latency_us` ago.
    pub(super) fn frame(&mut self, header: &FrameHeader, bytes: &[u8], latency_us: i64) {
        self.frames += 1;
        self.dropped += u64::from(header.dropped);
        self.latencies.add(latency_us);
        self.order(header);
        if let Some(fault) = self.fault(header, bytes) {
            self.torn += 1;
            self.tell(header, &fault);
        }
    }

    fn order(&mut self, header: &FrameHeader) {
        let last = self.last;
        self.last = last.max(Some(header.sequence));
        let Some(last) = last else { return };
        if header.sequence <= last {
            self.out_of_order += 1;
            self.tell(header, &format!("it came after frame {last}"));
        } else {
            let missing = header.sequence - last - 1;
            // What was passed over for this reader is missing too, and counted apart.
            self.gaps += missing.saturating_sub(header.dropped.into());
        }
    }

    fn fault(&mut self, header: &FrameHeader, bytes: &[u8]) -> Option<String> {
        if let Some(mode) = self.mode
            && (header.format, header.size) != (mode.format, mode.size)
        {
            return Some(format!("it is {} {} and not {mode}", header.format, header.size));
        }
        if let Some(fault) = rows::fault(header, bytes) {
            return Some(fault.to_owned());
        }
        if !self.strip {
            return None;
        }
        let read = match header.format {
            PixelFormat::Mjpg => self.read_jpeg(header, bytes),
            _ => strip::read_frame(header, bytes).map_err(|error| error.to_string()),
        };
        match read {
            Ok(strip) if strip.sequence == header.sequence => {
                self.strips += 1;
                None
            }
            Ok(strip) => Some(format!("its strip says that it is frame {}", strip.sequence)),
            Err(error) => Some(error),
        }
    }

    fn read_jpeg(&mut self, header: &FrameHeader, bytes: &[u8]) -> Result<strip::Strip, String> {
        let (width, height) = (header.size.width as usize, header.size.height as usize);
        let mut decode = || -> turbojpeg::Result<(usize, usize)> {
            let decoder = match &mut self.decoder {
                Some(decoder) => decoder,
                none => none.insert(turbojpeg::Decompressor::new()?),
            };
            let found = decoder.read_header(bytes)?;
            if (found.width, found.height) != (width, height) {
                return Ok((found.width, found.height));
            }
            self.grey.resize(width * height, 0);
            let image = turbojpeg::Image {
                pixels: &mut self.grey[..],
                width,
                pitch: width,
                height,
                format: turbojpeg::PixelFormat::GRAY,
            };
            decoder.decompress(bytes, image)?;
            Ok((width, height))
        };
        let found = decode().map_err(|error| format!("it cannot be decoded: {error}"))?;
        if found != (width, height) {
            return Err(format!("the JPEG is {}x{}, not {}", found.0, found.1, header.size));
        }
        strip::read_bytes(&self.grey, width, 1, header.size)
            .map_err(|error: StripError| error.to_string())
    }

    fn tell(&mut self, header: &FrameHeader, problem: &str) {
        if self.problems.len() < TOLD {
            self.problems.push(format!("frame {}: {problem}", header.sequence));
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::{FrameRate, Size};

    use super::{super::super::rows::tests::header, *};

    const SIZE: (u32, u32) = (80, 48);

    fn mode(format: PixelFormat) -> Mode {
        Mode { format, size: Size::new(SIZE.0, SIZE.1), rate: FrameRate::new(30, 1) }
    }

    /// A grey frame with a strip that says `written`, and a header that says `sequence`.
    fn grey(sequence: u64, written: u64) -> (FrameHeader, Vec<u8>) {
        let mut bytes = vec![100; (SIZE.0 * SIZE.1) as usize];
        let strip = strip::Strip { sequence: written, monotonic_ns: 5 };
        strip::draw(&mut bytes, SIZE.0 as usize, Size::new(SIZE.0, SIZE.1), (0, 255), &strip)
            .expect("drawn");
        let mut header = header(PixelFormat::Grey, SIZE, &[(0, SIZE.0)], bytes.len());
        header.sequence = sequence;
        (header, bytes)
    }

    fn judged(frames: &[(u64, u32)]) -> Judge {
        let mut judge = Judge::new(mode(PixelFormat::Grey), true);
        for &(sequence, dropped) in frames {
            let (mut header, bytes) = grey(sequence, sequence);
            header.dropped = dropped;
            judge.frame(&header, &bytes, 1);
        }
        judge
    }

    #[test]
    fn gaps_of_the_driver_are_told_from_what_was_passed_over() {
        let judge = judged(&[(1, 0), (2, 0), (5, 2), (9, 1)]);
        assert_eq!((judge.frames, judge.gaps, judge.dropped), (4, 2, 3));
        assert_eq!((judge.out_of_order, judge.torn, judge.strips), (0, 0, 4));
    }

    #[test]
    fn repeated_and_late_frames_are_out_of_order() {
        let judge = judged(&[(1, 0), (3, 0), (3, 0), (2, 0), (4, 0)]);
        assert_eq!((judge.out_of_order, judge.gaps), (2, 1));
        assert_eq!(judge.problems[0], "frame 3: it came after frame 3");
    }

    #[test]
    fn numbers_may_start_again_when_a_camera_is_opened_again() {
        let mut judge = judged(&[(8, 0)]);
        judge.reopened(None);
        let (header, bytes) = grey(1, 1);
        judge.frame(&header, &bytes, 1);
        assert_eq!((judge.out_of_order, judge.gaps, judge.torn), (0, 0, 0));
    }

    #[test]
    fn a_strip_of_another_frame_or_none_is_torn() {
        let mut judge = judged(&[]);
        let (header, bytes) = grey(2, 1);
        judge.frame(&header, &bytes, 1);
        judge.frame(&grey(3, 3).0, &vec![100; bytes.len()], 1);
        assert_eq!((judge.torn, judge.strips), (2, 0));
        assert!(judge.problems[0].contains("says that it is frame 1"), "{:?}", judge.problems);
    }

    #[test]
    fn frames_in_another_mode_or_cut_short_are_torn() {
        let mut judge = Judge::new(mode(PixelFormat::Yuyv), false);
        let (header, bytes) = grey(1, 1);
        judge.frame(&header, &bytes, 1);
        assert_eq!(judge.torn, 1);
        judge.reopened(Some(mode(PixelFormat::Grey)));
        judge.frame(&header, &bytes[1..], 1);
        assert_eq!(judge.torn, 2);
        judge.frame(&FrameHeader { sequence: 2, ..header }, &bytes, 1);
        assert_eq!(judge.torn, 2);
    }

    #[test]
    fn the_strip_is_read_from_a_jpeg_too() {
        let (mut header, pixels) = grey(7, 7);
        let image = turbojpeg::Image {
            pixels: &pixels[..],
            width: SIZE.0 as usize,
            pitch: SIZE.0 as usize,
            height: SIZE.1 as usize,
            format: turbojpeg::PixelFormat::GRAY,
        };
        let jpeg = turbojpeg::compress(image, 80, turbojpeg::Subsamp::Gray).expect("a JPEG");
        header.format = PixelFormat::Mjpg;
        header.length = jpeg.len() as u32;
        let mut judge = Judge::new(mode(PixelFormat::Mjpg), true);
        judge.frame(&header, &jpeg, 1);
        assert_eq!((judge.torn, judge.strips), (0, 1), "{:?}", judge.problems);

        header.sequence = 8;
        judge.frame(&header, &jpeg, 1);
        assert_eq!((judge.torn, judge.strips), (1, 1));

        // The end is there, what lies before it is not.
        let mut cut = jpeg[..jpeg.len() / 3].to_vec();
        cut.extend([0xff, 0xd9]);
        header = FrameHeader { sequence: 9, length: cut.len() as u32, ..header };
        judge.frame(&header, &cut, 1);
        assert_eq!(judge.torn, 2, "{:?}", judge.problems);
    }
}
