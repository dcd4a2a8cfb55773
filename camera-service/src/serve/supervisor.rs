//! Other processes of ours that run for as long as the service does: started, started again when
//! they end, and ended with it.
//!
//! A child is this very program with other arguments. It is given the reading end of a pipe as its
//! standard input and ends when that is closed: so it does not outlive the service, however that
//! ends. What it writes goes into the service's log. Each is one task on the I/O thread.

use std::{
    ffi::OsString,
    io,
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader},
    process::{Child, Command},
};
use tokio_util::sync::CancellationToken;

/// How long a child has to end by itself before it is killed; the service has more.
const END: Duration = Duration::from_millis(400);
/// A child that ran for so long had started well: the next wait is short again.
const WELL: Duration = Duration::from_secs(10);
/// More of a line than this is another line. Children write short ones.
const LINE: u64 = 4096;

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Job {
    /// What it is called in the log.
    pub(super) name: String,
    /// The arguments for this program.
    pub(super) args: Vec<OsString>,
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
        match start(&job) {
            Ok(child) => {
                tracing::info!(job = job.name, pid = child.id(), "started");
                match run(&job.name, child, &stop).await {
                    None => return,
                    Some(Ok(status)) => tracing::warn!(job = job.name, %status, "has ended"),
                    Some(Err(error)) => tracing::warn!(job = job.name, %error, "was lost"),
                }
            }
            Err(error) => tracing::error!(job = job.name, %error, "cannot be started"),
        }
        if began.elapsed() >= WELL {
            wait = patience.first;
        }
        tracing::debug!(job = job.name, ?wait, "to be started again");
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = (wait * 2).min(patience.most);
    }
}

fn start(job: &Job) -> io::Result<Child> {
    let program = std::env::current_exe()?;
    let mut command = Command::new(program);
    #[cfg(unix)]
    for variable in super::activation::VARIABLES {
        command.env_remove(variable);
    }
    command.args(&job.args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Should this task be dropped, the child is not to be forgotten.
    command.kill_on_drop(true);
    command.spawn()
}

/// Passes on what the child says until it ends, or ends it when `stop` comes; then there is
/// nothing to tell.
async fn run(
    name: &str,
    mut child: Child,
    stop: &CancellationToken,
) -> Option<io::Result<ExitStatus>> {
    // Taken out of the child, for waiting would close it.
    let input = child.stdin.take();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let end = async {
        let said = async { tokio::join!(pass_on(name, stdout), pass_on(name, stderr)) };
        tokio::join!(child.wait(), said).0
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

async fn pass_on(name: &str, pipe: Option<impl AsyncRead + Unpin>) {
    let Some(pipe) = pipe else { return };
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut pipe).take(LINE).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {
                let text = String::from_utf8_lossy(&line);
                tracing::info!(job = name, "{}", text.trim_end());
            }
        }
    }
}
