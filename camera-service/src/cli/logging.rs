//! Where the service's log goes, and how much of it.
//!
//! It goes to stderr, written by the thread `log`: whoever logs must not wait for whoever reads.

mod backlog;
mod panics;

use std::{cell::Cell, io, process::ExitCode, sync::Arc, thread, time::Duration};

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use super::{CliError, Outcome, console};
use backlog::Backlog;

/// How long the end of the program waits for the last lines to be written.
const LAST_LINES: Duration = Duration::from_millis(100);

/// The log of this process, from its start to its end.
pub(super) struct Log {
    backlog: Arc<Backlog>,
    is_written_out: Cell<bool>,
}

impl Log {
    /// Has the lines written, those too that were logged before. To be called once, and by a
    /// process that confines itself only after that: the thread must be confined as well.
    pub(super) fn write_out(&self) -> Result<(), CliError> {
        self.is_written_out.set(true);
        let backlog = self.backlog.clone();
        let thread = thread::Builder::new().name("log".to_owned());
        let write = move || backlog.write_out(io::stderr());
        thread.spawn(write).map(drop).map_err(|error| CliError::io("start logging", error))
    }

    /// Gives the last lines a moment to be written; then what the program comes to. Where nobody
    /// reads the log, nobody reads why it failed either: to write that would never end, so of that
    /// only the exit code is left.
    pub(super) fn end(self, outcome: Outcome) -> Outcome {
        if !self.is_written_out.get() {
            self.write_out()?;
        }
        match outcome {
            _ if self.backlog.is_written_within(LAST_LINES) => outcome,
            Ok(code) => Ok(code),
            Err(error) => Ok(ExitCode::from(error.exit_code())),
        }
    }
}

impl Drop for Log {
    /// Where the program ends by a panic, that is the last line.
    fn drop(&mut self) {
        if thread::panicking() && (self.is_written_out.get() || self.write_out().is_ok()) {
            self.backlog.is_written_within(LAST_LINES);
        }
    }
}

/// Logs to stderr what `filter` lets through; without one the variable RUST_LOG decides, else
/// everything from `info` up is. Nothing is written before [`Log::write_out`].
pub(super) fn start(filter: Option<&str>) -> Result<Log, CliError> {
    let from_environment = std::env::var(EnvFilter::DEFAULT_ENV).ok();
    let from_environment = from_environment.as_deref().filter(|text| !text.is_empty());
    // At its lowest level it writes down whole messages, and tokens with them.
    let quiet = "tungstenite=warn".parse().map_err(|_| CliError::Usage(String::new()))?;
    let filter = parse(filter.or(from_environment).unwrap_or("info"))?.add_directive(quiet);
    let backlog = Arc::new(Backlog::default());
    tracing_subscriber::fmt()
        .compact()
        // Where nobody reads the log any more, saying so there would be a panic.
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_ansi(console::shows_colours())
        .with_writer(backlog.clone())
        .try_init()
        .map_err(|error| CliError::io("start logging", io::Error::other(error.to_string())))?;
    panics::log();
    Ok(Log { backlog, is_written_out: Cell::new(false) })
}

fn parse(text: &str) -> Result<EnvFilter, CliError> {
    // A word that is no level would be taken for the name of a module, and none for a level.
    let known = |part: &str| {
        let part = part.trim();
        let is_level = || part.parse::<LevelFilter>().is_ok();
        !part.is_empty() && (part.contains(['=', ':', '[', '_']) || is_level())
    };
    let filter = EnvFilter::builder().parse(text).ok().filter(|_| text.split(',').all(known));
    filter.ok_or_else(|| {
        CliError::Usage(format!(
            "{text:?} is no log level; use error, warn, info, debug, trace or off, or filters \
             such as camera_service=debug"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_filters_are_told_from_slips() {
        for text in ["info", "TRACE", "off", "camera_service=debug", "warn,protocol=trace"] {
            assert!(parse(text).is_ok(), "{text}");
        }
        for text in ["verbose", "", "camera_service=loud"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
