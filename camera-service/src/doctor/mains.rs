//! Whether cameras know the frequency of the lamps' power line, without which pictures flicker.

use std::{fs, path::Path};

use super::{Area, Finding};
use crate::device::v4l2::survey::{Answer, Mains, PowerLine, Surveyed};

/// Zones in `America/` whose mains have 50 Hz; the others there have 60 Hz.
const AMERICA_50: [&str; 24] = [
    "Argentina/",
    "Asuncion",
    "Barbados",
    "Buenos_Aires",
    "Catamarca",
    "Cayenne",
    "Cordoba",
    "Curacao",
    "Danmarkshavn",
    "Dominica",
    "Godthab",
    "Grenada",
    "Guadeloupe",
    "Jamaica",
    "La_Paz",
    "Martinique",
    "Mendoza",
    "Montevideo",
    "Nuuk",
    "Punta_Arenas",
    "Santiago",
    "Scoresbysund",
    "St_Lucia",
    "St_Vincent",
];

/// Zones elsewhere whose mains have 60 Hz.
const ELSEWHERE_60: [&str; 22] = [
    "Africa/Monrovia",
    "Asia/Manila",
    "Asia/Pyongyang",
    "Asia/Riyadh",
    "Asia/Seoul",
    "Asia/Taipei",
    "Atlantic/Bermuda",
    "Pacific/Chuuk",
    "Pacific/Guam",
    "Pacific/Honolulu",
    "Pacific/Johnston",
    "Pacific/Kosrae",
    "Pacific/Kwajalein",
    "Pacific/Majuro",
    "Pacific/Midway",
    "Pacific/Pago_Pago",
    "Pacific/Palau",
    "Pacific/Pohnpei",
    "Pacific/Saipan",
    "Pacific/Samoa",
    "Pacific/Tahiti",
    "Pacific/Wake",
];

/// Continents and oceans whose mains have 50 Hz unless said otherwise.
const USUALLY_50: [&str; 8] = [
    "Africa/",
    "Antarctica/",
    "Asia/",
    "Atlantic/",
    "Australia/",
    "Europe/",
    "Indian/",
    "Pacific/",
];

pub(super) fn check(surveyed: &[Surveyed], etc: &Path, tz: Option<&str>) -> Vec<Finding> {
    let zone = zone(etc, tz);
    let mut findings = Vec::new();
    for file in surveyed {
        let Answer::Is(words) = &file.answer else { continue };
        let Some(power_line) = words.power_line else { continue };
        let path = file.path.display().to_string();
        findings.push(judge(&path, power_line, zone.as_deref()).about(&path));
    }
    findings
}

/// The name of the time zone, such as `Europe/Berlin`.
fn zone(etc: &Path, tz: Option<&str>) -> Option<String> {
    let named = |text: &str| {
        let name = text.trim().trim_start_matches(':');
        let name = name.rsplit_once("zoneinfo/").map_or(name, |(_, name)| name);
        name.contains('/').then(|| name.to_owned())
    };
    if let Some(tz) = tz.filter(|tz| !tz.is_empty()) {
        return named(tz);
    }
    let link = fs::read_link(etc.join("localtime")).ok();
    link.and_then(|link| named(&link.to_string_lossy()))
        .or_else(|| named(&fs::read_to_string(etc.join("timezone")).ok()?))
}

/// The frequency of the mains in a time zone; `None` where both are in use, or nothing is known.
fn mains(zone: &str) -> Option<Mains> {
    if zone == "Asia/Tokyo" {
        // 50 Hz in the east, 60 Hz in the west.
        return None;
    }
    if let Some(place) = zone.strip_prefix("America/") {
        let fifty = AMERICA_50.iter().any(|fifty| match fifty.strip_suffix('/') {
            Some(_) => place.starts_with(fifty),
            None => place == *fifty,
        });
        return Some(if fifty { Mains::Hz50 } else { Mains::Hz60 });
    }
    if ["US/", "Canada/", "Mexico/", "Brazil/"].iter().any(|land| zone.starts_with(land)) {
        return Some(Mains::Hz60);
    }
    if ELSEWHERE_60.contains(&zone) {
        return Some(Mains::Hz60);
    }
    USUALLY_50.iter().any(|place| zone.starts_with(place)).then_some(Mains::Hz50)
}

fn judge(path: &str, power_line: PowerLine, zone: Option<&str>) -> Finding {
    const CODE: &str = "power_line_frequency";
    let here = zone.and_then(mains);
    let (set, zone) = match (power_line.set, here, zone) {
        _ if power_line.automatic => {
            return Finding::ok(Area::PowerLine, CODE, "The camera finds out by itself.");
        }
        (Some(set), Some(here), Some(zone)) if set != here => {
            let message = format!(
                "Set to {}, but the mains of {zone} have {}: pictures may flicker under lamps.",
                text(set),
                text(here)
            );
            return advise(Finding::note(Area::PowerLine, CODE, message), path, here);
        }
        (set, _, zone) => (set, zone),
    };
    match (set, here, zone) {
        (Some(set), _, _) => Finding::ok(Area::PowerLine, CODE, format!("Set to {}.", text(set))),
        (None, Some(here), Some(zone)) => {
            let message = format!(
                "Turned off: pictures may flicker under lamps. The mains of {zone} have {}.",
                text(here)
            );
            advise(Finding::note(Area::PowerLine, CODE, message), path, here)
        }
        (None, _, _) => {
            let message = "Turned off: pictures may flicker under lamps. Which frequency your \
                           mains have cannot be told by the time zone; most countries have 50 Hz, \
                           North America has 60 Hz.";
            advise(Finding::note(Area::PowerLine, CODE, message), path, Mains::Hz50)
        }
    }
}

fn text(mains: Mains) -> &'static str {
    match mains {
        Mains::Hz50 => "50 Hz",
        Mains::Hz60 => "60 Hz",
    }
}

fn advise(finding: Finding, path: &str, mains: Mains) -> Finding {
    let setting = format!("{path} \"power_line_frequency={}\"", text(mains));
    finding
        .advice("Set it, or have it set whenever the camera is opened (`pin`).")
        .command(format!("camera-service set {setting}"))
        .command(format!("camera-service pin {setting}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::{super::Severity, *};

    #[test]
    fn zones_have_their_mains() {
        for (zone, expected) in [
            ("Europe/Berlin", Some(Mains::Hz50)),
            ("America/New_York", Some(Mains::Hz60)),
            ("America/Sao_Paulo", Some(Mains::Hz60)),
            ("America/Argentina/Ushuaia", Some(Mains::Hz50)),
            ("America/Santiago", Some(Mains::Hz50)),
            ("US/Pacific", Some(Mains::Hz60)),
            ("Asia/Seoul", Some(Mains::Hz60)),
            ("Asia/Kolkata", Some(Mains::Hz50)),
            ("Asia/Tokyo", None),
            ("Pacific/Auckland", Some(Mains::Hz50)),
            ("Etc/UTC", None),
        ] {
            assert_eq!(mains(zone), expected, "{zone}");
        }
    }

    #[test]
    fn the_zone_is_that_of_the_variable_the_link_or_the_file() {
        let etc = tempfile::tempdir().expect("a temporary folder");
        assert_eq!(zone(etc.path(), None), None);
        fs::write(etc.path().join("timezone"), "Asia/Manila\n").expect("written");
        assert_eq!(zone(etc.path(), None).as_deref(), Some("Asia/Manila"));
        symlink("/usr/share/zoneinfo/Europe/Paris", etc.path().join("localtime")).expect("linked");
        assert_eq!(zone(etc.path(), None).as_deref(), Some("Europe/Paris"));
        assert_eq!(zone(etc.path(), Some(":America/Lima")).as_deref(), Some("America/Lima"));
        assert_eq!(zone(etc.path(), Some("UTC0")), None);
    }

    #[test]
    fn what_does_not_fit_the_zone_is_noted_with_what_to_type() {
        let set = |set| PowerLine { set, automatic: false };
        for (power_line, zone, severity, command) in [
            (set(Some(Mains::Hz50)), Some("Europe/Rome"), Severity::Ok, None),
            (set(Some(Mains::Hz50)), None, Severity::Ok, None),
            (set(Some(Mains::Hz60)), Some("Europe/Rome"), Severity::Note, Some("=50 Hz")),
            (set(None), Some("America/Lima"), Severity::Note, Some("=60 Hz")),
            (set(None), Some("Asia/Tokyo"), Severity::Note, Some("=50 Hz")),
            (PowerLine { set: None, automatic: true }, None, Severity::Ok, None),
        ] {
            let finding = judge("/dev/video0", power_line, zone);
            assert_eq!(finding.severity, severity, "{finding:?}");
            let typed = finding.commands.first().cloned().unwrap_or_default();
            assert!(typed.contains(command.unwrap_or_default()), "{finding:?}");
            assert_eq!(finding.commands.len(), if command.is_some() { 2 } else { 0 });
        }
    }
}
