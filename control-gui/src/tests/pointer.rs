//! The pointer was where it was, however late that is looked at: each of these happens in one go,
//! as on a slow machine, and the pointer ends far away.

use iced::Point;
use iced_test::{
    core::{Event as Input, mouse},
    simulator::Simulator,
};

use super::*;
use crate::{
    live::{Gesture, Look, Newest, Placement, Video},
    pointer::followed,
};

const LEFT: mouse::Button = mouse::Button::Left;

fn moved(x: f32, y: f32) -> Input {
    Input::Mouse(mouse::Event::CursorMoved { position: Point::new(x, y) })
}

fn pressed() -> Input {
    Input::Mouse(mouse::Event::ButtonPressed(LEFT))
}

fn released() -> Input {
    Input::Mouse(mouse::Event::ButtonReleased(LEFT))
}

/// Has these events happen at once in what fills the window.
fn at_once<T: Clone + 'static>(content: Element<'_, T>, events: Vec<Input>) -> Vec<T> {
    let mut window = Simulator::with_size(Settings::default(), SIZE, followed(content));
    let places = events.iter().rev().find_map(|event| match event {
        Input::Mouse(mouse::Event::CursorMoved { position }) => Some(*position),
        _ => None,
    });
    // iced says that it is where it ended.
    if !matches!(events.last(), Some(Input::Mouse(mouse::Event::CursorLeft))) {
        window.point_at(places.expect("it moves"));
    }
    window.simulate(events);
    window.into_messages().collect()
}

fn gestures(selecting: bool, events: Vec<Input>) -> Vec<Gesture> {
    let placement = Placement::default();
    let look = Look { placement, dimmed: false, scale: 1.0, selecting, alone: false };
    at_once(Video::new(&Newest::new(), look, |gesture| gesture).into(), events)
}

#[test]
fn a_rectangle_begins_where_the_button_was_pressed() {
    let events = vec![
        moved(100.0, 50.0),
        pressed(),
        moved(200.0, 150.0),
        moved(300.0, 250.0),
        released(),
        moved(700.0, 500.0),
    ];
    let area = (SIZE.width, SIZE.height);
    let select = |to, done| Gesture::Select { from: (100.0, 50.0), to, area, done };
    let expected = [
        select((100.0, 50.0), false),
        select((200.0, 150.0), false),
        select((300.0, 250.0), false),
        select((300.0, 250.0), true),
    ];
    assert_eq!(gestures(true, events), expected);
}

#[test]
fn a_picture_is_moved_by_as_much_as_the_pointer_was() {
    let events =
        vec![moved(100.0, 50.0), pressed(), moved(130.0, 60.0), released(), moved(700.0, 500.0)];
    let area = (SIZE.width, SIZE.height);
    assert_eq!(gestures(false, events), [Gesture::Drag { by: (30.0, 10.0), area }]);
}

#[test]
fn a_wheel_magnifies_where_it_was_turned() {
    let turned = Input::Mouse(mouse::Event::WheelScrolled {
        delta: mouse::ScrollDelta::Lines { x: 0.0, y: 1.0 },
    });
    let got = gestures(false, vec![moved(200.0, 150.0), turned, moved(700.0, 500.0)]);
    let [Gesture::Zoom { at, .. }] = got[..] else { panic!("{got:?}") };
    assert_eq!(at, (-0.25, -0.25));
}

#[test]
fn a_click_counts_though_the_pointer_has_left_the_window_since() {
    let left = Input::Mouse(mouse::Event::CursorLeft);
    let got = gestures(false, vec![moved(100.0, 50.0), pressed(), released(), left]);
    assert_eq!(got, [Gesture::Press]);
}

#[test]
fn a_slider_is_moved_from_where_it_was_pressed_to_where_it_was_let_go() {
    let slider: Element<'_, f32> = iced::widget::slider(0.0..=800.0, 0.0, |value| value).into();
    let events =
        vec![moved(200.0, 5.0), pressed(), moved(400.0, 5.0), released(), moved(700.0, 500.0)];
    let values = at_once(slider, events);
    let [first, .., last] = values[..] else { panic!("{values:?}") };
    assert!((first - 200.0).abs() < 10.0 && (last - 400.0).abs() < 10.0, "{values:?}");
}

#[test]
fn an_entry_of_a_menu_is_chosen_where_it_was_pressed() {
    // Two goes: the first opens the menu, the second chooses and goes away.
    let list = iced::widget::pick_list(vec!["one", "two", "three"], None::<&str>, |entry| entry);
    let mut window: Simulator<'_, &str> =
        Simulator::with_size(Settings::default(), SIZE, followed(Element::from(list)));
    let go = |window: &mut Simulator<'_, &str>, to: (f32, f32), events: Vec<Input>| {
        window.point_at(Point::new(to.0, to.1));
        window.simulate(events);
    };
    go(&mut window, (5.0, 5.0), vec![moved(5.0, 5.0), pressed(), released()]);
    // Each entry is as high as the list itself, about 30; the second of them.
    let over = moved(10.0, 75.0);
    go(&mut window, (700.0, 500.0), vec![over, pressed(), released(), moved(700.0, 500.0)]);
    assert_eq!(window.into_messages().collect::<Vec<_>>(), ["two"]);
}
