//! A camera opened for its controls, on a thread named `camera-controls` that it never leaves.

use std::{
    sync::mpsc::{self, Sender},
    thread,
};

use ::nokhwa::{
    Camera,
    utils::{
        CameraControl, CameraIndex, ControlValueDescription, ControlValueSetter,
        KnownCameraControl, KnownCameraControlFlag,
    },
};
use protocol::{Control, ControlFlags, ControlKind, ControlSetting, ControlValue, MenuEntry};

use super::library;
use crate::device::{Controls, Error, wake::Waker};

type Job = Box<dyn FnOnce(&mut Camera) + Send>;

/// The controls of a camera.
pub(super) struct NokhwaControls {
    jobs: Sender<Job>,
    index: CameraIndex,
}

impl NokhwaControls {
    /// Opens the camera, without having it deliver.
    pub(super) fn open(index: &CameraIndex) -> Result<Self, Error> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let (opened, result) = mpsc::channel();
        let run = {
            let index = index.clone();
            move || match library::open(&index, None) {
                Ok(mut camera) => {
                    // Fails when whoever asked is gone; then there are no jobs either.
                    let _ = opened.send(Ok(()));
                    queue.into_iter().for_each(|job| job(&mut camera));
                }
                Err(error) => {
                    let _ = opened.send(Err(error));
                }
            }
        };
        thread::Builder::new()
            .name("camera-controls".to_owned())
            .spawn(run)
            .map_err(|source| Error::Io { call: "starting a thread", source })?;
        result.recv().unwrap_or(Err(Error::Gone))?;
        Ok(Self { jobs, index: index.clone() })
    }

    /// Has the thread do something with the camera.
    fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Camera, &CameraIndex) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (done, result) = mpsc::channel();
        let index = self.index.clone();
        let job: Job = Box::new(move |camera| {
            let _ = done.send(job(camera, &index));
        });
        // Neither fails but when the thread has panicked.
        self.jobs.send(job).map_err(|_| Error::Gone)?;
        result.recv().unwrap_or(Err(Error::Gone))
    }
}

impl Controls for NokhwaControls {
    fn list(&mut self) -> Result<Vec<Control>, Error> {
        self.run(|camera, index| {
            let controls = camera
                .camera_controls()
                .map_err(|error| library::device_error("listing the controls", index, &error))?;
            Ok(controls.iter().filter_map(control).collect())
        })
    }

    fn set(&mut self, setting: &ControlSetting) -> Result<ControlValue, Error> {
        let ControlSetting { name, value } = setting.clone();
        self.run(move |camera, index| {
            let failed = |error| library::device_error("setting a control", index, &error);
            let controls = camera.camera_controls().map_err(failed)?;
            let known = controls
                .iter()
                .find(|each| name_of(each.control()) == name)
                .ok_or_else(|| Error::Refused(name.clone()))?;
            let setter = setter(known.description(), &value).ok_or(Error::Refused(name))?;
            camera.set_camera_control(known.control(), setter).map_err(failed)?;
            let now = camera.camera_control(known.control()).map_err(failed)?;
            Ok(control(&now).map_or(value, |control| control.value))
        })
    }

    fn wait(&mut self, waker: &Waker) -> Result<Vec<String>, Error> {
        waker.wait();
        Ok(Vec::new())
    }
}

/// The label of a control, as people call it.
fn label_of(control: KnownCameraControl) -> String {
    match control {
        KnownCameraControl::WhiteBalance => "White Balance".to_owned(),
        KnownCameraControl::BacklightComp => "Backlight Compensation".to_owned(),
        KnownCameraControl::Other(number) => format!("Control {number}"),
        other => format!("{other:?}"),
    }
}

fn name_of(control: KnownCameraControl) -> String {
    label_of(control).to_lowercase().replace(' ', "_")
}

/// A control in our words; `None` for kinds that no camera of these systems has been seen with.
fn control(theirs: &CameraControl) -> Option<Control> {
    let has = |flag| theirs.flag().contains(&flag);
    let mut control = Control {
        name: name_of(theirs.control()),
        label: label_of(theirs.control()),
        kind: ControlKind::Integer,
        value: ControlValue::None,
        default: ControlValue::None,
        min: 0,
        max: 1,
        step: 1,
        menu: Vec::new(),
        flags: ControlFlags {
            read_only: has(KnownCameraControlFlag::ReadOnly),
            // nokhwa sets an automatic control without ending that: nothing comes of it.
            inactive: !theirs.active() || has(KnownCameraControlFlag::Automatic),
            volatile: has(KnownCameraControlFlag::Volatile),
            write_only: has(KnownCameraControlFlag::WriteOnly),
            grabbed: false,
            disabled: has(KnownCameraControlFlag::Disabled),
        },
    };
    let mut integers = |value, default, step: i64| {
        control.value = ControlValue::Integer(value);
        control.default = ControlValue::Integer(default);
        control.step = step.max(1);
    };
    match theirs.description() {
        ControlValueDescription::IntegerRange { min, max, value, step, default } => {
            integers(*value, *default, *step);
            (control.min, control.max) = (*min, *max);
        }
        ControlValueDescription::Integer { value, default, step } => {
            // It has a range, but nokhwa does not give it: the device refuses what is outside.
            integers(*value, *default, *step);
            (control.min, control.max) = (i32::MIN.into(), i32::MAX.into());
            control.step = 1;
        }
        ControlValueDescription::Enum { value, possible, default } => {
            integers(*value, *default, 1);
            control.kind = ControlKind::Menu;
            control.min = possible.iter().copied().min().unwrap_or(0);
            control.max = possible.iter().copied().max().unwrap_or(0);
            let entry = |&value: &i64| MenuEntry { value, label: value.to_string() };
            control.menu = possible.iter().map(entry).collect();
        }
        ControlValueDescription::Boolean { value, default } => {
            control.kind = ControlKind::Boolean;
            control.value = ControlValue::Boolean(*value);
            control.default = ControlValue::Boolean(*default);
        }
        _ => return None,
    }
    Some(control)
}

/// A value as nokhwa wants it; `None` where it is of the wrong type.
fn setter(kind: &ControlValueDescription, value: &ControlValue) -> Option<ControlValueSetter> {
    Some(match (kind, value) {
        (ControlValueDescription::Boolean { .. }, ControlValue::Boolean(value)) => {
            ControlValueSetter::Boolean(*value)
        }
        (ControlValueDescription::Enum { .. }, ControlValue::Integer(value)) => {
            ControlValueSetter::EnumValue(*value)
        }
        (
            ControlValueDescription::Integer { .. } | ControlValueDescription::IntegerRange { .. },
            ControlValue::Integer(value),
        ) => ControlValueSetter::Integer(*value),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theirs(description: ControlValueDescription, flag: KnownCameraControlFlag) -> CameraControl {
        let known = KnownCameraControl::WhiteBalance;
        CameraControl::new(known, known.to_string(), description, vec![flag], true)
    }

    #[test]
    fn ranges_and_flags_are_kept() {
        let range = ControlValueDescription::IntegerRange {
            min: 2000,
            max: 6500,
            value: 4000,
            step: 0,
            default: 4500,
        };
        let ours = control(&theirs(range.clone(), KnownCameraControlFlag::Manual)).unwrap();
        assert_eq!((ours.name.as_str(), ours.label.as_str()), ("white_balance", "White Balance"));
        assert_eq!((ours.min, ours.max, ours.step), (2000, 6500, 1));
        assert_eq!(ours.value, ControlValue::Integer(4000));
        assert!(!ours.flags.inactive);
        let automatic = control(&theirs(range.clone(), KnownCameraControlFlag::Automatic)).unwrap();
        assert!(automatic.flags.inactive);
        assert_eq!(setter(&range, &ControlValue::Boolean(true)), None);
        assert_eq!(setter(&range, &ControlValue::Integer(5)), Some(ControlValueSetter::Integer(5)));
    }

    #[test]
    fn what_is_not_understood_is_left_out() {
        let point = ControlValueDescription::Point { value: (0.0, 0.0), default: (0.0, 0.0) };
        assert_eq!(control(&theirs(point, KnownCameraControlFlag::Manual)), None);
    }
}
