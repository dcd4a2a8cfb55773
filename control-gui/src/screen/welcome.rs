//! What is shown while no service runs: one card that starts it, also at every login.

use iced::{
    Center, Element, Fill,
    widget::{center, column, container, scrollable, space, text},
};

use crate::{
    connection::Why,
    focus::button,
    setup::{Known, Setup},
    start::StartError,
    style::{self, APART, BODY, FAR, HEADING, NEAR, SMALL, TITLE},
    words::Tone,
};

/// The card.
#[derive(Debug, Default)]
pub(crate) struct Welcome {
    starting: bool,
    failed: Option<StartError>,
}

/// What happens here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// Start the service.
    Start,
    /// Have it start at every login.
    AtLogin,
    /// It was started, or not.
    Started(Result<(), StartError>),
}

/// What the rest of the program is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Nothing.
    None,
    /// Start the service.
    Start,
    /// Have it start at every login.
    AtLogin,
}

impl Welcome {
    /// Does what it can, and says what is left to do.
    pub(crate) fn update(&mut self, message: Message) -> Action {
        match message {
            Message::Start if self.starting => {}
            Message::Start => {
                (self.starting, self.failed) = (true, None);
                return Action::Start;
            }
            Message::AtLogin => return Action::AtLogin,
            Message::Started(result) => {
                (self.starting, self.failed) = (false, result.err());
            }
        }
        Action::None
    }

    /// The card. `why` there is no connection.
    pub(crate) fn view<'a>(
        &'a self,
        why: Option<&'a Why>,
        setup: &'a Setup,
    ) -> Element<'a, Message> {
        let Some(why) = why else {
            return center(text("Connecting").size(BODY).style(style::quiet)).into();
        };
        let label = if self.starting { "Starting" } else { "Start the service" };
        let start = button(text(label).size(TITLE))
            .padding([NEAR, FAR])
            .style(style::main_button)
            .on_press_maybe((!self.starting).then_some(Message::Start));
        let (title, what) = match why {
            Why::Failed(message) => ("The camera service cannot be used", message.as_str()),
            Why::NotRunning | Why::Ended => (
                "The camera service is not running",
                "It owns the cameras and shares them with every program that wants to see them.",
            ),
        };
        let mut content = column![
            text(title).size(HEADING).center(),
            text(what).size(BODY).style(style::quiet).center(),
            space().height(NEAR),
            start,
            at_login(&setup.at_login),
        ]
        .spacing(NEAR)
        .align_x(Center);
        if let Some(error) = &self.failed {
            content = content.push(failure(error));
        }
        center(container(content).padding(FAR).max_width(640).style(style::card))
            .padding(APART)
            .into()
    }
}

fn at_login(known: &Known<bool>) -> Element<'_, Message> {
    if *known == Known::Is(true) {
        let text = text("It starts by itself when you log in.").size(SMALL);
        return text.style(style::quiet).into();
    }
    let becoming = matches!(known, Known::Becoming(_));
    let label = if becoming { "Setting up" } else { "Start at login" };
    button(text(label).size(BODY))
        .style(style::link_button)
        .on_press_maybe((!becoming).then_some(Message::AtLogin))
        .into()
}

fn failure(error: &StartError) -> Element<'_, Message> {
    let mut content =
        column![text(&error.what).size(BODY).style(style::toned(Tone::Wrong))].spacing(NEAR);
    if !error.log.is_empty() {
        let log = text(&error.log).size(SMALL);
        let log = scrollable(container(log).padding(NEAR)).height(160).width(Fill);
        let log = log.direction(style::thin()).style(style::scroll);
        content = content
            .push(text("The last lines of its log:").size(SMALL).style(style::quiet))
            .push(container(log).style(style::banner(Tone::Quiet)));
    }
    container(content).width(Fill).into()
}
