//! The focus goes on with Tab, and lists scroll to what has it then.

use iced::{
    Rectangle, Theme, Vector,
    advanced::{
        Layout, Widget,
        widget::{
            Id, Operation, Tree,
            operation::{
                Focusable, Outcome, Scrollable,
                focusable::{focus_next, focus_previous},
                scrollable::AbsoluteOffset,
            },
        },
    },
};

use crate::style::APART;

/// Gives the focus to the next widget within `content`, or to the one before.
pub(super) fn step<Message>(
    content: &mut dyn Widget<Message, Theme, iced::Renderer>,
    tree: &mut Tree,
    layout: Layout<'_>,
    renderer: &iced::Renderer,
    back: bool,
) {
    let mut step: Box<dyn Operation> =
        if back { Box::new(focus_previous()) } else { Box::new(focus_next()) };
    // The first counts, the second focuses.
    loop {
        content.operate(tree, layout, renderer, step.as_mut());
        match step.finish() {
            Outcome::Chain(next) => step = next,
            Outcome::None | Outcome::Some(()) => break,
        }
    }
    let mut find = Find::default();
    content.operate(tree, layout, renderer, &mut find);
    if let Some((list, bounds)) = find.found {
        content.operate(tree, layout, renderer, &mut Show { list, bounds, seen: 0 });
    }
}

/// Finds what has the focus, if that is in a list.
#[derive(Default)]
struct Find {
    /// Lists so far; their numbers are how they are known again.
    lists: usize,
    /// The list whose content comes next.
    entered: Option<usize>,
    /// The lists around, the innermost last.
    within: Vec<usize>,
    /// The list, and where in its content.
    found: Option<(usize, Rectangle)>,
}

impl Operation for Find {
    fn traverse(&mut self, operate: &mut dyn FnMut(&mut dyn Operation)) {
        let entered = self.entered.take();
        self.within.extend(entered);
        operate(self);
        if entered.is_some() {
            self.within.pop();
        }
    }

    fn scrollable(
        &mut self,
        _: Option<&Id>,
        _: Rectangle,
        _: Rectangle,
        _: Vector,
        _: &mut dyn Scrollable,
    ) {
        self.entered = Some(self.lists);
        self.lists += 1;
    }

    fn focusable(&mut self, _: Option<&Id>, bounds: Rectangle, state: &mut dyn Focusable) {
        if state.is_focused() {
            self.found = self.within.last().map(|list| (*list, bounds));
        }
    }
}

/// Scrolls a list as little as it takes to show a part of its content, with some room around.
struct Show {
    list: usize,
    bounds: Rectangle,
    seen: usize,
}

impl Operation for Show {
    fn traverse(&mut self, operate: &mut dyn FnMut(&mut dyn Operation)) {
        operate(self);
    }

    fn scrollable(
        &mut self,
        _: Option<&Id>,
        view: Rectangle,
        content: Rectangle,
        now: Vector,
        state: &mut dyn Scrollable,
    ) {
        let number = self.seen;
        self.seen += 1;
        if number != self.list {
            return;
        }
        let top = self.bounds.y - content.y - APART;
        let bottom = top + self.bounds.height + 2.0 * APART;
        // Of what is higher than the list its beginning is seen.
        let offset = now.y.max(bottom - view.height).min(top).max(0.0);
        if offset != now.y {
            state.scroll_to(AbsoluteOffset { x: None, y: Some(offset) });
        }
    }
}
