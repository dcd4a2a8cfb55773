//! What the window costs, beside ffplay: `cargo bench -p tests --bench gui`.
//!
//! The test camera's frames, 1280×720 at 30 a second in NV12 and in MJPG, fill a screen of that size:
//! once in control-gui, once in ffplay, which gets the same frames from `camera-service stream`.
//! With OpenGL (Mesa's llvmpipe, since there is no GPU) both show 30 a second; without, as
//! control-gui draws by itself, 15. CPU is that of the viewer alone, in ns by the scheduler; what was
//! shown is counted by the camera's strip in the pixels of the screen, and so is the time from
//! capture to sight. Viewers take turns, twice each. What counts are ratios within one run on a
//! machine that does nothing else. GUI_BENCH_SECONDS (8) is how long each turn counts.
//!
//! Figures only: it exits with 1 only when something does not run.

mod viewer;

use std::{
    env,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use protocol::Size;
use tests::{Desktop, Display, Service};

use self::viewer::{Figures, Viewer};

/// The screen, and the pictures.
const SCREEN: Size = Size::new(1280, 720);
/// Most CPU of the window for that of ffplay.
const RATIO: f64 = 1.5;
/// Most time from capture to sight, of 640×480 at 30 frames a second: three frames' time.
const LATENCY: Duration = Duration::from_millis(100);

/// How pictures get onto the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drawing {
    /// OpenGL, by llvmpipe.
    OpenGl,
    /// Vulkan, by lavapipe.
    Vulkan,
    /// The processor, 15 frames a second.
    Software,
}

fn main() -> Result<()> {
    let seconds = match env::var("GUI_BENCH_SECONDS") {
        Ok(seconds) => seconds.parse().context("GUI_BENCH_SECONDS is a number of seconds")?,
        Err(_) => 8.0,
    };
    let time = Duration::try_from_secs_f64(seconds).context("GUI_BENCH_SECONDS")?;
    // As users run it: with its own timeouts, and quiet.
    let service = Service::builder().test_camera("1280x720@30").config("");
    let service = service.env("RUST_LOG", "warn").start();
    let desktop = Desktop::on(Display::of(SCREEN));
    println!(
        "\n1280x720 at 30 frames/s, {seconds} s a turn; CPU of the viewer in ms a frame shown\n"
    );
    println!("format  drawn with  viewer         CPU  shown/s  latency ms");
    let mut verdicts = vec![];
    for format in ["NV12", "MJPG"] {
        let mode = ["start", "test:0", "--format", format, "--size", "1280x720"];
        service.cli(&mode).ok();
        let mut beside = f64::NAN;
        for drawing in [Drawing::OpenGl, Drawing::Vulkan, Drawing::Software] {
            let (gui, ffplay) = compare(&service, &desktop, format, drawing, time)?;
            // ffplay has no Vulkan: with OpenGL it draws by the same processor.
            beside = ffplay.map_or(beside, |ffplay| ffplay.cpu_ms());
            verdicts.push((format, drawing, gui.cpu_ms() / beside));
        }
    }
    println!();
    for (format, drawing, ratio) in verdicts {
        let verdict = if ratio <= RATIO { "reached" } else { "MISSED" };
        println!("{format} {drawing:?}: control-gui : ffplay {ratio:>6.2}  <= {RATIO}  {verdict}");
    }
    service.cli(&["start", "test:0", "--format", "YUYV", "--size", "640x480"]).ok();
    for drawing in [Drawing::OpenGl, Drawing::Vulkan, Drawing::Software] {
        let viewer = Viewer::gui(&service, &desktop, drawing)?;
        let latency = viewer.watch(&desktop, Size::new(640, 480), time)?.latency();
        let verdict = if latency < LATENCY { "reached" } else { "MISSED" };
        println!("latency at 640x480, {drawing:?}: {latency:>8.1?}  < {LATENCY:?}  {verdict}");
    }
    Ok(())
}

/// Both viewers in turn, twice. ffplay has no Vulkan.
fn compare(
    service: &Service,
    desktop: &Desktop,
    format: &str,
    drawing: Drawing,
    time: Duration,
) -> Result<(Figures, Option<Figures>)> {
    let (mut gui, mut ffplay) = (Figures::default(), Figures::default());
    for _ in 0..2 {
        let began = Instant::now();
        let viewer = Viewer::gui(service, desktop, drawing)?;
        gui.add(viewer.watch(desktop, SCREEN, time).with_context(|| {
            format!("control-gui, {format}, {drawing:?}, after {:?}", began.elapsed())
        })?);
        drop(viewer);
        if drawing != Drawing::Vulkan {
            let viewer = Viewer::ffplay(service, desktop, format, drawing)?;
            let figures = viewer.watch(desktop, SCREEN, time);
            ffplay.add(figures.with_context(|| format!("ffplay, {format}, {drawing:?}"))?);
        }
    }
    let print = |viewer: &str, figures: &Figures| {
        println!(
            "{format:<7} {:<11} {viewer:<11} {:>6.2} {:>8.1} {:>11.1}",
            format!("{drawing:?}"),
            figures.cpu_ms(),
            figures.rate(),
            figures.latency().as_secs_f64() * 1e3,
        );
    };
    print("control-gui", &gui);
    if drawing == Drawing::Vulkan {
        return Ok((gui, None));
    }
    print("ffplay", &ffplay);
    Ok((gui, Some(ffplay)))
}
