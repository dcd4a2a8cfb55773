//! What nobody reads holds nothing up: neither a log nor events, nor a command's output.
#![cfg(target_os = "linux")]

use std::{
    io::{self, PipeReader, PipeWriter, Read as _, Write as _},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use protocol::{ClientHello, Hello, Preamble, Role, Verdict, Welcome};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use tests::{Process, Raw, Service, Socket, wait_until};

const LONG: Duration = Duration::from_secs(60);

/// A pipe that has room for nothing more.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, writer) = io::pipe().expect("a pipe");
    let flags = fcntl_getfl(&writer).expect("its flags");
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).expect("it can be filled");
    let mut filled = &writer;
    while filled.write(&[b'.'; 4096]).is_ok() {}
    while filled.write(b".").is_ok() {}
    fcntl_setfl(&writer, flags).expect("as others have it");
    (reader, writer)
}

/// A service whose log nobody reads.
struct Unread {
    serving: Child,
    /// Where its log can be read.
    log: PipeReader,
    /// One that has ended: its folders are used, and its commands reach the other.
    folders: Service,
}

impl Unread {
    #[track_caller]
    fn start() -> Self {
        let mut folders = Service::start();
        folders.terminate();
        let (log, stderr) = full_pipe();
        let serving = folders
            .command()
            .args(["serve", "--test-camera", "320x240@30", "--log", "debug"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .expect("the service can be started");
        let unread = Self { serving, log, folders };
        wait_until("the service to accept connections", LONG, || {
            let connected = Socket::connect(unread.folders.socket()).map(drop);
            connected.map_err(|error| error.to_string())
        });
        unread
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let _ = self.serving.kill();
        let _ = self.serving.wait();
    }
}

#[test]
fn a_service_whose_log_nobody_reads_serves_and_ends_in_time() {
    let mut service = Unread::start();
    // Each of these is logged.
    for _ in 0..3 {
        let result = service.folders.json(&["check", "test:0", "--seconds", "1"]);
        assert!(result["frames"].as_u64() > Some(15), "{result}");
        assert_eq!(result["torn"], 0, "{result}");
    }
    let began = Instant::now();
    Process::new(service.serving.id()).terminate();
    let status = wait_until("its end", LONG, || {
        let ended = service.serving.try_wait().expect("it can be asked");
        ended.ok_or_else(|| "it still runs".to_owned())
    });
    // 2 s are its own; the machine may be busy.
    assert!(began.elapsed() < Duration::from_secs(4), "it took {:?}", began.elapsed());
    assert_eq!(status.code(), Some(0));
    // What had room is not followed by half a line of what had none.
    let mut read = String::new();
    service.log.read_to_string(&mut read).expect("the pipe can be read");
    assert_eq!(read.trim_start_matches('.'), "");
}

#[test]
fn what_waited_in_the_log_is_written_once_somebody_reads() {
    let mut service = Unread::start();
    let mut log = service.log.try_clone().expect("a descriptor");
    let reading = thread::spawn(move || {
        let mut read = String::new();
        log.read_to_string(&mut read).expect("the pipe can be read");
        read
    });
    service.folders.cli(&["shutdown"]).ok();
    let status = service.serving.wait().expect("it can be waited for");
    assert_eq!(status.code(), Some(0));
    let read = reading.join().expect("the reader ends");
    let log = read.trim_start_matches('.');
    assert!(log.contains("listening at") && log.contains("stopping"), "{log}");
}

#[test]
fn a_command_whose_output_nobody_reads_ends_when_it_is_told_to() {
    let service = Service::builder().test_camera("320x240@30").start();
    let (_reader, stdout) = full_pipe();
    let mut command = service.command();
    command.arg("events").stdin(Stdio::null()).stdout(stdout).stderr(Stdio::null());
    let mut events = command.spawn().expect("it can be started");
    wait_until("it to listen", LONG, || {
        let clients = service.json(&["clients"]);
        let all = clients.as_array().expect("a list");
        let listens = all.iter().any(|client| client["role"] == "events");
        if listens { Ok(()) } else { Err(clients.to_string()) }
    });
    // One is being written, one waits for that, and there is room for no other.
    for name in ["one", "two", "three", "four"] {
        service.cli(&["rename", "test:0", name]).ok();
    }
    Process::new(events.id()).terminate();
    let status = wait_until("its end", LONG, || {
        let ended = events.try_wait().expect("it can be asked");
        ended.ok_or_else(|| "it still runs".to_owned())
    });
    assert_eq!(status.code(), Some(0));
}

/// Connects with a long name.
fn client(service: &Service) -> Raw {
    let mut raw = Raw::connect(service.socket());
    raw.send(&Preamble::new(Role::Control).to_bytes());
    let hello = ClientHello { name: "n".repeat(128), token: None, remote: None };
    raw.send_message(&Hello::Client(hello));
    assert_eq!(raw.verdict(), Verdict::Accepted);
    let welcome: Option<Welcome> = raw.message();
    assert!(matches!(welcome, Some(Welcome::Accepted { .. })), "{welcome:?}");
    raw
}

#[test]
fn a_reader_that_does_not_even_read_the_first_state_is_given_up() {
    // So many that the state has no room in a socket.
    const CLIENTS: usize = 1800;
    let config = "[limits]\nconnections = 2000\n";
    let service = Service::builder().test_camera("320x240@30").config(config).start();
    let clients: Vec<Raw> = (0..CLIENTS).map(|_| client(&service)).collect();
    let is_there = || {
        let clients = service.json(&["clients"]);
        let all = clients.as_array().expect("a list").clone();
        all.iter().any(|client| client["role"] == "events")
    };
    let reader = Raw::open(service.socket(), Role::Events);
    assert!(is_there());
    wait_until("the reader to be given up", LONG, || {
        if !is_there() {
            return Ok(());
        }
        // To ask costs much, of a service with so many.
        thread::sleep(Duration::from_millis(500));
        Err("it is still there".to_owned())
    });
    drop((reader, clients));
}
