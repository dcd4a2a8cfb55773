//! Messages that lie over a screen until they are dismissed.

use iced::{
    Element, Fill,
    widget::{column, container, row, text},
};

use crate::{
    focus::button,
    style::{self, APART, BODY, NEAR},
    words::Tone,
};

/// Notices kept at once; an older one goes when there are more.
const MOST: usize = 3;

/// All that are to be seen.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    next: u64,
    all: Vec<Notice>,
}

#[derive(Debug)]
struct Notice {
    id: u64,
    tone: Tone,
    text: String,
    action: Option<(String, Offer)>,
}

/// What a notice offers to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Offer {
    /// Open a folder.
    OpenFolder(std::path::PathBuf),
}

/// What a user does with one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// Enough of it.
    Dismiss(u64),
    /// Do what it offers.
    Take(u64, Offer),
}

impl Notices {
    /// Something did not work: what, and what to do.
    pub(crate) fn error(&mut self, text: impl Into<String>) {
        self.add(Tone::Wrong, text.into(), None);
    }

    /// Something worked that is not seen otherwise.
    pub(crate) fn done(&mut self, text: impl Into<String>, action: Option<(String, Offer)>) {
        self.add(Tone::Live, text.into(), action);
    }

    fn add(&mut self, tone: Tone, text: String, action: Option<(String, Offer)>) {
        // The same again says nothing new.
        self.all.retain(|notice| notice.text != text);
        self.next += 1;
        self.all.push(Notice { id: self.next, tone, text, action });
        if self.all.len() > MOST {
            self.all.remove(0);
        }
    }

    /// Removes one.
    pub(crate) fn dismiss(&mut self, id: u64) {
        self.all.retain(|notice| notice.id != id);
    }

    /// Removes the latest. Returns whether there was one.
    pub(crate) fn dismiss_latest(&mut self) -> bool {
        self.all.pop().is_some()
    }

    /// Whether there is none.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// One below the other.
    pub(crate) fn view(&self) -> Element<'_, Message> {
        column(self.all.iter().map(Notice::view)).spacing(NEAR).max_width(560).into()
    }
}

impl Notice {
    fn view(&self) -> Element<'_, Message> {
        let mut content =
            row![text(&self.text).size(BODY).width(Fill)].spacing(APART).align_y(iced::Center);
        if let Some((label, offer)) = &self.action {
            let take = Message::Take(self.id, offer.clone());
            content = content
                .push(button(text(label).size(BODY)).style(style::plain_button).on_press(take));
        }
        let dismiss = button(text("Dismiss").size(BODY))
            .style(style::link_button)
            .on_press(Message::Dismiss(self.id));
        let inner = container(content.push(dismiss)).padding([NEAR, APART]);
        // On a card first, so that what lies below does not shine through.
        let inner = inner.width(Fill).style(style::banner(self.tone));
        container(inner).style(style::card).into()
    }
}
