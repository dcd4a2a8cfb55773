//! What may be wrong with this computer's cameras and their service, and what to do about it.
//!
//! Works with and without a running service: the caller hands over what the service says, all
//! else is looked at here. Each check is a file of its own that looks at one kind of thing and
//! returns [`Finding`]s; nothing is changed. Blocks for some seconds at most, also where a device
//! hangs: those are asked on threads that are given up.
//!
//! This is the one place outside of the service that looks at devices (`docs/architecture.md`).

mod bridge;
#[cfg(target_os = "linux")]
mod devices;
mod endpoint;
mod files;
#[cfg(target_os = "linux")]
mod holding;
#[cfg(target_os = "linux")]
mod limits;
#[cfg(target_os = "linux")]
mod loopback;
#[cfg(target_os = "linux")]
mod mains;
#[cfg(target_os = "linux")]
mod permissions;
mod service;
#[cfg(target_os = "linux")]
mod usb;

#[cfg(target_os = "linux")]
use std::path::PathBuf;

use protocol::endpoint::Endpoint;
use serde::Serialize;

pub use service::{Seen, Service};

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What it is about.
    pub area: Area,
    /// A name of this kind of finding, for scripts; it stays the same.
    pub code: &'static str,
    /// The device file, camera or file that it is about, where it is about one.
    pub about: Option<String>,
    /// What there is and what it means.
    pub message: String,
    /// What to do, where there is anything to do.
    pub advice: Option<String>,
    /// What to type for that.
    pub commands: Vec<String>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// As it should be.
    Ok,
    /// Worth knowing; things work.
    Note,
    /// Something does not work.
    Problem,
}

/// What a finding is about, in the order in which they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// The service and its cameras.
    Service,
    /// What other machines and browsers reach.
    Bridge,
    /// Device files.
    Devices,
    /// Who may open them.
    Permissions,
    /// Who has them open.
    Programs,
    /// USB.
    Usb,
    /// Flicker of lamps.
    PowerLine,
    /// v4l2loopback.
    Loopback,
    /// Socket, configuration, state.
    Files,
    /// What the system allows.
    Limits,
}

impl Area {
    /// The area as a heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Service => "Service",
            Self::Bridge => "Bridge",
            Self::Devices => "Devices",
            Self::Permissions => "Permissions",
            Self::Programs => "Who uses the cameras",
            Self::Usb => "USB",
            Self::PowerLine => "Power-line frequency",
            Self::Loopback => "Loopback",
            Self::Files => "Files",
            Self::Limits => "Limits",
        }
    }
}

impl Finding {
    fn new(severity: Severity, area: Area, code: &'static str, message: String) -> Self {
        Self { severity, area, code, about: None, message, advice: None, commands: Vec::new() }
    }

    fn ok(area: Area, code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Ok, area, code, message.into())
    }

    fn note(area: Area, code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, area, code, message.into())
    }

    fn problem(area: Area, code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Problem, area, code, message.into())
    }

    fn about(mut self, about: impl ToString) -> Self {
        self.about = Some(about.to_string());
        self
    }

    fn advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    fn command(mut self, command: impl Into<String>) -> Self {
        self.commands.push(command.into());
        self
    }
}

/// Where the system keeps what is looked at; other folders in tests.
#[cfg(target_os = "linux")]
struct Roots {
    /// `/sys`.
    sys: PathBuf,
    /// `/etc`.
    etc: PathBuf,
    /// `/lib/modules/` and the kernel's release.
    modules: PathBuf,
}

#[cfg(target_os = "linux")]
impl Roots {
    fn system() -> Self {
        // Without a release there is no such folder, which counts as no module.
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let modules = PathBuf::from("/lib/modules").join(release.trim());
        Self { sys: PathBuf::from("/sys"), etc: PathBuf::from("/etc"), modules }
    }
}

/// Looks at everything. `service` is what came of asking it at `endpoint`, or at the usual
/// places where that is not given.
#[must_use]
pub fn examine(service: &Service, endpoint: Option<&Endpoint>) -> Vec<Finding> {
    let mut findings = service::check(service);
    findings.extend(bridge::check(service));
    findings.extend(endpoint::check(service, endpoint));
    findings.extend(files::check(service));
    #[cfg(target_os = "linux")]
    findings.extend(examine_devices(service));
    findings.sort_by_key(|finding| finding.area);
    findings
}

#[cfg(target_os = "linux")]
fn examine_devices(service: &Service) -> Vec<Finding> {
    let roots = Roots::system();
    let surveyed = crate::device::v4l2::survey::survey(&service.stuck_files());
    let mut findings = devices::check(&surveyed, service, &roots.sys);
    findings.extend(permissions::check(&surveyed, &permissions::User::this(), &roots.etc));
    findings.extend(holding::check(&surveyed, service));
    findings.extend(usb::check(&surveyed, &roots.sys));
    findings.extend(mains::check(&surveyed, &roots.etc, std::env::var("TZ").ok().as_deref()));
    findings.extend(loopback::check(&surveyed, &roots));
    findings.extend(limits::check());
    findings
}
