//! The real `control-gui` on a screen.

use std::process::Command;

use crate::{Display, Program, Service, binary::control_gui};

/// Starts the GUI on `display`, with the environment of `service` and these variables: ICED_BACKEND
/// (`wgpu` or `tiny-skia`) chooses how it draws.
#[track_caller]
pub fn start(
    service: &Service,
    display: &Display,
    variables: &[(&str, &str)],
    args: &[&str],
) -> Program {
    let environment = service.command();
    let mut command = Command::new(control_gui());
    for (name, value) in environment.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.args(args);
    start_command(command, display, variables)
}

/// Starts `command`, which is that of the GUI with its environment, likewise.
#[track_caller]
pub fn start_command(
    mut command: Command,
    display: &Display,
    variables: &[(&str, &str)],
) -> Program {
    command
        .env("DISPLAY", display.name())
        .env("RUST_LOG", "control_gui=debug,warn")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("ICED_BACKEND")
        .envs(variables.iter().copied());
    Program::start("control-gui", &mut command)
}
