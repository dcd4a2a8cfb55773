//! Settings of this program, and of how the service is set up on this computer.

use iced::{
    Center, Element, Fill,
    widget::{column, container, pick_list, row, scrollable, text, text_input, toggler},
};

use crate::{
    focus::{Use, button, focusable, steps},
    folders,
    remembered::{Remembered, ThemeChoice},
    setup::{Known, Setup},
    style::{self, APART, BODY, HEADING, NEAR, SMALL, TIGHT},
    words::Tone,
};

/// Width of a field with a number.
const NUMBER_WIDTH: f32 = 76.0;
/// The longest grace period, in seconds: a day.
const LONGEST: f64 = 86_400.0;

/// The screen: only the text in its fields is its own.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    folder: String,
    /// Seconds, while they are being written.
    close_after: Option<String>,
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
    /// The service is to start at login, or no longer.
    AtLogin(bool),
    /// Text in the field of the grace period.
    CloseAfter(String),
    /// That text is complete.
    CloseAfterDone,
    /// Back to the cameras.
    Close,
}

/// What the rest of the program is to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    /// Nothing.
    None,
    /// Remember what was changed.
    Remember,
    /// Say that this went wrong.
    Refused(String),
    /// Have the service start at login, or no longer.
    AtLogin(bool),
    /// Have cameras stay open for so many seconds.
    CloseAfter(f64),
    /// Back to the cameras.
    Close,
}

impl Settings {
    /// As they are now.
    pub(crate) fn new(remembered: &Remembered) -> Self {
        Self { folder: remembered.snapshots().display().to_string(), close_after: None }
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
                self.folder = remembered.snapshots().display().to_string();
            }
            Message::AtLogin(on) => return Action::AtLogin(on),
            Message::CloseAfter(text) => {
                self.close_after = Some(text);
                return Action::None;
            }
            Message::CloseAfterDone => {
                let Some(text) = self.close_after.take() else { return Action::None };
                return match text.trim().replace(',', ".").parse() {
                    Ok(seconds) if (0.0..=LONGEST).contains(&seconds) => {
                        Action::CloseAfter(seconds)
                    }
                    _ => Action::Refused(format!(
                        "The grace period is a number of seconds from 0 to {LONGEST}."
                    )),
                };
            }
            Message::Close => return Action::Close,
        }
        Action::Remember
    }

    /// The screen.
    pub(crate) fn view<'a>(
        &'a self,
        remembered: &'a Remembered,
        setup: &'a Setup,
    ) -> Element<'a, Message> {
        let head = row![
            text("Settings").size(HEADING).width(Fill),
            button(text("Back").size(BODY)).style(style::plain_button).on_press(Message::Close),
        ]
        .align_y(Center);
        let themes = pick_list(ThemeChoice::ALL, Some(remembered.theme), Message::Theme)
            .text_size(BODY)
            .style(style::choice);
        let keys = steps(&ThemeChoice::ALL, Some(&remembered.theme), Message::Theme);
        let themes = focusable(themes, true, keys);
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
            setting("Theme", "Colours of this window.", themes),
            setting("Snapshot folder", "Where pictures go that you take.", folder.into()),
            setting(
                "Start at login",
                "Cameras are there for every program once you have logged in. Switched off, a service \
                 that was started that way ends.",
                at_login(&setup.at_login),
            ),
            setting(
                "Grace period",
                "Seconds that a camera stays open after the last program has stopped watching.",
                self.close_after(&setup.close_after),
            ),
        ]
        .spacing(APART);
        let card = container(content).padding(APART).width(Fill).style(style::card);
        column![head, scrollable(card).direction(style::thin()).style(style::scroll)]
            .spacing(APART)
            .padding(APART)
            .max_width(860)
            .into()
    }

    fn close_after<'a>(&'a self, known: &'a Known<f64>) -> Element<'a, Message> {
        let now = match known {
            Known::NotYet => return waiting(),
            Known::Not(why) => return unknown(why),
            Known::Is(now) | Known::Becoming(now) => now.to_string(),
        };
        let shown = self.close_after.as_deref().unwrap_or(&now);
        let changed = known.is_settled() && shown != now;
        row![
            text_input("Seconds", shown)
                .size(BODY)
                .width(NUMBER_WIDTH)
                .padding(NEAR)
                .align_x(iced::Right)
                .style(style::field)
                .on_input(Message::CloseAfter)
                .on_submit(Message::CloseAfterDone),
            button(text("Use").size(BODY))
                .style(style::plain_button)
                .on_press_maybe(changed.then_some(Message::CloseAfterDone)),
        ]
        .spacing(NEAR)
        .align_y(Center)
        .into()
    }
}

fn at_login(known: &Known<bool>) -> Element<'_, Message> {
    let on = match known {
        Known::NotYet => return waiting(),
        Known::Not(why) => return unknown(why),
        Known::Is(on) | Known::Becoming(on) => *on,
    };
    let settled = known.is_settled();
    let switch =
        toggler(on).style(style::toggle).on_toggle_maybe(settled.then_some(Message::AtLogin));
    let pressed = move |used| (used == Use::Press).then_some(Message::AtLogin(!on));
    let label = match known {
        Known::Becoming(_) => "Changing",
        _ if on => "On",
        _ => "Off",
    };
    row![focusable(switch, settled, pressed), text(label).size(BODY)]
        .spacing(NEAR)
        .align_y(Center)
        .into()
}

fn waiting<'a>() -> Element<'a, Message> {
    text("Asking").size(BODY).style(style::quiet).into()
}

fn unknown(why: &str) -> Element<'_, Message> {
    text(why).size(BODY).style(style::toned(Tone::Attention)).into()
}

fn setting<'a>(title: &'a str, what: &'a str, field: Element<'a, Message>) -> Element<'a, Message> {
    let title = text(title).size(BODY);
    column![title, text(what).size(SMALL).style(style::quiet), field].spacing(TIGHT).into()
}
