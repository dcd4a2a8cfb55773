//! The middle of the window: the selected camera, live or ready to be started, or all that are
//! live side by side.

pub(crate) mod framing;
mod view;

use std::collections::{BTreeMap, HashMap};

use iced::Subscription;
use protocol::{CameraDetail, CameraId, CameraSummary, Mode};

use super::view::{Condition, View};
use crate::{
    framing::Framing,
    live::{Gesture, stream},
};

/// All cameras that are watched here.
#[derive(Debug)]
pub(crate) struct Stage {
    views: BTreeMap<CameraId, View>,
    /// Modes chosen for cameras that are not watched yet.
    wished: HashMap<CameraId, Mode>,
    /// How streams are framed, by id of the camera.
    framings: BTreeMap<String, Framing>,
    /// All side by side.
    pub grid: bool,
    /// Pixels of the screen for a logical one.
    pub scale: f32,
    hidden: bool,
}

/// What happens here.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Message {
    /// A stream says something.
    Stream(CameraId, stream::Update),
    /// Watch a camera.
    Start(CameraId),
    /// Watch it no longer.
    Stop(CameraId),
    /// Have it in another mode.
    Choose(CameraId, Mode),
    /// The pointer does something to a picture.
    Gesture(CameraId, Gesture),
    /// The next way to fill the area.
    Fit(CameraId),
    /// Left and right exchanged, in this view alone.
    Mirror(CameraId),
    /// Turning and cropping the stream.
    Framing(CameraId, framing::Message),
    /// Stand still, or go on.
    Freeze(CameraId),
    /// Keep a picture.
    Snapshot(CameraId),
    /// Figures over the picture, or not.
    Figures,
    /// The whole screen, or not.
    Fullscreen,
}

/// What the rest of the program is to do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    /// Nothing.
    None,
    /// Open this camera in this mode, then watch it, or change its mode.
    SetMode(CameraId, Mode),
    /// The camera is no longer watched here.
    Stopped(CameraId),
    /// Show this one alone.
    Enlarge(CameraId),
    /// Keep a picture, framed like that.
    Snapshot(CameraId, Framing),
    /// Remember how the stream of a camera is framed.
    Framed(CameraId, Framing),
    /// Figures over the picture, or not.
    Figures,
    /// The whole screen, or not.
    Fullscreen,
}

/// What is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a> {
    /// The selected camera.
    pub camera: Option<&'a CameraSummary>,
    /// All that is known of it, once it is.
    pub detail: Option<&'a CameraDetail>,
    /// Whether figures are shown over pictures.
    pub figures: bool,
}

impl Stage {
    /// One on which no camera is watched; `framings` by id of the camera.
    pub(crate) fn new(framings: BTreeMap<String, Framing>) -> Self {
        let (views, wished) = (BTreeMap::new(), HashMap::new());
        Self { views, wished, framings, grid: false, scale: 1.0, hidden: false }
    }

    /// Whether a camera is watched here.
    #[must_use]
    pub(crate) fn is_watched(&self, camera: &CameraId) -> bool {
        self.views.contains_key(camera)
    }

    /// Number of cameras watched here.
    #[must_use]
    pub(crate) fn watched(&self) -> usize {
        self.views.len()
    }

    /// Pictures a second that come of a camera that is watched here.
    #[must_use]
    pub(crate) fn rate(&self, camera: &CameraId) -> Option<f32> {
        let view = self.views.get(camera)?;
        let live = view.condition == Condition::Live && !view.is_frozen();
        view.newest.figures().filter(|_| live).map(|figures| figures.rate)
    }

    /// Begins to watch a camera.
    pub(crate) fn watch(&mut self, camera: &CameraId) {
        let (hidden, framing) = (self.hidden, self.framing(camera));
        let view = self.views.entry(camera.clone()).or_insert_with(|| View::new(framing));
        view.set_hidden(hidden);
    }

    fn framing(&self, camera: &CameraId) -> Framing {
        self.framings.get(&camera.0).copied().unwrap_or_default()
    }

    /// Has a stream framed like that.
    fn frame(&mut self, camera: CameraId, framing: Framing) -> Action {
        if framing == self.framing(&camera) {
            return Action::None;
        }
        if let Some(view) = self.views.get_mut(&camera) {
            view.framing.send_replace(framing);
            // What was magnified is not where it was.
            view.placement.reset();
        }
        self.framings.insert(camera.0.clone(), framing);
        Action::Framed(camera, framing)
    }

    /// Has no rectangle drawn any more. Returns whether one was.
    pub(crate) fn stop_selecting(&mut self) -> bool {
        self.views.values_mut().map(View::stop_selecting).fold(false, |any, was| any | was)
    }

    /// Says whether the window can be seen.
    pub(crate) fn set_hidden(&mut self, hidden: bool) {
        if self.hidden != hidden {
            self.hidden = hidden;
            self.views.values_mut().for_each(|view| view.set_hidden(hidden));
        }
    }

    /// Nothing is watched any more, as for a service that ended for good.
    pub(crate) fn mark_interrupted(&mut self, why: &str) {
        for view in self.views.values_mut() {
            view.update(stream::Update::Interrupted(why.to_owned()));
        }
    }

    /// The streams.
    pub(crate) fn subscription(&self) -> Subscription<Message> {
        let streams = self.views.iter();
        let streams =
            streams.map(|(camera, view)| stream::subscription(camera, &view.newest, &view.framing));
        Subscription::batch(streams).map(|(camera, update)| Message::Stream(camera, update))
    }

    /// Does what it can, and says what is left to do.
    pub(crate) fn update(&mut self, message: Message) -> Action {
        match message {
            Message::Stream(camera, update) => {
                if let Some(view) = self.views.get_mut(&camera) {
                    view.update(update);
                }
            }
            Message::Start(camera) => match self.wished.remove(&camera) {
                Some(mode) => return Action::SetMode(camera, mode),
                None => self.watch(&camera),
            },
            Message::Stop(camera) => {
                self.views.remove(&camera);
                self.grid &= self.views.len() > 1;
                return Action::Stopped(camera);
            }
            Message::Choose(camera, mode) => {
                if self.is_watched(&camera) {
                    return Action::SetMode(camera, mode);
                }
                self.wished.insert(camera, mode);
            }
            Message::Gesture(camera, gesture) => return self.gesture(camera, gesture),
            Message::Fit(camera) => {
                if let Some(view) = self.views.get_mut(&camera) {
                    view.placement.fit = view.placement.fit.next();
                    view.placement.reset();
                }
            }
            Message::Mirror(camera) => {
                if let Some(view) = self.views.get_mut(&camera) {
                    view.placement.mirror = !view.placement.mirror;
                }
            }
            Message::Freeze(camera) => {
                if let Some(view) = self.views.get_mut(&camera) {
                    view.set_frozen(!view.is_frozen());
                }
            }
            Message::Framing(camera, message) => {
                let now = self.framing(&camera);
                if let Some(view) = self.views.get_mut(&camera) {
                    let framing = view.bar.update(message, now);
                    return self.frame(camera, framing);
                }
            }
            Message::Snapshot(camera) => {
                let mut framing = self.framing(&camera);
                framing.mirror ^= self.views.get(&camera).is_some_and(|it| it.placement.mirror);
                return Action::Snapshot(camera, framing);
            }
            Message::Figures => return Action::Figures,
            Message::Fullscreen => return Action::Fullscreen,
        }
        Action::None
    }

    fn gesture(&mut self, camera: CameraId, gesture: Gesture) -> Action {
        match gesture {
            Gesture::Press if self.grid => return Action::Enlarge(camera),
            Gesture::DoublePress => return Action::Fullscreen,
            _ => {}
        }
        let scale = self.scale;
        if let Some(view) = self.views.get_mut(&camera).filter(|_| !self.grid)
            && let Some(framing) = view.gesture(gesture, scale)
        {
            return self.frame(camera, framing);
        }
        Action::None
    }
}
