//! In which order controls are set, and which are.
//!
//! Controls depend on each other: exposure cannot be set, or has no effect, while it is automatic.
//! What switches others between manual and automatic comes first; then the controls are listed
//! anew, and the rest follows.

use protocol::{Control, ControlFlags, ControlKind, ControlSetting, ControlValue};

/// The turns in which several controls are set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Switches and menus.
    Switches,
    /// All others.
    Rest,
}

impl Turn {
    /// All turns, in order.
    pub(super) const ALL: [Self; 2] = [Self::Switches, Self::Rest];

    /// The turn in which a control is set.
    pub(super) fn of(control: &Control) -> Self {
        match control.kind {
            ControlKind::Boolean | ControlKind::Menu => Self::Switches,
            _ => Self::Rest,
        }
    }
}

/// Whether a control can be set as things are.
pub(super) fn is_settable(control: &Control) -> bool {
    let ControlFlags { read_only, inactive, volatile: _, write_only: _, grabbed, disabled } =
        control.flags;
    !(read_only || inactive || grabbed || disabled)
}

/// The values that say how a camera is set up, in the order in which they are to be set: of all
/// controls that can be set and stay as they were set. What is automatic is not among them: that
/// it is automatic is.
pub(in super::super) fn set_up(controls: &[Control]) -> Vec<ControlSetting> {
    let of_turn = |turn| {
        let kept = controls.iter().filter(move |control| {
            Turn::of(control) == turn
                && is_settable(control)
                && !control.flags.volatile
                && !control.flags.write_only
                && control.kind != ControlKind::Button
                && control.value != ControlValue::None
        });
        kept.map(|control| ControlSetting {
            name: control.name.clone(),
            value: control.value.clone(),
        })
    };
    Turn::ALL.into_iter().flat_map(of_turn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(name: &str, kind: ControlKind, value: ControlValue) -> Control {
        Control {
            name: name.to_owned(),
            label: name.to_owned(),
            kind,
            value,
            default: ControlValue::None,
            min: 0,
            max: 9,
            step: 1,
            menu: Vec::new(),
            flags: ControlFlags::default(),
        }
    }

    #[test]
    fn switches_come_first_and_what_cannot_be_set_not_at_all() {
        let integer = |name| control(name, ControlKind::Integer, ControlValue::Integer(1));
        let flagged = |name, flags| Control { flags, ..integer(name) };
        let none = ControlFlags::default();
        let controls = [
            integer("exposure"),
            control("auto", ControlKind::Boolean, ControlValue::Boolean(true)),
            control("press", ControlKind::Button, ControlValue::None),
            control("unknown", ControlKind::String, ControlValue::None),
            control("line", ControlKind::Menu, ControlValue::Integer(2)),
            flagged("read_only", ControlFlags { read_only: true, ..none }),
            flagged("inactive", ControlFlags { inactive: true, ..none }),
            flagged("volatile", ControlFlags { volatile: true, ..none }),
            flagged("write_only", ControlFlags { write_only: true, ..none }),
            flagged("grabbed", ControlFlags { grabbed: true, ..none }),
            flagged("disabled", ControlFlags { disabled: true, ..none }),
            integer("gain"),
        ];
        let names: Vec<String> = set_up(&controls).into_iter().map(|kept| kept.name).collect();
        assert_eq!(names, ["auto", "line", "exposure", "gain"]);
    }
}
