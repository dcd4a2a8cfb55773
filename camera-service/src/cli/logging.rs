//! Where the service's log goes, and how much of it.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use super::CliError;

/// Logs to stderr what `filter` lets through; without one the variable RUST_LOG decides, else
/// everything from `info` up is.
pub(super) fn start(filter: Option<&str>) -> Result<(), CliError> {
    let from_environment = std::env::var(EnvFilter::DEFAULT_ENV).ok();
    let from_environment = from_environment.as_deref().filter(|text| !text.is_empty());
    // At its lowest level it writes down whole messages, and tokens with them.
    let quiet = "tungstenite=warn".parse().map_err(|_| CliError::Usage(String::new()))?;
    let filter = parse(filter.or(from_environment).unwrap_or("info"))?.add_directive(quiet);
    tracing_subscriber::fmt()
        .compact()
        // Where nobody reads the log any more, saying so there would be a panic.
        .log_internal_errors(false)
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .try_init()
        .map_err(|error| CliError::io("start logging", io::Error::other(error.to_string())))
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
