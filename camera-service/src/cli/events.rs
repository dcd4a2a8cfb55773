//! `events`: the state, then every change, one line each.

use std::{
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
    time::Instant,
};

use clap::Args;
use protocol::{
    BridgeStatus, CameraSummary, ClientError, ClientSummary, ErrorKind, Event, EventMessage, State,
    client::Lasting,
};
use serde::Serialize;

use super::{
    CliError, Outcome, Session,
    background::Background,
    clients, json, list, output,
    session::{self, Interrupt},
    text::{count, one_line},
    time, value,
};
use crate::json::EventJson;

const AFTER_HELP: &str = "\
The first line is the full state. With --follow a service that ends is waited for, and the full
state comes again once it is back.

Examples:
  camera-service events
  camera-service events --follow --json >>cameras.log";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct EventsArgs {
    /// Go on when the service is started anew, rather than end with it.
    #[arg(long)]
    follow: bool,
}

pub(super) async fn run(args: EventsArgs, session: &Session) -> Outcome {
    let mut events = session.connector().lasting_events().await?;
    let mut lines = Background::start(write).map_err(|error| CliError::io("start", error))?;
    let mut interrupt = Interrupt::new();
    let (started, mut seen, mut stopping) = (Instant::now(), 0, false);
    loop {
        let event = tokio::select! {
            () = interrupt.wait() => break,
            error = lines.failed() => return Err(CliError::stdout(error)),
            event = events.next() => event?,
        };
        let message = match event {
            Lasting::Came(message) => message,
            Lasting::Gone(error) if args.follow => {
                output::note(&session::waiting(&error));
                stopping = false;
                continue;
            }
            Lasting::Gone(error) => {
                finish(lines, &mut interrupt).await?;
                return if stopping { Ok(ExitCode::SUCCESS) } else { Err(error.into()) };
            }
            Lasting::Reconnected { gap } => {
                output::note(&session::back(gap));
                continue;
            }
        };
        seen += 1;
        let line = if session.json { json_line(&message)? } else { text_line(&message) };
        tokio::select! {
            biased;
            () = interrupt.wait() => break,
            sent = lines.send(line) => sent.map_err(CliError::stdout)?,
        }
        let failure = match message.event {
            Event::Stopping => {
                stopping = true;
                continue;
            }
            Event::Lagged => CliError::failed(
                ErrorKind::Limit,
                "this program fell too far behind and was cut off; have its output read faster",
            ),
            Event::Ended(reply) => ClientError::Reply(reply).into(),
            _ => continue,
        };
        finish(lines, &mut interrupt).await?;
        return Err(failure);
    }
    if io::stderr().is_terminal() {
        output::note(&format!("{} in {:.0?}", count(seen, "event"), started.elapsed()));
    }
    Ok(ExitCode::SUCCESS)
}

/// On the output's thread.
fn write(line: String) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(line.as_bytes())?;
    stdout.flush()
}

/// Waits until all is written, or the user has had enough.
async fn finish(lines: Background<String>, interrupt: &mut Interrupt) -> Result<(), CliError> {
    tokio::select! {
        written = lines.finish() => written.map_err(CliError::stdout),
        () = interrupt.wait() => Ok(()),
    }
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    #[serde(flatten)]
    event: EventJson<'a>,
}

fn json_line(message: &EventMessage) -> Result<String, CliError> {
    output::json_line(&Line {
        time: time::rfc3339(message.unix_ns),
        event: EventJson::from(&message.event),
    })
}

fn text_line(message: &EventMessage) -> String {
    let what = match &message.event {
        Event::State(State { cameras, clients, privacy_off }) => {
            let cameras: Vec<String> = cameras.iter().map(camera).collect();
            let cameras =
                if cameras.is_empty() { "no cameras".to_owned() } else { cameras.join("; ") };
            let privacy = if *privacy_off { "; all cameras are turned off" } else { "" };
            format!("state: {cameras}; {}{privacy}", count(clients.len() as u64, "client"))
        }
        Event::CameraAdded(summary) => format!("camera added: {}", camera(summary)),
        Event::CameraChanged(summary) => format!("camera changed: {}", camera(summary)),
        Event::CameraRemoved { camera } => format!("camera removed: {camera}"),
        Event::ControlChanged { camera, control } => {
            let flags = json::flags(&control.flags);
            let flags =
                if flags.is_empty() { String::new() } else { format!(" [{}]", flags.join(", ")) };
            let value = value::show(control, &control.value);
            format!("control changed: {camera} {} = {value}{flags}", control.name)
        }
        Event::ClientChanged(summary) => format!("client changed: {}", client(summary)),
        Event::ClientRemoved { connection } => format!("client removed: {connection}"),
        Event::NewWatcher { camera, program, connection } => {
            format!("new watcher: {program} (client {connection}) watches {camera}")
        }
        Event::PrivacyChanged { off: true } => "all cameras are turned off".to_owned(),
        Event::PrivacyChanged { off: false } => "cameras may be used again".to_owned(),
        Event::PresetsChanged { camera, names } => {
            format!("presets changed: {camera} has {}", listed(names))
        }
        Event::PinsChanged { camera, names } => {
            format!("pins changed: {camera} has {}", listed(names))
        }
        Event::ConfigReloaded => "configuration read anew".to_owned(),
        Event::ConfigRefused { message } => format!("configuration refused: {message}"),
        Event::Lagged => "this reader fell behind".to_owned(),
        Event::Stopping => "the service is stopping".to_owned(),
        Event::Ended(error) => format!("closed: {error}"),
        Event::BridgeChanged(bridge) => bridge_state(bridge),
        Event::TokensChanged { names } => format!("tokens changed: {}", listed(names)),
    };
    format!("{} {}\n", time::rfc3339(message.unix_ns), one_line(&what))
}

/// It runs for a moment before it listens, and for another one after it was turned off.
fn bridge_state(bridge: &BridgeStatus) -> String {
    if !bridge.urls.is_empty() {
        return format!("the bridge listens at {}", bridge.urls.join(" "));
    }
    match (bridge.pid, bridge.enabled) {
        (Some(_), true) => "the bridge is being started".to_owned(),
        (Some(_), false) => "the bridge is being ended".to_owned(),
        (None, _) if bridge.reason.is_empty() => "the bridge does not run".to_owned(),
        (None, _) => format!("the bridge does not run: {}", bridge.reason),
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn camera(camera: &CameraSummary) -> String {
    let mut parts = vec![format!("{} {}", camera.id, list::state(camera))];
    parts.extend(camera.mode.map(|mode| mode.to_string()));
    parts.push(count(camera.watchers.into(), "watcher"));
    parts.join(", ")
}

fn client(client: &ClientSummary) -> String {
    let camera = client.camera.as_ref().map(|camera| format!(" of {camera}"));
    format!(
        "{} {} (process {}), {}{}",
        client.id,
        clients::name(client),
        client.pid,
        client.role,
        camera.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bridge_listens_once_it_has_an_address() {
        let status = |enabled, pid, urls: &[&str], reason: &str| BridgeStatus {
            enabled,
            listen: "127.0.0.1:8088".to_owned(),
            pid,
            urls: urls.iter().map(|url| (*url).to_owned()).collect(),
            reason: reason.to_owned(),
            ..BridgeStatus::default()
        };
        for (status, text) in [
            (status(false, None, &[], ""), "the bridge does not run"),
            (status(true, None, &[], "taken"), "the bridge does not run: taken"),
            (status(true, Some(7), &[], ""), "the bridge is being started"),
            (status(true, Some(7), &["http://a:1/"], ""), "the bridge listens at http://a:1/"),
            (status(false, Some(7), &[], ""), "the bridge is being ended"),
            // By hand, elsewhere than the configuration says.
            (status(false, Some(8), &["http://b:2/"], ""), "the bridge listens at http://b:2/"),
        ] {
            assert_eq!(bridge_state(&status), text);
        }
    }

    #[test]
    fn an_event_is_one_line_with_its_time_first() {
        let message = EventMessage {
            unix_ns: 1_500_000_000,
            event: Event::NewWatcher {
                camera: "test:0".into(),
                program: "bad\nname\x1b[2J".to_owned(),
                connection: protocol::ConnectionId(3),
            },
        };
        assert_eq!(
            text_line(&message),
            "1970-01-01T00:00:01.500Z new watcher: bad name\u{fffd}[2J (client 3) watches test:0\n"
        );
        assert_eq!(
            json_line(&message).expect("JSON"),
            "{\"time\":\"1970-01-01T00:00:01.500Z\",\"event\":\"new_watcher\",\
             \"camera\":\"test:0\",\"program\":\"bad\\nname\\u001b[2J\",\"client\":3}\n"
        );
    }
}
