//! One run: so many readers of the same camera for so long, and what it cost whom.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use protocol::Delivery;
use serde_json::Value;
use tests::{Process, Service, Shim, Signal, wait_until};

/// Between the last reader's first frames and the start of counting.
const SETTLE: Duration = Duration::from_secs(1);

/// What is run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) readers: usize,
    pub(crate) delivery: Delivery,
    /// One of the readers is stopped (SIGSTOP) while it holds slots.
    pub(crate) one_stopped: bool,
}

/// What was measured. CPU is time on a CPU for each frame that went to all readers, in µs.
pub(crate) struct Figures {
    pub(crate) case: Case,
    pub(crate) service: f64,
    /// By name of the service's thread; the pretended camera's is left out.
    pub(crate) threads: BTreeMap<String, f64>,
    /// Mean of the readers.
    pub(crate) reader: f64,
    /// From capture to reader in µs: half of all frames, and 99 of 100, were not later.
    pub(crate) p50: u64,
    pub(crate) p99: u64,
    /// Frames a reader got, on average.
    pub(crate) frames: f64,
    /// Of all readers.
    pub(crate) dropped: u64,
    pub(crate) gaps: u64,
    pub(crate) lagged: u64,
    /// CPUs that programs other than these kept busy meanwhile.
    pub(crate) others: f64,
}

/// Runs `case` on `camera` and counts for `time`.
pub(crate) fn run(service: &Service, camera: &str, case: Case, time: Duration) -> Result<Figures> {
    let mut readers = Vec::new();
    for _ in 0..case.readers {
        readers.push(Reader::start(service, camera, case.delivery)?);
    }
    for reader in &mut readers {
        let line = reader.line()?;
        ensure!(line == "ready", "a reader said {line:?}");
    }
    let stopped = if case.one_stopped { readers.pop() } else { None };
    if let Some(stopped) = &stopped {
        stopped.process().signal(Signal::STOP);
        wait_until("the reader to be stopped", SETTLE, || match stopped.process().state() {
            'T' => Ok(()),
            state => Err(state.to_string()),
        });
    }
    thread::sleep(SETTLE);

    let before = Spent::now(service, &readers)?;
    for reader in &mut readers {
        reader.tell()?;
    }
    thread::sleep(time);
    let after = Spent::now(service, &readers)?;
    for reader in &mut readers {
        reader.tell()?;
    }
    let reports = readers.iter_mut().map(Reader::report).collect::<Result<Vec<_>>>()?;
    Ok(figures(case, &before, &after, &reports))
}

fn figures(case: Case, before: &Spent, after: &Spent, reports: &[Value]) -> Figures {
    let sum = |key: &str| reports.iter().filter_map(|report| report[key].as_u64()).sum::<u64>();
    let latencies = reports.iter().filter_map(|report| report["latencies"].as_array()).flatten();
    let mut latencies: Vec<u64> = latencies.filter_map(Value::as_u64).collect();
    latencies.sort_unstable();
    let not_later = |hundredths: usize| {
        let at = (latencies.len() * hundredths).div_ceil(100).saturating_sub(1);
        latencies.get(at).copied().unwrap_or(0)
    };
    let frames = latencies.len() as f64 / reports.len() as f64;
    let between = |before: Duration, after: Duration| after.saturating_sub(before).as_secs_f64();
    let a_frame = |seconds: f64| seconds * 1e6 / frames.max(1.0);
    let mut threads: BTreeMap<String, f64> = after
        .service
        .iter()
        .map(|(name, time)| {
            let before = before.service.get(name).copied().unwrap_or_default();
            (name.clone(), a_frame(between(before, *time)))
        })
        .collect();
    let of_all: f64 = threads.values().sum();
    threads.remove(Shim::THREAD);
    let of_readers = between(before.readers, after.readers);
    let ours = of_all * frames / 1e6 + of_readers;
    let seconds = after.at.duration_since(before.at).as_secs_f64();
    Figures {
        case,
        service: threads.values().sum(),
        threads,
        reader: a_frame(of_readers) / reports.len() as f64,
        p50: not_later(50),
        p99: not_later(99),
        frames,
        dropped: sum("dropped"),
        gaps: sum("gaps"),
        lagged: sum("lagged"),
        others: ((between(before.machine, after.machine) - ours) / seconds).max(0.0),
    }
}

/// CPU time spent until some moment.
struct Spent {
    at: Instant,
    service: BTreeMap<String, Duration>,
    readers: Duration,
    machine: Duration,
}

impl Spent {
    fn now(service: &Service, readers: &[Reader]) -> Result<Self> {
        Ok(Self {
            at: Instant::now(),
            service: service.cpu_by_thread(),
            readers: readers.iter().map(|reader| reader.process().cpu()).sum(),
            machine: busy()?,
        })
    }
}

/// Time that all CPUs together were not idle, in hundredths of a second.
fn busy() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().context("/proc/stat has a first line")?;
    // user nice system idle iowait irq softirq steal; steal is not ours to have.
    let times: Vec<u64> = line.split_whitespace().skip(1).flat_map(str::parse).collect();
    ensure!(times.len() >= 7, "/proc/stat begins with {line:?}");
    Ok(Duration::from_millis((times[..3].iter().sum::<u64>() + times[5] + times[6]) * 10))
}

/// A reader process; killed when dropped.
struct Reader {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Reader {
    fn start(service: &Service, camera: &str, delivery: Delivery) -> Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args(["--reader", camera, delivery.as_str()])
            .env("CAMERA_SERVICE_SOCKET", service.socket())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start a reader")?;
        let stdin = child.stdin.take().context("stdin is a pipe")?;
        let stdout = BufReader::new(child.stdout.take().context("stdout is a pipe")?);
        Ok(Self { child, stdin, stdout })
    }

    fn process(&self) -> Process {
        Process::new(self.child.id())
    }

    /// Has it count, then end.
    fn tell(&mut self) -> Result<()> {
        Ok(self.stdin.write_all(b"\n")?)
    }

    /// The next line that it says; waits for it.
    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        ensure!(!line.is_empty(), "a reader has ended without a word");
        Ok(line.trim_end().to_owned())
    }

    fn report(&mut self) -> Result<Value> {
        Ok(serde_json::from_str(&self.line()?)?)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
