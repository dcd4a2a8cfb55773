//! `serve`: runs the service in this process.

use std::{fs, path::PathBuf, process::ExitCode};

use clap::Args;
use protocol::endpoint::{self, Endpoint};

use super::{Global, Outcome, console, logging};
use crate::{
    config::{self, Config, TestCamera},
    serve::{self, Options},
};

/// A log of more bytes is begun anew.
const LONGEST_LOG: u64 = 1 << 20;

const AFTER_HELP: &str = "\
Examples:
  camera-service serve
  camera-service serve --test-camera --test-camera 1280x720@60
  camera-service serve --log camera_service=debug";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct ServeArgs {
    /// Read this configuration in place of the usual one; it must exist.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Add a test camera, of 640x480@30 unless said otherwise. May be given several times.
    #[arg(
        long = "test-camera",
        value_name = "WxH@FPS",
        num_args = 0..=1,
        default_missing_value = "640x480@30"
    )]
    test_cameras: Vec<TestCamera>,
    /// What to log to stderr: error, warn, info, debug or trace, or filters as in RUST_LOG.
    #[arg(long, value_name = "LEVEL")]
    log: Option<String>,
    /// Who started it, as `status` tells; for files that start it at login.
    #[arg(long, hide = true, value_name = "TEXT")]
    started_by: Option<String>,
}

pub(super) fn run(args: ServeArgs, global: &Global) -> Outcome {
    if console::leave_own()
        && let Some(log) = log_file()
    {
        console::lead_errors_into(log);
    }
    serve::keep_small();
    let log = logging::start(args.log.as_deref())?;
    log.write_out()?;
    if endpoint::is_elevated() {
        tracing::warn!(
            "this service has an administrator's rights, so only programs that have them too can \
             reach it; end it and start it without them"
        );
    }
    log.end(serve(args, global))
}

fn serve(args: ServeArgs, global: &Global) -> Outcome {
    let (config, config_path) = Config::load(args.config.as_deref())?;
    // Named to programs that are somewhere else.
    let config_path = std::path::absolute(&config_path).unwrap_or(config_path);
    serve::run(Options {
        config,
        config_path,
        config_is_named: args.config.is_some(),
        test_cameras: args.test_cameras,
        started_by: args.started_by,
        endpoint: global.socket.as_ref().map(Endpoint::at),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Where a service that nobody sees logs to: `service.log` in the state folder, as one that
/// `install` or the window starts does.
fn log_file() -> Option<fs::File> {
    let folder = config::state_dir().ok()?;
    fs::create_dir_all(&folder).ok()?;
    let path = folder.join("service.log");
    // Behind what is there: it may be that of the service that this one finds running.
    if fs::metadata(&path).is_ok_and(|log| log.len() > LONGEST_LOG) {
        fs::File::create(&path).ok()?;
    }
    fs::File::options().append(true).create(true).open(path).ok()
}
