//! A screen with a window manager, as a desktop has it: windows have the focus, become full screens,
//! and are minimised.

use std::{process::Command, time::Duration};

use crate::{Display, Program, wait_until};

/// Generous: without a GPU, on a busy machine, a window takes a while.
const SOON: Duration = Duration::from_secs(60);

/// A screen with a window manager: without one nothing is ever minimised.
pub struct Desktop {
    /// The screen.
    pub display: Display,
    manager: Program,
}

impl Desktop {
    /// Starts one of the usual size.
    #[track_caller]
    pub fn start() -> Self {
        Self::on(Display::start())
    }

    /// Starts a window manager on a screen.
    #[track_caller]
    pub fn on(display: Display) -> Self {
        let mut command = Command::new("openbox");
        let mut manager = Program::start("openbox", command.env("DISPLAY", display.name()));
        let ask = |property: &str| ask(&display, "xprop", &["-root", property]);
        wait_until("the window manager", SOON, || {
            assert!(manager.is_running(), "openbox has ended: {}", manager.stderr());
            // It says early that it is there, and lists windows once it sees to them.
            let (there, list) = (ask("_NET_SUPPORTING_WM_CHECK"), ask("_NET_CLIENT_LIST"));
            let ready = there.contains("window id") && list.contains("window id");
            if ready { Ok(()) } else { Err(format!("{there}{list}{}", manager.stderr())) }
        });
        Self { display, manager }
    }

    /// What a program that speaks to the X server prints, whatever comes of it.
    pub fn ask(&self, program: &str, args: &[&str]) -> String {
        ask(&self.display, program, args)
    }

    /// The id of the window of `program`.
    #[track_caller]
    pub fn window(&self, program: &Program) -> String {
        let pid = program.pid().to_string();
        wait_until("the window", SOON, || {
            let found = self.ask("xdotool", &["search", "--onlyvisible", "--pid", &pid]);
            let first = found.lines().next().unwrap_or_default().to_owned();
            if first.parse::<u64>().is_ok() {
                return Ok(first);
            }
            let all = self.ask("xwininfo", &["-root", "-tree", "-all"]);
            Err(format!("{found}, openbox wrote {}, and there are {all}", self.manager.stderr()))
        })
    }

    /// Waits until the window manager says that the window is in `state`.
    #[track_caller]
    pub fn wait_for_state(&self, window: &str, state: &str) {
        wait_until(&format!("WM_STATE to be {state}"), SOON, || {
            let said = self.ask("xprop", &["-id", window, "WM_STATE"]);
            if said.contains(state) { Ok(()) } else { Err(said) }
        });
    }
}

/// What a program prints that speaks to the X server of `display`.
fn ask(display: &Display, program: &str, args: &[&str]) -> String {
    let mut command = Command::new(program);
    let out = command.args(args).env("DISPLAY", display.name()).output();
    let out = out.unwrap_or_else(|error| panic!("cannot start {program}: {error}"));
    String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr)
}
