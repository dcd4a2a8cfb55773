//! The bridge as a Windows program, reached over loopback by clients that are none.
#![cfg(target_os = "linux")]

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use tests::{wait_until, wine::Wine};

const SOON: Duration = Duration::from_secs(120);

/// The answer to a GET: its head and its body.
fn get(port: u16, path: &str) -> Result<(String, Vec<u8>), String> {
    let failed = |error: std::io::Error| error.to_string();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).map_err(failed)?;
    stream.set_read_timeout(Some(SOON)).map_err(failed)?;
    let ask = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).map_err(failed)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(failed)?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").ok_or("no head")?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    Ok((head, answer[end + 4..].to_vec()))
}

/// Width and height in the first frame header of a JPEG image.
fn jpeg_size(image: &[u8]) -> Option<(u16, u16)> {
    let mut at = 2;
    while let [0xff, marker, high, low, rest @ ..] = image.get(at..)? {
        if matches!(marker, 0xc0..=0xc2) {
            let number = |at: usize| u16::from_be_bytes([rest[at], rest[at + 1]]);
            return Some((number(3), number(1)));
        }
        at += 2 + usize::from(u16::from_be_bytes([*high, *low]));
    }
    None
}

#[test]
fn a_client_on_the_same_machine_gets_pictures() {
    let wine = Wine::start();
    let _service = wine.service("320x240@15", "");
    let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    let port = free.expect("a free port").port();
    let listen = format!("127.0.0.1:{port}");
    let args = ["bridge", "--listen", &listen, "--open-watch"];
    let mut bridge = wine.program("camera-service", &args, &[]);
    wait_until("the bridge to answer", SOON, || {
        assert!(bridge.is_running(), "the bridge has ended: {}", bridge.stderr());
        let (head, _) = get(port, "/healthz").map_err(|error| error + &bridge.stderr())?;
        if head.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(head) }
    });
    let (head, page) = get(port, "/").expect("the page");
    assert!(head.starts_with("HTTP/1.1 200") && page.len() > 200, "{head}");
    let image = || {
        let (head, image) = get(port, "/snapshot").expect("a picture");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(image.starts_with(&[0xff, 0xd8]) && image.ends_with(&[0xff, 0xd9]), "{head}");
        assert_eq!(jpeg_size(&image), Some((320, 240)));
        image
    };
    let first = image();
    wait_until("another picture", SOON, || {
        if image() == first { Err("the same".to_owned()) } else { Ok(()) }
    });
    let clients = wine.cli(&["clients", "--json"]).json();
    let all = clients.as_array().expect("a list");
    assert!(all.iter().any(|one| one["program"] == "camera-service.exe"), "{clients}");
}
