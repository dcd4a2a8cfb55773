//! Whether the service runs, and how its cameras are.

#[cfg(target_os = "linux")]
use std::path::PathBuf;

use protocol::{BridgeStatus, CameraDetail, CameraState, ServiceStatus};

use super::{Area, Finding};

/// What came of asking the service.
#[derive(Debug)]
pub enum Service {
    /// It answered.
    Answers(Box<Seen>),
    /// There is none.
    NotRunning,
    /// It, or something in its place, does not answer as it should: why.
    Fails(String),
}

/// What the service says.
#[derive(Debug)]
pub struct Seen {
    /// Of itself.
    pub status: ServiceStatus,
    /// Of each camera.
    pub cameras: Vec<CameraDetail>,
    /// Of its bridge, where it knows of any.
    pub bridge: Option<BridgeStatus>,
}

impl Service {
    /// What it says, where it answers.
    pub(super) fn seen(&self) -> Option<&Seen> {
        match self {
            Self::Answers(seen) => Some(seen),
            Self::NotRunning | Self::Fails(_) => None,
        }
    }

    /// The cameras that it knows.
    #[cfg(target_os = "linux")]
    pub(super) fn cameras(&self) -> &[CameraDetail] {
        self.seen().map_or(&[], |seen| &seen.cameras)
    }

    /// Device files in which the service hangs: whoever asks them hangs too.
    #[cfg(target_os = "linux")]
    pub(super) fn stuck_files(&self) -> Vec<PathBuf> {
        let stuck = self.cameras().iter().filter(|c| c.summary.state == CameraState::Stuck);
        stuck.filter_map(|camera| camera.path.as_ref().map(PathBuf::from)).collect()
    }
}

const SERVE: &str = "camera-service serve";
const PROCESSES: &str = if cfg!(windows) {
    "tasklist /FI \"IMAGENAME eq camera-service.exe\""
} else {
    "pgrep -a camera-service"
};

pub(super) fn check(service: &Service) -> Vec<Finding> {
    match service {
        Service::Answers(seen) => running(seen, env!("CARGO_PKG_VERSION")),
        Service::NotRunning => vec![
            Finding::note(Area::Service, "service_not_running", "The service is not running.")
                .advice("Start it; most commands need it.")
                .command(SERVE),
        ],
        Service::Fails(why) => vec![
            Finding::problem(
                Area::Service,
                "service_fails",
                format!("No use of the service: {why}."),
            )
            .advice("If it hangs, end its process, which this names, and start it again.")
            .command(PROCESSES)
            .command(SERVE),
        ],
    }
}

fn running(seen: &Seen, client: &str) -> Vec<Finding> {
    let ServiceStatus { version, pid, started_by, privacy_off, connections, .. } = &seen.status;
    let mut findings = vec![Finding::ok(
        Area::Service,
        "service_running",
        format!("Running, version {version}, process {pid}, started {}.", started(started_by)),
    )];
    if version != client {
        findings.push(
            Finding::note(
                Area::Service,
                "version_differs",
                format!("The service is version {version}, this command is {client}."),
            )
            .advice("Restart the service, so that the new version runs.")
            .command("camera-service shutdown")
            .command(SERVE),
        );
    }
    if *privacy_off {
        let message = "All cameras are turned off: streams get no frames.";
        findings.push(
            Finding::note(Area::Service, "cameras_off", message)
                .advice("Turn them on again.")
                .command("camera-service on"),
        );
    }
    let most = seen.status.max_connections;
    if u64::from(*connections) * 10 >= u64::from(most) * 9 {
        let message = format!("{connections} of {most} connections are taken.");
        findings.push(
            Finding::note(Area::Service, "connections_few_left", message)
                .advice("See who has them; `limits.connections` in the configuration is the most.")
                .command("camera-service clients"),
        );
    }
    findings.extend(seen.cameras.iter().map(camera));
    findings
}

fn started(by: &str) -> String {
    if by == "by hand" { by.to_owned() } else { format!("by {by}") }
}

fn camera(detail: &CameraDetail) -> Finding {
    let summary = &detail.summary;
    let (id, name) = (&summary.id.0, &summary.name);
    let reason = match summary.reason.as_str() {
        "" => "no reason was given",
        reason => reason,
    };
    let finding = match summary.state {
        CameraState::Lost => Finding::problem(
            Area::Service,
            "camera_lost",
            format!("`{name}` cannot be had: {reason}. It is tried again every few seconds."),
        )
        .advice(if summary.present {
            "See below who uses it and whether you may open it."
        } else {
            "Plug it in again; those who watch it get frames again by themselves."
        }),
        CameraState::Stalled => Finding::problem(
            Area::Service,
            "camera_stalled",
            format!("`{name}` is open and delivers nothing: {reason}. It is being opened again."),
        )
        .advice("If that goes on, try another port or cable, without a hub."),
        CameraState::Stuck => Finding::problem(
            Area::Service,
            "camera_stuck",
            format!("`{name}` hangs in its driver: {reason}. It is left alone until that returns."),
        )
        .advice("Unplug it and plug it in again."),
        CameraState::Closed
        | CameraState::Opening
        | CameraState::Streaming
        | CameraState::Blocked => Finding::ok(
            Area::Service,
            "camera_fine",
            match summary.mode {
                Some(mode) => format!("`{name}` is {}, {mode}.", summary.state),
                None => format!("`{name}` is {}.", summary.state),
            },
        ),
    };
    let finding = finding.about(id);
    if detail.damaged == 0 {
        return finding;
    }
    let Finding { message, .. } = &finding;
    let message = format!("{message} {} frames came damaged.", detail.damaged);
    Finding { message, ..finding }
}

#[cfg(test)]
mod tests {
    use protocol::CameraSummary;

    use super::{super::Severity, *};

    fn detail(state: CameraState, reason: &str) -> CameraDetail {
        CameraDetail {
            summary: CameraSummary {
                id: "usb-Cam".into(),
                name: "Cam".to_owned(),
                driver: "uvcvideo".to_owned(),
                bus: String::new(),
                present: true,
                state,
                reason: reason.to_owned(),
                mode: None,
                watchers: 0,
                held_open: false,
            },
            path: Some("/dev/video0".to_owned()),
            device_name: "Cam".to_owned(),
            modes: Vec::new(),
            measured_rate: None,
            frames: 0,
            gaps: 0,
            damaged: 0,
            watchers: Vec::new(),
            holders: Vec::new(),
            renditions: Vec::new(),
        }
    }

    fn seen(cameras: Vec<CameraDetail>) -> Seen {
        let status = ServiceStatus {
            version: "1.2.3".to_owned(),
            pid: 7,
            since_unix_ns: 0,
            endpoint: String::new(),
            config: String::new(),
            started_by: "systemd".to_owned(),
            privacy_off: false,
            cameras: Vec::new(),
            connections: 1,
            max_connections: 1024,
            slot_bytes: 0,
        };
        Seen { status, cameras, bridge: None }
    }

    fn codes(findings: &[Finding]) -> Vec<(Severity, &str)> {
        findings.iter().map(|finding| (finding.severity, finding.code)).collect()
    }

    #[test]
    fn a_camera_that_cannot_be_had_is_a_problem_with_its_reason() {
        let lost = running(&seen(vec![detail(CameraState::Lost, "unplugged")]), "1.2.3");
        assert_eq!(
            codes(&lost),
            [(Severity::Ok, "service_running"), (Severity::Problem, "camera_lost")]
        );
        assert!(lost[1].message.contains("unplugged"), "{lost:?}");
        assert_eq!(lost[1].about.as_deref(), Some("usb-Cam"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_device_in_which_the_service_hangs_is_left_alone() {
        let cameras = vec![detail(CameraState::Stuck, "hangs"), detail(CameraState::Closed, "")];
        let service = Service::Answers(Box::new(seen(cameras)));
        assert_eq!(service.stuck_files(), [PathBuf::from("/dev/video0")]);
    }

    #[test]
    fn another_version_cameras_turned_off_and_few_connections_left_are_noted() {
        let mut seen = seen(Vec::new());
        seen.status.privacy_off = true;
        seen.status.connections = 1000;
        let findings = running(&seen, "1.3.0");
        let notes: Vec<&str> = findings[1..].iter().map(|finding| finding.code).collect();
        assert_eq!(notes, ["version_differs", "cameras_off", "connections_few_left"]);
        assert!(findings[1..].iter().all(|finding| finding.severity == Severity::Note));
    }
}
