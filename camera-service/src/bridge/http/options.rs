//! What a query asks for.

use protocol::{
    CameraId, Crop, Delivery, ErrorKind, ErrorReply, FrameRate, PixelFormat, Rotation, Size,
    StreamFormat, StreamRequest,
};

/// A query, decoded. The first of several values of a key counts.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let plain = |part: &str| decoded(&part.replace('+', " ")).unwrap_or_default();
            (plain(key), plain(value))
        });
        Self(pairs.collect())
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(other, _)| other == key)?;
        Some(value)
    }

    /// The camera that is chosen, if any.
    pub(super) fn camera(&self) -> Option<CameraId> {
        let chosen = self.get("cam").or_else(|| self.get("src")).or_else(|| self.get("camera"));
        chosen.filter(|camera| !camera.is_empty()).map(CameraId::from)
    }

    /// Which frames of `camera` are asked for. What cannot be is an error.
    pub(super) fn stream(&self, camera: CameraId) -> Result<StreamRequest, ErrorReply> {
        let wrong = |key: &str, hint: &str| {
            ErrorReply::new(ErrorKind::Invalid, format!("{key} in the address is to be {hint}"))
        };
        let number = |key: &'static str, most: u32| match self.get(key) {
            None => Ok(None),
            Some(text) => {
                let number = text.parse().ok().filter(|number| (1..=most).contains(number));
                number.map(Some).ok_or_else(|| wrong(key, &format!("a number from 1 to {most}")))
            }
        };
        let rate = |text: &str| {
            text.parse::<FrameRate>()
                .map_err(|_| wrong("fps", "frames a second, such as 10 or 0.5"))
        };
        let crop = self.get("crop").filter(|text| !text.is_empty()).map(str::parse).transpose();
        let hint = "LEFT,TOP,WIDTH,HEIGHT in per cent of the frame and within it, as 25,25,50,50";
        let rotation = self.get("rotation").map_or(Ok(Rotation::None), |text| {
            text.parse().map_err(|_| wrong("rotation", "0, 90, 180 or 270"))
        });
        let mirror = match self.get("mirror") {
            None | Some("0" | "false") => false,
            Some("1" | "true" | "") => true,
            Some(_) => return Err(wrong("mirror", "0 or 1")),
        };
        Ok(request(
            camera,
            Wish {
                width: number("width", MOST_SIDE)?,
                height: number("height", MOST_SIDE)?,
                rate: self.get("fps").map(rate).transpose()?,
                crop: crop.map_err(|_| wrong("crop", hint))?,
                quality: number("quality", 100)?.and_then(|quality| u8::try_from(quality).ok()),
                rotation: rotation?,
                mirror,
            },
        ))
    }
}

/// The longest side that makes sense.
pub(in crate::bridge) const MOST_SIDE: u32 = 65_535;

/// How pictures are wished for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::bridge) struct Wish {
    pub(in crate::bridge) width: Option<u32>,
    pub(in crate::bridge) height: Option<u32>,
    pub(in crate::bridge) rate: Option<FrameRate>,
    pub(in crate::bridge) crop: Option<Crop>,
    pub(in crate::bridge) quality: Option<u8>,
    pub(in crate::bridge) rotation: Rotation,
    pub(in crate::bridge) mirror: bool,
}

/// The frames of `camera` that `wish` describes: JPEG images, the camera's own where they fit.
pub(in crate::bridge) fn request(camera: CameraId, wish: Wish) -> StreamRequest {
    let max_size = match (wish.width, wish.height) {
        (None, None) => None,
        (width, height) => Some(Size::new(width.unwrap_or(MOST_SIDE), height.unwrap_or(MOST_SIDE))),
    };
    StreamRequest {
        camera,
        format: StreamFormat::Pixels(PixelFormat::Mjpg),
        max_size,
        max_rate: wish.rate,
        crop: wish.crop,
        rotation: wish.rotation,
        mirror: wish.mirror,
        quality: wish.quality,
        delivery: Delivery::Shared,
    }
}

/// `text` without percent signs; `None` where it is no UTF-8, has controls, or is cut short.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, after) = rest.split_first_chunk::<2>()?;
        let digit = |at: usize| char::from(digits[at]).to_digit(16);
        bytes.push(u8::try_from(digit(0)? * 16 + digit(1)?).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_signs_are_decoded_and_nonsense_is_none() {
        assert_eq!(decoded("test%3A0").as_deref(), Some("test:0"));
        assert_eq!(decoded("%C3%A4%20b").as_deref(), Some("ä b"));
        for text in ["%", "%4", "%zz", "%ff", "%00", "a%0d%0a", "%+1"] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }

    #[test]
    fn queries_choose_camera_and_frames() {
        let query = Query::parse("action=stream&cam=test%3A0&fps=7.5&width=320&quality=40&&x");
        assert_eq!(query.camera(), Some("test:0".into()));
        let request = query.stream("test:0".into()).expect("valid");
        assert_eq!(request.max_size, Some(Size::new(320, MOST_SIDE)));
        assert_eq!(request.max_rate.map(FrameRate::as_f64), Some(7.5));
        assert_eq!(request.quality, Some(40));
        assert_eq!(Query::parse("").stream("c".into()).expect("valid").max_size, None);
        assert_eq!(Query::parse("cam=").camera(), None);
        let cropped = |text| Query::parse(text).stream("c".into()).expect("valid").crop;
        let crop = Crop { left: 1250, top: 0, width: 5000, height: 10_000 };
        assert_eq!(cropped("crop=12.5,0,50,100"), Some(crop));
        assert_eq!(cropped("crop=12.5%2C0%2C50%2C100"), Some(crop));
        assert_eq!((cropped("crop="), cropped("")), (None, None));
        for text in [
            "fps=0",
            "fps=x",
            "width=0",
            "width=65536",
            "width=-1",
            "quality=101",
            "rotation=45",
            "mirror=2",
            "height=",
            "crop=1,2,3",
            "crop=60,0,50,100",
            "crop=0,0,0,100",
            "crop=a,b,c,d",
            "fps=nan",
        ] {
            assert!(Query::parse(text).stream("c".into()).is_err(), "{text}");
        }
    }
}
