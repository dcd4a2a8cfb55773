//! The program `camera-service`: all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    camera_service::cli::run()
}
