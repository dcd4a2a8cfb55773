//! Where the pointer was when something happened.
//!
//! iced hands widgets the events of a while together, and with each of them the place that the
//! pointer has at the end. On a slow machine a button is pressed where the pointer went afterwards,
//! and a rectangle begins in its middle. What lies in here is told of each event with the place
//! that the pointer had then.

use iced::{
    Element, Event, Length, Point, Rectangle, Size, Theme, Vector,
    advanced::{
        Clipboard, Layout, Overlay, Shell, Widget, layout, mouse, overlay, renderer,
        widget::{
            Operation, Tree,
            tree::{State, Tag},
        },
    },
    touch,
};

/// All that is in a window, with the pointer where it was.
pub(crate) fn followed<'a, Message: 'a>(
    content: impl Into<Element<'a, Message>>,
) -> Element<'a, Message> {
    Element::new(Followed { content: content.into() })
}

struct Followed<'a, Message> {
    content: Element<'a, Message>,
}

/// Where the pointer was at the last event.
#[derive(Debug, Default, Clone, Copy)]
struct Place(Option<Point>);

/// Menus are told of all events of a while before what lies below them is told of the first.
#[derive(Debug, Default)]
struct Places {
    below: Place,
    above: Place,
}

impl Place {
    /// Where it is after `event`.
    fn follow(&mut self, event: &Event) {
        match event {
            Event::Mouse(mouse::Event::CursorMoved { position })
            | Event::Touch(
                touch::Event::FingerPressed { position, .. }
                | touch::Event::FingerMoved { position, .. }
                | touch::Event::FingerLifted { position, .. }
                | touch::Event::FingerLost { position, .. },
            ) => self.0 = Some(*position),
            Event::Mouse(mouse::Event::CursorLeft) => self.0 = None,
            _ => {}
        }
    }

    /// The pointer, of which iced says `last`; `free` if no menu lies over it.
    fn cursor(self, last: mouse::Cursor, free: impl FnOnce() -> bool) -> mouse::Cursor {
        match (last, self.0) {
            (mouse::Cursor::Available(_), Some(at)) => mouse::Cursor::Available(at),
            // It has left the window since.
            (mouse::Cursor::Unavailable, Some(at)) if free() => mouse::Cursor::Available(at),
            _ => last,
        }
    }
}

impl<Message> Widget<Message, Theme, iced::Renderer> for Followed<'_, Message> {
    fn tag(&self) -> Tag {
        Tag::of::<Places>()
    }

    fn state(&self) -> State {
        State::new(Places::default())
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
        let Tree { state, children, .. } = tree;
        let places = state.downcast_mut::<Places>();
        let (tree, content) = (&mut children[0], self.content.as_widget_mut());
        places.below.follow(event);
        places.above = places.below;
        let cursor = places.below.cursor(cursor, || {
            content.overlay(tree, layout, renderer, viewport, Vector::ZERO).is_none()
        });
        content.update(tree, event, layout, cursor, renderer, clipboard, shell, viewport);
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
        let Tree { state, children, .. } = tree;
        let places = state.downcast_mut::<Places>();
        let content = self.content.as_widget_mut();
        let content = content.overlay(&mut children[0], layout, renderer, viewport, translation)?;
        Some(overlay::Element::new(Box::new(Above { content, places })))
    }
}

/// A menu, which lies above the rest. Ours have none above themselves.
struct Above<'a, Message> {
    content: overlay::Element<'a, Message, Theme, iced::Renderer>,
    places: &'a mut Places,
}

impl<Message> Overlay<Message, Theme, iced::Renderer> for Above<'_, Message> {
    fn layout(&mut self, renderer: &iced::Renderer, bounds: Size) -> layout::Node {
        self.content.as_overlay_mut().layout(renderer, bounds)
    }

    fn draw(
        &self,
        renderer: &mut iced::Renderer,
        theme: &Theme,
        style: &renderer::Style,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
    ) {
        self.content.as_overlay().draw(renderer, theme, style, layout, cursor);
    }

    fn operate(
        &mut self,
        layout: Layout<'_>,
        renderer: &iced::Renderer,
        operation: &mut dyn Operation,
    ) {
        self.content.as_overlay_mut().operate(layout, renderer, operation);
    }

    fn update(
        &mut self,
        event: &Event,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        renderer: &iced::Renderer,
        clipboard: &mut dyn Clipboard,
        shell: &mut Shell<'_, Message>,
    ) {
        self.places.above.follow(event);
        let cursor = self.places.above.cursor(cursor, || true);
        let content = self.content.as_overlay_mut();
        content.update(event, layout, cursor, renderer, clipboard, shell);
        if shell.is_event_captured() {
            // What lies below is not told of this one.
            self.places.below = self.places.above;
        }
    }

    fn mouse_interaction(
        &self,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        renderer: &iced::Renderer,
    ) -> mouse::Interaction {
        self.content.as_overlay().mouse_interaction(layout, cursor, renderer)
    }

    fn overlay<'b>(
        &'b mut self,
        layout: Layout<'b>,
        renderer: &iced::Renderer,
    ) -> Option<overlay::Element<'b, Message, Theme, iced::Renderer>> {
        self.content.as_overlay_mut().overlay(layout, renderer)
    }

    fn index(&self) -> f32 {
        self.content.as_overlay().index()
    }
}
