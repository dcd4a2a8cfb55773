//! What the name of a file says of how frames are to be written into it.

use std::{ffi::OsStr, path::Path};

use clap::ValueEnum as _;
use protocol::{PixelFormat, StreamFormat};

use super::{
    super::{CliError, text::word},
    container::Container,
};

/// How frames are written to `output`, and the format in which they are asked for. What is not
/// given the name of the file says; where the two contradict each other, and where the name asks
/// for what is not written here, nothing of `camera` is opened.
pub(super) fn choose(
    camera: &str,
    output: Option<&Path>,
    container: Option<Container>,
    format: Option<StreamFormat>,
) -> Result<(Option<Container>, StreamFormat), CliError> {
    let named = output.map(|output| named(camera, output)).transpose()?.flatten();
    let contradicted = |reason: String| {
        let file = output.unwrap_or(Path::new("-")).display();
        CliError::Usage(format!("{file}: {reason}, or another name for the file"))
    };
    if let (Some(named), Some(container)) = (named, container)
        && named != container
    {
        let name = |container: Container| {
            let value = container.to_possible_value();
            value.map(|value| value.get_name().to_owned()).unwrap_or_default()
        };
        let (named, container) = (name(named), name(container));
        return Err(contradicted(format!(
            "a file of this name holds {named}, not {container}; use --container {named}"
        )));
    }
    let container = container.or(named);
    let usual = match container {
        Some(Container::Mjpeg) => StreamFormat::Pixels(PixelFormat::Mjpg),
        Some(Container::Y4m) => StreamFormat::Pixels(PixelFormat::I420),
        Some(Container::Raw) | None => StreamFormat::Native,
    };
    if let Some(StreamFormat::Pixels(format)) = format
        && let Err(error) = Container::choose(container, format)
    {
        return Err(if named.is_some() { contradicted(error.to_string()) } else { error });
    }
    Ok((container, format.unwrap_or(usual)))
}

/// How a file of this name is to be written; `None` where the name says nothing of that.
fn named(camera: &str, output: &Path) -> Result<Option<Container>, CliError> {
    let extension = output.extension().and_then(OsStr::to_str).unwrap_or_default();
    let extension = extension.to_ascii_lowercase();
    let instead = match extension.as_str() {
        // The first image of several is what programs show that expect one.
        "mjpeg" | "mjpg" | "jpeg" | "jpg" => return Ok(Some(Container::Mjpeg)),
        "y4m" => return Ok(Some(Container::Y4m)),
        "yuv" | "raw" => return Ok(Some(Container::Raw)),
        "mp4" | "m4v" | "mkv" | "avi" | "mov" | "webm" | "flv" | "wmv" | "mpg" | "mpeg" => format!(
            "stream {} --format i420 -o - | ffmpeg -i - {}",
            word(camera),
            word(&output.to_string_lossy())
        ),
        "png" | "bmp" | "webp" | "gif" | "tif" | "tiff" => {
            let picture = output.with_extension("png");
            format!("snapshot {} -o {}", word(camera), word(&picture.to_string_lossy()))
        }
        _ => return Ok(None),
    };
    Err(CliError::Usage(format!(
        "{}: frames are written as JPEG images, Y4M or raw video, none of which is .{extension}; \
         use `camera-service {instead}`",
        output.display()
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    const JPEG: StreamFormat = StreamFormat::Pixels(PixelFormat::Mjpg);
    const I420: StreamFormat = StreamFormat::Pixels(PixelFormat::I420);
    const GREY: StreamFormat = StreamFormat::Pixels(PixelFormat::Grey);

    fn chosen(
        name: &str,
        container: Option<Container>,
        format: Option<StreamFormat>,
    ) -> Result<(Option<Container>, StreamFormat), String> {
        choose("a camera", Some(Path::new(name)), container, format).map_err(|error| {
            assert_eq!(error.exit_code(), 2, "{error}");
            error.to_string()
        })
    }

    #[test]
    fn a_name_chooses_what_is_not_given() {
        use Container::{Mjpeg, Raw, Y4m};
        use StreamFormat::Native;
        for (name, container, format, expected) in [
            ("a.mjpeg", None, None, (Some(Mjpeg), JPEG)),
            ("a.MJPG", None, Some(JPEG), (Some(Mjpeg), JPEG)),
            ("a.y4m", None, None, (Some(Y4m), I420)),
            ("a.y4m", Some(Y4m), Some(GREY), (Some(Y4m), GREY)),
            // Whether the camera's own suits shows when it is known.
            ("a.y4m", None, Some(Native), (Some(Y4m), Native)),
            ("a.yuv", None, Some(I420), (Some(Raw), I420)),
            ("a", None, None, (None, Native)),
            ("-", Some(Mjpeg), None, (Some(Mjpeg), JPEG)),
            ("a.data", Some(Raw), Some(I420), (Some(Raw), I420)),
        ] {
            assert_eq!(chosen(name, container, format), Ok(expected), "{name}");
        }
        assert_eq!(choose("a", None, None, None).ok(), Some((None, Native)));
    }

    #[test]
    fn what_contradicts_a_name_is_refused_with_what_to_do() {
        use Container::{Raw, Y4m};
        for (name, container, format, advice) in [
            ("a.y4m", None, Some(JPEG), "use --format i420, or another name"),
            ("a.mjpeg", None, Some(I420), "use --format jpeg, or another name"),
            ("a.y4m", Some(Raw), None, "use --container y4m, or another name"),
            ("a.jpg", Some(Y4m), None, "use --container mjpeg, or another name"),
            ("a", Some(Y4m), Some(JPEG), "use --format i420"),
            (
                "my video.MP4",
                None,
                None,
                "`camera-service stream 'a camera' --format i420 -o - | ffmpeg -i - 'my video.MP4'`",
            ),
            ("a.mkv", None, Some(I420), "ffmpeg -i - a.mkv"),
            ("a.bmp", None, None, "`camera-service snapshot 'a camera' -o a.png`"),
        ] {
            let error = chosen(name, container, format).expect_err(name);
            assert!(error.contains(advice), "{name}: {error}");
        }
    }
}
