//! Values on their way to the driver and back.

use protocol::{ControlKind, ControlValue};
use rustix::io::Errno;

use super::query::{Description, Form};
use crate::device::{
    Error,
    v4l2::{
        abi::{self, Plain as _},
        ioctl::{Failure, Node},
    },
};

/// The value that a control has; [`ControlValue::None`] where it has none or it cannot be read.
pub(super) fn current(node: &Node, control: &Description) -> Result<ControlValue, Failure> {
    if control.kind == ControlKind::Button || control.flags.write_only || control.flags.disabled {
        return Ok(ControlValue::None);
    }
    or_none(read(node, abi::WHICH_CURRENT, control))
}

/// The value that a control begins with.
pub(super) fn default(node: &Node, control: &Description) -> Result<ControlValue, Failure> {
    match control.form {
        _ if control.kind == ControlKind::Button => Ok(ControlValue::None),
        Form::Number | Form::WideNumber => Ok(of_number(control.kind, control.default)),
        Form::Text { .. } | Form::Bytes { .. } => or_none(read(node, abi::WHICH_DEFAULT, control)),
    }
}

/// Without the device there is nothing; otherwise a value that cannot be read is none.
fn or_none(result: Result<ControlValue, Failure>) -> Result<ControlValue, Failure> {
    match result {
        Err(failure) if failure.errno != Errno::NODEV => Ok(ControlValue::None),
        other => other,
    }
}

fn read(node: &Node, which: u32, control: &Description) -> Result<ControlValue, Failure> {
    match control.form {
        Form::Number | Form::WideNumber => {
            let wide = control.form == Form::WideNumber;
            let number = match node.get_number(which, control.id, wide) {
                Err(failure) if failure.is_unknown_call() => {
                    let mut old = abi::OldControl::zeroed();
                    old.id = control.id;
                    node.get_old_control(&mut old)?;
                    old.value.into()
                }
                other => other?,
            };
            Ok(of_number(control.kind, number))
        }
        Form::Text { most } => {
            let mut bytes = vec![0; most + 1];
            node.get_payload(which, control.id, &mut bytes)?;
            let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(most);
            Ok(ControlValue::String(String::from_utf8_lossy(&bytes[..end]).into_owned()))
        }
        Form::Bytes { now, most, .. } => {
            // An array may have grown since it was described.
            let mut bytes = vec![0; now.max(most)];
            let length = node.get_payload(which, control.id, &mut bytes)?;
            bytes.truncate(length);
            Ok(ControlValue::Bytes(bytes))
        }
    }
}

fn of_number(kind: ControlKind, number: i64) -> ControlValue {
    match kind {
        ControlKind::Boolean => ControlValue::Boolean(number != 0),
        ControlKind::Bitmask => ControlValue::Integer(number & i64::from(u32::MAX)),
        _ => ControlValue::Integer(number),
    }
}

/// A value in the form that the driver takes.
#[derive(Debug, PartialEq, Eq)]
enum Raw {
    Number(i64),
    Payload(Vec<u8>),
}

/// Hands `value` to the driver.
pub(super) fn set(node: &Node, control: &Description, value: &ControlValue) -> Result<(), Error> {
    if control.flags.read_only || control.flags.disabled || control.flags.grabbed {
        return Err(Error::ReadOnly(control.name.clone()));
    }
    let raw = raw(control, value).ok_or_else(|| Error::Refused(control.name.clone()))?;
    let result = match raw {
        Raw::Number(number) => set_number(node, control, number),
        Raw::Payload(mut bytes) => node.set_payload(control.id, &mut bytes),
    };
    result.map_err(|failure| match failure.errno {
        Errno::ACCESS | Errno::PERM | Errno::BUSY => Error::ReadOnly(control.name.clone()),
        Errno::INVAL | Errno::RANGE | Errno::NOSPC | Errno::TOOBIG => {
            Error::Refused(control.name.clone())
        }
        _ => failure.into(),
    })
}

fn set_number(node: &Node, control: &Description, number: i64) -> Result<(), Failure> {
    match node.set_number(control.id, number, control.form == Form::WideNumber) {
        Err(failure) if failure.is_unknown_call() => {
            let mut old = abi::OldControl::zeroed();
            old.id = control.id;
            old.value = number as i32;
            node.set_old_control(&mut old)
        }
        other => other,
    }
}

/// `value` in the form that the driver takes; `None` where it is not of the control's kind.
fn raw(control: &Description, value: &ControlValue) -> Option<Raw> {
    let number = match (control.kind, value) {
        (ControlKind::Button, _) => 0,
        (ControlKind::Boolean, ControlValue::Boolean(on)) => i64::from(*on),
        (ControlKind::Boolean, ControlValue::Integer(number @ 0..=1)) => *number,
        (ControlKind::Integer | ControlKind::Menu, ControlValue::Integer(number)) => *number,
        (ControlKind::Bitmask, ControlValue::Integer(bits)) => {
            i64::from(u32::try_from(*bits).ok()? as i32)
        }
        (ControlKind::Menu, ControlValue::String(label)) => {
            control.menu.iter().find(|entry| entry.label == *label)?.value
        }
        (ControlKind::String, ControlValue::String(text)) => {
            let Form::Text { most } = control.form else { return None };
            if text.len() > most || text.contains('\0') {
                return None;
            }
            // The driver writes back as much as it may hold: there is room for that.
            let mut bytes = text.clone().into_bytes();
            bytes.resize(most + 1, 0);
            return Some(Raw::Payload(bytes));
        }
        (ControlKind::Compound, ControlValue::Bytes(bytes)) => {
            let Form::Bytes { element, most, .. } = control.form else { return None };
            let whole = !bytes.is_empty() && bytes.len().is_multiple_of(element);
            return (whole && bytes.len() <= most).then(|| Raw::Payload(bytes.clone()));
        }
        _ => return None,
    };
    if control.form == Form::Number {
        i32::try_from(number).ok()?;
    }
    Some(Raw::Number(number))
}

#[cfg(test)]
mod tests {
    use protocol::{ControlFlags, MenuEntry};

    use super::*;

    fn control(kind: ControlKind, form: Form) -> Description {
        let menu = vec![MenuEntry { value: 3, label: "Aperture".to_owned() }];
        let (name, label) = (String::new(), String::new());
        let flags = ControlFlags::default();
        Description {
            id: 1,
            name,
            label,
            kind,
            form,
            min: 0,
            max: 9,
            step: 1,
            default: 0,
            menu,
            flags,
        }
    }

    #[test]
    fn values_of_the_wrong_kind_never_reach_the_driver() {
        let text = ControlValue::String("abc".to_owned());
        let integer = control(ControlKind::Integer, Form::Number);
        assert_eq!(raw(&integer, &ControlValue::Integer(7)), Some(Raw::Number(7)));
        assert_eq!(raw(&integer, &ControlValue::Integer(1 << 32)), None);
        assert_eq!(raw(&integer, &text), None);
        let wide = control(ControlKind::Integer, Form::WideNumber);
        assert_eq!(raw(&wide, &ControlValue::Integer(1 << 40)), Some(Raw::Number(1 << 40)));
        let boolean = control(ControlKind::Boolean, Form::Number);
        assert_eq!(raw(&boolean, &ControlValue::Boolean(true)), Some(Raw::Number(1)));
        assert_eq!(raw(&boolean, &ControlValue::Integer(2)), None);
    }

    #[test]
    fn menus_take_numbers_and_labels() {
        let menu = control(ControlKind::Menu, Form::Number);
        let label = ControlValue::String("Aperture".to_owned());
        assert_eq!(raw(&menu, &label), Some(Raw::Number(3)));
        assert_eq!(raw(&menu, &ControlValue::Integer(3)), Some(Raw::Number(3)));
        assert_eq!(raw(&menu, &ControlValue::String("Shutter".to_owned())), None);
    }

    #[test]
    fn the_highest_bit_of_a_mask_is_no_sign() {
        let mask = control(ControlKind::Bitmask, Form::Number);
        let all = ControlValue::Integer(0x8000_0001);
        assert_eq!(raw(&mask, &all), Some(Raw::Number(i64::from(0x8000_0001_u32 as i32))));
        assert_eq!(of_number(ControlKind::Bitmask, i64::from(i32::MIN) + 1), all);
        assert_eq!(raw(&mask, &ControlValue::Integer(-1)), None);
    }

    #[test]
    fn text_and_bytes_fit_what_the_driver_holds() {
        let string = control(ControlKind::String, Form::Text { most: 4 });
        let text = |text: &str| raw(&string, &ControlValue::String(text.to_owned()));
        assert_eq!(text("ab"), Some(Raw::Payload(b"ab\0\0\0".to_vec())));
        assert_eq!(text("abcd"), Some(Raw::Payload(b"abcd\0".to_vec())));
        assert_eq!(text("abcde"), None);
        assert_eq!(text("a\0b"), None);
        let array = control(ControlKind::Compound, Form::Bytes { element: 4, now: 8, most: 16 });
        let bytes = |count| raw(&array, &ControlValue::Bytes(vec![1; count]));
        assert_eq!(bytes(12), Some(Raw::Payload(vec![1; 12])));
        assert!([0, 3, 20].into_iter().all(|count| bytes(count).is_none()));
    }
}
