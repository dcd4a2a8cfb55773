//! Control values as people write and read them.

use protocol::{CameraId, Control, ControlKind, ControlSetting, ControlValue, ErrorKind};

use super::{
    CliError,
    text::{clean, shorten},
};

/// Widest value in a table.
const WIDEST: usize = 32;

/// What `NAME=VALUE` or `NAME` asks of one of `controls`, those of `camera`.
pub(super) fn setting(
    argument: &str,
    controls: &[Control],
    camera: &CameraId,
) -> Result<ControlSetting, CliError> {
    let (name, text) = match argument.split_once('=') {
        Some((name, text)) => (name, Some(text)),
        None => (argument, None),
    };
    let Some(control) = controls.iter().find(|control| control.name == name) else {
        return Err(CliError::failed(ErrorKind::NoSuchControl, unknown(name, controls, camera)));
    };
    let Some(value) = parse(control, text) else {
        let problem = match text {
            Some(text) => format!("{text:?} is no value for {name} of {camera}"),
            None => format!("{name} of {camera} needs a value, as in {name}=VALUE"),
        };
        return Err(CliError::failed(
            ErrorKind::WrongType,
            format!("{problem}: it takes {}", takes(control)),
        ));
    };
    Ok(ControlSetting { name: name.to_owned(), value })
}

/// As [`setting`], but a name alone stands for the present value.
pub(super) fn setting_or_present(
    argument: &str,
    controls: &[Control],
    camera: &CameraId,
) -> Result<ControlSetting, CliError> {
    let control = controls.iter().find(|control| control.name == argument);
    match control {
        Some(control) if control.kind == ControlKind::Button => Err(CliError::failed(
            ErrorKind::WrongType,
            format!("{argument} of {camera} is a button, which has no value"),
        )),
        Some(control) if control.value != ControlValue::None => {
            Ok(ControlSetting { name: argument.to_owned(), value: control.value.clone() })
        }
        _ => setting(argument, controls, camera),
    }
}

/// Settings as they can be given to `set`, a line each.
pub(super) fn lines(settings: &[ControlSetting], controls: &[Control]) -> String {
    let line = |ControlSetting { name, value }: &ControlSetting| {
        let control = controls.iter().find(|control| control.name == *name);
        let value = control.map_or_else(|| clean(&value.to_string()), |c| show(c, value));
        format!("{}={value}\n", clean(name))
    };
    settings.iter().map(line).collect()
}

fn unknown(name: &str, controls: &[Control], camera: &CameraId) -> String {
    let wanted = name.to_lowercase();
    let similar = |control: &&Control| {
        let label = control.label.to_lowercase();
        !wanted.is_empty()
            && (control.name.contains(&wanted)
                || wanted.contains(&control.name)
                || label.contains(&wanted))
    };
    let names: Vec<&str> =
        controls.iter().filter(similar).map(|control| control.name.as_str()).collect();
    let hint =
        if names.is_empty() { String::new() } else { format!("; perhaps {}", names.join(" or ")) };
    format!(
        "{camera} has no control named {name:?}{hint}; `camera-service controls {camera}` lists \
         them"
    )
}

/// The value that `text` is for `control`. Whether it lies in the range is for the service to
/// say, which has the last word on it.
fn parse(control: &Control, text: Option<&str>) -> Option<ControlValue> {
    let Some(text) = text else {
        return (control.kind == ControlKind::Button).then_some(ControlValue::None);
    };
    match control.kind {
        ControlKind::Button => None,
        ControlKind::Integer | ControlKind::Bitmask => integer(text).map(ControlValue::Integer),
        ControlKind::Boolean => boolean(text).map(ControlValue::Boolean),
        ControlKind::Menu => menu(control, text).map(ControlValue::Integer),
        ControlKind::String => Some(ControlValue::String(text.to_owned())),
        ControlKind::Compound => bytes(text).map(ControlValue::Bytes),
    }
}

/// A decimal number, or a hexadecimal one with `0x`.
fn integer(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let Some(digits) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) else {
        return text.parse().ok();
    };
    let value = i64::from_str_radix(digits, 16).ok().filter(|value| *value >= 0)?;
    Some(if negative { -value } else { value })
}

fn boolean(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "on" | "true" | "yes" | "1" => Some(true),
        "off" | "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

/// The value of an entry, by its label or by its value; the label counts first, so that what is
/// shown can be set. `#` before a value says that it is no label.
fn menu(control: &Control, text: &str) -> Option<i64> {
    let text = text.trim();
    let by_label = control.menu.iter().find(|entry| entry.label == text);
    let by_any_case =
        || control.menu.iter().find(|entry| entry.label.to_lowercase() == text.to_lowercase());
    match by_label.or_else(by_any_case) {
        Some(entry) => Some(entry.value),
        None => integer(text.strip_prefix('#').unwrap_or(text))
            .filter(|value| control.menu.iter().any(|e| e.value == *value)),
    }
}

/// Pairs of hexadecimal digits; spaces and colons between them do not matter.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    let text = text.strip_prefix("0x").unwrap_or(text);
    let digits: Option<Vec<u8>> = text
        .chars()
        .filter(|c| !matches!(c, ' ' | ':'))
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2) && !digits.is_empty())?;
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// What a control takes, in words.
fn takes(control: &Control) -> String {
    let Control { min, max, step, .. } = control;
    match control.kind {
        ControlKind::Integer if *step > 1 => {
            format!("a number from {min} to {max} in steps of {step}")
        }
        ControlKind::Integer => format!("a number from {min} to {max}"),
        ControlKind::Boolean => "on or off".to_owned(),
        ControlKind::Menu => {
            let entries =
                control.menu.iter().map(|entry| format!("{} ({})", entry.label, entry.value));
            format!("one of {}", entries.collect::<Vec<_>>().join(", "))
        }
        ControlKind::Button => format!("none, being a button: give just {}", control.name),
        ControlKind::String => format!("text of {min} to {max} characters"),
        ControlKind::Bitmask => format!("bits of {max:#x}"),
        ControlKind::Compound => format!("{max} bytes as hexadecimal digits"),
    }
}

/// What values there are, for the table of controls.
pub(super) fn range(control: &Control) -> String {
    let Control { min, max, step, .. } = control;
    match control.kind {
        ControlKind::Integer if *step > 1 => format!("{min}..{max} step {step}"),
        ControlKind::Integer => format!("{min}..{max}"),
        ControlKind::Boolean => "on, off".to_owned(),
        ControlKind::Menu => {
            let entries =
                control.menu.iter().map(|entry| format!("{}={}", entry.value, entry.label));
            entries.collect::<Vec<_>>().join(", ")
        }
        ControlKind::Button => String::new(),
        ControlKind::String => format!("{min}..{max} characters"),
        ControlKind::Bitmask => format!("bits of {max:#x}"),
        ControlKind::Compound => format!("{max} bytes"),
    }
}

/// `value` of `control` as it can be given to `set`: a menu's entry by its label.
pub(super) fn show(control: &Control, value: &ControlValue) -> String {
    match (control.kind, value) {
        (ControlKind::Menu, ControlValue::Integer(number)) => {
            match control.menu.iter().find(|entry| entry.value == *number) {
                Some(entry) => clean(&entry.label),
                None => number.to_string(),
            }
        }
        (ControlKind::Bitmask, ControlValue::Integer(bits)) => format!("{bits:#x}"),
        _ => clean(&value.to_string()),
    }
}

/// As [`show`], short enough for a table.
pub(super) fn show_short(control: &Control, value: &ControlValue) -> String {
    shorten(&show(control, value), WIDEST)
}

#[cfg(test)]
mod tests {
    use protocol::{ControlFlags, MenuEntry};

    use super::*;

    fn control(name: &str, kind: ControlKind, (min, max, step): (i64, i64, i64)) -> Control {
        Control {
            name: name.to_owned(),
            label: name.to_owned(),
            kind,
            value: ControlValue::None,
            default: ControlValue::None,
            min,
            max,
            step,
            menu: Vec::new(),
            flags: ControlFlags::default(),
        }
    }

    fn controls() -> Vec<Control> {
        let entry = |value, label: &str| MenuEntry { value, label: label.to_owned() };
        let mut line = control("line", ControlKind::Menu, (0, 2, 1));
        line.menu = vec![entry(0, "Off"), entry(1, "50 Hz"), entry(2, "60 Hz")];
        let mut rates = control("rates", ControlKind::Menu, (0, 2, 1));
        rates.menu = vec![entry(0, "2"), entry(1, "8"), entry(2, "16")];
        vec![
            control("gain", ControlKind::Integer, (-10, 10, 5)),
            control("auto", ControlKind::Boolean, (0, 1, 1)),
            line,
            rates,
            control("press", ControlKind::Button, (0, 0, 1)),
            control("title", ControlKind::String, (0, 8, 1)),
            control("bits", ControlKind::Bitmask, (0, 0xff, 1)),
            control("matrix", ControlKind::Compound, (0, 2, 1)),
        ]
    }

    fn value(argument: &str) -> Result<ControlValue, String> {
        setting(argument, &controls(), &"cam".into())
            .map(|setting| setting.value)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn values_are_read_by_the_kind_of_their_control() {
        use ControlValue::{Boolean, Bytes, Integer, None, String};
        for (argument, expected) in [
            ("gain=-5", Integer(-5)),
            ("gain=0x0a", Integer(10)),
            ("gain=-0x5", Integer(-5)),
            ("gain=99", Integer(99)),
            ("auto=on", Boolean(true)),
            ("auto=FALSE", Boolean(false)),
            ("auto=1", Boolean(true)),
            ("line=50 Hz", Integer(1)),
            ("line=off", Integer(0)),
            ("line=2", Integer(2)),
            ("rates=8", Integer(1)),
            ("rates=2", Integer(0)),
            ("rates=1", Integer(1)),
            ("rates=#2", Integer(2)),
            ("rates=#0x1", Integer(1)),
            ("press", None),
            ("title=a=b", String("a=b".to_owned())),
            ("title=", String(std::string::String::new())),
            ("bits=0x81", Integer(0x81)),
            ("matrix=0xFF 01", Bytes(vec![255, 1])),
            ("matrix=00:7f", Bytes(vec![0, 0x7f])),
        ] {
            assert_eq!(value(argument), Ok(expected), "{argument}");
        }
    }

    #[test]
    fn wrong_values_are_answered_with_what_is_possible() {
        for (argument, expected) in [
            ("gain=much", "from -10 to 10 in steps of 5"),
            ("gain=", "from -10 to 10 in steps of 5"),
            ("gain=0x", "from -10 to 10"),
            ("gain=--5", "from -10 to 10"),
            ("gain", "gain=VALUE"),
            ("auto=perhaps", "on or off"),
            ("line=70 Hz", "Off (0), 50 Hz (1), 60 Hz (2)"),
            ("rates=#8", "2 (0), 8 (1), 16 (2)"),
            ("gain=#5", "from -10 to 10"),
            ("line=3", "Off (0), 50 Hz (1), 60 Hz (2)"),
            ("press=1", "give just press"),
            ("bits=x", "0xff"),
            ("matrix=abc", "2 bytes"),
            ("matrix=", "2 bytes"),
            ("gai=1", "perhaps gain"),
            ("nothing=1", "camera-service controls cam"),
            ("=1", "no control named \"\""),
        ] {
            let error = value(argument).expect_err(argument);
            assert!(error.contains(expected), "{argument}: {error}");
        }
    }

    #[test]
    fn a_name_alone_may_stand_for_the_present_value() {
        let mut controls = controls();
        controls[0].value = ControlValue::Integer(5);
        let value = |argument: &str| {
            let setting = setting_or_present(argument, &controls, &"cam".into());
            setting.map(|setting| setting.value).map_err(|error| error.to_string())
        };
        assert_eq!(value("gain"), Ok(ControlValue::Integer(5)));
        assert_eq!(value("gain=-5"), Ok(ControlValue::Integer(-5)));
        assert!(value("press").is_err_and(|error| error.contains("button")));
        assert!(value("title").is_err_and(|error| error.contains("needs a value")));
        assert!(value("nosuch").is_err_and(|error| error.contains("no control")));
    }

    #[test]
    fn what_is_shown_can_be_set() {
        let controls = controls();
        for (name, value) in [
            ("gain", ControlValue::Integer(-5)),
            ("auto", ControlValue::Boolean(true)),
            ("line", ControlValue::Integer(2)),
            ("rates", ControlValue::Integer(0)),
            ("title", ControlValue::String("x y".to_owned())),
            ("bits", ControlValue::Integer(0x81)),
            ("matrix", ControlValue::Bytes(vec![1, 2])),
        ] {
            let control = controls.iter().find(|control| control.name == name).expect(name);
            let argument = format!("{name}={}", show(control, &value));
            let set = setting(&argument, &controls, &"cam".into()).expect(&argument);
            assert_eq!(set.value, value, "{argument}");
        }
    }
}
