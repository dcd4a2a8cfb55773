//! `doctor`: what may be wrong, and what to do about it.

use std::process::ExitCode;

use protocol::ClientError;
use serde::Serialize;

use super::{
    CliError, Global, Outcome, Session, output,
    session::answer,
    text::{clean, count, width},
};
use crate::doctor::{self, Finding, Seen, Service, Severity};

pub(super) const AFTER_HELP: &str = "\
Works with and without a running service, changes nothing, and disturbs no stream. Each finding is
ok, a note (worth knowing; things work) or a problem, and says what to do.

Exits with 0 when nothing is a problem, with 1 when something is.

Examples:
  camera-service doctor
  camera-service doctor --json | jq -r '.findings[] | select(.severity == \"problem\") | .message'";

/// Columns that are filled at most.
const COLUMNS: usize = 80;
/// Columns of the severity, and of what lies below it.
const INDENT: usize = 11;

pub(super) async fn run(session: &Session, global: &Global) -> Outcome {
    let service = ask(session).await;
    let endpoint = global.socket.as_ref().map(protocol::endpoint::Endpoint::at);
    // Blocks this thread, which has nothing else to do.
    let findings = doctor::examine(&service, endpoint.as_ref());
    let counted = |severity| findings.iter().filter(|f| f.severity == severity).count() as u64;
    let (problems, notes) = (counted(Severity::Problem), counted(Severity::Note));
    if session.json {
        output::print_json(&Report { problems, notes, findings: &findings })?;
    } else {
        output::print(&text(&findings, problems, notes))?;
    }
    Ok(ExitCode::from(u8::from(problems > 0)))
}

#[derive(Serialize)]
struct Report<'a> {
    problems: u64,
    notes: u64,
    findings: &'a [Finding],
}

/// What the service says; that it does not is an answer as well.
async fn ask(session: &Session) -> Service {
    match look(session).await {
        Ok(seen) => Service::Answers(Box::new(seen)),
        Err(CliError::Client(ClientError::NotRunning(_))) => Service::NotRunning,
        Err(error) => Service::Fails(error.to_string()),
    }
}

async fn look(session: &Session) -> Result<Seen, CliError> {
    let client = session.control().await?;
    let status = answer(client.status()).await?;
    let mut cameras = Vec::new();
    for camera in &status.cameras {
        match answer(client.camera(&camera.id)).await {
            Ok(detail) => cameras.push(detail),
            // It has gone meanwhile.
            Err(CliError::Client(ClientError::Reply(_))) => {}
            Err(error) => return Err(error),
        }
    }
    let bridge = match answer(client.bridge()).await {
        Ok(bridge) => Some(bridge),
        // It is older than the request.
        Err(CliError::Client(ClientError::Reply(_))) => None,
        Err(error) => return Err(error),
    };
    Ok(Seen { status, cameras, bridge })
}

fn text(findings: &[Finding], problems: u64, notes: u64) -> String {
    let mut text = String::new();
    let mut area = None;
    for finding in findings {
        if area != Some(finding.area) {
            if area.is_some() {
                text.push('\n');
            }
            text += finding.area.title();
            text.push('\n');
            area = Some(finding.area);
        }
        text += &one(finding);
    }
    let notes = count(notes, "note");
    match problems {
        0 => text + &format!("\nNo problem, {notes}.\n"),
        problems => text + &format!("\n{}, {notes}.\n", count(problems, "problem")),
    }
}

fn one(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Ok => "ok",
        Severity::Note => "note",
        Severity::Problem => "PROBLEM",
    };
    let message = match &finding.about {
        Some(about) => format!("{about}: {}", finding.message),
        None => finding.message.clone(),
    };
    let mut text = format!("  {severity:<width$}", width = INDENT - 2);
    let below = " ".repeat(INDENT);
    text += &wrapped(&clean(&message)).join(&format!("\n{below}"));
    text.push('\n');
    if let Some(advice) = &finding.advice {
        let lines = wrapped(&format!("→ {}", clean(advice)));
        text += &format!("{below}{}\n", lines.join(&format!("\n{below}  ")));
    }
    // Not wrapped: they are to be copied.
    for command in &finding.commands {
        text += &format!("{below}    {}\n", clean(command));
    }
    text
}

/// `text` in lines that fit beside the severity; a longer word has a line of its own.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            // Two columns less, since further lines of an advice lie that much deeper.
            Some(line) if INDENT + 2 + width(line) + 1 + width(word) <= COLUMNS => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Area;

    fn finding(severity: Severity, area: Area, message: &str) -> Finding {
        let message = message.to_owned();
        let (about, advice, commands) = (None, None, Vec::new());
        Finding { severity, area, code: "code", about, message, advice, commands }
    }

    #[test]
    fn findings_are_grouped_and_fit_into_80_columns() {
        let long = "word ".repeat(40);
        let findings = [
            finding(Severity::Ok, Area::Service, "Running."),
            finding(Severity::Note, Area::Service, long.trim()),
            Finding {
                about: Some("/dev/video0".to_owned()),
                advice: Some("Do this.".to_owned()),
                commands: vec!["sudo this".to_owned()],
                ..finding(Severity::Problem, Area::Devices, "It hangs.\u{1b}[31m")
            },
        ];
        let text = text(&findings, 1, 1);
        assert!(text.starts_with("Service\n  ok       Running.\n  note     word word"), "{text}");
        let end = "\nDevices\n  PROBLEM  /dev/video0: It hangs.\u{fffd}[31m\n           → Do this.\n               \
                   sudo this\n\n1 problem, 1 note.\n";
        assert!(text.ends_with(end), "{text}");
        assert!(text.lines().all(|line| width(line) <= COLUMNS), "{text}");
    }
}
