//! Where a picture lies in the area that shows it. Pure arithmetic, used by both renderers.

use protocol::Size;

/// How a picture fills its area.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Fit {
    /// All of the picture is seen.
    #[default]
    Whole,
    /// All of the area is covered.
    Fill,
    /// One pixel of the picture is one of the screen.
    Actual,
}

impl Fit {
    /// The next one, for a key that goes through them.
    #[must_use]
    pub(crate) const fn next(self) -> Self {
        match self {
            Self::Whole => Self::Fill,
            Self::Fill => Self::Actual,
            Self::Actual => Self::Whole,
        }
    }
}

/// Most and least magnification.
const ZOOM: std::ops::RangeInclusive<f32> = 1.0..=16.0;

/// How a user wants to see a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Placement {
    /// How it fills its area.
    pub fit: Fit,
    /// Left and right exchanged.
    pub mirror: bool,
    /// Magnification on top of `fit`.
    zoom: f32,
    /// What is in the middle, as a fraction of the picture from its middle.
    pan: [f32; 2],
}

impl Default for Placement {
    fn default() -> Self {
        Self { fit: Fit::Whole, mirror: false, zoom: 1.0, pan: [0.0; 2] }
    }
}

/// A picture in an area, both in pixels of the screen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Placed {
    /// Left edge of the picture; may lie outside the area.
    pub left: f32,
    /// Upper edge.
    pub top: f32,
    /// Width on the screen.
    pub width: f32,
    /// Height on the screen.
    pub height: f32,
}

impl Placement {
    /// Where a picture of `size` lies in an area of `width` × `height` pixels of the screen.
    #[must_use]
    pub(crate) fn place(&self, (width, height): (f32, f32), size: Size) -> Placed {
        let (w, h) = (size.width.max(1) as f32, size.height.max(1) as f32);
        let (across, down) = (width / w, height / h);
        let scale = self.zoom
            * match self.fit {
                Fit::Whole => across.min(down),
                Fit::Fill => across.max(down),
                Fit::Actual => 1.0,
            };
        let (w, h) = ((w * scale).round().max(1.0), (h * scale).round().max(1.0));
        let middle =
            |area: f32, length: f32, pan: f32| ((area - length) / 2.0 - pan * length).round();
        let [x, y] = self.pan;
        Placed { left: middle(width, w, x), top: middle(height, h, y), width: w, height: h }
    }

    /// Magnifies by `factor`, keeping what lies under the point (`x`, `y`), given as a fraction of
    /// the area from its middle, in an area of this size.
    pub(crate) fn zoom(&mut self, factor: f32, (x, y): (f32, f32), area: (f32, f32), size: Size) {
        let before = self.place(area, size);
        let zoom = (self.zoom * factor).clamp(*ZOOM.start(), *ZOOM.end());
        let shift = |at: f32, area: f32, length: f32| at * area / length * (1.0 - self.zoom / zoom);
        let shift = [shift(x, area.0, before.width), shift(y, area.1, before.height)];
        self.zoom = zoom;
        self.shift(shift);
    }

    /// Moves the picture by so many pixels of the screen.
    pub(crate) fn drag(&mut self, (x, y): (f32, f32), area: (f32, f32), size: Size) {
        let placed = self.place(area, size);
        self.shift([-x / placed.width, -y / placed.height]);
    }

    /// The picture as a whole again.
    pub(crate) fn reset(&mut self) {
        (self.zoom, self.pan) = (1.0, [0.0; 2]);
    }

    /// Whether it is magnified.
    #[must_use]
    pub(crate) fn is_zoomed(&self) -> bool {
        self.zoom > 1.0
    }

    fn shift(&mut self, by: [f32; 2]) {
        // What lies in the middle of the area stays within the picture.
        let limit = 0.5;
        let moved = |pan: f32, by: f32| (pan + by).clamp(-limit, limit);
        self.pan = [moved(self.pan[0], by[0]), moved(self.pan[1], by[1])];
        if !self.is_zoomed() && self.fit == Fit::Whole {
            self.pan = [0.0; 2];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VGA: Size = Size::new(640, 480);

    fn placed(fit: Fit, area: (f32, f32)) -> Placed {
        Placement { fit, ..Placement::default() }.place(area, VGA)
    }

    #[test]
    fn a_fitted_picture_is_seen_as_a_whole_and_in_the_middle() {
        let wide = placed(Fit::Whole, (1000.0, 480.0));
        assert_eq!(wide, Placed { left: 180.0, top: 0.0, width: 640.0, height: 480.0 });
        let high = placed(Fit::Whole, (320.0, 1000.0));
        assert_eq!(high, Placed { left: 0.0, top: 380.0, width: 320.0, height: 240.0 });
    }

    #[test]
    fn a_filling_picture_covers_the_area() {
        let wide = placed(Fit::Fill, (1280.0, 480.0));
        assert_eq!(wide, Placed { left: 0.0, top: -240.0, width: 1280.0, height: 960.0 });
    }

    #[test]
    fn actual_pixels_do_not_depend_on_the_area() {
        for area in [(100.0, 100.0), (3000.0, 2000.0)] {
            let placed = placed(Fit::Actual, area);
            assert_eq!((placed.width, placed.height), (640.0, 480.0));
        }
    }

    #[test]
    fn zooming_keeps_what_lies_under_the_pointer() {
        let (area, at) = ((640.0, 480.0), (0.25, -0.25));
        let mut placement = Placement::default();
        let under = |placement: &Placement| {
            let placed = placement.place(area, VGA);
            ((480.0 - placed.left) / placed.width, (120.0 - placed.top) / placed.height)
        };
        let before = under(&placement);
        for factor in [1.5, 2.0, 0.8] {
            placement.zoom(factor, at, area, VGA);
            let now = under(&placement);
            assert!(
                (now.0 - before.0).abs() < 0.003 && (now.1 - before.1).abs() < 0.003,
                "{now:?}"
            );
        }
        placement.zoom(0.01, at, area, VGA);
        assert_eq!(placement, Placement::default(), "all of it again");
    }

    #[test]
    fn a_picture_cannot_be_dragged_out_of_sight() {
        let mut placement = Placement::default();
        placement.zoom(4.0, (0.0, 0.0), (640.0, 480.0), VGA);
        placement.drag((99999.0, -99999.0), (640.0, 480.0), VGA);
        let placed = placement.place((640.0, 480.0), VGA);
        assert_eq!((placed.left, placed.top + placed.height), (320.0, 240.0));
    }
}
