//! Cameras of real kernel drivers, for the tests that run in the virtual machine.

use std::{
    process::Command,
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use camera_service::{
    device::{self, Capture, Captured, Controls, Device, Finder as _, Next, v4l2},
    slots::Pool,
};
use protocol::{
    Colour, Control, ControlSetting, ControlValue, Matrix, Mode, ModeWish, PixelFormat, Range,
};

/// Longer than anything takes in an emulated machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The cameras of `driver`.
pub fn cameras(driver: &str) -> Vec<Arc<dyn Device>> {
    let mut cameras = v4l2::Finder::new().enumerate();
    cameras.retain(|camera| camera.descriptor().driver == driver);
    cameras
}

/// The first camera of `driver`; these tests are nothing without it.
pub fn camera(driver: &str) -> Arc<dyn Device> {
    cameras(driver).into_iter().next().unwrap_or_else(|| panic!("no camera of {driver}"))
}

/// A wish for exactly this, as in `YUYV 640x480 30`.
pub fn wish(text: &str) -> ModeWish {
    let mut words = text.split(' ');
    ModeWish {
        format: words.next().map(|word| word.parse().expect("a format")),
        size: words.next().map(|word| word.parse().expect("a size")),
        rate: words.next().map(|word| word.parse().expect("a rate")),
    }
}

/// A camera opened for frames, and its pool.
pub struct Open {
    /// The camera, streaming.
    pub capture: Box<dyn Capture>,
    /// Where its frames go.
    pub pool: Pool,
}

/// Opens a camera for a wish as in [`wish`].
pub fn open(camera: &Arc<dyn Device>, wanted: &str) -> Open {
    let capture = camera.open(&wish(wanted)).unwrap_or_else(|error| {
        panic!("opening {} in {wanted}: {error}", camera.descriptor().name)
    });
    let pool = capture.pool();
    Open { capture, pool }
}

impl Open {
    /// Whatever comes next.
    pub fn wait(&mut self) -> Result<Next, device::Error> {
        self.capture.next_frame(&self.pool, PATIENCE)
    }

    /// The next frame that is whole.
    pub fn frame(&mut self) -> Captured {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.wait() {
                Ok(Next::Frame(frame)) => return frame,
                Ok(Next::Damaged { reason }) => eprintln!("damaged: {reason}"),
                Ok(Next::TimedOut) => panic!("no frame in {PATIENCE:?}"),
                Err(error) => panic!("no frame: {error}"),
            }
            assert!(Instant::now() < deadline, "only damaged frames");
        }
    }

    /// The error that ends the frames.
    pub fn error(&mut self) -> device::Error {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.wait() {
                Err(error) => return error,
                Ok(_) => assert!(Instant::now() < deadline, "still no error"),
            }
        }
    }

    /// Waits until a frame comes that is damaged, and says why.
    pub fn damaged(&mut self) -> &'static str {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.wait() {
                Ok(Next::Damaged { reason }) => return reason,
                Ok(_) => assert!(Instant::now() < deadline, "no damaged frame"),
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Waits until no frame comes for a while.
    pub fn stalled(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.capture.next_frame(&self.pool, Duration::from_millis(500)) {
                Ok(Next::TimedOut) => return,
                Ok(_) => assert!(Instant::now() < deadline, "frames still come"),
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// The error of something that must fail.
pub fn error<T>(result: Result<T, device::Error>) -> device::Error {
    match result {
        Ok(_) => panic!("should have failed"),
        Err(error) => error,
    }
}

/// The control of that name.
pub fn control(controls: &mut Box<dyn Controls>, name: &str) -> Control {
    let all = controls.list().expect("a list of controls");
    let found = all.into_iter().find(|control| control.name == name);
    found.unwrap_or_else(|| panic!("no control {name}"))
}

/// Sets a control and gives what the device took.
pub fn set(
    controls: &mut Box<dyn Controls>,
    name: &str,
    value: ControlValue,
) -> Result<ControlValue, device::Error> {
    controls.set(&ControlSetting { name: name.to_owned(), value })
}

/// A finder that is being watched, and what it told.
pub struct Plugs {
    // First: dropped while there is still a listener.
    _watch: device::Watch,
    finder: v4l2::Finder,
    told: mpsc::Receiver<()>,
}

impl Plugs {
    /// Starts to watch.
    pub fn watch() -> Self {
        let finder = v4l2::Finder::new();
        let (tell, told) = mpsc::channel();
        let watch = finder.watch(Box::new(move || tell.send(()).expect("a listener")));
        Self { _watch: watch.expect("a watch"), finder, told }
    }

    /// Waits, by what the watch tells alone, until there are `count` cameras of `driver`.
    pub fn wait_for(&self, driver: &str, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let found = self.finder.enumerate();
            if found.iter().filter(|camera| camera.descriptor().driver == driver).count() == count {
                return;
            }
            if self.told.recv_timeout(left).is_err() {
                panic!("the watch told of no change that gives {count} cameras of {driver}");
            }
        }
    }

    /// Waits until the watch tells of a change.
    pub fn wait_for_change(&self) {
        self.told.recv_timeout(PATIENCE).expect("the watch tells of a change");
    }

    /// Forgets what was told so far.
    pub fn forget(&self) {
        while self.told.try_recv().is_ok() {}
    }
}

/// What `v4l2-ctl` prints: another program that uses the device.
pub fn v4l2_ctl(camera: &Arc<dyn Device>, arguments: &[&str]) -> String {
    let path = camera.descriptor().path.clone().expect("a device file");
    let output = Command::new("v4l2-ctl")
        .arg("-d")
        .arg(path)
        .args(arguments)
        .output()
        .expect("v4l2-ctl runs");
    assert!(output.status.success(), "v4l2-ctl {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("v4l2-ctl speaks UTF-8")
}

/// Waits until `done` gives something.
pub fn wait_for<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = done() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Red, green and blue of the pixel at `x`, `y` of a frame in `mode`.
pub fn pixel(frame: &Captured, mode: Mode, x: u32, y: u32) -> [u8; 3] {
    let byte = |plane: usize, x: u32, y: u32| {
        let plane = frame.planes[plane];
        frame.slot[(plane.offset + y * plane.stride + x) as usize]
    };
    match mode.format {
        PixelFormat::Grey => [byte(0, x, y); 3],
        PixelFormat::Rgb => [0, 1, 2].map(|c| byte(0, x * 3 + c, y)),
        PixelFormat::Bgr => [2, 1, 0].map(|c| byte(0, x * 3 + c, y)),
        PixelFormat::Rgba => [0, 1, 2].map(|c| byte(0, x * 4 + c, y)),
        PixelFormat::Yuyv => {
            let pair = x / 2 * 4;
            rgb(frame.colour, [byte(0, x * 2, y), byte(0, pair + 1, y), byte(0, pair + 3, y)])
        }
        PixelFormat::Nv12 => {
            let pair = x / 2 * 2;
            rgb(frame.colour, [byte(0, x, y), byte(1, pair, y / 2), byte(1, pair + 1, y / 2)])
        }
        PixelFormat::I420 => {
            rgb(frame.colour, [byte(0, x, y), byte(1, x / 2, y / 2), byte(2, x / 2, y / 2)])
        }
        PixelFormat::Mjpg | PixelFormat::Other(_) => panic!("{mode} has no pixels"),
    }
}

/// Luma and chroma as red, green and blue.
fn rgb(colour: Colour, [y, u, v]: [u8; 3]) -> [u8; 3] {
    let (red, blue) = match colour.matrix {
        Matrix::Bt601 => (0.299, 0.114),
        Matrix::Bt709 => (0.2126, 0.0722),
    };
    let (y, [u, v]) = match colour.range {
        Range::Full => (f64::from(y) / 255.0, [u, v].map(|c| (f64::from(c) - 128.0) / 255.0)),
        Range::Limited => {
            ((f64::from(y) - 16.0) / 219.0, [u, v].map(|c| (f64::from(c) - 128.0) / 224.0))
        }
    };
    let (r, b) = (y + 2.0 * (1.0 - red) * v, y + 2.0 * (1.0 - blue) * u);
    let g = (y - red * r - blue * b) / (1.0 - red - blue);
    [r, g, b].map(|c| (c * 255.0).round().clamp(0.0, 255.0) as u8)
}
