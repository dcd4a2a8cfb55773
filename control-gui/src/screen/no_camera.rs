//! What is shown while there is no camera: a test camera is offered, and what may be wrong is told,
//! as `camera-service doctor` finds it.

use iced::{
    Center, Element, Fill, Top,
    widget::{center_x, column, container, row, scrollable, space, text},
};

use crate::{
    focus::button,
    setup::{Finding, Known, Severity},
    style::{self, APART, BODY, FAR, HEADING, NEAR, SMALL, TIGHT, TITLE},
    words::Tone,
};

/// What notes are about that say nothing of why there is no camera.
const ELSEWHERE: [&str; 4] = ["loopback", "files", "limits", "power_line"];

/// What happens here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// Use a test camera.
    AddTestCamera,
    /// Look again for what may be wrong.
    Look,
    /// Copy a command to the clipboard.
    Copy(String),
}

/// The screen.
pub(crate) fn view(findings: &Known<Vec<Finding>>) -> Element<'_, Message> {
    let add = button(text("Use a test camera").size(BODY))
        .padding([NEAR, APART])
        .style(style::main_button)
        .on_press(Message::AddTestCamera);
    let offer = column![
        text("No camera was found").size(HEADING),
        text("Plug one in, and it appears here.").size(BODY).style(style::quiet).center(),
        space().height(NEAR),
        add,
        text("It shows moving colour bars and has controls to try.")
            .size(SMALL)
            .style(style::toned(Tone::Quiet)),
    ];
    let offer = offer.spacing(NEAR).align_x(Center).width(Fill);
    let card = |content| container(content).padding(FAR).max_width(600).style(style::card);
    let content = column![card(offer.into()), card(cause(findings))].spacing(APART).align_x(Center);
    let all = center_x(container(content).padding(APART));
    scrollable(all).direction(style::thin()).style(style::scroll).height(Fill).into()
}

fn cause(findings: &Known<Vec<Finding>>) -> Element<'_, Message> {
    let looking = matches!(findings, Known::Becoming(_));
    let again = button(text(if looking { "Looking" } else { "Look again" }).size(BODY))
        .style(style::plain_button)
        .on_press_maybe((!looking).then_some(Message::Look));
    let head = row![text("What may be the cause").size(TITLE).width(Fill), again].align_y(Center);
    let mut content = column![head].spacing(APART).width(Fill);
    match findings {
        Known::NotYet | Known::Becoming(_) => {
            let what = "Looking at devices, permissions and programs.";
            content = content.push(text(what).size(BODY).style(style::quiet));
        }
        Known::Not(why) => {
            content = content.push(text(why).size(BODY).style(style::toned(Tone::Attention)));
        }
        Known::Is(findings) => {
            let mut told = findings.iter().filter(|finding| is_told(finding)).peekable();
            if told.peek().is_none() {
                let none = "Nothing was found that stands in the way of a camera.";
                content = content.push(text(none).size(BODY).style(style::quiet));
            }
            content = content.extend(told.map(one));
        }
    }
    content.into()
}

fn is_told(finding: &Finding) -> bool {
    match finding.severity {
        Severity::Problem => true,
        Severity::Note => !ELSEWHERE.contains(&finding.area.as_str()),
        Severity::Ok => false,
    }
}

fn one(finding: &Finding) -> Element<'_, Message> {
    let tone = match finding.severity {
        Severity::Problem => Tone::Wrong,
        _ => Tone::Attention,
    };
    let mark = container(space().width(8).height(8)).style(style::mark(tone));
    let message = match &finding.about {
        Some(about) => format!("{about}: {}", finding.message),
        None => finding.message.clone(),
    };
    let mut lines = column![text(message).size(BODY)].spacing(TIGHT).width(Fill);
    if let Some(advice) = &finding.advice {
        lines = lines.push(text(advice).size(BODY).style(style::quiet));
    }
    lines = lines.extend(finding.commands.iter().map(|command| {
        let copy = button(text("Copy").size(SMALL)).padding(0).style(style::link_button);
        let line = row![
            text(command).size(SMALL).width(Fill),
            copy.on_press(Message::Copy(command.clone())),
        ];
        let line = container(line.spacing(NEAR).align_y(Center)).padding([TIGHT, NEAR]);
        line.style(style::banner(Tone::Quiet)).into()
    }));
    row![container(mark).padding([6.0, 0.0]), lines].spacing(NEAR).align_y(Top).into()
}
