//! What `make run` starts where there is no display: the service with a test camera, and the page.
#![cfg(target_os = "linux")]

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::Command,
    time::Duration,
};

use tests::{Program, binary, wait_until};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn without_a_display_the_page_is_served_and_all_of_it_ends_together() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let within = |name: &str| folder.path().join(name);
    let config = within("config/camera-service");
    fs::create_dir_all(&config).expect("a folder can be made");
    // Other programs may have the usual port.
    fs::write(config.join("config.toml"), "[bridge]\nlisten = \"127.0.0.1:0\"\n").expect("written");
    let mut command = Command::new(binary::workspace().join("scripts/run.sh"));
    for name in ["CAMERA_SERVICE_SOCKET", "DISPLAY", "WAYLAND_DISPLAY", "LD_PRELOAD", "RUST_LOG"] {
        command.env_remove(name);
    }
    command
        .arg(binary::camera_service())
        .env("HOME", within("home"))
        .env("XDG_RUNTIME_DIR", within("run"))
        .env("XDG_CONFIG_HOME", within("config"))
        .env("XDG_STATE_HOME", within("state"));
    let mut script = Program::start("run.sh", &mut command);

    let address: SocketAddr = wait_until("the page's address", PATIENCE, || {
        let out = String::from_utf8_lossy(&script.stdout()).into_owned();
        let url = out.lines().find_map(|line| line.trim().strip_prefix("http://"));
        let address = url.and_then(|url| url.trim_end_matches('/').parse().ok());
        address.ok_or_else(|| format!("{out}\n{}", script.stderr()))
    });
    let mut page = TcpStream::connect(address).expect("it listens");
    write!(page, "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("asked");
    let mut answer = String::new();
    page.read_to_string(&mut answer).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("<html"), "{answer}");
    let out = String::from_utf8_lossy(&script.stdout()).into_owned();
    assert!(out.contains("running with test:0") && out.contains(" token add "), "{out}");

    let out = script.terminate();
    assert_eq!(out.code(), Some(0), "{out:?}");
    wait_until("the bridge to be gone", PATIENCE, || match TcpStream::connect(address) {
        Ok(_) => Err("it still listens".to_owned()),
        Err(_) => Ok(()),
    });
}
