//! Commands of camera-service, run as processes: what concerns this computer and not the service
//! that runs, which may be none. Each is bounded in time and in what it may say.

use std::{
    env,
    io::Read,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks whether it has ended.
const PAUSE: Duration = Duration::from_millis(20);
/// No more than so much of what it says is read, in bytes.
const MOST: u64 = 1 << 20;
/// What clap says when it knows no such command; the exit code is 2 then.
const UNKNOWN: &str = "unrecognized subcommand";

/// Why a command gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommandError {
    /// There is no camera-service.
    #[error(
        "camera-service was not found, neither beside this program nor on PATH. Install it, then \
         try again."
    )]
    NotFound,
    /// The one that there is knows no such command.
    #[error("{} cannot do that: it is too old. Install a newer one, then try again.", .0.display())]
    TooOld(PathBuf),
    /// It did not end.
    #[error("`{0}` did not end within {seconds} s, and was ended.", seconds = PATIENCE.as_secs())]
    Silent(String),
    /// It says what went wrong.
    #[error("{0}")]
    Failed(String),
}

/// Where camera-service is: beside this program, else on PATH.
#[must_use]
pub(crate) fn program() -> Option<PathBuf> {
    let name = format!("camera-service{}", env::consts::EXE_SUFFIX);
    let beside = env::current_exe().ok().and_then(|exe| exe.parent().map(|dir| dir.join(&name)));
    let on_path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&on_path).map(|dir| dir.join(&name)).collect::<Vec<_>>();
    beside.into_iter().chain(on_path).find(|path| path.is_file())
}

/// Runs `camera-service` with these arguments and `--json`. Returns what it printed, also where
/// its exit code says that something is wrong, as that of `doctor` does.
pub(crate) fn run(args: &[&str]) -> impl Future<Output = Result<Value, CommandError>> + use<> {
    let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    async move {
        let ended = tokio::task::spawn_blocking(move || {
            let program = program().ok_or(CommandError::NotFound)?;
            run_program(program, &args, PATIENCE)
        });
        ended.await.unwrap_or_else(|error| Err(CommandError::Failed(error.to_string())))
    }
}

/// Runs a program of this computer's. Returns what it printed, or what it said where it failed.
pub(crate) async fn run_other(
    program: &'static str,
    args: &'static [&'static str],
) -> Result<String, CommandError> {
    let ended = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(program);
        command.args(args);
        let Ended { status, stdout, stderr } = end(command, PATIENCE)?;
        if status.success() {
            Ok(String::from_utf8_lossy(&stdout).into_owned())
        } else {
            Err(why(program.into(), &stderr, status))
        }
    });
    ended.await.unwrap_or_else(|error| Err(CommandError::Failed(error.to_string())))
}

/// Blocks for `patience` at most.
fn run_program(
    program: PathBuf,
    args: &[String],
    patience: Duration,
) -> Result<Value, CommandError> {
    let mut command = Command::new(&program);
    command.args(args).arg("--json");
    let Ended { status, stdout, stderr } = end(command, patience)?;
    match serde_json::from_slice(&stdout) {
        Ok(value) => Ok(value),
        // Some have nothing to print.
        Err(_) if status.success() => Ok(Value::Null),
        Err(_) => Err(why(program, &stderr, status)),
    }
}

/// A command that has ended, and what it said.
struct Ended {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// Runs a command to its end. Blocks for `patience` at most.
fn end(mut command: Command, patience: Duration) -> Result<Ended, CommandError> {
    let program = PathBuf::from(command.get_program());
    let failed = |error: std::io::Error| {
        CommandError::Failed(format!("Cannot run {}: {error}", program.display()))
    };
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A program with a window has no console to share: each command would open one.
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt as _;
        const CREATE_NO_WINDOW: u32 = 0x0800_0000;
        command.creation_flags(CREATE_NO_WINDOW);
    }
    let mut child = command.spawn().map_err(failed)?;
    let (stdout, stderr) = (reader(child.stdout.take()), reader(child.stderr.take()));
    let deadline = Instant::now() + patience;
    let Some(status) = wait(&mut child, deadline).map_err(failed)? else {
        let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let args = command.get_args().map(|arg| arg.to_string_lossy().into_owned());
        let words: Vec<String> = std::iter::once(name).chain(args).collect();
        return Err(CommandError::Silent(words.join(" ")));
    };
    // What it started may have its output open for longer; all that it said itself is there.
    let said = |reader: mpsc::Receiver<Vec<u8>>| {
        let left = deadline.saturating_duration_since(Instant::now());
        reader.recv_timeout(left).unwrap_or_default()
    };
    Ok(Ended { status, stdout: said(stdout), stderr: said(stderr) })
}

/// Waits for its end; ends it where that does not come in time.
fn wait(child: &mut Child, deadline: Instant) -> std::io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() > deadline {
            // It may have ended just now.
            let _ = child.kill();
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(PAUSE);
    }
}

/// Reads all of it on a thread, so that the process never waits for a reader.
fn reader(from: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    let read = move || {
        let mut bytes = vec![];
        if let Some(from) = from {
            // What was read before an error is all there is.
            let _ = from.take(MOST).read_to_end(&mut bytes);
        }
        // Nobody waits any more where it took too long.
        let _ = sender.send(bytes);
    };
    // Without a thread nothing was said, which the receiver sees.
    let _ = thread::Builder::new().name("command".to_owned()).spawn(read);
    receiver
}

fn why(program: PathBuf, stderr: &[u8], status: ExitStatus) -> CommandError {
    let text = String::from_utf8_lossy(stderr);
    let text = text.trim();
    if status.code() == Some(2) && text.contains(UNKNOWN) {
        return CommandError::TooOld(program);
    }
    // One line of JSON, the last: before it may be warnings.
    let message = text.lines().rev().find_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        Some(line["error"]["message"].as_str()?.to_owned())
    });
    CommandError::Failed(match message {
        Some(message) => message,
        None if text.is_empty() => format!("{} has failed ({status})", program.display()),
        None => text.to_owned(),
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str, patience: Duration) -> Result<Value, CommandError> {
        let args = ["-c", script].map(str::to_owned);
        run_program("/bin/sh".into(), &args, patience)
    }

    #[test]
    fn what_a_command_prints_counts_whatever_its_exit_code() {
        let soon = Duration::from_secs(20);
        let said = shell("echo '{\"problems\": 1}'; exit 1", soon).expect("an answer");
        assert_eq!(said["problems"], 1);
        assert_eq!(shell("exit 0", soon), Ok(Value::Null));
        let long = "yes '{}' | head -c 3000000 >&2; echo '[]'";
        let said = shell(long, soon);
        assert_eq!(said, Ok(Value::Array(vec![])), "it does not wait for a reader");
    }

    #[test]
    fn a_refusal_is_told_in_the_commands_words() {
        let soon = Duration::from_secs(20);
        let refused = r#"echo warning >&2; echo '{"error":{"kind":"io","message":"no room"}}' >&2"#;
        let error = shell(&format!("{refused}; exit 1"), soon).expect_err("refused");
        assert_eq!(error, CommandError::Failed("no room".to_owned()));
        for said in [
            "error: unrecognized subcommand get",
            r#"{"error":{"kind":"usage","message":"unrecognized subcommand"}}"#,
        ] {
            let error = shell(&format!("echo '{said}' >&2; exit 2"), soon).expect_err("unknown");
            assert_eq!(error, CommandError::TooOld("/bin/sh".into()));
        }
    }

    #[test]
    fn a_command_that_does_not_end_is_ended() {
        let began = Instant::now();
        let error = shell("sleep 60", Duration::from_millis(100)).expect_err("ended");
        assert!(matches!(error, CommandError::Silent(_)), "{error}");
        assert!(began.elapsed() < Duration::from_secs(20));
    }
}
