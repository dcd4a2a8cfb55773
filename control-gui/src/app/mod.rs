//! The program's state, and what every message does to it. Everything here runs on the main
//! thread and returns at once; what takes time is a task.

mod elsewhere;
mod frame;
mod holds;
mod keys;
mod service;
mod setup;
mod view;

use std::collections::HashMap;

use iced::{Size, Subscription, Task, Theme, keyboard, system, theme, time, window};
use protocol::{CameraDetail, CameraId, CameraSummary};
use tracing::warn;

use crate::{
    connection::{self, Answer, Link, Why},
    model::Model,
    notice::{self, Notices},
    options::Options,
    remembered::{Remembered, ThemeChoice},
    screen::{
        cameras, clients,
        controls::{self, Panel},
        help, no_camera,
        remote::{self, Remote},
        settings::{self, Settings},
        stage::{self, Stage},
        welcome::{self, Welcome},
    },
    setup::Setup,
    start, style,
};

use holds::Holds;
pub(crate) use service::Purpose;

/// The whole program.
pub(crate) struct App {
    options: Options,
    remembered: Remembered,
    /// What was written last.
    saved: Remembered,
    link: Option<Link>,
    why: Option<Why>,
    model: Model,
    selected: Option<CameraId>,
    details: HashMap<CameraId, CameraDetail>,
    /// Cameras that were opened to choose a mode: the hold ends once a stream has begun.
    holds: Holds,
    stage: Stage,
    panel: Option<Panel>,
    page: Page,
    welcome: Welcome,
    setup: Setup,
    remote: Remote,
    notices: Notices,
    window: Option<window::Id>,
    size: Size,
    fullscreen: bool,
    system_theme: theme::Mode,
}

/// What fills the window.
#[derive(Debug)]
enum Page {
    Cameras,
    Clients,
    Remote,
    Settings(Settings),
    Help,
}

/// Everything that happens.
#[derive(Debug, Clone)]
pub(crate) enum Message {
    Connection(connection::Update),
    Cameras(cameras::Message),
    Stage(stage::Message),
    Controls(controls::Message),
    Clients(clients::Message),
    Settings(settings::Message),
    Welcome(welcome::Message),
    NoCamera(no_camera::Message),
    Setup(crate::setup::Message),
    Remote(remote::Message),
    /// The desktop's browser was asked to show the page, or why not.
    PageOpened(Result<(), String>),
    Notice(notice::Message),
    Help(help::Close),
    Key(keys::Command),
    /// All cameras are to be off, or on again.
    Privacy(bool),
    /// The service answered a request of this kind.
    Answered(Purpose, Answer),
    /// A picture was written, or why not.
    Snapshot(Result<std::path::PathBuf, String>),
    WindowKnown(Option<window::Id>),
    Scale(f32),
    Window(window::Event),
    Minimised(Option<bool>),
    SystemTheme(theme::Mode),
    /// A second has passed.
    Tick,
    /// What is remembered was written, or why not.
    Saved(Result<(), String>),
    CloseRequested,
    /// Written for the last time.
    Close,
    Show(Shown),
}

/// What buttons at the top show or hide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    Clients,
    Remote,
    Settings,
    Help,
    Controls,
}

impl App {
    /// The program at its start, and what it begins with.
    pub(crate) fn new(options: Options, remembered: Remembered) -> (Self, Task<Message>) {
        let app = Self {
            fullscreen: options.fullscreen,
            size: Size::new(remembered.width, remembered.height),
            saved: remembered.clone(),
            stage: Stage::new(remembered.framing.clone()),
            options,
            remembered,
            link: None,
            why: None,
            model: Model::default(),
            selected: None,
            details: HashMap::new(),
            holds: Holds::default(),
            panel: None,
            page: Page::Cameras,
            welcome: Welcome::default(),
            setup: Setup::default(),
            remote: Remote::default(),
            notices: Notices::default(),
            window: None,
            system_theme: theme::Mode::None,
        };
        let tasks =
            [window::oldest().map(Message::WindowKnown), system::theme().map(Message::SystemTheme)];
        (app, Task::batch(tasks))
    }

    /// The window's title.
    pub(crate) fn title(&self) -> String {
        match self.selected_camera() {
            Some(camera) => format!("{} - Cameras", camera.name),
            None => "Cameras".to_owned(),
        }
    }

    /// Light or dark.
    pub(crate) fn theme(&self) -> Theme {
        match (self.remembered.theme, self.system_theme) {
            (ThemeChoice::Dark, _) | (ThemeChoice::System, theme::Mode::Dark) => style::dark(),
            _ => style::light(),
        }
    }

    /// What is listened to.
    pub(crate) fn subscription(&self) -> Subscription<Message> {
        let watched = self.stage.watched() > 0;
        // Without a reason nothing wakes the program.
        let ticks = watched || self.remembered != self.saved || matches!(self.page, Page::Clients);
        let tick = ticks.then(|| time::every(time::Duration::from_secs(1)).map(|_| Message::Tick));
        Subscription::batch(
            [
                connection::subscription().map(Message::Connection),
                self.stage.subscription().map(Message::Stage),
                keyboard::listen().filter_map(keys::command).map(Message::Key),
                window::events().filter_map(frame::event),
                window::close_requests().map(|_| Message::CloseRequested),
                system::theme_changes().map(Message::SystemTheme),
            ]
            .into_iter()
            .chain(tick),
        )
    }

    fn selected_camera(&self) -> Option<&CameraSummary> {
        self.model.camera(self.selected.as_ref()?)
    }

    fn name_of(&self, camera: &CameraId) -> String {
        self.model.camera(camera).map_or_else(|| camera.to_string(), |known| known.name.clone())
    }

    /// Does what `message` says.
    pub(crate) fn update(&mut self, message: Message) -> Task<Message> {
        match message {
            Message::Connection(update) => return self.connection(update),
            Message::Cameras(message) => return self.cameras(message),
            Message::Stage(message) => return self.on_stage(message),
            Message::Controls(message) => return self.controls(message),
            Message::Clients(clients::Message::Disconnect(connection)) => {
                return self.disconnect(connection);
            }
            Message::Clients(clients::Message::Close) | Message::Help(help::Close) => {
                self.page = Page::Cameras;
            }
            Message::Settings(message) => return self.settings(message),
            Message::Setup(message) => return self.set_up(message),
            Message::NoCamera(message) => return self.no_camera(message),
            Message::Remote(message) => return self.remote(message),
            Message::PageOpened(Ok(())) => {}
            Message::PageOpened(Err(why)) => self.notices.error(why),
            Message::Welcome(message) => match self.welcome.update(message) {
                welcome::Action::None => {}
                welcome::Action::Start => {
                    let started = |result| Message::Welcome(welcome::Message::Started(result));
                    return Task::perform(start::start(), started);
                }
                welcome::Action::AtLogin => {
                    return self.set_up(crate::setup::Message::SetAtLogin(true));
                }
            },
            Message::Notice(notice::Message::Dismiss(id)) => self.notices.dismiss(id),
            Message::Notice(notice::Message::Take(id, notice::Offer::OpenFolder(folder))) => {
                self.notices.dismiss(id);
                if let Err(error) = frame::open_folder(&folder) {
                    self.notices.error(format!("Cannot open {}: {error}", folder.display()));
                }
            }
            Message::Key(command) => return self.key(command),
            Message::Privacy(off) => return self.set_privacy(off),
            Message::Answered(purpose, answer) => return self.answered(purpose, answer),
            Message::Snapshot(result) => self.snapshot_taken(result),
            Message::WindowKnown(id) => {
                self.window = id;
                return id
                    .map_or_else(Task::none, |id| window::scale_factor(id).map(Message::Scale));
            }
            Message::Scale(scale) => self.stage.scale = scale,
            Message::Window(event) => self.window_changed(&event),
            Message::Minimised(minimised) => self.stage.set_hidden(minimised == Some(true)),
            Message::SystemTheme(mode) => self.system_theme = mode,
            Message::Tick => return self.tick(),
            Message::Saved(Ok(())) => {}
            Message::Saved(Err(error)) => warn!("settings cannot be remembered: {error}"),
            Message::CloseRequested => {
                let saved = frame::save(self.remembered.clone());
                let released = self.release_at_last();
                let last = async { tokio::join!(saved, released) };
                return Task::perform(last, |_| Message::Close);
            }
            Message::Close => return iced::exit(),
            Message::Show(shown) => return self.show(shown),
        }
        Task::none()
    }

    fn show(&mut self, shown: Shown) -> Task<Message> {
        // A secret is seen by who asked for it, and by nobody later.
        let _ = self.remote.update(remote::Message::Hide);
        self.page = match (shown, &self.page) {
            (Shown::Controls, Page::Cameras) => {
                self.remembered.controls = !self.remembered.controls;
                Page::Cameras
            }
            (Shown::Controls, _) => {
                self.remembered.controls = true;
                Page::Cameras
            }
            (Shown::Clients, Page::Clients)
            | (Shown::Remote, Page::Remote)
            | (Shown::Settings, Page::Settings(_))
            | (Shown::Help, Page::Help) => Page::Cameras,
            (Shown::Clients, _) => Page::Clients,
            (Shown::Remote, _) => Page::Remote,
            (Shown::Settings, _) => Page::Settings(Settings::new(&self.remembered)),
            (Shown::Help, _) => Page::Help,
        };
        match self.page {
            Page::Clients => self.ask_for_clients(),
            Page::Remote => self.ask_for_remote(),
            Page::Settings(_) => self.ask_for_setup(),
            Page::Cameras | Page::Help => Task::none(),
        }
    }

    fn tick(&mut self) -> Task<Message> {
        let mut tasks = vec![];
        if let Some(id) = self.window {
            tasks.push(window::is_minimized(id).map(Message::Minimised));
        }
        if matches!(self.page, Page::Clients) {
            tasks.push(self.ask_for_clients());
        }
        if self.remembered != self.saved {
            self.saved = self.remembered.clone();
            tasks.push(Task::perform(frame::save(self.remembered.clone()), Message::Saved));
        }
        Task::batch(tasks)
    }
}
