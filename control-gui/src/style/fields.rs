//! What is written in, chosen from, switched and scrolled.

use iced::{
    Border, Color, Theme, border,
    widget::{checkbox, pick_list, scrollable, text_input, toggler},
};

use super::{ROUND, raised, shade};

/// A field to write in.
#[must_use]
pub(crate) fn field(theme: &Theme, status: text_input::Status) -> text_input::Style {
    let style = text_input::default(theme, status);
    let (colour, width) = match status {
        text_input::Status::Focused { .. } => (theme.palette().primary, 2.0),
        text_input::Status::Hovered => (shade(theme, 0.35), 1.0),
        _ => (shade(theme, 0.2), 1.0),
    };
    let border = Border { color: colour, width, radius: (ROUND / 2.0).into() };
    let background =
        if status == text_input::Status::Disabled { shade(theme, 0.04) } else { raised(theme) };
    text_input::Style { background: background.into(), border, ..style }
}

/// The switch that turns all cameras off: red while they are.
#[must_use]
pub(crate) fn switch(theme: &Theme, status: toggler::Status) -> toggler::Style {
    let style = toggler::default(theme, status);
    let (toggler::Status::Active { is_toggled }
    | toggler::Status::Hovered { is_toggled }
    | toggler::Status::Disabled { is_toggled }) = status;
    let off = if matches!(status, toggler::Status::Active { .. }) { 0.4 } else { 0.5 };
    let background = if is_toggled { theme.palette().danger } else { shade(theme, off) };
    toggler::Style { background: background.into(), foreground: Color::WHITE.into(), ..style }
}

/// Any other switch.
#[must_use]
pub(crate) fn toggle(theme: &Theme, status: toggler::Status) -> toggler::Style {
    let style = switch(theme, status);
    let (toggler::Status::Active { is_toggled }
    | toggler::Status::Hovered { is_toggled }
    | toggler::Status::Disabled { is_toggled }) = status;
    if is_toggled {
        return toggler::Style { background: theme.palette().primary.into(), ..style };
    }
    style
}

/// A thin bar at the right of a list that is longer than its place.
#[must_use]
pub(crate) fn scroll(theme: &Theme, status: scrollable::Status) -> scrollable::Style {
    let style = scrollable::default(theme, status);
    let share = match status {
        scrollable::Status::Active { .. } => 0.2,
        scrollable::Status::Hovered { .. } => 0.3,
        scrollable::Status::Dragged { .. } => 0.4,
    };
    let mut rail = style.vertical_rail;
    rail.background = None;
    rail.scroller.background = shade(theme, share).into();
    scrollable::Style { vertical_rail: rail, ..style }
}

/// Width of that bar.
pub(crate) fn thin() -> scrollable::Direction {
    let bar = scrollable::Scrollbar::new().width(6).scroller_width(6);
    scrollable::Direction::Vertical(bar)
}

/// A list to choose from.
#[must_use]
pub(crate) fn choice(theme: &Theme, status: pick_list::Status) -> pick_list::Style {
    let style = pick_list::default(theme, status);
    let share = if status == pick_list::Status::Active { 0.2 } else { 0.4 };
    let border = border::color(shade(theme, share)).width(1).rounded(ROUND / 2.0);
    pick_list::Style { background: raised(theme).into(), border, ..style }
}

/// A box to be checked.
#[must_use]
pub(crate) fn check(theme: &Theme, status: checkbox::Status) -> checkbox::Style {
    let style = checkbox::primary(theme, status);
    let (checkbox::Status::Active { is_checked }
    | checkbox::Status::Hovered { is_checked }
    | checkbox::Status::Disabled { is_checked }) = status;
    if is_checked {
        return style;
    }
    let share = if matches!(status, checkbox::Status::Active { .. }) { 0.35 } else { 0.55 };
    let border = border::color(shade(theme, share)).width(1).rounded(ROUND / 2.0);
    checkbox::Style { background: raised(theme).into(), border, ..style }
}
