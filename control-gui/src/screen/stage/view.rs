//! What the stage shows: pictures and what can be done with them, or a card.

use iced::{
    Center, Element, Fill,
    widget::{center, column, container, row, space, text},
};
use protocol::{CameraDetail, CameraId, CameraSummary, Mode};

use super::{Message, Shown, Stage, framing};
use crate::{
    focus::button,
    framing::Framing,
    live::Fit,
    modes,
    screen::{
        mode_choice,
        view::{Surroundings, View},
    },
    style::{self, APART, BODY, FAR, HEADING, NEAR, SMALL, TIGHT, TITLE},
    words,
};

impl Stage {
    /// The picture; `alone` on the whole screen, or not.
    pub(crate) fn picture(&self, shown: Shown<'_>, alone: bool) -> Option<Element<'_, Message>> {
        let camera = shown.camera?;
        let view = self.views.get(&camera.id)?;
        let id = camera.id.clone();
        let with = Surroundings { scale: self.scale, figures: shown.figures, alone };
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
        let Some(camera) = shown.camera else { return nothing() };
        match self.picture(shown, false) {
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
        let with = Surroundings { scale: self.scale, figures: shown.figures, alone: false };
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
        // Narrow enough to be one row in a window of the usual size.
        let padding = [5.0, NEAR];
        let tool = |label: &'a str, on: bool, message| {
            let tool = button(text(label).size(BODY)).padding(padding);
            tool.style(style::switch_button(on)).on_press(message)
        };
        let fit = match view.placement.fit {
            Fit::Whole => "Fit",
            Fit::Fill => "Fill",
            Fit::Actual => "1:1",
        };
        let stop = button(text("Stop").size(BODY))
            .padding(padding)
            .style(style::ending_button)
            .on_press(Message::Stop(id()));
        let framed = self.framing(&camera.id) != Framing::default();
        let open = Message::Framing(id(), framing::Message::Open);
        let tools = row![
            stop,
            tool("Snapshot", false, Message::Snapshot(id())),
            tool("Freeze", view.is_frozen(), Message::Freeze(id())),
            tool("Mirror", view.placement.mirror, Message::Mirror(id())),
            tool(fit, view.placement.fit != Fit::Whole, Message::Fit(id())),
            tool("Framing", view.bar.open || framed, open),
            tool("Figures", shown.figures, Message::Figures),
            tool("Full screen", false, Message::Fullscreen),
        ]
        .spacing(TIGHT);
        let mut all = column![tools.wrap().vertical_spacing(TIGHT)].spacing(NEAR);
        if view.bar.open {
            let of = camera.id.clone();
            let bar = view.bar.view(self.framing(&camera.id));
            all = all.push(bar.map(move |message| Message::Framing(of.clone(), message)));
        }
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

fn nothing<'a>() -> Element<'a, Message> {
    center(text("Choose a camera").size(HEADING)).into()
}
