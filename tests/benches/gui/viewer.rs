//! A program that shows the camera on the whole screen, and what it takes for that.

use std::{
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use protocol::Size;
use rustix::time::{ClockId, clock_gettime};
use tests::{Desktop, Process, Service, binary::control_gui, display::Area};

use super::{Drawing, SCREEN};

/// Frames that are seen before it counts.
const FIRST: usize = 20;
/// How long the first ones may take.
const START: Duration = Duration::from_secs(60);
/// Between two looks at the screen: much less than a frame's time.
const PAUSE: Duration = Duration::from_millis(3);

/// A running viewer; killed when dropped.
pub(crate) struct Viewer {
    viewer: Child,
    /// What feeds it.
    feed: Option<Child>,
}

/// What a viewer took, and what it showed.
#[derive(Default)]
pub(crate) struct Figures {
    cpu: Duration,
    time: Duration,
    /// Of each frame shown, from capture to sight.
    latencies: Vec<Duration>,
}

impl Viewer {
    /// control-gui.
    pub(crate) fn gui(service: &Service, desktop: &Desktop, drawing: Drawing) -> Result<Self> {
        let mut command = like(service, desktop, control_gui());
        command.args(["--camera", "test:0", "--fullscreen"]);
        match drawing {
            Drawing::OpenGl => command.envs([("ICED_BACKEND", "wgpu"), ("WGPU_BACKEND", "gl")]),
            Drawing::Vulkan => command.envs([("ICED_BACKEND", "wgpu"), ("WGPU_BACKEND", "vulkan")]),
            Drawing::Software => command.env("ICED_BACKEND", "tiny-skia"),
        };
        let viewer = command.spawn().context("cannot start control-gui")?;
        Ok(Self { viewer, feed: None })
    }

    /// ffplay, fed by `camera-service stream`.
    pub(crate) fn ffplay(
        service: &Service,
        desktop: &Desktop,
        format: &str,
        drawing: Drawing,
    ) -> Result<Self> {
        let rate = if drawing == Drawing::Software { "15" } else { "30" };
        let mut command = service.command();
        command.args(["stream", "test:0", "--fps", rate, "-o", "-"]).env("RUST_LOG", "error");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut feed = command.spawn().context("cannot start camera-service stream")?;
        let frames = feed.stdout.take().context("it has an output")?;
        let mut command = like(service, desktop, "ffplay".as_ref());
        command.args(["-loglevel", "error", "-an", "-fs", "-framerate", rate]);
        if format == "MJPG" {
            command.args(["-f", "mjpeg"]);
        } else {
            command.args(["-f", "rawvideo", "-pixel_format", "nv12", "-video_size", "1280x720"]);
        }
        let driver = if drawing == Drawing::Software { "software" } else { "opengl" };
        command.args(["-i", "-"]).env("SDL_RENDER_DRIVER", driver).stdin(frames);
        let viewer = command.spawn().context("cannot start ffplay")?;
        Ok(Self { viewer, feed: Some(feed) })
    }

    /// Waits until it shows frames of `size`, as large as they can be on the screen, then counts.
    pub(crate) fn watch(&self, desktop: &Desktop, size: Size, time: Duration) -> Result<Figures> {
        let width = SCREEN.height * size.width / size.height;
        let left = (SCREEN.width - width) / 2;
        let picture = Area { left, top: 0, width, height: SCREEN.height };
        let mut figures = Figures::default();
        figures.look(desktop, picture, START, |figures| figures.latencies.len() < FIRST);
        ensure!(figures.latencies.len() == FIRST, "it shows nothing");
        let process = Process::new(self.viewer.id());
        let mut figures = Figures::default();
        let (before, began) = (process.cpu(), Instant::now());
        figures.look(desktop, picture, time, |_| true);
        (figures.cpu, figures.time) = (process.cpu() - before, began.elapsed());
        Ok(figures)
    }
}

/// A command on this screen, with the environment of `service`.
fn like(service: &Service, desktop: &Desktop, program: &std::path::Path) -> Command {
    let mut command = Command::new(program);
    for (name, value) in service.command().get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
        .env("DISPLAY", desktop.display.name())
        .env("RUST_LOG", "error")
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .env_remove("WAYLAND_DISPLAY")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

impl Drop for Viewer {
    fn drop(&mut self) {
        for child in [Some(&mut self.viewer), self.feed.as_mut()].into_iter().flatten() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Figures {
    /// Looks at the screen for `time` and notes every frame that is new, while `on` says so.
    fn look(
        &mut self,
        desktop: &Desktop,
        picture: Area,
        time: Duration,
        on: impl Fn(&Self) -> bool,
    ) {
        let began = Instant::now();
        let mut last = None;
        while began.elapsed() < time && on(self) {
            // The strip is in the upper sixth.
            let shot = desktop.display.rows(picture.height / 6 + 1);
            if let Ok(strip) = shot.strip(picture)
                && last.replace(strip.sequence) != Some(strip.sequence)
            {
                let late = now_ns().saturating_sub(strip.monotonic_ns);
                self.latencies.push(Duration::from_nanos(late));
            }
            thread::sleep(PAUSE);
        }
    }

    /// Takes another turn's together with this one's.
    pub(crate) fn add(&mut self, other: Self) {
        self.cpu += other.cpu;
        self.time += other.time;
        self.latencies.extend(other.latencies);
    }

    /// CPU of a frame that was shown.
    pub(crate) fn cpu_ms(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e3 / self.latencies.len().max(1) as f64
    }

    /// Frames shown a second.
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.time.as_secs_f64()
    }

    /// Half of the frames were not seen later than this.
    pub(crate) fn latency(&self) -> Duration {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }
}

fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
