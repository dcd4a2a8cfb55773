//! Clients that carry on by themselves once the service is back.

use std::{
    fs,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use protocol::{
    StreamRequest,
    client::{Connector, Lasting, StreamEvent},
    endpoint::Endpoint,
};
use serde_json::Value;
use tests::{Program, Service, wait_until};

use super::{CAMERA, PATIENCE};

/// Clients have to be there again so soon after the service.
const SOON: Duration = Duration::from_secs(2);
/// How long the service is away.
const AWAY: Duration = Duration::from_millis(1200);

/// Kills the service and starts it again after a while; when it was back.
fn kill_for_a_while(service: &mut Service) -> Instant {
    service.kill();
    thread::sleep(AWAY);
    service.start_again();
    Instant::now()
}

#[test]
fn a_lasting_stream_subscribes_again_and_tells_of_the_gap() {
    let mut service = Service::start();
    let connector = Connector::new("tests").endpoint(Endpoint::at(service.socket()));
    let (sender, seen) = mpsc::channel();
    let reader = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async move {
            let request = StreamRequest {
                max_size: Some(protocol::Size::new(160, 120)),
                ..StreamRequest::native(CAMERA.into())
            };
            let mut stream = connector.lasting_stream(request).await.expect("a stream");
            loop {
                let event = stream.next().await.expect("it lasts");
                if sender.send((Instant::now(), event)).is_err() {
                    return;
                }
            }
        });
    });
    let wait = |what: &str, wanted: &dyn Fn(&Lasting<StreamEvent>) -> bool| {
        wait_until(what, PATIENCE, || match seen.recv_timeout(Duration::from_millis(50)) {
            Ok((at, event)) if wanted(&event) => Ok((at, event)),
            other => Err(format!("{other:?}")),
        })
    };
    let frame = |event: &Lasting<StreamEvent>| matches!(event, Lasting::Came(StreamEvent::Frame(frame)) if frame.header().size.width == 160);
    for kill in [true, false, true] {
        wait("a frame", &frame);
        let back = if kill {
            kill_for_a_while(&mut service)
        } else {
            service.restart(|_| thread::sleep(AWAY)).ok();
            Instant::now()
        };
        wait("the end", &|event| matches!(event, Lasting::Gone(_)));
        let (_, event) =
            wait("the new beginning", &|event| matches!(event, Lasting::Reconnected { .. }));
        let Lasting::Reconnected { gap } = event else { unreachable!() };
        assert!(gap >= AWAY && gap < AWAY + SOON * 2, "{gap:?}");
        wait(
            "the answer to the same request",
            &|event| matches!(event, Lasting::Came(StreamEvent::Started(started)) if started.mode.size.width == 160),
        );
        let (at, _) = wait("a frame", &frame);
        assert!(at.saturating_duration_since(back) < SOON, "{:?}", at - back);
    }
    drop(seen);
    reader.join().expect("no panic");
}

/// Waits until `program` has said `words` so many times on stderr.
#[track_caller]
fn wait_for(program: &Program, words: &str, times: usize) {
    wait_until(&format!("{words:?} {times} times"), PATIENCE, || {
        let said = program.stderr();
        if said.matches(words).count() >= times { Ok(()) } else { Err(said) }
    });
}

#[test]
fn commands_carry_on_and_those_that_are_to_end_do() {
    let mut service = Service::start();
    let pictures = service.folder().join("pictures");
    fs::create_dir(&pictures).expect("a folder");
    let picture = pictures.join("1.jpg");
    service.cli(&["snapshot", CAMERA, "-o", picture.to_str().expect("text")]).ok();
    let video = service.folder().join("video.y4m");
    let video = video.to_str().expect("text");
    let stream = ["stream", CAMERA, "--format", "i420", "-o", video];
    let mut stream = service.cli_start(&stream);
    let mut inline = service.cli_start(&["stream", CAMERA, "--inline"]);
    let folder = pictures.to_str().expect("text");
    let mut publish = service.cli_start(&["publish", "film", "--folder", folder, "--fps", "10"]);
    let mut film = service.cli_start(&["stream", "published:film"]);
    // It may have been asked for before it was published.
    wait_until("the film to be watched", PATIENCE, || {
        if !film.is_running() {
            film = service.cli_start(&["stream", "published:film"]);
        }
        let list = service.json(&["list"]);
        let watched = list.as_array().expect("cameras").iter().filter(|c| c["watchers"] != 0);
        if watched.count() == 2 { Ok(()) } else { Err(list.to_string()) }
    });
    let mut events = service.cli_start(&["events", "--follow", "--json"]);
    let ending = [
        &["stream", CAMERA, "--no-reconnect"][..],
        &["publish", "other", "--folder", folder, "--no-reconnect"],
        &["events"],
    ];
    let mut ending = ending.map(|args| service.cli_start(args));
    wait_until("all to be there", PATIENCE, || {
        let clients = service.json(&["clients"]).as_array().map_or(0, Vec::len);
        // And the one that asks.
        if clients >= 9 { Ok(()) } else { Err(clients.to_string()) }
    });
    for round in 1..=2 {
        let back = kill_for_a_while(&mut service);
        for program in [&stream, &inline, &publish, &film, &events] {
            wait_for(program, "the service is back after ", round);
        }
        wait_until("both cameras to be watched", PATIENCE, || {
            let list = service.json(&["list"]);
            let streaming = list.as_array().expect("cameras").iter();
            let streaming = streaming.filter(|c| c["state"] == "streaming" && c["watchers"] != 0);
            if streaming.count() == 2 { Ok(()) } else { Err(list.to_string()) }
        });
        // The film needs two clients to be back, one after the other.
        assert!(back.elapsed() < SOON * 2, "round {round}: {:?}", back.elapsed());
        let watchers = service.json(&["list"])[0]["watchers"].clone();
        if round == 1 {
            for program in &mut ending {
                let ended = program.wait(PATIENCE).expect_code(1);
                assert!(ended.stderr.contains("connection"), "{ended:?}");
            }
            assert_eq!(watchers, 1, "the film is first in the list");
        }
    }
    for program in [&mut stream, &mut inline, &mut film, &mut publish] {
        let ended = program.interrupt().ok();
        assert!(ended.stderr.contains("waiting until it is back"), "{ended:?}");
    }
    // One video, in one piece: a head, and whole frames.
    let bytes = fs::read(video).expect("the video");
    let head = bytes.iter().position(|byte| *byte == b'\n').expect("a head") + 1;
    assert_eq!((bytes.len() - head) % (b"FRAME\n".len() + 320 * 240 * 3 / 2), 0);
    assert_eq!(bytes.windows(10).filter(|window| window == b"YUV4MPEG2 ").count(), 1);
    let told = events.interrupt().ok();
    let states = told.json_lines().into_iter().filter(|line: &Value| line["event"] == "state");
    assert_eq!(states.count(), 3, "the full state comes with every connection");
}

#[test]
fn what_waiting_does_not_cure_ends_a_stream() {
    let service = Service::start();
    let mut stream = service.cli_start(&["stream", CAMERA]);
    let id = wait_until("the stream", PATIENCE, || {
        let clients = service.json(&["clients"]);
        let stream = clients.as_array().expect("clients").iter().find(|c| c["role"] == "stream");
        stream.map(|stream| stream["id"].as_u64().expect("a number")).ok_or(clients.to_string())
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let connector = Connector::new("tests").endpoint(Endpoint::at(service.socket()));
        let client = connector.control().await.expect("connected");
        let request = protocol::Request::Disconnect { connection: protocol::ConnectionId(id) };
        client.request(request).await.expect("disconnected");
    });
    let ended = stream.wait(PATIENCE).expect_code(1);
    assert!(ended.stderr.contains("disconnected by the user"), "{ended:?}");
    service.cli(&["stream", "test:7"]).expect_code(5);
}
