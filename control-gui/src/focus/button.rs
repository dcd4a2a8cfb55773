//! A button that can have the focus.

use iced::{
    Element, Length, Padding, Theme,
    widget::button::{Status, Style},
};

use super::{Focus, OnKey, Use};

/// A button that can have the focus while it can be pressed.
pub(crate) fn button<'a, Message: Clone + 'a>(
    content: impl Into<Element<'a, Message>>,
) -> Button<'a, Message> {
    Button { button: iced::widget::Button::new(content), message: None }
}

/// See [`button()`].
pub(crate) struct Button<'a, Message> {
    button: iced::widget::Button<'a, Message>,
    message: Option<Message>,
}

impl<'a, Message: Clone + 'a> Button<'a, Message> {
    pub(crate) fn width(self, width: impl Into<Length>) -> Self {
        Self { button: self.button.width(width), ..self }
    }

    pub(crate) fn padding(self, padding: impl Into<Padding>) -> Self {
        Self { button: self.button.padding(padding), ..self }
    }

    pub(crate) fn style(self, style: impl Fn(&Theme, Status) -> Style + 'a) -> Self {
        Self { button: self.button.style(style), ..self }
    }

    pub(crate) fn on_press(self, message: Message) -> Self {
        self.on_press_maybe(Some(message))
    }

    pub(crate) fn on_press_maybe(self, message: Option<Message>) -> Self {
        Self { message, ..self }
    }
}

impl<'a, Message: Clone + 'a> From<Button<'a, Message>> for Element<'a, Message> {
    fn from(Button { button, message }: Button<'a, Message>) -> Self {
        let content = button.on_press_maybe(message.clone()).into();
        let on_key = message.map(|message| -> OnKey<'a, Message> {
            Box::new(move |used| (used == Use::Press).then(|| message.clone()))
        });
        Element::new(Focus { content, on_key, holds_all: false })
    }
}
