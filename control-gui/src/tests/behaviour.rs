//! What follows when screens are used.

use protocol::{ControlOutcome, ControlValue};

use super::*;
use crate::app::Shown;

#[test]
fn start_and_stop_are_one_click_each() {
    let mut app = ready();
    tell(&mut app, Message::Show(Shown::Controls));
    click(&mut app, "Start");
    assert!(sees(&app, "Waiting for the first picture") && !sees(&app, "Start"));
    click(&mut app, "Stop");
    assert!(sees(&app, "Start") && !sees(&app, "Stop"));
}

#[test]
fn the_switch_that_turns_all_cameras_off_is_on_every_screen() {
    let mut app = ready();
    for shown in [Shown::Controls, Shown::Clients, Shown::Settings, Shown::Help] {
        tell(&mut app, Message::Show(shown));
        assert!(sees(&app, "Turn all cameras off"), "{shown:?}");
    }
    assert!(sees(&with_cameras(vec![]), "Turn all cameras off"));
    happened(&mut app, Event::PrivacyChanged { off: true });
    assert!(sees(&app, "All cameras are off"));
}

#[test]
fn the_selected_camera_stays_selected_when_the_service_comes_back() {
    let mut app = ready();
    tell(&mut app, Message::Show(Shown::Controls));
    click(&mut app, "Camera b");
    tell(&mut app, Message::Connection(Update::Gone(Why::Ended)));
    assert!(sees(&app, "Start the service"));
    let cameras = vec![samples::camera("a"), samples::camera("b"), samples::camera("0")];
    happened(&mut app, Event::State(State { cameras, clients: vec![], privacy_off: false }));
    assert_eq!(app.title(), "Camera b - Cameras");
}

#[test]
fn a_camera_that_is_unplugged_vanishes_and_the_next_is_selected() {
    let mut app = ready();
    assert_eq!(app.title(), "Camera a - Cameras");
    happened(&mut app, Event::CameraRemoved { camera: CameraId::from("a") });
    assert_eq!(app.title(), "Camera b - Cameras");
    happened(&mut app, Event::CameraRemoved { camera: CameraId::from("b") });
    assert!(sees(&app, "No camera was found"));
}

#[test]
fn controls_are_found_by_their_names() {
    let mut app = ready();
    assert!(sees(&app, "Contrast") && sees(&app, "Brightness"));
    let mut simulator = simulator(app.view());
    simulator.click("Search").expect("there is a field");
    simulator.typewrite("b");
    let messages: Vec<Message> = simulator.into_messages().collect();
    messages.into_iter().for_each(|message| tell(&mut app, message));
    tell(&mut app, Message::Controls(controls::Message::Search("bright".to_owned())));
    assert!(sees(&app, "Brightness") && !sees(&app, "Contrast"));
}

#[test]
fn a_change_made_elsewhere_is_shown_at_once() {
    let mut app = ready();
    assert!(sees(&app, "Shown only; the camera sets it"));
    let control = samples::number("brightness", 77, (-100, 100));
    happened(&mut app, Event::ControlChanged { camera: CameraId::from("a"), control });
    let mut simulator = simulator(app.view());
    assert!(simulator.find("Reset").is_ok(), "it differs from its default");
}

#[test]
fn the_value_that_the_camera_took_is_the_one_shown() {
    let mut app = ready();
    let set = controls::Message::Set("brightness".to_owned(), ControlValue::Integer(13));
    tell(&mut app, Message::Controls(set));
    let outcome =
        ControlOutcome { name: "brightness".to_owned(), result: Ok(ControlValue::Integer(0)) };
    answer(
        &mut app,
        controls::Purpose::Set("brightness".to_owned()),
        Reply::Outcomes(vec![outcome]),
    );
    tell(&mut app, Message::Controls(controls::Message::Search("bright".to_owned())));
    assert!(!sees(&app, "Reset"), "it took its default");
}

#[test]
fn a_camera_named_on_the_command_line_is_live_at_once() {
    let options = Options { camera: Some("camera B".to_owned()), fullscreen: false };
    let mut app = App::new(options, Remembered { controls: false, ..Remembered::default() }).0;
    let cameras = vec![samples::camera("a"), samples::camera("b")];
    happened(&mut app, Event::State(State { cameras, clients: vec![], privacy_off: false }));
    assert!(sees(&app, "Waiting for the first picture"));
    assert_eq!(app.title(), "Camera b - Cameras");
}
