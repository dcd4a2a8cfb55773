//! What the service tells, and what it is asked for.

use iced::Task;
use protocol::{CameraId, ConnectionId, Event, ModeWish, Reply, Request};

use super::{App, Message, Page};
use crate::{
    connection::{self, Answer, Update, ask},
    live,
    notice::Offer,
    screen::{
        cameras,
        controls::{self, Ask, Panel},
        stage,
    },
    setup, snapshot,
};

/// What a request was for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// All that is known of a camera.
    Describe,
    /// A mode for a camera, to be watched here, as it may have been before; and whether the hold
    /// is this window's.
    Mode { camera: CameraId, own: bool, was_watched: bool },
    /// The end of such a hold.
    Release(CameraId),
    /// All cameras off, or on again.
    Privacy { off: bool },
    /// The connections, with their figures.
    Clients,
    /// A test camera.
    TestCamera,
    /// Something that events tell of when it is done.
    Other,
}

impl App {
    fn request(&self, purpose: Purpose, request: Request) -> Task<Message> {
        ask(self.link.as_ref(), request)
            .map(move |answer| Message::Answered(purpose.clone(), answer))
    }

    /// Ends a hold of this window's.
    fn release(&self, camera: CameraId) -> Task<Message> {
        if self.link.is_none() {
            // Once there is a connection.
            return Task::none();
        }
        self.request(Purpose::Release(camera.clone()), Request::StopCamera { camera })
    }

    /// Ends all holds of this window's before the program does. A service that does not answer is
    /// not waited for.
    pub(super) fn release_at_last(&self) -> impl Future<Output = ()> + Send + use<> {
        connection::at_last(
            self.link.clone(),
            self.holds.all().into_iter().map(|camera| Request::StopCamera { camera }).collect(),
        )
    }

    pub(super) fn connection(&mut self, update: Update) -> Task<Message> {
        match update {
            Update::Connected(link) => {
                (self.link, self.why) = (Some(link), None);
                self.details.clear();
                let asks = self.panel.as_ref().map(Panel::ask_for_all).unwrap_or_default();
                let shown = matches!(self.page, Page::Remote);
                let remote = if shown { self.ask_for_remote() } else { Task::none() };
                let due = self.holds.due().into_iter().map(|camera| self.release(camera));
                let due = Task::batch(due.collect::<Vec<_>>());
                Task::batch([due, self.describe(), self.ask_panel(asks), remote])
            }
            Update::Happened(event) => self.happened(&event),
            Update::Gone(why) => {
                self.link = None;
                self.why = Some(why);
                self.stage.mark_interrupted("the camera service has ended");
                if self.model.is_known {
                    return Task::none();
                }
                self.set_up(setup::Message::AskAtLogin)
            }
        }
    }

    fn happened(&mut self, event: &Event) -> Task<Message> {
        self.model.apply(event);
        self.holds.look(&self.model);
        if let Some(panel) = &mut self.panel {
            panel.apply(event);
        }
        let look = match event {
            Event::State(_) | Event::CameraAdded(_) | Event::CameraRemoved { .. } => {
                self.look_for_cause()
            }
            _ => Task::none(),
        };
        let remote = match self.remote.apply(event) {
            Some((purpose, request)) if matches!(self.page, Page::Remote) => {
                self.ask_remote(purpose, request)
            }
            _ => Task::none(),
        };
        Task::batch([look, remote, self.follow(event)])
    }

    /// What an event means for what is selected.
    fn follow(&mut self, event: &Event) -> Task<Message> {
        match event {
            Event::State(_) => return self.choose_camera(),
            Event::CameraAdded(_) if self.selected.is_none() => return self.choose_camera(),
            // What it can do is known only while it is there.
            Event::CameraAdded(camera) if Some(&camera.id) == self.selected.as_ref() => {
                let asks = self.panel.as_ref().map(Panel::ask_for_all).unwrap_or_default();
                return Task::batch([self.describe(), self.ask_panel(asks)]);
            }
            Event::CameraRemoved { camera }
                if Some(camera) == self.selected.as_ref() && !self.stage.is_watched(camera) =>
            {
                self.selected = None;
                self.panel = None;
                return self.choose_camera();
            }
            Event::NewWatcher { camera, program, .. } if program != crate::NAME => {
                let name = self.name_of(camera);
                self.notices.done(format!("{program} watches {name} for the first time."), None);
            }
            Event::ConfigRefused { message } => {
                self.notices.error(format!("The configuration was not taken over: {message}"));
            }
            _ => {}
        }
        Task::none()
    }

    /// Keeps the camera that is selected; where none is, the one asked for on the command line,
    /// the one of last time, or the first.
    fn choose_camera(&mut self) -> Task<Message> {
        if let Some(named) = self.options.camera.take() {
            let Some(camera) = self.model.find(&named).map(|camera| camera.id.clone()) else {
                self.notices
                    .error(format!("There is no camera called {named:?}. Choose one of the list."));
                return self.choose_camera();
            };
            self.stage.watch(&camera);
            return self.select(camera);
        }
        let known = |id: &&CameraId| self.model.camera(id).is_some();
        let kept = self.selected.as_ref().or(self.remembered.camera.as_ref()).filter(known);
        let camera = kept.or_else(|| self.model.cameras.first().map(|camera| &camera.id)).cloned();
        match camera {
            Some(camera) if Some(&camera) != self.selected.as_ref() => self.select(camera),
            Some(_) => self.describe(),
            None => Task::none(),
        }
    }

    fn select(&mut self, camera: CameraId) -> Task<Message> {
        self.page = Page::Cameras;
        self.stage.grid = false;
        self.remembered.camera = Some(camera.clone());
        let asks = if self.panel.as_ref().is_none_or(|panel| *panel.camera() != camera) {
            let (panel, asks) = Panel::new(&camera);
            self.panel = Some(panel);
            asks
        } else {
            vec![]
        };
        self.selected = Some(camera);
        Task::batch([self.describe(), self.ask_panel(asks)])
    }

    /// Asks for all that is known of the selected camera.
    fn describe(&self) -> Task<Message> {
        match (&self.selected, &self.link) {
            (Some(camera), Some(_)) => {
                let camera = camera.clone();
                self.request(Purpose::Describe, Request::DescribeCamera { camera })
            }
            _ => Task::none(),
        }
    }

    pub(super) fn cameras(&mut self, message: cameras::Message) -> Task<Message> {
        match message {
            cameras::Message::Select(camera) => self.select(camera),
            cameras::Message::SideBySide => {
                self.stage.grid = !self.stage.grid && self.stage.watched() > 1;
                self.page = Page::Cameras;
                Task::none()
            }
            cameras::Message::AddTestCamera => self.add_test_camera(),
            cameras::Message::RemoveTestCamera(camera) => {
                self.request(Purpose::Other, Request::RemoveTestCamera { camera })
            }
        }
    }

    pub(super) fn on_stage(&mut self, message: stage::Message) -> Task<Message> {
        let ended = match &message {
            stage::Message::Stream(camera, live::stream::Update::Mode { .. })
                if self.holds.begun(camera) =>
            {
                self.release(camera.clone())
            }
            _ => Task::none(),
        };
        let action = match self.stage.update(message) {
            stage::Action::None => Task::none(),
            stage::Action::SetMode(camera, mode) => {
                // What is not sent cannot be begun.
                let own = self.link.is_some() && self.holds.ask(&camera, &self.model);
                let wish = ModeWish::from(mode);
                let was_watched = self.stage.is_watched(&camera);
                let purpose = Purpose::Mode { camera: camera.clone(), own, was_watched };
                self.request(purpose, Request::StartCamera { camera, wish })
            }
            stage::Action::Stopped(camera) => {
                // Stop means off, also where a start holds it on.
                match self.model.camera(&camera) {
                    _ if self.holds.end(&camera) => self.release(camera),
                    Some(known) if known.held_open => {
                        self.request(Purpose::Other, Request::StopCamera { camera })
                    }
                    _ => Task::none(),
                }
            }
            stage::Action::Enlarge(camera) => self.select(camera),
            stage::Action::Framed(camera, framing) => {
                self.remembered.set_framing(&camera, framing);
                Task::none()
            }
            stage::Action::Snapshot(camera, framing) => {
                let (name, folder) = (self.name_of(&camera), self.remembered.snapshots());
                let taken = snapshot::take(camera, name, framing, folder);
                Task::perform(taken, |result| {
                    Message::Snapshot(result.map_err(|error| error.to_string()))
                })
            }
            stage::Action::Figures => {
                self.remembered.figures = !self.remembered.figures;
                Task::none()
            }
            stage::Action::Fullscreen => self.set_fullscreen(!self.fullscreen),
        };
        Task::batch([ended, action])
    }

    pub(super) fn snapshot_taken(&mut self, result: Result<std::path::PathBuf, String>) {
        match result {
            Ok(path) => {
                let folder = path.parent().map(|folder| Offer::OpenFolder(folder.to_owned()));
                let action = folder.map(|offer| ("Open folder".to_owned(), offer));
                self.notices.done(format!("Saved as {}", path.display()), action);
            }
            Err(why) => self.notices.error(format!("No snapshot: {why}")),
        }
    }

    pub(super) fn add_test_camera(&mut self) -> Task<Message> {
        let wish = ModeWish::default();
        self.request(Purpose::TestCamera, Request::AddTestCamera { wish })
    }

    pub(super) fn controls(&mut self, message: controls::Message) -> Task<Message> {
        let asks = self.panel.as_mut().map(|panel| panel.update(message)).unwrap_or_default();
        self.ask_panel(asks)
    }

    /// Sends what the panel asks, in that order. A value's answer is held back for so long that no
    /// more than one goes out in a frame's time.
    fn ask_panel(&self, asks: Vec<Ask>) -> Task<Message> {
        if self.link.is_none()
            && !asks.iter().any(|ask| matches!(ask.purpose, controls::Purpose::Set(_)))
        {
            // They are asked again once there is a connection.
            return Task::none();
        }
        let tasks = asks.into_iter().map(|Ask { camera, purpose, request }| {
            let paced = matches!(purpose, controls::Purpose::Set(_));
            let answered = move |answer| {
                Message::Controls(controls::Message::Answered(
                    camera.clone(),
                    purpose.clone(),
                    answer,
                ))
            };
            let answer = ask(self.link.as_ref(), request);
            if paced {
                connection::paced(answer, controls::INTERVAL).map(answered)
            } else {
                answer.map(answered)
            }
        });
        // One after the other: a list that is asked for after a change has that change.
        tasks.fold(Task::none(), Task::chain)
    }

    pub(super) fn disconnect(&self, connection: ConnectionId) -> Task<Message> {
        self.request(Purpose::Other, Request::Disconnect { connection })
    }

    pub(super) fn ask_for_clients(&self) -> Task<Message> {
        if self.link.is_none() {
            return Task::none();
        }
        self.request(Purpose::Clients, Request::ListClients)
    }

    pub(super) fn set_privacy(&self, off: bool) -> Task<Message> {
        self.request(Purpose::Privacy { off }, Request::SetPrivacy { off })
    }

    pub(super) fn answered(&mut self, purpose: Purpose, answer: Answer) -> Task<Message> {
        match (purpose, answer) {
            (Purpose::Describe, Ok(Reply::Camera(detail))) => {
                self.details.insert(detail.summary.id.clone(), *detail);
            }
            (Purpose::Clients, Ok(Reply::Clients(clients))) => self.model.clients = clients,
            (Purpose::Privacy { off }, Ok(_)) => self.model.privacy_off = off,
            (Purpose::Privacy { .. }, Err(failure)) if failure.is_unsupported() => {
                self.notices.error(
                    "The service that runs cannot turn all cameras off. Install a newer one, then \
                     start it again.",
                );
            }
            (Purpose::Mode { camera, own, was_watched }, Ok(_)) => {
                let watched = self.stage.is_watched(&camera);
                if !was_watched {
                    self.stage.watch(&camera);
                }
                if own && !watched && !was_watched {
                    self.holds.keep_until_begun(&camera);
                } else if own && self.holds.end(&camera) {
                    return self.release(camera);
                }
            }
            (Purpose::Mode { camera, own: true, .. }, Err(failure)) => {
                self.notices.error(failure.message);
                // Begun it may have been all the same, and then it is done.
                if self.holds.end(&camera) {
                    return self.release(camera);
                }
            }
            (Purpose::Release(camera), Ok(_)) => self.holds.ended(&camera),
            // It is told again once there is a connection.
            (Purpose::Release(_), Err(_)) => {}
            (Purpose::TestCamera, Ok(Reply::Camera(detail))) => {
                return self.select(detail.summary.id.clone());
            }
            // A camera that vanished meanwhile is no news.
            (Purpose::Describe | Purpose::Clients, Err(_)) | (_, Ok(_)) => {}
            (_, Err(failure)) => self.notices.error(failure.message),
        }
        Task::none()
    }
}
