//! Which device files there are, what each is, and why some are no cameras.

use std::{fs, path::Path};

use protocol::{CameraDetail, PixelFormat};

use super::{Area, Finding, Service};
use crate::device::{
    Error,
    v4l2::survey::{Answer, Kind, Surveyed, Words},
};

pub(super) fn check(surveyed: &[Surveyed], service: &Service, sys: &Path) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        surveyed.iter().map(|file| finding(file, service.cameras())).collect();
    findings.extend(without_file(surveyed, sys));
    if findings.is_empty() {
        findings.push(none(service));
    }
    findings
}

fn finding(file: &Surveyed, known: &[CameraDetail]) -> Finding {
    let finding = match &file.answer {
        Answer::Is(words) => described(words),
        // Told with the permissions, once for all files.
        Answer::Failed(Error::Permission(_)) => Finding::note(
            Area::Devices,
            "device_not_permitted",
            "What it is cannot be seen: you may not open it (see Permissions).",
        ),
        Answer::Failed(Error::Gone) => Finding::note(
            Area::Devices,
            "device_gone",
            "It has just gone, or answers as if it had.",
        )
        .advice("Plug it in again."),
        Answer::Failed(Error::Busy) => Finding::note(
            Area::Devices,
            "device_busy",
            "Another program has it for itself alone, so that it cannot be asked what it is.",
        ),
        Answer::Failed(error) => {
            Finding::note(Area::Devices, "device_fails", format!("It cannot be used: {error}."))
                .advice("The kernel's log may say why.")
                .command("sudo dmesg | tail -30")
        }
        Answer::Silent => Finding::problem(
            Area::Devices,
            "device_hangs",
            "It does not answer within 2 s, so it is left out.",
        )
        .advice("Unplug it and plug it in again; the kernel's log may say why.")
        .command("sudo dmesg | tail -30"),
        Answer::LeftAlone => Finding::note(
            Area::Devices,
            "device_left_alone",
            "It was not asked, since the service hangs in it (see Service).",
        ),
    };
    let path = file.path.to_string_lossy();
    let id = known.iter().find(|camera| camera.path.as_deref() == Some(&*path));
    let mut finding = finding.about(&path);
    if let Some(camera) = id {
        finding.message += &format!(" Its id is {}.", camera.summary.id);
    }
    finding
}

fn described(words: &Words) -> Finding {
    let what = format!("{} ({})", words.name, words.driver);
    let unused = |why: &str| {
        Finding::ok(
            Area::Devices,
            "device_no_camera",
            format!("{what}: {why}, so it is no camera."),
        )
    };
    match words.kind {
        Kind::Camera => served("camera", &what, &words.formats),
        Kind::Infrared => served("infrared camera", &what, &words.formats),
        Kind::Loopback => Finding::ok(
            Area::Devices,
            "device_loopback",
            format!("{what}: a loopback device, fed by a program (see Loopback)."),
        ),
        Kind::Metadata => unused("it delivers metadata of a camera's frames"),
        Kind::Output => unused("it shows pictures and delivers none"),
        Kind::Codec => unused("it encodes, decodes or scales"),
        Kind::Other => unused("it delivers no pictures"),
        Kind::MultiPlanar => unsupported(
            &what,
            "delivers frames in several memory areas (multi-planar), which camera-service does \
             not support",
        ),
        Kind::NoStreaming => unsupported(
            &what,
            "can only be read, not streamed from, which camera-service does not support",
        ),
    }
}

fn unsupported(what: &str, why: &str) -> Finding {
    Finding::note(Area::Devices, "device_unsupported", format!("{what}: it {why}."))
        .advice("A program that can use it can publish it.")
        .command("ffmpeg … -f mjpeg - | camera-service publish NAME")
}

fn served(kind: &str, what: &str, formats: &[PixelFormat]) -> Finding {
    let (mut served, mut others) = (Vec::new(), Vec::new());
    for format in formats {
        match format {
            PixelFormat::Other(code) => others.push(code.to_string()),
            format => served.push(format.to_string()),
        }
    }
    for names in [&mut served, &mut others] {
        names.sort();
        names.dedup();
    }
    let (served, others) = (served.join(", "), others.join(", "));
    match (served.as_str(), others.as_str()) {
        ("", "") => Finding::note(
            Area::Devices,
            "camera_without_formats",
            format!("{what}: a {kind} that names no formats."),
        ),
        ("", others) => Finding::problem(
            Area::Devices,
            "camera_formats_not_served",
            format!("{what}: a {kind} whose formats are not served: {others}."),
        )
        .advice("A program that can decode them can publish the camera.")
        .command("ffmpeg … -f mjpeg - | camera-service publish NAME"),
        (served, "") => {
            Finding::ok(Area::Devices, "camera_found", format!("{what}: a {kind}: {served}."))
        }
        (served, others) => Finding::ok(
            Area::Devices,
            "camera_found",
            format!("{what}: a {kind}: {served}; not served: {others}."),
        ),
    }
}

/// Devices that the kernel has and that have no file in `/dev`, as in a container.
fn without_file(surveyed: &[Surveyed], sys: &Path) -> Option<Finding> {
    let entries = fs::read_dir(sys.join("class/video4linux")).ok()?;
    let mut missing: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with("video"))
        .filter(|name| !surveyed.iter().any(|file| file.path.ends_with(name)))
        .collect();
    missing.sort();
    let first = missing.first()?.clone();
    let missing = missing.join(", ");
    Some(
        Finding::problem(
            Area::Devices,
            "device_without_file",
            format!("The kernel has {missing}, but there is no such file in /dev."),
        )
        .advice("In a container, pass the device in. Elsewhere, have udev make the files.")
        .command(format!("docker run --device /dev/{first} …"))
        .command("sudo udevadm trigger --subsystem-match=video4linux"),
    )
}

fn none(service: &Service) -> Finding {
    const NONE: &str = "There is no /dev/video*: the kernel knows of no camera.";
    if !service.cameras().is_empty() {
        return Finding::note(Area::Devices, "no_devices", NONE);
    }
    Finding::problem(Area::Devices, "no_devices", NONE)
        .advice(
            "Plug a camera in and look at the kernel's log. In a container or a virtual machine, \
             pass the device in. To try camera-service without a camera:",
        )
        .command("sudo dmesg | tail -30")
        .command("camera-service serve --test-camera")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use protocol::FourCc;

    use super::{super::Severity, *};

    fn words(kind: Kind, formats: &[PixelFormat]) -> Answer {
        Answer::Is(Words {
            kind,
            name: "C920".to_owned(),
            driver: "uvcvideo".to_owned(),
            formats: formats.to_vec(),
            power_line: None,
        })
    }

    fn file(number: u32, answer: Answer) -> Surveyed {
        Surveyed { path: PathBuf::from(format!("/dev/video{number}")), sysfs: None, answer }
    }

    fn look(files: &[Surveyed]) -> Vec<(Severity, &'static str, String)> {
        let nowhere = tempfile::tempdir().expect("a temporary folder");
        check(files, &Service::NotRunning, nowhere.path())
            .into_iter()
            .map(|finding| (finding.severity, finding.code, finding.message))
            .collect()
    }

    #[test]
    fn formats_that_are_not_served_are_named() {
        let h264 = PixelFormat::Other(FourCc(*b"H264"));
        let found = look(&[
            file(0, words(Kind::Camera, &[PixelFormat::Mjpg, h264, PixelFormat::Yuyv])),
            file(1, words(Kind::Camera, &[h264])),
        ]);
        let text = "C920 (uvcvideo): a camera: MJPG, YUYV; not served: H264.";
        assert_eq!(found[0], (Severity::Ok, "camera_found", text.to_owned()));
        assert_eq!((found[1].0, found[1].1), (Severity::Problem, "camera_formats_not_served"));
    }

    #[test]
    fn every_file_that_is_no_camera_says_why() {
        let found = look(&[
            file(1, words(Kind::Metadata, &[])),
            file(2, words(Kind::MultiPlanar, &[])),
            file(3, Answer::Silent),
            file(4, Answer::Failed(Error::Permission(String::new()))),
        ]);
        let codes: Vec<_> = found.iter().map(|(severity, code, _)| (*severity, *code)).collect();
        assert_eq!(
            codes,
            [
                (Severity::Ok, "device_no_camera"),
                (Severity::Note, "device_unsupported"),
                (Severity::Problem, "device_hangs"),
                (Severity::Note, "device_not_permitted"),
            ]
        );
    }

    #[test]
    fn without_any_device_that_is_said() {
        let found = look(&[]);
        assert_eq!((found[0].0, found[0].1), (Severity::Problem, "no_devices"));
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn devices_of_the_kernel_without_a_file_are_found() {
        let sys = tempfile::tempdir().expect("a temporary folder");
        for node in ["video0", "video1", "v4l-subdev0"] {
            fs::create_dir_all(sys.path().join("class/video4linux").join(node)).expect("made");
        }
        let here = [file(0, words(Kind::Camera, &[PixelFormat::Mjpg]))];
        let found = check(&here, &Service::NotRunning, sys.path());
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].code, "device_without_file");
        assert!(found[1].message.contains("video1,"), "{}", found[1].message);
        assert!(found[1].commands[0].contains("/dev/video1"));
    }
}
