//! The keys.

use iced::{
    Center, Element, Fill,
    widget::{column, container, row, text},
};

use crate::{
    focus::button,
    style::{self, APART, BODY, HEADING, NEAR, SMALL},
};

/// Keys and what they do.
pub(crate) const KEYS: [(&str, &str); 18] = [
    ("Up, Down", "Choose a camera"),
    ("Enter", "Start or stop it"),
    ("G", "All that are live, side by side"),
    ("F, F11", "Full screen, and back"),
    ("Space", "Freeze the picture, and go on"),
    ("S", "Take a snapshot"),
    ("M", "Mirror this view"),
    ("R", "Turn the stream a quarter"),
    ("X", "Crop the stream: drag a rectangle over the picture"),
    ("Z", "Fit, fill, or one to one"),
    ("I", "Figures over the picture"),
    ("C", "Show or hide the controls"),
    ("Ctrl+F", "Search the controls"),
    ("Ctrl+P", "Turn all cameras off, or on again"),
    ("U", "Who uses the cameras"),
    ("W", "The web page and remote users"),
    ("Ctrl+,", "Settings"),
    ("Escape", "Back, and dismiss messages"),
];

/// Back to the cameras.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Close;

/// The list.
pub(crate) fn view<'a>() -> Element<'a, Close> {
    let head = row![
        text("Keys").size(HEADING).width(Fill),
        button(text("Back").size(BODY)).style(style::plain_button).on_press(Close),
    ]
    .align_y(Center);
    let keys = KEYS.iter().map(|(key, what)| {
        row![text(*key).size(BODY).width(140).style(style::quiet), text(*what).size(BODY)].into()
    });
    let note = "A picture is magnified with the wheel and moved with the pointer. Tab goes from \
                button to button and field to field; Enter and Space press what has the ring, the \
                arrows to the left and right change it.";
    let content = column![column(keys).spacing(NEAR), text(note).size(SMALL).style(style::quiet)];
    let card = container(content.spacing(APART)).padding(APART).width(Fill).style(style::card);
    column![head, card].spacing(APART).padding(APART).max_width(860).into()
}
