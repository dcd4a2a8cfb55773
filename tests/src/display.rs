//! A screen without a monitor, and what can be seen and done on it.
//!
//! The pixels are read from the file that Xvfb keeps them in: that takes no time and no help of
//! the X server, so that frames can be told apart at full rate.

use std::{
    fs,
    os::unix::fs::FileExt as _,
    path::PathBuf,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use protocol::{Size, strip};
use tempfile::TempDir;

use crate::{Program, wait_until};

/// Size of a screen where nothing else is asked for.
pub const SCREEN: Size = Size::new(1280, 800);
const START: Duration = Duration::from_secs(30);

/// Red, green and blue of a pixel.
pub type Rgb = [u8; 3];

/// An X server of its own.
pub struct Display {
    _server: Program,
    name: String,
    folder: TempDir,
    size: Size,
}

/// A part of the screen, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Area {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

/// The screen at one moment.
#[derive(PartialEq, Eq)]
pub struct Shot {
    pixels: Vec<u8>,
    stride: usize,
    size: Size,
}

impl Display {
    /// Starts one of the usual size.
    #[track_caller]
    pub fn start() -> Self {
        Self::of(SCREEN)
    }

    /// Starts one of this size.
    #[track_caller]
    pub fn of(screen: Size) -> Self {
        let folder = tempfile::tempdir().expect("the temporary folder can be written");
        let mut command = Command::new("Xvfb");
        let size = format!("{}x{}x24", screen.width, screen.height);
        // The server chooses a free number and says which.
        command.args(["-displayfd", "1", "-screen", "0", &size, "-nolisten", "tcp"]);
        // Else it begins anew whenever its last client goes, and whoever connects at that moment is
        // thrown out: one window manager in forty.
        command.args(["-noreset", "-fbdir"]);
        let mut server = Program::start("Xvfb", command.arg(folder.path()));
        let number = wait_until("the X server", START, || {
            assert!(server.is_running(), "Xvfb has ended: {}", server.stderr());
            let said = String::from_utf8_lossy(&server.stdout()).trim().to_owned();
            if said.is_empty() { Err(server.stderr()) } else { Ok(said) }
        });
        Self { _server: server, name: format!(":{number}"), folder, size: screen }
    }

    /// Its name, for DISPLAY.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs xdotool: `["mousemove", "10", "20", "click", "1"]`, `["key", "f"]`.
    #[track_caller]
    pub fn act(&self, args: &[&str]) {
        let mut command = Command::new("xdotool");
        let out = command.args(args).env("DISPLAY", &self.name).output();
        let out = out.unwrap_or_else(|error| panic!("cannot start xdotool: {error}"));
        assert!(out.status.success(), "xdotool {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    }

    /// Clicks there.
    #[track_caller]
    pub fn click(&self, (x, y): (u32, u32)) {
        self.act(&["mousemove", &x.to_string(), &y.to_string(), "click", "1"]);
    }

    /// What is on the screen now. A picture that is being drawn may be seen in part.
    pub fn shot(&self) -> Shot {
        self.rows(self.size.height)
    }

    /// The uppermost rows of it, which takes less time.
    pub fn rows(&self, rows: u32) -> Shot {
        let file = fs::File::open(self.file()).expect("the X server keeps its pixels there");
        // The format of xwd: big-endian words of 32 bits, then the palette, then the pixels.
        let mut head = [0; 25 * 4];
        file.read_exact_at(&mut head, 0).expect("it has a header");
        let word = |index: usize| {
            let bytes: [u8; 4] = head[index * 4..index * 4 + 4].try_into().expect("a word");
            u32::from_be_bytes(bytes)
        };
        let (header, stride, colours) = (word(0), word(12) as usize, word(19));
        assert_eq!(Size::new(word(4), word(5)), self.size);
        let mut pixels = vec![0; stride * rows as usize];
        let start = u64::from(header + colours * 12);
        file.read_exact_at(&mut pixels, start).expect("it has so many rows");
        Shot { pixels, stride, size: Size::new(self.size.width, rows) }
    }

    /// Its size.
    pub fn size(&self) -> Size {
        self.size
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("Xvfb_screen0")
    }
}

impl Shot {
    /// The colour of a pixel.
    pub fn at(&self, x: u32, y: u32) -> Rgb {
        let at = y as usize * self.stride + x as usize * 4;
        [self.pixels[at + 2], self.pixels[at + 1], self.pixels[at]]
    }

    /// The smallest area that has all pixels of this colour within `area`.
    pub fn find(&self, colour: Rgb, area: Area) -> Option<Area> {
        let rows = area.top..area.top + area.height;
        let all = rows.flat_map(|y| (area.left..area.left + area.width).map(move |x| (x, y)));
        let found = all.filter(|(x, y)| self.at(*x, *y) == colour);
        let edges = found.fold(None, |edges: Option<(u32, u32, u32, u32)>, (x, y)| {
            let (left, top, right, bottom) = edges.unwrap_or((x, y, x, y));
            Some((left.min(x), top.min(y), right.max(x), bottom.max(y)))
        });
        edges.map(|(left, top, right, bottom)| Area {
            left,
            top,
            width: right - left + 1,
            height: bottom - top + 1,
        })
    }

    /// The picture that lies in the middle of a `screen` filled with `backdrop`, which is seen
    /// above and below or at both sides of it.
    pub fn picture(&self, backdrop: Rgb, screen: Area) -> Option<Area> {
        let screen = self.find(backdrop, screen)?;
        let (x, y) = screen.middle();
        let is_picture = |x, y| self.at(x, y) != backdrop;
        let mut columns = (screen.left..screen.left + screen.width).filter(|x| is_picture(*x, y));
        let mut rows = (screen.top..screen.top + screen.height).filter(|y| is_picture(x, *y));
        let (left, top) = (columns.next()?, rows.next()?);
        let (right, bottom) = (columns.next_back()?, rows.next_back()?);
        Some(Area { left, top, width: right - left + 1, height: bottom - top + 1 })
    }

    /// The smallest area that has all rows with at least `least` pixels of this colour within
    /// `area`: a button, and no text of its colour.
    pub fn block(&self, colour: Rgb, area: Area, least: usize) -> Option<Area> {
        let row = |top: u32| Area { top, height: 1, ..area };
        let wide = |y: &u32| {
            let row = area.left..area.left + area.width;
            row.filter(|x| self.at(*x, *y) == colour).count() >= least
        };
        let mut rows = (area.top..area.top + area.height).filter(wide);
        let top = rows.next()?;
        let bottom = rows.next_back().unwrap_or(top);
        let found = self.find(colour, row(top))?;
        Some(Area { height: bottom - top + 1, ..found })
    }

    /// All of it.
    pub fn area(&self) -> Area {
        Area { left: 0, top: 0, width: self.size.width, height: self.size.height }
    }

    /// What the test camera's strip in `picture` says.
    pub fn strip(&self, picture: Area) -> Result<strip::Strip, strip::StripError> {
        let size = Size::new(picture.width, picture.height);
        // Green, the most of luma.
        strip::read(size, |x, y| self.at(picture.left + x, picture.top + y)[1])
    }
}

impl Area {
    /// The whole screen.
    pub const ALL: Self = Self { left: 0, top: 0, width: SCREEN.width, height: SCREEN.height };

    /// Where the bars of a test camera's picture have nothing before them.
    pub fn bar_row(self) -> u32 {
        self.top + self.height * 7 / 10
    }

    /// Its middle.
    pub fn middle(self) -> (u32, u32) {
        (self.left + self.width / 2, self.top + self.height / 2)
    }
}

/// Looks at the screen until `enough` says so, without a pause; for what changes with every
/// frame. Panics with `what` after `timeout`.
#[track_caller]
pub fn watch(
    display: &Display,
    what: &str,
    timeout: Duration,
    mut enough: impl FnMut(&Shot) -> bool,
) {
    let deadline = Instant::now() + timeout;
    while !enough(&display.shot()) {
        assert!(Instant::now() < deadline, "waited {timeout:?} for {what}");
        thread::sleep(Duration::from_millis(2));
    }
}
