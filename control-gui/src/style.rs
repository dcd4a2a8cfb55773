//! How everything looks: distances, sizes of text, colours. Screens use these and no numbers of
//! their own.

mod fields;

use iced::{
    Background, Color, Theme, border, color,
    theme::Palette,
    widget::{button, container, text},
};

pub(crate) use fields::{check, choice, field, scroll, switch, thin, toggle};

use crate::words::Tone;

/// Distances in logical pixels, from within a group to between screens' parts.
pub(crate) const TIGHT: f32 = 4.0;
/// See [`TIGHT`].
pub(crate) const NEAR: f32 = 8.0;
/// See [`TIGHT`].
pub(crate) const APART: f32 = 16.0;
/// See [`TIGHT`].
pub(crate) const FAR: f32 = 24.0;

/// Sizes of text in logical pixels.
pub(crate) const SMALL: f32 = 12.0;
/// See [`SMALL`].
pub(crate) const BODY: f32 = 14.0;
/// See [`SMALL`].
pub(crate) const TITLE: f32 = 18.0;
/// See [`SMALL`].
pub(crate) const HEADING: f32 = 24.0;

/// Width of the list of cameras.
pub(crate) const LIST_WIDTH: f32 = 232.0;
/// Width of the controls.
pub(crate) const PANEL_WIDTH: f32 = 316.0;
/// Width of the ring around what has the focus.
pub(crate) const RING: f32 = 2.0;
/// Corners of cards and buttons.
const ROUND: f32 = 8.0;

/// The light theme.
#[must_use]
pub(crate) fn light() -> Theme {
    let palette = Palette {
        background: color!(0xf6f7f9),
        text: color!(0x1d2733),
        primary: color!(0x1f6feb),
        success: color!(0x1a7f4b),
        warning: color!(0xb26a00),
        danger: color!(0xc62f3b),
    };
    Theme::custom("Light", palette)
}

/// The dark theme.
#[must_use]
pub(crate) fn dark() -> Theme {
    let palette = Palette {
        background: color!(0x16191d),
        text: color!(0xe6e9ed),
        primary: color!(0x4c8dff),
        success: color!(0x4cc38a),
        warning: color!(0xe5a13a),
        danger: color!(0xf2656f),
    };
    Theme::custom("Dark", palette)
}

/// Mixes `share` of the text's colour into the background's: lines, surfaces, quiet text.
fn shade(theme: &Theme, share: f32) -> Color {
    let Palette { background: from, text: to, .. } = theme.palette();
    let mix = |from: f32, to: f32| from + (to - from) * share;
    Color::from_rgb(mix(from.r, to.r), mix(from.g, to.g), mix(from.b, to.b))
}

/// What cards stand on.
fn raised(theme: &Theme) -> Color {
    if theme.extended_palette().is_dark { shade(theme, 0.06) } else { Color::WHITE }
}

/// The colour of a tone.
#[must_use]
pub(crate) fn tone(theme: &Theme, tone: Tone) -> Color {
    let palette = theme.palette();
    match tone {
        Tone::Quiet => shade(theme, 0.6),
        Tone::Live => palette.success,
        Tone::Attention => palette.warning,
        Tone::Wrong => palette.danger,
    }
}

/// Text that explains.
#[must_use]
pub(crate) fn quiet(theme: &Theme) -> text::Style {
    text::Style { color: Some(shade(theme, 0.62)) }
}

/// Text of a tone.
pub(crate) fn toned(of: Tone) -> impl Fn(&Theme) -> text::Style {
    move |theme| text::Style { color: Some(tone(theme, of)) }
}

/// The bar at the top, and the columns at the sides.
#[must_use]
pub(crate) fn side(theme: &Theme) -> container::Style {
    container::Style {
        background: Some(raised(theme).into()),
        border: border::color(shade(theme, 0.1)).width(1),
        ..container::Style::default()
    }
}

/// A card.
#[must_use]
pub(crate) fn card(theme: &Theme) -> container::Style {
    container::Style {
        background: Some(raised(theme).into()),
        border: border::color(shade(theme, 0.12)).width(1).rounded(ROUND),
        ..container::Style::default()
    }
}

/// Colour and corners of the ring around what has the focus.
#[must_use]
pub(crate) fn ring(theme: &Theme) -> (Color, f32) {
    (theme.palette().text, ROUND + RING)
}

/// What lies behind a picture.
#[must_use]
pub(crate) fn screen(_: &Theme) -> container::Style {
    container::Style {
        background: Some(color!(0x0b0d10).into()),
        text_color: Some(Color::WHITE),
        border: border::rounded(ROUND),
        ..container::Style::default()
    }
}

/// What is marked on a picture.
#[must_use]
pub(crate) fn selection(_: &Theme) -> container::Style {
    container::Style {
        background: Some(Color { a: 0.18, ..Color::WHITE }.into()),
        border: border::color(Color::WHITE).width(2),
        ..container::Style::default()
    }
}

/// Text over a picture.
#[must_use]
pub(crate) fn overlay(_: &Theme) -> container::Style {
    container::Style {
        background: Some(Color { a: 0.62, ..Color::BLACK }.into()),
        text_color: Some(Color::WHITE),
        border: border::rounded(ROUND / 2.0),
        ..container::Style::default()
    }
}

/// A message of a tone, over the whole width of its place.
pub(crate) fn banner(of: Tone) -> impl Fn(&Theme) -> container::Style {
    move |theme| {
        let colour = tone(theme, of);
        container::Style {
            background: Some(Color { a: 0.14, ..colour }.into()),
            border: border::color(Color { a: 0.5, ..colour }).width(1).rounded(ROUND),
            ..container::Style::default()
        }
    }
}

/// A round mark in the colour of a tone.
pub(crate) fn mark(of: Tone) -> impl Fn(&Theme) -> container::Style {
    move |theme| container::Style {
        background: Some(tone(theme, of).into()),
        border: border::rounded(8),
        ..container::Style::default()
    }
}

fn filled(background: Color, text_color: Color, status: button::Status) -> button::Style {
    let weight = match status {
        button::Status::Active => 1.0,
        button::Status::Hovered => 0.88,
        button::Status::Pressed => 0.78,
        button::Status::Disabled => 0.4,
    };
    button::Style {
        background: Some(Color { a: weight, ..background }.into()),
        text_color,
        border: border::rounded(ROUND),
        ..button::Style::default()
    }
}

/// The one button that a screen is for.
#[must_use]
pub(crate) fn main_button(_: &Theme, status: button::Status) -> button::Style {
    // Of both themes: white on the dark one's primary is hard to read.
    filled(light().palette().primary, Color::WHITE, status)
}

/// A button that ends something.
#[must_use]
pub(crate) fn ending_button(theme: &Theme, status: button::Status) -> button::Style {
    let danger = theme.palette().danger;
    let style = plain_button(theme, status);
    button::Style { text_color: danger, ..style }
}

/// Any other button.
#[must_use]
pub(crate) fn plain_button(theme: &Theme, status: button::Status) -> button::Style {
    let share = match status {
        button::Status::Active | button::Status::Disabled => 0.07,
        button::Status::Hovered => 0.12,
        button::Status::Pressed => 0.18,
    };
    let text = if status == button::Status::Disabled { 0.4 } else { 0.95 };
    button::Style {
        background: Some(shade(theme, share).into()),
        text_color: shade(theme, text),
        border: border::color(shade(theme, 0.14)).width(1).rounded(ROUND),
        ..button::Style::default()
    }
}

/// A button that is on, or not.
pub(crate) fn switch_button(on: bool) -> impl Fn(&Theme, button::Status) -> button::Style {
    move |theme, status| {
        let style = plain_button(theme, status);
        if !on {
            return style;
        }
        let primary = theme.palette().primary;
        button::Style {
            background: Some(Color { a: 0.18, ..primary }.into()),
            text_color: primary,
            border: border::color(Color { a: 0.6, ..primary }).width(1).rounded(ROUND),
            ..style
        }
    }
}

/// A button that looks like text.
#[must_use]
pub(crate) fn link_button(theme: &Theme, status: button::Status) -> button::Style {
    let weight = if status == button::Status::Hovered { 0.8 } else { 1.0 };
    let colour = match status {
        button::Status::Disabled => shade(theme, 0.4),
        _ => Color { a: weight, ..theme.palette().primary },
    };
    button::Style { background: None, text_color: colour, ..button::Style::default() }
}

/// A camera in the list.
pub(crate) fn entry(selected: bool) -> impl Fn(&Theme, button::Status) -> button::Style {
    move |theme, status| {
        let primary = theme.palette().primary;
        let background = match (selected, status) {
            (true, _) => Some(Background::Color(Color { a: 0.16, ..primary })),
            (false, button::Status::Hovered | button::Status::Pressed) => {
                Some(Background::Color(shade(theme, 0.08)))
            }
            (false, _) => None,
        };
        button::Style {
            background,
            text_color: theme.palette().text,
            border: border::rounded(ROUND),
            ..button::Style::default()
        }
    }
}
