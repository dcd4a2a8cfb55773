//! A program that watches for the first time is told, once.

use protocol::Event;
use tests::{
    Service, binary,
    live::{Events, Watcher, any},
    wait_until,
};

use super::{CAMERA, PATIENCE, native, state_file};

fn new_watchers(events: &Events) -> Vec<String> {
    let all = events.all().into_iter();
    all.filter_map(|event| match event {
        Event::NewWatcher { program, .. } => Some(program),
        _ => None,
    })
    .collect()
}

/// This very program, as the service calls it.
fn this_program() -> String {
    let path = std::env::current_exe().expect("a path");
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

/// The program that commands are run with.
fn command() -> String {
    let name = binary::camera_service().file_name().expect("a name");
    name.to_string_lossy().into_owned()
}

#[test]
fn a_new_program_is_told_once_and_not_again_after_a_restart() {
    let mut service = Service::start();
    let events = Events::start(&service);
    let mut printed = service.cli_start(&["events"]);
    wait_until("the state to be printed", PATIENCE, || {
        let text = String::from_utf8_lossy(&printed.stdout()).into_owned();
        if text.contains(" state: ") { Ok(()) } else { Err(text) }
    });
    assert_eq!(new_watchers(&events), [""; 0], "who reads events does not watch");
    let first = Watcher::start(&service, native(), any());
    let id = first.id();
    let told = |event: &Event| {
        matches!(event, Event::NewWatcher { camera, connection, program }
        if camera.0 == CAMERA && *connection == id && *program == this_program())
    };
    events.wait(0, "this program to be told", told);
    first.frames(0, 1);
    service.cli(&["stream", CAMERA, "--count", "1"]).ok();
    for _ in 0..3 {
        Watcher::start(&service, native(), any()).frames(0, 1);
        service.cli(&["stream", CAMERA, "--count", "1"]).ok();
    }
    service.cli(&["stream", "nosuch"]).expect_code(5);
    let told =
        |event: &Event| matches!(event, Event::NewWatcher { program, .. } if *program == command());
    events.wait(0, "the command to be told", told);
    assert_eq!(new_watchers(&events), [this_program(), command()]);
    let words = format!("new watcher: {} (client {id}) watches test:0\n", this_program());
    wait_until("it to be printed", PATIENCE, || {
        let text = String::from_utf8_lossy(&printed.stdout()).into_owned();
        if text.contains(&words) { Ok(()) } else { Err(text) }
    });
    printed.interrupt().ok();
    drop((first, events));

    service.restart(|_| {}).ok();
    let events = Events::start(&service);
    Watcher::start(&service, native(), any()).frames(0, 1);
    service.cli(&["stream", CAMERA, "--count", "1"]).ok();
    assert_eq!(new_watchers(&events), [""; 0]);
    drop(events);

    // Forgotten, it is new again.
    service
        .restart(|folder| {
            std::fs::write(state_file(folder, "programs.toml"), "programs = [").expect("written");
        })
        .ok();
    let events = Events::start(&service);
    Watcher::start(&service, native(), any()).frames(0, 1);
    let told = |event: &Event| matches!(event, Event::NewWatcher { .. });
    events.wait(0, "this program to be told", told);
    assert_eq!(new_watchers(&events), [this_program()]);
    assert!(state_file(service.folder(), "programs.toml.unreadable").exists());
}
