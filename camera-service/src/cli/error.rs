//! Why a command failed, how that is told, and the exit code.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use protocol::{ClientError, ErrorKind, ErrorReply};
use serde::Serialize;

use super::{output, text::one_line};
#[cfg(target_os = "linux")]
use crate::loopback::LoopbackError;
use crate::{
    autostart::AutostartError, bridge::BridgeError, config::ConfigError, serve::ServeError,
};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    /// Whoever read stdout has gone: no failure, the command just ends.
    #[error("the reader of the output has gone")]
    ClosedPipe,
    /// The service, or the way to it.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The service could not be run.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// Starting at login.
    #[error(transparent)]
    Autostart(#[from] AutostartError),
    /// A loopback device.
    #[cfg(target_os = "linux")]
    #[error(transparent)]
    Loopback(LoopbackError),
    /// The bridge does not run.
    #[error(transparent)]
    Bridge(#[from] BridgeError),
    /// The arguments make no sense.
    #[error("{0}")]
    Usage(String),
    /// Something could not be read or written.
    #[error("cannot {doing}: {source}")]
    Io {
        /// What was tried.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
    /// `check` found something.
    #[error("{0}")]
    Check(String),
    /// Anything else, as the service would put it.
    #[error(transparent)]
    Failed(ErrorReply),
}

#[cfg(target_os = "linux")]
impl From<LoopbackError> for CliError {
    fn from(error: LoopbackError) -> Self {
        match error {
            LoopbackError::Client(error) => Self::Client(error),
            error => Self::Loopback(error),
        }
    }
}

impl CliError {
    pub(super) fn failed(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::Failed(ErrorReply::new(kind, message))
    }

    pub(super) fn io(doing: impl Into<String>, source: io::Error) -> Self {
        Self::Io { doing: doing.into(), source }
    }

    /// What a failed write to stdout means.
    pub(super) fn stdout(source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::BrokenPipe {
            return Self::ClosedPipe;
        }
        Self::io("write the output", source)
    }

    /// The program's exit code.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::ClosedPipe => 0,
            Self::Usage(_) => 2,
            Self::Serve(ServeError::AlreadyRunning { .. }) => 3,
            Self::Client(ClientError::NotRunning(_)) => 4,
            Self::Client(ClientError::Reply(reply)) | Self::Failed(reply)
                if reply.kind == ErrorKind::NoSuchCamera =>
            {
                5
            }
            _ => 1,
        }
    }

    /// The kind that JSON has: the service's, or one of a handful of our own.
    fn kind(&self) -> String {
        let kind = match self {
            Self::ClosedPipe => "closed_pipe",
            Self::Config(_) => "config",
            Self::Serve(ServeError::AlreadyRunning { .. }) => "already_running",
            Self::Serve(_) => "serve",
            Self::Autostart(_) => "autostart",
            #[cfg(target_os = "linux")]
            Self::Loopback(_) => "loopback",
            Self::Bridge(_) => "bridge",
            Self::Usage(_) => "usage",
            Self::Io { .. } => "io",
            Self::Check(_) => "check",
            Self::Failed(reply) | Self::Client(ClientError::Reply(reply)) => {
                return reply.kind.to_string();
            }
            Self::Client(ClientError::NotRunning(_)) => "not_running",
            Self::Client(ClientError::Preamble(_)) => "version",
            Self::Client(ClientError::NoAnswer(_)) => "timeout",
            Self::Client(ClientError::Unexpected(_)) => "protocol",
            Self::Client(_) => "connection",
        };
        kind.to_owned()
    }

    /// Tells the user, on stderr, and gives the exit code.
    pub(super) fn report(&self, json: bool) -> ExitCode {
        if !matches!(self, Self::ClosedPipe) {
            tell(json, &self.kind(), &self.to_string());
        }
        ExitCode::from(self.exit_code())
    }
}

#[derive(Serialize)]
struct Report<'a> {
    error: Error<'a>,
}

#[derive(Serialize)]
struct Error<'a> {
    kind: &'a str,
    message: &'a str,
}

fn tell(json: bool, kind: &str, message: &str) {
    let message = one_line(message);
    if !json {
        return output::note(&message);
    }
    let line = serde_json::to_string(&Report { error: Error { kind, message: &message } });
    if let Ok(line) = line {
        // There is no other place to tell that stderr is closed.
        let _ = writeln!(io::stderr(), "{line}");
    }
}

/// Prints what clap has to say: help, the version, or what is wrong with the arguments.
pub(super) fn usage(wrong: &clap::Error) -> ExitCode {
    let json = std::env::args_os().any(|argument| argument == "--json");
    if wrong.use_stderr() && json {
        let text = wrong.to_string();
        let message: Vec<&str> =
            text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:")).collect();
        let message = message.join(" ");
        tell(true, "usage", message.trim_start_matches("error:").trim());
    } else {
        // A closed pipe is no reason to fail.
        let _ = wrong.print();
    }
    ExitCode::from(u8::try_from(wrong.exit_code()).unwrap_or(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_the_documented_ones() {
        let reply = |kind| ErrorReply::new(kind, "x");
        let running = ServeError::AlreadyRunning { pid: 7, endpoint: "e".to_owned() };
        for (error, code, kind) in [
            (CliError::ClosedPipe, 0, "closed_pipe"),
            (CliError::Failed(reply(ErrorKind::Lost)), 1, "lost"),
            (CliError::Usage(String::new()), 2, "usage"),
            (CliError::Serve(running), 3, "already_running"),
            (ClientError::NotRunning(String::new()).into(), 4, "not_running"),
            (ClientError::Reply(reply(ErrorKind::NoSuchCamera)).into(), 5, "no_such_camera"),
            (CliError::Failed(reply(ErrorKind::NoSuchCamera)), 5, "no_such_camera"),
            (ClientError::Closed.into(), 1, "connection"),
        ] {
            assert_eq!((error.exit_code(), error.kind().as_str()), (code, kind), "{error:?}");
        }
    }

    #[test]
    fn a_closed_pipe_is_told_from_a_full_disk() {
        let closed = CliError::stdout(io::ErrorKind::BrokenPipe.into());
        assert!(matches!(closed, CliError::ClosedPipe));
        let full = CliError::stdout(io::ErrorKind::StorageFull.into());
        assert_eq!(full.exit_code(), 1);
    }
}
