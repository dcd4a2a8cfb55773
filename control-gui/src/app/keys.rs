//! Keys that no field took, and what they do.

use iced::{
    Task,
    keyboard::{Event, Key, Modifiers, key::Named},
    widget::operation,
};
use protocol::CameraId;

use super::{App, Message, Page, Shown};
use crate::screen::{cameras, controls, stage};

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    Previous,
    Next,
    StartOrStop,
    SideBySide,
    Fullscreen,
    Freeze,
    Snapshot,
    Mirror,
    Turn,
    Crop,
    Fit,
    Figures,
    Search,
    Privacy,
    Show(Shown),
    Back,
}

/// The command of a key press.
pub(super) fn command(event: Event) -> Option<Command> {
    let Event::KeyPressed { key, modified_key, modifiers, repeat, .. } = event else {
        return None;
    };
    // Shift is what makes a question mark of another key on most keyboards.
    let asks = modified_key.as_ref() == Key::Character("?") && !modifiers.command();
    let command = match key.as_ref() {
        _ if asks => Command::Show(Shown::Help),
        Key::Named(named) => named_key(named)?,
        Key::Character(letter) => character(&letter.to_lowercase(), modifiers)?,
        Key::Unidentified => return None,
    };
    // A key that is held down goes through cameras, and does nothing else again.
    let may_repeat = matches!(command, Command::Previous | Command::Next);
    (may_repeat || !repeat).then_some(command)
}

fn named_key(key: Named) -> Option<Command> {
    Some(match key {
        Named::ArrowUp => Command::Previous,
        Named::ArrowDown => Command::Next,
        Named::Enter => Command::StartOrStop,
        Named::Space => Command::Freeze,
        Named::F11 => Command::Fullscreen,
        Named::F1 => Command::Show(Shown::Help),
        Named::Escape => Command::Back,
        _ => return None,
    })
}

fn character(letter: &str, modifiers: Modifiers) -> Option<Command> {
    if modifiers.command() {
        return Some(match letter {
            "f" => Command::Search,
            "p" => Command::Privacy,
            "," => Command::Show(Shown::Settings),
            _ => return None,
        });
    }
    if modifiers.alt() || modifiers.logo() {
        return None;
    }
    Some(match letter {
        "g" => Command::SideBySide,
        "f" => Command::Fullscreen,
        "s" => Command::Snapshot,
        "m" => Command::Mirror,
        "r" => Command::Turn,
        "x" => Command::Crop,
        "z" => Command::Fit,
        "i" => Command::Figures,
        "c" => Command::Show(Shown::Controls),
        "u" => Command::Show(Shown::Clients),
        "w" => Command::Show(Shown::Remote),
        _ => return None,
    })
}

impl App {
    pub(super) fn key(&mut self, command: Command) -> Task<Message> {
        let selected = self.selected.clone();
        let on_stage = |message: fn(CameraId) -> stage::Message| {
            selected.clone().map(|camera| Message::Stage(message(camera)))
        };
        let watched = selected.as_ref().is_some_and(|camera| self.stage.is_watched(camera));
        let message = match command {
            Command::Previous => self.neighbour(-1),
            Command::Next => self.neighbour(1),
            Command::StartOrStop if watched => on_stage(stage::Message::Stop),
            Command::StartOrStop => on_stage(stage::Message::Start),
            Command::SideBySide => Some(Message::Cameras(cameras::Message::SideBySide)),
            Command::Fullscreen => Some(Message::Stage(stage::Message::Fullscreen)),
            Command::Freeze => on_stage(stage::Message::Freeze),
            Command::Snapshot => on_stage(stage::Message::Snapshot),
            Command::Mirror => on_stage(stage::Message::Mirror),
            Command::Turn => on_stage(|camera| {
                let turn = stage::framing::Message::Turn { clockwise: true };
                stage::Message::Framing(camera, turn)
            }),
            Command::Crop => {
                on_stage(|camera| stage::Message::Framing(camera, stage::framing::Message::Select))
            }
            Command::Fit => on_stage(stage::Message::Fit),
            Command::Figures => Some(Message::Stage(stage::Message::Figures)),
            Command::Privacy => Some(Message::Privacy(!self.model.privacy_off)),
            Command::Show(shown) => Some(Message::Show(shown)),
            Command::Search => {
                self.remembered.controls = true;
                self.page = Page::Cameras;
                return operation::focus(controls::SEARCH);
            }
            Command::Back => return self.back(),
        };
        message.map_or_else(Task::none, |message| self.update(message))
    }

    /// The camera above or below the selected one.
    fn neighbour(&self, by: isize) -> Option<Message> {
        let cameras = &self.model.cameras;
        let at = cameras.iter().position(|camera| Some(&camera.id) == self.selected.as_ref());
        let last = cameras.len().checked_sub(1)?;
        let to = at.map_or(0, |at| at.saturating_add_signed(by).min(last));
        Some(Message::Cameras(cameras::Message::Select(cameras[to].id.clone())))
    }

    /// Out of what was entered last.
    fn back(&mut self) -> Task<Message> {
        if self.stage.stop_selecting() {
            return Task::none();
        }
        if self.fullscreen {
            return self.set_fullscreen(false);
        }
        if !self.notices.dismiss_latest() {
            self.page = Page::Cameras;
        }
        Task::none()
    }
}

#[cfg(test)]
mod tests {
    use iced::keyboard::{Location, key};

    use super::*;

    fn pressed(key: &str, modified_key: &str, modifiers: Modifiers) -> Event {
        let character = |text: &str| Key::Character(text.into());
        Event::KeyPressed {
            key: character(key),
            modified_key: character(modified_key),
            physical_key: key::Physical::Unidentified(key::NativeCode::Unidentified),
            location: Location::Standard,
            modifiers,
            text: None,
            repeat: false,
        }
    }

    #[test]
    fn a_question_mark_is_one_wherever_it_is_on_the_keyboard() {
        let help = Some(Command::Show(Shown::Help));
        for key in ["/", "ß", "?"] {
            assert_eq!(command(pressed(key, "?", Modifiers::SHIFT)), help, "{key}");
        }
        assert_eq!(command(pressed("s", "S", Modifiers::SHIFT)), Some(Command::Snapshot));
        assert_eq!(command(pressed("/", "/", Modifiers::empty())), None);
    }
}
