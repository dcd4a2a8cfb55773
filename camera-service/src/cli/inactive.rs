//! Telling of controls that were set, and are of no effect since another one overrules them.

use protocol::{CameraId, Control, ControlKind, ControlOutcome, client::Client};

use super::{Session, output, session::answer, text::clean};

/// Says on stderr which of the controls that were set are inactive now. JSON has that in the
/// flags of `get` and `controls`.
pub(super) async fn note(
    client: &Client,
    camera: &CameraId,
    outcomes: &[ControlOutcome],
    session: &Session,
) {
    if session.json || outcomes.iter().all(|outcome| outcome.result.is_err()) {
        return;
    }
    // They are set: that this cannot be told now makes no failure of it.
    let Ok(controls) = answer(client.controls(camera)).await else { return };
    for outcome in outcomes.iter().filter(|outcome| outcome.result.is_ok()) {
        let control = controls.iter().find(|control| control.name == outcome.name);
        if let Some(control) = control.filter(|control| control.flags.inactive) {
            output::note(&clean(&text(control, &controls)));
        }
    }
}

fn text(control: &Control, controls: &[Control]) -> String {
    let by = match overruler(control, controls) {
        Some(other) => format!("probably {}", other.name),
        None => "as automatic exposure does".to_owned(),
    };
    format!("{} is inactive: another control overrules it, {by}", control.name)
}

/// The switch that most likely overrules `control`. Devices do not say which one it is, but they
/// are called alike: `auto_exposure` and `exposure_time_absolute`.
fn overruler<'a>(control: &Control, controls: &'a [Control]) -> Option<&'a Control> {
    let shared = |other: &Control| {
        let words = || other.name.split('_').filter(|word| !is_automatic(word));
        words().filter(|word| control.name.split('_').any(|own| own == *word)).count()
    };
    let switches = controls.iter().filter(|other| {
        matches!(other.kind, ControlKind::Boolean | ControlKind::Menu)
            && !other.flags.inactive
            && other.name != control.name
            && other.name.split('_').any(is_automatic)
    });
    let most = switches.clone().map(shared).max().filter(|most| *most > 0)?;
    let mut alike = switches.filter(|other| shared(other) == most);
    // Of several it may be any.
    alike.next().filter(|_| alike.next().is_none())
}

fn is_automatic(word: &str) -> bool {
    word.starts_with("auto")
}

#[cfg(test)]
mod tests {
    use protocol::{ControlFlags, ControlValue};

    use super::*;

    fn control(name: &str, kind: ControlKind, inactive: bool) -> Control {
        Control {
            name: name.to_owned(),
            label: name.to_owned(),
            kind,
            value: ControlValue::None,
            default: ControlValue::None,
            min: 0,
            max: 1,
            step: 1,
            menu: Vec::new(),
            flags: ControlFlags { inactive, ..ControlFlags::default() },
        }
    }

    #[test]
    fn the_switch_with_the_same_words_is_named() {
        let controls = [
            control("exposure_time_absolute", ControlKind::Integer, true),
            control("exposure_dynamic_framerate", ControlKind::Boolean, false),
            control("auto_exposure", ControlKind::Menu, false),
            control("white_balance_temperature", ControlKind::Integer, true),
            control("white_balance_automatic", ControlKind::Boolean, false),
            control("backlight_balance", ControlKind::Boolean, false),
            control("focus_absolute", ControlKind::Integer, true),
            control("hue", ControlKind::Integer, true),
            control("hue_automatic", ControlKind::Boolean, false),
            control("auto_hue", ControlKind::Boolean, false),
        ];
        let by = |name: &str| {
            let control = controls.iter().find(|control| control.name == name).expect(name);
            overruler(control, &controls).map(|other| other.name.as_str())
        };
        assert_eq!(by("exposure_time_absolute"), Some("auto_exposure"));
        assert_eq!(by("white_balance_temperature"), Some("white_balance_automatic"));
        assert_eq!([by("focus_absolute"), by("hue")], [None, None]);
        assert_eq!(
            text(&controls[0], &controls),
            "exposure_time_absolute is inactive: another control overrules it, probably \
             auto_exposure"
        );
    }
}
