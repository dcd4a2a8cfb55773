//! Presets and pins, by keys alone: Tab reaches every button.

use serde_json::Value;
use tests::{Service, display::Area, wait_until};

use super::{PANEL, SOON, window::Gui};

fn brightness(service: &Service) -> Option<i64> {
    service.json(&["get", "test:0", "brightness"])[0]["value"].as_i64()
}

#[track_caller]
fn wait_for(what: &str, now: impl Fn() -> Value, wanted: impl Fn(&Value) -> bool) {
    wait_until(what, SOON, || {
        let now = now();
        if wanted(&now) { Ok(()) } else { Err(now.to_string()) }
    });
}

#[test]
fn a_preset_is_saved_applied_renamed_and_deleted_by_keys() {
    let service = Service::builder().test_camera("320x240@30").start();
    service.cli(&["set", "test:0", "brightness=20"]).ok();
    let gui = Gui::start(&service, "tiny-skia", &[]);
    gui.wait_for_controls();
    gui.focus();
    let presets = || service.json(&["preset", "list", "test:0"]);
    let names = |list: &Value| -> Vec<String> {
        let list = list.as_array().into_iter().flatten();
        list.filter_map(|one| Some(one["name"].as_str()?.to_owned())).collect()
    };

    // The last thing there is: the field for a new one.
    gui.keys(&["shift+Tab"]);
    gui.write("evening");
    gui.keys(&["Return"]);
    wait_for("a preset", presets, |list| names(list) == ["evening"]);

    service.cli(&["set", "test:0", "brightness=-40"]).ok();
    // From the field backwards: Delete, Rename, Apply.
    gui.keys(&["shift+Tab", "shift+Tab", "shift+Tab", "Return"]);
    wait_until("the preset to be applied", SOON, || match brightness(&service) {
        Some(20) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    gui.keys(&["Tab", "Return", "Tab", "Tab", "ctrl+a"]);
    gui.write("night");
    gui.keys(&["Return"]);
    wait_for("its new name", presets, |list| names(list) == ["night"]);
    gui.keys(&["shift+Tab", "space"]);
    wait_for("no preset", presets, |list| names(list).is_empty());
}

#[test]
fn a_control_is_found_pinned_and_unpinned_by_keys() {
    let service = Service::builder().test_camera("320x240@30").start();
    service.cli(&["set", "test:0", "brightness=20"]).ok();
    let gui = Gui::start(&service, "tiny-skia", &[]);
    gui.wait_for_controls();
    gui.focus();
    gui.keys(&["ctrl+f"]);
    let above = Area { top: 80, height: 60, ..PANEL };
    gui.wait_for_field("the field to search in", above, 200..300);
    gui.write("brightness");
    let pins = || service.json(&["pin", "test:0"]);
    // Its number, its slider, Reset, Pin.
    gui.keys(&["Tab", "Tab", "Tab", "Tab", "Return"]);
    wait_for("a pin", pins, |list| list[0]["name"] == "brightness" && list[0]["value"] == 20);
    gui.keys(&["space"]);
    wait_for("no pin", pins, |list| list.as_array().is_some_and(Vec::is_empty));
    // Back to the slider, and its value one less; then its default.
    gui.keys(&["shift+Tab", "shift+Tab", "Left"]);
    wait_until("one less", SOON, || match brightness(&service) {
        Some(19) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    gui.keys(&["Tab", "Return"]);
    wait_until("the default", SOON, || match brightness(&service) {
        Some(0) => Ok(()),
        other => Err(format!("{other:?}")),
    });
}
