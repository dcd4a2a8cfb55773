//! One camera seen live: its stream, how it is placed, and how it fares.

use std::sync::Arc;

use iced::{
    Center, Element, Fill,
    widget::{column, container, pin, space, stack, text},
};
use protocol::Mode;
use tokio::sync::watch;

use super::stage::framing;
use crate::{
    framing::Framing,
    live::{Gesture, Look, Newest, Placement, Video, stream::Update},
    style::{self, BODY, NEAR, SMALL, TIGHT, TITLE},
    words,
};

/// How a stream fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    /// No frame has come yet.
    Waiting,
    /// Frames come.
    Live,
    /// None come, and why; they resume by themselves.
    Lost(String),
    /// All cameras are off.
    Blocked,
    /// There is no stream, and why; it is tried again.
    Interrupted(String),
}

/// A camera that is watched here.
#[derive(Debug)]
pub(crate) struct View {
    /// Its pictures.
    pub newest: Arc<Newest>,
    /// Where the picture lies.
    pub placement: Placement,
    /// How it fares.
    pub condition: Condition,
    /// The mode that the camera is in.
    pub mode: Option<Mode>,
    /// How the stream is framed.
    pub framing: watch::Sender<Framing>,
    /// Changing that.
    pub bar: framing::Bar,
    /// The rectangle that is being drawn: two corners in logical pixels from the area's.
    selection: Option<[(f32, f32); 2]>,
    frozen: bool,
    /// The window is minimised, or the view out of sight.
    hidden: bool,
}

/// What the screen that a view is on adds to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings {
    /// Pixels of the screen for a logical one.
    pub scale: f32,
    /// Whether figures are shown.
    pub figures: bool,
    /// Whether nothing else is on the screen.
    pub alone: bool,
}

impl View {
    /// A view without a picture yet.
    pub(crate) fn new(framing: Framing) -> Self {
        Self {
            newest: Newest::new(),
            placement: Placement::default(),
            condition: Condition::Waiting,
            mode: None,
            framing: watch::Sender::new(framing),
            bar: framing::Bar::default(),
            selection: None,
            frozen: false,
            hidden: false,
        }
    }

    /// Takes over what happened to the stream.
    pub(crate) fn update(&mut self, update: Update) {
        match update {
            Update::Mode { native } => {
                self.mode = Some(native);
                // Frozen and hidden views are not told of frames.
                self.condition = Condition::Live;
            }
            Update::Frame => self.condition = Condition::Live,
            Update::Lost(reason) => self.condition = Condition::Lost(reason),
            Update::Blocked => self.condition = Condition::Blocked,
            Update::Interrupted(reason) => self.condition = Condition::Interrupted(reason),
        }
    }

    /// Moves the picture as the pointer does. `scale` is that of the screen. Returns how the
    /// stream is to be framed, where a rectangle was drawn.
    pub(crate) fn gesture(&mut self, gesture: Gesture, scale: f32) -> Option<Framing> {
        let (size, _) = self.newest.shown()?;
        let pixels = |(x, y): (f32, f32)| (x * scale, y * scale);
        match gesture {
            Gesture::Zoom { factor, at, area } => {
                self.placement.zoom(factor, at, pixels(area), size);
            }
            Gesture::Drag { by, area } => self.placement.drag(pixels(by), pixels(area), size),
            Gesture::Select { from, to, area, done } => {
                self.selection = (!done).then_some([from, to]);
                if done {
                    self.bar.selecting = false;
                    let placed = self.placement.place(pixels(area), size);
                    let fraction = |at: (f32, f32)| {
                        let (x, y) = pixels(at);
                        let x = (x - placed.left) / placed.width;
                        let x = if self.placement.mirror { 1.0 - x } else { x };
                        (x.clamp(0.0, 1.0), ((y - placed.top) / placed.height).clamp(0.0, 1.0))
                    };
                    return Some(self.framing.borrow().cropped(fraction(from), fraction(to)));
                }
            }
            Gesture::Press | Gesture::DoublePress => {}
        }
        None
    }

    /// Has no rectangle drawn any more. Returns whether one was.
    pub(crate) fn stop_selecting(&mut self) -> bool {
        self.selection = None;
        std::mem::take(&mut self.bar.selecting)
    }

    /// Whether the picture stands still.
    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen
    }

    /// Lets the picture stand still, or go on.
    pub(crate) fn set_frozen(&mut self, frozen: bool) {
        self.frozen = frozen;
        self.newest.set_awake(!self.frozen && !self.hidden);
    }

    /// Says that nobody can see it, or that somebody can.
    pub(crate) fn set_hidden(&mut self, hidden: bool) {
        self.hidden = hidden;
        self.newest.set_awake(!self.frozen && !self.hidden);
    }

    /// The picture, with what there is to say over it.
    pub(crate) fn picture<'a, Message: Clone + 'a>(
        &self,
        with: Surroundings,
        on_gesture: impl Fn(Gesture) -> Message + 'static,
    ) -> Element<'a, Message> {
        let dimmed = matches!(
            self.condition,
            Condition::Lost(_) | Condition::Blocked | Condition::Interrupted(_)
        );
        let selecting = self.bar.selecting;
        let look = Look {
            placement: self.placement,
            dimmed,
            scale: with.scale,
            selecting,
            alone: with.alone,
        };
        let mut layers = stack![Video::new(&self.newest, look, on_gesture)];
        if let Some(message) = self.message() {
            layers = layers.push(container(message).center(Fill));
        }
        if let Some([from, to]) = self.selection.filter(|_| selecting) {
            let area = space().width((to.0 - from.0).abs()).height((to.1 - from.1).abs());
            let marked = container(area).style(style::selection);
            layers = layers.push(pin(marked).x(from.0.min(to.0)).y(from.1.min(to.1)));
        }
        let mut corner = column![].spacing(TIGHT);
        if selecting {
            corner = corner.push(label("Drag a rectangle over what is to stay".to_owned()));
        }
        if with.figures
            && let Some(figures) = self.figures()
        {
            corner = corner.push(label(figures));
        }
        if self.frozen {
            corner = corner.push(label("Frozen. Space goes on".to_owned()));
        }
        layers = layers.push(container(corner).padding(NEAR));
        let layers = container(layers).width(Fill).height(Fill).clip(true);
        // Without a picture nothing covers what lies below.
        let covered = with.alone && self.newest.shown().is_some() && !self.newest.is_software();
        if covered { layers.into() } else { layers.style(style::screen).into() }
    }

    fn figures(&self) -> Option<String> {
        let figures = self.newest.figures()?;
        Some(format!(
            "{}    {:.1} fps    {} dropped    {} ms",
            words::size(figures.size),
            figures.rate,
            figures.dropped,
            figures.latency.as_millis()
        ))
    }

    fn message<'a, Message: 'a>(&self) -> Option<Element<'a, Message>> {
        let (title, more) = match &self.condition {
            Condition::Live => return None,
            Condition::Waiting => ("Waiting for the first picture", String::new()),
            Condition::Lost(reason) => ("No picture now", words::sentence(reason)),
            Condition::Blocked => {
                ("All cameras are off", "Turn them on again with the switch at the top.".to_owned())
            }
            Condition::Interrupted(reason) => ("Connecting again", words::sentence(reason)),
        };
        let mut content = column![text(title).size(TITLE)].spacing(TIGHT).align_x(Center);
        if more.is_empty() {
            content = content.push(space());
        } else {
            content = content.push(text(more).size(BODY).center());
        }
        Some(container(content).max_width(460).padding(NEAR * 2.0).style(style::overlay).into())
    }
}

fn label<'a, Message: 'a>(content: String) -> Element<'a, Message> {
    container(text(content).size(SMALL)).padding([TIGHT, NEAR]).style(style::overlay).into()
}
