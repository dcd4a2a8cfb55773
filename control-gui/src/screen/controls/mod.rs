//! The controls of the selected camera, at the right.

mod edit;
mod entry;
mod group;
mod presets;
mod view;

use std::collections::HashMap;

use protocol::{
    CameraId, Control, ControlOutcome, ControlSetting, ControlValue, Event, Reply, Request,
};

use edit::Edit;
pub(crate) use edit::INTERVAL;
use presets::Presets;

use crate::connection::Answer;

/// The controls of one camera.
#[derive(Debug)]
pub(crate) struct Panel {
    camera: CameraId,
    controls: Vec<Control>,
    loaded: Loaded,
    edits: HashMap<String, Edit>,
    search: String,
    /// Names of pinned controls; `None` where the service cannot pin.
    pins: Option<Vec<String>>,
    presets: Presets,
}

#[derive(Debug, PartialEq, Eq)]
enum Loaded {
    NotYet,
    Here,
    Failed(String),
}

/// What happens here.
#[derive(Debug, Clone)]
pub(crate) enum Message {
    /// Text in the search field.
    Search(String),
    /// A control is to take a value.
    Set(String, ControlValue),
    /// Text in a control's field.
    Write(String, String),
    /// That text is complete.
    Submit(String),
    /// A control is to take its default.
    Reset(String),
    /// All are.
    ResetAll,
    /// A control is to take its value at every start, or no longer.
    Pin(String, bool),
    /// Presets.
    Presets(presets::Message),
    /// Ask for the controls again.
    Retry,
    /// The service answered.
    Answered(CameraId, Purpose, Answer),
}

/// What a request was for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// All controls.
    List,
    /// A value, of this control.
    Set(String),
    /// Several values.
    SetMany,
    /// Which are pinned.
    Pins,
    /// Which presets there are.
    Presets,
    /// A change of pins or presets.
    Change,
}

/// A request to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ask {
    /// The camera that it is about.
    pub camera: CameraId,
    /// What for.
    pub purpose: Purpose,
    /// The request.
    pub request: Request,
}

impl Panel {
    /// The controls of `camera`, and what to ask the service.
    pub(crate) fn new(camera: &CameraId) -> (Self, Vec<Ask>) {
        let panel = Self {
            camera: camera.clone(),
            controls: vec![],
            loaded: Loaded::NotYet,
            edits: HashMap::new(),
            search: String::new(),
            pins: Some(vec![]),
            presets: Presets::default(),
        };
        let asks = panel.ask_for_all();
        (panel, asks)
    }

    /// The camera.
    #[must_use]
    pub(crate) fn camera(&self) -> &CameraId {
        &self.camera
    }

    /// Asks for everything again, as after a new connection.
    #[must_use]
    pub(crate) fn ask_for_all(&self) -> Vec<Ask> {
        let camera = || self.camera.clone();
        vec![
            self.ask(Purpose::List, Request::ListControls { camera: camera() }),
            self.ask(Purpose::Pins, Request::ListPins { camera: camera() }),
            self.ask(Purpose::Presets, Request::ListPresets { camera: camera() }),
        ]
    }

    /// Takes over what an event says of this camera.
    pub(crate) fn apply(&mut self, event: &Event) {
        match event {
            Event::ControlChanged { camera, control } if *camera == self.camera => {
                let known = self.controls.iter_mut().find(|known| known.name == control.name);
                match known {
                    Some(known) => known.clone_from(control),
                    None if self.loaded == Loaded::Here => self.controls.push(control.clone()),
                    None => {}
                }
            }
            Event::PresetsChanged { camera, names } if *camera == self.camera => {
                self.presets.set(names.clone());
            }
            Event::PinsChanged { camera, names } if *camera == self.camera => {
                self.pins = Some(names.clone());
            }
            _ => {}
        }
    }

    /// Does what it can, and says what to ask the service.
    pub(crate) fn update(&mut self, message: Message) -> Vec<Ask> {
        match message {
            Message::Search(text) => self.search = text,
            Message::Set(name, value) => return self.set(name, value),
            Message::Write(name, text) => {
                let edit = self.edits.entry(name).or_default();
                edit.text = Some(text);
                edit.refused = None;
            }
            Message::Submit(name) => return self.submit(name),
            Message::Reset(name) => return vec![self.reset(vec![name])],
            Message::ResetAll => return vec![self.reset(vec![])],
            Message::Pin(name, pinned) => return self.pin(name, pinned),
            Message::Presets(message) => {
                let request = self.presets.update(message, &self.camera);
                return request
                    .map(|request| self.ask(Purpose::Change, request))
                    .into_iter()
                    .collect();
            }
            Message::Retry => {
                self.loaded = Loaded::NotYet;
                return self.ask_for_all();
            }
            Message::Answered(camera, purpose, answer) => {
                if camera == self.camera {
                    return self.answered(purpose, answer);
                }
            }
        }
        vec![]
    }

    fn ask(&self, purpose: Purpose, request: Request) -> Ask {
        Ask { camera: self.camera.clone(), purpose, request }
    }

    fn set(&mut self, name: String, value: ControlValue) -> Vec<Ask> {
        let send = self.edits.entry(name.clone()).or_default().wish(value);
        send.map(|value| self.send(name, value)).into_iter().collect()
    }

    fn send(&self, name: String, value: ControlValue) -> Ask {
        let settings = vec![ControlSetting { name: name.clone(), value }];
        let camera = self.camera.clone();
        self.ask(Purpose::Set(name), Request::SetControls { camera, settings })
    }

    fn submit(&mut self, name: String) -> Vec<Ask> {
        let Some(control) = self.controls.iter().find(|control| control.name == name) else {
            return vec![];
        };
        let edit = self.edits.entry(name.clone()).or_default();
        let Some(text) = edit.text.take() else { return vec![] };
        let value = match (&control.value, text.trim().parse()) {
            (ControlValue::Integer(_), Ok(number)) => ControlValue::Integer(number),
            (ControlValue::Integer(_), Err(_)) => {
                let (min, max) = (control.min, control.max);
                edit.refused = Some(format!("Write a whole number from {min} to {max}"));
                edit.text = Some(text);
                return vec![];
            }
            _ => ControlValue::String(text),
        };
        self.set(name, value)
    }

    fn reset(&self, names: Vec<String>) -> Ask {
        let camera = self.camera.clone();
        self.ask(Purpose::SetMany, Request::ResetControls { camera, names })
    }

    fn pin(&self, name: String, pinned: bool) -> Vec<Ask> {
        let camera = self.camera.clone();
        let Some(control) = self.controls.iter().find(|control| control.name == name) else {
            return vec![];
        };
        let request = if pinned {
            let settings = vec![ControlSetting { name, value: control.value.clone() }];
            Request::PinControls { camera, settings }
        } else {
            Request::UnpinControls { camera, names: vec![name] }
        };
        let list = Request::ListPins { camera: self.camera.clone() };
        vec![self.ask(Purpose::Change, request), self.ask(Purpose::Pins, list)]
    }

    fn answered(&mut self, purpose: Purpose, answer: Answer) -> Vec<Ask> {
        match (purpose, answer) {
            (Purpose::List, Ok(Reply::Controls(controls))) => {
                (self.controls, self.loaded) = (controls, Loaded::Here);
            }
            (Purpose::List, Err(failure)) if self.loaded != Loaded::Here => {
                self.loaded = Loaded::Failed(failure.message);
            }
            (Purpose::Set(name), answer) => {
                let result = match answer {
                    Ok(Reply::Outcomes(outcomes)) => self.outcome(&name, outcomes),
                    Ok(_) => Ok(()),
                    Err(failure) => Err(failure.message),
                };
                let next = self.edits.entry(name.clone()).or_default().answered(result);
                return next.map(|value| self.send(name, value)).into_iter().collect();
            }
            (Purpose::SetMany | Purpose::Change, Ok(Reply::Outcomes(outcomes))) => {
                for outcome in outcomes {
                    let edit = self.edits.entry(outcome.name).or_default();
                    edit.refused = outcome.result.err().map(|error| error.message);
                }
            }
            (Purpose::Pins, Ok(Reply::Pins(pins))) => {
                self.pins = Some(pins.into_iter().map(|setting| setting.name).collect());
            }
            (Purpose::Presets, Ok(Reply::Presets(presets))) => {
                self.presets.set(presets.into_iter().map(|preset| preset.name).collect());
            }
            (Purpose::Pins, Err(failure)) if failure.is_unsupported() => self.pins = None,
            (Purpose::Presets, Err(failure)) if failure.is_unsupported() => {
                self.presets.are_unsupported();
            }
            (Purpose::Change | Purpose::SetMany, Err(failure)) => {
                self.presets.refused(failure.message);
            }
            (Purpose::Change, Ok(_)) => {
                let camera = self.camera.clone();
                return vec![self.ask(Purpose::Presets, Request::ListPresets { camera })];
            }
            _ => {}
        }
        vec![]
    }

    /// The value that the camera took is the true one at once: its event may come later.
    fn outcome(&mut self, name: &str, outcomes: Vec<ControlOutcome>) -> Result<(), String> {
        for outcome in outcomes.into_iter().filter(|outcome| outcome.name == name) {
            let value = outcome.result.map_err(|error| error.message)?;
            if let Some(control) = self.controls.iter_mut().find(|control| control.name == name)
                && value != ControlValue::None
            {
                control.value = value;
            }
        }
        Ok(())
    }
}

/// The search field, to be focused by a key.
pub(crate) const SEARCH: &str = "search";
