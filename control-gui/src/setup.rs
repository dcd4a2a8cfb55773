//! How the service is set up on this computer: whether it starts at login, how long a camera stays
//! open after its last stream, and what may be wrong. All of it is asked of camera-service's
//! commands, since it has to work where no service runs.

use std::path::Path;

use iced::Task;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    command::{self, CommandError},
    words::sentence,
};

/// The configuration's key of the grace period.
const CLOSE_AFTER: &str = "timeouts.close_after";

/// Something that is asked for and may be changed.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Known<T> {
    /// Not asked for, or not answered yet.
    #[default]
    NotYet,
    /// It is so.
    Is(T),
    /// It is to become so.
    Becoming(T),
    /// It cannot be known, and why.
    Not(String),
}

impl<T> Known<T> {
    /// Whether it is being asked for or changed.
    fn is_becoming(&self) -> bool {
        matches!(self, Self::Becoming(_))
    }

    /// Whether it could be changed now.
    #[must_use]
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self, Self::Is(_))
    }
}

/// What is known of it.
#[derive(Debug, Default)]
pub(crate) struct Setup {
    /// Whether the service starts at login.
    pub at_login: Known<bool>,
    /// How long a camera stays open after its last stream, in seconds.
    pub close_after: Known<f64>,
    /// What may be wrong.
    pub findings: Known<Vec<Finding>>,
}

/// What happens to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Message {
    /// Ask whether the service starts at login.
    AskAtLogin,
    /// Have it start at login, or no longer.
    SetAtLogin(bool),
    /// It is so.
    AtLogin(Result<bool, CommandError>),
    /// It was changed; what there is to note on that.
    AtLoginSet(bool, Result<String, CommandError>),
    /// Ask for the grace period.
    AskCloseAfter,
    /// Have it last so many seconds.
    SetCloseAfter(f64),
    /// It is so.
    CloseAfter(Result<f64, CommandError>),
    /// It was changed.
    CloseAfterSet(Result<f64, CommandError>),
    /// Look for what may be wrong.
    Look,
    /// What was found.
    Found(Result<Vec<Finding>, CommandError>),
}

/// What the rest of the program is to do.
pub(crate) enum Action {
    /// Nothing.
    None,
    /// This takes time.
    Run(Task<Message>),
    /// Say that it was done.
    Done(String),
    /// Say that it was not, and ask how it is.
    Refused(String, Task<Message>),
}

impl Setup {
    /// Does what it can, and says what is left to do.
    pub(crate) fn update(&mut self, message: Message) -> Action {
        match message {
            // A change that is on its way says how it is when it is done.
            Message::AskAtLogin if !self.at_login.is_becoming() => {
                return Action::Run(Task::perform(starts_at_login(), Message::AtLogin));
            }
            Message::SetAtLogin(on) if !self.at_login.is_becoming() => {
                self.at_login = Known::Becoming(on);
                let told = move |result| Message::AtLoginSet(on, result);
                return Action::Run(Task::perform(start_at_login(on), told));
            }
            Message::AtLogin(known) if !self.at_login.is_becoming() => {
                self.at_login = known.into();
            }
            Message::AtLoginSet(on, Ok(notes)) => {
                self.at_login = Known::Is(on);
                let not = if on { "" } else { " no longer" };
                let done = format!("The camera service{not} starts when you log in. {notes}");
                return Action::Done(done.trim_end().to_owned());
            }
            Message::AtLoginSet(_, Err(error)) => {
                self.at_login = Known::NotYet;
                return Action::Refused(error.to_string(), Task::done(Message::AskAtLogin));
            }
            Message::AskCloseAfter if !self.close_after.is_becoming() => {
                return Action::Run(Task::perform(close_after(), Message::CloseAfter));
            }
            Message::SetCloseAfter(seconds) if !self.close_after.is_becoming() => {
                self.close_after = Known::Becoming(seconds);
                return Action::Run(Task::perform(
                    set_close_after(seconds),
                    Message::CloseAfterSet,
                ));
            }
            Message::CloseAfter(known) if !self.close_after.is_becoming() => {
                self.close_after = known.into();
            }
            Message::CloseAfterSet(Ok(seconds)) => self.close_after = Known::Is(seconds),
            Message::CloseAfterSet(Err(error)) => {
                self.close_after = Known::NotYet;
                return Action::Refused(error.to_string(), Task::done(Message::AskCloseAfter));
            }
            Message::Look if !self.findings.is_becoming() => {
                self.findings = Known::Becoming(vec![]);
                return Action::Run(Task::perform(examine(), Message::Found));
            }
            Message::Found(findings) => self.findings = findings.into(),
            _ => {}
        }
        Action::None
    }
}

impl<T> From<Result<T, CommandError>> for Known<T> {
    fn from(known: Result<T, CommandError>) -> Self {
        known.map_or_else(|error| Self::Not(error.to_string()), Self::Is)
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Severity {
    /// As it should be.
    Ok,
    /// Worth knowing.
    Note,
    /// Something does not work.
    Problem,
}

/// One thing that `camera-service doctor` has looked at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is about, as one word.
    pub area: String,
    /// The device file, camera or file that it is about, where it is about one.
    pub about: Option<String>,
    /// What there is and what it means.
    pub message: String,
    /// What to do, where there is anything to do.
    pub advice: Option<String>,
    /// What to type for that.
    pub commands: Vec<String>,
}

#[derive(Deserialize)]
struct Report {
    findings: Vec<Finding>,
}

/// Whether the service starts at login.
async fn starts_at_login() -> Result<bool, CommandError> {
    let status = command::run(&["status"]).await?;
    match (status.get("installed"), command::program()) {
        (Some(installed), _) => Ok(!installed.is_null()),
        (None, Some(program)) => Err(CommandError::TooOld(program)),
        (None, None) => Err(CommandError::NotFound),
    }
}

/// Has the service start at login, or no longer. Returns what there is to note.
async fn start_at_login(on: bool) -> Result<String, CommandError> {
    let report = command::run(&[if on { "install" } else { "uninstall" }]).await?;
    let notes = report["notes"].as_array().into_iter().flatten().filter_map(Value::as_str);
    Ok(notes.map(sentence).collect::<Vec<_>>().join(" "))
}

/// How long a camera stays open after its last stream, in seconds.
async fn close_after() -> Result<f64, CommandError> {
    let said = run_config(&["config", "get", CLOSE_AFTER]).await?;
    seconds(&said).ok_or_else(|| odd(&said))
}

/// Has cameras stay open for so many seconds. Returns what is in force then.
async fn set_close_after(seconds: f64) -> Result<f64, CommandError> {
    run_config(&["config", "set", CLOSE_AFTER, &seconds.to_string()]).await?;
    close_after().await
}

/// Runs a command on the file that the service has its configuration from; on the usual one where
/// none runs, or where there is no file yet: one that is named has to be there.
async fn run_config(args: &[&str]) -> Result<Value, CommandError> {
    let status = command::run(&["status"]).await?;
    let Some(file) = status["config"].as_str().map(str::to_owned) else {
        return command::run(args).await;
    };
    let named = [args, &["--config", &file]].concat();
    let (named, usual) = (command::run(&named), command::run(args));
    let is_there = tokio::task::spawn_blocking(move || Path::new(&file).exists()).await;
    if is_there.unwrap_or(true) { named.await } else { usual.await }
}

/// Looks for what may be wrong; what is worst comes first.
async fn examine() -> Result<Vec<Finding>, CommandError> {
    let said = command::run(&["doctor"]).await?;
    let report: Report = serde_json::from_value(said.clone()).map_err(|_| odd(&said))?;
    let mut findings = report.findings;
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    Ok(findings)
}

fn seconds(said: &Value) -> Option<f64> {
    said.as_f64().or_else(|| said["value"].as_f64())
}

fn odd(said: &Value) -> CommandError {
    CommandError::Failed(format!("camera-service gave an answer that is not understood: {said}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_of_the_doctor_are_read() {
        let text = r#"{"problems": 1, "notes": 0, "findings": [{"severity": "problem",
            "area": "devices", "code": "no_devices", "about": null, "message": "None.",
            "advice": "Plug one in.", "commands": ["sudo dmesg"]}]}"#;
        let report: Report = serde_json::from_str(text).expect("it is a report");
        assert_eq!(report.findings[0].severity, Severity::Problem);
        assert_eq!(report.findings[0].commands, ["sudo dmesg"]);
    }
}
