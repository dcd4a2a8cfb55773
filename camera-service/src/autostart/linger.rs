//! Machines that nobody logs in to: systemd runs this user's services from boot on, if told to.

use std::{fs, path::PathBuf, process::Command};

use rustix::process::{getegid, getgroups, getuid};

use super::{Result, Step, Steps, systemctl};
use crate::config;

/// Noted in the state folder when it was this program that turned it on.
const NOTE: &str = "lingering";
const NOTE_TEXT: &str = "\
# `camera-service install --boot` has turned lingering on for this user; `uninstall` turns it off.
";

/// Whether this user's services run from boot on.
pub(super) fn is_on() -> bool {
    user().is_some_and(|user| PathBuf::from("/var/lib/systemd/linger").join(user).exists())
}

/// Has this user's services run from boot on.
pub fn boot(steps: &mut Steps) -> Result<()> {
    if is_on() {
        return Ok(());
    }
    loginctl("enable-linger")?;
    steps.push(Step::Note("this user's services start with the machine now (lingering)".into()));
    if let Ok(state) = config::state_dir() {
        // Where it cannot be noted, it is left on.
        let _ = crate::state::files::replace(&state.join(NOTE), NOTE_TEXT);
    }
    Ok(())
}

/// Takes that back, if it was done here.
pub fn unboot(steps: &mut Steps) -> Result<()> {
    let Some(note) = config::state_dir().ok().map(|state| state.join(NOTE)) else { return Ok(()) };
    if !note.exists() {
        return Ok(());
    }
    if is_on() {
        loginctl("disable-linger")?;
        steps.push(Step::Note("this user's services no longer start with the machine".into()));
    }
    super::remove(&note, steps).map(drop)
}

/// Whether this user may open cameras without being logged in at the machine itself: by its
/// group. `None` where there is no such group.
pub fn is_in_video_group() -> Option<bool> {
    let groups = fs::read_to_string("/etc/group").ok()?;
    let video = groups.lines().find_map(|line| line.strip_prefix("video:"))?;
    let mut fields = video.split(':').skip(1);
    let (id, members) = (fields.next()?.parse::<u32>().ok()?, fields.next().unwrap_or_default());
    let now = getgroups().unwrap_or_default();
    let has = now.iter().chain([&getegid()]).any(|group| group.as_raw() == id);
    // Put in since logging in counts as well: it will hold at the next start.
    let user = user();
    let listed = members.split(',').any(|member| Some(member) == user.as_deref());
    Some(has || listed || getuid().is_root())
}

fn loginctl(what: &str) -> Result<()> {
    // Named, for without a name logind takes the session's user, and there need not be a session
    // (cron, `su`).
    let user = getuid().as_raw().to_string();
    let mut command = Command::new("loginctl");
    command.args([what, &user]);
    systemctl::output(command, &format!("loginctl {what} {user}")).map(drop)
}

/// The name of this user.
fn user() -> Option<String> {
    let id = getuid().as_raw().to_string();
    let users = fs::read_to_string("/etc/passwd").ok()?;
    let of_id = |line: &&str| line.split(':').nth(2) == Some(&id);
    let line = users.lines().find(of_id);
    let name = line.and_then(|line| line.split(':').next()).map(str::to_owned);
    // Users of a directory service are not in that file.
    name.or_else(|| std::env::var("USER").ok())
}
