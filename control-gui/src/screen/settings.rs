//! Settings of this program.

use iced::{
    Center, Element, Fill,
    widget::{button, column, container, pick_list, row, text, text_input},
};

use crate::{
    folders,
    remembered::{Remembered, ThemeChoice},
    style::{self, APART, BODY, HEADING, NEAR, SMALL, TIGHT},
};

/// The screen: only the text in its field is its own.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    folder: String,
}

/// What happens here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// A theme.
    Theme(ThemeChoice),
    /// Text in the field of the snapshot folder.
    Folder(String),
    /// That text is complete.
    FolderDone,
    /// The pictures folder again.
    FolderDefault,
    /// Back to the cameras.
    Close,
}

/// What the rest of the program is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Nothing.
    None,
    /// Remember what was changed.
    Remember,
    /// Say that this went wrong.
    Refused(String),
    /// Back to the cameras.
    Close,
}

impl Settings {
    /// As they are now.
    pub(crate) fn new(remembered: &Remembered) -> Self {
        Self { folder: remembered.snapshots().display().to_string() }
    }

    /// Does it.
    pub(crate) fn update(&mut self, message: Message, remembered: &mut Remembered) -> Action {
        match message {
            Message::Theme(theme) => remembered.theme = theme,
            Message::Folder(folder) => {
                self.folder = folder;
                return Action::None;
            }
            Message::FolderDone => {
                let folder = std::path::PathBuf::from(self.folder.trim());
                if !folder.is_absolute() {
                    return Action::Refused(
                        "A snapshot folder begins at the root, such as /home/me/Pictures."
                            .to_owned(),
                    );
                }
                remembered.snapshot_folder = (folder != folders::pictures()).then_some(folder);
            }
            Message::FolderDefault => {
                remembered.snapshot_folder = None;
                *self = Self::new(remembered);
            }
            Message::Close => return Action::Close,
        }
        Action::Remember
    }

    /// The screen.
    pub(crate) fn view<'a>(&'a self, remembered: &'a Remembered) -> Element<'a, Message> {
        let head = row![
            text("Settings").size(HEADING).width(Fill),
            button(text("Back").size(BODY)).style(style::plain_button).on_press(Message::Close),
        ]
        .align_y(Center);
        let themes = pick_list(ThemeChoice::ALL, Some(remembered.theme), Message::Theme)
            .text_size(BODY)
            .style(style::choice);
        let changed = self.folder != remembered.snapshots().display().to_string();
        let folder = row![
            text_input("Folder", &self.folder)
                .size(BODY)
                .padding(NEAR)
                .style(style::field)
                .on_input(Message::Folder)
                .on_submit(Message::FolderDone),
            button(text("Use").size(BODY))
                .style(style::plain_button)
                .on_press_maybe(changed.then_some(Message::FolderDone)),
            button(text("Default").size(BODY)).style(style::link_button).on_press_maybe(
                remembered.snapshot_folder.is_some().then_some(Message::FolderDefault)
            ),
        ]
        .spacing(NEAR)
        .align_y(Center);
        let content = column![
            setting("Theme", "Colours of this window.", themes.into()),
            setting("Snapshot folder", "Where pictures go that you take.", folder.into()),
        ]
        .spacing(APART);
        let card = container(content).padding(APART).width(Fill).style(style::card);
        column![head, card].spacing(APART).padding(APART).max_width(860).into()
    }
}

fn setting<'a>(title: &'a str, what: &'a str, field: Element<'a, Message>) -> Element<'a, Message> {
    let title = text(title).size(BODY);
    column![title, text(what).size(SMALL).style(style::quiet), field].spacing(TIGHT).into()
}
