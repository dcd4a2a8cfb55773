//! The client in another language, against the real service.
#![cfg(target_os = "linux")]

use std::{path::Path, process::Command, time::Duration};

use tests::{Program, Service, binary};

#[track_caller]
fn grab(service: &Service, args: &[&str]) -> tests::Output {
    let script = binary::workspace().join("docs/examples/grab.py");
    let mut command = Command::new("python3");
    command.arg(script).args(args).env("CAMERA_SERVICE_SOCKET", service.socket());
    Program::start("grab.py", command.current_dir(service.folder())).wait(Duration::from_secs(60))
}

#[test]
fn grab_py_lists_sets_and_saves() {
    let service = Service::start();
    assert!(grab(&service, &["list"]).ok().text().contains("test:0"));
    grab(&service, &["set", "test:0", "brightness=12"]).ok();
    let out = service.cli(&["get", "test:0", "brightness"]).ok();
    assert!(out.text().contains("12"), "{out:?}");
    for how in [&[][..], &["--shared"]] {
        let file = service.folder().join("frame.jpg");
        let args = ["frame", "test:0", "--format", "jpeg", "-o", "frame.jpg"];
        grab(&service, &[&args[..], how].concat()).ok();
        assert_is_jpeg(&file);
        std::fs::remove_file(file).expect("removed");
    }
    grab(&service, &["frame", "nothing", "-o", "-"]).expect_code(5);
}

#[track_caller]
fn assert_is_jpeg(path: &Path) {
    let bytes = std::fs::read(path).expect("a file");
    assert!(bytes.starts_with(&[0xff, 0xd8]) && bytes.ends_with(&[0xff, 0xd9]), "a JPEG");
}
