//! Which mode a camera is opened in.

use protocol::{
    CameraId, ErrorKind, ErrorReply, FrameRate, Mode, ModeWish, PixelFormat, Size, StreamFormat,
    StreamRequest,
};

/// A first stream chooses size and rate from these on. What is smaller or slower is made of larger
/// and faster frames: a thumbnail must not make the camera small for all who come later.
const LEAST_SIZE: Size = Size::new(1280, 720);
const LEAST_RATE: FrameRate = FrameRate::new(24, 1);
/// So many modes are named in place of one that is not offered.
const NEAREST: usize = 4;

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
    let size_in = |format: Option<PixelFormat>| {
        let max = request.max_size.filter(|max| max.area() >= LEAST_SIZE.area())?;
        let is_wished = |mode: &&Mode| format.is_none_or(|format| mode.format == format);
        let served = modes.iter().filter(|mode| is_served(mode.format)).filter(is_wished);
        size_for(&served.copied().collect::<Vec<_>>(), before_framing(request, max), request)
    };
    let area = |size: Option<Size>| size.map_or(0, |size| size.area());
    let (mut format, mut size) = (format, size_in(format));
    // Another format can be made of what comes, more pixels cannot.
    let in_any = size_in(None);
    if size.is_some() && area(in_any) > area(size) {
        (format, size) = (None, in_any);
    }
    let rate = request.max_rate.filter(|rate| *rate >= LEAST_RATE).filter(|rate| {
        let wish = ModeWish { format, size, rate: Some(*rate) };
        offers(modes, wish)
    });
    ModeWish { format, size, rate }
}

/// The size of the camera's frames of which `max` is what is left after cropping and turning.
fn before_framing(request: &StreamRequest, max: Size) -> Size {
    let Size { width, height } =
        if request.rotation.swaps_sides() { Size::new(max.height, max.width) } else { max };
    let whole = |side: u32, part: u16| {
        let whole = u64::from(side) * 10_000 / u64::from(part.max(1));
        u32::try_from(whole).unwrap_or(u32::MAX)
    };
    match request.crop {
        Some(crop) => Size::new(whole(width, crop.width), whole(height, crop.height)),
        None => Size::new(width, height),
    }
}

/// The size to open in for frames of at most `wanted`: the smallest one from which they can be
/// scaled down. Where there is none, what was asked for is more than the camera has, and it is
/// the largest: of those that are fast enough, where `request` names a rate.
fn size_for(modes: &[Mode], wanted: Size, request: &StreamRequest) -> Option<Size> {
    let sizes = || modes.iter().map(|mode| mode.size);
    let by_area = |size: &Size| size.area();
    let covers = |size: &Size| size.width >= wanted.width && size.height >= wanted.height;
    if let Some(covering) = sizes().filter(covers).min_by_key(by_area) {
        return Some(covering);
    }
    // One side is as long as may be: a larger frame would give the same.
    let reaches = |size: &Size| size.width >= wanted.width || size.height >= wanted.height;
    if let Some(reaching) = sizes().filter(reaches).min_by_key(by_area) {
        // Often one side is given alone, and the other is without bound.
        let fitted = fitted(reaching, wanted);
        return (fitted.area() >= LEAST_SIZE.area()).then_some(reaching);
    }
    let is_fast = |mode: &&Mode| request.max_rate.is_none_or(|rate| mode.rate >= rate);
    let largest = modes.iter().max_by_key(|mode| (is_fast(mode), mode.size.area()));
    largest.map(|mode| mode.size)
}

/// `size` scaled down until it fits into `most`.
fn fitted(size: Size, most: Size) -> Size {
    let scaled = |side: u32, from: u32, to: u32| {
        (u64::from(side) * u64::from(to) / u64::from(from.max(1))) as u32
    };
    let by_width = Size::new(most.width, scaled(size.height, size.width, most.width));
    let by_height = Size::new(scaled(size.width, size.height, most.height), most.height);
    [by_width, by_height, size].into_iter().min_by_key(|size| size.area()).unwrap_or(size)
}

fn is_served(format: PixelFormat) -> bool {
    !matches!(format, PixelFormat::Other(_))
}

/// An explicit wish, completed with what the camera does now: what is left open stays as it is
/// where that goes together. Fails where the camera, called `id`, offers no such mode.
pub(super) fn for_start(
    id: &CameraId,
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
        format!("{id} does not offer {wish}{}", nearest(id, modes, wish)),
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

/// What to ask for instead, as a part of a sentence: what of a mode was asked for.
fn nearest(id: &CameraId, modes: &[Mode], wish: ModeWish) -> String {
    let mut alike: Vec<Mode> = modes.iter().copied().filter(|m| is_served(m.format)).collect();
    alike.sort_by_key(|mode| {
        let format = wish.format.is_some_and(|format| format != mode.format);
        let size = wish.size.map_or(0, |size| size.area().abs_diff(mode.size.area()));
        let rate =
            wish.rate.map_or(0, |rate| ((rate.as_f64() - mode.rate.as_f64()).abs() * 100.0) as u64);
        (format, size, rate)
    });
    // Rates are of interest where there is all else.
    let rate = wish.rate.filter(|_| offers(modes, ModeWish { rate: None, ..wish }));
    let mut names: Vec<String> = Vec::new();
    for mode in alike {
        let part = ModeWish {
            format: wish.format.map(|_| mode.format),
            size: wish.size.map(|_| mode.size),
            rate: rate.map(|_| mode.rate),
        };
        let name = part.to_string();
        if !names.contains(&name) {
            names.push(name);
        }
        if names.len() == NEAREST {
            break;
        }
    }
    if names.is_empty() {
        return " nor any mode that is served".to_owned();
    }
    format!("; near it are {} (`camera-service info {id}` lists all)", names.join(", "))
}

#[cfg(test)]
mod tests {
    use protocol::{Crop, Rotation};

    use super::*;

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

    fn id() -> CameraId {
        CameraId::from("a")
    }

    fn request() -> StreamRequest {
        StreamRequest::native(id())
    }

    #[test]
    fn a_stream_chooses_the_smallest_size_that_covers_it() {
        let mut modes = modes();
        modes.push(mode(PixelFormat::Mjpg, 1920, 1080, 30));
        let request = StreamRequest { max_size: Some(Size::new(1280, 720)), ..request() };
        assert_eq!(for_stream(&modes, &request).size, Some(Size::new(1280, 720)));
        let request = StreamRequest { max_size: Some(Size::new(1600, 900)), ..request };
        assert_eq!(for_stream(&modes, &request).size, Some(Size::new(1920, 1080)));
    }

    /// The size that `request` has a camera opened in, of a few sizes up to 1920x1080.
    fn size(request: &StreamRequest) -> Option<Size> {
        let mut modes = modes();
        modes.push(mode(PixelFormat::Mjpg, 1920, 1080, 30));
        for_stream(&modes, request).size
    }

    fn within(width: u32, height: u32) -> StreamRequest {
        StreamRequest { max_size: Some(Size::new(width, height)), ..request() }
    }

    #[test]
    fn who_asks_for_more_than_there_is_gets_the_most() {
        assert_eq!(size(&within(4000, 3000)), Some(Size::new(1920, 1080)));
        // One side is enough: the other shrinks with it.
        assert_eq!(size(&within(1600, 1200)), Some(Size::new(1920, 1080)));
        assert_eq!(size(&within(1280, 65_535)), Some(Size::new(1280, 720)));
        assert_eq!(size(&within(320, 65_535)), None);
        assert_eq!(size(&within(65_535, 240)), None);
        // A rate that is asked for counts more than size does.
        let mut modes = modes();
        modes.push(mode(PixelFormat::Mjpg, 1920, 1080, 5));
        let fast = StreamRequest { max_rate: Some(FrameRate::new(30, 1)), ..within(4000, 3000) };
        assert_eq!(for_stream(&modes, &fast).size, Some(Size::new(1280, 720)));
        assert_eq!(for_stream(&modes, &within(4000, 3000)).size, Some(Size::new(1920, 1080)));
        assert_eq!(for_stream(&[], &within(4000, 3000)), ModeWish::default());
        // And so does size more than the format, which can be made.
        let pixels = StreamFormat::Pixels(PixelFormat::Yuyv);
        let yuyv = StreamRequest { format: pixels, ..within(4000, 3000) };
        let wish = for_stream(&modes, &yuyv);
        assert_eq!((wish.format, wish.size), (None, Some(Size::new(1920, 1080))));
    }

    #[test]
    fn what_is_cropped_and_turned_is_made_of_more() {
        let turned = StreamRequest { rotation: Rotation::Quarter, ..within(720, 1280) };
        assert_eq!(size(&turned), Some(Size::new(1280, 720)));
        let half = Some(Crop { left: 0, top: 0, width: 5000, height: 5000 });
        assert_eq!(
            size(&StreamRequest { crop: half, ..within(1280, 720) }),
            Some(Size::new(1920, 1080))
        );
        assert_eq!(size(&StreamRequest { crop: half, ..within(640, 360) }), None);
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
        let wish = for_start(&id(), &modes(), size, now).expect("offered");
        assert_eq!((wish.format, wish.rate), (Some(PixelFormat::Yuyv), None));
        let format = ModeWish { format: Some(PixelFormat::Mjpg), ..ModeWish::default() };
        let wish = for_start(&id(), &modes(), format, now).expect("offered");
        assert_eq!((wish.size, wish.rate), (Some(Size::new(640, 480)), None));
    }

    #[test]
    fn a_start_that_is_not_offered_names_what_is() {
        let wish = ModeWish { size: Some(Size::new(1000, 700)), ..ModeWish::default() };
        let error = for_start(&id(), &modes(), wish, None).expect_err("not offered");
        assert_eq!(error.kind, ErrorKind::UnsupportedMode);
        let refused = |text: &[&str; 3]| {
            let wish = ModeWish {
                format: text[0].parse().ok(),
                size: text[1].parse().ok(),
                rate: text[2].parse().ok(),
            };
            let error = for_start(&id(), &modes(), wish, None).expect_err("not offered");
            error.message
        };
        // What was asked for, and each once.
        assert_eq!(
            error.message,
            "a does not offer 1000x700; near it are 1280x720, 640x480 (`camera-service info a` \
             lists all)"
        );
        assert!(refused(&["YUYV", "650x490", ""]).contains("are YUYV 640x480, YUYV 1280x720, "));
        assert!(
            refused(&["", "1280x720", "60"]).contains("are 1280x720 30 fps, 1280x720 10 fps, ")
        );
        assert!(refused(&["", "", "60"]).contains("are 30 fps, 15 fps, 10 fps ("));
        assert!(refused(&["GREY", "", "30"]).contains("are YUYV, MJPG ("));
    }
}
