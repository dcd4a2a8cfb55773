//! One control as a user sees it.

use iced::{
    Center, Element, Fill,
    widget::{checkbox, column, container, pick_list, row, slider, space, text, text_input},
};
use protocol::{Control, ControlKind, ControlValue};

use super::{Message, edit::Edit};
use crate::{
    focus::{Use, button, focusable, steps},
    modes::Choice,
    style::{self, BODY, NEAR, SMALL, TIGHT},
    words::Tone,
};

/// Numbers beyond this are not exact on a slider.
const EXACT: i64 = 1 << 53;
/// Width of a field with a number.
const NUMBER_WIDTH: f32 = 76.0;

/// A control, and what is being done to it.
/// `pinned` is `None` where the service cannot pin.
pub(crate) fn view<'a>(
    control: &'a Control,
    edit: &'a Edit,
    pinned: Option<bool>,
) -> Element<'a, Message> {
    let value = edit.shown(&control.value);
    let can_set = can_set(control);
    let label = text(&control.label).size(BODY);
    let label = if can_set { label } else { label.style(style::quiet) };
    let mut head = row![label, space::horizontal()].spacing(NEAR).align_y(Center);
    let mut content = column![].spacing(TIGHT);
    match control.kind {
        ControlKind::Integer | ControlKind::Bitmask => {
            head = head.push(number(control, edit, value, can_set));
            content = content.push(head);
            content = content.extend(range(control, value, can_set));
        }
        ControlKind::Boolean => {
            let on = matches!(value, ControlValue::Boolean(true));
            let toggled = |on| Message::Set(control.name.clone(), ControlValue::Boolean(on));
            let box_ = checkbox(on).style(style::check).on_toggle_maybe(can_set.then_some(toggled));
            let keys = move |used| (used == Use::Press).then(|| toggled(!on));
            content = content.push(head.push(focusable(box_, can_set, keys)));
        }
        ControlKind::Menu => content = content.push(head).push(menu(control, value, can_set)),
        ControlKind::Button => {
            let press = Message::Set(control.name.clone(), ControlValue::None);
            let press = button(text("Do it").size(BODY))
                .style(style::plain_button)
                .on_press_maybe(can_set.then_some(press));
            content = content.push(head.push(press));
        }
        ControlKind::String => {
            content = content.push(head).push(line(control, edit, value, can_set));
        }
        ControlKind::Compound => content = content.push(head),
    }
    if let Some(why) = &edit.refused {
        content = content.push(text(why).size(SMALL).style(style::toned(Tone::Wrong)));
    } else if let Some(why) = why_not(control) {
        content = content.push(text(why).size(SMALL).style(style::quiet));
    }
    let actions = actions(control, value, pinned, can_set);
    container(content.extend(actions)).padding([TIGHT, 0.0]).into()
}

/// Whether a set can have an effect now.
fn can_set(control: &Control) -> bool {
    let flags = control.flags;
    control.kind != ControlKind::Compound
        && !(flags.read_only || flags.inactive || flags.grabbed || flags.disabled)
}

fn why_not(control: &Control) -> Option<&'static str> {
    let flags = control.flags;
    Some(if flags.disabled {
        "Without function on this camera"
    } else if flags.read_only {
        "Shown only; the camera sets it"
    } else if flags.grabbed {
        "Another program has taken it, or it cannot change while frames flow"
    } else if flags.inactive {
        "Without effect now: another control, such as an automatic, decides"
    } else if control.kind == ControlKind::Compound {
        "Can only be set by programs that know this camera"
    } else {
        return None;
    })
}

/// A field for a number; a text where it cannot be set.
fn number<'a>(
    control: &'a Control,
    edit: &'a Edit,
    value: &ControlValue,
    can_set: bool,
) -> Element<'a, Message> {
    if !can_set {
        return text(value.to_string()).size(BODY).style(style::quiet).into();
    }
    let shown = edit.text.clone().unwrap_or_else(|| value.to_string());
    let name = control.name.clone();
    text_input("", &shown)
        .size(BODY)
        .width(NUMBER_WIDTH)
        .padding([TIGHT, NEAR])
        .align_x(iced::Right)
        .style(style::field)
        .on_input(move |text| Message::Write(name.clone(), text))
        .on_submit(Message::Submit(control.name.clone()))
        .into()
}

/// A slider, where the range is one that a slider can have.
fn range<'a>(
    control: &'a Control,
    value: &ControlValue,
    can_set: bool,
) -> Option<Element<'a, Message>> {
    let &ControlValue::Integer(value) = value else { return None };
    let fits = control.min.checked_abs()? < EXACT && control.max.checked_abs()? < EXACT;
    if !can_set || !fits || control.min >= control.max || control.kind != ControlKind::Integer {
        return None;
    }
    let set = |value: f64| {
        let value = ControlValue::Integer(value.round() as i64);
        Message::Set(control.name.clone(), value)
    };
    let bounds = control.min as f64..=control.max as f64;
    let mut slider = slider(bounds, value as f64, set).step(control.step.max(1) as f64);
    if let ControlValue::Integer(default) = control.default {
        slider = slider.default(default as f64);
    }
    let (step, min, max) = (control.step.max(1), control.min, control.max);
    Some(focusable(slider, true, move |used| {
        let to = match used {
            Use::Press => return None,
            Use::Less => value.saturating_sub(step),
            Use::More => value.saturating_add(step),
        };
        (min..=max).contains(&to).then(|| set(to as f64))
    }))
}

fn menu<'a>(control: &'a Control, value: &ControlValue, can_set: bool) -> Element<'a, Message> {
    let entries: Vec<Choice<i64>> =
        control.menu.iter().map(|entry| Choice::new(entry.value, &entry.label)).collect();
    let now = entries.iter().find(|entry| *value == ControlValue::Integer(entry.value)).cloned();
    if !can_set {
        let now = now.map(|entry| entry.to_string()).unwrap_or_default();
        return text(now).size(BODY).style(style::quiet).into();
    }
    let set = |choice: Choice<i64>| {
        Message::Set(control.name.clone(), ControlValue::Integer(choice.value))
    };
    let keys = steps(&entries, now.as_ref(), set);
    let list = pick_list(entries, now, set).width(Fill).text_size(BODY).style(style::choice);
    focusable(list, true, keys)
}

fn line<'a>(
    control: &'a Control,
    edit: &'a Edit,
    value: &ControlValue,
    can_set: bool,
) -> Element<'a, Message> {
    let true_text = match value {
        ControlValue::String(text) => text.clone(),
        other => other.to_string(),
    };
    let shown = edit.text.clone().unwrap_or(true_text);
    let name = control.name.clone();
    let field = text_input("Text, then Enter", &shown).size(BODY).padding(NEAR).style(style::field);
    if !can_set {
        return field.into();
    }
    field
        .on_input(move |text| Message::Write(name.clone(), text))
        .on_submit(Message::Submit(control.name.clone()))
        .into()
}

/// What else can be done: back to the default, keep it at every start.
fn actions<'a>(
    control: &'a Control,
    value: &ControlValue,
    pinned: Option<bool>,
    can_set: bool,
) -> Option<Element<'a, Message>> {
    let has_value = *value != ControlValue::None;
    let differs = control.default != ControlValue::None && *value != control.default;
    let link = |label, message| {
        button(text(label).size(SMALL)).padding(0).style(style::link_button).on_press(message)
    };
    let reset = (differs && can_set).then(|| link("Reset", Message::Reset(control.name.clone())));
    let pin = pinned.and_then(|pinned| {
        let label = if pinned { "Unpin" } else { "Pin" };
        let can_pin = pinned || (has_value && differs && can_set);
        can_pin.then(|| link(label, Message::Pin(control.name.clone(), !pinned)))
    });
    if reset.is_none() && pin.is_none() {
        return None;
    }
    Some(
        row![].extend(reset.map(Element::from)).extend(pin.map(Element::from)).spacing(NEAR).into(),
    )
}
