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

/// What is to be run: without a console of its own, which would be a window that stays open.
fn command_line(program: &str) -> String {
    // A verbatim path is for programs, not for command lines.
    let program = match program.strip_prefix(r"\\?\UNC\") {
        Some(share) => format!(r"\\{share}"),
        None => program.strip_prefix(r"\\?\").unwrap_or(program).to_owned(),
    };
    format!("conhost.exe --headless \"{program}\" serve --started-by registry")
}

pub(super) fn install(program: &Path, steps: &mut Steps) -> Result<bool> {
    let text = program.to_str().ok_or_else(|| AutostartError::Program(program.to_owned()))?;
    let wanted = command_line(text);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_named_as_a_command_line_names_them() {
        let named = |program| command_line(program).split('"').nth(1).map(str::to_owned);
        let is = |program, name: &str| assert_eq!(named(program).as_deref(), Some(name));
        is(r"\\?\C:\Program Files\c.exe", r"C:\Program Files\c.exe");
        is(r"C:\c.exe", r"C:\c.exe");
        is(r"\\?\UNC\server\share\c.exe", r"\\server\share\c.exe");
    }
}
