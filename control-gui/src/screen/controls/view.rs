//! What the panel of controls shows.

use std::sync::OnceLock;

use iced::{
    Center, Element, Fill, Padding,
    widget::{column, container, row, scrollable, space, text, text_input},
};
use protocol::Control;

use super::{
    Loaded, Message, Panel, SEARCH,
    edit::Edit,
    entry,
    group::{self, Group},
};
use crate::{
    focus::button,
    style::{self, APART, BODY, NEAR, PANEL_WIDTH, SMALL, TIGHT, TITLE},
    words::Tone,
};

/// Of a control that nobody changes.
static NO_EDIT: OnceLock<Edit> = OnceLock::new();

impl Panel {
    /// The panel.
    pub(crate) fn view(&self) -> Element<'_, Message> {
        let head = row![
            text("Controls").size(TITLE).width(Fill),
            button(text("Reset all").size(BODY))
                .style(style::link_button)
                .on_press_maybe((!self.controls.is_empty()).then_some(Message::ResetAll)),
        ]
        .align_y(Center);
        let content = column![head].spacing(NEAR);
        let content = match &self.loaded {
            Loaded::NotYet => {
                content.push(text("Asking the camera").size(BODY).style(style::quiet))
            }
            Loaded::Failed(why) => {
                let retry = button(text("Try again").size(BODY)).style(style::plain_button);
                let why = text(why).size(BODY).style(style::toned(Tone::Wrong));
                content.push(why).push(retry.on_press(Message::Retry))
            }
            Loaded::Here if self.controls.is_empty() => {
                let none = text("This camera has no controls.").size(BODY).style(style::quiet);
                content.push(none)
            }
            Loaded::Here => {
                let search = text_input("Search", &self.search)
                    .id(SEARCH)
                    .size(BODY)
                    .padding(NEAR)
                    .style(style::field)
                    .on_input(Message::Search);
                let list = container(self.groups()).padding(Padding::ZERO.right(APART));
                content.push(search).push(
                    scrollable(list).direction(style::thin()).style(style::scroll).height(Fill),
                )
            }
        };
        container(content.padding(APART)).width(PANEL_WIDTH).height(Fill).style(style::side).into()
    }

    fn groups(&self) -> Element<'_, Message> {
        let none: &Edit = NO_EDIT.get_or_init(Edit::default);
        let mut list = column![].spacing(NEAR);
        let searched: Vec<&Control> =
            self.controls.iter().filter(|it| group::matches(it, &self.search)).collect();
        for group in Group::ALL {
            let members = searched.iter().filter(|control| Group::of(control) == group);
            let mut members = members.peekable();
            if members.peek().is_none() {
                continue;
            }
            list = list.push(text(group.title()).size(SMALL).style(style::quiet));
            for control in members {
                let edit = self.edits.get(&control.name).unwrap_or(none);
                let pinned = self.pins.as_ref().map(|pins| pins.contains(&control.name));
                list = list.push(entry::view(control, edit, pinned));
            }
            list = list.push(space().height(TIGHT));
        }
        if searched.is_empty() {
            let none = format!("No control is called “{}”.", self.search.trim());
            list = list.push(text(none).size(BODY).style(style::quiet));
        }
        if self.search.is_empty() {
            list = list.push(self.presets.view().map(Message::Presets));
        }
        list.into()
    }
}
