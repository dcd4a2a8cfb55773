//! What cameras are called: nobody can take the name of another's.

use protocol::{FrameRate, Mode, PixelFormat, Reply, Request, Scope, Size};
use serde_json::json;
use tests::{
    Service,
    bridge::{Bridge, ask, token},
    live::{Publishing, picture},
};

const RAW: Mode =
    Mode { format: PixelFormat::I420, size: Size::new(160, 120), rate: FrameRate::new(30, 1) };

fn publish(service: &Service, name: &str) -> Result<Publishing, String> {
    let tried = Publishing::try_start(service, name, RAW, |number| picture(RAW, number));
    tried.map_err(|error| error.to_string())
}

/// Two test cameras, of which the second was called `Desk` and has gone.
fn desk_is_away() -> Service {
    let service = Service::builder().test_camera("160x120@30").test_camera("160x120@30").start();
    service.cli(&["rename", "test:1", "Desk"]).ok();
    let camera = "test:1".into();
    assert_eq!(ask(&service, Request::RemoveTestCamera { camera }), Reply::Done);
    service.cli(&["info", "Desk"]).expect_code(5);
    service
}

#[test]
fn a_publisher_is_found_by_its_id_and_the_name_that_the_user_gave_it() {
    let service = Service::start();
    let _film = publish(&service, "film").expect("published");
    // Not by what its publisher calls it, but it is said what is meant.
    for near in ["film", "Film", "PUBLISHED:film"] {
        service.cli(&["info", near]).expect_code(5).expect_error("did you mean published:film?");
    }
    assert_eq!(service.json(&["info", "published:film"])["name"], "film");
    service.cli(&["rename", "published:film", "Cinema"]).ok();
    assert_eq!(service.json(&["info", "Cinema"])["id"], "published:film");
    service.cli(&["info", "cinema"]).expect_code(5).expect_error("did you mean published:film?");
    service.cli(&["info", "x"]).expect_error("there is published:film (Cinema), test:0\n");
    // What the device calls itself comes after what the user calls another.
    let own = service.json(&["info", "test:0"])["device_name"].as_str().expect("text").to_owned();
    assert_eq!(service.json(&["info", &own])["id"], "test:0");
    service.cli(&["rename", "published:film", &own]).expect_error("another camera's name");
}

#[test]
fn nobody_is_given_the_name_of_a_camera_that_is_away() {
    let service = desk_is_away();
    let error = publish(&service, "Desk").err().expect("it is refused");
    assert!(error.contains("another camera is called"), "{error}");
    let refused = service.cli(&["rename", "test:0", "Desk"]);
    refused.expect_error("rename \"Desk\" --reset");
    for name in ["published:film", "test:7"] {
        service.cli(&["rename", "test:0", name]).expect_error("another camera's id");
    }
    // The user may take it away, and then it is free.
    let reset = service.json(&["rename", "Desk", "--reset"]);
    assert_eq!(reset, json!({ "camera": "Desk", "name": null }));
    service.cli(&["rename", "Desk", "--reset"]).expect_code(5);
    let _desk = publish(&service, "Desk").expect("published");
    service.cli(&["rename", "test:0", "Desk"]).expect_error("another camera's name");
}

#[test]
fn a_remote_publisher_cannot_pass_for_a_camera_of_the_user() {
    let service = desk_is_away();
    let bridge = Bridge::start(&service, &[]);
    let mut socket = bridge.log_in(&token(&service, "guest", &[Scope::Publish], &[]));
    let publish = |name: &str| json!({ "name": name, "width": 160, "height": 120, "fps": 30 });
    assert_eq!(socket.fails("publish", publish("Desk")), "name_taken");
    socket.ok("publish", publish("desk"));
    service.cli(&["info", "desk"]).expect_code(5);
}
