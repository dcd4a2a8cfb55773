//! The widget that shows a stream. With a GPU it draws textures, without one an image.

use std::sync::Arc;

use iced::{
    Element, Event, Length, Point, Rectangle, Size, Theme,
    advanced::{
        Clipboard, Layout, Renderer as _, Shell, Widget,
        image::{self, FilterMethod, Renderer as _},
        layout, mouse, renderer,
        widget::{Tree, tree},
    },
    widget::{Action, Shader, shader},
};

use super::{
    geometry::{Placed, Placement},
    gpu::{DIMMED, Primitive},
    newest::Newest,
    software,
};

/// What the pointer does to the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Gesture {
    /// Magnify by this factor around a point, both in an area of this size (logical pixels).
    Zoom {
        /// The factor.
        factor: f32,
        /// The point, as a fraction of the area from its middle.
        at: (f32, f32),
        /// The area.
        area: (f32, f32),
    },
    /// Move by so many logical pixels.
    Drag {
        /// How far.
        by: (f32, f32),
        /// The area.
        area: (f32, f32),
    },
    /// Draw a rectangle between two points, in logical pixels from the area's corner.
    Select {
        /// Where it began.
        from: (f32, f32),
        /// Where the pointer is.
        to: (f32, f32),
        /// The area.
        area: (f32, f32),
        /// Whether it was let go.
        done: bool,
    },
    /// Clicked.
    Press,
    /// Clicked twice.
    DoublePress,
}

/// How much one notch of a wheel magnifies.
const NOTCH: f32 = 1.15;
/// Movement below this is a click, in logical pixels.
const CLICK: f32 = 4.0;

/// How a stream is to be shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Look {
    /// Where the picture lies.
    pub placement: Placement,
    /// Darker, since it is not live.
    pub dimmed: bool,
    /// Pixels of the screen for a logical one.
    pub scale: f32,
    /// The pointer draws a rectangle and moves nothing.
    pub selecting: bool,
    /// Nothing else is shown: what lies around the picture is drawn here too.
    pub alone: bool,
}

/// A view of a stream.
pub(crate) struct Video<Message> {
    shader: Shader<Message, Program<Message>>,
    newest: Arc<Newest>,
    look: Look,
}

impl<Message> Video<Message> {
    /// Shows `newest`.
    pub(crate) fn new(
        newest: &Arc<Newest>,
        look: Look,
        on_gesture: impl Fn(Gesture) -> Message + 'static,
    ) -> Self {
        let program = Program { newest: newest.clone(), look, on_gesture: Box::new(on_gesture) };
        let shader = Shader::new(program).width(Length::Fill).height(Length::Fill);
        Self { shader, newest: newest.clone(), look }
    }
}

struct Program<Message> {
    newest: Arc<Newest>,
    look: Look,
    on_gesture: Box<dyn Fn(Gesture) -> Message>,
}

/// What the pointer is at.
#[derive(Default)]
struct Pointer {
    /// Where it was pressed, or moved to since, and whether it was moved.
    pressed: Option<(Point, bool)>,
    last: Option<mouse::Click>,
}

impl Pointer {
    /// What it does while it draws a rectangle.
    fn select(
        &mut self,
        event: &mouse::Event,
        bounds: Rectangle,
        cursor: mouse::Cursor,
    ) -> Option<Gesture> {
        let from = match event {
            mouse::Event::ButtonPressed(mouse::Button::Left) => {
                let at = cursor.position_over(bounds)?;
                self.pressed = Some((at, false));
                at
            }
            mouse::Event::CursorMoved { .. } => self.pressed?.0,
            mouse::Event::ButtonReleased(mouse::Button::Left) => self.pressed.take()?.0,
            _ => return None,
        };
        let to = cursor.position()?;
        let within = |at: Point| {
            let (x, y) = (at.x - bounds.x, at.y - bounds.y);
            (x.clamp(0.0, bounds.width), y.clamp(0.0, bounds.height))
        };
        let done = matches!(event, mouse::Event::ButtonReleased(_));
        let area = (bounds.width, bounds.height);
        Some(Gesture::Select { from: within(from), to: within(to), area, done })
    }
}

impl<Message> shader::Program<Message> for Program<Message> {
    type State = Pointer;
    type Primitive = Primitive;

    fn update(
        &self,
        pointer: &mut Pointer,
        event: &Event,
        bounds: Rectangle,
        cursor: mouse::Cursor,
    ) -> Option<Action<Message>> {
        let Event::Mouse(event) = event else { return None };
        let area = (bounds.width, bounds.height);
        if self.look.selecting {
            let gesture = pointer.select(event, bounds, cursor)?;
            return Some(Action::publish((self.on_gesture)(gesture)).and_capture());
        }
        let gesture = match event {
            mouse::Event::WheelScrolled { delta } => {
                let at = cursor.position_over(bounds)?;
                let notches = match delta {
                    mouse::ScrollDelta::Lines { y, .. } => *y,
                    mouse::ScrollDelta::Pixels { y, .. } => *y / 40.0,
                };
                let middle = bounds.center();
                let at = ((at.x - middle.x) / bounds.width, (at.y - middle.y) / bounds.height);
                Gesture::Zoom { factor: NOTCH.powf(notches), at, area }
            }
            mouse::Event::ButtonPressed(mouse::Button::Left) => {
                let at = cursor.position_over(bounds)?;
                pointer.pressed = Some((at, false));
                return Some(Action::capture());
            }
            mouse::Event::CursorMoved { position } => {
                let (from, dragging) = pointer.pressed?;
                let by = *position - from;
                if !dragging && by.x.hypot(by.y) < CLICK {
                    return None;
                }
                pointer.pressed = Some((*position, true));
                Gesture::Drag { by: (by.x, by.y), area }
            }
            mouse::Event::ButtonReleased(mouse::Button::Left) => {
                let (at, dragged) = pointer.pressed.take()?;
                if dragged {
                    return Some(Action::capture());
                }
                let click = mouse::Click::new(at, mouse::Button::Left, pointer.last);
                pointer.last = Some(click);
                match click.kind() {
                    mouse::click::Kind::Single => Gesture::Press,
                    _ => Gesture::DoublePress,
                }
            }
            _ => return None,
        };
        Some(Action::publish((self.on_gesture)(gesture)).and_capture())
    }

    fn draw(&self, _: &Pointer, _: mouse::Cursor, _: Rectangle) -> Primitive {
        Primitive {
            newest: self.newest.clone(),
            placement: self.look.placement,
            dimmed: self.look.dimmed,
            covers: self.look.alone,
        }
    }

    fn mouse_interaction(
        &self,
        pointer: &Pointer,
        bounds: Rectangle,
        cursor: mouse::Cursor,
    ) -> mouse::Interaction {
        match pointer.pressed {
            Some((_, true)) if !self.look.selecting => mouse::Interaction::Grabbing,
            _ if !cursor.is_over(bounds) => mouse::Interaction::None,
            _ if self.look.selecting => mouse::Interaction::Crosshair,
            _ if self.look.placement.is_zoomed() => mouse::Interaction::Grab,
            _ => mouse::Interaction::None,
        }
    }
}

impl<Message> Video<Message> {
    fn draw_image(&self, renderer: &mut iced::Renderer, bounds: Rectangle, seen: &Rectangle) {
        let (look, scale) = (self.look, self.look.scale);
        let area = (bounds.width * scale, bounds.height * scale);
        let image = self.newest.image(|picture| software::convert(picture, &look.placement, area));
        let Some(image) = image else { return };
        let Some(clip) = bounds.intersection(seen) else { return };
        let Placed { left, top, width, height } = image.place(&look.placement, area);
        let place = Rectangle {
            x: bounds.x + left / scale,
            y: bounds.y + top / scale,
            width: width / scale,
            height: height / scale,
        };
        let opacity = if look.dimmed { DIMMED } else { 1.0 };
        let image = image::Image::new(image.handle)
            .filter_method(FilterMethod::Nearest)
            .opacity(opacity)
            .snap(true);
        if place.is_within(&bounds) {
            renderer.draw_image(image, place, clip);
        } else {
            renderer.with_layer(clip, |renderer| renderer.draw_image(image, place, clip));
        }
    }

    /// The shader widget that this one is with a GPU.
    fn shader(&self) -> &dyn Widget<Message, Theme, iced::Renderer> {
        &self.shader
    }
}

impl<Message> Widget<Message, Theme, iced::Renderer> for Video<Message> {
    fn tag(&self) -> tree::Tag {
        self.shader().tag()
    }

    fn state(&self) -> tree::State {
        self.shader().state()
    }

    fn size(&self) -> Size<Length> {
        self.shader().size()
    }

    fn layout(
        &mut self,
        _tree: &mut Tree,
        _renderer: &iced::Renderer,
        limits: &layout::Limits,
    ) -> layout::Node {
        layout::atomic(limits, Length::Fill, Length::Fill)
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
        let shader: &mut dyn Widget<Message, Theme, iced::Renderer> = &mut self.shader;
        shader.update(tree, event, layout, cursor, renderer, clipboard, shell, viewport);
    }

    fn mouse_interaction(
        &self,
        tree: &Tree,
        layout: Layout<'_>,
        cursor: mouse::Cursor,
        viewport: &Rectangle,
        renderer: &iced::Renderer,
    ) -> mouse::Interaction {
        self.shader().mouse_interaction(tree, layout, cursor, viewport, renderer)
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
        if matches!(renderer, iced::Renderer::Secondary(_)) {
            self.draw_image(renderer, layout.bounds(), viewport);
        } else {
            self.shader().draw(tree, renderer, theme, style, layout, cursor, viewport);
        }
    }
}

impl<'a, Message: 'a> From<Video<Message>> for Element<'a, Message> {
    fn from(video: Video<Message>) -> Self {
        Self::new(video)
    }
}
