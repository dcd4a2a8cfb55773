//! The configuration while the service runs: every way to edit a file takes effect within a second
//! and disturbs no stream; what is wrong is refused with its line.

use std::{
    fs,
    io::ErrorKind,
    os::unix::{fs::symlink, net::UnixListener},
    path::Path,
    time::{Duration, Instant},
};

use protocol::{Event, StreamRequest};
use serde_json::json;
use tests::{
    QUICK, Service,
    live::{Events, Seen, Watcher, any},
    wait_until,
};

const PATIENCE: Duration = Duration::from_secs(30);
/// An edit has to be in force by then.
const SOON: Duration = Duration::from_secs(1);

fn native() -> StreamRequest {
    StreamRequest::native("test:0".into())
}

fn limited(connections: u32) -> String {
    format!("{QUICK}\n[limits]\nconnections = {connections}\n")
}

/// Waits until the limit of connections is this one; how long that took.
#[track_caller]
fn wait_for_limit(service: &Service, limit: u32) -> Duration {
    let edited = Instant::now();
    wait_until(&format!("the limit to be {limit}"), PATIENCE, || {
        let now = service.json(&["status"])["max_connections"].clone();
        if now == limit { Ok(()) } else { Err(now.to_string()) }
    });
    edited.elapsed()
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("written");
}

#[test]
fn every_way_of_editing_takes_effect_within_a_second_and_costs_no_frame() {
    let service = Service::builder().test_camera("320x240@30").start();
    let events = Events::start(&service);
    let watcher = Watcher::start(&service, native(), any());
    watcher.frames(0, 3);
    let file = service.config_file().to_owned();
    let beside = |name: &str| file.with_file_name(name);
    let mut limit = 100;
    let mut edit = |what: &str, edit: &dyn Fn(&str)| {
        let from = events.now();
        limit += 1;
        edit(&limited(limit));
        let took = wait_for_limit(&service, limit);
        // The command that looks takes its time, too.
        assert!(took < SOON + Duration::from_millis(300), "{what}: {took:?}");
        events.wait(from, "the news", |event| matches!(event, Event::ConfigReloaded));
        watcher.frames(watcher.now(), 2);
    };
    edit("written in place", &|text| write(&file, text));
    edit("put in its place", &|text| {
        write(&beside("new"), text);
        fs::rename(beside("new"), &file).expect("renamed");
    });
    edit("moved away and written anew, as some editors do", &|text| {
        fs::rename(&file, beside("backup~")).expect("renamed");
        write(&file, text);
    });
    edit("emptied and filled", &|text| {
        write(&file, "");
        std::thread::sleep(Duration::from_millis(50));
        write(&file, text);
    });
    edit("a link put in its place", &|text| {
        fs::create_dir_all(beside("dotfiles")).expect("a folder");
        write(&beside("dotfiles/config.toml"), text);
        fs::remove_file(&file).expect("removed");
        symlink("dotfiles/config.toml", &file).expect("linked");
    });
    edit("what the link leads to", &|text| write(&beside("dotfiles/config.toml"), text));
    edit("the folder of that replaced", &|text| {
        fs::rename(beside("dotfiles"), beside("dotfiles.old")).expect("renamed");
        fs::create_dir(beside("dotfiles")).expect("a folder");
        write(&beside("dotfiles/config.toml"), text);
    });
    edit("and what lies in it now", &|text| write(&beside("dotfiles/config.toml"), text));
    let others = watcher.other_than_frames();
    assert!(matches!(others[..], [Seen::Started(_)]), "{others:?}");
    // Nothing is told of what changes nothing.
    let from = events.now();
    write(&file, &(limited(limit) + "# a remark\n"));
    write(&beside("another.toml"), "");
    std::thread::sleep(SOON);
    let told = &events.all()[from..];
    assert!(!told.iter().any(|event| matches!(event, Event::ConfigReloaded)), "{told:?}");
}

#[test]
fn a_wrong_edit_is_refused_with_its_line_and_the_one_before_stays_in_force() {
    let service = Service::builder().test_camera("320x240@30").start();
    let events = Events::start(&service);
    let watcher = Watcher::start(&service, native(), any());
    let file = service.config_file().to_owned();
    write(&file, &limited(55));
    wait_for_limit(&service, 55);
    let from = events.now();
    let wrong = limited(56).replace("connections = 56", "conections = 56");
    let line = wrong.lines().position(|line| line.starts_with("conections")).expect("there") + 1;
    write(&file, &wrong);
    let refused = |event: &Event| matches!(event, Event::ConfigRefused { .. });
    let (at, told) = events.wait(from, "the refusal", refused);
    let Event::ConfigRefused { message } = told else { unreachable!() };
    assert!(message.contains(&format!("line {line}, ")), "{message}");
    assert!(message.contains("unknown key `conections`"), "{message}");
    let status = service.json(&["status"]);
    assert_eq!(status["max_connections"], 55, "{status}");
    assert_eq!(status["config_refused"], message.as_str());
    let text = service.cli(&["status"]).ok();
    assert!(text.text().contains("refused, the one before is in force: "), "{text:?}");
    wait_until("the log to say so", PATIENCE, || {
        let log = service.log();
        if log.contains(&message) { Ok(()) } else { Err(log) }
    });
    let output = service.cli(&["config", "reload"]).expect_code(1);
    assert!(output.stderr.contains("unknown key"), "{output:?}");
    // Named on the command line it must be there; gone, it is not the default that is in force.
    fs::remove_file(&file).expect("removed");
    events.wait(at + 1, "the refusal", |event| {
        matches!(event, Event::ConfigRefused { message } if message.contains("cannot read"))
    });
    assert_eq!(service.json(&["status"])["max_connections"], 55);
    write(&file, &limited(55));
    let fixed = |event: &Event| matches!(event, Event::ConfigReloaded);
    events.wait(at, "the news that it is mended", fixed);
    assert_eq!(service.json(&["status"])["config_refused"], json!(null));
    watcher.frames(watcher.now(), 3);
    assert!(matches!(watcher.other_than_frames()[..], [Seen::Started(_)]));
}

#[test]
fn the_usual_file_may_come_and_go_with_its_folder() {
    let service = Service::builder().default_config().start();
    let folder = service.config_file().parent().expect("a folder").to_owned();
    assert!(!folder.exists());
    assert_eq!(service.json(&["status"])["max_connections"], 1024);
    for limit in [31, 32] {
        fs::create_dir(&folder).expect("a folder");
        write(service.config_file(), &format!("[limits]\nconnections = {limit}\n"));
        wait_for_limit(&service, limit);
        fs::remove_dir_all(&folder).expect("removed");
        wait_for_limit(&service, 1024);
    }
    service.cli(&["config", "set", "limits.connections", "33"]).ok();
    wait_for_limit(&service, 33);
}

#[test]
fn fewer_connections_are_taken_at_once_and_more_again() {
    let service = Service::builder().test_camera("320x240@30").config(&limited(8)).start();
    let first = Watcher::start(&service, native(), any());
    let second = Watcher::start(&service, native(), any());
    write(service.config_file(), &limited(2));
    wait_until("commands to be refused", PATIENCE, || {
        let output = service.cli(&["list"]);
        if output.code() == Some(1) { Ok(()) } else { Err(format!("{output:?}")) }
    });
    service.cli(&["list"]).expect_code(1).expect_error("as many connections as it takes");
    first.frames(first.now(), 2);
    second.frames(second.now(), 2);
    drop(first);
    wait_until("a command to be served", PATIENCE, || {
        let output = service.cli(&["list"]);
        if output.code() == Some(0) { Ok(()) } else { Err(format!("{output:?}")) }
    });
    write(service.config_file(), &limited(9));
    wait_for_limit(&service, 9);
    second.frames(second.now(), 2);
}

#[test]
fn test_cameras_come_and_go_with_their_lines() {
    let with = |cameras: &str| format!("{QUICK}\n[cameras]\ntest_cameras = [{cameras}]\n");
    let ids = |service: &Service| -> Vec<String> {
        let list = service.json(&["list"]);
        let list = list.as_array().expect("cameras").iter();
        list.map(|camera| camera["id"].as_str().expect("an id").to_owned()).collect()
    };
    let wait_for = |service: &Service, wanted: &[&str]| {
        wait_until(&format!("the cameras to be {wanted:?}"), PATIENCE, || {
            let now = ids(service);
            if now == wanted { Ok(()) } else { Err(format!("{now:?}")) }
        });
    };
    // The one of the command line stays, whatever the file says.
    let service =
        Service::builder().test_camera("160x120@10").config(&with("\"320x240@30\"")).start();
    wait_for(&service, &["test:0", "test:1"]);
    let modes = service.json(&["info", "test:0"])["modes"].to_string();
    let own = if modes.contains("\"width\":160") { "test:0" } else { "test:1" };
    let other = if own == "test:0" { "test:1" } else { "test:0" };
    write(service.config_file(), &with("\"320x240@30\", \"640x480@15\""));
    wait_for(&service, &["test:0", "test:1", "test:2"]);
    let watcher = Watcher::start(&service, StreamRequest::native(other.into()), any());
    watcher.frames(0, 2);
    write(service.config_file(), &with("\"640x480@15\""));
    let (at, reason) = watcher.lost(0);
    assert!(reason.contains("it was removed"), "{reason}");
    // Back again, the stream goes on; in another mode as well.
    write(service.config_file(), &with("\"640x480@15\", \"352x288@30\""));
    let frames = watcher.frames(at, 3);
    assert_eq!(frames[2].size.width, 352);
    drop(watcher);
    write(service.config_file(), &with(""));
    wait_for(&service, &[own]);
    write(service.config_file(), QUICK);
    service.cli(&["config", "reload"]).ok();
    assert_eq!(ids(&service), [own]);
}

#[test]
fn single_values_are_looked_up_and_changed() {
    let service = Service::builder().default_config().start();
    let file = service.config_file().to_owned();
    fs::create_dir_all(file.parent().expect("a folder")).expect("made");
    let text = "# mine\n[limits]\nconnections = 50 # enough\n";
    write(&file, text);
    assert_eq!(service.cli(&["config", "get", "limits.connections"]).ok().text(), "50\n");
    let value = service.json(&["config", "get", "timeouts.close_after"]);
    assert_eq!(value, json!({"key": "timeouts.close_after", "value": 3}));
    service.cli(&["config", "set", "limits.connections", "60"]).ok();
    assert_eq!(fs::read_to_string(&file).expect("there"), text.replace("50", "60"));
    // It is in force when the command ends, by whichever way the file is named.
    let limit = || service.json(&["status"])["max_connections"].clone();
    assert_eq!(limit(), 60);
    symlink(&file, file.with_file_name("link.toml")).expect("linked");
    let link = file.with_file_name("link.toml").display().to_string();
    service.cli(&["config", "set", "limits.connections", "61", "--config", &link]).ok();
    assert_eq!(limit(), 61);
    service.cli(&["config", "set", "limits.connections", "60"]).ok();
    // Another file is nothing to the service.
    let other = file.with_file_name("other.toml").display().to_string();
    service.cli(&["config", "set", "limits.connections", "70", "--config", &other]).ok();
    assert_eq!(limit(), 60);
    for (key, value, words) in [
        ("limits.connections", "0", "1 to 65536 are allowed"),
        ("limits.conections", "5", "unknown key `conections`"),
        ("timeouts.close_after", "soon", "seconds from 0.001"),
        ("loopback.device", "/dev/video9", "nothing was written"),
    ] {
        let output = service.cli(&["config", "set", key, value]).expect_code(1);
        assert!(output.stderr.contains(words), "{output:?}");
    }
    let output = service.cli(&["config", "get", "limits.conections"]).expect_code(1);
    assert!(output.stderr.contains("known here: connections"), "{output:?}");
    assert_eq!(fs::read_to_string(&file).expect("there"), text.replace("50", "60"));
}

#[test]
fn an_edit_of_a_file_that_is_not_the_services_is_said_to_be_one() {
    let service = Service::start();
    let set = ["config", "set", "limits.connections", "40"];
    let told = service.cli(&set).ok();
    let file = service.config_file().display().to_string();
    assert!(told.stderr.contains(&format!("`--config {file}` does")), "{told:?}");
    // Whoever names a file knows which one.
    let other = service.folder().join("other.toml").display().to_string();
    assert_eq!(service.cli(&[&set[..], &["--config", &other]].concat()).ok().stderr, "");
}

#[test]
fn an_edit_by_a_command_starts_no_service() {
    let service = Service::builder().default_config().start();
    service.cli(&["shutdown"]).ok();
    let set = ["config", "set", "limits.connections", "40"];
    assert_eq!(service.cli(&set).ok().stderr, "");
    // Where systemd listens, whoever comes to the socket has it start one.
    let listener = UnixListener::bind(service.socket()).expect("nobody listens");
    listener.set_nonblocking(true).expect("set");
    assert_eq!(service.cli(&set).ok().stderr, "");
    let came = listener.accept();
    assert!(came.is_err_and(|error| error.kind() == ErrorKind::WouldBlock), "somebody came");
    let text = fs::read_to_string(service.config_file()).expect("there");
    assert!(text.contains("connections = 40"), "{text}");
}
