//! Who has the cameras: clients of the service, and other programs as far as they can be seen.

use std::{fs, path::Path};

use protocol::{CameraDetail, CameraState, Holder, Watcher};

use super::{Area, Finding, Service};
use crate::device::v4l2::{
    holders,
    survey::{Answer, Kind, Surveyed},
};

/// What a program is to people, where its name alone does not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// It opens devices to learn what they are, and streams only when a program asks it to.
    MediaServer,
    Browser,
    Plain,
}

pub(super) fn check(surveyed: &[Surveyed], service: &Service) -> Vec<Finding> {
    let own = service.seen().map(|seen| seen.status.pid);
    let mut findings: Vec<Finding> = service.cameras().iter().flat_map(clients).collect();
    for file in surveyed.iter().filter(|file| may_be_camera(&file.answer)) {
        let held = holders(&file.path);
        findings.extend(
            held.iter()
                .filter(|holder| Some(holder.pid) != own)
                .map(|holder| program(holder, file, service)),
        );
    }
    if findings.is_empty() {
        let message = if rustix::process::geteuid().is_root() {
            "Nobody."
        } else {
            "Nobody, as far as you may see: programs of other users are hidden."
        };
        findings.push(Finding::ok(Area::Programs, "nobody", message));
    }
    findings
}

fn may_be_camera(answer: &Answer) -> bool {
    match answer {
        Answer::Is(words) => {
            matches!(words.kind, Kind::Camera | Kind::Infrared | Kind::Loopback)
        }
        Answer::Failed(_) | Answer::Silent | Answer::LeftAlone => true,
    }
}

fn clients(camera: &CameraDetail) -> Vec<Finding> {
    let id = &camera.summary.id;
    let watches = |watcher: &Watcher| {
        let Watcher { name, pid, program, .. } = watcher;
        let message = format!("`{name}` (program {program}, process {pid}) watches, as a client.");
        Finding::ok(Area::Programs, "client", message).about(id)
    };
    let mut findings: Vec<Finding> = camera.watchers.iter().map(watches).collect();
    if camera.summary.held_open {
        let message = "`camera-service start` holds it open, so its light stays on.";
        findings.push(
            Finding::note(Area::Programs, "held_open", message)
                .about(id)
                .advice("End that.")
                .command(format!("camera-service stop {id}")),
        );
    }
    findings
}

fn program(holder: &Holder, file: &Surveyed, service: &Service) -> Finding {
    let Holder { pid, program, streaming } = holder;
    let path = file.path.as_path();
    let confined = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok();
    let within = confined.as_deref().and_then(confinement).unwrap_or_default();
    let who = format!("{program} (process {pid}{within})");
    if matches!(&file.answer, Answer::Is(words) if words.kind == Kind::Loopback) {
        let message = format!("{who} has it open, to feed it or to watch it.");
        return Finding::ok(Area::Programs, "loopback_in_use", message).about(path.display());
    }
    let wanted = service.cameras().iter().any(|camera| {
        camera.path.as_deref().is_some_and(|file| Path::new(file) == path)
            && camera.summary.state == CameraState::Lost
    });
    tell(&who, known(program), *streaming, wanted).about(path.display())
}

/// `wanted`: the service tries to open the device and cannot.
fn tell(who: &str, known: Known, streaming: bool, wanted: bool) -> Finding {
    let streams = match known {
        Known::MediaServer => {
            "streams from it for a program that asked for its camera: a browser, a call, a \
             recorder"
        }
        Known::Browser => "streams from it: a page or a call in a browser",
        Known::Plain => "streams from it",
    };
    match (streaming, known) {
        (true, _) => {
            let message = format!("{who} {streams}. Nobody else can meanwhile.");
            let finding = if wanted {
                Finding::problem(Area::Programs, "streams_elsewhere", message)
            } else {
                Finding::note(Area::Programs, "streams_elsewhere", message)
            };
            finding.advice("Close the camera there; the service then takes it by itself.")
        }
        (false, Known::MediaServer) => Finding::ok(
            Area::Programs,
            "watched_by_media_server",
            format!(
                "{who} has it open to know what it is. It does not stream, which does no harm."
            ),
        ),
        (false, Known::Browser | Known::Plain) => Finding::ok(
            Area::Programs,
            "opened_elsewhere",
            format!("{who} has it open and does not stream."),
        ),
    }
}

fn known(program: &str) -> Known {
    match program {
        "pipewire" | "wireplumber" | "pipewire-media-session" => Known::MediaServer,
        "firefox" | "firefox-bin" | "firefox-esr" | "librewolf" | "chrome" | "chromium"
        | "chromium-browser" | "brave" | "msedge" | "opera" | "vivaldi-bin" | "epiphany" => {
            Known::Browser
        }
        _ => Known::Plain,
    }
}

/// What a process is confined in, by its control groups: `, flatpak org.mozilla.firefox`.
fn confinement(cgroups: &str) -> Option<String> {
    cgroups.lines().flat_map(|line| line.split('/')).find_map(|unit| {
        let name = unit.strip_suffix(".scope").or_else(|| unit.strip_suffix(".service"))?;
        if let Some(rest) = name.strip_prefix("app-flatpak-") {
            // app-flatpak-org.mozilla.firefox-4711.scope
            let app = rest.rsplit_once('-').map_or(rest, |(app, _)| app);
            return Some(format!(", flatpak {app}"));
        }
        if let Some(rest) = name.strip_prefix("snap.") {
            // snap.chromium.chromium-….scope
            return Some(format!(", snap {}", rest.split('.').next()?));
        }
        for engine in ["docker", "libpod", "lxc"] {
            if let Some(id) = name.strip_prefix(engine).and_then(|rest| rest.strip_prefix('-')) {
                let id: String = id.chars().take(12).collect();
                return Some(format!(", container {id}"));
            }
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::{super::Severity, *};

    #[test]
    fn media_servers_and_browsers_are_explained() {
        let watching = tell("wireplumber (process 7)", known("wireplumber"), false, true);
        assert_eq!((watching.severity, watching.code), (Severity::Ok, "watched_by_media_server"));
        assert!(watching.message.contains("no harm"), "{watching:?}");
        let call = tell("firefox (process 8)", known("firefox"), true, false);
        assert_eq!(call.severity, Severity::Note);
        assert!(call.message.contains("a browser"), "{call:?}");
        let call = tell("pipewire (process 9)", known("pipewire"), true, false);
        assert!(call.message.contains("for a program"), "{call:?}");
    }

    #[test]
    fn a_program_that_streams_is_a_problem_only_where_the_service_wants_the_camera() {
        for (wanted, severity) in [(true, Severity::Problem), (false, Severity::Note)] {
            let finding = tell("v4l2-ctl (process 7)", Known::Plain, true, wanted);
            assert_eq!((finding.severity, finding.code), (severity, "streams_elsewhere"));
        }
    }

    #[test]
    fn flatpaks_snaps_and_containers_are_told_by_their_control_groups() {
        let user = "0::/user.slice/user-1000.slice/user@1000.service/app.slice";
        for (unit, expected) in [
            ("app-flatpak-org.mozilla.firefox-4711.scope", Some(", flatpak org.mozilla.firefox")),
            ("snap.chromium.chromium-1a2b.scope", Some(", snap chromium")),
            ("docker-0123456789abcdef0123.scope", Some(", container 0123456789ab")),
            ("app-gnome-cheese-12.scope", None),
        ] {
            assert_eq!(confinement(&format!("{user}/{unit}\n")).as_deref(), expected, "{unit}");
        }
    }
}
