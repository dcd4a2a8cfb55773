//! What is kept, what is refused, and that file and memory never differ.

use std::{fs, path::Path};

use super::*;

fn setting(name: &str, value: ControlValue) -> ControlSetting {
    ControlSetting { name: name.to_owned(), value }
}

fn integer(name: &str, value: i64) -> ControlSetting {
    setting(name, ControlValue::Integer(value))
}

/// Pins one control.
fn pin(name: &str, value: i64) -> impl FnOnce(&mut CameraSettings) -> Result<(), ErrorReply> {
    let setting = integer(name, value);
    move |kept| {
        kept.pin(vec![setting]);
        Ok(())
    }
}

fn camera() -> CameraId {
    "usb-Cam".into()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn load(path: &Path) -> Arc<Settings> {
    Settings::load(path.to_owned(), Hub::new())
}

fn kind(result: Result<(), ErrorReply>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind)
}

#[tokio::test]
async fn settings_of_every_kind_survive_in_their_order() {
    let folder = folder();
    let path = folder.path().join("presets.toml");
    // Neither by name nor by kind.
    let values = vec![
        setting("white_balance_automatic", ControlValue::Boolean(false)),
        integer("power_line", 1),
        setting("text", ControlValue::String("a \"b\"\n\u{1b}é".to_owned())),
        setting("area", ControlValue::Bytes(vec![0, 255, 7])),
        integer("exposure", i64::MIN),
        setting("empty", ControlValue::String(String::new())),
        integer("brightness", i64::MAX),
    ];
    let settings = load(&path);
    let change = |kept: &mut CameraSettings| {
        kept.pin(values.clone());
        kept.keep(&camera(), "Evening \"light\".1".to_owned(), values.clone())
    };
    settings.change(&camera(), change).await.expect("kept");
    let again = load(&path).of(&camera());
    assert_eq!(again, settings.of(&camera()));
    assert_eq!(again.pinned(), values);
    assert_eq!(again.presets()[0].settings, values);
    assert_eq!(load(&path).of(&"other".into()), CameraSettings::default());
}

#[test]
fn what_people_write_is_understood_or_left_alone() {
    let folder = folder();
    let path = folder.path().join("presets.toml");
    let good = "camera.cam.pinned = { b = 1, a = true }\n[camera.cam.preset.Day]\ntext = 'x'\n";
    fs::write(&path, good).expect("written");
    let kept = load(&path).of(&"cam".into());
    let pins = [integer("b", 1), setting("a", ControlValue::Boolean(true))];
    assert_eq!(kept.pinned(), pins);
    assert_eq!(kept.presets()[0].settings, [setting("text", ControlValue::String("x".into()))]);
    for bad in [
        "[camera.cam.pins]\nb = 1",
        "[camera.cam.pinned]\nb = 1.5",
        "[camera.cam.pinned]\nb = 1\nb = 2",
        "[camera.cam.pinned]\nb = [300]",
        "camera = 3",
        "[camera.cam.pre",
    ] {
        fs::write(&path, bad).expect("written");
        assert_eq!(load(&path).of(&"cam".into()), CameraSettings::default(), "{bad}");
        let aside = folder.path().join("presets.toml.unreadable");
        assert_eq!(fs::read_to_string(aside).expect("put aside"), bad);
    }
}

#[tokio::test]
async fn what_cannot_be_written_changes_nothing() {
    let folder = folder();
    let path = folder.path().join("presets.toml");
    let settings = load(&path);
    settings.change(&camera(), pin("gain", 1)).await.expect("kept");
    let before = fs::read(&path).expect("written");
    // Its place is taken by a folder: root, too, cannot write there.
    fs::create_dir(folder.path().join("presets.toml.new")).expect("a folder");
    let failed = settings.change(&camera(), pin("gain", 2)).await;
    assert_eq!(kind(failed), Some(ErrorKind::Storage));
    assert_eq!(settings.of(&camera()).pinned(), [integer("gain", 1)]);
    assert_eq!(fs::read(&path).expect("still there"), before);
    fs::remove_dir(folder.path().join("presets.toml.new")).expect("removed");
    settings.change(&camera(), pin("gain", 2)).await.expect("kept");
    assert_eq!(load(&path).of(&camera()).pinned(), [integer("gain", 2)]);
    settings.change(&camera(), |kept| kept.unpin(&camera(), &[])).await.expect("kept");
    assert!(!fs::read_to_string(&path).expect("read").contains("usb-Cam"), "nothing is left of it");
}

#[tokio::test]
async fn a_file_that_could_not_be_read_is_not_written_over() {
    let folder = folder();
    let path = folder.path().join("presets.toml");
    fs::create_dir(&path).expect("a folder in its place");
    let settings = load(&path);
    fs::remove_dir(&path).expect("removed");
    assert_eq!(kind(settings.change(&camera(), pin("gain", 1)).await), Some(ErrorKind::Storage));
    assert!(!path.exists() && settings.of(&camera()).pinned().is_empty());
}

#[tokio::test]
async fn whoever_gives_up_leaves_file_and_memory_the_same() {
    let folder = folder();
    let path = folder.path().join("presets.toml");
    let settings = load(&path);
    for value in 0..40 {
        let id = camera();
        let change = settings.change(&id, pin("gain", value));
        // Dropped after so many turns.
        let mut change = std::pin::pin!(change);
        for _ in 0..value % 4 {
            if tokio::time::timeout(std::time::Duration::ZERO, &mut change).await.is_ok() {
                break;
            }
        }
    }
    // The last one waits for all that were begun.
    settings.change(&camera(), pin("last", 1)).await.expect("kept");
    assert_eq!(load(&path).of(&camera()), settings.of(&camera()));
}

#[test]
fn presets_are_bounded_and_their_names_are_their_own() {
    let mut kept = CameraSettings::default();
    let id = camera();
    for number in 0..MOST_PRESETS {
        kept.keep(&id, format!("preset {number}"), vec![integer("gain", 1)]).expect("room");
    }
    kept.keep(&id, "preset 0".to_owned(), vec![integer("gain", 2)]).expect("written over");
    let over = kept.clone().keep(&id, "one more".to_owned(), vec![integer("gain", 1)]);
    assert_eq!(kind(over), Some(ErrorKind::Limit));
    let many = (0..=MOST_SETTINGS).map(|number| integer(&number.to_string(), 1)).collect();
    assert_eq!(kind(kept.clone().keep(&id, "preset 0".into(), many)), Some(ErrorKind::Limit));
    let large = vec![setting("area", ControlValue::Bytes(vec![0; MOST_BYTES]))];
    assert_eq!(kind(kept.clone().keep(&id, "preset 0".into(), large)), Some(ErrorKind::Limit));

    assert_eq!(kind(kept.rename(&id, "preset 1", "preset 2".into())), Some(ErrorKind::NameTaken));
    assert_eq!(kind(kept.rename(&id, "nosuch", "new".into())), Some(ErrorKind::NoSuchPreset));
    kept.rename(&id, "preset 1", "preset 1".into()).expect("as it was");
    kept.rename(&id, "preset 1", "new".into()).expect("renamed");
    assert!(kept.preset(&id, "new").is_ok() && kept.preset(&id, "preset 1").is_err());
    kept.delete(&id, "new").expect("deleted");
    assert_eq!(kind(kept.delete(&id, "new")), Some(ErrorKind::NoSuchPreset));
}

#[test]
fn pins_are_replaced_and_taken_away_by_name() {
    let mut kept = CameraSettings::default();
    let id = camera();
    kept.pin(vec![integer("b", 1), integer("a", 1)]);
    kept.pin(vec![integer("b", 2), integer("c", 1), integer("c", 3)]);
    assert_eq!(kept.pinned(), [integer("b", 2), integer("a", 1), integer("c", 3)]);
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let wrong = kept.unpin(&id, &names(&["a", "nosuch"]));
    assert_eq!(kind(wrong), Some(ErrorKind::NoSuchControl));
    assert_eq!(kept.pinned().len(), 3, "nothing was changed");
    kept.unpin(&id, &names(&["a"])).expect("unpinned");
    assert_eq!(kept.pinned(), [integer("b", 2), integer("c", 3)]);
    let more: Vec<String> = (0..MOST_SETTINGS - 2).map(|number| number.to_string()).collect();
    assert!(kept.check_room(&id, more.iter().map(String::as_str).chain(["b", "c"])).is_ok());
    let over = kept.check_room(&id, more.iter().map(String::as_str).chain(["d"]));
    assert_eq!(kind(over), Some(ErrorKind::Limit));
    kept.unpin(&id, &[]).expect("all");
    assert!(kept.pinned().is_empty());
}
