//! The middle of the window: the selected camera, live or ready to be started, or all that are
//! live side by side.

use std::collections::{BTreeMap, HashMap};

use iced::{
    Center, Element, Fill, Subscription,
    widget::{button, center, column, container, row, space, text},
};
use protocol::{CameraDetail, CameraId, CameraSummary, Mode};

use super::{
    mode_choice,
    view::{Condition, Surroundings, View},
};
use crate::{
    live::{Fit, Gesture, stream},
    modes,
    style::{self, APART, BODY, FAR, HEADING, NEAR, SMALL, TIGHT, TITLE},
    words::{self, Tone},
};

/// All cameras that are watched here.
#[derive(Debug)]
pub(crate) struct Stage {
    views: BTreeMap<CameraId, View>,
    /// Modes chosen for cameras that are not watched yet.
    wished: HashMap<CameraId, Mode>,
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
    /// Left and right exchanged.
    Mirror(CameraId),
    /// Stand still, or go on.
    Freeze(CameraId),
    /// Keep a picture.
    Snapshot(CameraId),
    /// Figures over the picture, or not.
    Figures,
    /// The whole screen, or not.
    Fullscreen,
    /// Use a test camera.
    AddTestCamera,
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
    /// Keep a picture; whether left and right are exchanged.
    Snapshot(CameraId, bool),
    /// Figures over the picture, or not.
    Figures,
    /// The whole screen, or not.
    Fullscreen,
    /// Use a test camera.
    AddTestCamera,
}

/// What is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a> {
    /// The selected camera.
    pub camera: Option<&'a CameraSummary>,
    /// All that is known of it, once it is.
    pub detail: Option<&'a CameraDetail>,
    /// Whether there is any camera.
    pub any: bool,
    /// Whether figures are shown over pictures.
    pub figures: bool,
}

impl Default for Stage {
    fn default() -> Self {
        let (views, wished) = (BTreeMap::new(), HashMap::new());
        Self { views, wished, grid: false, scale: 1.0, hidden: false }
    }
}

impl Stage {
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
        let hidden = self.hidden;
        let view = self.views.entry(camera.clone()).or_insert_with(View::new);
        view.set_hidden(hidden);
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
        let streams = streams.map(|(camera, view)| stream::subscription(camera, &view.newest));
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
            Message::Snapshot(camera) => {
                let mirror = self.views.get(&camera).is_some_and(|view| view.placement.mirror);
                return Action::Snapshot(camera, mirror);
            }
            Message::Figures => return Action::Figures,
            Message::Fullscreen => return Action::Fullscreen,
            Message::AddTestCamera => return Action::AddTestCamera,
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
        if let Some(view) = self.views.get_mut(&camera).filter(|_| !self.grid) {
            view.gesture(gesture, scale);
        }
        Action::None
    }

    /// The picture alone, for the whole screen.
    pub(crate) fn picture(&self, shown: Shown<'_>) -> Option<Element<'_, Message>> {
        let camera = shown.camera?;
        let view = self.views.get(&camera.id)?;
        let id = camera.id.clone();
        let with = Surroundings { scale: self.scale, figures: shown.figures };
        Some(view.picture(with, move |gesture| Message::Gesture(id.clone(), gesture)))
    }

    /// The middle of the window.
    pub(crate) fn view<'a>(
        &'a self,
        shown: Shown<'a>,
        names: impl Fn(&CameraId) -> String,
    ) -> Element<'a, Message> {
        if self.grid && self.views.len() > 1 {
            return self.all(shown, names);
        }
        let Some(camera) = shown.camera else { return nothing(shown.any) };
        match self.picture(shown) {
            Some(picture) => {
                let view = &self.views[&camera.id];
                column![title(camera), picture, self.tools(camera, view, shown)]
                    .spacing(NEAR)
                    .padding(APART)
                    .into()
            }
            None => self.ready(camera, shown.detail),
        }
    }

    fn all<'a>(
        &'a self,
        shown: Shown<'a>,
        names: impl Fn(&CameraId) -> String,
    ) -> Element<'a, Message> {
        let across = if self.views.len() > 4 { 3 } else { 2 };
        let with = Surroundings { scale: self.scale, figures: shown.figures };
        let cells: Vec<Element<'_, Message>> = self
            .views
            .iter()
            .map(|(id, view)| {
                let of = id.clone();
                let picture =
                    view.picture(with, move |gesture| Message::Gesture(of.clone(), gesture));
                let name = text(names(id)).size(BODY);
                column![picture, name].spacing(TIGHT).into()
            })
            .collect();
        let mut rows = column![].spacing(APART).padding(APART);
        let mut cells = cells.into_iter().peekable();
        while cells.peek().is_some() {
            let mut line: Vec<_> = cells.by_ref().take(across).collect();
            line.resize_with(across, || space::horizontal().into());
            rows = rows.push(row(line).spacing(APART).height(Fill));
        }
        rows.into()
    }

    /// A camera that could be started.
    fn ready<'a>(
        &'a self,
        camera: &'a CameraSummary,
        detail: Option<&'a CameraDetail>,
    ) -> Element<'a, Message> {
        let start = button(text("Start").size(TITLE))
            .padding([NEAR, FAR])
            .style(style::main_button)
            .on_press(Message::Start(camera.id.clone()));
        let (tone, state) = words::state(camera);
        let mut content = column![
            text(&camera.name).size(HEADING).center(),
            text(state).size(BODY).style(style::toned(tone)),
        ]
        .spacing(NEAR)
        .align_x(Center);
        if !camera.reason.is_empty() {
            content = content.push(text(&camera.reason).size(BODY).style(style::quiet).center());
        }
        content = content.push(space().height(NEAR)).push(start);
        let wished = self.wished.get(&camera.id).copied().or(camera.mode);
        if let Some(detail) = detail {
            let first = modes::sizes(&detail.modes).first().copied();
            let like = wished
                .or_else(|| detail.modes.iter().find(|mode| Some(mode.size) == first).copied());
            content = content.push(space().height(TIGHT));
            if let (Some(like), true) = (like, detail.modes.len() > 1) {
                let chosen = wished.is_some();
                content = content.push(choose_mode(camera, &detail.modes, like, chosen));
            }
        }
        if camera.held_open {
            content = content.push(held(camera));
        }
        center(container(content).padding(FAR).max_width(520).style(style::card))
            .padding(APART)
            .into()
    }

    /// What can be done with a picture.
    fn tools<'a>(
        &'a self,
        camera: &'a CameraSummary,
        view: &'a View,
        shown: Shown<'a>,
    ) -> Element<'a, Message> {
        let id = || camera.id.clone();
        let tool = |label: &'a str, on: bool, message| {
            button(text(label).size(BODY)).style(style::switch_button(on)).on_press(message)
        };
        let fit = match view.placement.fit {
            Fit::Fit => "Fit",
            Fit::Fill => "Fill",
            Fit::Actual => "1:1",
        };
        let stop = button(text("Stop").size(BODY))
            .style(style::ending_button)
            .on_press(Message::Stop(id()));
        let tools = row![
            stop,
            tool("Snapshot", false, Message::Snapshot(id())),
            tool("Freeze", view.is_frozen(), Message::Freeze(id())),
            tool("Mirror", view.placement.mirror, Message::Mirror(id())),
            tool(fit, view.placement.fit != Fit::Fit, Message::Fit(id())),
            tool("Figures", shown.figures, Message::Figures),
            tool("Full screen", false, Message::Fullscreen),
        ]
        .spacing(NEAR);
        let mut all = column![tools.wrap().vertical_spacing(NEAR)].spacing(NEAR);
        if let (Some(detail), Some(mode)) = (shown.detail, view.mode.or(camera.mode)) {
            all = all.push(choose_mode(camera, &detail.modes, mode, true));
        }
        all.into()
    }
}

fn title(camera: &CameraSummary) -> Element<'_, Message> {
    let (tone, state) = words::state(camera);
    row![
        text(&camera.name).size(TITLE),
        text(state).size(BODY).style(style::toned(tone)),
        space::horizontal(),
        text(words::watchers(camera.watchers)).size(SMALL).style(style::quiet),
    ]
    .spacing(APART)
    .align_y(Center)
    .into()
}

fn held(camera: &CameraSummary) -> Element<'_, Message> {
    let stop = button(text("Stop").size(BODY))
        .style(style::ending_button)
        .on_press(Message::Stop(camera.id.clone()));
    let why = text("It is kept on, though it is not shown here.").size(SMALL).style(style::quiet);
    row![why, stop].spacing(NEAR).align_y(Center).into()
}

fn choose_mode<'a>(
    camera: &CameraSummary,
    modes: &[Mode],
    like: Mode,
    chosen: bool,
) -> Element<'a, Message> {
    let id = camera.id.clone();
    mode_choice::view(modes, like, chosen).map(move |mode| Message::Choose(id.clone(), mode))
}

fn nothing<'a>(any: bool) -> Element<'a, Message> {
    let content =
        if any {
            column![text("Choose a camera").size(HEADING)]
        } else {
            let add = button(text("Use a test camera").size(BODY))
                .padding([NEAR, APART])
                .style(style::main_button)
                .on_press(Message::AddTestCamera);
            column![
            text("No camera was found").size(HEADING),
            text("Plug one in, and it appears here. One that is plugged in and not listed may be \
                  forbidden to you: in a terminal, `camera-service list` says why.")
                .size(BODY)
                .style(style::quiet)
                .center(),
            space().height(NEAR),
            add,
            text("It shows moving colour bars and has controls to try.")
                .size(SMALL)
                .style(style::toned(Tone::Quiet)),
        ]
        };
    let content = content.spacing(NEAR).align_x(Center);
    center(container(content).padding(FAR).max_width(520).style(style::card)).padding(APART).into()
}
