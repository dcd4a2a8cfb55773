//! The tokens: who may log in, and a new one.

use iced::{
    Center, Element, Fill,
    widget::{checkbox, column, container, row, rule, text, text_input},
};
use protocol::{Scope, TokenSummary};

use super::{Made, Message, Remote};
use crate::{
    focus::{Use, button, focusable},
    style::{self, APART, BODY, NEAR, SMALL, TIGHT, TITLE},
    words::{self, Tone},
};

impl Remote {
    /// The list, and a form for a new one.
    pub(super) fn tokens(&self) -> Element<'_, Message> {
        let what = "A token lets a person or a device in, with what it grants. Revoked, it ends at \
                    once.";
        let mut content =
            column![text("Tokens").size(TITLE), text(what).size(SMALL).style(style::quiet),]
                .spacing(NEAR)
                .width(Fill);
        let none = self.tokens.is_empty();
        let none = none.then(|| text("Nobody has one.").size(BODY).style(style::quiet));
        content = content.push(none);
        let entries = self
            .tokens
            .iter()
            .map(|token| column![entry(token), rule::horizontal(1)].spacing(NEAR).into());
        // Of its own, so that the form keeps its place, and with it the focus.
        content = content.push(column(entries).spacing(NEAR)).push(self.form());
        if let Some(why) = &self.refused {
            content = content.push(text(why).size(BODY).style(style::toned(Tone::Wrong)));
        }
        content.into()
    }

    fn form(&self) -> Element<'_, Message> {
        let name = text_input("Name of a new one, such as phone", &self.name)
            .size(BODY)
            .padding(NEAR)
            .style(style::field)
            .on_input(Message::Name)
            // Always: what was typed just before may not be seen here yet.
            .on_submit(Message::Add);
        let scopes = Scope::ALL.map(|scope| {
            let on = self.scopes.contains(&scope);
            let toggled = move |on| Message::Scope(scope, on);
            let mark = checkbox(on).label(grants(scope)).text_size(BODY).style(style::check);
            let keys = move |used| (used == Use::Press).then(|| toggled(!on));
            focusable(mark.on_toggle(toggled), true, keys)
        });
        let can = |message| self.can_make().then_some(message);
        let make = button(text("Make a token").size(BODY)).style(style::plain_button);
        let pair = button(text("Pair with a code").size(BODY)).style(style::main_button);
        // A code is of no use where nothing listens.
        let can_pair = self.page().is_some();
        column![
            name,
            row(scopes).spacing(APART).wrap().vertical_spacing(TIGHT),
            row![
                pair.on_press_maybe(can(Message::Pair).filter(|_| can_pair)),
                make.on_press_maybe(can(Message::Add)),
            ]
            .spacing(NEAR),
        ]
        .spacing(NEAR)
        .into()
    }
}

fn grants(scope: Scope) -> &'static str {
    match scope {
        Scope::Watch => "Watch",
        Scope::Control => "Control cameras",
        Scope::Publish => "Be a camera",
    }
}

fn entry(token: &TokenSummary) -> Element<'_, Message> {
    let scopes: Vec<&str> = token.scopes.iter().copied().map(grants).collect();
    let cameras = match token.cameras.as_slice() {
        [] => "all cameras".to_owned(),
        some => some.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    let mut when = vec![format!("made {} ago", words::since(token.since_unix_ns))];
    if let Some(used) = token.used_unix_ns {
        when.push(format!("used {} ago", words::since(used)));
    }
    if let Some(ends) = token.expires_unix_ns {
        when.push(format!("ends in {}", words::until(ends)));
    }
    if token.connections > 0 {
        when.push(words::connections(token.connections));
    }
    let lines = column![
        row![
            text(&token.name).size(BODY),
            text(format!("{}: {cameras}", scopes.join(", "))).size(BODY).style(style::quiet),
        ]
        .spacing(NEAR),
        text(when.join("    ")).size(SMALL).style(style::quiet),
    ]
    .spacing(2)
    .width(Fill);
    let revoke = button(text("Revoke").size(BODY))
        .style(style::ending_button)
        .on_press(Message::Revoke(token.name.clone()));
    row![lines, revoke].spacing(APART).align_y(Center).into()
}

/// The only time that a secret is shown.
pub(super) fn made(Made { token, invitation }: &Made) -> Element<'_, Message> {
    let name = &token.summary.name;
    let (title, what, copied) = match invitation {
        None => (
            format!("The token of {name}"),
            "Copy it now: it is not shown again. Whoever has it is let in.",
            &token.secret,
        ),
        Some((url, _)) => (
            format!("Let {name} in"),
            "Read this with the device’s camera, or open the address there. It works once, within \
             a minute.",
            url,
        ),
    };
    let code = invitation.as_ref().and_then(|(_, code)| code.as_ref());
    let buttons = row![
        button(text("Copy").size(BODY))
            .style(style::main_button)
            .on_press(Message::Copy(copied.clone())),
        button(text("Done").size(BODY)).style(style::plain_button).on_press(Message::Hide),
    ];
    let lines = column![
        text(title).size(BODY),
        text(what).size(SMALL).style(style::quiet),
        text(copied).size(SMALL).wrapping(text::Wrapping::Glyph),
        buttons.spacing(NEAR),
    ];
    let content = row![]
        .extend(code.map(super::code::Code::view))
        .push(lines.spacing(NEAR).width(Fill))
        .spacing(APART);
    container(content).padding(APART).width(Fill).style(style::banner(Tone::Live)).into()
}
