//! `install` and `uninstall`: what they write, what is left of it, and that the service then runs:
//! by a real user manager of systemd where one can be run, by the autostart folder, and where
//! nothing runs at all.

#[path = "install/manager.rs"]
mod manager;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Output, Program, binary, wait_until};

const PATIENCE: Duration = Duration::from_secs(30);

/// A user without a service, and without a manager that runs.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().expect("a temporary folder"));
        for name in ["run", "config", "state", "data", "home"] {
            fs::create_dir(home.path(name)).expect("a folder");
        }
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for name in ["DBUS_SESSION_BUS_ADDRESS", "LD_PRELOAD"] {
            command.env_remove(name);
        }
        command
            // Not that of whoever runs the tests.
            .env("CAMERA_SERVICE_SOCKET", self.path("run/test.sock"))
            .env("HOME", self.path("home"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env("XDG_DATA_HOME", self.path("data"));
        command
    }

    #[track_caller]
    fn cli(&self, args: &[&str]) -> Output {
        let mut command = self.command(binary::camera_service());
        let name = format!("camera-service {}", args.join(" "));
        Program::start(&name, command.args(args)).wait(PATIENCE)
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        self.cli(&[args, &["--json"]].concat()).json()
    }

    /// Everything in these folders: files with what they hold, links with where they lead.
    fn tree(&self) -> BTreeMap<PathBuf, String> {
        let mut tree = BTreeMap::new();
        for name in ["config", "state", "data", "home"] {
            gather(&self.path(name), &mut tree);
        }
        tree
    }
}

fn gather(folder: &Path, tree: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let holds = match fs::read_link(&path) {
            Ok(link) => format!("-> {}", link.display()),
            Err(_) if path.is_dir() => {
                gather(&path, tree);
                "a folder".to_owned()
            }
            Err(_) => String::from_utf8_lossy(&fs::read(&path).expect("a file")).into_owned(),
        };
        tree.insert(path, holds);
    }
}

/// The program as `install` names it.
fn program() -> PathBuf {
    fs::canonicalize(binary::camera_service()).expect("it is there")
}

#[test]
fn without_a_manager_files_are_written_and_nothing_is_left_but_settings() {
    let home = Home::new();
    home.cli(&["config", "set", "limits.connections", "77"]).ok();
    let before = home.tree();
    let text = home.cli(&["install", "--by", "systemd"]).ok();
    let (service, socket) =
        ("systemd/user/camera-service.service", "systemd/user/camera-service.socket");
    let units = [service, socket].map(|unit| home.path("config").join(unit));
    for unit in &units {
        assert!(text.text().contains(&format!("Written: {}", unit.display())), "{text:?}");
    }
    assert!(text.text().contains("at the next login"), "{text:?}");
    let written = fs::read_to_string(&units[0]).expect("the unit");
    let starts = format!("\nExecStart={} serve\n", program().display());
    assert!(written.contains(&starts), "{written}");
    let links = [
        ("default.target.wants/camera-service.service", &units[0]),
        ("sockets.target.wants/camera-service.socket", &units[1]),
    ];
    for (link, unit) in links {
        let link = home.path("config/systemd/user").join(link);
        assert_eq!(&fs::read_link(&link).expect("a link"), unit);
    }
    verify(&home, &units);

    // Once more changes nothing, and says what there is.
    let installed = home.tree();
    let again = home.json(&["install", "--by", "systemd"]);
    assert_eq!(home.tree(), installed);
    assert_eq!((&again["written"], &again["removed"]), (&json!([]), &json!([])), "{again}");
    assert_eq!(again["installed"]["way"], "systemd");
    let status = home.cli(&["status"]).expect_code(4);
    assert!(
        status.text().starts_with("Running       no\nStarts        at login, by systemd, since 20"),
        "{status:?}"
    );
    assert!(status.text().contains(&units[0].display().to_string()), "{status:?}");
    let status: Value =
        serde_json::from_str(home.cli(&["status", "--json"]).expect_code(4).text()).expect("JSON");
    assert_eq!(status["running"], false);
    assert_eq!(status["installed"]["file"], units[0].display().to_string());
    assert_eq!(status["installed"]["program"], program().display().to_string());

    let text = home.cli(&["uninstall"]).ok();
    assert!(text.text().ends_with("The service no longer starts at login.\n"), "{text:?}");
    assert_eq!(home.tree(), before, "the user's settings, and nothing else");
    assert_eq!(home.json(&["uninstall"])["removed"], json!([]), "nothing is left to be removed");
    let purged = home.cli(&["uninstall", "--purge"]).ok();
    let folder = home.path("config/camera-service");
    assert!(purged.stderr.contains(&format!("removing {}", folder.display())), "{purged:?}");
    assert!(home.tree().is_empty(), "{:?}", home.tree());
}

/// Whether systemd understands every line of the units.
fn verify(home: &Home, units: &[PathBuf]) {
    let mut command = home.command(Path::new("systemd-analyze"));
    match command.args(["verify", "--user", "--man=no"]).args(units).output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let ours: Vec<&str> =
                said.lines().filter(|line| line.contains("camera-service")).collect();
            assert!(output.status.success() && ours.is_empty(), "{said}");
        }
        Err(error) => eprintln!("SKIPPED, units are not verified: systemd-analyze: {error}"),
    }
}

#[test]
fn units_of_the_user_are_left_alone_and_those_of_a_package_only_switched_on() {
    let home = Home::new();
    home.cli(&["install", "--by", "systemd", "--no-start"]).ok();
    let folder = home.path("config/systemd/user");
    let packaged = home.path("data/systemd/user");
    fs::create_dir_all(&packaged).expect("a folder");
    for unit in ["camera-service.service", "camera-service.socket"] {
        let text = fs::read_to_string(folder.join(unit)).expect("the unit");
        let (_, text) = text.split_once('\n').expect("lines");
        fs::write(packaged.join(unit), text).expect("written");
    }
    let report = home.json(&["install", "--by", "systemd", "--no-start"]);
    assert_eq!(report["removed"].as_array().map(Vec::len), Some(2), "{report}");
    let file = packaged.join("camera-service.service");
    assert_eq!(report["installed"]["file"], file.display().to_string(), "{report}");
    let link = folder.join("default.target.wants/camera-service.service");
    assert_eq!(fs::read_link(link).expect("a link"), file);
    home.cli(&["uninstall"]).ok();
    assert!(file.exists() && !folder.exists(), "{:?}", home.tree());

    let own = folder.join("camera-service.service");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(&own, "[Service]\nExecStart=/bin/true\n").expect("written");
    let text = home.cli(&["uninstall"]).ok();
    assert!(text.text().contains("was not written by `install` and stays"), "{text:?}");
    assert!(own.exists());
}

#[test]
fn by_the_autostart_folder_it_runs_at_once_and_ends_with_uninstall() {
    let home = Home::new();
    // One that was started by hand makes room.
    let mut command = home.command(binary::camera_service());
    let mut by_hand = Program::start("camera-service serve", command.arg("serve"));
    wait_until("the service to answer", PATIENCE, || {
        let output = home.cli(&["list"]);
        if output.code() == Some(0) { Ok(()) } else { Err(format!("{output:?}")) }
    });
    let text = home.cli(&["install", "--by", "autostart"]).ok();
    let file = home.path("config/autostart/camera-service.desktop");
    assert!(text.text().contains(&format!("Written: {}\n", file.display())), "{text:?}");
    assert!(text.text().contains("the service that ran (by hand) has made room"), "{text:?}");
    assert!(text.text().ends_with("The service runs, and starts at login.\n"), "{text:?}");
    by_hand.wait(PATIENCE).ok();
    let entry = fs::read_to_string(&file).expect("the entry");
    assert!(entry.contains(&format!("Exec=\"{}\" serve --", program().display())), "{entry}");
    let status = home.json(&["status"]);
    assert_eq!(status["started_by"], "autostart", "{status}");
    assert_eq!(status["installed"]["way"], "autostart", "{status}");
    let pid = status["pid"].clone();
    let again = home.json(&["install", "--by", "autostart"]);
    assert_eq!((&again["written"], &again["notes"]), (&json!([]), &json!([])), "{again}");
    assert_eq!(home.json(&["status"])["pid"], pid, "it goes on");
    let text = home.cli(&["uninstall"]).ok();
    assert!(text.text().contains("the service has ended"), "{text:?}");
    home.cli(&["list"]).expect_code(4);
    home.cli(&["uninstall", "--purge"]).ok();
    assert!(home.tree().is_empty(), "{:?}", home.tree());
}

#[test]
fn what_cannot_be_is_said_with_what_to_do() {
    let home = Home::new();
    let output = home.cli(&["install", "--by", "autostart", "--boot"]);
    assert!(output.clone().expect_code(2).stderr.contains("--boot needs systemd"), "{output:?}");
    home.cli(&["install", "--by", "registry"]).expect_code(1);
    assert!(home.tree().is_empty(), "{:?}", home.tree());
    // No logind runs in a test: all else is done all the same.
    let output = home.cli(&["install", "--by", "systemd", "--boot"]);
    if output.code() == Some(0) {
        eprintln!("SKIPPED: logind runs here and has taken the request");
        home.cli(&["uninstall"]).ok();
        return;
    }
    assert!(output.stderr.contains("sudo loginctl enable-linger"), "{output:?}");
    assert!(home.path("config/systemd/user/camera-service.service").exists());
    // Where something is in the way, that is named.
    home.cli(&["uninstall"]).ok();
    fs::write(home.path("config/systemd"), "a file").expect("written");
    let output = home.cli(&["install", "--by", "systemd"]).expect_code(1);
    assert!(output.stderr.contains("config/systemd"), "{output:?}");
}

#[test]
fn purge_waits_until_nothing_runs() {
    let home = Home::new();
    home.cli(&["config", "init"]).ok();
    let mut command = home.command(binary::camera_service());
    let mut service = Program::start("camera-service serve", command.arg("serve"));
    wait_until("the service to answer", PATIENCE, || {
        let output = home.cli(&["list"]);
        if output.code() == Some(0) { Ok(()) } else { Err(format!("{output:?}")) }
    });
    let output = home.cli(&["uninstall", "--purge"]).expect_code(1);
    assert!(output.stderr.contains("nothing was purged: a service runs"), "{output:?}");
    assert!(home.path("config/camera-service/config.toml").exists());
    assert!(service.is_running());
    service.terminate().ok();
    home.cli(&["uninstall", "--purge"]).ok();
    assert!(home.tree().is_empty(), "{:?}", home.tree());
}
