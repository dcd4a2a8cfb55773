//! The GUI as a user has it: the real program on a screen, with the real service. What it shows is
//! read from the pixels of the screen.
#![cfg(target_os = "linux")]

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tests::{
    Display, Program, Service,
    display::{Area, Rgb, watch},
    gui, wait_until,
};

/// Generous: without a GPU, on a busy machine, a window takes a while.
const SOON: Duration = Duration::from_secs(60);
/// What a picture is shown on.
const BACKDROP: Rgb = [0x0b, 0x0d, 0x10];
/// Buttons that a screen is for, sliders and what is switched on, in the light theme.
const PRIMARY: Rgb = [0x1f, 0x6f, 0xeb];
/// Between the list of cameras and the controls, in a window of 1100 × 720.
const STAGE: Area = Area { left: 234, top: 46, width: 548, height: 672 };
/// The controls.
const PANEL: Area = Area { left: 786, top: 120, width: 286, height: 580 };
/// The bars of the test camera, from the left.
const BARS: [Rgb; 8] = [
    [255, 255, 255],
    [191, 191, 0],
    [0, 191, 191],
    [0, 191, 0],
    [191, 0, 191],
    [191, 0, 0],
    [0, 0, 191],
    [0, 0, 0],
];

/// A window and what it needs. One at a time: two would slow each other down.
struct Gui {
    display: Display,
    program: Program,
    _turn: MutexGuard<'static, ()>,
}

impl Gui {
    /// Starts the GUI with the environment of `service`; `backend` as ICED_BACKEND.
    #[track_caller]
    fn start(service: &Service, backend: &str, args: &[&str]) -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let display = Display::start();
        let program = gui::start(service, &display, &[("ICED_BACKEND", backend)], args);
        Self { display, program, _turn: turn }
    }

    /// Waits until a button of this colour is seen in `area`, and clicks in its middle until it is
    /// gone from there: while a window comes up its parts still move.
    #[track_caller]
    fn click(&mut self, what: &str, colour: Rgb, area: Area) {
        let mut before = None;
        let mut clicked = None;
        wait_until(what, SOON, || {
            assert!(self.program.is_running(), "the GUI has ended: {}", self.program.stderr());
            let found = self.display.shot().find(colour, area).filter(|place| place.height > 20);
            let stays = found.is_some() && found == before;
            before = found;
            match (found, clicked) {
                (None, Some(_)) => return Ok(()),
                (Some(place), _) if stays && clicked != found => {
                    self.display.click(place.middle());
                    clicked = found;
                }
                _ => {}
            }
            Err(format!("{found:?}, clicked at {clicked:?}"))
        });
    }

    /// Waits until a live picture stays where it is. One that is dimmed is not live.
    #[track_caller]
    fn wait_for_picture(&self) {
        let mut before = None;
        wait_until("a live picture with a strip", SOON, || {
            let shot = self.display.shot();
            let picture = shot.picture(BACKDROP, STAGE).ok_or("no picture")?;
            shot.strip(picture).map_err(|error| format!("{picture:?}: {error}"))?;
            let white = shot.at(picture.left + picture.width / 16, picture.bar_row());
            let stays = before.replace(picture) == Some(picture);
            if stays && white == BARS[0] { Ok(()) } else { Err(format!("white is {white:?}")) }
        })
    }

    /// Sees `count` frames, which have to come in order, wherever the picture is. Returns the
    /// median of the times from capture to sight.
    #[track_caller]
    fn see_frames(&self, count: usize) -> Duration {
        let mut last = None;
        let mut latencies = vec![];
        watch(&self.display, "frames that advance", SOON, |shot| {
            // One that is being drawn has a strip of two halves.
            let picture = shot.picture(BACKDROP, STAGE);
            let Some(Ok(strip)) = picture.map(|picture| shot.strip(picture)) else { return false };
            let key = (strip.monotonic_ns, strip.sequence);
            if last != Some(key) {
                assert!(last < Some(key), "frame {key:?} is shown after {last:?}");
                last = Some(key);
                latencies.push(now_ns().saturating_sub(strip.monotonic_ns));
            }
            latencies.len() > count
        });
        latencies.sort_unstable();
        Duration::from_nanos(latencies[latencies.len() / 2])
    }

    #[track_caller]
    fn expect_bars(&self) {
        wait_until("bars in their colours", SOON, || {
            let shot = self.display.shot();
            let picture = shot.picture(BACKDROP, STAGE).ok_or("no picture")?;
            for (bar, colour) in (0..).zip(BARS) {
                let x = picture.left + picture.width * (2 * bar + 1) / 16;
                let y = picture.bar_row();
                let seen = shot.at(x, y);
                let near = seen.iter().zip(colour).all(|(a, b)| a.abs_diff(b) <= 3);
                if !near {
                    return Err(format!("bar {bar} is {seen:?} and not {colour:?}"));
                }
            }
            Ok(())
        });
    }

    /// The line of the topmost slider, and where its handle ends at the right.
    fn slider(&self) -> Option<(u32, u32)> {
        let shot = self.display.shot();
        let row = |y| Area { top: y, height: 1, ..PANEL };
        // The first row with more of it than a letter or a frame has.
        let handle = |y: &u32| shot.find(PRIMARY, row(*y)).is_some_and(|found| found.width >= 10);
        let top = (PANEL.top..PANEL.top + PANEL.height).find(handle)?;
        // The handle is wider than high at its upper edge: its middle lies some rows below.
        let middle = top + 5;
        let found = shot.find(PRIMARY, row(middle))?;
        Some((middle, found.left + found.width))
    }
}

fn now_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

fn brightness(service: &Service) -> i64 {
    let values = service.json(&["get", "test:0", "brightness"]);
    values[0]["value"].as_i64().unwrap_or_else(|| panic!("no value: {values}"))
}

/// Starts a camera by its button, and checks what is seen.
fn shows_the_camera(backend: &str) {
    let mut service = Service::builder().test_camera("640x480@30").start();
    let mut gui = Gui::start(&service, backend, &[]);
    gui.click("the button Start", PRIMARY, STAGE);
    gui.wait_for_picture();
    let latency = gui.see_frames(40);
    println!("{backend}: {latency:?} from capture to sight, as a median");
    gui.expect_bars();

    // In every format that a camera may have.
    for format in ["MJPG", "NV12", "I420", "RGB", "BGR", "RGBA", "YUYV"] {
        service.cli(&["start", "test:0", "--format", format, "--size", "640x480"]).ok();
        gui.wait_for_picture();
        gui.expect_bars();
    }
    service.cli(&["stop", "test:0"]).ok();

    // The service is killed: the last picture stays, darker.
    service.kill();
    wait_until("the picture to be dimmed", SOON, || {
        let shot = gui.display.shot();
        let picture = shot.picture(BACKDROP, STAGE).ok_or("no picture")?;
        let white = shot.at(picture.left + picture.width / 16, picture.bar_row());
        if (60..200).contains(&white[0]) { Ok(()) } else { Err(format!("{white:?}")) }
    });
    // Another one starts: frames go on with no action.
    let args = ["serve", "--test-camera", "640x480@30"];
    let again = service.cli_start(&args);
    gui.wait_for_picture();
    gui.see_frames(10);
    gui.expect_bars();
    assert!(gui.program.is_running());
    drop(again);
}

#[test]
fn a_camera_is_seen_without_a_gpu() {
    shows_the_camera("tiny-skia");
}

#[test]
fn a_camera_is_seen_with_a_gpu() {
    shows_the_camera("wgpu");
}

#[test]
fn a_slider_and_the_command_line_move_each_other() {
    let service = Service::builder().test_camera("320x240@30").start();
    let gui = Gui::start(&service, "tiny-skia", &["--camera", "test:0"]);
    let handle = |what: &str, wanted: &dyn Fn(u32) -> bool| {
        wait_until(what, SOON, || {
            let (row, end) = gui.slider().ok_or("no slider")?;
            if wanted(end) { Ok((row, end)) } else { Err(format!("it ends at {end}")) }
        })
    };
    let set = |value: i64| service.cli(&["set", "test:0", &format!("brightness={value}")]).ok();

    set(-100);
    let (row, least) = handle("the slider at its least", &|end| end < PANEL.left + 40);
    set(100);
    let (_, most) = handle("the slider at its most", &|end| end > least + 200);
    set(0);
    let middle = (least + most) / 2;
    handle("the slider in its middle", &|end| end.abs_diff(middle) <= 2);

    // Dragged to a quarter; it ends where the pointer was let go.
    let (half, quarter) = (middle - 7, least + (most - least) / 4 - 7);
    let at = |x: u32| ["mousemove".to_owned(), x.to_string(), row.to_string()];
    let act = |args: &[String]| {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        gui.display.act(&args);
    };
    act(&at(half));
    gui.display.act(&["mousedown", "1"]);
    for x in (quarter..half).rev().step_by(3).chain([quarter]) {
        act(&at(x));
    }
    let value = wait_until("the value to which the slider was dragged", SOON, || {
        let value = brightness(&service);
        if (-53..=-47).contains(&value) { Ok(value) } else { Err(value.to_string()) }
    });
    gui.display.act(&["mouseup", "1"]);
    // Away from the slider, which is drawn otherwise under the pointer.
    gui.display.act(&["mousemove", "600", "760"]);
    let expected = least + ((most - least) as i64 * (value + 100) / 200) as u32;
    handle("the slider to stay there", &|end| end.abs_diff(expected) <= 2);
    assert_eq!(brightness(&service), value, "the last value is the one that it ends on");
}

#[test]
fn the_service_is_started_by_its_button() {
    // Its folders and its endpoint, but no service: that is what a user has at first.
    let mut service = Service::builder().start();
    service.kill();
    let mut gui = Gui::start(&service, "tiny-skia", &[]);
    gui.click("the button that starts the service", PRIMARY, Area::ALL);
    wait_until("the service that was started", SOON, || {
        let status = service.cli(&["status"]);
        if status.code() == Some(0) { Ok(()) } else { Err(format!("{status:?}")) }
    });
    // No camera: a test camera is offered.
    gui.click("the button that adds a test camera", PRIMARY, STAGE);
    service.cli(&["shutdown"]).ok();
}
