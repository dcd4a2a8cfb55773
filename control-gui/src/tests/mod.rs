//! The screens as a user sees and uses them, without a window and without a service.

mod behaviour;
mod focus;
mod images;
mod pointer;
mod remote;
mod setup;

use iced::{Element, Settings, Size};
use iced_test::Simulator;
use protocol::{CameraId, CameraState, CameraSummary, Event, PixelFormat, Reply, State};

use crate::{
    app::{App, Message},
    connection::{Update, Why},
    live::stream,
    options::Options,
    remembered::Remembered,
    samples,
    screen::{controls, settings, stage},
};

/// The least window, in which everything has to find room.
const SIZE: Size = Size::new(800.0, 600.0);

/// A program before it knows whether a service runs.
fn app() -> App {
    let remembered = Remembered {
        snapshot_folder: Some("/home/me/Pictures".into()),
        width: SIZE.width,
        height: SIZE.height,
        ..Remembered::default()
    };
    App::new(Options::default(), remembered).0
}

/// Does what `message` says; what takes a service is not done.
fn tell(app: &mut App, message: Message) {
    drop(app.update(message));
}

fn happened(app: &mut App, event: Event) {
    tell(app, Message::Connection(Update::Happened(Box::new(event))));
}

/// A program that knows these cameras.
fn with_cameras(cameras: Vec<CameraSummary>) -> App {
    let mut app = app();
    let state = State { cameras, clients: vec![], privacy_off: false };
    happened(&mut app, Event::State(state));
    app
}

/// Two cameras: one that is live elsewhere, and a free one, which is selected; its controls are
/// known.
fn ready() -> App {
    let live = CameraSummary {
        state: CameraState::Streaming,
        mode: Some(samples::mode(PixelFormat::Mjpg, 1280, 720, 30)),
        watchers: 2,
        ..samples::camera("b")
    };
    let mut app = with_cameras(vec![samples::camera("a"), live]);
    let detail = Reply::Camera(Box::new(samples::detail("a")));
    tell(&mut app, Message::Answered(crate::app::Purpose::Describe, Ok(detail)));
    let list = Reply::Controls(samples::controls());
    answer(&mut app, controls::Purpose::List, list);
    app
}

fn answer(app: &mut App, purpose: controls::Purpose, reply: Reply) {
    let camera = CameraId::from("a");
    let message = controls::Message::Answered(camera, purpose, Ok(reply));
    tell(app, Message::Controls(message));
}

fn on_stream(app: &mut App, update: stream::Update) {
    let message = stage::Message::Stream(CameraId::from("a"), update);
    tell(app, Message::Stage(message));
}

/// What the program shows, to be clicked and typed at.
fn simulator(view: Element<'_, Message>) -> Simulator<'_, Message> {
    simulator_of(view, SIZE)
}

fn simulator_of(view: Element<'_, Message>, size: Size) -> Simulator<'_, Message> {
    let settings = Settings { default_font: crate::FONT, ..Settings::default() };
    Simulator::with_size(
        Settings { default_text_size: crate::style::BODY.into(), ..settings },
        size,
        view,
    )
}

/// Clicks on this text, and does what follows.
fn click(app: &mut App, text: &str) {
    let mut simulator = simulator(app.view());
    simulator.click(text).unwrap_or_else(|error| panic!("{text:?} cannot be clicked: {error}"));
    let messages: Vec<Message> = simulator.into_messages().collect();
    assert!(!messages.is_empty(), "nothing follows from a click on {text:?}");
    messages.into_iter().for_each(|message| tell(app, message));
}

fn sees(app: &App, text: &str) -> bool {
    simulator(app.view()).find(text).is_ok()
}

fn no_service() -> App {
    let mut app = app();
    tell(&mut app, Message::Connection(Update::Gone(Why::NotRunning)));
    app
}
