//! Writing results to stdout and remarks to stderr.

use std::io::{self, Write as _};

use serde::Serialize;

use super::CliError;

/// Writes `text` to stdout, all of it at once.
pub(super) fn print(text: &str) -> Result<(), CliError> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(CliError::stdout)
}

/// Writes `value` to stdout as JSON for people to read too.
pub(super) fn print_json<T: Serialize>(value: &T) -> Result<(), CliError> {
    print(&(json_text(serde_json::to_string_pretty(value))? + "\n"))
}

/// `value` as JSON in one line with its end.
pub(super) fn json_line<T: Serialize>(value: &T) -> Result<String, CliError> {
    Ok(json_text(serde_json::to_string(value))? + "\n")
}

fn json_text(text: serde_json::Result<String>) -> Result<String, CliError> {
    text.map_err(|error| CliError::io("write JSON", error.into()))
}

/// Writes a remark to stderr as one line.
pub(super) fn note(message: &str) {
    // There is no other place to tell that stderr is closed.
    let _ = writeln!(io::stderr(), "camera-service: {message}");
}
