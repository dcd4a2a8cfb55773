//! Controls of every type, set here and by another program.

use serde_json::{Value, json};
use tests::{guest, wait_until};

use super::{FIRST, PATIENCE, ctl, service};

/// Name and type of each control as `v4l2-ctl -L` lists them.
fn listed_elsewhere() -> Vec<(String, String)> {
    let listing = guest::output("v4l2-ctl", &["-d", "/dev/video0", "-L"]);
    let of_line = |line: &str| {
        let (name, rest) = line.split_once(" 0x00")?;
        let kind = rest.split_once('(')?.1.split_once(')')?.0;
        Some((name.trim().to_owned(), kind.trim().to_owned()))
    };
    listing.lines().filter_map(of_line).collect()
}

#[test]
fn controls_of_all_types_are_listed_set_and_reset() {
    let service = service();
    let before = service.json(&["controls", FIRST]);
    let before = before.as_array().expect("controls");
    let theirs = listed_elsewhere();
    assert!(theirs.len() > 50, "{theirs:?}");
    assert_eq!(before.len(), theirs.len());
    for (ours, (name, kind)) in before.iter().zip(&theirs) {
        let kind = match kind.as_str() {
            "int" | "int64" => "integer",
            "bool" => "boolean",
            "menu" | "intmenu" => "menu",
            "button" => "button",
            "str" => "string",
            "bitmask" => "bitmask",
            _ => "compound",
        };
        assert_eq!((&ours["name"], &ours["kind"]), (&json!(name), &json!(kind)));
    }

    let settings = [
        ("brightness=77", json!(77)),
        ("mute=on", json!(true)),
        ("boolean=off", json!(false)),
        ("menu=Menu Item 4", json!(4)),
        ("integer_menu=42", json!(8)),
        ("integer_32_bits=-2147483648", json!(i32::MIN)),
        ("integer_64_bits=1234567890123", json!(1_234_567_890_123_u64)),
        ("string=abcd", json!("abcd")),
        ("bitmask=0x80400000", json!(0x8040_0000_u32)),
        ("area=80020000e0010000", json!("80020000e0010000")),
        ("button", json!(null)),
    ];
    let arguments: Vec<&str> = settings.iter().map(|setting| setting.0).collect();
    let names: Vec<&str> =
        arguments.iter().map(|text| text.split('=').next().expect("a name")).collect();
    let taken = service.json(&[&["set", FIRST], &arguments[..]].concat());
    let expected: Vec<Value> = (names.iter().zip(&settings))
        .map(|(name, (_, value))| json!({"name": name, "value": value}))
        .collect();
    assert_eq!(taken, json!(expected));
    let told = guest::output(
        "v4l2-ctl",
        &["-d", "/dev/video0", "-C", "brightness,boolean,menu,integer_64_bits,string,bitmask"],
    );
    for line in [
        "brightness: 77",
        "boolean: 0",
        "menu: 4",
        "1234567890123",
        "'abcd'",
        "bitmask: -2143289344",
    ] {
        assert!(told.contains(line), "no {line:?} in {told}");
    }
    let now = service.json(&["controls", FIRST]);
    let value = |all: &Value, name: &str| {
        let find = |control: &&Value| control["name"] == name;
        all.as_array().and_then(|all| all.iter().find(find)).map(|control| control["value"].clone())
    };
    for (name, (_, expected)) in names.iter().zip(&settings) {
        assert_eq!(value(&now, name).as_ref(), Some(expected), "{name}");
    }

    for (setting, kind) in [
        ("brightness=1000", "out_of_range"),
        ("brightness=bright", "wrong_type"),
        ("string=abcde", "out_of_range"),
        ("menu=2", "wrong_type"),
        ("boolean=7", "wrong_type"),
        ("read_only_integer_32_bits=1", "read_only"),
        ("no_such_control=1", "no_such_control"),
    ] {
        let output = service.cli(&["set", FIRST, setting, "--json"]).expect_code(1);
        assert!(output.stderr.contains(&format!("\"kind\":\"{kind}\"")), "{setting}: {output:?}");
    }
    let brightness = service.cli(&["get", FIRST, "brightness"]).ok();
    assert!(brightness.text().contains("77"), "a refused value changes nothing: {brightness:?}");

    service.cli(&["reset", FIRST, "brightness"]).ok();
    let now = service.json(&["controls", FIRST]);
    assert_eq!(value(&now, "brightness"), Some(json!(128)));
    assert_eq!(value(&now, "string"), Some(json!("abcd")), "only what was named is reset");
    service.cli(&["reset", FIRST]).ok();
    let now = service.json(&["controls", FIRST]);
    for control in now.as_array().expect("controls") {
        let flags = control["flags"].as_array().expect("flags");
        if !control["default"].is_null() && flags.is_empty() {
            assert_eq!(control["value"], control["default"], "{control}");
        }
    }
}

#[test]
fn changes_made_elsewhere_arrive_as_events() {
    let service = service();
    let mut events = service.cli_start(&["events", "--json"]);
    let seen = |wanted: &dyn Fn(&Value) -> bool| {
        let output = events.stdout();
        let text = String::from_utf8_lossy(&output);
        // The last line may not be complete yet.
        let complete = text.rsplit_once('\n').map_or("", |(complete, _)| complete);
        let lines = complete.lines().map(|line| serde_json::from_str(line).expect("JSON"));
        if lines.into_iter().any(|event: Value| wanted(&event)) { Ok(()) } else { Err(text.into()) }
    };
    wait_until("the state", PATIENCE, || seen(&|event| event["event"] == "state"));
    // The camera is closed all the while. Its controls are being opened: repeated until told.
    let mut value = 10;
    wait_until("a change of contrast", PATIENCE, || {
        value += 1;
        ctl(&format!("contrast={value}"));
        seen(&|event| {
            event["event"] == "control_changed"
                && event["camera"] == FIRST
                && event["control"]["name"] == "contrast"
        })
    });
    ctl("string=hey,gain_automatic=0");
    for (name, value) in [("string", json!("hey")), ("gain_automatic", json!(false))] {
        wait_until(name, PATIENCE, || {
            seen(&|event| event["control"]["name"] == name && event["control"]["value"] == value)
        });
    }
    // One that another makes useless, or useful, has changed too.
    wait_until("gain to be active", PATIENCE, || {
        seen(&|event| event["control"]["name"] == "gain" && event["control"]["flags"] == json!([]))
    });
    service.cli(&["set", FIRST, "saturation=99"]).ok();
    wait_until("what the service itself set", PATIENCE, || {
        seen(&|event| event["control"]["name"] == "saturation" && event["control"]["value"] == 99)
    });
    assert_eq!(service.json(&["list"])[0]["state"], "closed");
    events.interrupt().ok();
    service.cli(&["reset", FIRST]).ok();
}
