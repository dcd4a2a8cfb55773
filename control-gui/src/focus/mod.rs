//! Focus for what iced gives none: buttons, switches and lists are reached with Tab, show it with a
//! ring, and are used with Enter, Space, and the arrows to the left and right.

mod button;
mod tab;

use iced::{
    Element, Event, Length, Rectangle, Size, Theme, Vector,
    advanced::{
        Clipboard, Layout, Renderer as _, Shell, Widget, layout, mouse, overlay,
        renderer::{self, Quad},
        widget::{
            Operation, Tree,
            operation::Focusable,
            tree::{State, Tag},
        },
    },
    border,
    keyboard::{self, Key, key::Named},
};

use crate::style::{RING, ring};

pub(crate) use button::button;

/// What a key does to something that has the focus.
type OnKey<'a, Message> = Box<dyn Fn(Use) -> Option<Message> + 'a>;

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Enter or Space.
    Press,
    /// The arrow to the left.
    Less,
    /// The arrow to the right.
    More,
}

impl Use {
    fn of(key: &Key) -> Option<Self> {
        Some(match key {
            Key::Named(Named::Enter | Named::Space) => Self::Press,
            Key::Named(Named::ArrowLeft) => Self::Less,
            Key::Named(Named::ArrowRight) => Self::More,
            _ => return None,
        })
    }

    /// The number of the entry before or after the `now`th of `count`; the first where none is.
    fn step(self, now: Option<usize>, count: usize) -> Option<usize> {
        let to = match (self, now) {
            (Self::Press, _) => return None,
            (_, None) => 0,
            (Self::Less, Some(now)) => now.checked_sub(1)?,
            (Self::More, Some(now)) => now + 1,
        };
        (to < count).then_some(to)
    }
}

/// `content`, which can have the focus if `can` says so; `on_key` says what comes of keys then.
pub(crate) fn focusable<'a, Message: 'a>(
    content: impl Into<Element<'a, Message>>,
    can: bool,
    on_key: impl Fn(Use) -> Option<Message> + 'a,
) -> Element<'a, Message> {
    let on_key = can.then(|| -> OnKey<'a, Message> { Box::new(on_key) });
    Element::new(Focus { content: content.into(), on_key, holds_all: false })
}

/// All that is in a window: Tab goes through it. At once, so that what is typed next goes where the
/// focus is then.
pub(crate) fn window<'a, Message: 'a>(
    content: impl Into<Element<'a, Message>>,
) -> Element<'a, Message> {
    Element::new(Focus { content: content.into(), on_key: None, holds_all: true })
}

/// What keys do to a list of which one is chosen: the arrows choose the one before or after.
pub(crate) fn steps<'a, T: Clone + PartialEq + 'a, Message>(
    options: &[T],
    now: Option<&T>,
    choose: impl Fn(T) -> Message + 'a,
) -> impl Fn(Use) -> Option<Message> + 'a {
    let at = now.and_then(|now| options.iter().position(|option| option == now));
    let options = options.to_vec();
    move |used| Some(choose(options[used.step(at, options.len())?].clone()))
}

struct Focus<'a, Message> {
    content: Element<'a, Message>,
    /// `None` where nothing can be done with it now.
    on_key: Option<OnKey<'a, Message>>,
    /// It is the window.
    holds_all: bool,
}

#[derive(Default)]
struct Focused(bool);

impl Focusable for Focused {
    fn is_focused(&self) -> bool {
        self.0
    }

    fn focus(&mut self) {
        self.0 = true;
    }

    fn unfocus(&mut self) {
        self.0 = false;
    }
}

impl<Message> Widget<Message, Theme, iced::Renderer> for Focus<'_, Message> {
    fn tag(&self) -> Tag {
        Tag::of::<Focused>()
    }

    fn state(&self) -> State {
        State::new(Focused::default())
    }

    fn children(&self) -> Vec<Tree> {
        vec![Tree::new(&self.content)]
    }

    fn diff(&self, tree: &mut Tree) {
        tree.diff_children(std::slice::from_ref(&self.content));
    }

    fn size(&self) -> Size<Length> {
        self.content.as_widget().size()
    }

    fn size_hint(&self) -> Size<Length> {
        self.content.as_widget().size_hint()
    }

    fn layout(
        &mut self,
        tree: &mut Tree,
        renderer: &iced::Renderer,
        limits: &layout::Limits,
    ) -> layout::Node {
        self.content.as_widget_mut().layout(&mut tree.children[0], renderer, limits)
    }

    fn operate(
        &mut self,
        tree: &mut Tree,
        layout: Layout<'_>,
        renderer: &iced::Renderer,
        operation: &mut dyn Operation,
    ) {
        let focused = tree.state.downcast_mut::<Focused>();
        if self.on_key.is_some() {
            operation.focusable(None, layout.bounds(), focused);
        } else {
            focused.unfocus();
        }
        self.content.as_widget_mut().operate(&mut tree.children[0], layout, renderer, operation);
    }

    fn update(
        &mut self,
        tree: &mut Tree,
        event: &Event,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        renderer: &iced::Renderer,
        clipboard: &mut dyn Clipboard,
        shell: &mut Shell<'_, Message>,
        viewport: &Rectangle,
    ) {
        let focused = tree.state.downcast_mut::<Focused>();
        match event {
            Event::Keyboard(keyboard::Event::KeyPressed { key, modifiers, .. })
                if focused.0 && !modifiers.command() && !modifiers.alt() =>
            {
                if let (Some(on_key), Some(used)) = (&self.on_key, Use::of(key)) {
                    if let Some(message) = on_key(used) {
                        shell.publish(message);
                    }
                    // It is not meant for the picture either.
                    shell.capture_event();
                    return;
                }
            }
            // Who uses the pointer needs no ring.
            Event::Mouse(mouse::Event::ButtonPressed(_)) if focused.0 => {
                focused.unfocus();
                shell.request_redraw();
            }
            _ => {}
        }
        let content = self.content.as_widget_mut();
        let tree = &mut tree.children[0];
        content.update(tree, event, layout, cursor, renderer, clipboard, shell, viewport);
        let Event::Keyboard(keyboard::Event::KeyPressed {
            key: Key::Named(Named::Tab),
            modifiers,
            ..
        }) = event
        else {
            return;
        };
        if self.holds_all && !shell.is_event_captured() && !modifiers.command() {
            tab::step(content, tree, layout, renderer, modifiers.shift());
            shell.capture_event();
            shell.request_redraw();
        }
    }

    fn draw(
        &self,
        tree: &Tree,
        renderer: &mut iced::Renderer,
        theme: &Theme,
        style: &renderer::Style,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        viewport: &Rectangle,
    ) {
        let content = self.content.as_widget();
        content.draw(&tree.children[0], renderer, theme, style, layout, cursor, viewport);
        if tree.state.downcast_ref::<Focused>().0 && self.on_key.is_some() {
            let (colour, round) = ring(theme);
            let border = border::color(colour).width(RING).rounded(round);
            let bounds = layout.bounds().expand(RING);
            renderer
                .fill_quad(Quad { bounds, border, ..Quad::default() }, iced::Color::TRANSPARENT);
        }
    }

    fn mouse_interaction(
        &self,
        tree: &Tree,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        viewport: &Rectangle,
        renderer: &iced::Renderer,
    ) -> mouse::Interaction {
        let content = self.content.as_widget();
        content.mouse_interaction(&tree.children[0], layout, cursor, viewport, renderer)
    }

    fn overlay<'b>(
        &'b mut self,
        tree: &'b mut Tree,
        layout: Layout<'b>,
        renderer: &iced::Renderer,
        viewport: &Rectangle,
        translation: Vector,
    ) -> Option<overlay::Element<'b, Message, Theme, iced::Renderer>> {
        let content = self.content.as_widget_mut();
        content.overlay(&mut tree.children[0], layout, renderer, viewport, translation)
    }
}
