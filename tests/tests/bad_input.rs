//! What comes in broken gets a clear error and costs nobody else anything: while each test
//! misbehaves, a well-behaved reader of the same service loses nothing.

use std::{process::Stdio, time::Duration};

use protocol::{
    ErrorKind, MAJOR, MINOR, Preamble, Reply, ReplyMessage, Request, RequestMessage, Role, SlotId,
    StreamCommand, StreamMessage, StreamRequest, Verdict, Welcome, wire,
};
use tests::{Raw, Service, Socket, hello, wait_until};

const LONG: Duration = Duration::from_secs(60);

/// Waits until the service's first reader reads. By the log: where programs start slowly, one that
/// asks comes after it has read.
fn reading(service: &Service) {
    wait_until("the reader to read", LONG, || {
        let log = service.log();
        if log.contains(" opened: ") { Ok(()) } else { Err(log) }
    });
}

/// Runs `misbehave` against a service while `check` reads its camera, which must see nothing of
/// it.
#[track_caller]
fn undisturbed(misbehave: impl FnOnce(&Service)) {
    let service = Service::start();
    let mut check = service.cli_start(&["check", "test:0", "--seconds", "2", "--json"]);
    reading(&service);
    misbehave(&service);
    let result = check.wait(LONG).ok().json();
    for count in ["torn", "out_of_order"] {
        assert_eq!(result[count], 0, "{result}");
    }
    // Under Wine one thread of its server does what everybody asks of the system.
    let enough = if cfg!(windows) { 5 } else { 20 };
    assert!(result["frames"].as_u64() > Some(enough), "{result}");
    let out = service.stop();
    assert_eq!(out.code(), Some(0), "{out:?}");
    assert!(!out.stderr.contains("panicked"), "{}", out.stderr);
}

fn request(id: u64, request: Request) -> RequestMessage {
    RequestMessage { id, deadline_ms: None, request }
}

#[test]
fn garbage_and_another_magic_are_not_understood() {
    undisturbed(|service| {
        for bytes in [&b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..], &[0; 16], &[0xff; 4096]] {
            let mut raw = Raw::connect(service.socket());
            raw.send(bytes);
            assert_eq!(raw.verdict(), Verdict::NotUnderstood);
            assert_eq!(raw.rest(), b"");
        }
    });
}

#[test]
fn another_major_version_is_told_both_versions() {
    undisturbed(|service| {
        let mut raw = Raw::connect(service.socket());
        let preamble = Preamble { major: 2, minor: 7, what: Role::Control };
        raw.send(&preamble.to_bytes());
        let answer = raw.preamble();
        let version = [MAJOR.to_le_bytes(), MINOR.to_le_bytes()].concat();
        assert_eq!(answer[8..12], version, "the service's version");
        assert_eq!(answer[12], 1, "the verdict `version differs`");
        assert_eq!(raw.rest(), b"");
        wait_until("the log to name both versions", LONG, || {
            let log = service.log();
            let ours = format!("{MAJOR}.{MINOR}");
            if log.contains("2.7") && log.contains(&ours) { Ok(()) } else { Err(log) }
        });
    });
}

#[test]
fn an_unknown_role_is_not_understood() {
    undisturbed(|service| {
        let mut raw = Raw::connect(service.socket());
        let mut bytes = Preamble::new(Role::Control).to_bytes();
        bytes[12] = 9;
        raw.send(&bytes);
        assert_eq!(raw.verdict(), Verdict::NotUnderstood);
    });
}

#[test]
fn a_message_that_is_too_long_closes_the_connection_with_the_reason() {
    undisturbed(|service| {
        let mut raw = Raw::open(service.socket(), Role::Control);
        raw.send(&u32::MAX.to_le_bytes());
        let last: ReplyMessage = raw.message().expect("a reason");
        assert_eq!(last.id, 0);
        let error = last.result.expect_err("an error");
        assert_eq!(error.kind, ErrorKind::Protocol);
        assert!(error.message.contains("4294967295"), "{error}");
        assert_eq!(raw.rest(), b"");

        let mut raw = Raw::connect(service.socket());
        raw.send(&Preamble::new(Role::Control).to_bytes());
        raw.send(&5000u32.to_le_bytes());
        assert_eq!(raw.verdict(), Verdict::Accepted);
        let welcome: Welcome = raw.message().expect("an answer");
        assert!(matches!(welcome, Welcome::Refused(_)), "{welcome:?}");
    });
}

#[test]
fn bytes_left_over_behind_a_message_close_the_connection() {
    undisturbed(|service| {
        let mut raw = Raw::open(service.socket(), Role::Control);
        let mut bytes = wire::encode(&request(1, Request::Status)).expect("encoded");
        bytes.push(0);
        let length = u32::try_from(bytes.len() - 4).expect("short");
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        raw.send(&bytes);
        let last: ReplyMessage = raw.message().expect("a reason");
        assert!(last.result.expect_err("an error").message.contains("left over"));
        assert_eq!(raw.rest(), b"");
    });
}

#[test]
fn a_connection_cut_at_every_byte_harms_nobody() {
    undisturbed(|service| {
        let mut whole = Preamble::new(Role::Control).to_bytes().to_vec();
        whole.extend(wire::encode(&hello("cut")).expect("encoded"));
        whole.extend(wire::encode(&request(1, Request::ListCameras)).expect("encoded"));
        for end in 0..whole.len() {
            let mut raw = Raw::connect(service.socket());
            raw.send(&whole[..end]);
            raw.finish();
            raw.rest();
        }
        let mut stream = Preamble::new(Role::Stream).to_bytes().to_vec();
        stream.extend(wire::encode(&hello("cut")).expect("encoded"));
        let open = StreamCommand::Open(StreamRequest::native("test:0".into()));
        stream.extend(wire::encode(&open).expect("encoded"));
        for end in 16..stream.len() {
            let mut raw = Raw::connect(service.socket());
            raw.send(&stream[..end]);
            raw.finish();
            raw.rest();
        }
        wait_until("all of them to be gone", LONG, || {
            let clients = service.json(&["clients"]);
            let left = clients
                .as_array()
                .map_or(0, |all| all.iter().filter(|client| client["name"] == "cut").count());
            if left == 0 { Ok(()) } else { Err(clients.to_string()) }
        });
    });
}

#[test]
fn a_silent_connection_is_closed() {
    let config = "[timeouts]\nhandshake = 0.2\n";
    let service = Service::builder().config(config).test_camera("320x240@30").start();
    let mut silent = Raw::connect(service.socket());
    assert_eq!(silent.rest(), b"");
    let mut half = Raw::connect(service.socket());
    half.send(&Preamble::new(Role::Control).to_bytes());
    assert_eq!(half.verdict(), Verdict::Accepted);
    assert_eq!(half.rest(), b"");
    assert!(service.log().contains("did not say who it is"), "{}", service.log());
}

#[test]
fn two_thousand_connections_at_once_leave_room_for_those_within_the_limit() {
    let config = "[limits]\nconnections = 100\n[timeouts]\nhandshake = 60\n";
    let service = Service::builder().config(config).test_camera("320x240@30").start();
    let mut reader = service.cli_start(&["check", "test:0", "--seconds", "2", "--json"]);
    reading(&service);
    let mut connections = Vec::new();
    let mut refused = 0;
    for _ in 0..2000 {
        match Socket::connect(service.socket()) {
            Ok(stream) => connections.push(stream),
            Err(_) => refused += 1,
        }
    }
    assert_eq!(refused, 0, "the backlog takes them all in turn");
    let out = service.cli(&["list"]).expect_code(1);
    assert!(out.stderr.contains("as many connections as it takes"), "{out:?}");
    drop(connections);
    wait_until("room again", LONG, || {
        let out = service.cli(&["list"]);
        if out.code() == Some(0) { Ok(()) } else { Err(out.stderr) }
    });
    let result = reader.wait(LONG).ok().json();
    assert_eq!((&result["torn"], &result["out_of_order"]), (&0.into(), &0.into()), "{result}");
}

#[test]
fn requests_beyond_64_in_flight_wait_and_are_answered_all() {
    undisturbed(|service| {
        let mut raw = Raw::open(service.socket(), Role::Control);
        // On a thread of its own: a client that does not read while it writes would wait for
        // itself, since the service stops reading too.
        let mut writer = raw.second();
        let writing = std::thread::spawn(move || {
            for id in 1..=500 {
                let controls = Request::ListControls { camera: "test:0".into() };
                writer.send_message(&request(id, controls));
            }
        });
        let mut answered: Vec<u64> = (0..500)
            .map(|_| {
                let reply: ReplyMessage = raw.message().expect("a reply");
                assert!(matches!(reply.result, Ok(Reply::Controls(_))), "{reply:?}");
                reply.id
            })
            .collect();
        writing.join().expect("all was written");
        answered.sort_unstable();
        assert_eq!(answered, (1..=500).collect::<Vec<u64>>());
    });
}

#[test]
fn a_request_with_the_id_0_is_invalid() {
    let service = Service::start();
    let mut raw = Raw::open(service.socket(), Role::Control);
    raw.send_message(&request(0, Request::Status));
    let reply: ReplyMessage = raw.message().expect("a reply");
    assert_eq!(reply.result.expect_err("an error").kind, ErrorKind::Invalid);
}

/// Opens an inline stream by hand and reads until a frame comes.
fn streaming(service: &Service) -> Raw {
    let mut raw = Raw::open(service.socket(), Role::Stream);
    let request = StreamRequest {
        delivery: protocol::Delivery::Inline,
        ..StreamRequest::native("test:0".into())
    };
    raw.send_message(&StreamCommand::Open(request));
    let started: StreamMessage = raw.message().expect("an answer");
    assert!(matches!(started, StreamMessage::Started(_)), "{started:?}");
    raw
}

#[test]
fn releasing_a_slot_that_is_not_held_ends_the_stream() {
    undisturbed(|service| {
        let mut raw = streaming(service);
        raw.send_message(&StreamCommand::Release { slot: SlotId(4711) });
        let text = String::from_utf8_lossy(&raw.rest()).into_owned();
        assert!(text.contains("slot 4711 is not held"), "the last words of the stream");
    });
}

#[test]
fn a_stream_is_asked_for_once_and_first() {
    undisturbed(|service| {
        let mut raw = streaming(service);
        raw.send_message(&StreamCommand::Open(StreamRequest::native("test:0".into())));
        assert!(String::from_utf8_lossy(&raw.rest()).contains("asked for once"));
        let mut raw = Raw::open(service.socket(), Role::Stream);
        raw.send_message(&StreamCommand::Release { slot: SlotId(1) });
        let refused: StreamMessage = raw.message().expect("an answer");
        assert!(matches!(refused, StreamMessage::Refused(_)), "{refused:?}");
    });
}

#[test]
fn an_event_reader_that_speaks_is_closed() {
    undisturbed(|service| {
        let mut raw = Raw::open(service.socket(), Role::Events);
        let first: protocol::EventMessage = raw.message().expect("the state");
        assert!(matches!(first.event, protocol::Event::State(_)), "{first:?}");
        raw.send_message(&request(1, Request::Status));
        raw.rest();
    });
}

#[test]
fn readers_stopped_and_killed_while_they_hold_slots_harm_nobody() {
    undisturbed(|service| {
        let reader = || {
            let mut program = service.command();
            program.args(["check", "test:0", "--seconds", "60"]).stdout(Stdio::null());
            tests::Program::start("a reader", &mut program)
        };
        let (stopped, mut killed) = (reader(), reader());
        wait_until("both to read", LONG, || {
            let clients = service.json(&["clients"]);
            let reading = clients.as_array().map_or(0, |all| {
                all.iter().filter(|client| client["frames"].as_u64() > Some(5)).count()
            });
            if reading >= 2 { Ok(()) } else { Err(clients.to_string()) }
        });
        #[cfg(unix)]
        stopped.signal(tests::Signal::STOP);
        killed.kill();
        wait_until("the killed one to be gone", LONG, || {
            let watchers = service.json(&["list"])[0]["watchers"].clone();
            if watchers.as_u64() <= Some(2) { Ok(()) } else { Err(watchers.to_string()) }
        });
        #[cfg(unix)]
        stopped.signal(tests::Signal::CONT);
        drop(stopped);
    });
}

#[test]
fn what_is_not_there_or_not_offered_is_said_plainly() {
    let service = Service::start();
    let refused = |args: &[&str], code, text: &str| {
        let out = service.cli(args).expect_code(code);
        assert!(out.stderr.contains(text), "{args:?}: {out:?}");
    };
    refused(&["info", "nothing"], 5, "there is test:0");
    refused(&["snapshot", "nothing", "-o", "-"], 5, "no camera");
    let near = "test:0 does not offer 333x222; near it are 320x240, 320x180, 640x360, 640x480 \
                (`camera-service info test:0` lists all)";
    refused(&["start", "test:0", "--size", "333x222"], 1, near);
    refused(&["start", "test:0", "--fps", "77"], 1, "does not offer 77 fps; near it are 60 fps, ");
    refused(&["publish", "a b", "--format", "rgb"], 2, "\"a b\" cannot be a camera's name");
    refused(&["set", "test:0", "brightness=100000"], 1, "from -100 to 100");
    refused(&["set", "test:0", "frames_captured=1"], 1, "read-only");
    refused(&["set", "test:0", "brightness=bright"], 1, "brightness");
    refused(&["set", "test:0", "no_such=1"], 1, "no control named");
    refused(&["frobnicate"], 2, "frobnicate");
}

#[test]
fn a_second_service_says_who_runs() {
    let service = Service::builder().test_camera("320x240@30").start();
    let out = service.cli(&["serve"]).expect_code(3);
    assert!(out.stderr.contains(&format!("pid {}", service.pid())), "{out:?}");
    service.cli(&["list"]).ok();
}

#[cfg(unix)]
#[test]
fn a_stale_socket_is_replaced_and_a_file_in_the_way_is_not() {
    let mut service = Service::builder().default_endpoint().test_camera("320x240@30").start();
    let socket = service.socket().to_owned();
    service.kill();
    assert!(socket.exists(), "a killed service leaves its socket");
    service.cli(&["list"]).expect_code(4);
    let again = service.cli_start(&["serve", "--test-camera"]);
    wait_until("the new service to answer", LONG, || {
        let out = service.cli(&["list"]);
        if out.code() == Some(0) { Ok(()) } else { Err(out.stderr) }
    });
    service.cli(&["shutdown"]).ok();
    drop(again);
    std::fs::write(&socket, "a file of somebody's").expect("written");
    let out = service.cli(&["serve"]).expect_code(1);
    assert!(out.stderr.contains("in the way"), "{out:?}");
    assert!(socket.exists());
}

#[test]
fn a_configuration_with_a_wrong_key_names_the_line() {
    let mut service = Service::builder().config("[timeouts]\n\nclose_aftr = 3\n").spawn();
    let out = service.wait(LONG).expect_code(1);
    assert!(out.stderr.contains("line 3") && out.stderr.contains("close_aftr"), "{out:?}");
}

#[test]
fn no_service_is_told_with_what_to_do() {
    let service = Service::start();
    service.cli(&["shutdown"]).ok();
    for command in [&["list"][..], &["status"], &["check", "test:0"], &["events"]] {
        let out = service.cli(command).expect_code(4);
        assert!(out.stderr.contains("camera-service serve"), "{command:?}: {out:?}");
    }
}
