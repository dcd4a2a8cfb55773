//! What the test camera's controls are set to, and what the picture's colours become by it.

/// Values of the controls. They live as long as the camera, whether it is open or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    /// -100 to 100, in hundredths of the range from black to white.
    pub(super) brightness: i64,
    /// 0 to 200; 100 changes nothing.
    pub(super) contrast: i64,
    /// 0 to 200; 0 is grey, 100 changes nothing.
    pub(super) saturation: i64,
    /// Whether `exposure` is left alone.
    pub(super) auto_exposure: bool,
    /// 1 to 1000 in units of 100 µs; [`NORMAL_EXPOSURE`] changes nothing.
    pub(super) exposure: i64,
    pub(super) pattern: Pattern,
    /// Whether the pattern's left and right are exchanged.
    pub(super) mirror: bool,
    /// Index into [`SPEEDS`].
    pub(super) speed: usize,
    /// Which of red (1), green (2) and blue (4) are shown.
    pub(super) channels: i64,
    pub(super) text: String,
}

/// What is shown between the strip and the moving block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pattern {
    Bars,
    Ramp,
    Solid,
}

impl Pattern {
    pub(super) const ALL: [Self; 3] = [Self::Bars, Self::Ramp, Self::Solid];

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Bars => "Colour bars",
            Self::Ramp => "Grey ramp",
            Self::Solid => "Solid",
        }
    }
}

/// Pixels that the block moves from frame to frame.
pub(super) const SPEEDS: [u32; 5] = [0, 2, 4, 8, 16];
pub(super) const NORMAL_EXPOSURE: i64 = 500;
/// All of red, green and blue.
pub(super) const ALL_CHANNELS: i64 = 7;

impl Default for Settings {
    fn default() -> Self {
        Self {
            brightness: 0,
            contrast: 100,
            saturation: 100,
            auto_exposure: true,
            exposure: NORMAL_EXPOSURE,
            pattern: Pattern::Bars,
            mirror: false,
            speed: 2,
            channels: ALL_CHANNELS,
            text: String::new(),
        }
    }
}

impl Settings {
    /// What becomes of a colour of the pattern, its parts between 0 and 1.
    pub(super) fn shade(&self, rgb: [f32; 3]) -> [u8; 3] {
        let [r, g, b] = rgb;
        let grey = 0.299 * r + 0.587 * g + 0.114 * b;
        let saturation = self.saturation as f32 / 100.0;
        let contrast = self.contrast as f32 / 100.0;
        let brightness = self.brightness as f32 / 100.0;
        let gain =
            if self.auto_exposure { 1.0 } else { self.exposure as f32 / NORMAL_EXPOSURE as f32 };
        let mut channel = 1;
        rgb.map(|value| {
            let shown = self.channels & channel != 0;
            channel <<= 1;
            if !shown {
                return 0;
            }
            let saturated = grey + (value - grey) * saturation;
            let value = (saturated * gain - 0.5) * contrast + 0.5 + brightness;
            // A cast from f32 saturates.
            (value * 255.0).round() as u8
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const YELLOW: [f32; 3] = [0.75, 0.75, 0.0];

    #[test]
    fn defaults_change_nothing() {
        assert_eq!(Settings::default().shade(YELLOW), [191, 191, 0]);
    }

    #[test]
    fn each_setting_acts() {
        let base = Settings::default();
        let shade = |settings: Settings| settings.shade(YELLOW);
        assert_eq!(shade(Settings { brightness: 10, ..base.clone() }), [217, 217, 26]);
        assert_eq!(shade(Settings { contrast: 0, ..base.clone() }), [128, 128, 128]);
        assert_eq!(shade(Settings { saturation: 0, ..base.clone() }), [169, 169, 169]);
        assert_eq!(shade(Settings { channels: 1, ..base.clone() }), [191, 0, 0]);
        assert_eq!(shade(Settings { exposure: 250, ..base.clone() }), [191, 191, 0]);
        let manual = Settings { exposure: 250, auto_exposure: false, ..base };
        assert_eq!(shade(manual), [96, 96, 0]);
    }
}
