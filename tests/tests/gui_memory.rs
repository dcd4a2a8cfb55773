//! A window that shows a camera for long, half of the time minimised, does not grow. GUI_SECONDS
//! (60) is how long; a sixth of it, a minute at most, is to warm up.
#![cfg(target_os = "linux")]

use std::{
    env,
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tests::{Desktop, Service, gui, wait_until};

/// Generous: without a GPU, on a busy machine, a window takes a while.
const SOON: Duration = Duration::from_secs(60);
/// What a window may take in addition, by chance.
const MARGIN: u64 = 10 << 20;

/// Frames that the GUI has taken of the camera so far.
fn frames(service: &Service) -> u64 {
    let clients = service.json(&["clients"]);
    let streams = clients.as_array().expect("a list").iter();
    streams.filter(|one| one["role"] == "stream").filter_map(|one| one["frames"].as_u64()).sum()
}

/// Waits until so many more frames have come.
#[track_caller]
fn wait_for_frames(service: &Service, more: u64) {
    let before = frames(service);
    wait_until(&format!("{more} frames"), SOON, || {
        let now = frames(service);
        if now >= before + more { Ok(()) } else { Err(format!("{now}, {before} at first")) }
    });
}

fn does_not_grow(backend: &str, environment: &[(&str, &str)]) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let seconds = env::var("GUI_SECONDS").map_or(60.0, |text| text.parse().expect("seconds"));
    let time = Duration::from_secs_f64(seconds);
    let service = Service::builder().test_camera("1280x720@30").start();
    let desktop = Desktop::start();
    let program = gui::start(&service, &desktop.display, environment, &["--camera", "test:0"]);
    let window = desktop.window(&program);
    wait_for_frames(&service, 30);
    let began = Instant::now();
    let until = |time: Duration| thread::sleep(time.saturating_sub(began.elapsed()));
    until((time / 6).min(Duration::from_secs(60)));
    let warm = program.rss();
    until(time / 2);
    let live = program.rss();
    desktop.ask("xdotool", &["windowminimize", &window]);
    desktop.wait_for_state(&window, "Iconic");
    until(time);
    let minimised = program.rss();
    if environment.is_empty() {
        let said = program.stderr();
        assert!(said.contains("drawing with tiny-skia"), "it did not choose {backend}: {said}");
    }
    // It is still there, and shows the camera again.
    desktop.ask("xdotool", &["windowmap", &window]);
    desktop.wait_for_state(&window, "Normal");
    wait_for_frames(&service, 30);
    let after = program.rss();
    let mb = |bytes: u64| bytes as f64 / 1e6;
    println!(
        "{backend}: {seconds} s, resident {:.1} MB warm, {:.1} live, {:.1} minimised, {:.1} after",
        mb(warm),
        mb(live),
        mb(minimised),
        mb(after)
    );
    for rss in [live, minimised, after] {
        assert!(rss < warm + MARGIN, "{backend}: it grew from {warm} to {rss} bytes");
    }
}

/// wgpu on OpenGL: Debian 12's software Vulkan loses memory with every frame, whatever is drawn.
#[test]
fn a_window_does_not_grow_with_a_gpu() {
    does_not_grow("wgpu", &[("ICED_BACKEND", "wgpu"), ("WGPU_BACKEND", "gl")]);
}

#[test]
fn a_window_does_not_grow_without_a_gpu() {
    // Chosen by itself: here are adapters, but none of them is a GPU.
    does_not_grow("tiny-skia", &[]);
}
