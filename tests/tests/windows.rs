//! What is Windows' own: pipes, file mappings, process ids and the ways to end a program. All else
//! is tested by the suites that run on every system.
#![cfg(windows)]
#![allow(unsafe_code)]

#[path = "windows/install.rs"]
mod install;
#[path = "windows/unseen.rs"]
mod unseen;

use std::{process::Command, thread, time::Duration};

use protocol::{
    Delivery, FrameRate, Mode, PixelFormat, Size, StreamRequest,
    client::{ClientError, Connector, FrameStream, StreamEvent},
    endpoint::Endpoint,
    strip,
};
use tests::{
    Process, Program, Service,
    live::{Publishing, picture},
    wait_until,
};
use windows::{
    Win32::{
        Foundation::{HWND, LPARAM, WPARAM},
        UI::WindowsAndMessaging::{
            FindWindowExW, GetWindowThreadProcessId, SendNotifyMessageW, WM_ENDSESSION,
        },
    },
    core::{PCWSTR, w},
};

const LONG: Duration = Duration::from_secs(120);
const CAMERA: &str = "test:0";
/// What a handle of a slot in a client's process is good for.
const FILE_MAP_READ: u32 = 4;

fn native(delivery: Delivery) -> StreamRequest {
    StreamRequest { delivery, ..StreamRequest::native(CAMERA.into()) }
}

fn connector(service: &Service) -> Connector {
    Connector::new("a test").endpoint(Endpoint::at(service.socket()))
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        tokio::time::timeout(LONG, test).await.expect("the test ends in time");
    });
}

/// Takes so many frames, whose strips must be whole and in order.
async fn take(stream: &mut FrameStream, delivery: Delivery, count: usize) {
    let StreamEvent::Started(started) = stream.next().await.expect("a start") else {
        panic!("a stream starts with what it gives");
    };
    assert_eq!(started.delivery, delivery);
    let mut last = None;
    for _ in 0..count {
        let frame = stream.next_frame().await.expect("a frame");
        let header = frame.header();
        let read = strip::read_frame(header, &frame).expect("a strip");
        assert_eq!((read.sequence, read.monotonic_ns), (header.sequence, header.monotonic_ns));
        assert!(last < Some(read.sequence), "{} after {last:?}", read.sequence);
        last = Some(read.sequence);
    }
}

#[test]
fn a_thousand_frames_come_whole_shared_and_inline() {
    let service = Service::builder().test_camera("320x240@60").start();
    run(async {
        let client = connector(&service);
        let open = async |delivery| client.stream(native(delivery)).await.expect("a stream");
        let (mut shared, mut inline) = (open(Delivery::Shared).await, open(Delivery::Inline).await);
        tokio::join!(
            take(&mut shared, Delivery::Shared, 1000),
            take(&mut inline, Delivery::Inline, 1000),
        );
    });
}

#[test]
fn large_frames_come_inline_at_full_rate() {
    let service = Service::builder().test_camera("1280x720@15").start();
    run(async {
        let stream = connector(&service).stream(native(Delivery::Inline)).await;
        let mut stream = stream.expect("a stream");
        take(&mut stream, Delivery::Inline, 30).await;
    });
}

/// A reader of its own process that says at the end what it saw.
fn reader(service: &Service, seconds: &str) -> Program {
    service.cli_start(&["check", CAMERA, "--seconds", seconds, "--json"])
}

/// Waits until so many read.
fn reading(service: &Service, wanted: u64) {
    wait_until("all to read", LONG, || {
        let clients = service.json(&["clients"]);
        let all = clients.as_array().expect("a list");
        let reading = all.iter().filter(|client| client["frames"].as_u64() > Some(5)).count();
        if reading as u64 >= wanted { Ok(()) } else { Err(clients.to_string()) }
    });
}

#[test]
fn eight_readers_lose_nothing_when_a_ninth_is_killed() {
    let service = Service::start();
    let readers: Vec<Program> = (0..8).map(|_| reader(&service, "8")).collect();
    let mut killed = reader(&service, "60");
    reading(&service, 9);
    killed.kill();
    wait_until("the killed one to be gone", LONG, || {
        let watchers = service.json(&["list"])[0]["watchers"].clone();
        if watchers.as_u64() <= Some(8) { Ok(()) } else { Err(watchers.to_string()) }
    });
    for mut reader in readers {
        let result = reader.wait(LONG).ok().json();
        for count in ["torn", "out_of_order"] {
            assert_eq!(result[count], 0, "{result}");
        }
        assert!(result["frames"].as_u64() > Some(60), "{result}");
    }
    assert_eq!(service.stop().code(), Some(0));
}

#[test]
fn a_killed_service_is_noticed_and_another_one_takes_its_place() {
    let mut service = Service::start();
    let mut reader = reader(&service, "60");
    reading(&service, 1);
    service.kill();
    let out = reader.wait(LONG);
    assert_ne!(out.code(), Some(0), "{out:?}");
    service.cli(&["list"]).expect_code(4);
    // Whoever dies gives back what only one can have.
    let again = service.cli_start(&["serve", "--test-camera"]);
    wait_until("the new service to answer", LONG, || {
        let out = service.cli(&["list"]);
        if out.code() == Some(0) { Ok(()) } else { Err(out.stderr) }
    });
    service.cli(&["shutdown"]).ok();
    // And who is told to end has, once that is said.
    drop(again);
    let mut third = service.cli_start(&["serve", "--test-camera"]);
    wait_until("the third service to answer", LONG, || {
        let out = service.cli(&["list"]);
        if out.code() == Some(0) { Ok(()) } else { Err(out.stderr) }
    });
    assert_eq!(third.terminate().code(), Some(0));
}

#[test]
fn of_services_that_start_at_once_one_runs() {
    let mut service = Service::start();
    service.kill();
    let start = || service.cli_start(&["serve", "--test-camera"]);
    let mut all: Vec<Program> = (0..4).map(|_| start()).collect();
    wait_until("all but one to have ended", LONG, || {
        let left = all.iter_mut().map(|program| program.is_running()).filter(|is| *is).count();
        if left == 1 { Ok(()) } else { Err(format!("{left} are running")) }
    });
    service.cli(&["list"]).ok();
    for program in &mut all {
        if !program.is_running() {
            let out = program.wait(LONG);
            assert!(matches!(out.code(), Some(1 | 3)), "{out:?}");
            assert!(out.stderr.contains("camera-service is"), "{out:?}");
        }
    }
}

#[test]
fn the_usual_endpoint_is_named_by_the_user() {
    let service = Service::start();
    let endpoint = Endpoint::to_listen().expect("an endpoint").to_string();
    assert!(endpoint.starts_with(r"\\.\pipe\camera-service-v1-S-1-5-"), "{endpoint}");
    let mut command = service.command();
    command.env_remove("CAMERA_SERVICE_SOCKET");
    let cli = |args: &[&str]| {
        let mut command = service.command();
        command.env_remove("CAMERA_SERVICE_SOCKET").args(args);
        Program::start("camera-service", &mut command).wait(LONG)
    };
    let mut usual = Program::start("the usual service", command.args(["serve", "--test-camera"]));
    wait_until("the usual service to answer", LONG, || {
        let out = cli(&["status", "--json"]);
        if out.code() == Some(0) { Ok(out) } else { Err(out.stderr) }
    });
    let status = cli(&["status", "--json"]).json();
    assert_eq!(status["endpoint"], endpoint, "{status}");
    assert_eq!(usual.terminate().code(), Some(0));
}

#[test]
fn clients_are_told_by_process_and_program() {
    let service = Service::start();
    let reader = reader(&service, "60");
    reading(&service, 1);
    let clients = service.json(&["clients"]);
    let all = clients.as_array().expect("a list");
    let found = all.iter().find(|client| client["pid"] == reader.pid()).expect("the reader");
    assert_eq!(found["program"], "camera-service.exe", "{found}");
    assert_eq!(found["delivery"], "shared", "{found}");
}

#[test]
fn what_is_no_pipe_of_this_machine_is_refused() {
    let service = Service::start();
    for path in [r"C:\camera.sock", r"\\elsewhere\pipe\camera-service", r"\\.\pipe\"] {
        let out = service.cli(&["--socket", path, "list"]).expect_code(1);
        assert!(out.stderr.contains("is not the name of a pipe on this machine"), "{out:?}");
    }
}

#[test]
fn a_publisher_that_goes_is_noticed_also_where_nobody_watches() {
    let service = Service::builder().start();
    let rate = FrameRate::new(30, 1);
    let mode = Mode { format: PixelFormat::I420, size: Size::new(160, 120), rate };
    let publishing = Publishing::start(&service, "a", mode, move |number| picture(mode, number));
    let cameras = || service.json(&["list"]).as_array().expect("a list").len();
    assert_eq!(cameras(), 1);
    drop(publishing);
    wait_until("its camera to be gone", LONG, || match cameras() {
        0 => Ok(()),
        left => Err(format!("{left} cameras")),
    });
}

/// The window by which the service of a process hears that the session ends.
fn session_window(process: Process) -> HWND {
    wait_until("the window", LONG, || {
        let mut window = HWND::default();
        loop {
            // SAFETY: the class lives as long as the program; the handle is only a number.
            window = unsafe {
                let class = w!("camera-service-session");
                FindWindowExW(None, Some(window), class, PCWSTR::null())
                    .map_err(|error| error.to_string())?
            };
            let mut owner = 0;
            // SAFETY: the number outlives the call.
            unsafe { GetWindowThreadProcessId(window, Some(&raw mut owner)) };
            if owner == process.pid() {
                return Ok(window);
            }
        }
    })
}

#[test]
fn the_service_stops_when_the_session_ends() {
    let mut service = Service::start();
    let mut watching = reader(&service, "60");
    reading(&service, 1);
    let window = session_window(Process::new(service.pid()));
    // SAFETY: passes numbers only. Not waited for: the answer comes when the process has ended.
    unsafe { SendNotifyMessageW(window, WM_ENDSESSION, WPARAM(1), LPARAM(0)) }.expect("told");
    let out = service.wait(Duration::from_secs(10)).ok();
    assert!(out.stderr.contains("the session ends"), "{out:?}");
    let out = watching.wait(LONG);
    assert!(out.stderr.contains("stopping"), "{out:?}");
}

#[test]
fn a_client_that_does_not_read_costs_no_handles_once_it_is_gone() {
    let service = Service::start();
    let process = Process::new(service.pid());
    let stuck = || {
        run(async {
            let stream = connector(&service).stream(native(Delivery::Inline)).await;
            // What is on its way to it is never read.
            let stream = stream.expect("a stream");
            tokio::time::sleep(Duration::from_millis(200)).await;
            drop(stream);
        });
    };
    stuck();
    thread::sleep(Duration::from_millis(500));
    let before = process.fd_count();
    (0..20).for_each(|_| stuck());
    wait_until("the handles to be given back", LONG, || {
        let now = process.fd_count();
        if now <= before + 5 { Ok(()) } else { Err(format!("{now}, {before} before")) }
    });
}

#[test]
fn slots_that_a_client_never_mapped_cost_it_no_handles() {
    let service = Service::start();
    let this = Process::new(std::process::id());
    let slots = || this.handles_for(FILE_MAP_READ);
    let unread = || {
        run(async {
            let stream = connector(&service).stream(native(Delivery::Shared)).await;
            let stream = stream.expect("a stream");
            // Frames lie there in two slots, of which it is told and never reads.
            while slots() < 2 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            drop(stream);
        });
    };
    let read = || {
        run(async {
            let stream = connector(&service).stream(native(Delivery::Shared)).await;
            take(&mut stream.expect("a stream"), Delivery::Shared, 10).await;
        });
    };
    (0..10).for_each(|_| unread());
    (0..5).for_each(|_| read());
    // Other tests of this program may hold some meanwhile, and end.
    wait_until("the handles to be taken back", LONG, || match slots() {
        0 => Ok(()),
        left => Err(format!("{left} handles of slots")),
    });
}

#[test]
fn a_stream_that_is_cut_is_an_error_and_not_an_end() {
    let mut service = Service::start();
    run(async {
        let stream = connector(&service).stream(native(Delivery::Inline)).await;
        let mut stream = stream.expect("a stream");
        stream.next_frame().await.expect("a frame");
        service.kill();
        let error = loop {
            match stream.next().await {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert!(
            matches!(error, ClientError::Closed | ClientError::Transport(_)),
            "{error:?}: {error}"
        );
        let again = connector(&service).control().await.err().expect("nobody is there");
        assert!(matches!(again, ClientError::NotRunning(_)), "{again:?}");
    });
}

#[test]
fn help_is_printed_where_it_was_asked_for() {
    let out = Program::start("help", Command::new(tests::binary::camera_service()).arg("--help"))
        .wait(LONG)
        .ok();
    assert!(out.text().contains("serve"), "{out:?}");
}
