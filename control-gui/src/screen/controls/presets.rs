//! Presets of a camera: all controls kept under a name.

use iced::{
    Center, Element, Fill,
    widget::{column, row, text, text_input},
};
use protocol::{CameraId, Request};

use crate::{
    focus::button,
    style::{self, BODY, NEAR, SMALL, TIGHT},
    words::Tone,
};

/// The presets of a camera.
#[derive(Debug, Default)]
pub(crate) struct Presets {
    names: Vec<String>,
    unsupported: bool,
    /// Text in the field: the name of a new one, or the new name of `renaming`.
    name: String,
    renaming: Option<String>,
    refused: Option<String>,
}

/// What happens here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// Text in the field.
    Name(String),
    /// Keep the controls under that name, or rename the preset that is being renamed.
    Save,
    /// Set the controls as they were kept.
    Apply(String),
    /// Give it another name: begin.
    Rename(String),
    /// Leave it as it was.
    Cancel,
    /// Forget it.
    Delete(String),
}

impl Presets {
    /// The presets that there are.
    pub(crate) fn set(&mut self, names: Vec<String>) {
        self.names = names;
        self.unsupported = false;
        self.refused = None;
    }

    /// The service knows no presets.
    pub(crate) fn are_unsupported(&mut self) {
        self.unsupported = true;
    }

    /// Something was refused, and why.
    pub(crate) fn refused(&mut self, why: String) {
        self.refused = Some(why);
    }

    /// Does what it can, and says what to ask the service.
    pub(crate) fn update(&mut self, message: Message, camera: &CameraId) -> Option<Request> {
        self.refused = None;
        let camera = camera.clone();
        match message {
            Message::Name(name) => self.name = name,
            Message::Save => {
                let name = std::mem::take(&mut self.name).trim().to_owned();
                if name.is_empty() {
                    return None;
                }
                return Some(match self.renaming.take() {
                    Some(preset) => Request::RenamePreset { camera, preset, name },
                    None => Request::SavePreset { camera, preset: name },
                });
            }
            Message::Apply(preset) => return Some(Request::ApplyPreset { camera, preset }),
            Message::Rename(preset) => {
                self.name.clone_from(&preset);
                self.renaming = Some(preset);
            }
            Message::Cancel => {
                self.renaming = None;
                self.name.clear();
            }
            Message::Delete(preset) => return Some(Request::DeletePreset { camera, preset }),
        }
        None
    }

    /// The list, and a field for a new one.
    pub(crate) fn view(&self) -> Element<'_, Message> {
        let mut content = column![text("Presets").size(SMALL).style(style::quiet)].spacing(NEAR);
        if self.unsupported {
            let none = text("The service that runs keeps no presets.").size(SMALL);
            return content.push(none.style(style::quiet)).into();
        }
        let names = self.names.iter().map(|name| {
            let link = |label, message| {
                button(text(label).size(SMALL))
                    .padding(0)
                    .style(style::link_button)
                    .on_press(message)
            };
            let line = row![
                text(name).size(BODY).width(Fill),
                link("Apply", Message::Apply(name.clone())),
                link("Rename", Message::Rename(name.clone())),
                link("Delete", Message::Delete(name.clone())),
            ];
            line.spacing(NEAR).align_y(Center).into()
        });
        // Of its own, so that the field below keeps its place, and with it the focus.
        content = content.push(column(names).spacing(NEAR));
        let (what, save) = match self.renaming {
            Some(_) => ("New name", "Rename"),
            None => ("Name of a new preset", "Save"),
        };
        let can_save = (!self.name.trim().is_empty()).then_some(Message::Save);
        let mut field = row![
            text_input(what, &self.name)
                .size(BODY)
                .padding([TIGHT, NEAR])
                .style(style::field)
                .on_input(Message::Name)
                // Always: what was typed just before may not be seen here yet.
                .on_submit(Message::Save),
            button(text(save).size(BODY)).style(style::plain_button).on_press_maybe(can_save),
        ]
        .spacing(NEAR)
        .align_y(Center);
        if self.renaming.is_some() {
            let cancel = button(text("Cancel").size(BODY)).style(style::link_button);
            field = field.push(cancel.on_press(Message::Cancel));
        }
        content = content.push(field);
        if let Some(why) = &self.refused {
            content = content.push(text(why).size(SMALL).style(style::toned(Tone::Wrong)));
        }
        content.into()
    }
}
