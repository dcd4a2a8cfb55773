//! Which controls belong together, by their names.

use protocol::Control;

/// A group, in the order of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    /// Brightness, contrast and the like.
    Image,
    /// How much light there is.
    Exposure,
    /// What is sharp.
    Focus,
    /// What is white.
    WhiteBalance,
    /// Everything else.
    Other,
}

impl Group {
    /// All of them.
    pub(crate) const ALL: [Self; 5] =
        [Self::Image, Self::Exposure, Self::Focus, Self::WhiteBalance, Self::Other];

    /// Its title.
    #[must_use]
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Image => "Image",
            Self::Exposure => "Exposure",
            Self::Focus => "Focus",
            Self::WhiteBalance => "White balance",
            Self::Other => "Other",
        }
    }

    /// The group of a control. The first that fits: `white_balance_automatic` is no exposure.
    #[must_use]
    pub(crate) fn of(control: &Control) -> Self {
        let has = |words: &[&str]| words.iter().any(|word| control.name.contains(word));
        if has(&["white_balance", "red_balance", "blue_balance", "colour_temperature"]) {
            Self::WhiteBalance
        } else if has(&["focus", "zoom", "pan", "tilt"]) {
            Self::Focus
        } else if has(&["exposure", "gain", "iso", "iris", "backlight", "shutter", "3a_lock"]) {
            Self::Exposure
        } else if has(&[
            "brightness",
            "contrast",
            "saturation",
            "hue",
            "gamma",
            "sharpness",
            "power_line",
            "flip",
            "mirror",
            "colour",
            "color",
            "noise",
        ]) {
            Self::Image
        } else {
            Self::Other
        }
    }
}

/// Whether a control is meant by what was typed into the search field.
#[must_use]
pub(crate) fn matches(control: &Control, search: &str) -> bool {
    let search = search.trim().to_lowercase();
    let text = format!("{} {}", control.label.to_lowercase(), control.name);
    search.split_whitespace().all(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::number;

    #[test]
    fn controls_of_webcams_are_where_one_looks_for_them() {
        for (name, group) in [
            ("brightness", Group::Image),
            ("power_line_frequency", Group::Image),
            ("auto_exposure", Group::Exposure),
            ("exposure_time_absolute", Group::Exposure),
            ("gain", Group::Exposure),
            ("focus_automatic_continuous", Group::Focus),
            ("zoom_absolute", Group::Focus),
            ("white_balance_temperature", Group::WhiteBalance),
            ("text", Group::Other),
        ] {
            assert_eq!(Group::of(&number(name, 0, (0, 1))), group, "{name}");
        }
    }

    #[test]
    fn search_takes_words_in_any_order_and_case() {
        let control = number("white_balance_temperature", 0, (0, 1));
        assert!(matches(&control, " TEMP white ") && matches(&control, ""));
        assert!(!matches(&control, "temp black"));
    }
}
