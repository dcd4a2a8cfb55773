//! A window, what is done to it and what is seen of it.

use std::{
    ops::Range,
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tests::{
    Display, Program, Service,
    display::{Area, Rgb, Shot, watch},
    gui, wait_until,
};

use super::{BACKDROP, BARS, PANEL, PRIMARY, SOON, STAGE, is_near};

/// One at a time: two windows would slow each other down.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A window and what it needs.
pub(crate) struct Gui {
    pub(crate) display: Display,
    pub(crate) program: Program,
    _turn: MutexGuard<'static, ()>,
}

impl Gui {
    /// Starts the GUI with the environment of `service`; `backend` as ICED_BACKEND.
    #[track_caller]
    pub(crate) fn start(service: &Service, backend: &str, args: &[&str]) -> Self {
        Self::start_with(service, &[("ICED_BACKEND", backend)], args, Display::start)
    }

    /// Starts it on a screen that is made when it is its turn.
    #[track_caller]
    pub(crate) fn start_with(
        service: &Service,
        variables: &[(&str, &str)],
        args: &[&str],
        display: impl FnOnce() -> Display,
    ) -> Self {
        Self::start_on(display, |display| gui::start(service, display, variables, args))
    }

    /// Has `start` start it on a screen that is made when it is its turn.
    #[track_caller]
    pub(crate) fn start_on(
        display: impl FnOnce() -> Display,
        start: impl FnOnce(&Display) -> Program,
    ) -> Self {
        let turn = turn();
        let display = display();
        // What lies under the pointer is drawn otherwise.
        let (x, y) = (display.size().width - 2, display.size().height - 2);
        display.act(&["mousemove", &x.to_string(), &y.to_string()]);
        let program = start(&display);
        Self { display, program, _turn: turn }
    }

    /// Starts it again, as a user does who has closed the window.
    #[track_caller]
    pub(crate) fn restart(&mut self, service: &Service, backend: &str) {
        self.program.kill();
        self.program = gui::start(service, &self.display, &[("ICED_BACKEND", backend)], &[]);
    }

    /// Has the window get what is typed. Nobody else does that where there is no window manager.
    #[track_caller]
    pub(crate) fn focus(&self) {
        let pid = self.program.pid().to_string();
        let ask = |args: &[&str]| {
            let mut command = Command::new("xdotool");
            let out = command.args(args).env("DISPLAY", self.display.name()).output();
            out.expect("xdotool can be started")
        };
        wait_until("the window to have the focus", SOON, || {
            let found = ask(&["search", "--onlyvisible", "--pid", &pid]);
            let found = String::from_utf8_lossy(&found.stdout).into_owned();
            let window = found.lines().next().ok_or("no window")?;
            let focused = ask(&["windowfocus", window]);
            if focused.status.success() { Ok(()) } else { Err(format!("{focused:?}")) }
        });
    }

    /// Presses these keys, as xdotool calls them.
    #[track_caller]
    pub(crate) fn keys(&self, keys: &[&str]) {
        self.display.act(&[&["key", "--delay", "60"], keys].concat());
    }

    /// Types this text.
    #[track_caller]
    pub(crate) fn write(&self, text: &str) {
        self.display.act(&["type", "--delay", "30", text]);
    }

    /// Waits until a field that is so wide has the focus: that one has a frame of its own.
    #[track_caller]
    pub(crate) fn wait_for_field(&self, what: &str, area: Area, width: Range<u32>) {
        wait_until(&format!("{what} to have the focus"), SOON, || {
            match focused_field(&self.display.shot(), area, &width) {
                Some(_) => Ok(()),
                None => Err("it has not".to_owned()),
            }
        });
    }

    /// Goes back through what Tab reaches until such a field has it. The page must not move by
    /// itself.
    #[track_caller]
    pub(crate) fn focus_field(&self, what: &str, page: Area, width: Range<u32>) {
        wait_until(&format!("{what} to have the focus"), SOON, || {
            let before = self.display.shot();
            if focused_field(&before, page, &width).is_some() {
                return Ok(());
            }
            self.keys(&["shift+Tab"]);
            wait_until("the focus to go on", SOON, || {
                if self.display.shot() == before {
                    Err("nothing changes".to_owned())
                } else {
                    Ok(())
                }
            });
            Err("it has not".to_owned())
        });
    }

    /// Waits until all is known of the controls, of which the first is not as by default: it can be
    /// pinned then.
    #[track_caller]
    pub(crate) fn wait_for_controls(&self) {
        wait_until("controls that can be pinned", SOON, || {
            let (row, _) = self.slider().ok_or("no slider")?;
            // The second word below it. No letter need have the whole colour.
            let shot = self.display.shot();
            let word = |x| (row + 10..row + 30).map(move |y| (x, y));
            let mut pixels = (PANEL.left + 50..PANEL.left + 80).flat_map(word);
            let blue = pixels.any(|(x, y)| {
                let [red, _, blue] = shot.at(x, y);
                blue > red.saturating_add(80)
            });
            if blue { Ok(()) } else { Err(format!("nothing below row {row}")) }
        });
    }

    /// Moves the pressed pointer from one place to another.
    #[track_caller]
    pub(crate) fn drag(&self, from: (u32, u32), to: (u32, u32)) {
        let at = |(x, y): (u32, u32)| {
            self.display.act(&["mousemove", &x.to_string(), &y.to_string()]);
        };
        at(from);
        self.display.act(&["mousedown", "1"]);
        for step in 1..=8 {
            let part = |a: u32, b: u32| (a * (8 - step) + b * step) / 8;
            at((part(from.0, to.0), part(from.1, to.1)));
        }
        self.display.act(&["mouseup", "1"]);
    }

    /// The picture as it is now.
    pub(crate) fn picture(&self) -> Option<Area> {
        self.display.shot().picture(BACKDROP, STAGE)
    }

    /// Waits until something of this colour is seen in `area`.
    #[track_caller]
    pub(crate) fn wait_for_colour(&self, what: &str, colour: Rgb, area: Area) -> Area {
        let mut before = None;
        wait_until(what, SOON, || {
            let found = self.display.shot().find(colour, area);
            let stays = found.is_some() && found == before;
            before = found;
            if stays { Ok(found.unwrap_or(area)) } else { Err(format!("{found:?}")) }
        })
    }

    /// Waits until a button of this colour is seen in `area`, and clicks in its middle until it is
    /// gone from there.
    #[track_caller]
    pub(crate) fn click(&mut self, what: &str, colour: Rgb, area: Area) {
        self.click_until(what, colour, area, |found| found.is_none());
    }

    /// The same until `done`, which is told where such a button is: while a window comes up its
    /// parts still move.
    #[track_caller]
    pub(crate) fn click_until(
        &mut self,
        what: &str,
        colour: Rgb,
        area: Area,
        done: impl Fn(Option<Area>) -> bool,
    ) {
        let mut before = None;
        let mut clicked = None;
        wait_until(what, SOON, || {
            assert!(self.program.is_running(), "the GUI has ended: {}", self.program.stderr());
            let found = self.display.shot().block(colour, area, 40);
            let found = found.filter(|place| place.height > 20);
            let stays = found.is_some() && found == before;
            before = found;
            if clicked.is_some() && done(found) {
                return Ok(());
            }
            if let Some(place) = found.filter(|_| stays && clicked != found) {
                self.display.click(place.middle());
                clicked = found;
            }
            Err(format!("{found:?}, clicked at {clicked:?}"))
        });
    }

    /// Waits until a live picture stays where it is. One that is dimmed is not live.
    #[track_caller]
    pub(crate) fn wait_for_picture(&self) {
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
    pub(crate) fn see_frames(&self, count: usize) -> Duration {
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
    pub(crate) fn expect_bars(&self) {
        wait_until("bars in their colours", SOON, || {
            let shot = self.display.shot();
            let picture = shot.picture(BACKDROP, STAGE).ok_or("no picture")?;
            for (bar, colour) in (0..).zip(BARS) {
                let x = picture.left + picture.width * (2 * bar + 1) / 16;
                let y = picture.bar_row();
                let seen = shot.at(x, y);
                if !is_near(seen, colour) {
                    return Err(format!("bar {bar} is {seen:?} and not {colour:?}"));
                }
            }
            Ok(())
        });
    }

    /// The line of the topmost slider, and where its handle ends at the right.
    pub(crate) fn slider(&self) -> Option<(u32, u32)> {
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

/// The frame of a field that has the focus, if it is so wide.
fn focused_field(shot: &Shot, area: Area, width: &Range<u32>) -> Option<Area> {
    let frame = shot.block(PRIMARY, area, width.start as usize)?;
    width.contains(&frame.width).then_some(frame)
}

fn now_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
