//! What one camera's frames cost when many programs read them: `cargo bench -p tests --bench
//! local_fanout`.
//!
//! A camera of 1920×1080 YUYV at 30 frames a second (the V4L2 shim, whose thread's CPU is taken
//! off) goes to 1, 4 and 16 reader processes through shared memory; to 16 through the socket; and
//! to 16 of which one is stopped. The driver writes straight into slots; then once more with one
//! that will not, so that frames are copied. CPU is counted in ns by the scheduler. Latency is from
//! the driver's timestamp to the reader. What counts are ratios within one run on a machine that
//! does nothing else; `others` says how far that was true.
//! FANOUT_SECONDS (10) is how long each run counts.
//!
//! Exits with 1 only when a stopped reader has cost the others frames that they get otherwise.

mod reader;
mod run;

use std::{
    env,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use protocol::Delivery;
use tests::{Service, Shim};

use self::run::{Case, Figures, run};

const fn shared(readers: usize) -> Case {
    Case { readers, delivery: Delivery::Shared, one_stopped: false }
}

const ONE: usize = 0;
const MANY: usize = 2;
const INLINE: usize = 3;
const STOPPED: usize = 4;
const CASES: [Case; 5] = [
    shared(1),
    shared(4),
    shared(16),
    Case { delivery: Delivery::Inline, ..shared(16) },
    Case { one_stopped: true, ..shared(16) },
];

fn main() -> Result<ExitCode> {
    let args: Vec<String> = env::args().skip(1).collect();
    if let [first, camera, delivery] = &args[..]
        && first == "--reader"
    {
        let delivery = match delivery.as_str() {
            "shared" => Delivery::Shared,
            "inline" => Delivery::Inline,
            _ => bail!("no such delivery: {delivery}"),
        };
        reader::run(camera, delivery)?;
        return Ok(ExitCode::SUCCESS);
    }
    bench()
}

fn bench() -> Result<ExitCode> {
    let seconds = match env::var("FANOUT_SECONDS") {
        Ok(seconds) => seconds.parse().context("FANOUT_SECONDS is a number of seconds")?,
        Err(_) => 10.0,
    };
    let time = Duration::try_from_secs_f64(seconds).context("FANOUT_SECONDS")?;
    println!("\n1920x1080 YUYV, 30 frames/s, {seconds} s each; CPU in µs a frame\n");
    println!("The driver writes into slots");
    let lent = run_all("1", &CASES, time)?;
    println!("\nFrames are copied into slots");
    let copied = run_all("0", &CASES[..1], time)?;
    Ok(judge(&lent, &copied[ONE]))
}

/// Runs `cases` on a camera that is offered slots, or with `userptr` 0 refuses them.
fn run_all(userptr: &str, cases: &[Case], time: Duration) -> Result<Vec<Figures>> {
    let shim = Shim::new().with("V4L2SHIM_FILL", "once").with("V4L2SHIM_USERPTR", userptr);
    // As users run it: with its own timeouts, and quiet.
    let service = Service::builder().shim(&shim).config("").env("RUST_LOG", "warn").start();
    let cameras = service.json(&["list"]);
    let camera = cameras[0]["id"].as_str().context("the shim's camera is listed")?;
    idle(&service);

    let start = ["start", camera, "--format", "YUYV", "--size", "1920x1080", "--fps", "30"];
    service.cli(&start).ok();
    println!(
        "readers          service   reader  latency p50    p99 µs  frames dropped gaps others"
    );
    let mut all = Vec::new();
    for case in cases {
        let figures = run(&service, camera, *case, time).with_context(|| format!("{case:?}"))?;
        print_row(&figures);
        all.push(figures);
    }
    Ok(all)
}

/// Prints what the service takes while nobody watches.
fn idle(service: &Service) {
    const TIME: Duration = Duration::from_secs(5);
    let (wakeups, since) = (service.wakeups(), Instant::now());
    thread::sleep(TIME);
    let rate = (service.wakeups() - wakeups) as f64 / since.elapsed().as_secs_f64();
    let rss = service.rss() as f64 / 1e6;
    println!("idle: {rate:.1} wake-ups a second (wanted: < 1), RSS {rss:.1} MB (wanted: <= 15)");
}

fn name(case: Case) -> String {
    let stopped = if case.one_stopped { ", 1 stopped" } else { "" };
    format!("{} {}{stopped}", case.readers, case.delivery.as_str())
}

fn print_row(f: &Figures) {
    println!(
        "{:<20} {:>5.0} {:>8.1} {:>12} {:>9} {:>7.0} {:>7} {:>4} {:>5.2}",
        name(f.case),
        f.service,
        f.reader,
        f.p50,
        f.p99,
        f.frames,
        f.dropped,
        f.gaps,
        f.others,
    );
    let threads = f.threads.iter().filter(|(_, time)| **time >= 0.5);
    let threads: Vec<String> = threads.map(|(name, time)| format!("{name} {time:.0}")).collect();
    println!("    of the service: {}", threads.join(", "));
}

fn judge(all: &[Figures], copied: &Figures) -> ExitCode {
    let (many, stopped) = (&all[MANY], &all[STOPPED]);
    let line = |what: &str, value: f64, limit: f64| {
        let verdict = if value <= limit { "reached" } else { "MISSED" };
        println!("{what:<54} {value:>7.3}  <= {limit:<7.3} {verdict}");
    };
    println!();
    line("service, 1 reader, slots filled : copied", all[ONE].service / copied.service, 0.5);
    line("service, 16 readers : 1 reader, copied", many.service / copied.service, 1.25);
    line("service, 16 readers, shared memory : socket", many.service / all[INLINE].service, 0.125);
    line("reader, µs a frame", many.reader, 50.0);
    // Gaps in what a reader saw, whether it was passed over or the driver had no buffer left.
    let lost = |f: &Figures| f.gaps.max(f.dropped) + f.lagged;
    if lost(many) > 0 {
        // Then a loss says nothing of the stopped reader.
        println!("stopped reader not judged: this machine loses frames without it too");
        return ExitCode::SUCCESS;
    }
    line("frames lost by 15 readers while another is stopped", lost(stopped) as f64, 0.0);
    if lost(stopped) > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
