//! A service that nobody sees, as one that is started at login: with a console of its own, which it
//! gives back, and a log in a file.

use std::{
    collections::BTreeMap, ffi::OsString, fs, os::windows::ffi::OsStrExt as _, time::Duration,
};

use tests::{Service, wait_until};
use windows::{
    Win32::{
        Foundation::CloseHandle,
        System::Threading::{
            CREATE_NO_WINDOW, CREATE_UNICODE_ENVIRONMENT, CreateProcessW, PROCESS_INFORMATION,
            STARTUPINFOW,
        },
    },
    core::{HSTRING, PWSTR},
};

const LONG: Duration = Duration::from_secs(120);

/// Starts `serve` in the surroundings of `service`, with no streams but those of a new console.
fn start_unseen(service: &Service) {
    let command = service.command();
    let mut variables: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => variables.insert(name.to_owned(), value.to_owned()),
            None => variables.remove(name),
        };
    }
    let mut environment = Vec::new();
    for (name, value) in &variables {
        environment.extend(name.encode_wide().chain("=".encode_utf16()));
        environment.extend(value.encode_wide().chain([0]));
    }
    environment.push(0);
    let program = command.get_program().to_string_lossy();
    let mut line: Vec<u16> =
        format!("\"{program}\" serve --started-by login --test-camera\0").encode_utf16().collect();
    let folder = HSTRING::from(service.folder());
    let startup = STARTUPINFOW { cb: size_of::<STARTUPINFOW>() as u32, ..STARTUPINFOW::default() };
    let mut process = PROCESS_INFORMATION::default();
    // SAFETY: all texts end with 0 and, like the structures, outlive the calls; the handles that
    // are closed are new.
    unsafe {
        CreateProcessW(
            None,
            Some(PWSTR(line.as_mut_ptr())),
            None,
            None,
            false,
            CREATE_NO_WINDOW | CREATE_UNICODE_ENVIRONMENT,
            Some(environment.as_ptr().cast()),
            &folder,
            &raw const startup,
            &raw mut process,
        )
        .expect("it starts");
        CloseHandle(process.hThread).expect("it is open");
        CloseHandle(process.hProcess).expect("it is open");
    }
}

#[test]
fn a_service_that_nobody_sees_logs_to_a_file() {
    let mut service = Service::start();
    service.kill();
    let log = service.folder().join("state").join("camera-service").join("service.log");
    assert!(!log.exists(), "one that is seen logs to whom it may concern");
    start_unseen(&service);
    wait_until("it to answer", LONG, || {
        let out = service.cli(&["status", "--json"]);
        if out.code() == Some(0) { Ok(()) } else { Err(out.stderr) }
    });
    assert_eq!(service.json(&["status"])["started_by"], "login");
    service.cli(&["shutdown"]).ok();
    let text = fs::read_to_string(&log).expect("its log");
    assert!(text.contains("listening at") && text.contains("stopping"), "{text}");
}
