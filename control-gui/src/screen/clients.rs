//! Who watches which camera, since when, how many frames were passed over, and a button to end it.

use iced::{
    Center, Element, Fill,
    widget::{column, container, row, rule, scrollable, text},
};
use protocol::{ClientSummary, ConnectionId, Role};

use crate::{
    focus::button,
    model::Model,
    style::{self, APART, BODY, HEADING, NEAR, SMALL},
    words,
};

/// What happens here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// End a connection.
    Disconnect(ConnectionId),
    /// Back to the cameras.
    Close,
}

/// The list.
pub(crate) fn view(model: &Model) -> Element<'_, Message> {
    let head = row![
        text("Who uses the cameras").size(HEADING).width(Fill),
        button(text("Back").size(BODY)).style(style::plain_button).on_press(Message::Close),
    ]
    .align_y(Center);
    let streams = model.streams();
    let mut list = column![].spacing(NEAR);
    if streams.is_empty() {
        list = list.push(text("Nobody watches a camera now.").size(BODY).style(style::quiet));
    }
    for (index, client) in streams.into_iter().enumerate() {
        if index > 0 {
            list = list.push(rule::horizontal(1));
        }
        list = list.push(entry(model, client));
    }
    let card = container(list).padding(APART).width(Fill).style(style::card);
    column![head, scrollable(card).direction(style::thin()).style(style::scroll)]
        .spacing(APART)
        .padding(APART)
        .max_width(860)
        .into()
}

fn entry<'a>(model: &'a Model, client: &'a ClientSummary) -> Element<'a, Message> {
    let camera = client.camera.as_ref().map_or("a camera", |id| {
        model.camera(id).map_or(id.0.as_str(), |camera| camera.name.as_str())
    });
    let what = match client.role {
        Role::Publish => format!("is the camera {camera}"),
        _ => format!("watches {camera}"),
    };
    let who = if client.name.is_empty() { &client.program } else { &client.name };
    let from = match &client.remote {
        Some(address) => format!("from {address}"),
        None => format!("{}, process {}", client.program, client.pid),
    };
    let figures = format!(
        "for {}    {} frames    {} dropped",
        words::since(client.since_unix_ns),
        client.frames,
        client.dropped
    );
    let names = column![
        row![text(who).size(BODY), text(what).size(BODY).style(style::quiet)].spacing(NEAR),
        text(from).size(SMALL).style(style::quiet),
        text(figures).size(SMALL).style(style::quiet),
    ]
    .spacing(2)
    .width(Fill);
    let end = button(text("Disconnect").size(BODY))
        .style(style::ending_button)
        .on_press(Message::Disconnect(client.id));
    row![names, end].spacing(APART).align_y(Center).into()
}
