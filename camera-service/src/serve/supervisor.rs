//! Other processes of ours that run for as long as the service does: started, started again when
//! they end, and ended with it.
//!
//! A child is this very program with other arguments. Its standard input is the reading end of a
//! pipe, or one end of a [`Door`]; it ends when that is closed: so it does not outlive the service,
//! however that ends. What it writes goes into the service's log. Each is one task on the I/O
//! thread.

use std::{
    ffi::OsString,
    io,
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

#[cfg(unix)]
use protocol::transport::Door;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader},
    process::{Child, Command},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

/// How long a child has to end by itself before it is killed; the service has more.
const END: Duration = Duration::from_millis(400);
/// A child that ran for so long had started well: the next wait is short again.
const WELL: Duration = Duration::from_secs(10);
/// More of a line than this is another line. Children write short ones.
const LINE: u64 = 4096;

/// A child that was killed is started again after so long at most: it did not end by itself.
const KILLED: Duration = Duration::from_secs(1);

/// What to run.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// What it is called in the log.
    pub(super) name: String,
    /// The arguments for this program.
    pub(super) args: Vec<OsString>,
    /// Who hears of the child; then its standard input is a [`Door`], where there are any.
    pub(super) reports: Option<mpsc::Sender<Report>>,
}

/// What becomes of a child.
#[derive(Debug)]
pub(super) enum Report {
    /// It was started.
    Started {
        /// Its process.
        pid: Option<u32>,
        /// The service's end of its door.
        #[cfg(unix)]
        door: Option<Door>,
    },
    /// It has ended or could not be started; it is tried again.
    Ended {
        /// Its last words, or how it ended.
        reason: String,
    },
}

/// How long to wait before a child that ended is started again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// At first …
    pub(super) first: Duration,
    /// … doubling up to this while it keeps ending soon.
    pub(super) most: Duration,
}

/// Keeps `job` running until `stop`.
pub(super) async fn supervise(job: Job, patience: Patience, stop: CancellationToken) {
    let mut wait = patience.first;
    loop {
        let began = Instant::now();
        let (reason, killed) = match start(&job) {
            Ok(started) => {
                let Started { child, report } = started;
                tracing::info!(job = job.name, pid = child.id(), "started");
                tell(&job, report).await;
                match run(&job.name, child, &stop).await {
                    None => return,
                    Some(End { how, last_line }) => {
                        let (told, killed) = match &how {
                            Ok(status) => (status.to_string(), is_killed(*status)),
                            Err(error) => (error.to_string(), false),
                        };
                        tracing::warn!(job = job.name, "has ended: {told}");
                        (if last_line.is_empty() { told } else { reason(&last_line) }, killed)
                    }
                }
            }
            Err(error) => {
                tracing::error!(job = job.name, %error, "cannot be started");
                (format!("it cannot be started: {error}"), false)
            }
        };
        tell(&job, Report::Ended { reason }).await;
        if began.elapsed() >= WELL {
            wait = patience.first;
        }
        if killed {
            wait = wait.min(KILLED);
        }
        tracing::debug!(job = job.name, ?wait, "to be started again");
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = (wait * 2).min(patience.most);
    }
}

/// What a child's last line says, to stand in a sentence of ours: errors begin with the program's
/// name.
fn reason(last_line: &str) -> String {
    last_line.strip_prefix("camera-service: ").unwrap_or(last_line).to_owned()
}

async fn tell(job: &Job, report: Report) {
    if let Some(reports) = &job.reports {
        // Whoever wanted to know may have gone.
        let _ = reports.send(report).await;
    }
}

/// Whether a signal ended it.
fn is_killed(status: ExitStatus) -> bool {
    #[cfg(unix)]
    {
        std::os::unix::process::ExitStatusExt::signal(&status).is_some()
    }
    #[cfg(not(unix))]
    {
        status.code().is_none()
    }
}

struct Started {
    child: Child,
    report: Report,
}

fn start(job: &Job) -> io::Result<Started> {
    let program = std::env::current_exe()?;
    let mut command = Command::new(program);
    #[cfg(unix)]
    for variable in super::activation::VARIABLES {
        command.env_remove(variable);
    }
    command.args(&job.args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Without a window, where the service has no console to share; and what is typed into the
    // service's is not for it.
    #[cfg(windows)]
    command.creation_flags(windows::Win32::System::Threading::CREATE_NO_WINDOW.0);
    // Should this task be dropped, the child is not to be forgotten.
    command.kill_on_drop(true);
    #[cfg(unix)]
    let door = match &job.reports {
        None => None,
        Some(_) => {
            let (door, theirs) = Door::pair()?;
            command.stdin(theirs);
            Some(door)
        }
    };
    let child = command.spawn()?;
    let pid = child.id();
    #[cfg(unix)]
    let report = Report::Started { pid, door };
    #[cfg(not(unix))]
    let report = Report::Started { pid };
    Ok(Started { child, report })
}

/// How a child ended.
struct End {
    how: io::Result<ExitStatus>,
    /// What it said last on its standard error.
    last_line: String,
}

/// Passes on what the child says until it ends, or ends it when `stop` comes; then there is
/// nothing to tell.
async fn run(name: &str, mut child: Child, stop: &CancellationToken) -> Option<End> {
    // Taken out of the child, for waiting would close it.
    let input = child.stdin.take();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let end = async {
        let said = async { tokio::join!(pass_on(name, stdout), pass_on(name, stderr)) };
        let (how, (_, last_line)) = tokio::join!(child.wait(), said);
        End { how, last_line }
    };
    tokio::pin!(end);
    tokio::select! {
        end = &mut end => return Some(end),
        () = stop.cancelled() => {}
    }
    drop(input);
    if tokio::time::timeout(END, end).await.is_err() {
        tracing::warn!(job = name, "does not end and is killed");
    }
    None
}

/// Logs what comes through `pipe`; the last line of it.
async fn pass_on(name: &str, pipe: Option<impl AsyncRead + Unpin>) -> String {
    let mut last = String::new();
    let Some(pipe) = pipe else { return last };
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut pipe).take(LINE).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return last,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line);
                tracing::info!(job = name, "{}", text.trim_end());
                text.trim_end().clone_into(&mut last);
            }
        }
    }
}
