//! Turning and cropping the stream of this window: a row below the picture.

use iced::{
    Center, Element,
    widget::{column, row, text, text_input},
};

use crate::{
    focus::button,
    framing::{Framing, Side, WHOLE},
    style::{self, BODY, NEAR, SMALL, TIGHT},
};

/// Width of a field with a number.
const NUMBER_WIDTH: f32 = 60.0;

/// The row.
#[derive(Debug, Default)]
pub(crate) struct Bar {
    /// Whether it is shown.
    pub open: bool,
    /// Whether the pointer draws a rectangle.
    pub selecting: bool,
    /// A field that is being written in.
    written: Option<(Side, String)>,
}

/// What happens here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// Show the row, or hide it.
    Open,
    /// A quarter turn.
    Turn {
        /// Which way.
        clockwise: bool,
    },
    /// Left and right exchanged.
    Mirror,
    /// Have a rectangle drawn, or no longer.
    Select,
    /// Text in the field of a side.
    Write(Side, String),
    /// It is complete.
    Submit,
    /// As captured.
    Reset,
}

impl Bar {
    /// Does it. Returns how the stream is to be framed, which is `now`.
    pub(crate) fn update(&mut self, message: Message, now: Framing) -> Framing {
        match message {
            Message::Open => {
                self.open = !self.open;
                self.selecting = false;
            }
            Message::Turn { clockwise } => return now.turned(clockwise),
            Message::Mirror => return Framing { mirror: !now.mirror, ..now },
            Message::Select => {
                self.selecting = !self.selecting;
                self.open |= self.selecting;
            }
            Message::Write(side, text) => self.written = Some((side, text)),
            Message::Submit => {
                if let Some((side, text)) = self.written.take()
                    && let Some(parts) = parts(&text)
                {
                    return now.with_side(side, parts);
                }
            }
            Message::Reset => {
                *self = Self { open: self.open, ..Self::default() };
                return Framing::default();
            }
        }
        now
    }

    /// The row.
    pub(crate) fn view<'a>(&self, framing: Framing) -> Element<'a, Message> {
        let tool = |label, on, message| {
            button(text(label).size(BODY)).style(style::switch_button(on)).on_press(message)
        };
        let changed = framing != Framing::default();
        let reset = button(text("As captured").size(BODY)).style(style::link_button);
        let tools = row![
            tool("Turn left", false, Message::Turn { clockwise: false }),
            tool("Turn right", false, Message::Turn { clockwise: true }),
            tool("Mirror stream", framing.mirror, Message::Mirror),
            tool("Crop", self.selecting, Message::Select),
            reset.on_press_maybe(changed.then_some(Message::Reset)),
        ];
        let sides = Side::ALL.map(|side| self.field(side, framing));
        let note = "For this window and its snapshots. Other programs see the camera as before.";
        column![
            tools.spacing(NEAR).wrap().vertical_spacing(NEAR),
            row(sides).spacing(NEAR).align_y(Center).wrap().vertical_spacing(NEAR),
            text(note).size(SMALL).style(style::quiet),
        ]
        .spacing(NEAR)
        .into()
    }

    fn field<'a>(&self, side: Side, framing: Framing) -> Element<'a, Message> {
        let label = match side {
            Side::Left => "Left %",
            Side::Top => "Top %",
            Side::Width => "Width %",
            Side::Height => "Height %",
        };
        let shown = match &self.written {
            Some((written, text)) if *written == side => text.clone(),
            _ => percent(framing.side(side)),
        };
        let field = text_input("", &shown)
            .size(BODY)
            .width(NUMBER_WIDTH)
            .padding([TIGHT, NEAR])
            .align_x(iced::Right)
            .style(style::field)
            .on_input(move |text| Message::Write(side, text))
            .on_submit(Message::Submit);
        row![text(label).size(SMALL).style(style::quiet), field]
            .spacing(TIGHT)
            .align_y(Center)
            .into()
    }
}

/// Parts of a side as percent, with no more digits than it takes.
fn percent(parts: u16) -> String {
    (f64::from(parts) * 100.0 / f64::from(WHOLE)).to_string()
}

/// Percent as parts of a side.
fn parts(text: &str) -> Option<u16> {
    let percent: f64 = text.trim().trim_end_matches('%').trim().replace(',', ".").parse().ok()?;
    let parts = (percent * f64::from(WHOLE) / 100.0).round();
    (0.0..=f64::from(WHOLE)).contains(&parts).then_some(parts as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_are_written_and_read() {
        for number in [0, 1, 50, 1250, 3333, 9999, WHOLE] {
            assert_eq!(parts(&percent(number)), Some(number));
        }
        assert_eq!((percent(1250), parts(" 12,5 % ")), ("12.5".to_owned(), Some(1250)));
        assert_eq!((parts("-1"), parts("101"), parts("x"), parts("NaN")), (None, None, None, None));
    }

    #[test]
    fn a_field_counts_once_it_is_complete() {
        let mut bar = Bar::default();
        let now = Framing::default();
        assert_eq!(bar.update(Message::Write(Side::Width, "5".to_owned()), now), now);
        assert_eq!(bar.update(Message::Write(Side::Width, "50".to_owned()), now), now);
        let half = bar.update(Message::Submit, now);
        assert_eq!(half.side(Side::Width), 5000);
        assert_eq!(bar.update(Message::Submit, half), half, "nothing was written");
        assert_eq!(bar.update(Message::Reset, half), now);
    }
}
