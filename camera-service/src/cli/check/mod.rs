//! `check`: reads frames for some seconds and verifies them.

mod judge;
mod percentile;

use std::{
    fmt::Write as _,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Args;
use protocol::{Delivery, Mode, Started, StreamRequest, client::StreamEvent};
use serde::Serialize;

use self::judge::Judge;
use super::{
    CliError, Outcome, Session,
    args::{CameraArg, seconds},
    json::ModeJson,
    output,
    session::{Interrupt, answer},
    text::{clean, count},
    time::latency_us,
    wait,
};

/// Drivers that draw a strip.
const TEST_DRIVER: &str = "test";

const AFTER_HELP: &str = "\
Reads native frames and verifies that their numbers rise, that each is as long as its mode demands
(a JPEG complete), and on a test camera that the strip in the picture belongs to the frame.
Gaps are frames that the driver dropped, dropped are those that were passed over for this reader;
neither is an error. Latency is the time from capture to reading.
Exits with 1 if any frame was torn or out of order, or none came.

Examples:
  camera-service check test:0
  camera-service check test:0 --seconds 60 --json";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    camera: CameraArg,
    /// Seconds to read, counted from the first frame.
    #[arg(long, value_name = "N", value_parser = seconds, default_value = "5")]
    seconds: Duration,
    /// Seconds to wait for the first frame.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = wait::PATIENCE)]
    timeout: Duration,
    /// Have frames sent over the socket rather than in shared memory.
    #[arg(long)]
    inline: bool,
}

pub(super) async fn run(args: CheckArgs, session: &Session) -> Outcome {
    let client = session.control().await?;
    let camera = answer(client.camera(&args.camera.id())).await?.summary;
    drop(client);
    let request = StreamRequest {
        delivery: if args.inline { Delivery::Inline } else { Delivery::Shared },
        ..StreamRequest::native(camera.id.clone())
    };
    let mut stream = session.connector().stream(request).await?;
    let mut interrupt = Interrupt::new();
    let first = tokio::select! {
        () = interrupt.wait() => return Ok(ExitCode::SUCCESS),
        first = wait::first_frame(session, &mut stream, &camera.id, args.timeout) => first,
    };
    let (started, frame) = match first {
        Ok(first) => first,
        Err(error) => {
            if session.json {
                output::print_json(&Report::nothing(&camera.id.0))?;
            }
            return Err(error);
        }
    };

    let mut judge = Judge::new(started.mode, camera.driver == TEST_DRIVER);
    judge.frame(frame.header(), &frame, latency_us(frame.header()));
    drop(frame);
    let begun = Instant::now();
    let (mut last, mut lost, mut lagged) = (begun, 0, 0);
    let end = tokio::time::sleep(args.seconds);
    tokio::pin!(end);
    let ended = loop {
        // Whatever else is waited for here ends the reading: a frame that comes inline must not
        // be left half read.
        let event = tokio::select! {
            () = interrupt.wait() => break Ok(()),
            () = &mut end => break Ok(()),
            event = stream.next() => event,
        };
        match event {
            Ok(StreamEvent::Frame(frame)) => {
                let latency = latency_us(frame.header());
                last = Instant::now();
                judge.frame(frame.header(), &frame, latency);
            }
            Ok(StreamEvent::Started(started)) => judge.reopened(Some(started.mode)),
            Ok(StreamEvent::ModeChanged { mode, .. }) => judge.reopened(Some(mode)),
            Ok(StreamEvent::Lost { .. } | StreamEvent::Blocked) => {
                lost += 1;
                judge.reopened(None);
            }
            Ok(StreamEvent::Lagged) => lagged += 1,
            Err(error) => break Err(error),
        }
    };
    let report = Report::new(&started, &judge, last - begun, (lost, lagged));
    if session.json {
        output::print_json(&report)?;
    } else {
        output::print(&report.text(started.mode))?;
    }
    ended?;
    if judge.torn + judge.out_of_order > 0 {
        return Err(CliError::Check(report.verdict()));
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Default, Serialize)]
struct Report<'a> {
    camera: &'a str,
    frames: u64,
    fps: f64,
    gaps: u64,
    dropped: u64,
    out_of_order: u64,
    torn: u64,
    latency_us: Latency,
    seconds: f64,
    mode: Option<ModeJson>,
    delivery: Option<&'static str>,
    strip_checked: bool,
    strips: u64,
    lost: u64,
    lagged: u64,
    problems: &'a [String],
}

#[derive(Default, Serialize)]
struct Latency {
    p50: Option<i64>,
    p99: Option<i64>,
    max: Option<i64>,
}

impl<'a> Report<'a> {
    fn nothing(camera: &'a str) -> Self {
        Self { camera, ..Self::default() }
    }

    /// `time` is that from the first frame to the last one.
    fn new(
        started: &'a Started,
        judge: &'a Judge,
        time: Duration,
        (lost, lagged): (u64, u64),
    ) -> Self {
        let seconds = time.as_secs_f64();
        let latency = judge.latencies.summary();
        Self {
            camera: &started.camera.0,
            frames: judge.frames,
            fps: if seconds > 0.0 { (judge.frames - 1) as f64 / seconds } else { 0.0 },
            gaps: judge.gaps,
            dropped: judge.dropped,
            out_of_order: judge.out_of_order,
            torn: judge.torn,
            latency_us: Latency {
                p50: latency.map(|(p50, ..)| p50),
                p99: latency.map(|(_, p99, _)| p99),
                max: latency.map(|(.., max)| max),
            },
            seconds,
            mode: Some(started.mode.into()),
            delivery: Some(started.delivery.as_str()),
            strip_checked: judge.reads_strips(),
            strips: judge.strips,
            lost,
            lagged,
            problems: &judge.problems,
        }
    }

    fn text(&self, mode: Mode) -> String {
        let mut text = String::new();
        let mut line = |key: &str, value: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{key:<14}{}", clean(&value));
        };
        line("Camera", self.camera.to_owned());
        line("Mode", format!("{mode}, {}", self.delivery.unwrap_or_default()));
        let frames = count(self.frames, "frame");
        line("Frames", format!("{frames} in {:.1} s, {:.2} fps", self.seconds, self.fps));
        line("Gaps", format!("{} dropped by the driver", self.gaps));
        line("Dropped", format!("{} passed over for this reader", self.dropped));
        line("Out of order", self.out_of_order.to_string());
        let strips = if self.strip_checked {
            format!(", {} with the right strip", self.strips)
        } else {
            String::new()
        };
        line("Torn", format!("{}{strips}", self.torn));
        if self.lost + self.lagged > 0 {
            line("Interrupted", format!("lost {}, fell behind {} times", self.lost, self.lagged));
        }
        if let Latency { p50: Some(p50), p99: Some(p99), max: Some(max) } = self.latency_us {
            line("Latency", format!("p50 {p50} µs, p99 {p99} µs, max {max} µs"));
        }
        for problem in self.problems {
            line("Problem", problem.clone());
        }
        text
    }

    fn verdict(&self) -> String {
        let problem = self.problems.first().map(String::as_str).unwrap_or_default();
        format!(
            "{} is not in order: {} torn, {} out of order among {}; first {problem}",
            self.camera,
            self.torn,
            self.out_of_order,
            count(self.frames, "frame")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_promised_keys_are_there_also_when_no_frame_came() {
        let text = serde_json::to_string(&Report::nothing("test:0")).expect("JSON");
        let promised = r#"{"camera":"test:0","frames":0,"fps":0.0,"gaps":0,"dropped":0,"out_of_order":0,"torn":0,"latency_us":{"p50":null,"p99":null,"max":null},"#;
        assert!(text.starts_with(promised), "{text}");
    }
}
