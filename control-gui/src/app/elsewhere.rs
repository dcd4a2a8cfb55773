//! Who may watch from other devices.

use iced::{Task, clipboard};
use protocol::Request;

use super::{App, Message, Page};
use crate::{
    command,
    connection::ask,
    screen::remote::{self, Action, Purpose, Remote},
};

impl App {
    pub(super) fn remote(&mut self, message: remote::Message) -> Task<Message> {
        match self.remote.update(message) {
            Action::None => Task::none(),
            Action::Ask(purpose, request) => self.ask_remote(purpose, request),
            Action::Copy(text) => clipboard::write(text),
            // It knows how to let this user in without a secret that others could read.
            Action::OpenPage => Task::perform(command::run(&["open"]), |opened| {
                Message::PageOpened(opened.map(drop).map_err(|error| error.to_string()))
            }),
            Action::Close => {
                self.page = Page::Cameras;
                Task::none()
            }
        }
    }

    pub(super) fn ask_for_remote(&self) -> Task<Message> {
        Task::batch(Remote::asks().map(|(purpose, request)| self.ask_remote(purpose, request)))
    }

    pub(super) fn ask_remote(&self, purpose: Purpose, request: Request) -> Task<Message> {
        ask(self.link.as_ref(), request)
            .map(move |answer| Message::Remote(remote::Message::Answered(purpose, answer)))
    }
}
