//! What the screen shows.

use iced::{
    Center, Element, Fill,
    widget::{column, container, row, scrollable, text, text_input, toggler},
};
use protocol::BridgeStatus;

use super::{Message, Remote, tokens};
use crate::{
    focus::{Use, button, focusable},
    setup::Known,
    style::{self, APART, BODY, HEADING, NEAR, SMALL, TIGHT},
    words::{self, Tone},
};

/// Width of the field of an address.
const ADDRESS_WIDTH: f32 = 220.0;

impl Remote {
    /// The screen.
    pub(crate) fn view(&self) -> Element<'_, Message> {
        let head = row![
            text("Remote users").size(HEADING).width(Fill),
            button(text("Back").size(BODY)).style(style::plain_button).on_press(Message::Close),
        ]
        .align_y(Center);
        let card = |content| container(content).padding(APART).width(Fill).style(style::card);
        // Above all else, since it is shown once.
        let mut cards = column![].extend(self.made.as_ref().map(tokens::made)).spacing(APART);
        match &self.bridge {
            Known::NotYet => {
                let asking = text("Asking the service").size(BODY).style(style::quiet);
                cards = cards.push(card(asking.into()));
            }
            Known::Not(why) => {
                let why = text(why).size(BODY).style(style::toned(Tone::Attention));
                cards = cards.push(card(why.into()));
            }
            Known::Is(status) | Known::Becoming(status) => {
                cards = cards.push(card(self.bridge(status))).push(card(self.tokens()));
            }
        }
        column![head, scrollable(cards).direction(style::thin()).style(style::scroll)]
            .spacing(APART)
            .padding(APART)
            .max_width(860)
            .into()
    }

    fn bridge<'a>(&'a self, status: &'a BridgeStatus) -> Element<'a, Message> {
        let on = status.enabled;
        let settled = self.bridge.is_settled();
        let switch =
            toggler(on).style(style::toggle).on_toggle_maybe(settled.then_some(Message::Enable));
        let pressed = move |used| (used == Use::Press).then_some(Message::Enable(!on));
        let (tone, state) = match (status.enabled, &status.pid, status.urls.is_empty()) {
            (false, ..) => (Tone::Quiet, "Off: cameras are seen on this computer only".to_owned()),
            (true, Some(_), false) => {
                let connected = words::connections(status.connections);
                (Tone::Live, format!("On, {connected}"))
            }
            (true, ..) => (Tone::Attention, "Starting".to_owned()),
        };
        let what =
            "A page for browsers, phones and other computers, and streams for their players.";
        let head = row![
            focusable(switch, settled, pressed),
            text(state).size(BODY).style(style::toned(tone)).width(Fill),
            button(text("Open page").size(BODY))
                .style(style::plain_button)
                .on_press_maybe(self.page().map(|_| Message::OpenPage)),
        ];
        let mut content = column![
            head.spacing(NEAR).align_y(Center),
            text(what).size(SMALL).style(style::quiet),
        ]
        .spacing(NEAR)
        .width(Fill);
        if status.enabled && !status.reason.is_empty() {
            let reason = words::sentence(&status.reason);
            content = content.push(text(reason).size(BODY).style(style::toned(Tone::Wrong)));
        }
        content = content.extend(status.urls.iter().map(|url| address(url)));
        if let Some(fingerprint) = &status.fingerprint {
            let hint = "The first time a browser warns of the certificate, which is this \
                        computer’s own. Its fingerprint:";
            content = content.push(text(hint).size(SMALL).style(style::quiet));
            content = content.push(text(fingerprint).size(SMALL).wrapping(text::Wrapping::Glyph));
        }
        content.push(self.listen(status)).into()
    }

    fn listen<'a>(&'a self, status: &'a BridgeStatus) -> Element<'a, Message> {
        let shown = self.listen.as_deref().unwrap_or(&status.listen);
        let changed = shown != status.listen && self.bridge.is_settled();
        let hint = "127.0.0.1:8088 is reached from this computer alone, 0.0.0.0:8443 from its \
                    network, encrypted.";
        let field = row![
            text_input("Address and port", shown)
                .size(BODY)
                .width(ADDRESS_WIDTH)
                .padding(NEAR)
                .style(style::field)
                .on_input(Message::Listen)
                .on_submit(Message::ListenDone),
            button(text("Use").size(BODY))
                .style(style::plain_button)
                .on_press_maybe(changed.then_some(Message::ListenDone)),
        ];
        column![
            text("Listens at").size(BODY),
            text(hint).size(SMALL).style(style::quiet),
            field.spacing(NEAR).align_y(Center),
        ]
        .spacing(TIGHT)
        .into()
    }
}

fn address(url: &str) -> Element<'_, Message> {
    let copy = button(text("Copy").size(SMALL)).padding(0).style(style::link_button);
    let line =
        row![text(url).size(BODY).width(Fill), copy.on_press(Message::Copy(url.to_owned())),];
    let line = container(line.spacing(NEAR).align_y(Center)).padding([TIGHT, NEAR]);
    line.style(style::banner(Tone::Quiet)).into()
}
