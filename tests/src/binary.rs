//! Where the binaries of the service and of the GUI are.
//!
//! `cargo test --workspace` builds them along with the tests, but a test in another package is not
//! told where. One lies beside the test program; where it is missing, or older than a source that
//! it was made of, it is built: once, also when several test programs want it at a time.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::SystemTime,
};

/// The folder of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package lies in the workspace")
}

/// The folder that cargo builds this profile into, such as `target/debug`.
pub fn profile_folder() -> PathBuf {
    let program = env::current_exe().expect("a program knows its path");
    // Tests and benches are in `deps`, programs right in the folder.
    let folder = program.parent().expect("a program is in a folder");
    let folder = if folder.ends_with("deps") { folder.parent() } else { Some(folder) };
    folder.expect("`deps` is in a folder").to_owned()
}

/// The binary of the service: `CAMERA_SERVICE_BIN`, else the one of this build, made anew if it
/// is out of date. Panics with the compiler's words when it cannot be built.
pub fn camera_service() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    // The whole workspace, so that dependencies have the features with which the tests were
    // built, and need not be built again; but the GUI, which takes longest, only where it is run.
    let packages = ["--workspace", "--exclude", "control-gui"];
    BINARY.get_or_init(|| find("camera-service", "CAMERA_SERVICE_BIN", &packages))
}

/// The binary of the GUI: `CONTROL_GUI_BIN`, else the one of this build, made anew if it is out of
/// date. Panics with the compiler's words when it cannot be built.
pub fn control_gui() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| find("control-gui", "CONTROL_GUI_BIN", &["--package", "control-gui"]))
}

fn find(name: &str, variable: &str, packages: &[&str]) -> PathBuf {
    if let Some(path) = env::var_os(variable) {
        let path = PathBuf::from(path);
        assert!(path.is_file(), "{variable} names {}: no such file", path.display());
        return path;
    }
    let folder = profile_folder();
    let path = folder.join(name).with_extension(env::consts::EXE_EXTENSION);
    let lock = fs::File::create(folder.join(format!(".{name}.lock")))
        .and_then(|file| file.lock().map(|()| file))
        .expect("the build folder can be written");
    if let Err(reason) = up_to_date(&path) {
        build(name, &folder, packages, &reason);
    }
    drop(lock);
    path
}

/// Why the binary has to be built, if it has to.
fn up_to_date(binary: &Path) -> Result<(), String> {
    let modified = |path: &Path| fs::metadata(path).and_then(|data| data.modified());
    let made = modified(binary).map_err(|_| "it is missing".to_owned())?;
    // Cargo writes beside it what it was made of: `binary: source source …`.
    let sources = fs::read_to_string(binary.with_extension("d"))
        .map_err(|_| "it is not known of what it was made".to_owned())?;
    let newer = |source: &PathBuf| modified(source).unwrap_or(SystemTime::now()) > made;
    match parse_sources(&sources).find(newer) {
        Some(source) => Err(format!("{} has changed", source.display())),
        None => Ok(()),
    }
}

fn parse_sources(text: &str) -> impl Iterator<Item = PathBuf> {
    // A space within a path is written as `\ `.
    let text = text.split_once(": ").map_or("", |(_, sources)| sources.trim_end());
    let text = text.replace("\\ ", "\0");
    let paths: Vec<PathBuf> =
        text.split_whitespace().map(|path| path.replace('\0', " ").into()).collect();
    paths.into_iter()
}

fn build(name: &str, folder: &Path, packages: &[&str], reason: &str) {
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let args = [&["build"], packages, &["--bins", "--profile", profile]].concat();
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let out = Command::new(cargo).args(&args).current_dir(workspace()).output();
    let out = out.unwrap_or_else(|error| panic!("cannot start cargo: {error}"));
    assert!(
        out.status.success(),
        "{name} must be built ({reason}), but cargo {} failed:\n{}",
        args.join(" "),
        String::from_utf8_lossy(&out.stderr)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_with_spaces_in_their_paths_are_read() {
        let sources: Vec<_> = parse_sources("/t/bin: /a/main.rs /a\\ b/lib.rs\n").collect();
        assert_eq!(sources, [PathBuf::from("/a/main.rs"), PathBuf::from("/a b/lib.rs")]);
    }

    #[test]
    fn a_binary_older_than_a_source_of_it_is_out_of_date() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        assert!(up_to_date(&path("program")).unwrap_err().contains("missing"));
        let write = |name: &str, text: &str, seconds: u64| {
            fs::write(path(name), text).unwrap();
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            fs::File::options().write(true).open(path(name)).unwrap().set_modified(time).unwrap();
        };
        write("source.rs", "", 10);
        write("program", "", 20);
        write("program.d", &format!("program: {}\n", path("source.rs").display()), 20);
        up_to_date(&path("program")).unwrap();
        write("source.rs", "", 30);
        assert!(up_to_date(&path("program")).unwrap_err().contains("source.rs has changed"));
    }
}
