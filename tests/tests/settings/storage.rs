//! State files that are cut, garbled, huge or cannot be written, and requests that are too large.

use std::fs;

use protocol::{
    ClientError, ControlSetting, ControlValue, ErrorKind, client::Connector, endpoint::Endpoint,
};
use serde_json::json;
use tests::{Service, live::Watcher, live::any};

use super::{CAMERA, native, presets_file, refused, state_file, value, wait_for_value, write};

fn presets(service: &Service) -> Vec<String> {
    let list = service.json(&["preset", "list", CAMERA]);
    let names = list.as_array().expect("presets").iter();
    names.map(|preset| preset["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn a_file_that_is_cut_or_garbled_is_put_aside_and_the_service_goes_on() {
    let mut service = Service::start();
    service.cli(&["preset", "save", CAMERA, "day"]).ok();
    service.cli(&["pin", CAMERA, "brightness=20"]).ok();
    let whole = fs::read(presets_file(service.folder())).expect("the file");
    let text = String::from_utf8(whole.clone()).expect("text");
    assert!(text.contains("[camera.\"test:0\".pinned]\nbrightness = 20\n"), "for people: {text}");
    let table = text.find("[camera").expect("a table");
    let huge = [&whole[..], &vec![b'#'; 17 << 20]].concat();
    let broken: [&[u8]; 5] = [
        &whole[..table + 9],
        &whole[..whole.len() - 2],
        b"\xff\xfe\0\0",
        b"camera = [1, 2]\n",
        &huge,
    ];
    for (at, broken) in broken.into_iter().enumerate() {
        let ended = service.restart(|folder| write(&presets_file(folder), broken));
        assert_eq!(ended.code(), Some(0), "{ended:?}");
        assert_eq!((presets(&service).len(), value(&service, "brightness")), (0, json!(0)), "{at}");
        let aside = state_file(service.folder(), "presets.toml.unreadable");
        assert!(fs::read(&aside).expect("put aside") == broken, "{at}");
        assert!(service.log().contains("presets.toml.unreadable"), "{at}: {}", service.log());
        service.cli(&["preset", "save", CAMERA, "anew"]).ok();
        assert_eq!(presets(&service), ["anew"], "{at}");
    }
    // Put back, all is as it was.
    service.restart(|folder| write(&presets_file(folder), &whole)).ok();
    assert_eq!(presets(&service), ["day"]);
    wait_for_value(&service, "brightness", 20);
}

#[test]
fn what_cannot_be_written_is_an_error_and_changes_nothing() {
    let mut service = Service::start();
    service.cli(&["preset", "save", CAMERA, "day"]).ok();
    service.cli(&["pin", CAMERA, "brightness=20"]).ok();
    let before = fs::read(presets_file(service.folder())).expect("the file");
    let obstacle = state_file(service.folder(), "presets.toml.new");
    fs::create_dir(&obstacle).expect("a folder in its way");
    let watcher = Watcher::start(&service, native(), any());
    for args in [
        &["preset", "save", CAMERA, "night"][..],
        &["preset", "delete", CAMERA, "day"],
        &["preset", "rename", CAMERA, "day", "noon"],
        &["pin", CAMERA, "contrast=50"],
        &["unpin", CAMERA],
    ] {
        refused(&service, args, "storage", "presets.toml could not be written");
    }
    watcher.frames(0, 5);
    assert_eq!(presets(&service), ["day"]);
    assert_eq!(service.json(&["pin", CAMERA]), json!([{"name": "brightness", "value": 20}]));
    assert_eq!(fs::read(presets_file(service.folder())).expect("the file"), before);
    fs::remove_dir(&obstacle).expect("removed");
    service.cli(&["preset", "save", CAMERA, "night"]).ok();

    // One that cannot be read is not taken for an empty one.
    let file = presets_file(service.folder());
    service
        .restart(|_| {
            fs::remove_file(&file).and_then(|()| fs::create_dir(&file)).expect("a folder");
        })
        .ok();
    assert_eq!(presets(&service), [""; 0]);
    refused(&service, &["preset", "save", CAMERA, "day"], "storage", "could not be read");
    assert!(file.is_dir());
}

#[test]
fn requests_are_bounded_and_many_at_once_are_all_kept() {
    let mut service = Service::start();
    let watcher = Watcher::start(&service, native(), any());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let endpoint = Endpoint::at(service.socket());
    runtime.block_on(async {
        let client = Connector::new("tests").endpoint(endpoint).control().await.expect("connected");
        let camera = CAMERA.into();
        let kind = |error: ClientError| match error {
            ClientError::Reply(reply) => reply.kind,
            other => panic!("{other}"),
        };
        let long = client.save_preset(&camera, "x".repeat(60_000)).await.expect_err("too long");
        assert_eq!(kind(long), ErrorKind::Invalid);
        let setting = |at: usize| ControlSetting {
            name: format!("control_{at}"),
            value: ControlValue::Integer(1),
        };
        let many = client.pin_controls(&camera, (0..1000).map(setting).collect()).await;
        assert_eq!(kind(many.expect_err("too many")), ErrorKind::Limit);

        // At once, on one connection: the 100 there may be, and what is more is refused.
        let save = |at: usize| {
            let (client, camera) = (client.clone(), camera.clone());
            tokio::spawn(async move { client.save_preset(&camera, format!("{at:03}")).await })
        };
        let saved: Vec<_> = (0..60).map(save).collect();
        for saved in saved {
            saved.await.expect("no panic").expect("kept");
        }
        for at in 60..100 {
            save(at).await.expect("no panic").expect("kept");
        }
        let over = save(100).await.expect("no panic").expect_err("too many");
        assert_eq!(kind(over), ErrorKind::Limit);
    });
    let names: Vec<String> = (0..100).map(|at| format!("{at:03}")).collect();
    assert_eq!(presets(&service), names);
    watcher.frames(watcher.now(), 3);
    drop(watcher);
    service.restart(|_| {}).ok();
    assert_eq!(presets(&service), names);
}
