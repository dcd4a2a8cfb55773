//! Controls of the V4L2 backend on the kernel's `vivid` driver, which has one of every type.
//!
//! Runs in the guest of `tests/vm`, one test after the other: they share a camera.

use std::{sync::Arc, thread, time::Duration};

use camera_service::device::{self, Controls, wake::Waker};
use protocol::{Control, ControlKind, ControlValue};
use tests::device::{camera, control, error, open, set, v4l2_ctl};

const DRIVER: &str = "vivid";

fn controls() -> Box<dyn Controls> {
    camera(DRIVER).controls().expect("controls")
}

fn text(text: &str) -> ControlValue {
    ControlValue::String(text.to_owned())
}

/// A line of `v4l2-ctl -L`: name, type, and what follows.
fn lines(listing: &str) -> Vec<(&str, &str, &str)> {
    let ours = listing.lines().filter_map(|line| {
        let (name, rest) = line.split_once(" 0x00")?;
        let (kind, rest) = rest.split_once('(')?.1.split_once(')')?;
        Some((name.trim(), kind.trim(), rest))
    });
    ours.collect()
}

#[test]
fn every_control_is_listed_as_another_program_lists_it() {
    let listing = v4l2_ctl(&camera(DRIVER), &["-L"]);
    let theirs = lines(&listing);
    let ours = controls().list().expect("a list");
    // 61 with the two headings.
    assert_eq!(ours.len(), 59);
    let names = |all: &[Control]| all.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
    let their_names: Vec<&str> = theirs.iter().map(|line| line.0).collect();
    assert_eq!(names(&ours), their_names);

    for (control, (name, kind, rest)) in ours.iter().zip(&theirs) {
        let expected = match *kind {
            "int" | "int64" => ControlKind::Integer,
            "bool" => ControlKind::Boolean,
            "menu" | "intmenu" => ControlKind::Menu,
            "button" => ControlKind::Button,
            "str" => ControlKind::String,
            "bitmask" => ControlKind::Bitmask,
            _ => ControlKind::Compound,
        };
        assert_eq!(control.kind, expected, "{name}");
        let field = |key: &str| {
            let (_, after) = rest.split_once(key)?;
            after.split_whitespace().next()?.parse::<i64>().ok()
        };
        let volatile = control.flags.volatile;
        match &control.value {
            ControlValue::Integer(value) if control.kind != ControlKind::Bitmask && !volatile => {
                assert_eq!(Some(*value), field("value="), "{name}");
                assert_eq!(
                    control.default,
                    field("default=").map_or(ControlValue::None, ControlValue::Integer)
                );
                assert_eq!(
                    (Some(control.min), Some(control.max)),
                    (field("min="), field("max=")),
                    "{name}"
                );
            }
            ControlValue::Boolean(value) => {
                assert_eq!(Some(i64::from(*value)), field("value="), "{name}")
            }
            ControlValue::None => assert_eq!(control.kind, ControlKind::Button, "{name}"),
            _ => {}
        }
        let flag =
            |word: &str| rest.split_once("flags=").is_some_and(|(_, flags)| flags.contains(word));
        let flags = control.flags;
        let seen = (flags.read_only, flags.inactive, volatile, flags.write_only);
        let told = (flag("read-only"), flag("inactive"), flag("volatile"), flag("write-only"));
        assert_eq!(seen, told, "{name}");
        assert_eq!(control.menu.is_empty(), control.kind != ControlKind::Menu, "{name}");
    }
}

#[test]
fn menus_have_their_entries() {
    let mut controls = controls();
    let entries = |control: Control| {
        control.menu.into_iter().map(|entry| (entry.value, entry.label)).collect::<Vec<_>>()
    };
    let menu = entries(control(&mut controls, "menu"));
    let named = |(value, label): (i64, &str)| (value, label.to_owned());
    assert_eq!(menu, [(1, "Menu Item 1"), (3, "Menu Item 3"), (4, "Menu Item 4")].map(named));
    let numbers = entries(control(&mut controls, "integer_menu"));
    assert_eq!(numbers[0], named((2, "2")));
    assert_eq!(numbers[6], named((8, "42")));
}

#[test]
fn a_value_of_every_kind_is_set_and_read_back() {
    let mut controls = controls();
    let area: Vec<u8> = [640u32, 480].into_iter().flat_map(u32::to_ne_bytes).collect();
    let wide = ControlValue::Integer(0x1234_5678_9abc);
    let cases = [
        ("brightness", ControlValue::Integer(77), ControlValue::Integer(77)),
        // The driver takes the nearest.
        ("brightness", ControlValue::Integer(1000), ControlValue::Integer(255)),
        (
            "integer_32_bits",
            ControlValue::Integer(i64::from(i32::MIN)),
            ControlValue::Integer(i64::from(i32::MIN)),
        ),
        ("integer_64_bits", wide.clone(), wide),
        ("boolean", ControlValue::Boolean(false), ControlValue::Boolean(false)),
        ("menu", ControlValue::Integer(4), ControlValue::Integer(4)),
        ("menu", text("Menu Item 1"), ControlValue::Integer(1)),
        ("integer_menu", text("42"), ControlValue::Integer(8)),
        ("button", ControlValue::None, ControlValue::None),
        ("bitmask", ControlValue::Integer(0x8040_0000), ControlValue::Integer(0x8040_0000)),
        ("string", text("abcd"), text("abcd")),
        ("string", text("ab"), text("ab")),
        ("area", ControlValue::Bytes(area.clone()), ControlValue::Bytes(area)),
        (
            "u32_1_element_array",
            ControlValue::Bytes(vec![0, 1, 0, 0]),
            ControlValue::Bytes(vec![0, 1, 0, 0]),
        ),
        (
            "u8_2x3x4x5_array",
            ControlValue::Bytes(vec![17; 120]),
            ControlValue::Bytes(vec![17; 120]),
        ),
        (
            "u32_dynamic_array",
            ControlValue::Bytes([20, 0, 0, 0].repeat(7)),
            ControlValue::Bytes([20, 0, 0, 0].repeat(7)),
        ),
    ];
    let before = controls.list().expect("a list");
    for (name, value, expected) in &cases {
        let taken = set(&mut controls, name, value.clone());
        assert_eq!(
            &taken.unwrap_or_else(|error| panic!("{name}={value}: {error}")),
            expected,
            "{name}"
        );
        assert_eq!(&control(&mut controls, name).value, expected, "{name} as listed");
    }
    for control in before.iter().filter(|control| cases.iter().any(|case| case.0 == control.name)) {
        set(&mut controls, &control.name, control.default.clone()).expect(&control.name);
    }
}

#[test]
fn what_cannot_be_set_is_refused_and_nothing_else_changes() {
    let mut controls = controls();
    let before = controls.list().expect("a list");
    let cases = [
        ("string", text("a")),
        ("string", text("abcde")),
        ("string", text(&"x".repeat(100_000))),
        ("string", ControlValue::Integer(7)),
        ("menu", ControlValue::Integer(2)),
        ("menu", ControlValue::Integer(5)),
        ("menu", text("Menu Item 2")),
        ("integer_32_bits", ControlValue::Integer(1 << 40)),
        ("boolean", text("on")),
        ("bitmask", ControlValue::Integer(-1)),
        ("area", ControlValue::Bytes(vec![0; 9])),
        ("u8_2x3x4x5_array", ControlValue::Bytes(vec![17; 121])),
        ("u32_dynamic_array", ControlValue::Bytes(vec![20; 404])),
        ("no_such_control", ControlValue::Integer(1)),
    ];
    for (name, value) in cases {
        let refused = error(set(&mut controls, name, value));
        assert!(
            matches!(&refused, device::Error::Refused(said) if said == name),
            "{name}: {refused}"
        );
    }
    let refused = error(set(&mut controls, "read_only_integer_32_bits", ControlValue::Integer(1)));
    assert!(matches!(refused, device::Error::ReadOnly(_)), "{refused}");
    let steady =
        |all: Vec<Control>| all.into_iter().filter(|c| !c.flags.volatile).collect::<Vec<_>>();
    assert_eq!(steady(controls.list().expect("a list")), steady(before));
}

#[test]
fn a_change_from_outside_is_told_at_once() {
    let camera = camera(DRIVER);
    let mut controls = controls();
    let waker = Waker::new().expect("a waker");
    v4l2_ctl(&camera, &["-c", "contrast=11,string=hey,integer_64_bits=5,button=1"]);
    let mut told = Vec::new();
    while told.len() < 4 {
        told.extend(controls.wait(&waker).expect("a change"));
    }
    assert_eq!(told, ["contrast", "button", "integer_64_bits", "string"]);
    assert_eq!(control(&mut controls, "contrast").value, ControlValue::Integer(11));
    v4l2_ctl(&camera, &["-c", "contrast=128,string=  ,integer_64_bits=0"]);
}

#[test]
fn what_setting_one_control_changes_beside_it_is_told_and_itself_is_not() {
    let mut controls = controls();
    let waker = Waker::new().expect("a waker");
    set(&mut controls, "gain_automatic", ControlValue::Boolean(true)).expect("on");
    waker.wake();
    while !controls.wait(&waker).expect("a change").is_empty() {}

    assert!(control(&mut controls, "gain").flags.inactive);
    set(&mut controls, "gain_automatic", ControlValue::Boolean(false)).expect("off");
    assert_eq!(controls.wait(&waker).expect("a change"), ["gain"]);
    assert!(!control(&mut controls, "gain").flags.inactive);
    set(&mut controls, "brightness", ControlValue::Integer(100)).expect("set");
    waker.wake();
    assert!(controls.wait(&waker).expect("woken").is_empty(), "our own change was told");
    set(&mut controls, "brightness", ControlValue::Integer(128)).expect("set");
    set(&mut controls, "gain_automatic", ControlValue::Boolean(true)).expect("on");
}

#[test]
fn a_volatile_value_is_read_live() {
    let mut controls = controls();
    set(&mut controls, "gain_automatic", ControlValue::Boolean(true)).expect("on");
    let first = control(&mut controls, "gain");
    assert!(first.flags.volatile);
    let other = (0..100).find(|_| {
        thread::sleep(Duration::from_millis(50));
        control(&mut controls, "gain").value != first.value
    });
    assert!(other.is_some(), "{first:?} never changes");
}

#[test]
fn waiting_ends_when_woken_from_another_thread() {
    let mut controls = controls();
    let waker = Arc::new(Waker::new().expect("a waker"));
    let waiting = {
        let waker = waker.clone();
        thread::spawn(move || controls.wait(&waker))
    };
    waker.wake();
    assert!(waiting.join().expect("no panic").expect("no error").is_empty());
}

#[test]
fn controls_work_beside_frames() {
    let camera = camera(DRIVER);
    let mut open = open(&camera, "YUYV 320x180 30");
    let mut controls = controls();
    for brightness in 0..20 {
        set(&mut controls, "brightness", ControlValue::Integer(brightness)).expect("set");
        open.frame();
    }
    set(&mut controls, "brightness", ControlValue::Integer(128)).expect("set");
}
