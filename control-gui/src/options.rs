//! The command line.

use clap::Parser;

/// See and drive every camera of camera-service.
#[derive(Debug, Clone, Default, Parser)]
#[command(name = "control-gui", version, after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Shows this camera live at once: an id or a name, as `camera-service list` has them
    #[arg(long, value_name = "CAM")]
    pub camera: Option<String>,
    /// Opens as a full screen
    #[arg(long)]
    pub fullscreen: bool,
}

const EXAMPLES: &str = "Examples:
  control-gui                                   all cameras
  control-gui --camera test:0                   one of them, live at once
  control-gui --camera 'Front door' --fullscreen

ICED_BACKEND=tiny-skia draws without a GPU. RUST_LOG=debug tells what happens.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Options::command().debug_assert();
    }
}
