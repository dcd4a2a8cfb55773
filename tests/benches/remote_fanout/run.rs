//! One run: so many viewers of one server for so long, and what it cost.

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tests::{Process, Shim};

use crate::servers::{Server, busy};

/// Between the last viewer's first frame and the start of counting.
const SETTLE: Duration = Duration::from_secs(1);

/// What was measured.
pub(crate) struct Figures {
    pub(crate) server: &'static str,
    pub(crate) viewers: usize,
    /// One of the viewers never reads, and is not counted.
    pub(crate) one_stopped: bool,
    /// The server's time on a CPU for each frame delivered, in µs; the camera's is left out.
    pub(crate) cpu: f64,
    /// Frames a second that a viewer got, on average.
    pub(crate) rate: f64,
    /// From capture to the last byte's arrival in ms: half of all frames, and 99 of 100, were
    /// not later.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// CPUs that programs other than server and viewers kept busy meanwhile.
    pub(crate) others: f64,
}

/// Has `viewers` watch `server` and counts for `time`.
pub(crate) fn run(
    server: &dyn Server,
    viewers: usize,
    one_stopped: bool,
    time: Duration,
) -> Result<Figures> {
    let mut crowd = Crowd::start(server, viewers, one_stopped)?;
    let line = crowd.line().with_context(|| format!("{viewers} viewers of {}", server.name()))?;
    ensure!(line == "ready", "the viewers said {line:?}");
    thread::sleep(SETTLE);
    let processes = server.processes();
    let before = Spent::now(&processes, crowd.process())?;
    crowd.tell()?;
    thread::sleep(time);
    let after = Spent::now(&processes, crowd.process())?;
    crowd.tell()?;
    let report: Value = serde_json::from_str(&crowd.line()?)?;
    let latencies = report["latencies_us"].as_array().context("latencies")?;
    let mut latencies: Vec<u64> = latencies.iter().filter_map(Value::as_u64).collect();
    latencies.sort_unstable();
    let not_later = |hundredths: usize| {
        let at = (latencies.len() * hundredths).div_ceil(100).saturating_sub(1);
        latencies.get(at).copied().unwrap_or(0) as f64 / 1e3
    };
    let seconds = after.at.duration_since(before.at).as_secs_f64();
    let between = |before: Duration, after: Duration| after.saturating_sub(before).as_secs_f64();
    let spent = between(before.server, after.server);
    let ours = spent + between(before.crowd, after.crowd) + between(before.camera, after.camera);
    let counted = viewers - usize::from(one_stopped);
    Ok(Figures {
        server: server.name(),
        viewers,
        one_stopped,
        cpu: spent * 1e6 / latencies.len().max(1) as f64,
        rate: latencies.len() as f64 / seconds / counted as f64,
        p50: not_later(50),
        p99: not_later(99),
        others: ((between(before.machine, after.machine) - ours) / seconds).max(0.0),
    })
}

/// CPU time spent until some moment.
struct Spent {
    at: Instant,
    server: Duration,
    camera: Duration,
    crowd: Duration,
    machine: Duration,
}

impl Spent {
    fn now(server: &[Process], crowd: Process) -> Result<Self> {
        let (mut all, mut camera) = (Duration::ZERO, Duration::ZERO);
        for process in server {
            for (thread, time) in process.cpu_by_thread() {
                if thread == Shim::THREAD { camera += time } else { all += time }
            }
        }
        Ok(Self { at: Instant::now(), server: all, camera, crowd: crowd.cpu(), machine: busy()? })
    }
}

/// The process with all viewers; killed when dropped.
struct Crowd {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Crowd {
    fn start(server: &dyn Server, viewers: usize, one_stopped: bool) -> Result<Self> {
        let stopped = if one_stopped { "one-stopped" } else { "all" };
        let mut child = Command::new(env::current_exe()?)
            .args(["--viewers", server.kind(), &server.address().to_string(), server.path()])
            .args([server.token(), server.camera(), &viewers.to_string(), stopped])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the viewers")?;
        let stdin = child.stdin.take().context("stdin is a pipe")?;
        let stdout = BufReader::new(child.stdout.take().context("stdout is a pipe")?);
        Ok(Self { child, stdin, stdout })
    }

    fn process(&self) -> Process {
        Process::new(self.child.id())
    }

    fn tell(&mut self) -> Result<()> {
        Ok(self.stdin.write_all(b"\n")?)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        ensure!(!line.is_empty(), "the viewers have ended without a word");
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
