//! What can be done with keys alone.

use iced::{
    Theme,
    keyboard::{Key, Modifiers, key::Named},
};
use iced_test::{
    core::{
        Event as Input, clipboard, mouse,
        renderer::{Headless as _, Style},
        window,
    },
    futures::futures::executor::block_on,
    runtime::{UserInterface, user_interface::Cache},
    simulator::tap_key,
};

use super::*;
use crate::{app::Shown, style};

/// What is done in one window, in this order.
enum Step {
    Next,
    Previous,
    Tap(Named),
}

impl Step {
    fn events(&self) -> Vec<Input> {
        let (key, with) = match self {
            Self::Next => (Named::Tab, Modifiers::empty()),
            Self::Previous => (Named::Tab, Modifiers::SHIFT),
            Self::Tap(key) => (*key, Modifiers::empty()),
        };
        let mut events: Vec<_> = tap_key(Key::Named(key), None).collect();
        for event in &mut events {
            if let Input::Keyboard(iced::keyboard::Event::KeyPressed { modifiers, .. }) = event {
                *modifiers = with;
            }
        }
        events
    }
}

/// Does it and what follows; returns the pixels of the window, drawn before what follows.
fn take(app: &mut App, steps: &[Step]) -> Vec<u8> {
    let size = style::BODY.into();
    let mut renderer =
        block_on(iced::Renderer::new(crate::FONT, size, Some("tiny-skia"))).expect("a renderer");
    let mut messages = vec![];
    let mut window: UserInterface<'_, Message, Theme, iced::Renderer> =
        UserInterface::build(app.view(), SIZE, Cache::default(), &mut renderer);
    let none = mouse::Cursor::Unavailable;
    for step in steps {
        let events = step.events();
        let _ = window.update(&events, none, &mut renderer, &mut clipboard::Null, &mut messages);
    }
    let redraw = Input::Window(window::Event::RedrawRequested(std::time::Instant::now()));
    let _ = window.update(&[redraw], none, &mut renderer, &mut clipboard::Null, &mut messages);
    let style = Style { text_color: iced::Color::BLACK };
    window.draw(&mut renderer, &style::light(), &style, none);
    let pixels = Size::new(SIZE.width as u32, SIZE.height as u32);
    let shot = renderer.screenshot(pixels, 1.0, iced::Color::WHITE);
    drop(window);
    messages.into_iter().for_each(|message| tell(app, message));
    shot
}

#[test]
fn buttons_are_reached_with_tab_and_pressed_with_enter_or_space() {
    for key in [Named::Enter, Named::Space] {
        let mut app = ready();
        // Its place in the row: Controls, Who watches, Remote, Settings. The switch needs a
        // connection.
        let to_settings = [Step::Next, Step::Next, Step::Next, Step::Next, Step::Tap(key)];
        take(&mut app, &to_settings);
        assert!(sees(&app, "Snapshot folder"), "{key:?}");
        take(&mut app, &[Step::Next, Step::Previous, Step::Previous, Step::Tap(key)]);
    }
}

#[test]
fn what_has_the_focus_is_seen_and_nothing_else_changes() {
    let mut app = ready();
    let without = take(&mut app, &[]);
    let with = take(&mut app, &[Step::Next]);
    let changed = without.chunks(4).zip(with.chunks(4)).enumerate().filter(|(_, (a, b))| a != b);
    let changed: Vec<(usize, usize)> =
        changed.map(|(at, _)| (at % SIZE.width as usize, at / SIZE.width as usize)).collect();
    assert!(changed.len() > 100, "a ring has more than {} pixels", changed.len());
    assert!(changed.iter().all(|(x, y)| *x > 300 && *y < 50), "the first button is in the bar");
}

#[test]
fn a_key_that_was_taken_by_a_button_does_nothing_to_the_camera() {
    let mut app = ready();
    tell(&mut app, Message::Show(Shown::Clients));
    // Back is the button after those of the bar.
    let mut steps: Vec<Step> = (0..6).map(|_| Step::Next).collect();
    steps.push(Step::Tap(Named::Enter));
    take(&mut app, &steps);
    assert_eq!(app.title(), "Camera a - Cameras");
    assert!(sees(&app, "Start"), "it was not started");
}

#[test]
fn arrows_move_a_slider_by_its_step() {
    let mut app = ready();
    tell(&mut app, Message::Controls(controls::Message::Search("bright".to_owned())));
    // Backwards from the end: Pin, Reset, the slider.
    let steps = [Step::Previous, Step::Previous, Step::Previous, Step::Tap(Named::ArrowRight)];
    take(&mut app, &steps);
    assert!(sees(&app, "13"), "brightness was 12");
}

#[test]
fn a_list_scrolls_to_what_has_the_focus() {
    let mut app = ready();
    // The controls of the least window end far below it; the last of them is a field.
    let without = take(&mut app, &[]);
    let with = take(&mut app, &[Step::Previous]);
    let row = SIZE.width as usize * 4;
    let changed = |y: usize| without[y * row..(y + 1) * row] != with[y * row..(y + 1) * row];
    let rows = (0..SIZE.height as usize).filter(|y| changed(*y)).count();
    assert!(rows > 300, "the whole list has moved, not {rows} rows of the window");
    // Forwards the first thing is at the top, and the list stays as it is.
    let with = take(&mut app, &[Step::Next]);
    let changed = |y: usize| without[y * row..(y + 1) * row] != with[y * row..(y + 1) * row];
    assert!(!(50..SIZE.height as usize).any(changed));
}
