//! Which mode a camera is opened in.

use protocol::{
    ErrorKind, ErrorReply, FrameRate, Mode, ModeWish, PixelFormat, Size, StreamFormat,
    StreamRequest,
};

/// A first stream chooses size and rate from these on. What is smaller or slower is made of larger
/// and faster frames: a thumbnail must not make the camera small for all who come later.
const LEAST_SIZE: Size = Size::new(1280, 720);
const LEAST_RATE: FrameRate = FrameRate::new(24, 1);

/// The wish that suits a stream best, for a camera that offers `modes` and that nobody else
/// watches. Everything in it is offered together.
pub(super) fn for_stream(modes: &[Mode], request: &StreamRequest) -> ModeWish {
    let format = match request.format {
        // Grey would take the colours from everybody who comes later.
        StreamFormat::Pixels(format)
            if format != PixelFormat::Grey && modes.iter().any(|mode| mode.format == format) =>
        {
            Some(format)
        }
        _ => None,
    };
    let of_format = |mode: &&Mode| format.is_none_or(|format| mode.format == format);
    // What is turned or cut out needs more than its own size.
    let plain = request.crop.is_none() && request.rotation.degrees() == 0;
    let size = request.max_size.filter(|max| plain && max.area() >= LEAST_SIZE.area());
    let size = size.and_then(|max| {
        let served = modes.iter().filter(of_format).filter(|mode| is_served(mode.format));
        smallest_that_covers(served.map(|mode| mode.size), max)
    });
    let of_size = |mode: &&Mode| size.is_none_or(|size| mode.size == size);
    let rate = request.max_rate.filter(|rate| *rate >= LEAST_RATE).filter(|rate| {
        modes.iter().filter(of_format).filter(of_size).any(|mode| mode.rate == *rate)
    });
    ModeWish { format, size, rate }
}

/// The very size, else the smallest one from which it can be scaled down.
fn smallest_that_covers(sizes: impl Iterator<Item = Size>, wanted: Size) -> Option<Size> {
    sizes
        .filter(|size| size.width >= wanted.width && size.height >= wanted.height)
        .min_by_key(|size| size.area())
}

fn is_served(format: PixelFormat) -> bool {
    !matches!(format, PixelFormat::Other(_))
}

/// An explicit wish, completed with what the camera does now: what is left open stays as it is
/// where that goes together. Fails where the camera offers no such mode.
pub(super) fn for_start(
    modes: &[Mode],
    wish: ModeWish,
    now: Option<Mode>,
) -> Result<ModeWish, ErrorReply> {
    if wish.rate.is_some_and(|rate: FrameRate| !rate.is_valid()) {
        return Err(ErrorReply::new(ErrorKind::Invalid, "the frame rate must not be 0"));
    }
    if let Some(format @ PixelFormat::Other(_)) = wish.format {
        return Err(ErrorReply::new(
            ErrorKind::UnsupportedMode,
            format!("{format} is listed but not served"),
        ));
    }
    // A camera that could not be asked is tried.
    if modes.is_empty() || offers(modes, wish) {
        let Some(now) = now else { return Ok(wish) };
        let completed = ModeWish {
            format: wish.format.or(Some(now.format)),
            size: wish.size.or(Some(now.size)),
            rate: wish.rate.or(Some(now.rate)),
        };
        // The rate gives way first, then the format, then the size.
        let candidates = [
            completed,
            ModeWish { rate: wish.rate, ..completed },
            ModeWish { rate: wish.rate, format: wish.format, ..completed },
        ];
        return Ok(candidates.into_iter().find(|wish| offers(modes, *wish)).unwrap_or(wish));
    }
    Err(ErrorReply::new(
        ErrorKind::UnsupportedMode,
        format!("the camera does not offer {wish}{}", nearest(modes, wish)),
    ))
}

fn offers(modes: &[Mode], wish: ModeWish) -> bool {
    modes.iter().any(|mode| {
        is_served(mode.format)
            && wish.format.is_none_or(|format| format == mode.format)
            && wish.size.is_none_or(|size| size == mode.size)
            && wish.rate.is_none_or(|rate| rate == mode.rate)
    })
}

/// What to ask for instead, as a part of a sentence.
fn nearest(modes: &[Mode], wish: ModeWish) -> String {
    let mut alike: Vec<Mode> = modes.iter().copied().filter(|m| is_served(m.format)).collect();
    alike.sort_by_key(|mode| {
        let format = wish.format.is_some_and(|format| format != mode.format);
        let size = wish.size.map_or(0, |size| size.area().abs_diff(mode.size.area()));
        let rate =
            wish.rate.map_or(0, |rate| ((rate.as_f64() - mode.rate.as_f64()).abs() * 100.0) as u64);
        (format, size, rate)
    });
    let names: Vec<String> = alike.iter().take(3).map(Mode::to_string).collect();
    if names.is_empty() {
        return " nor any mode that is served".to_owned();
    }
    format!("; near it are {} (`camera-service info CAM` lists all)", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::CameraId;

    fn mode(format: PixelFormat, width: u32, height: u32, fps: u32) -> Mode {
        Mode { format, size: Size::new(width, height), rate: FrameRate::new(fps, 1) }
    }

    fn modes() -> Vec<Mode> {
        use PixelFormat::{Mjpg, Yuyv};
        vec![
            mode(Yuyv, 640, 480, 30),
            mode(Yuyv, 640, 480, 15),
            mode(Yuyv, 1280, 720, 10),
            mode(Mjpg, 640, 480, 30),
            mode(Mjpg, 1280, 720, 30),
        ]
    }

    fn request() -> StreamRequest {
        StreamRequest::native(CameraId::from("a"))
    }

    #[test]
    fn a_stream_chooses_the_smallest_size_that_covers_it() {
        let mut modes = modes();
        modes.push(mode(PixelFormat::Mjpg, 1920, 1080, 30));
        let request = StreamRequest { max_size: Some(Size::new(1280, 720)), ..request() };
        assert_eq!(for_stream(&modes, &request).size, Some(Size::new(1280, 720)));
        let request = StreamRequest { max_size: Some(Size::new(1600, 900)), ..request };
        assert_eq!(for_stream(&modes, &request).size, Some(Size::new(1920, 1080)));
        let request = StreamRequest { max_size: Some(Size::new(4000, 3000)), ..request };
        assert_eq!(for_stream(&modes, &request), ModeWish::default());
    }

    #[test]
    fn a_small_or_slow_stream_leaves_the_choice_to_the_camera() {
        let request = StreamRequest {
            max_size: Some(Size::new(320, 240)),
            max_rate: Some(FrameRate::new(5, 1)),
            ..request()
        };
        assert_eq!(for_stream(&modes(), &request), ModeWish::default());
    }

    #[test]
    fn a_stream_wishes_only_for_what_is_offered_together() {
        let request = StreamRequest {
            format: StreamFormat::Pixels(PixelFormat::Yuyv),
            max_size: Some(Size::new(1280, 720)),
            max_rate: Some(FrameRate::new(30, 1)),
            ..request()
        };
        let wish = for_stream(&modes(), &request);
        assert_eq!(wish.format, Some(PixelFormat::Yuyv));
        assert_eq!(wish.rate, None, "YUYV 1280x720 comes at 10 fps only");
    }

    #[test]
    fn a_start_keeps_what_was_left_open_where_that_goes_together() {
        let now = Some(mode(PixelFormat::Yuyv, 640, 480, 15));
        let size = ModeWish { size: Some(Size::new(1280, 720)), ..ModeWish::default() };
        let wish = for_start(&modes(), size, now).expect("offered");
        assert_eq!((wish.format, wish.rate), (Some(PixelFormat::Yuyv), None));
        let format = ModeWish { format: Some(PixelFormat::Mjpg), ..ModeWish::default() };
        let wish = for_start(&modes(), format, now).expect("offered");
        assert_eq!((wish.size, wish.rate), (Some(Size::new(640, 480)), None));
    }

    #[test]
    fn a_start_that_is_not_offered_names_what_is() {
        let wish = ModeWish { size: Some(Size::new(1000, 700)), ..ModeWish::default() };
        let error = for_start(&modes(), wish, None).expect_err("not offered");
        assert_eq!(error.kind, ErrorKind::UnsupportedMode);
        assert!(error.message.contains("1280x720"), "{error}");
    }
}
