//! Cameras on USB: those that share a bus that is too slow for both, and those without a driver.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use super::{Area, Finding};
use crate::device::v4l2::survey::{Answer, Kind, Surveyed};

/// Bits a second, in millions, of USB 2.
const USB_2: u32 = 480;

/// Class of an interface that delivers video.
const VIDEO: &str = "0e";

pub(super) fn check(surveyed: &[Surveyed], sys: &Path) -> Vec<Finding> {
    let cameras = surveyed.iter().filter(|file| {
        matches!(&file.answer,
            Answer::Is(words) if matches!(words.kind, Kind::Camera | Kind::Infrared))
    });
    let places: BTreeSet<Place> =
        cameras.filter_map(|file| place(file.sysfs.as_deref()?)).collect();
    let mut findings = shared(&places);
    findings.extend(slow(&places));
    findings.extend(without_driver(&sys.join("bus/usb/devices")));
    findings
}

/// Where a USB camera is plugged in. One device with several files has one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// Number of its bus. The ports of one controller are on one for USB 2 and one for USB 3.
    bus: String,
    /// Its port, such as `1-1.2`.
    port: String,
    name: String,
    /// In millions of bits a second.
    speed: u32,
}

/// The place of the device whose node in sysfs is `node`, where that is on USB.
fn place(node: &Path) -> Option<Place> {
    // …/usb1/1-1/1-1:1.0/video4linux/video0
    let device = node.parent()?.parent()?.parent()?;
    Some(Place {
        bus: attribute(device, "busnum")?,
        port: device.file_name()?.to_string_lossy().into_owned(),
        name: name(device),
        speed: attribute(device, "speed")?.parse().ok()?,
    })
}

fn shared(places: &BTreeSet<Place>) -> Vec<Finding> {
    let mut buses: BTreeMap<&str, Vec<&Place>> = BTreeMap::new();
    for place in places.iter().filter(|place| place.speed == USB_2) {
        buses.entry(&place.bus).or_default().push(place);
    }
    let shared = buses.into_iter().filter(|(_, places)| places.len() > 1);
    shared
        .map(|(bus, places)| {
            let names: Vec<String> =
                places.iter().map(|place| format!("{} ({})", place.name, place.port)).collect();
            let message = format!(
                "{} share USB 2 bus {bus}: pictures without compression do not fit for both at \
                 once.",
                names.join(", ")
            );
            Finding::note(Area::Usb, "shared_usb_bus", message)
                .advice("Use MJPG with them, or plug one into a port of another bus.")
                .command("lsusb -t")
        })
        .collect()
}

fn slow(places: &BTreeSet<Place>) -> Vec<Finding> {
    let slow = places.iter().filter(|place| place.speed < USB_2);
    slow.map(|place| {
        let message = format!(
            "{} runs at {} Mbit/s only, less than USB 2 has: frames will be few and small.",
            place.name, place.speed
        );
        Finding::note(Area::Usb, "slow_usb", message)
            .about(&place.port)
            .advice("Try another cable or port, without a hub.")
    })
    .collect()
}

/// Devices with an interface for video that no driver has taken.
fn without_driver(devices: &Path) -> Vec<Finding> {
    let Ok(entries) = fs::read_dir(devices) else { return Vec::new() };
    let interfaces = entries.flatten().map(|entry| entry.path()).filter(|path| {
        attribute(path, "bInterfaceClass").as_deref() == Some(VIDEO)
            && !path.join("driver").exists()
    });
    // 1-1.2:1.0 is an interface of 1-1.2.
    let ports: BTreeSet<PathBuf> = interfaces
        .filter_map(|path| {
            let (port, _) = path.file_name()?.to_str()?.split_once(':')?;
            Some(path.with_file_name(port))
        })
        .collect();
    ports
        .into_iter()
        .map(|device| {
            let message = format!("{} is plugged in, but no driver has taken it.", name(&device));
            Finding::problem(Area::Usb, "usb_without_driver", message)
                .about(device.file_name().unwrap_or_default().to_string_lossy())
                .advice(
                    "Load the driver for USB cameras; if that fails, the kernel's log says why.",
                )
                .command("sudo modprobe uvcvideo")
                .command("sudo dmesg | tail -30")
        })
        .collect()
}

fn name(device: &Path) -> String {
    let product = attribute(device, "product").filter(|text| !text.is_empty());
    product.unwrap_or_else(|| "a USB camera".to_owned())
}

fn attribute(folder: &Path, name: &str) -> Option<String> {
    let bytes = fs::read(folder.join(name)).ok()?;
    Some(String::from_utf8_lossy(&bytes).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Folders as in sysfs: a device on bus 1, with one camera's node.
    fn plug(root: &Path, port: &str, speed: &str) -> PathBuf {
        let device = root.join("usb1").join(port);
        let node = device.join(format!("{port}:1.0/video4linux/video0"));
        fs::create_dir_all(&node).expect("made");
        for (name, text) in [("busnum", "1\n"), ("speed", speed), ("product", "C270\n")] {
            fs::write(device.join(name), text).expect("written");
        }
        node
    }

    fn places(nodes: &[PathBuf]) -> BTreeSet<Place> {
        nodes.iter().filter_map(|node| place(node)).collect()
    }

    #[test]
    fn two_cameras_on_one_usb_2_bus_are_noted_once() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let first = plug(root.path(), "1-1", "480\n");
        let second = plug(root.path(), "1-2.3", "480\n");
        let findings = shared(&places(&[first.clone(), first.clone(), second]));
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].message.contains("C270 (1-1), C270 (1-2.3)"), "{findings:?}");
        // One camera with two device files, and one on USB 3, share nothing.
        let fast = plug(root.path(), "2-1", "5000\n");
        assert_eq!(shared(&places(&[first.clone(), first, fast])), []);
    }

    #[test]
    fn a_camera_slower_than_usb_2_is_noted() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let nodes = [plug(root.path(), "1-1", "12\n"), plug(root.path(), "1-2", "480\n")];
        let findings = slow(&places(&nodes));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].about.as_deref(), Some("1-1"));
    }

    #[test]
    fn a_usb_camera_without_a_driver_is_a_problem() {
        let root = tempfile::tempdir().expect("a temporary folder");
        for (interface, class) in [("1-1:1.0", "0e\n"), ("1-1:1.1", "0e\n"), ("1-2:1.0", "03\n")] {
            fs::create_dir(root.path().join(interface)).expect("made");
            fs::write(root.path().join(interface).join("bInterfaceClass"), class).expect("written");
        }
        let findings = without_driver(root.path());
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!(findings[0].about.as_deref(), Some("1-1"));
        for interface in ["1-1:1.0", "1-1:1.1"] {
            fs::create_dir(root.path().join(interface).join("driver")).expect("made");
        }
        assert_eq!(without_driver(root.path()), []);
    }
}
