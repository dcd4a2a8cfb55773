//! What one camera's frames cost when many remote users watch them: `cargo bench -p tests --bench
//! remote_fanout`.
//!
//! A camera of 1280×720 MJPG at 30 frames a second, some 157 KB each (the V4L2 shim, whose
//! thread's CPU is taken off), goes over TCP to 1, 10, 100 and 500 viewers, as
//! `multipart/x-mixed-replace` and by WebSocket, from the bridge; beside it, in the same run, from a plain
//! writer of the same bytes (what the kernel costs: the limit) and from `ustreamer`, which reads
//! the same camera. CPU of the bridge is its own and the service's together. Latency is from the
//! driver's timestamp, which travels in each JPEG, to the last byte's arrival. All viewers of a
//! run are one process. What counts are ratios within one run on a machine that does nothing else.
//! FANOUT_SECONDS (8) is how long each run counts; FANOUT_VIEWERS (1,10,100,500) how many there are.
//!
//! Exits with 1 only when a viewer that never reads has cost the others frames, or the bridge
//! does something although nobody watches.

mod frames;
mod parse;
mod run;
mod servers;
mod viewers;
mod writer;

use std::{
    env,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use tests::Shim;

use self::{
    run::{Figures, run},
    servers::{Bridge, Plain, Server, Ustreamer},
};

fn main() -> Result<ExitCode> {
    let args: Vec<String> = env::args().skip(1).collect();
    match &args[..] {
        [first, rest @ ..] if first == "--viewers" => viewers::run(rest)?,
        [first, folder] if first == "--writer" => writer::run(folder.as_ref())?,
        _ => return bench(),
    }
    Ok(ExitCode::SUCCESS)
}

fn bench() -> Result<ExitCode> {
    let seconds = match env::var("FANOUT_SECONDS") {
        Ok(seconds) => seconds.parse().context("FANOUT_SECONDS is a number of seconds")?,
        Err(_) => 8.0,
    };
    let time = Duration::try_from_secs_f64(seconds).context("FANOUT_SECONDS")?;
    let counts = env::var("FANOUT_VIEWERS").unwrap_or_else(|_| "1,10,100,500".to_owned());
    let counts: Vec<usize> = counts
        .split(',')
        .map(|count| count.parse().context("FANOUT_VIEWERS is numbers with commas"))
        .collect::<Result<_>>()?;
    let frames = tempfile::tempdir()?;
    let bytes = frames::make(frames.path())?;
    let shim = Shim::new()
        .with("V4L2SHIM_FILL", "once")
        .with("V4L2SHIM_JPEG_DIR", &frames.path().to_string_lossy());

    let mut all = Vec::new();
    println!(
        "\n1280x720 MJPG of {bytes} bytes, 30 frames/s, {seconds} s each; CPU in µs a frame delivered\n"
    );
    println!("server               viewers      CPU   fps each   p50 ms   p99 ms  others");
    let mut measure = |server: &dyn Server, stopped: bool| -> Result<()> {
        for count in &counts {
            let figures = run(server, *count, false, time)?;
            print_row(&figures);
            all.push(figures);
        }
        if stopped {
            let figures = run(server, 10, true, time)?;
            print_row(&figures);
            all.push(figures);
        }
        Ok(())
    };
    measure(&Plain::start(frames.path())?, false)?;
    let bridge = Bridge::start(&shim)?;
    let quiet = idle(&bridge);
    measure(&bridge.multipart(), true)?;
    measure(&bridge.websocket(), true)?;
    let rested = idle(&bridge);
    drop(bridge);
    measure(&Ustreamer::start(&shim)?, false)?;
    let judged = judge(&all);
    Ok(if judged && quiet && rested { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether the bridge does nothing while nobody watches; prints what it does.
fn idle(bridge: &Bridge) -> bool {
    const TIME: Duration = Duration::from_secs(5);
    // A source is held for a moment after its last viewer, and the camera for 3 s after that.
    thread::sleep(Duration::from_secs(6));
    let (wakeups, cpu, since) =
        (bridge.process().wakeups(), bridge.process().cpu(), Instant::now());
    thread::sleep(TIME);
    let elapsed = since.elapsed().as_secs_f64();
    let rate = (bridge.process().wakeups() - wakeups) as f64 / elapsed;
    let cpu = (bridge.process().cpu() - cpu).as_secs_f64() / elapsed * 100.0;
    let watched = bridge.is_watched();
    let streams = if watched { "holds a stream" } else { "holds no stream" };
    println!(
        "bridge, nobody watching: {rate:.1} wake-ups a second, {cpu:.2} % of a CPU, {streams}"
    );
    rate < 5.0 && !watched
}

fn print_row(f: &Figures) {
    let count =
        if f.one_stopped { format!("{}, 1 stopped", f.viewers) } else { f.viewers.to_string() };
    println!(
        "{:<20} {:>13} {:>8.1} {:>8.1} {:>8.1} {:>8.1} {:>7.2}",
        f.server, count, f.cpu, f.rate, f.p50, f.p99, f.others
    );
}

/// Whether what must never happen has not; prints what is to be reached beside.
fn judge(all: &[Figures]) -> bool {
    let find = |server: &str, viewers: usize, one_stopped: bool| {
        all.iter()
            .find(|f| f.server == server && f.viewers == viewers && f.one_stopped == one_stopped)
    };
    println!();
    let line = |what: &str, value: f64, limit: f64| {
        let verdict = if value <= limit { "reached" } else { "MISSED" };
        println!("{what:<58} {value:>7.3}  <= {limit:<7.3} {verdict}");
    };
    for server in ["bridge, multipart", "bridge, WebSocket"] {
        let Some(ours) = find(server, 100, false) else { continue };
        if let Some(limit) = find("plain writer", 100, false) {
            line(&format!("{server}, 100 viewers: CPU : the limit's"), ours.cpu / limit.cpu, 1.5);
        }
        if let Some(ustreamer) = find("ustreamer", 100, false) {
            line(
                &format!("{server}, 100 viewers: CPU : ustreamer's"),
                ours.cpu / ustreamer.cpu,
                0.2,
            );
            line(
                &format!("{server}, 100 viewers: p50 : ustreamer's"),
                ours.p50 / ustreamer.p50,
                1.0 / 3.0,
            );
        }
    }
    let mut well = true;
    for server in ["bridge, multipart", "bridge, WebSocket"] {
        let (Some(stopped), Some(all_read)) = (find(server, 10, true), find(server, 10, false))
        else {
            continue;
        };
        let lost = (1.0 - stopped.rate / all_read.rate).max(0.0);
        line(
            &format!("{server}: frames that others lose by a viewer that never reads"),
            lost,
            0.02,
        );
        well &= lost <= 0.02;
    }
    well
}
