//! Windows: what the registry's key `Run` names is run when this user logs in.

use std::path::{Path, PathBuf};

use windows_registry::CURRENT_USER;

use super::{AutostartError, Installed, Result, Step, Steps, Way};

const KEY: &str = r"Software\Microsoft\Windows\CurrentVersion\Run";
const VALUE: &str = "camera-service";

/// Where it is written, for people.
fn place() -> PathBuf {
    PathBuf::from(format!(r"HKEY_CURRENT_USER\{KEY}\{VALUE}"))
}

fn failed<E: Into<std::io::Error>>(doing: &'static str) -> impl Fn(E) -> AutostartError {
    move |error| AutostartError::File { doing, path: place(), source: error.into() }
}

fn command() -> Option<String> {
    CURRENT_USER.open(KEY).and_then(|key| key.get_string(VALUE)).ok()
}

pub(super) fn installed() -> Option<Installed> {
    let command = command()?;
    // `conhost.exe --headless "C:\…\camera-service.exe" serve …`
    let program = command.split('"').nth(1)?.into();
    Some(Installed {
        way: Way::Registry,
        file: place(),
        program,
        since_unix_ns: None,
        at_boot: false,
    })
}

pub(super) fn install(program: &Path, steps: &mut Steps) -> Result<bool> {
    let text = program.to_str().ok_or_else(|| AutostartError::Program(program.to_owned()))?;
    // A verbatim path is for programs, not for command lines.
    let text = text.strip_prefix(r"\\?\").unwrap_or(text);
    // Without a console of its own, which would be a window that stays open.
    let wanted = format!("conhost.exe --headless \"{text}\" serve --started-by registry");
    if command().as_deref() == Some(&wanted) {
        return Ok(false);
    }
    let key = CURRENT_USER.create(KEY).map_err(failed("open"))?;
    key.set_string(VALUE, &wanted).map_err(failed("write"))?;
    steps.push(Step::Written(place()));
    Ok(true)
}

pub(super) fn uninstall(steps: &mut Steps) -> Result<()> {
    if command().is_none() {
        return Ok(());
    }
    let key = CURRENT_USER.create(KEY).map_err(failed("open"))?;
    key.remove_value(VALUE).map_err(failed("remove"))?;
    steps.push(Step::Removed(place()));
    Ok(())
}
