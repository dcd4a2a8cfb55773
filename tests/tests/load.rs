//! As many clients as there may be: nothing is refused below the limits that are written down, and
//! above them it is said what is the matter.
#![cfg(target_os = "linux")]

use std::{
    cell::Cell,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use protocol::{
    CameraId, ControlSetting, ControlValue, ErrorKind, Reply, ReplyMessage, Request,
    RequestMessage, Role, ServiceStatus, StreamRequest,
    client::{Client, ClientError, Connector, StreamEvent},
    endpoint::Endpoint,
};
use tests::{Raw, Service, Shim, wait_until};
use tokio::{
    sync::Semaphore,
    task::{JoinSet, LocalSet},
    time::MissedTickBehavior,
};

const LONG: Duration = Duration::from_secs(120);

/// Readers of one camera, through shared memory.
const READERS: usize = 200;
/// Cameras at once; the further ones have a reader each.
const CAMERAS: usize = 8;
/// Connections that ask, each with so many requests under way at most.
const ASKING: usize = 10;
const UNDER_WAY: usize = 64;
/// Requests in all, and how fast they are made.
const REQUESTS: usize = 4000;
const EVERY: Duration = Duration::from_millis(1);
/// Frames that every reader must have had while requests were made.
const FRAMES: u64 = 10;

fn connector(service: &Service) -> Connector {
    Connector::new("load").endpoint(Endpoint::at(service.socket())).patience(LONG)
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(LocalSet::new().run_until(async {
        tokio::time::timeout(LONG, test).await.expect("the test ends in time");
    }));
}

/// Reads until it is aborted, and counts frames, which must come in order.
async fn read(connector: Connector, camera: String, frames: Rc<Cell<u64>>) {
    let mut stream =
        connector.stream(StreamRequest::native(camera.as_str().into())).await.expect("a stream");
    let mut last = None;
    loop {
        match stream.next().await.expect("the stream goes on") {
            StreamEvent::Frame(frame) => {
                let now = frame.header().sequence;
                assert!(last < Some(now), "{now} came after {last:?}");
                last = Some(now);
                frames.set(frames.get() + 1);
            }
            // One that has no turn for long may be told so; frames follow.
            StreamEvent::Started(_) | StreamEvent::Lagged => {}
            StreamEvent::Lost { reason } => panic!("the camera is lost: {reason}"),
            StreamEvent::ModeChanged { .. } | StreamEvent::Blocked => {
                panic!("nobody asked for that")
            }
        }
    }
}

/// One of the things that clients ask for, by turns.
async fn ask(client: &Client, number: usize) -> Result<(), ClientError> {
    let camera = CameraId::from(format!("test:{}", number % CAMERAS).as_str());
    match number % 4 {
        0 => {
            let value = ControlValue::Integer(number as i64 % 50);
            let settings = vec![ControlSetting { name: "brightness".to_owned(), value }];
            for outcome in client.set_controls(&camera, settings).await? {
                outcome.result?;
            }
        }
        1 => drop(client.get_controls(&camera, vec!["brightness".to_owned()]).await?),
        2 => drop(client.camera(&camera).await?),
        _ => drop(client.status().await?),
    }
    Ok(())
}

async fn wait_for<T>(what: &str, mut state: impl AsyncFnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + LONG / 2;
    loop {
        match state().await {
            Ok(value) => return value,
            Err(state) => assert!(Instant::now() < deadline, "waited for {what}, but: {state}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn two_hundred_readers_eight_cameras_and_a_thousand_requests_a_second_are_served() {
    let cameras = ["--test-camera", "320x240@15"].repeat(CAMERAS);
    let service = Service::builder().args(&cameras).env("RUST_LOG", "info").start();
    run(async {
        let observer = connector(&service).control().await.expect("a connection");
        let before = service.descriptors();
        let mut readers = JoinSet::new();
        let counts: Vec<Rc<Cell<u64>>> =
            (0..READERS + CAMERAS - 1).map(|_| Rc::default()).collect();
        for (at, count) in counts.iter().enumerate() {
            let camera = format!("test:{}", (at + 1).saturating_sub(READERS));
            readers.spawn_local(read(connector(&service), camera, count.clone()));
        }
        let have = |frames: u64| counts.iter().all(|count| count.get() >= frames);
        let fewest = || counts.iter().map(|count| count.get()).min();
        wait_for("a frame for every reader", async || {
            assert!(readers.try_join_next().is_none(), "a reader has ended");
            if have(1) { Ok(()) } else { Err(format!("the last has {:?}", fewest())) }
        })
        .await;
        counts.iter().for_each(|count| count.set(0));

        let began = Instant::now();
        ask_much(&service).await;
        let rate = REQUESTS as f64 / began.elapsed().as_secs_f64();
        wait_for("frames for every reader", async || {
            if have(FRAMES) { Ok(()) } else { Err(format!("the last has {:?}", fewest())) }
        })
        .await;
        let status = wait_for("those who asked to be gone", async || {
            let status = observer.status().await.expect("a status");
            let gone = status.connections as usize == counts.len() + 1;
            if gone { Ok(status) } else { Err(format!("{status:?}")) }
        })
        .await;
        let all: u64 = counts.iter().map(|count| count.get()).sum();
        println!(
            "{} readers, {rate:.0} requests a second, {:.0} frames a second, service {} KB",
            counts.len(),
            all as f64 / began.elapsed().as_secs_f64(),
            service.rss() / 1024
        );
        assert_eq!(status.cameras.iter().map(|camera| camera.watchers).max(), Some(READERS as u32));
        assert!(readers.try_join_next().is_none(), "a reader has ended");

        readers.shutdown().await;
        wait_for("nothing to be left", async || {
            let status = observer.status().await.expect("a status");
            let (open, rests) = (service.descriptors(), rests(&status));
            if rests && open.len() <= before.len() {
                Ok(())
            } else {
                Err(format!("{status:?} {open:?}"))
            }
        })
        .await;
    });
}

fn rests(status: &ServiceStatus) -> bool {
    let closed = status.cameras.iter().all(|camera| camera.mode.is_none());
    closed && status.connections == 1 && status.slot_bytes == 0
}

/// Makes all requests, each at its time, and demands that each is done.
async fn ask_much(service: &Service) {
    let mut clients = Vec::new();
    for _ in 0..ASKING {
        let client = connector(service).control().await.expect("a connection");
        clients.push((client, Arc::new(Semaphore::new(UNDER_WAY))));
    }
    let mut asked = JoinSet::new();
    let mut clock = tokio::time::interval(EVERY);
    clock.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for number in 0..REQUESTS {
        clock.tick().await;
        let (client, room) = &clients[number % ASKING];
        let (client, room) = (client.clone(), room.clone());
        let place = room.acquire_owned().await.expect("it is not closed");
        asked.spawn_local(async move {
            let answer = ask(&client, number).await;
            drop(place);
            answer.unwrap_or_else(|error| panic!("request {number}: {error}"));
        });
    }
    while let Some(done) = asked.join_next().await {
        done.expect("a request is done");
    }
}

#[test]
fn one_connection_too_many_is_told_so_and_disturbs_nobody() {
    const MOST: usize = 12;
    let config = format!("[limits]\nconnections = {MOST}\n");
    let service = Service::builder().config(&config).test_camera("160x120@30").start();
    run(async {
        let mut clients = Vec::new();
        wait_for("all places to be taken", async || {
            // The first ones wait for the end of the connection that saw the service start.
            while clients.len() < MOST {
                let client = connector(&service).control().await.map_err(|e| e.to_string())?;
                clients.push(client);
            }
            Ok(())
        })
        .await;
        let refused = connector(&service).control().await.err().expect("there is no place");
        let told = refused.to_string();
        assert!(told.contains("as many connections as it takes"), "{told}");
        let list = service.cli(&["list"]).expect_code(1);
        assert!(list.stderr.contains("close some clients"), "{list:?}");
        for client in &clients {
            assert_eq!(client.status().await.expect("an answer").connections as usize, MOST);
        }
        clients.pop();
        wait_for("a place to be free", async || {
            connector(&service).control().await.map(drop).map_err(|error| error.to_string())
        })
        .await;
    });
}

#[test]
fn more_requests_than_may_be_under_way_wait_or_are_refused_with_a_reason() {
    let shim = Shim::new();
    let service = Service::builder().shim(&shim).start();
    let camera = service.json(&["list"])[0]["id"].as_str().expect("a camera").to_owned();
    let camera = CameraId::from(camera.as_str());
    let setting = ControlSetting { name: "brightness".to_owned(), value: ControlValue::Integer(5) };
    let set = || Request::SetControls { camera: camera.clone(), settings: vec![setting.clone()] };
    let message = |id: u64, request| RequestMessage { id, deadline_ms: Some(100_000), request };
    let many =
        Request::SetControls { camera: camera.clone(), settings: vec![setting.clone(); 257] };
    let mut greedy = Raw::open(service.socket(), Role::Control);
    greedy.send_message(&message(1, many));
    let reply: ReplyMessage = greedy.message().expect("an answer");
    let refused = reply.result.expect_err("it would keep the camera's controls busy for long");
    assert_eq!(refused.kind, ErrorKind::Limit, "{refused:?}");
    // Controls are known to work, and then a call takes as long as the test likes.
    service.cli(&["set", &camera.0, "brightness=4"]).ok();
    shim.hang("control");
    let in_flight = UNDER_WAY as u64;
    let mut full = Raw::open(service.socket(), Role::Control);
    (1..=in_flight).for_each(|id| full.send_message(&message(id, set())));
    let at_once = in_flight + 1;
    full.send_message(&message(at_once, Request::Status));

    // The camera's own queue is full by then: who asks on another connection is refused.
    let mut other = Raw::open(service.socket(), Role::Control);
    let (mut id, mut kept) = (0, 0);
    let refused = wait_until("a refusal", LONG, || {
        id += 2;
        other.send_message(&message(id, set()));
        other.send_message(&message(id + 1, Request::Status));
        kept += 1;
        let reply: ReplyMessage = other.message().expect("an answer");
        match reply.result {
            Err(refused) => Ok(refused),
            answer => Err(format!("{answer:?}")),
        }
    });
    assert_eq!(refused.kind, ErrorKind::Limit, "{refused:?}");
    assert!(refused.message.contains("try again"), "{refused:?}");
    assert!(kept < UNDER_WAY, "{kept} were taken");

    shim.run();
    let replies: Vec<ReplyMessage> =
        (0..=in_flight).map(|_| full.message().expect("a reply to each")).collect();
    let position = replies.iter().position(|reply| reply.id == at_once).expect("its reply");
    assert!(position > 0, "it was read though {UNDER_WAY} were under way");
    assert!(matches!(replies[position].result, Ok(Reply::Status(_))), "{replies:?}");
    for reply in replies.iter().filter(|reply| reply.id != at_once) {
        assert!(matches!(&reply.result, Ok(Reply::Outcomes(_))), "{reply:?}");
    }
}
