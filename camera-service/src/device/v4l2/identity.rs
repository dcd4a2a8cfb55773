//! What a device is called and how it is told from every other.
//!
//! Of a USB device sysfs knows vendor, product, serial number and interface; of others, and
//! where there is no sysfs, the driver's own words are all there is.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::ioctl::Capabilities;
use crate::device::{Descriptor, Identity};

/// Serial numbers that whole product lines share.
const SHARED_SERIALS: [&str; 6] =
    ["200901010001", "SN0001", "SN001", "01.00.00", "123456789", "12345678"];

/// The identity of the device file whose node in sysfs is `sysfs` (`…/video4linux/video0`).
pub(super) fn identity(capabilities: &Capabilities, sysfs: Option<&Path>) -> Identity {
    sysfs.and_then(|node| usb(node, capabilities)).unwrap_or_else(|| of_driver(capabilities, sysfs))
}

/// A USB camera that this user may not open, as far as sysfs describes it: so that it is listed
/// and opening it says what is wrong. Its first file is taken to be the one with the pictures.
pub(super) fn without_opening(path: &Path, plugged: u64, sysfs: &Path) -> Option<Descriptor> {
    let device = sysfs.parent()?.parent()?.parent()?;
    let first = attribute(sysfs, "index").as_deref() == Some("0");
    let driver = fs::read_link(sysfs.join("device/driver")).ok()?;
    let driver = driver.file_name()?.to_str().filter(|driver| *driver == "uvcvideo" && first)?;
    let (controller, ports) = usb_place(device)?;
    let capabilities = Capabilities {
        driver: driver.to_owned(),
        card: attribute(sysfs, "name")?,
        bus_info: format!("usb-{controller}-{ports}"),
        node: 0,
    };
    Some(Descriptor {
        identity: usb(sysfs, &capabilities)?,
        name: capabilities.card,
        driver: capabilities.driver,
        bus: capabilities.bus_info,
        path: Some(path.to_owned()),
        plugged,
    })
}

/// The node of a device file in sysfs, by its device number.
pub(super) fn sysfs_node(major: u32, minor: u32) -> Option<PathBuf> {
    fs::canonicalize(format!("/sys/dev/char/{major}:{minor}")).ok()
}

/// By what the driver says of itself.
fn of_driver(capabilities: &Capabilities, sysfs: Option<&Path>) -> Identity {
    let mut model = sanitise(&capabilities.card);
    if model.is_empty() {
        model = sanitise(&capabilities.driver);
    }
    let port = match capabilities.bus_info.as_str() {
        // Drivers of old say nothing: the place in sysfs is the next best.
        "" => sysfs.and_then(|node| node.parent()?.parent()?.file_name()?.to_str()).unwrap_or(""),
        bus_info => bus_info,
    };
    if capabilities.bus_info.starts_with("usb-") {
        model.insert_str(0, "usb-");
    }
    model.push_str(&further_index(sysfs));
    Identity { model, serial: None, port: sanitise(&port.replacen("platform:", "platform-", 1)) }
}

/// By what the USB device says of itself; `None` where it is none.
fn usb(node: &Path, capabilities: &Capabilities) -> Option<Identity> {
    // …/usb1/1-1/1-1:1.0/video4linux/video0
    let interface = node.parent()?.parent()?;
    let device = interface.parent()?;
    let vendor_id = attribute(device, "idVendor")?;
    let product_id = attribute(device, "idProduct")?;
    let named = |name: &str| attribute(device, name).map(|text| sanitise(&text));
    let vendor = named("manufacturer").filter(|name| !name.is_empty()).unwrap_or(vendor_id);
    let mut product = named("product").filter(|name| !name.is_empty()).unwrap_or(product_id);
    // Many repeat the vendor in the product's name.
    if let Some(rest) = product.strip_prefix(&vendor)
        && let Some(rest) = rest.strip_prefix('_').filter(|rest| !rest.is_empty())
    {
        product = rest.to_owned();
    }
    let mut model = format!("usb-{vendor}_{product}");
    let number = attribute(interface, "bInterfaceNumber").unwrap_or_default();
    if !matches!(number.as_str(), "" | "00") {
        model.push_str("-if");
        model.push_str(&number);
    }
    model.push_str(&further_index(Some(node)));
    let serial = attribute(device, "serial").map(|text| sanitise(&text)).filter(|s| is_own(s));
    let port = match usb_place(device) {
        Some((controller, ports)) => format!("usb-{controller}-{ports}"),
        None => capabilities.bus_info.clone(),
    };
    Some(Identity { model, serial, port: sanitise(&port) })
}

/// `-index2` for a device file that is not the first of its device or interface; else nothing.
fn further_index(sysfs: Option<&Path>) -> String {
    match sysfs.and_then(|node| attribute(node, "index")).as_deref() {
        None | Some("" | "0") => String::new(),
        Some(index) => format!("-index{index}"),
    }
}

/// The controller and the path of ports from it. Unlike a bus number they are the same after
/// every start, and unlike in a driver's words nothing is cut off.
fn usb_place(device: &Path) -> Option<(String, String)> {
    let ports = attribute(device, "devpath")?;
    let root_hub = device.ancestors().find(|folder| {
        let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or("");
        name.strip_prefix("usb").is_some_and(|number| number.parse::<u32>().is_ok())
    })?;
    Some((root_hub.parent()?.file_name()?.to_str()?.to_owned(), ports))
}

fn attribute(folder: &Path, name: &str) -> Option<String> {
    // Descriptors hold whatever their makers put there, not always UTF-8.
    let bytes = fs::read(folder.join(name)).ok()?;
    Some(String::from_utf8_lossy(&bytes).trim().to_owned())
}

/// Whether a serial number can be one device's own.
fn is_own(serial: &str) -> bool {
    let mut characters = serial.chars().filter(|c| c.is_ascii_alphanumeric());
    let first = characters.next();
    // Nothing, or one character over and over: 0000, FFFFFFFF.
    first.is_some_and(|first| characters.any(|c| c != first)) && !SHARED_SERIALS.contains(&serial)
}

/// `text` with nothing but letters, digits, dots, hyphens and single underscores.
fn sanitise(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.trim().chars() {
        match c {
            'A'..='Z' | 'a'..='z' | '0'..='9' | '.' | '-' => clean.push(c),
            _ if !clean.ends_with('_') => clean.push('_'),
            _ => {}
        }
    }
    clean.trim_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capabilities(card: &str, bus_info: &str) -> Capabilities {
        let driver = "driver".to_owned();
        Capabilities { driver, card: card.into(), bus_info: bus_info.into(), node: 0 }
    }

    /// A USB camera's folders in sysfs, and its node in them.
    fn sysfs(attributes: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("0000:00:14.0/usb1/1-1/1-1.2/1-1.2:1.0");
        let node = root.join("video4linux/video0");
        fs::create_dir_all(&node).unwrap();
        for (name, text) in attributes {
            let place = match *name {
                "bInterfaceNumber" => root.join(name),
                "index" => node.join(name),
                _ => root.parent().unwrap().join(name),
            };
            fs::write(place, format!("{text}\n")).unwrap();
        }
        (folder, node)
    }

    #[test]
    fn a_usb_camera_is_known_by_vendor_product_and_serial() {
        let (_folder, node) = sysfs(&[
            ("idVendor", "046d"),
            ("idProduct", "0825"),
            ("manufacturer", "Logitech"),
            ("product", "Logitech HD Webcam C270"),
            ("serial", "3F2A10"),
            ("devpath", "1.2"),
            ("bInterfaceNumber", "00"),
            ("index", "0"),
        ]);
        let identity = identity(&capabilities("whatever", "usb-…"), Some(&node));
        assert_eq!(identity.model, "usb-Logitech_HD_Webcam_C270");
        assert_eq!(identity.serial.as_deref(), Some("3F2A10"));
        assert_eq!(identity.port, "usb-0000_00_14.0-1.2");
    }

    #[test]
    fn a_nameless_infrared_camera_is_known_by_numbers_and_interface() {
        let (_folder, node) = sysfs(&[
            ("idVendor", "04f2"),
            ("idProduct", "b6d9"),
            ("serial", "200901010001"),
            ("bInterfaceNumber", "02"),
            ("index", "2"),
        ]);
        let identity = identity(&capabilities("whatever", "usb-0000:00:14.0-6"), Some(&node));
        assert_eq!(identity.model, "usb-04f2_b6d9-if02-index2");
        assert_eq!(identity.serial, None);
        assert_eq!(identity.port, "usb-0000_00_14.0-6");
    }

    #[test]
    fn without_sysfs_the_driver_s_words_count() {
        let first = identity(&capabilities("vivid", "platform:vivid-000"), None);
        let second = identity(&capabilities("vivid", "platform:vivid-001"), None);
        assert_eq!((first.model.as_str(), first.port.as_str()), ("vivid", "platform-vivid-000"));
        assert_ne!(first, second);
        let usb = identity(&capabilities("HD Pro: C920", "usb-0000:00:14.0-1"), None);
        assert_eq!(usb.model, "usb-HD_Pro_C920");
    }

    #[test]
    fn serials_that_many_share_are_none() {
        for shared in ["", "0", "0000", "FFFFFFFF", "200901010001", "SN0001", "___", "01.00.00"] {
            assert!(!is_own(shared), "{shared:?}");
        }
        for own in ["0001", "A1B2", "3F2A10", "20090101000"] {
            assert!(is_own(own), "{own:?}");
        }
    }

    #[test]
    fn names_are_made_safe_for_ids() {
        assert_eq!(sanitise("  HD  Pro / Webcam (C920)\n"), "HD_Pro_Webcam_C920");
        assert_eq!(sanitise("カメラ"), "");
    }
}
