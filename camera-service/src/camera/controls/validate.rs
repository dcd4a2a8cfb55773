//! Whether a control can take a value.

use protocol::{CameraId, Control, ControlKind, ControlValue, ErrorKind, ErrorReply};

/// `value` as the device is to be told, or why the control cannot take it.
pub(super) fn value(control: &Control, value: &ControlValue) -> Result<ControlValue, ErrorReply> {
    let name = &control.name;
    if control.flags.read_only || control.flags.disabled {
        return Err(ErrorReply::new(ErrorKind::ReadOnly, format!("{name} is read-only")));
    }
    if control.flags.grabbed {
        let message = format!("{name} cannot be set while another program, or a stream, holds it");
        return Err(ErrorReply::new(ErrorKind::Busy, message));
    }
    match (control.kind, value) {
        (ControlKind::Integer, ControlValue::Integer(number)) => integer(control, *number),
        (ControlKind::Boolean, ControlValue::Boolean(_)) => Ok(value.clone()),
        (ControlKind::Boolean, ControlValue::Integer(number @ (0 | 1))) => {
            Ok(ControlValue::Boolean(*number == 1))
        }
        (ControlKind::Menu, ControlValue::Integer(number)) => {
            entry(control, |entry| entry.value == *number, number)
        }
        (ControlKind::Menu, ControlValue::String(label)) => {
            entry(control, |entry| entry.label.eq_ignore_ascii_case(label), label)
        }
        (ControlKind::Bitmask, ControlValue::Integer(bits)) => {
            if bits & !control.max == 0 {
                return Ok(value.clone());
            }
            Err(out_of_range(control, bits, &format!("may have the bits {:#x}", control.max)))
        }
        (ControlKind::Button, ControlValue::None) => Ok(ControlValue::None),
        (ControlKind::String, ControlValue::String(text)) => string(control, text),
        (ControlKind::Compound, ControlValue::Bytes(bytes)) => {
            let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
            let least = if has_any_length(control) { 1 } else { control.max };
            if (least..=control.max).contains(&length) {
                return Ok(value.clone());
            }
            let at_most = if least < control.max { "at most " } else { "" };
            let rule = format!("takes {at_most}{} bytes", control.max);
            Err(out_of_range(control, &format!("{length} bytes"), &rule))
        }
        (kind, _) => Err(ErrorReply::new(
            ErrorKind::WrongType,
            format!("{name} is of the kind {kind} and cannot take {}", described(value)),
        )),
    }
}

fn integer(control: &Control, number: i64) -> Result<ControlValue, ErrorReply> {
    let Control { min, max, step, .. } = *control;
    let rule = if step > 1 {
        format!("goes from {min} to {max} in steps of {step}")
    } else {
        format!("goes from {min} to {max}")
    };
    // As i128: a range may span more than an i64 holds.
    let offset = i128::from(number) - i128::from(min);
    let on_step = offset % i128::from(step.max(1)) == 0;
    if number < min || number > max || !on_step {
        return Err(out_of_range(control, &number, &rule));
    }
    Ok(ControlValue::Integer(number))
}

fn entry(
    control: &Control,
    is_it: impl Fn(&protocol::MenuEntry) -> bool,
    asked: &dyn std::fmt::Display,
) -> Result<ControlValue, ErrorReply> {
    if let Some(entry) = control.menu.iter().find(|entry| is_it(entry)) {
        return Ok(ControlValue::Integer(entry.value));
    }
    let entries: Vec<String> =
        control.menu.iter().map(|entry| format!("{} ({})", entry.value, entry.label)).collect();
    Err(out_of_range(control, asked, &format!("has the entries {}", entries.join(", "))))
}

/// Whether it is an array that may have fewer elements than fit: its default then has. Which
/// lengths are whole elements the driver knows.
fn has_any_length(control: &Control) -> bool {
    let most = usize::try_from(control.max).unwrap_or(0);
    matches!(&control.default, ControlValue::Bytes(bytes) if bytes.len() < most)
}

fn string(control: &Control, text: &str) -> Result<ControlValue, ErrorReply> {
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    if length < control.min || length > control.max {
        let rule = format!("takes {} to {} bytes of text", control.min, control.max);
        return Err(out_of_range(control, &format!("{length} bytes"), &rule));
    }
    if text.contains('\0') {
        return Err(out_of_range(control, &"a NUL", "takes text"));
    }
    Ok(ControlValue::String(text.to_owned()))
}

fn out_of_range(control: &Control, asked: &dyn std::fmt::Display, rule: &str) -> ErrorReply {
    let message = format!("{} cannot be {asked}: it {rule}", control.name);
    ErrorReply::new(ErrorKind::OutOfRange, message)
}

fn described(value: &ControlValue) -> &'static str {
    match value {
        ControlValue::None => "nothing",
        ControlValue::Integer(_) => "a number",
        ControlValue::Boolean(_) => "on or off",
        ControlValue::String(_) => "text",
        ControlValue::Bytes(_) => "bytes",
    }
}

/// The camera has no control `name`; names those that are like it.
pub(super) fn no_such(camera: &CameraId, name: &str, all: &[Control]) -> ErrorReply {
    let like: Vec<&str> = all
        .iter()
        .map(|control| control.name.as_str())
        .filter(|other| {
            other.contains(name)
                || name.split('_').any(|word| word.len() > 3 && other.contains(word))
        })
        .take(4)
        .collect();
    let hint = if like.is_empty() {
        format!("`camera-service controls {camera}` lists them")
    } else {
        format!("there is {}", like.join(", "))
    };
    ErrorReply::new(ErrorKind::NoSuchControl, format!("{camera} has no control {name}; {hint}"))
}

#[cfg(test)]
mod tests {
    use protocol::{ControlFlags, MenuEntry};

    use super::*;

    fn control(kind: ControlKind, min: i64, max: i64, step: i64) -> Control {
        Control {
            name: "it".to_owned(),
            label: "It".to_owned(),
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

    fn kind_of(result: Result<ControlValue, ErrorReply>) -> Result<ControlValue, ErrorKind> {
        result.map_err(|error| error.kind)
    }

    #[test]
    fn integers_keep_to_range_and_step() {
        let it = control(ControlKind::Integer, -10, 10, 4);
        for good in [-10, -6, 10] {
            assert!(value(&it, &ControlValue::Integer(good)).is_ok(), "{good}");
        }
        for bad in [-11, -9, 11, 14, i64::MAX, i64::MIN] {
            let result = kind_of(value(&it, &ControlValue::Integer(bad)));
            assert_eq!(result, Err(ErrorKind::OutOfRange), "{bad}");
        }
        let wide = control(ControlKind::Integer, i64::MIN, i64::MAX, 1);
        assert!(value(&wide, &ControlValue::Integer(i64::MAX)).is_ok());
    }

    #[test]
    fn menus_take_numbers_and_labels_of_entries_they_have() {
        let mut it = control(ControlKind::Menu, 0, 3, 1);
        it.menu = [(1, "Manual"), (3, "Automatic")]
            .map(|(value, label)| MenuEntry { value, label: label.to_owned() })
            .to_vec();
        let three = Ok(ControlValue::Integer(3));
        assert_eq!(kind_of(value(&it, &ControlValue::Integer(3))), three);
        assert_eq!(kind_of(value(&it, &ControlValue::String("automatic".to_owned()))), three);
        let hole = kind_of(value(&it, &ControlValue::Integer(2)));
        assert_eq!(hole, Err(ErrorKind::OutOfRange));
    }

    #[test]
    fn wrong_types_and_flags_are_refused() {
        let mut it = control(ControlKind::Boolean, 0, 1, 1);
        let wrong = kind_of(value(&it, &ControlValue::String("x".to_owned())));
        assert_eq!(wrong, Err(ErrorKind::WrongType));
        it.flags.read_only = true;
        let read_only = kind_of(value(&it, &ControlValue::Boolean(true)));
        assert_eq!(read_only, Err(ErrorKind::ReadOnly));
    }

    #[test]
    fn strings_bits_and_bytes_keep_to_their_bounds() {
        let text = control(ControlKind::String, 2, 4, 1);
        assert!(value(&text, &ControlValue::String("abc".to_owned())).is_ok());
        for bad in ["a", "abcde", "a\0b"] {
            assert!(value(&text, &ControlValue::String(bad.to_owned())).is_err(), "{bad:?}");
        }
        let bits = control(ControlKind::Bitmask, 0, 0b1010, 0);
        assert!(value(&bits, &ControlValue::Integer(0b1000)).is_ok());
        assert!(value(&bits, &ControlValue::Integer(0b0100)).is_err());
        let mut bytes = control(ControlKind::Compound, 0, 3, 1);
        let takes = |it: &Control, length| value(it, &ControlValue::Bytes(vec![0; length])).is_ok();
        assert_eq!([0, 2, 3, 4].map(|length| takes(&bytes, length)), [false, false, true, false]);
        bytes.default = ControlValue::Bytes(vec![0; 1]);
        assert_eq!([0, 2, 3, 4].map(|length| takes(&bytes, length)), [false, true, true, false]);
    }
}
