//! What is set up on this computer, by commands that these tests only pretend to have run.

use super::*;
use crate::{
    app::Shown,
    command::CommandError,
    setup::{Finding, Message as Setup, Severity},
};

pub(super) fn findings() -> Vec<Finding> {
    let finding = |severity, area: &str, message: &str| Finding {
        severity,
        area: area.to_owned(),
        about: None,
        message: message.to_owned(),
        advice: None,
        commands: vec![],
    };
    vec![
        Finding {
            advice: Some("Become a member of the group `video`, then log in again.".to_owned()),
            about: Some("/dev/video0".to_owned()),
            commands: vec!["sudo usermod -aG video \"$USER\"".to_owned()],
            ..finding(Severity::Problem, "permissions", "You may not open it.")
        },
        finding(Severity::Note, "usb", "Two cameras share one USB 2.0 bus."),
        finding(Severity::Note, "loopback", "v4l2loopback is not installed."),
        finding(Severity::Ok, "files", "All files can be read."),
    ]
}

#[test]
fn the_cause_of_there_being_no_camera_is_told_and_looked_for_again() {
    let mut app = with_cameras(vec![]);
    assert!(sees(&app, "Looking"), "it is looked for at once");
    tell(&mut app, Message::Setup(Setup::Found(Ok(findings()))));
    assert!(sees(&app, "/dev/video0: You may not open it."));
    assert!(sees(&app, "Become a member of the group `video`, then log in again."));
    assert!(sees(&app, "Two cameras share one USB 2.0 bus."));
    assert!(!sees(&app, "v4l2loopback is not installed."), "that is not why");
    click(&mut app, "Look again");
    assert!(sees(&app, "Looking") && !sees(&app, "Look again"));
    tell(&mut app, Message::Setup(Setup::Found(Ok(vec![]))));
    assert!(sees(&app, "Nothing was found that stands in the way of a camera."));
    // Another camera comes and goes: then it is looked for anew.
    happened(&mut app, Event::CameraAdded(samples::camera("a")));
    assert!(!sees(&app, "No camera was found"));
    happened(&mut app, Event::CameraRemoved { camera: CameraId::from("a") });
    assert!(sees(&app, "Looking"));
}

#[test]
fn start_at_login_is_one_click_away_where_no_service_runs() {
    let mut app = no_service();
    tell(&mut app, Message::Setup(Setup::AtLogin(Ok(false))));
    click(&mut app, "Start at login");
    assert!(sees(&app, "Setting up") && !sees(&app, "Start at login"));
    tell(&mut app, Message::Setup(Setup::AtLogin(Ok(false))));
    assert!(sees(&app, "Setting up"), "an older answer does not count");
    let notes = "Lingering is off.".to_owned();
    tell(&mut app, Message::Setup(Setup::AtLoginSet(true, Ok(notes))));
    assert!(sees(&app, "It starts by itself when you log in."));
    assert!(sees(&app, "The camera service starts when you log in. Lingering is off."));
}

#[test]
fn a_service_that_is_too_old_to_start_at_login_is_told_of() {
    let mut app = no_service();
    click(&mut app, "Start at login");
    let old = CommandError::TooOld("/usr/bin/camera-service".into());
    tell(&mut app, Message::Setup(Setup::AtLoginSet(true, Err(old))));
    let notice = "/usr/bin/camera-service cannot do that: it is too old. Install a newer one, \
                  then try again.";
    assert!(sees(&app, notice) && sees(&app, "Start at login"));
}

#[test]
fn the_grace_period_is_written_in_seconds() {
    let mut app = ready();
    tell(&mut app, Message::Show(Shown::Settings));
    assert!(sees(&app, "Asking"));
    tell(&mut app, Message::Setup(Setup::AtLogin(Ok(true))));
    tell(&mut app, Message::Setup(Setup::CloseAfter(Ok(3.0))));
    let write = |app: &mut App, text: &str| {
        let message = settings::Message::CloseAfter(text.to_owned());
        tell(app, Message::Settings(message));
        tell(app, Message::Settings(settings::Message::CloseAfterDone));
    };
    write(&mut app, "ten");
    assert!(sees(&app, "The grace period is a number of seconds from 0 to 86400."));
    write(&mut app, " 0,5 ");
    assert!(sees(&app, "0.5"), "it is on its way");
    let refused = CommandError::Failed("the file cannot be written".to_owned());
    tell(&mut app, Message::Setup(Setup::CloseAfterSet(Err(refused))));
    assert!(sees(&app, "the file cannot be written") && sees(&app, "Asking"));
    tell(&mut app, Message::Setup(Setup::CloseAfter(Ok(3.0))));
    assert!(sees(&app, "3"));
}
