//! `shutdown`: stops the service.

use std::{io::IsTerminal as _, process::ExitCode, time::Duration};

use protocol::{ClientError, ErrorKind};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::{CliError, Outcome, Session, output, session::answer};

/// The service takes 2 s at most.
const PATIENCE: Duration = Duration::from_secs(5);
/// Where nobody listens any more, its process has so long to end: whoever started it may not
/// have taken note of its end yet, and then it never seems to.
const LAST_STEPS: Duration = Duration::from_millis(if cfg!(windows) { 2500 } else { 500 });
const LOOK: Duration = Duration::from_millis(20);

#[derive(Serialize)]
struct Stopped {
    stopped: u32,
}

pub(super) async fn run(session: &Session) -> Outcome {
    let client = session.control().await?;
    let pid = client.service_pid();
    // Where systemd listens, asking whether somebody answers would have it start another one.
    let by_systemd = answer(client.status()).await?.started_by.starts_with("systemd");
    answer(client.shutdown()).await?;
    drop(client);
    // So that whoever called this can start another one at once.
    let deadline = Instant::now() + PATIENCE;
    while if by_systemd { is_running(pid) } else { !gone(session, pid).await } {
        if Instant::now() >= deadline {
            return Err(CliError::failed(
                ErrorKind::Timeout,
                format!("the service (process {pid}) was told to stop and has not within 5 s"),
            ));
        }
        sleep(LOOK).await;
    }
    last_steps(pid).await;
    if session.json {
        output::print_json(&Stopped { stopped: pid })?;
    } else {
        output::print(&format!("The service (process {pid}) has stopped.\n"))?;
        if by_systemd && std::io::stderr().is_terminal() {
            output::note(
                "systemd starts it again when a program asks for it, and at the next login; \
                 `camera-service uninstall` ends that",
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Waits for the end of process `pid`, which listens no more.
pub(super) async fn last_steps(pid: u32) {
    let deadline = Instant::now() + LAST_STEPS;
    while is_running(pid) && Instant::now() < deadline {
        sleep(LOOK).await;
    }
}

#[cfg(unix)]
fn is_running(pid: u32) -> bool {
    use rustix::process::{Pid, test_kill_process};
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid).is_ok())
}

/// Its pipe is gone before it is, and the place of the one service goes with the process.
#[cfg(windows)]
#[allow(unsafe_code)]
fn is_running(pid: u32) -> bool {
    use std::os::windows::io::{FromRawHandle as _, OwnedHandle};

    use windows::Win32::{
        Foundation::WAIT_TIMEOUT,
        System::Threading::{OpenProcess, PROCESS_SYNCHRONIZE, WaitForSingleObject},
    };

    // SAFETY: no pointer is passed; the handle is new and owned by nobody else.
    unsafe {
        let Ok(process) = OpenProcess(PROCESS_SYNCHRONIZE, false, pid) else { return false };
        let _closed = OwnedHandle::from_raw_handle(process.0);
        WaitForSingleObject(process, 0) == WAIT_TIMEOUT
    }
}

/// Whether the service that was process `pid` listens no more.
async fn gone(session: &Session, pid: u32) -> bool {
    match session.control().await {
        Ok(client) => client.service_pid() != pid,
        Err(CliError::Client(ClientError::NotRunning(_))) => true,
        // It is still on its way out.
        Err(_) => false,
    }
}
