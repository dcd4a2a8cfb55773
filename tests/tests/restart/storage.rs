//! State files, with the service killed while it writes them, and with a disk that is full.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use protocol::{
    CameraId, ClientError, ControlSetting, ControlValue, ErrorKind, ModeWish, client::Connector,
    endpoint::Endpoint,
};
use tests::Service;

use super::CAMERA;

/// How often the service is killed.
const KILLS: u32 = 200;

/// What was asked for last, and what was said to be done last: the file has one of the two, or
/// one in between.
#[derive(Debug, Clone, Copy, Default)]
struct Count {
    done: i64,
    asked: i64,
}

impl Count {
    #[track_caller]
    fn check(&mut self, what: &str, found: i64) {
        assert!((self.done..=self.asked).contains(&found), "{what}: {found}, but {self:?}");
        // What is there now is the beginning of the next round.
        (self.done, self.asked) = (found, found);
    }
}

fn folder(service: &Service) -> PathBuf {
    service.folder().join("state/camera-service")
}

/// A state file as a table; empty where there is none. Panics unless it is whole.
#[track_caller]
fn read(folder: &Path, name: &str) -> toml::Table {
    let path = folder.join(name);
    match fs::read_to_string(&path) {
        Ok(text) => text.parse().unwrap_or_else(|error| panic!("{name}: {error}\n{text}")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => toml::Table::new(),
        Err(error) => panic!("{name}: {error}"),
    }
}

/// Saves names, pins, presets and starts, all at once and over and over, until the service is no
/// more.
async fn save(connector: Connector, counts: &mut [Count; 4]) {
    let camera = CameraId(CAMERA.to_owned());
    let Ok(client) = connector.control().await else { return };
    let mut number = counts.iter().map(|count| count.asked).max().unwrap_or(0);
    loop {
        number += 1;
        for count in counts.iter_mut() {
            count.asked = number;
        }
        let pin = ControlSetting {
            name: "brightness".to_owned(),
            value: ControlValue::Integer(number % 100),
        };
        let started = async {
            // On and off in turn, and odd numbers are on.
            if number % 2 == 1 {
                client.start_camera(&camera, ModeWish::default()).await.map(drop)
            } else {
                client.stop_camera(&camera).await
            }
        };
        let (name, pinned, preset, started) = tokio::join!(
            client.rename_camera(&camera, Some(format!("Name {number}"))),
            client.pin_controls(&camera, vec![pin]),
            async {
                // Under one name after the other, of which there are two at most.
                client.save_preset(&camera, format!("{number}")).await?;
                if number > 1 {
                    let _ = client.delete_preset(&camera, format!("{}", number - 1)).await;
                }
                Ok::<_, ClientError>(())
            },
            started,
        );
        let results = [name.is_ok(), pinned.is_ok(), preset.is_ok(), started.is_ok()];
        for (count, done) in counts.iter_mut().zip(results) {
            if done {
                count.done = number;
            }
        }
        if results.contains(&false) {
            return;
        }
    }
}

#[test]
fn killed_while_it_saves_it_finds_the_old_or_the_new_and_never_garbage() {
    let mut service = Service::start();
    let folder = folder(&service);
    let mut counts = [Count::default(); 4];
    let (mut saved, mut interrupted) = (0, 0);
    for round in 0..KILLS {
        let connector = Connector::new("tests").endpoint(Endpoint::at(service.socket()));
        let before = counts;
        let saving = thread::spawn(move || {
            let mut counts = before;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(save(connector, &mut counts));
            counts
        });
        // From before the first save to some saves later, a little later each time.
        thread::sleep(Duration::from_micros(u64::from(round * 7919 % 60_000)));
        service.kill();
        counts = saving.join().expect("no panic");
        saved += counts[0].done - before[0].done;
        interrupted += u32::from(counts.iter().any(|count| count.asked > count.done));

        let cameras = read(&folder, "cameras.toml");
        let name = cameras.get("camera").and_then(|all| all[0]["name"].as_str());
        let name = name.map_or(0, |name| name[5..].parse().expect("a number"));
        let presets = read(&folder, "presets.toml");
        let kept = presets.get("camera").and_then(|all| all.get(CAMERA));
        let pinned = kept.and_then(|kept| kept.get("pinned")?.get("brightness")?.as_integer());
        let names = kept.and_then(|kept| kept.get("preset")?.as_table().cloned());
        let newest = names.iter().flat_map(toml::Table::keys).filter_map(|name| name.parse().ok());
        counts[0].check("name", name);
        let asked = counts[1];
        // Of the last two digits only one number is near.
        let near = (asked.done..=asked.asked).find(|number| Some(number % 100) == pinned);
        counts[1].check("pin", near.unwrap_or(if pinned.is_none() { 0 } else { -1 }));
        counts[2].check("preset", newest.max().unwrap_or(0));
        let started = read(&folder, "starts.toml").contains_key("camera");
        if counts[3].done == counts[3].asked {
            assert_eq!(started, counts[3].done % 2 == 1, "round {round}: {:?}", counts[3]);
        }
        // Numbers go on from the largest, so that odd ones stay those that are on.
        let number = counts.iter().map(|count| count.asked).max().unwrap_or(0);
        counts[3] = Count { done: number - i64::from(started != (number % 2 == 1)), asked: number };

        service.start_again();
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let name = entry.expect("an entry").file_name().into_string().expect("text");
            assert!(!name.ends_with(".unreadable"), "round {round}: {name}");
        }
        if round % 20 == 0 {
            let camera = &service.json(&["list"])[0];
            let expected =
                if name == 0 { "Test camera 0".to_owned() } else { format!("Name {name}") };
            assert_eq!(camera["name"], expected.as_str(), "round {round}: {camera}");
            assert_eq!(camera["held_open"], started, "round {round}: {camera}");
        }
    }
    // How many are done before depends on the disk.
    assert!(interrupted > KILLS / 2 && saved > 5, "{interrupted} interrupted, {saved} done");
}

/// A file system of its own, which ends with this.
struct Small(PathBuf);

impl Small {
    fn mount(at: &Path) -> Result<Self, String> {
        let run = |program: &str, args: &[&str]| {
            let output = Command::new(program).args(args).arg(at).output();
            let output = output.map_err(|error| format!("{program}: {error}"))?;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            if output.status.success() { Ok(()) } else { Err(said) }
        };
        run("mount", &["-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs"])?;
        Ok(Self(at.to_owned()))
    }

    /// Leaves no byte free.
    fn fill(&self) {
        let filler = self.0.join("filler");
        let full = (0..1024).any(|_| {
            let file = fs::OpenOptions::new().create(true).append(true).open(&filler);
            file.and_then(|mut file| std::io::Write::write_all(&mut file, &[0; 512])).is_err()
        });
        assert!(full, "64 KiB are full after 512");
    }

    fn empty(&self) {
        fs::remove_file(self.0.join("filler")).expect("removed");
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn on_a_full_disk_nothing_is_lost_and_errors_say_so() {
    let mut service = Service::start();
    let mut small = Err(String::new());
    service.restart(|folder| small = Small::mount(&folder.join("state"))).ok();
    let small = match small {
        Ok(small) => small,
        Err(error) => return eprintln!("SKIPPED, no small file system can be made: {error}"),
    };
    service.cli(&["rename", CAMERA, "Desk"]).ok();
    service.cli(&["preset", "save", CAMERA, "day"]).ok();
    service.cli(&["pin", CAMERA, "brightness=20"]).ok();
    let state = folder(&service);
    let files = || ["cameras.toml", "presets.toml", "starts.toml"].map(|file| read(&state, file));
    let before = files();
    small.fill();
    for (args, words) in [
        (&["rename", CAMERA, "Door"][..], "could not be kept"),
        (&["preset", "save", CAMERA, "night"], "could not be written"),
        (&["pin", CAMERA, "contrast=50"], "could not be written"),
        (&["start", CAMERA], "only until the service ends"),
    ] {
        let output = service.cli(args).expect_code(1);
        assert!(output.stderr.contains(words), "{output:?}");
    }
    service.cli(&["snapshot", CAMERA, "-o", "now.jpg"]).ok();
    assert_eq!(files(), before);
    // Killed and back on the full disk it finds what it had.
    service.start_again();
    assert_eq!(service.json(&["list"])[0]["name"], "Desk");
    assert_eq!(service.json(&["preset", "list", CAMERA])[0]["name"], "day");
    assert_eq!(files(), before);
    let error = runtime_save(&service);
    assert!(matches!(error, ClientError::Reply(reply) if reply.kind == ErrorKind::Storage));
    // With room again all goes on.
    small.empty();
    service.cli(&["preset", "save", CAMERA, "night"]).ok();
    service.cli(&["start", CAMERA]).ok();
    service.start_again();
    assert_eq!(service.json(&["list"])[0]["held_open"], true);
    service.kill();
}

/// How saving a preset fails.
fn runtime_save(service: &Service) -> ClientError {
    let connector = Connector::new("tests").endpoint(Endpoint::at(service.socket()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let client = connector.control().await.expect("connected");
        client.save_preset(&CameraId(CAMERA.to_owned()), "evening").await.expect_err("full")
    })
}
