//! v4l2loopback: the kernel module by which programs that know only `/dev/videoN` get a camera
//! that others use too.

use std::{fs, path::Path};

use super::{Area, Finding, Roots};
use crate::{
    config::LOAD_V4L2LOOPBACK,
    device::v4l2::survey::{Answer, Kind, Surveyed},
};

const MODULE: &str = "v4l2loopback";
const RELOAD: &str = "sudo modprobe -r v4l2loopback";

pub(super) fn check(surveyed: &[Surveyed], roots: &Roots) -> Vec<Finding> {
    let module = roots.sys.join("module").join(MODULE);
    if !module.exists() {
        return vec![not_loaded(&roots.modules)];
    }
    let files: Vec<&Surveyed> = surveyed
        .iter()
        .filter(|file| matches!(&file.answer, Answer::Is(words) if words.kind == Kind::Loopback))
        .collect();
    let mut findings = vec![loaded(&files)];
    findings.extend(both_ends(&module, files.len()));
    findings
}

fn not_loaded(modules: &Path) -> Finding {
    const WHY: &str = "Programs that know only /dev/video*, such as browsers and video calls, \
                       cannot have a camera while camera-service has it.";
    // The list of what is installed: the module itself may be compressed in any of three ways.
    let list = fs::read_to_string(modules.join("modules.dep")).unwrap_or_default();
    let installed = list.lines().filter_map(|line| line.split(':').next()).any(|path| {
        let name = path.rsplit('/').next().unwrap_or_default();
        name.split('.').next() == Some(MODULE)
    });
    if installed {
        let message = format!("v4l2loopback is installed and not loaded. {WHY}");
        return Finding::note(Area::Loopback, "loopback_not_loaded", message)
            .advice("Load it, then let it have a camera.")
            .command(LOAD_V4L2LOOPBACK)
            .command("camera-service loopback CAM /dev/video10");
    }
    let message = format!("v4l2loopback is not installed for the running kernel. {WHY}");
    Finding::note(Area::Loopback, "loopback_not_installed", message)
        .advice("If you want that, install it and load it; on Debian and its relatives:")
        .command("sudo apt install v4l2loopback-dkms linux-headers-$(uname -r)")
        .command(LOAD_V4L2LOOPBACK)
}

fn loaded(files: &[&Surveyed]) -> Finding {
    let names: Vec<String> = files.iter().map(|file| file.path.display().to_string()).collect();
    let Some(first) = names.first() else {
        return Finding::note(
            Area::Loopback,
            "loopback_without_device",
            "v4l2loopback is loaded, but has no device, or none that you may open.",
        )
        .advice("Load it anew with a device.")
        .command(RELOAD)
        .command(LOAD_V4L2LOOPBACK);
    };
    Finding::ok(
        Area::Loopback,
        "loopback_loaded",
        format!("v4l2loopback has {}.", names.join(", ")),
    )
    .advice("Let it have a camera, for browsers and video calls.")
    .command(format!("camera-service loopback CAM {first}"))
}

/// Devices that show both ends at once, which browsers take for no camera.
fn both_ends(module: &Path, devices: usize) -> Option<Finding> {
    let text = fs::read_to_string(module.join("parameters/exclusive_caps")).ok()?;
    let exclusive = text.trim().split(',').take(devices);
    let both = exclusive.filter(|one| !matches!(*one, "Y" | "1")).count();
    (both > 0).then(|| {
        let message = format!(
            "{both} of {devices} loopback devices are without exclusive_caps: they show both of \
             their ends, and Chrome and others take them for no camera."
        );
        Finding::note(Area::Loopback, "loopback_not_exclusive", message)
            .advice("Load the module anew, once no program uses it.")
            .command(RELOAD)
            .command(LOAD_V4L2LOOPBACK)
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{super::Severity, *};
    use crate::device::v4l2::survey::Words;

    fn roots(folder: &Path) -> Roots {
        let within = |name: &str| folder.join(name);
        Roots { sys: within("sys"), etc: within("etc"), modules: within("modules") }
    }

    fn write(folder: &Path, file: &str, text: &str) {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }

    fn codes(folder: &Path, surveyed: &[Surveyed]) -> Vec<(Severity, &'static str)> {
        let findings = check(surveyed, &roots(folder));
        findings.iter().map(|finding| (finding.severity, finding.code)).collect()
    }

    fn device(number: u32) -> Surveyed {
        let words = Words {
            kind: Kind::Loopback,
            name: String::new(),
            driver: "v4l2 loopback".to_owned(),
            formats: Vec::new(),
            power_line: None,
        };
        let path = PathBuf::from(format!("/dev/video{number}"));
        Surveyed { path, sysfs: None, answer: Answer::Is(words) }
    }

    #[test]
    fn a_module_that_is_missing_is_told_from_one_that_is_not_loaded() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path();
        assert_eq!(codes(path, &[]), [(Severity::Note, "loopback_not_installed")]);
        let list = "kernel/a.ko: kernel/v4l2loopback.ko\nkernel/b.ko:\n";
        write(path, "modules/modules.dep", list);
        assert_eq!(codes(path, &[]), [(Severity::Note, "loopback_not_installed")]);
        write(path, "modules/modules.dep", "updates/dkms/v4l2loopback.ko.xz: kernel/videodev.ko\n");
        assert_eq!(codes(path, &[]), [(Severity::Note, "loopback_not_loaded")]);
    }

    #[test]
    fn its_devices_are_named_and_exclusive_caps_looked_at() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path();
        write(path, "sys/module/v4l2loopback/parameters/exclusive_caps", "Y,N,N,N\n");
        assert_eq!(codes(path, &[]), [(Severity::Note, "loopback_without_device")]);
        assert_eq!(codes(path, &[device(9)]), [(Severity::Ok, "loopback_loaded")]);
        let two = [device(9), device(10)];
        assert_eq!(
            codes(path, &two),
            [(Severity::Ok, "loopback_loaded"), (Severity::Note, "loopback_not_exclusive")]
        );
        let commands = check(&two, &roots(path)).remove(0).commands;
        assert_eq!(commands, ["camera-service loopback CAM /dev/video9"]);
    }
}
