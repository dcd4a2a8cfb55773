//! Windows: what the registry's key `Run` names is run when this user logs in, unless the user has
//! switched that off, in the Task Manager or the settings.

use std::path::{Path, PathBuf};

use windows_registry::CURRENT_USER;

use super::{AutostartError, Installed, Result, Step, Steps, Way};

const KEY: &str = r"Software\Microsoft\Windows\CurrentVersion\Run";
const VALUE: &str = "camera-service";
/// Where the system notes what the user has switched off, by the same name.
const APPROVED: &str = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run";
/// The longest command line that is run from there, in UTF-16 units.
const LONGEST: usize = 260;

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

/// Whether the user has switched it off: an odd number at the beginning says so, and a time
/// follows.
fn is_switched_off() -> bool {
    let noted = CURRENT_USER.open(APPROVED).and_then(|key| key.get_value(VALUE));
    noted.is_ok_and(|noted| noted.first().is_some_and(|first| first % 2 == 1))
}

/// What the user has switched off, installed anew, is switched on.
fn switch_on() -> Result<()> {
    let key = CURRENT_USER.create(APPROVED).map_err(failed("open"))?;
    key.remove_value(VALUE).map_err(failed("switch on"))
}

pub(super) fn installed() -> Option<Installed> {
    let command = command().filter(|_| !is_switched_off())?;
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
    if wanted.encode_utf16().count() > LONGEST {
        return Err(AutostartError::Program(program.to_owned()));
    }
    let was_off = is_switched_off();
    if was_off {
        switch_on()?;
    }
    if command().as_deref() == Some(&wanted) {
        if was_off {
            steps.push(Step::Note("it had been switched off, and is on again".to_owned()));
        }
        return Ok(was_off);
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
    if is_switched_off() {
        switch_on()?;
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

    #[test]
    fn a_command_line_that_would_not_be_run_is_refused() {
        let folder = "folder\\".repeat(30);
        let program = PathBuf::from(format!(r"C:\{folder}camera-service.exe"));
        let refused = install(&program, &mut Steps::new()).expect_err("too long");
        assert!(matches!(refused, AutostartError::Program(named) if named == program));
    }
}
