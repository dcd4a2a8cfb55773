//! How the service is set up on this computer, and this program's own settings.

use iced::{Task, clipboard};

use super::{App, Message, Page};
use crate::{
    screen::{no_camera, settings},
    setup::{self, Action, Known},
};

impl App {
    pub(super) fn set_up(&mut self, message: setup::Message) -> Task<Message> {
        match self.setup.update(message) {
            Action::None => {}
            Action::Run(task) => return task.map(Message::Setup),
            Action::Done(what) => self.notices.done(what, None),
            Action::Refused(why, again) => {
                self.notices.error(why);
                return again.map(Message::Setup);
            }
        }
        Task::none()
    }

    /// Asks for what Settings shows of it.
    pub(super) fn ask_for_setup(&mut self) -> Task<Message> {
        let asks = [setup::Message::AskAtLogin, setup::Message::AskCloseAfter];
        Task::batch(asks.map(|ask| self.set_up(ask)))
    }

    /// Has the doctor look why there is no camera, once for each time that there is none.
    pub(super) fn look_for_cause(&mut self) -> Task<Message> {
        if !self.model.cameras.is_empty() {
            self.setup.findings = Known::NotYet;
        } else if self.setup.findings == Known::NotYet {
            return self.set_up(setup::Message::Look);
        }
        Task::none()
    }

    pub(super) fn no_camera(&mut self, message: no_camera::Message) -> Task<Message> {
        match message {
            no_camera::Message::AddTestCamera => self.add_test_camera(),
            no_camera::Message::Look => self.set_up(setup::Message::Look),
            no_camera::Message::Copy(command) => clipboard::write(command),
        }
    }

    pub(super) fn settings(&mut self, message: settings::Message) -> Task<Message> {
        let Page::Settings(screen) = &mut self.page else { return Task::none() };
        match screen.update(message, &mut self.remembered) {
            settings::Action::None | settings::Action::Remember => {}
            settings::Action::Refused(why) => self.notices.error(why),
            settings::Action::AtLogin(on) => return self.set_up(setup::Message::SetAtLogin(on)),
            settings::Action::CloseAfter(seconds) => {
                return self.set_up(setup::Message::SetCloseAfter(seconds));
            }
            settings::Action::Close => self.page = Page::Cameras,
        }
        Task::none()
    }
}
