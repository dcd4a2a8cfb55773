//! `[[loopback]]` in the configuration: started by the service, and ended with it.

use std::{fs, path::Path};

use protocol::{Request, client::Connector, endpoint::Endpoint};
use tests::{Process, Signal};

use super::*;

fn entry(device: &str, more: &str) -> String {
    format!("[[loopback]]\ncamera = \"test:0\"\ndevice = \"{device}\"\nsize = \"{SIZE}\"\n{more}\n")
}

/// Ids of the processes that write into `device`.
fn writers(device: &str) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("/proc can be listed").flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let writes = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
        words.contains(&&b"loopback"[..]) && words.contains(&device.as_bytes())
    };
    pids.filter(writes).collect()
}

#[track_caller]
fn wait_for_writer(service: &Service, device: &str, but: Option<u32>) -> u32 {
    wait_until(&format!("a process that writes into {device}"), PATIENCE, || {
        let number = device.trim_start_matches("/dev/");
        let format = fs::read_to_string(format!("/sys/class/video4linux/{number}/format"));
        match writers(device)[..] {
            [pid] if Some(pid) != but && format.is_ok_and(|format| !format.is_empty()) => Ok(pid),
            ref other => Err(format!("{other:?}\n{}", service.log())),
        }
    })
}

#[track_caller]
fn wait_for_end(pid: u32) {
    wait_until(&format!("the end of {pid}"), PATIENCE, || {
        let is_there = Path::new(&format!("/proc/{pid}")).exists();
        if is_there { Err("it runs".to_owned()) } else { Ok(()) }
    });
}

fn reload(service: &Service, config: &str) {
    fs::write(service.config_file(), config).expect("the configuration can be written");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let connector = Connector::new("test").endpoint(Endpoint::at(service.socket()));
    runtime.expect("a runtime").block_on(async {
        let client = connector.control().await.expect("connected");
        client.request(Request::ReloadConfig).await.expect("reloaded");
    });
}

#[test]
fn it_starts_by_itself_and_a_broken_entry_does_no_harm() {
    let config = format!("{CONFIG}{}{}", entry(BOTH, ""), entry("/dev/video99", ""));
    let service = Service::builder().config(&config).test_camera("320x240@15").start();
    let pid = wait_for_writer(&service, BOTH, None);
    wait_until("the broken one to be tried again", PATIENCE, || {
        let log = service.log();
        let tried = log.matches("there is no device /dev/video99").count();
        if tried >= 2 { Ok(()) } else { Err(log) }
    });
    assert_in_order(&Footage::new(Reader::v4l2_ctl(BOTH, 20).wait(), "YUYV", size()).seen(), 10);
    assert_not_listed(&service);
    let log = service.log();
    assert!(log.contains("read by v4l2-ctl"), "what it says is in the log: {log}");

    // One that is killed is started again.
    Process::new(pid).signal(Signal::KILL);
    let pid = wait_for_writer(&service, BOTH, Some(pid));
    assert_in_order(&Footage::new(Reader::v4l2_ctl(BOTH, 20).wait(), "YUYV", size()).seen(), 10);

    // It ends with the service, which it does not hold up.
    service.stop().ok();
    assert_eq!(writers(BOTH), [0; 0]);
    wait_for_end(pid);
}

#[test]
fn it_does_not_outlive_a_service_that_is_killed() {
    let config = format!("{CONFIG}{}", entry(EXCLUSIVE, ""));
    let mut service = Service::builder().config(&config).test_camera("320x240@15").start();
    let pid = wait_for_writer(&service, EXCLUSIVE, None);
    service.kill();
    wait_for_end(pid);
}

#[test]
fn one_that_hangs_does_not_hold_up_the_end() {
    let config = format!("{CONFIG}{}", entry(EXCLUSIVE, ""));
    let service = Service::builder().config(&config).test_camera("320x240@15").start();
    let pid = wait_for_writer(&service, EXCLUSIVE, None);
    Process::new(pid).signal(Signal::STOP);
    let began = std::time::Instant::now();
    let log = service.stop().ok().stderr;
    // It promises 2 s; an emulated machine is slower.
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(log.contains("does not end and is killed"), "{log}");
    wait_for_end(pid);
}

#[test]
fn a_new_configuration_starts_and_ends_them() {
    let first = format!("{CONFIG}{}", entry(EXCLUSIVE, ""));
    let service = Service::builder().config(&first).test_camera("320x240@15").start();
    let pid = wait_for_writer(&service, EXCLUSIVE, None);
    reload(&service, &format!("{first}{}", entry(BOTH, "format = \"nv12\"")));
    let other = wait_for_writer(&service, BOTH, None);
    assert_eq!(writers(EXCLUSIVE), [pid], "what did not change goes on");
    let format = fs::read_to_string("/sys/class/video4linux/video11/format").expect("its format");
    assert!(format.starts_with("NV12:320x240"), "{format}");

    reload(&service, &format!("{CONFIG}{}", entry(BOTH, "format = \"nv12\"")));
    wait_for_end(pid);
    assert_eq!(writers(BOTH), [other]);
    reload(&service, CONFIG);
    wait_for_end(other);
    assert_not_listed(&service);
}
