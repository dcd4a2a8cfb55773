//! Readers that come and go for long, in every way there is: nothing grows, and when nobody
//! watches nothing is left. SOAK_SECONDS (60) is how long.
#![cfg(target_os = "linux")]

use std::{
    env, thread,
    time::{Duration, Instant},
};

use protocol::{CameraState, ServiceStatus, client::Client, client::Connector, endpoint::Endpoint};
use tests::{Program, Service, wait_until};
use tokio::runtime::Runtime;

const CAMERA: &str = "test:0";
const READERS: usize = 4;
/// Times of streaming, with a rest after each.
const ROUNDS: u32 = 6;
/// The first of them are to warm up: which readers meet differs from round to round.
const WARM_UP: usize = 3;
/// For whatever has to happen, on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// What is left to fragmentation: less than a KB for each reader of the rounds that are compared.
const HEAP_MARGIN: u64 = 256 << 10;
/// Mappings are also the allocator's, and stacks that are kept for the next thread.
const MAPS_MARGIN: u64 = 8;

/// How a reader reads, and how it ends.
#[derive(Debug, Clone, Copy)]
struct Way {
    args: &'static [&'static str],
    end: End,
}

#[derive(Debug, Clone, Copy)]
enum End {
    ByItself,
    Interrupted,
    Killed,
}

const WAYS: [Way; 6] = [
    Way { args: &["--count", "30"], end: End::ByItself },
    Way { args: &["-o", "-"], end: End::Killed },
    Way { args: &["--format", "jpeg", "--size", "320x240", "-o", "-"], end: End::Interrupted },
    Way { args: &["--inline", "--count", "20"], end: End::ByItself },
    Way { args: &["--format", "jpeg", "--fps", "10", "-o", "-"], end: End::Killed },
    Way { args: &["--inline", "-o", "-"], end: End::Killed },
];

#[test]
fn readers_that_come_and_go_leave_nothing_behind() {
    let seconds = env::var("SOAK_SECONDS").map_or(60.0, |text| {
        text.parse().unwrap_or_else(|_| panic!("SOAK_SECONDS={text} is no number"))
    });
    let time = Duration::from_secs_f64(seconds) / ROUNDS;
    let builder = Service::builder().test_camera("640x480@30");
    let service = builder.env("RUST_LOG", "info").start();
    let observer = Observer::new(&service);
    let fresh = observer.rest(&service);
    println!("fresh   {fresh:?}");

    crowd(&service);
    let mut rests = Vec::new();
    for round in 0..ROUNDS {
        let readers = stream(&service, &observer, time);
        let rest = observer.rest_as(&service, &fresh);
        println!("round {round} {rest:?} after {readers} readers");
        rests.push(rest);
    }
    let (warm, last) = (&rests[..WARM_UP], rests.last().expect("there are rounds"));
    let most = |of: fn(&Rest) -> u64| warm.iter().map(of).max().expect("there are rounds");
    assert!(last.heap <= most(|r| r.heap) + HEAP_MARGIN, "the heap has grown: {rests:#?}");
    let maps = most(|rest| rest.maps as u64) + MAPS_MARGIN;
    assert!(last.maps as u64 <= maps, "mappings have been left: {rests:#?}");
    assert!(last.threads as u64 <= most(|rest| rest.threads as u64), "{rests:#?}");

    idles(&service);
}

/// Has more readers at once than will ever meet: what the allocator has had, it keeps, and chance
/// would decide in which round that is most.
fn crowd(service: &Service) {
    let endless = WAYS.iter().filter(|way| !matches!(way.end, End::ByItself));
    let start = |way: &Way| service.cli_start(&[&["stream", CAMERA], way.args].concat());
    let mut readers: Vec<_> = (0..READERS).flat_map(|_| endless.clone().map(start)).collect();
    for reader in &mut readers {
        wait_for_frames(reader);
    }
}

/// Has readers come and go for `time`; how many it were.
fn stream(service: &Service, observer: &Observer, time: Duration) -> usize {
    let end = Instant::now() + time;
    thread::scope(|scope| {
        let seats: Vec<_> = (0..READERS)
            .map(|seat| {
                scope.spawn(move || {
                    let mut came = 0;
                    while came == 0 || Instant::now() < end {
                        // Each seat begins elsewhere, so that all ways meet one another.
                        read(service, WAYS[(seat + came) % WAYS.len()]);
                        came += 1;
                    }
                    came
                })
            })
            .collect();
        let mut most = 0;
        while !seats.iter().all(thread::ScopedJoinHandle::is_finished) {
            most = most.max(observer.status().slot_bytes);
            thread::sleep(Duration::from_millis(200));
        }
        println!("        at most {} KB in slots", most / 1024);
        seats.into_iter().map(|seat| seat.join().expect("a reader has what it wants")).sum()
    })
}

/// One reader, from its start to its end.
fn read(service: &Service, way: Way) {
    let mut reader = service.cli_start(&[&["stream", CAMERA], way.args].concat());
    match way.end {
        End::ByItself => drop(reader.wait(LONG).ok()),
        End::Interrupted => {
            wait_for_frames(&mut reader);
            reader.interrupt().ok();
        }
        End::Killed => {
            wait_for_frames(&mut reader);
            reader.kill();
        }
    }
}

/// Waits until the reader has written a frame or some.
fn wait_for_frames(reader: &mut Program) {
    wait_until("frames to be written", LONG, || {
        assert!(reader.is_running(), "a reader has ended: {}", reader.stderr());
        match reader.stdout_file().metadata() {
            Ok(file) if file.len() > 50_000 => Ok(()),
            other => Err(format!("{:?}", other.map(|file| file.len()))),
        }
    });
}

/// Asserts that the service hardly ever wakes up when there is nothing to do.
fn idles(service: &Service) {
    const TIME: Duration = Duration::from_secs(10);
    let before = service.wakeups();
    thread::sleep(TIME);
    let wakeups = service.wakeups() - before;
    println!("idle    {wakeups} wake-ups in {TIME:?}, {} KB resident", service.rss() / 1024);
    assert!(wakeups < TIME.as_secs(), "it woke up {wakeups} times in {TIME:?}");
}

/// What the service has in use while nobody watches.
#[derive(Debug)]
#[expect(dead_code, reason = "some are only shown")]
struct Rest {
    heap: u64,
    resident: u64,
    descriptors: usize,
    maps: usize,
    threads: usize,
}

/// A client that asks how the service is.
struct Observer {
    runtime: Runtime,
    client: Client,
}

impl Observer {
    fn new(service: &Service) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime can be made");
        let connector = Connector::new("soak").endpoint(Endpoint::at(service.socket()));
        let client = runtime.block_on(connector.control()).expect("the service accepts");
        Self { runtime, client }
    }

    fn status(&self) -> ServiceStatus {
        self.runtime.block_on(self.client.status()).expect("the service answers")
    }

    /// Waits for rest, and until nothing more is open than in `fresh`: what ended last is told to
    /// have ended a moment before it has let go of everything.
    #[track_caller]
    fn rest_as(&self, service: &Service, fresh: &Rest) -> Rest {
        self.rest(service);
        wait_until("the last descriptors to be closed", LONG, || {
            let open = service.descriptors();
            if open.len() <= fresh.descriptors { Ok(()) } else { Err(format!("{open:#?}")) }
        });
        self.rest(service)
    }

    /// Waits until the camera is closed and all connections but this one have ended.
    fn rest(&self, service: &Service) -> Rest {
        wait_until("the service to rest", LONG, || {
            let status = self.status();
            let closed = status.cameras.iter().all(|camera| camera.state == CameraState::Closed);
            let rests = closed && status.connections == 1 && status.slot_bytes == 0;
            if rests { Ok(()) } else { Err(format!("{status:?}")) }
        });
        Rest {
            heap: service.anonymous_rss(),
            resident: service.rss(),
            descriptors: service.fd_count(),
            maps: service.maps_count(),
            threads: service.threads(),
        }
    }
}
