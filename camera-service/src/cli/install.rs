//! `install`: the service starts at login from now on, for this user alone.

use std::{fs, path::PathBuf, process::ExitCode, process::Stdio, time::Duration};

use clap::Args;
use protocol::{ClientError, ErrorKind, client::Client, endpoint};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::{
    CliError, Outcome, Session, console, output, session::answer, shutdown, status::Autostart,
};
use crate::{
    autostart::{self, Step, Steps, Way},
    config,
};

/// How long a service may take to start, and one that runs to end.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(50);

const AFTER_HELP: &str = "\
Nothing outside this user's folders is touched. Where systemd is there, its user manager has the
service started at login, started again should it fail, and started when a program asks for it;
else the desktop starts it at login (XDG autostart), on Windows the registry. Done twice it changes
nothing; done with a newer program, that one is started from then on. A service that was started by
hand makes room for the one that is installed, and programs that watch carry on there.

Examples:
  camera-service install
  camera-service install --no-start
  camera-service install --boot        On a machine that nobody logs in to";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct InstallArgs {
    /// Leave the service as it is now; it starts at the next login.
    #[arg(long)]
    no_start: bool,
    /// Have it run from boot on, without anybody logging in (systemd's lingering).
    #[arg(long)]
    boot: bool,
    /// What is to start it, where the usual way does not suit.
    #[arg(long, value_enum, value_name = "WAY")]
    by: Option<Way>,
}

/// What was done, in JSON.
#[derive(Serialize)]
pub(super) struct Report<'a> {
    pub(super) installed: Option<Autostart>,
    pub(super) written: Vec<&'a PathBuf>,
    pub(super) removed: Vec<&'a PathBuf>,
    pub(super) notes: Vec<&'a str>,
}

impl<'a> Report<'a> {
    pub(super) fn new(steps: &'a Steps) -> Self {
        let mut report = Self {
            installed: autostart::installed().first().map(Autostart::from),
            written: Vec::new(),
            removed: Vec::new(),
            notes: Vec::new(),
        };
        for step in steps {
            match step {
                Step::Written(path) => report.written.push(path),
                Step::Removed(path) => report.removed.push(path),
                Step::Note(note) => report.notes.push(note),
            }
        }
        report
    }
}

/// Tells what was done.
pub(super) fn tell(steps: &Steps, last: &str, json: bool) -> Result<(), CliError> {
    if json {
        return output::print_json(&Report::new(steps));
    }
    let line = |step: &Step| match step {
        Step::Written(path) => format!("Written: {}\n", path.display()),
        Step::Removed(path) => format!("Removed: {}\n", path.display()),
        Step::Note(note) => format!("Note: {note}\n"),
    };
    let steps: String = steps.iter().map(line).collect();
    output::print(&format!("{steps}{last}\n"))
}

pub(super) async fn run(args: InstallArgs, session: &Session) -> Outcome {
    let way = args.by.unwrap_or_else(autostart::usual);
    if args.boot && way != Way::Systemd {
        let message = format!("--boot needs systemd, and {way} starts programs at login only");
        return Err(CliError::Usage(message));
    }
    let program = std::env::current_exe().and_then(fs::canonicalize);
    let program = program.map_err(|error| CliError::io("find this program", error))?;
    let mut steps = Steps::new();
    let changed = autostart::install(way, &program, &mut steps)?;
    let mut last = "The service starts at login.".to_owned();
    if args.no_start {
        // As it was wished.
    } else if endpoint::is_elevated() {
        let note = "the service starts at the next login, and was not started now: with this \
                    shell's administrator's rights your other programs could not reach it";
        steps.push(Step::Note(note.to_owned()));
    } else if !autostart::can_start(way) {
        let note =
            "systemd does not run for this user now, so the service starts at the next login";
        steps.push(Step::Note(note.to_owned()));
    } else {
        let others = make_room(session, way, &mut steps).await?;
        if !autostart::start(way, changed || others, &mut steps)? {
            start(session, &program, way, &mut steps).await?;
        }
        if session.connector().clone().control().await.is_ok() {
            last = "The service runs, and starts at login.".to_owned();
        }
    }
    // Last: all else is done where this is not permitted.
    let booted = if args.boot { boot(&mut steps) } else { Ok(()) };
    tell(&steps, &last, session.json)?;
    booted?;
    Ok(ExitCode::SUCCESS)
}

/// Ends a service that was started in another way than `way`; whether there was one.
async fn make_room(session: &Session, way: Way, steps: &mut Steps) -> Result<bool, CliError> {
    let Some((client, by)) = running(session).await? else { return Ok(false) };
    if by.starts_with(&way.to_string()) {
        return Ok(false);
    }
    end(session, client).await?;
    steps.push(Step::Note(format!("the service that ran ({by}) has made room")));
    Ok(true)
}

/// The service that runs, and who started it. One that systemd would start when asked is not
/// asked.
pub(super) async fn running(session: &Session) -> Result<Option<(Client, String)>, CliError> {
    match session.control().await {
        Ok(client) => {
            let status = answer(client.status()).await?;
            Ok(Some((client, status.started_by)))
        }
        Err(CliError::Client(ClientError::NotRunning(_))) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Has a service end, and waits until it has.
pub(super) async fn end(session: &Session, client: Client) -> Result<(), CliError> {
    let pid = client.service_pid();
    answer(client.shutdown()).await?;
    drop(client);
    let deadline = Instant::now() + PATIENCE;
    loop {
        match session.control().await {
            Err(CliError::Client(ClientError::NotRunning(_))) => {
                // There its pipe is gone before it is, and its files are open till then.
                if cfg!(windows) {
                    shutdown::last_steps(pid).await;
                }
                return Ok(());
            }
            _ if Instant::now() > deadline => {
                let message = "the service that runs does not end; end it and try again";
                return Err(CliError::failed(ErrorKind::Timeout, message));
            }
            _ => sleep(LOOK).await,
        }
    }
}

/// Starts the service as it is started at login, where nobody else does; it stays when this
/// program ends.
async fn start(
    session: &Session,
    program: &std::path::Path,
    way: Way,
    steps: &mut Steps,
) -> Result<(), CliError> {
    if running(session).await?.is_some() {
        return Ok(());
    }
    let folder = config::state_dir()?;
    let path = folder.join("service.log");
    let log = fs::create_dir_all(&folder).and_then(|()| fs::File::create(&path));
    let log = log.map_err(|error| CliError::io(format!("write {}", path.display()), error))?;
    console::keep_streams();
    let mut command = std::process::Command::new(program);
    command.args(["serve", "--started-by", &way.to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        // A Ctrl-C that ends this program is not meant for the service.
        command.process_group(0);
    }
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt as _;

        use windows::Win32::System::Threading::{CREATE_NEW_PROCESS_GROUP, CREATE_NO_WINDOW};
        // Neither is that, nor the end of this console.
        command.creation_flags((CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW).0);
    }
    let spawned = command.spawn();
    let mut child = spawned.map_err(|error| CliError::io("start the service", error))?;
    let deadline = Instant::now() + PATIENCE;
    while running(session).await?.is_none() {
        if child.try_wait().is_ok_and(|status| status.is_some()) || Instant::now() > deadline {
            let message = format!("the service does not start; {} says why", path.display());
            return Err(CliError::failed(ErrorKind::Internal, message));
        }
        sleep(LOOK).await;
    }
    steps.push(Step::Note(format!("the service was started; it logs to {}", path.display())));
    Ok(())
}

#[cfg(target_os = "linux")]
fn boot(steps: &mut Steps) -> Result<(), CliError> {
    if autostart::is_in_video_group() == Some(false) {
        let note = "without a login at the machine itself this user may open cameras only as a \
                    member of the group `video`: sudo usermod -aG video \"$USER\"";
        steps.push(Step::Note(note.to_owned()));
    }
    autostart::boot(steps).map_err(|error| {
        let message = format!(
            "the service is installed but does not start with the machine: {error}; try `sudo \
             loginctl enable-linger \"$USER\"`"
        );
        CliError::failed(ErrorKind::Permission, message)
    })
}

#[cfg(not(target_os = "linux"))]
fn boot(_: &mut Steps) -> Result<(), CliError> {
    Err(CliError::Usage("--boot is for machines with systemd".to_owned()))
}
