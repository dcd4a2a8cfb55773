//! The bridge and links that are slow, are slow for a while, or pause: who is behind one gets less,
//! and nothing old; others notice nothing.
//!
//! BRIDGE_SECONDS (60) is how long a viewer at 1 Mbit/s is watched.

use std::{
    env,
    io::{Read as _, Write as _},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use protocol::{Scope, Size};
use serde_json::json;
use tests::{
    Service,
    bridge::{Bridge, Frame, Relay, WebSocket, clock, jpeg, strip, token},
};

const LONG: Duration = Duration::from_secs(60);

fn setup() -> (Bridge, Service) {
    let service = Service::builder().test_camera("1280x720@30").start();
    let bridge = Bridge::start(&service, &[]);
    (bridge, service)
}

/// The next frame, acknowledged at once, and how old its picture was when it came.
#[track_caller]
fn next(socket: &mut WebSocket) -> (Frame, Duration) {
    let frame = socket.frame_within(LONG).expect("the connection lasts").expect("a frame");
    let now = clock();
    socket.acknowledge(&frame);
    let read = strip(&frame.jpeg).unwrap_or_else(|error| panic!("{error}"));
    let age = Duration::from_nanos(now.saturating_sub(read.monotonic_ns));
    (frame, age)
}

/// What a viewer saw.
struct Seen {
    /// How old each picture was when it was there, after the link was known.
    ages: Vec<Duration>,
    size: (u32, u32),
}

/// Watches for `time`, of which the first `settling` do not count for latency.
fn view(mut socket: WebSocket, settling: Duration, time: Duration) -> Seen {
    let began = Instant::now();
    let mut seen = Seen { ages: Vec::new(), size: (0, 0) };
    let mut last = None;
    while began.elapsed() < time {
        let (frame, age) = next(&mut socket);
        assert!(Some(frame.sequence) > last, "{} after {last:?}", frame.sequence);
        last = Some(frame.sequence);
        if began.elapsed() > settling {
            seen.ages.push(age);
        }
        seen.size = frame.size;
    }
    seen
}

impl Seen {
    fn rate(&self, time: Duration) -> f64 {
        self.ages.len() as f64 / time.as_secs_f64()
    }

    fn worst(&self) -> Duration {
        self.ages.iter().max().copied().unwrap_or_default()
    }

    fn median(&self) -> Duration {
        let mut ages = self.ages.clone();
        ages.sort_unstable();
        ages.get(ages.len() / 2).copied().unwrap_or_default()
    }
}

#[test]
fn a_viewer_at_1_mbit_sees_a_moving_picture_and_others_all_of_it() {
    const SETTLING: Duration = Duration::from_secs(4);
    let seconds = env::var("BRIDGE_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let time = Duration::from_secs(seconds.unwrap_or(60));
    let (bridge, service) = setup();
    let watch = token(&service, "viewer", &[Scope::Watch], &[]);
    let relay = Relay::start(bridge.address());
    relay.to_viewer(Relay::MEGABIT);
    let open = |address| {
        let mut socket = WebSocket::connect(address);
        socket.log_in(&watch);
        socket.ok("open_stream", json!({ "camera": "test:0" }));
        socket
    };
    let (slow, quick) = (open(relay.address()), open(bridge.address()));
    let slow = thread::spawn(move || view(slow, SETTLING, SETTLING + time));
    let quick = view(quick, SETTLING, SETTLING + time);
    let slow = slow.join().expect("it watches");
    for (what, seen) in [("slow", &slow), ("quick", &quick)] {
        println!(
            "{what}: {time:?}, {:.1} frames/s of {:?}, median {:?} old, at most {:?}",
            seen.rate(time),
            seen.size,
            seen.median(),
            seen.worst()
        );
    }
    assert!(slow.worst() < Duration::from_secs(1), "{:?}", slow.worst());
    assert!(slow.rate(time) > 3.0, "{} frames/s", slow.rate(time));
    assert!(quick.rate(time) > 20.0, "{} frames/s", quick.rate(time));
    assert_eq!(quick.size, (1280, 720));
}

/// A viewer who hears on which rung it is.
struct Climber {
    socket: WebSocket,
    /// Rung, width, and reason of each change.
    told: Vec<(u64, u64, String)>,
}

impl Climber {
    /// Watches until `rung` was told and frames are as they are there.
    #[track_caller]
    fn reaches(&mut self, rung: u64) {
        let until = Instant::now() + 2 * LONG;
        loop {
            assert!(Instant::now() < until, "rung {rung} is not reached: {:?}", self.told);
            let (frame, _) = next(&mut self.socket);
            while let Some(message) = self.socket.next(Duration::from_millis(1)).expect("it lasts")
            {
                let d = &message["d"];
                if d["event"] == "stream_changed" {
                    let rung = d["rung"].as_u64().expect("a rung");
                    let width = d["mode"]["width"].as_u64().expect("a width");
                    let reason = d["reason"].as_str().expect("a reason").to_owned();
                    self.told.push((rung, width, reason));
                }
            }
            let now = self.told.last().map_or((0, 1280), |(rung, width, _)| (*rung, *width));
            if now == (rung, u64::from(frame.size.0)) {
                return;
            }
        }
    }
}

#[test]
fn every_rung_is_told_when_the_link_becomes_slow_and_when_it_is_quick_again() {
    let (bridge, service) = setup();
    let watch = token(&service, "viewer", &[Scope::Watch], &[]);
    let relay = Relay::start(bridge.address());
    let mut socket = WebSocket::connect(relay.address());
    socket.log_in(&watch);
    let opened = socket.ok("open_stream", json!({ "camera": "test:0" }));
    assert_eq!((opened["rung"].clone(), opened["mode"]["width"].clone()), (0.into(), 1280.into()));
    let mut viewer = Climber { socket, told: Vec::new() };
    viewer.reaches(0);
    relay.to_viewer(Relay::MEGABIT / 4.0);
    viewer.reaches(2);
    let down = std::mem::take(&mut viewer.told);
    assert!(down.iter().all(|(_, _, reason)| reason == "the link is slow"), "{down:?}");
    assert!(down.is_sorted_by_key(|(rung, _, _)| *rung), "{down:?}");
    assert_eq!(down.last().map(|(rung, width, _)| (*rung, *width)), Some((2, 320)));
    viewer.told.extend(down.last().cloned());
    relay.to_viewer(f64::INFINITY);
    viewer.reaches(0);
    let up = &viewer.told[1..];
    let widths: Vec<_> = up.iter().map(|(rung, width, _)| (*rung, *width)).collect();
    assert_eq!(widths, [(1, 640), (0, 1280)]);
    assert!(up.iter().all(|(_, _, reason)| reason == "the link is quick again"), "{up:?}");
}

#[test]
fn a_slow_uplink_lowers_the_rate_of_a_publisher_and_builds_no_delay() {
    const TIME: Duration = Duration::from_secs(6);
    let (bridge, service) = setup();
    let all = token(&service, "phone", &Scope::ALL, &[]);
    let relay = Relay::start(bridge.address());
    let mut phone = WebSocket::connect(relay.address());
    phone.log_in(&all);
    let size = Size::new(1280, 720);
    let fields = json!({ "name": "phone", "width": 1280, "height": 720, "fps": 30 });
    let publication = phone.ok("publish", fields)["publication"].as_u64().expect("a number") as u32;
    let stop = Arc::new(AtomicBool::new(false));
    let stopping = stop.clone();
    let publishing = thread::spawn(move || {
        let (mut credit, mut sent, mut next) = (0, 0, Instant::now());
        while !stopping.load(Ordering::Relaxed) {
            while let Ok(Some(message)) = phone.next(Duration::from_millis(1)) {
                if message["op"] == "demand" {
                    credit += message["d"]["credit"].as_u64().expect("a number");
                }
            }
            if credit > 0 && Instant::now() >= next {
                next = Instant::now() + Duration::from_millis(33);
                credit -= 1;
                phone.publish(publication, sent, (size.width, size.height), &jpeg(size, sent));
                sent += 1;
            }
        }
    });
    let mut viewer = bridge.log_in(&all);
    viewer.ok("open_stream", json!({ "camera": "published:phone", "adaptive": false }));
    let mut seen = |time| {
        let (until, mut ages) = (Instant::now() + time, Vec::new());
        while Instant::now() < until {
            ages.push(next(&mut viewer).1);
        }
        Seen { ages, size: (0, 0) }
    };
    seen(Duration::from_secs(1));
    let quick = seen(TIME / 2);
    relay.to_bridge(Relay::MEGABIT / 2.0);
    seen(Duration::from_secs(2));
    let slow = seen(TIME);
    let later = seen(TIME);
    relay.to_bridge(f64::INFINITY);
    seen(Duration::from_secs(2));
    let again = seen(TIME / 2);
    stop.store(true, Ordering::Relaxed);
    publishing.join().expect("it publishes");
    for (what, seen, time) in [
        ("quick", &quick, TIME / 2),
        ("slow", &slow, TIME),
        ("later", &later, TIME),
        ("again", &again, TIME / 2),
    ] {
        println!(
            "{what}: {:.1} frames/s, median {:?} old, at most {:?}",
            seen.rate(time),
            seen.median(),
            seen.worst()
        );
    }
    assert!(slow.rate(TIME) < 0.6 * quick.rate(TIME / 2) && slow.ages.len() > 5);
    assert!(later.worst() < Duration::from_secs(2), "{:?}", later.worst());
    assert!(later.median() < slow.median() * 3 / 2 + Duration::from_millis(100));
    assert!(again.median() < Duration::from_millis(500), "{:?}", again.median());
    assert!(again.rate(TIME / 2) > 2.0 * later.rate(TIME));
}

#[test]
fn an_mjpeg_viewer_that_pauses_goes_on_with_new_pictures() {
    let (bridge, service) = setup();
    let watch = token(&service, "viewer", &[Scope::Watch], &[]);
    let mut stream = bridge.connect();
    rustix::net::sockopt::set_socket_recv_buffer_size(&stream, 8 << 10).expect("set");
    let request =
        format!("GET /stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {watch}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    thread::sleep(Duration::from_secs(3));
    // What waited on the way is all that is old: some pictures, not three seconds of them.
    let resumed = clock();
    let mut bytes = Vec::new();
    let mut old = 0;
    let mut chunk = vec![0; 64 << 10];
    let until = Instant::now() + LONG;
    'reading: while Instant::now() < until {
        let count = stream.read(&mut chunk).expect("the stream goes on");
        assert!(count > 0, "the stream has ended");
        bytes.extend_from_slice(&chunk[..count]);
        while let Some(end) = bytes.windows(4).position(|four| four == b"\xff\xd9\r\n") {
            let begin = bytes.windows(2).position(|two| two == [0xff, 0xd8]).expect("a picture");
            let picture: Vec<u8> = bytes.drain(..end + 4).skip(begin).collect();
            let read = strip(&picture[..picture.len() - 2]).unwrap_or_else(|e| panic!("{e}"));
            if read.monotonic_ns > resumed {
                break 'reading;
            }
            old += 1;
        }
    }
    println!("{old} pictures were old");
    assert!(old < 15, "{old} pictures were old");
}
