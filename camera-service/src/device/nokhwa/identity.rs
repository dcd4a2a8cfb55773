//! What tells a camera from every other, out of the name and the id that the system gives it.

use crate::device::Identity;

/// The identity of the camera called `name`, whose id is a device path on Windows
/// (`\\?\usb#vid_046d&pid_0825&mi_00#7&2a3b4c5d&0&0000#{…}\global`) and any text on macOS.
pub(super) fn identity(name: &str, id: &str) -> Identity {
    let mut parts = id.trim_start_matches(r"\\?\").split('#');
    let (bus, hardware, instance) = (parts.next(), parts.next(), parts.next());
    let (Some(bus), Some(hardware), Some(instance)) = (bus, hardware, instance) else {
        return Identity { model: sanitise(name), serial: None, port: sanitise(id) };
    };
    let mut model = format!("{}-{}", sanitise(bus), sanitise(name));
    let interface = hardware.split('&').find_map(|part| part.strip_prefix("mi_"));
    if let Some(interface) = interface.filter(|number| *number != "00") {
        model.push_str("-if");
        model.push_str(&sanitise(interface));
    }
    // Windows makes up an instance with `&` of the port where the device has no serial number
    // of its own, or has more than one function.
    let serial = (!instance.contains('&')).then(|| sanitise(instance));
    Identity { model, serial, port: sanitise(instance) }
}

/// Letters, digits, `.` and `-`; one `_` for any run of others.
fn sanitise(text: &str) -> String {
    let mut clean = String::new();
    for c in text.trim().chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') {
            clean.push(c);
        } else if !clean.ends_with('_') {
            clean.push('_');
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usb_camera_is_known_by_name_and_port() {
        let id = r"\\?\usb#vid_046d&pid_0825&mi_00#7&2a3b4c5d&0&0000#{e5323777-f976-4f5b-9b94-b94699c46e44}\global";
        let identity = identity("HD Webcam C270", id);
        assert_eq!(identity.model, "usb-HD_Webcam_C270");
        assert_eq!(identity.serial, None);
        assert_eq!(identity.port, "7_2a3b4c5d_0_0000");
    }

    #[test]
    fn a_serial_number_and_a_further_function_are_seen() {
        let id = r"\\?\usb#vid_1209&pid_0001&mi_02#SN42#{e5323777}\global";
        let identity = identity("Camera", id);
        assert_eq!(identity.model, "usb-Camera-if02");
        assert_eq!(identity.serial.as_deref(), Some("SN42"));
    }

    #[test]
    fn any_other_id_is_a_port() {
        let identity = identity("FaceTime HD", "0x8020000005ac8514");
        assert_eq!(identity.model, "FaceTime_HD");
        assert_eq!(identity.port, "0x8020000005ac8514");
    }
}
