//! The list of cameras at the left.

use iced::{
    Element, Fill,
    widget::{column, container, row, scrollable, space, text},
};
use protocol::{CameraId, CameraState, CameraSummary};

use crate::{
    focus::button,
    model::Model,
    screen::stage::Stage,
    style::{self, APART, BODY, LIST_WIDTH, NEAR, SMALL, TIGHT},
    words,
};

/// What happens here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// Look at this camera.
    Select(CameraId),
    /// All that are live, side by side, or one again.
    SideBySide,
    /// Use a test camera.
    AddTestCamera,
    /// Remove it.
    RemoveTestCamera(CameraId),
}

/// The list.
pub(crate) fn view<'a>(
    model: &'a Model,
    stage: &Stage,
    selected: Option<&CameraId>,
) -> Element<'a, Message> {
    let entries = model.cameras.iter().map(|camera| {
        let is_selected = selected == Some(&camera.id) && !stage.grid;
        entry(camera, is_selected, stage.rate(&camera.id))
    });
    let mut list = column(entries).spacing(TIGHT);
    if model.cameras.is_empty() {
        let none = text("None yet").size(BODY).style(style::quiet);
        list = list.push(container(none).padding([NEAR, NEAR]));
    }
    let mut content = column![
        text("Cameras").size(SMALL).style(style::quiet),
        scrollable(list).direction(style::thin()).style(style::scroll).height(Fill),
    ]
    .spacing(NEAR);
    if stage.watched() > 1 {
        let all = format!("Side by side ({})", stage.watched());
        let all = button(text(all).size(BODY)).width(Fill).style(style::switch_button(stage.grid));
        content = content.push(all.on_press(Message::SideBySide));
    }
    let add = button(text("Add a test camera").size(BODY)).style(style::link_button).padding(TIGHT);
    content = content.push(add.on_press(Message::AddTestCamera));
    container(content.padding(APART)).width(LIST_WIDTH).height(Fill).style(style::side).into()
}

fn entry<'a>(camera: &'a CameraSummary, selected: bool, rate: Option<f32>) -> Element<'a, Message> {
    let (tone, state) = words::state(camera);
    let mark = container(space().width(8).height(8)).style(style::mark(tone));
    let mut lines =
        column![text(&camera.name).size(BODY), text(state).size(SMALL).style(style::toned(tone)),]
            .spacing(2);
    if let (Some(mode), CameraState::Streaming) = (&camera.mode, &camera.state) {
        let rate = rate.unwrap_or(mode.rate.as_f64() as f32);
        let mode = format!("{}, {rate:.0} fps", words::size(mode.size));
        lines = lines.push(text(mode).size(SMALL).style(style::quiet));
    }
    if camera.watchers > 0 {
        lines = lines.push(text(words::watchers(camera.watchers)).size(SMALL).style(style::quiet));
    }
    if selected && camera.driver == "test" && camera.watchers == 0 {
        let remove = button(text("Remove").size(SMALL)).padding(0).style(style::link_button);
        lines = lines.push(remove.on_press(Message::RemoveTestCamera(camera.id.clone())));
    }
    let content = row![container(mark).padding([TIGHT, 0.0]), lines.width(Fill)].spacing(NEAR);
    button(content.align_y(iced::Top))
        .width(Fill)
        .padding(NEAR)
        .style(style::entry(selected))
        .on_press(Message::Select(camera.id.clone()))
        .into()
}
