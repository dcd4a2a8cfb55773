//! The command line: one file per command behind one flat match.
//!
//! Every command but `serve` is a client like any other and knows the `protocol` crate alone;
//! `doctor` also looks at devices and files, since it must work without a service. A command
//! runs on the main thread, with a tokio runtime of that thread where it talks to the service.
//! A command writes its result to stdout; whatever else there is to say goes to stderr, an
//! error always as one line.

mod args;
mod background;
mod bridge;
mod check;
mod clients;
mod completions;
mod config;
mod console;
mod controls;
mod doctor;
mod error;
mod events;
mod get;
mod inactive;
mod info;
mod install;
mod jpeg;
mod list;
mod logging;
mod loopback;
mod open;
mod output;
mod pair;
mod pin;
mod preset;
mod privacy;
mod publish;
mod rename;
mod reset;
mod rows;
mod serve;
mod session;
mod set;
mod shutdown;
mod snapshot;
mod start;
mod status;
mod stop;
mod stream;
mod table;
mod text;
mod token;
mod uninstall;
mod unpin;
mod value;
mod wait;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

use crate::{json, time};
use error::CliError;
use session::Session;

/// What a command comes to: the program's exit code, or why it failed.
type Outcome = Result<ExitCode, CliError>;

const AFTER_HELP: &str = "\
Examples:
  camera-service serve --test-camera           Run the service with a test camera
  camera-service list                          See which cameras there are
  camera-service snapshot test:0 -o now.jpg    Take a picture
  camera-service set test:0 brightness=20      Change a control

Exit codes:
  0  done
  1  failed
  2  wrong usage
  3  a service is already running
  4  no service is running
  5  no such camera

With --json an error is one line of JSON on stderr: {\"error\":{\"kind\":…,\"message\":…}}.";

/// One process owns the cameras; any number of programs use them at once.
#[derive(Debug, Parser)]
#[command(name = "camera-service", version, after_help = AFTER_HELP, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
struct Global {
    /// Talk to the service at this socket, or listen there. Overrides the variable
    /// CAMERA_SERVICE_SOCKET and the usual places.
    #[arg(long, global = true, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Print JSON, for scripts; errors too, on stderr.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service that owns the cameras.
    Serve(serve::ServeArgs),
    /// List the cameras.
    List,
    /// Show everything about a camera: its modes, who watches it, who holds the device.
    Info(args::CameraArg),
    /// Show whether the service runs, since when and where.
    Status,
    /// List the programs that are connected to the service.
    Clients,
    /// Print the state, then every change as it happens, until interrupted.
    Events(events::EventsArgs),
    /// Open a camera and hold it open, or change its mode for all who watch it.
    Start(start::StartArgs),
    /// End the hold of `start`; the camera stays open while anybody watches it.
    Stop(args::CameraArg),
    /// List the controls of a camera.
    Controls(args::CameraArg),
    /// Print the values of controls.
    Get(get::GetArgs),
    /// Set controls.
    Set(set::SetArgs),
    /// Set controls to their defaults: those named, or all.
    Reset(reset::ResetArgs),
    /// Keep the controls of a camera under a name, and set them as they were kept.
    Preset(preset::PresetArgs),
    /// Have controls set again whenever the camera is opened or plugged in.
    Pin(pin::PinArgs),
    /// Have pinned controls not be set again.
    Unpin(unpin::UnpinArgs),
    /// Give a camera a name of your own.
    Rename(rename::RenameArgs),
    /// Turn all cameras off, until they are turned on again.
    Off(privacy::OffArgs),
    /// Turn all cameras back on.
    On,
    /// Save one frame as a JPEG or PNG file.
    Snapshot(snapshot::SnapshotArgs),
    /// Read frames and write them for other programs, or just count them.
    Stream(stream::StreamArgs),
    /// Be a camera, with frames from standard input or from a folder of JPEG images.
    Publish(publish::PublishArgs),
    /// Read frames for some seconds and verify that they are whole and in order.
    Check(check::CheckArgs),
    /// Write a camera into a v4l2loopback device, for programs that know only /dev/video*.
    Loopback(loopback::LoopbackArgs),
    /// Offer the cameras to browsers and other machines, by HTTP and WebSocket.
    Bridge(Box<bridge::BridgeArgs>),
    /// Open the page of the running bridge in a browser, logged in.
    #[command(after_help = open::AFTER_HELP)]
    Open,
    /// Show a QR code by which a phone logs in.
    Pair(pair::PairArgs),
    /// Make, list and revoke the tokens by which remote users log in.
    Token(token::TokenArgs),
    /// Look for what may be wrong with cameras and service, and say what to do.
    #[command(after_help = doctor::AFTER_HELP)]
    Doctor,
    /// Write, show, change or locate the configuration file.
    Config(config::ConfigArgs),
    /// Have the service start at login, for this user.
    Install(install::InstallArgs),
    /// Have the service no longer start at login.
    Uninstall(uninstall::UninstallArgs),
    /// Stop the service.
    Shutdown,
    /// Print a script that completes commands in your shell.
    Completions(completions::CompletionsArgs),
}

/// Runs the program with the arguments of this process.
#[must_use]
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(wrong) => return error::usage(&wrong),
    };
    let json = cli.global.json;
    dispatch(cli).unwrap_or_else(|error| error.report(json))
}

fn dispatch(Cli { global, command }: Cli) -> Outcome {
    use session::with_service as client;
    match command {
        Command::Serve(args) => serve::run(args, &global),
        Command::Config(args) => config::run(args, &global),
        Command::Completions(args) => completions::run(&args),
        Command::List => client(&global, "list", async |s| list::run(&s).await),
        Command::Info(args) => client(&global, "info", async |s| info::run(args, &s).await),
        Command::Status => client(&global, "status", async |s| status::run(&s).await),
        Command::Clients => client(&global, "clients", async |s| clients::run(&s).await),
        Command::Events(args) => client(&global, "events", async |s| events::run(args, &s).await),
        Command::Start(args) => client(&global, "start", async |s| start::run(args, &s).await),
        Command::Stop(args) => client(&global, "stop", async |s| stop::run(args, &s).await),
        Command::Controls(args) => {
            client(&global, "controls", async |s| controls::run(args, &s).await)
        }
        Command::Get(args) => client(&global, "get", async |s| get::run(args, &s).await),
        Command::Set(args) => client(&global, "set", async |s| set::run(args, &s).await),
        Command::Reset(args) => client(&global, "reset", async |s| reset::run(args, &s).await),
        Command::Preset(args) => client(&global, "preset", async |s| preset::run(args, &s).await),
        Command::Pin(args) => client(&global, "pin", async |s| pin::run(args, &s).await),
        Command::Unpin(args) => client(&global, "unpin", async |s| unpin::run(args, &s).await),
        Command::Rename(args) => client(&global, "rename", async |s| rename::run(args, &s).await),
        Command::Off(_) => client(&global, "off", async |s| privacy::run(true, &s).await),
        Command::On => client(&global, "on", async |s| privacy::run(false, &s).await),
        Command::Snapshot(args) => {
            client(&global, "snapshot", async |s| snapshot::run(args, &s).await)
        }
        Command::Stream(args) => client(&global, "stream", async |s| stream::run(args, &s).await),
        Command::Publish(args) => {
            client(&global, "publish", async |s| publish::run(args, &s).await)
        }
        Command::Check(args) => client(&global, "check", async |s| check::run(args, &s).await),
        Command::Loopback(args) => {
            client(&global, "loopback", async |s| loopback::run(args, &s).await)
        }
        Command::Bridge(args) => {
            client(&global, "bridge", async |s| bridge::run(*args, &s, &global).await)
        }
        Command::Open => client(&global, "open", async |s| open::run(&s).await),
        Command::Pair(args) => client(&global, "pair", async |s| pair::run(args, &s).await),
        Command::Token(args) => client(&global, "token", async |s| token::run(args, &s).await),
        Command::Doctor => client(&global, "doctor", async |s| doctor::run(&s, &global).await),
        Command::Install(args) => {
            client(&global, "install", async |s| install::run(args, &s).await)
        }
        Command::Uninstall(args) => {
            client(&global, "uninstall", async |s| uninstall::run(args, &s).await)
        }
        Command::Shutdown => client(&global, "shutdown", async |s| shutdown::run(&s).await),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("camera-service").chain(line.split_whitespace()))
    }

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_documented_line_is_understood() {
        for line in [
            "serve",
            "serve --config f.toml --test-camera --test-camera 320x240@15 --log debug",
            "--socket /tmp/s list --json",
            "info test:0",
            "status",
            "clients --json",
            "events",
            "events --follow --json",
            "start CAM --format MJPG --size 1280x720 --fps 30",
            "start CAM -m MJPG -r 1280x720 -f 30",
            "stop CAM",
            "controls CAM",
            "get CAM brightness",
            "set CAM brightness=3 power_line=50 button offset=-3",
            "reset CAM",
            "reset CAM brightness contrast",
            "preset save CAM evening",
            "preset apply CAM evening --json",
            "preset list CAM",
            "preset list CAM evening",
            "preset rename CAM evening night",
            "preset delete CAM evening",
            "pin CAM",
            "pin CAM brightness=3 offset=-3 contrast",
            "unpin CAM",
            "unpin CAM brightness contrast",
            "rename CAM Desk",
            "rename CAM --reset --json",
            "off",
            "on --json",
            "snapshot CAM -o - --size 320x240 --quality 70 --format png",
            "snapshot CAM --size full --rotate 270 --mirror --crop 25,25,50,50 --json",
            "snapshot CAM -m jpeg -r 320x240 -q 70",
            "stream CAM --format native",
            "stream CAM -m bgr -r 640x480 -f 15 -q 70",
            "stream CAM --format i420 --size 320x240 --fps 7.5 --rotate 90 --mirror --count 3 -o -",
            "stream CAM --crop 25,25,50,50 --quality 40 --inline --container raw -o f",
            "publish NAME",
            "publish NAME --no-reconnect",
            "stream CAM --no-reconnect",
            "loopback CAM /dev/video10 --no-reconnect",
            "publish NAME --format nv12 --size 640x360 --fps 25 --pace",
            "publish NAME --folder d --once --fps 0.5 --json",
            "check CAM --seconds 0.5 --inline",
            "loopback CAM /dev/video10",
            "loopback CAM /dev/video10 --format mjpg --size 640x480 --fps 15 --json",
            "bridge",
            "bridge --listen [::]:8443 --tls self --log debug --json",
            "bridge --listen 127.0.0.1:0 --tls cert.pem,key.pem --open-watch --config f.toml",
            "bridge --listen 0.0.0.0:80 --insecure",
            "bridge on",
            "bridge on --listen 0.0.0.0:8443 --json",
            "bridge off",
            "bridge status --json",
            "open",
            "open --json",
            "pair",
            "pair --publish --control --name kitchen --expires 7d --json",
            "token add phone --scope watch",
            "token add phone --scope watch,control --scope publish --camera test:0 --expires 7d",
            "token list --json",
            "token revoke phone",
            "doctor",
            "doctor --json",
            "config init --force",
            "config show",
            "config path --json",
            "config get limits.connections",
            "config set timeouts.close_after 5 --config f.toml",
            "config reload",
            "install",
            "install --no-start --boot --by systemd --json",
            "uninstall --purge",
            "shutdown",
            "completions bash",
        ] {
            if let Err(error) = parse(line) {
                panic!("{line}: {error}");
            }
        }
    }

    #[test]
    fn wrong_arguments_are_refused() {
        for line in [
            "",
            "serve --test-camera 640",
            "info",
            "start CAM --size 0x3",
            "start CAM --fps 0",
            "get CAM",
            "set CAM",
            "preset",
            "preset save CAM",
            "preset apply CAM",
            "preset rename CAM evening",
            "preset list",
            "pin",
            "unpin",
            "rename CAM",
            "rename CAM Desk --reset",
            "off CAM",
            "snapshot CAM --quality 0",
            "snapshot CAM --quality 101",
            "snapshot CAM --format gif",
            "snapshot CAM --size fullest",
            "snapshot CAM --rotate 45",
            "stream CAM --rotate 45",
            "stream CAM --count 0",
            "stream CAM --container raw",
            "stream CAM --crop 50,50,60,50",
            "stream CAM --crop 1,2,3",
            "publish",
            "publish NAME --format grey",
            "publish NAME --once",
            "publish NAME --folder d --format jpeg",
            "check CAM --seconds 0",
            "check CAM --seconds nan",
            "loopback CAM",
            "loopback CAM /dev/video10 --format grey",
            "loopback CAM /dev/video10 --size 641x480",
            "loopback CAM /dev/video10 --fps 0",
            "bridge --listen 8088",
            "bridge --tls cert.pem",
            "bridge on --listen 8443",
            "bridge off --listen 127.0.0.1:8443",
            "bridge --listen 127.0.0.1:8443 status",
            "open CAM",
            "pair --expires 0d",
            "token",
            "token add phone",
            "token add --scope watch",
            "token add phone --scope all",
            "token add phone --scope watch --expires soon",
            "token add phone --scope watch --expires 0s",
            "token revoke",
            "install --by cron",
            "config get",
            "config set limits.connections",
            "completions klingon",
        ] {
            assert!(parse(line).is_err(), "{line} was taken");
        }
    }
}
