//! Whether this user may open the device files, why, and how to get permission.

use std::{collections::BTreeMap, fs, os::unix::fs::MetadataExt as _, path::Path};

use rustix::{
    fs::{Access, access},
    process::{getegid, geteuid, getgroups},
};

use super::{Area, Finding};
use crate::device::v4l2::survey::Surveyed;

/// Who runs this command.
pub(super) struct User {
    id: u32,
    /// Groups of this process: those of the time of logging in.
    groups: Vec<u32>,
}

/// Who may open a file.
struct Lock {
    path: String,
    owner: u32,
    group: u32,
    mode: u32,
    /// Whether this user may, by whatever rule.
    opens: bool,
}

/// Why a file may or may not be opened.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Root,
    Owner,
    Everybody,
    Group(u32),
    /// By an access control list: logind gives one to whoever is logged in at the machine.
    List,
    NotInGroup(u32),
    /// In the group, but not since logging in.
    LoggedInBefore(u32),
    /// Not even the group may.
    Nobody,
}

impl User {
    /// The user of this process.
    pub(super) fn this() -> Self {
        let mut groups: Vec<u32> =
            getgroups().unwrap_or_default().iter().map(|group| group.as_raw()).collect();
        groups.push(getegid().as_raw());
        Self { id: geteuid().as_raw(), groups }
    }
}

pub(super) fn check(surveyed: &[Surveyed], user: &User, etc: &Path) -> Vec<Finding> {
    let locks: Vec<Lock> = surveyed.iter().filter_map(|file| lock(&file.path)).collect();
    judge(&locks, user, etc)
}

fn lock(path: &Path) -> Option<Lock> {
    let metadata = fs::metadata(path).ok()?;
    Some(Lock {
        path: path.display().to_string(),
        owner: metadata.uid(),
        group: metadata.gid(),
        mode: metadata.mode(),
        opens: access(path, Access::READ_OK | Access::WRITE_OK).is_ok(),
    })
}

/// One finding for all files with the same verdict.
fn judge(locks: &[Lock], user: &User, etc: &Path) -> Vec<Finding> {
    let names = Names::read(etc, user.id);
    let mut verdicts: BTreeMap<Verdict, Vec<&str>> = BTreeMap::new();
    for lock in locks {
        verdicts.entry(verdict(lock, user, &names)).or_default().push(&lock.path);
    }
    verdicts
        .into_iter()
        .map(|(verdict, files)| names.finding(&verdict).about(files.join(", ")))
        .collect()
}

fn verdict(lock: &Lock, user: &User, names: &Names) -> Verdict {
    let Lock { owner, group, mode, opens, .. } = *lock;
    let allows = |shift: u32| mode >> shift & 0o6 == 0o6;
    if opens {
        return match () {
            () if user.id == 0 => Verdict::Root,
            () if owner == user.id && allows(6) => Verdict::Owner,
            () if user.groups.contains(&group) && allows(3) => Verdict::Group(group),
            () if allows(0) => Verdict::Everybody,
            () => Verdict::List,
        };
    }
    match () {
        () if !allows(3) => Verdict::Nobody,
        () if names.member_of(group) && !user.groups.contains(&group) => {
            Verdict::LoggedInBefore(group)
        }
        () => Verdict::NotInGroup(group),
    }
}

/// The names in `/etc/passwd` and `/etc/group`. Accounts kept elsewhere have none here.
struct Names {
    user: Option<String>,
    /// Name and members.
    groups: BTreeMap<u32, (String, Vec<String>)>,
}

impl Names {
    fn read(etc: &Path, user: u32) -> Self {
        let read = |file: &str| fs::read_to_string(etc.join(file)).unwrap_or_default();
        // name:password:uid:…
        let user = read("passwd").lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)?.parse() == Ok(user)).then(|| name.to_owned())
        });
        // name:password:gid:member,member
        let group = |line: &str| {
            let mut fields = line.split(':');
            let name = fields.next()?.to_owned();
            let id = fields.nth(1)?.parse().ok()?;
            let members = fields.next().unwrap_or_default().split(',').map(str::to_owned);
            Some((id, (name, members.collect())))
        };
        Self { user, groups: read("group").lines().filter_map(group).collect() }
    }

    fn member_of(&self, group: u32) -> bool {
        let members = self.groups.get(&group).map(|(_, members)| members);
        self.user.as_ref().is_some_and(|user| members.is_some_and(|all| all.contains(user)))
    }

    fn group(&self, id: u32) -> Option<&str> {
        self.groups.get(&id).map(|(name, _)| name.as_str())
    }

    fn finding(&self, verdict: &Verdict) -> Finding {
        let ok = |why: String| {
            Finding::ok(Area::Permissions, "permitted", format!("You may open it: {why}."))
        };
        let denied = |code, why: String| {
            Finding::problem(Area::Permissions, code, format!("You may not open it: {why}."))
        };
        let name = |id: u32| match self.group(id) {
            Some(name) => format!("the group `{name}`"),
            None => format!("the group {id}, which has no name here"),
        };
        let user = self.user.as_deref().unwrap_or("$USER");
        match *verdict {
            Verdict::Root => ok("you are root".to_owned()),
            Verdict::Owner => ok("it is yours".to_owned()),
            Verdict::Everybody => ok("everybody may".to_owned()),
            Verdict::Group(group) => ok(format!("you are in {}", name(group))),
            Verdict::List => Finding::ok(
                Area::Permissions,
                "permitted_at_the_machine",
                "You may open it since you are logged in at the machine itself. Over ssh, in \
                 cron and in system services you may not, unless you join the group `video`.",
            ),
            Verdict::LoggedInBefore(group) => denied(
                "log_in_again",
                format!("you are in {}, but only since after you logged in", name(group)),
            )
            .advice("Log out and in again, then restart the service. For one shell at once:")
            .command(format!("newgrp {}", self.group(group).unwrap_or("video"))),
            Verdict::NotInGroup(group) => {
                let denied = denied(
                    "not_in_group",
                    format!("it takes {}, and you are not in it", name(group)),
                );
                match self.group(group) {
                    // Whoever is in that one may do much more than use cameras.
                    Some("root") => denied
                        .advice("Give the file to the group for cameras.")
                        .command("sudo chgrp video /dev/video*"),
                    Some(group) => denied
                        .advice("Join it, log out and in again, then restart the service.")
                        .command(format!("sudo usermod -aG {group} {user}")),
                    None => denied
                        .advice("In a container, start it with that group.")
                        .command(format!("docker run --group-add {group} …")),
                }
            }
            Verdict::Nobody => denied("nobody_permitted", "only its owner may".to_owned())
                .advice("Let the group for cameras open it, and be in that group.")
                .command("sudo chgrp video /dev/video* && sudo chmod g+rw /dev/video*")
                .command(format!("sudo usermod -aG video {user}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIDEO: u32 = 44;

    fn etc() -> tempfile::TempDir {
        let etc = tempfile::tempdir().expect("a temporary folder");
        fs::write(
            etc.path().join("passwd"),
            "root:x:0:0::/:/bin/sh\nann:x:1000:1000::/:\nbob:x:1001:1001::/:\n",
        )
        .expect("written");
        fs::write(etc.path().join("group"), "root:x:0:\nvideo:x:44:zoe,ann\nbroken\n")
            .expect("written");
        etc
    }

    fn device(number: u32, group: u32, mode: u32, opens: bool) -> Lock {
        Lock { path: format!("/dev/video{number}"), owner: 0, group, mode: 0o20_000 | mode, opens }
    }

    #[track_caller]
    fn one(lock: Lock, id: u32, groups: &[u32]) -> Finding {
        let user = User { id, groups: groups.to_vec() };
        let mut findings = judge(&[lock], &user, etc().path());
        assert_eq!(findings.len(), 1, "{findings:?}");
        findings.remove(0)
    }

    #[test]
    fn whoever_may_open_a_file_is_told_why() {
        for (lock, id, groups, expected) in [
            (device(0, VIDEO, 0o660, true), 0, &[0][..], "you are root"),
            (device(0, VIDEO, 0o660, true), 1000, &[1000, VIDEO], "the group `video`"),
            (device(0, VIDEO, 0o666, true), 1001, &[1001], "everybody"),
            (device(0, VIDEO, 0o660, true), 1001, &[1001], "logged in at the machine"),
        ] {
            let finding = one(lock, id, groups);
            assert!(finding.message.contains(expected), "{finding:?}");
            assert_eq!(finding.severity, super::super::Severity::Ok);
        }
    }

    #[test]
    fn whoever_is_not_in_the_group_is_told_how_to_join_it() {
        let finding = one(device(0, VIDEO, 0o660, false), 1001, &[1001]);
        assert_eq!(finding.code, "not_in_group");
        assert_eq!(finding.commands, ["sudo usermod -aG video bob"]);
    }

    #[test]
    fn whoever_joined_the_group_after_logging_in_is_told_to_log_in_again() {
        let finding = one(device(0, VIDEO, 0o660, false), 1000, &[1000]);
        assert_eq!(finding.code, "log_in_again");
        assert_eq!(finding.commands, ["newgrp video"]);
    }

    #[test]
    fn nobody_is_told_to_join_the_group_root_or_one_without_a_name() {
        let root = one(device(0, 0, 0o660, false), 1001, &[1001]);
        assert_eq!(root.commands, ["sudo chgrp video /dev/video*"]);
        let nameless = one(device(0, 105, 0o660, false), 1001, &[1001]);
        assert_eq!(nameless.commands, ["docker run --group-add 105 …"]);
        let owner = one(device(0, 0, 0o600, false), 1001, &[1001]);
        assert_eq!(owner.code, "nobody_permitted");
    }

    #[test]
    fn files_with_the_same_verdict_are_told_together() {
        let locks = [
            device(0, VIDEO, 0o660, false),
            device(1, VIDEO, 0o660, false),
            device(2, VIDEO, 0o666, true),
        ];
        let user = User { id: 1001, groups: vec![1001] };
        let findings = judge(&locks, &user, etc().path());
        let about: Vec<_> = findings.iter().filter_map(|f| f.about.as_deref()).collect();
        assert_eq!(about, ["/dev/video2", "/dev/video0, /dev/video1"]);
    }
}
