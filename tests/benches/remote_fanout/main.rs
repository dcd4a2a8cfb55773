//! What one camera's frames cost when many viewers on other machines watch: `cargo bench -p tests
//! --bench remote_fanout`.
//!
//! A camera of 1280×720 MJPEG at 30 frames a second, 157 KB a frame (the V4L2 shim, whose thread's
//! CPU is taken off), goes to 1, 10, 100 and 500 viewers: by the bridge's WebSocket, by its MJPEG
//! stream, by a writer that does nothing but write the same bytes to plain sockets (the limit),
//! and by Debian's µStreamer; then to 100 viewers of whom one more never reads. CPU is that of all
//! threads of the server (bridge and service together), in ns by the scheduler, for each frame
//! that a viewer got. Latency is from the camera's time, which the shim writes into each image, to
//! a viewer that has the whole image. All viewers are one process, which throws images away
//! without copying them. What counts are ratios within one run on a machine that does nothing
//! else. FANOUT_SECONDS (8) is how long each run counts; FANOUT_VIEWERS (1,10,100,500) how many.
//!
//! Exits with 1 when at 100 viewers the bridge takes more than 1.5 times the limit or a fifth of
//! µStreamer, or a third of its latency.

mod camera;
mod connect;
mod plain;
mod servers;
mod viewers;
mod wire;

use std::{env, process::ExitCode, time::Duration};

use anyhow::{Context as _, Result, bail};

use self::{
    servers::{Kind, Servers},
    viewers::Figures,
};

/// How many viewers judge.
const JUDGED: usize = 100;

fn main() -> Result<ExitCode> {
    let args: Vec<String> = env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("--viewers") => viewers::run(&args[1..])?,
        Some("--plain") => plain::run()?,
        _ => return bench(),
    }
    Ok(ExitCode::SUCCESS)
}

/// What a server took.
struct Row {
    kind: Kind,
    viewers: usize,
    /// µs of CPU for each delivered frame.
    cpu: f64,
    figures: Figures,
}

fn bench() -> Result<ExitCode> {
    let seconds: f64 = match env::var("FANOUT_SECONDS") {
        Ok(seconds) => seconds.parse().context("FANOUT_SECONDS is a number of seconds")?,
        Err(_) => 8.0,
    };
    let time = Duration::try_from_secs_f64(seconds).context("FANOUT_SECONDS")?;
    let counts = env::var("FANOUT_VIEWERS").unwrap_or_else(|_| "1,10,100,500".to_owned());
    let counts: Vec<usize> =
        counts.split(',').map(|count| count.trim().parse()).collect::<Result<_, _>>()?;
    let mut servers = Servers::start()?;
    println!(
        "\n1280x720 MJPEG, {} bytes a frame, 30 frames/s, {seconds} s each\n",
        servers.bytes()
    );
    println!(
        "server         viewers   CPU µs/frame   latency p50     p99 ms   frames/s a viewer   bytes"
    );
    let mut rows = Vec::new();
    for viewers in counts {
        for kind in Kind::ALL {
            let row = measure(&mut servers, kind, viewers, time, 0)?;
            print(&row, "");
            rows.push(row);
        }
    }
    if rows.iter().any(|row| row.viewers == JUDGED) {
        for kind in [Kind::WebSocket, Kind::Mjpeg] {
            let row = measure(&mut servers, kind, JUDGED, time, 1)?;
            print(&row, "  (and one that never reads)");
        }
    }
    judge(&rows)
}

fn measure(
    servers: &mut Servers,
    kind: Kind,
    viewers: usize,
    time: Duration,
    stopped: usize,
) -> Result<Row> {
    let served = servers.serve(kind)?;
    let crowd = viewers::start(kind, &served, viewers, stopped, time)?;
    let before = servers.cpu(kind)?;
    let figures = crowd.finish()?;
    let after = servers.cpu(kind)?;
    servers.end(kind);
    if figures.frames == 0 {
        bail!("no frame came from {kind:?} to {viewers} viewers");
    }
    let cpu = (after - before).as_secs_f64() * 1e6 / figures.frames as f64;
    Ok(Row { kind, viewers, cpu, figures })
}

fn print(row: &Row, note: &str) {
    let Row { kind, viewers, cpu, figures } = row;
    println!(
        "{:<14} {viewers:>7} {cpu:>14.1} {:>13.1} {:>10.1} {:>19.1} {:>7.0}{note}",
        kind.name(),
        figures.p50 * 1e3,
        figures.p99 * 1e3,
        figures.rate,
        figures.bytes,
    );
}

fn judge(rows: &[Row]) -> Result<ExitCode> {
    let at = |kind: Kind| rows.iter().find(|row| row.viewers == JUDGED && row.kind == kind);
    let (Some(limit), Some(peer)) = (at(Kind::Plain), at(Kind::Ustreamer)) else {
        return Ok(ExitCode::SUCCESS);
    };
    println!("the limit is {:.2} of ustreamer", limit.cpu / peer.cpu);
    let mut failed = false;
    for kind in [Kind::WebSocket, Kind::Mjpeg] {
        let Some(row) = at(kind) else { continue };
        let (of_limit, of_peer) = (row.cpu / limit.cpu, row.cpu / peer.cpu);
        let latency = row.figures.p50 / peer.figures.p50;
        println!(
            "{}: {of_limit:.2} of the limit (wanted: <= 1.5), {of_peer:.2} of ustreamer (<= 0.2), \
             latency {latency:.2} of ustreamer's (<= 0.33)",
            kind.name()
        );
        failed |= of_limit > 1.5 || of_peer > 0.2 || latency > 1.0 / 3.0;
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
