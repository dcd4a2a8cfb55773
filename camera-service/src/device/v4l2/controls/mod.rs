//! A device opened for its controls.
//!
//! Lives on its camera's control thread, with a descriptor of its own. It subscribes to the
//! driver's events of every control, its own changes included: setting one control changes
//! others (what is automatic, what has no effect now), and only so are these told. What its own
//! setting says of the control that was set is taken out again.

mod query;
mod value;

use std::{collections::BTreeSet, os::fd::AsFd as _};

use protocol::{Control, ControlKind, ControlSetting, ControlValue};
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
};

use self::query::Description;
use super::{
    abi::{self, Plain as _},
    ioctl::{Failure, Node},
};
use crate::device::{self, Error, wake::Waker};

/// A device opened for its controls.
pub(super) struct Controls {
    node: Node,
    /// As last described by the driver.
    known: Vec<Description>,
    /// As last listed, where the driver tells of no changes.
    listed: Vec<Control>,
    /// Ids whose events are subscribed to.
    subscribed: BTreeSet<u32>,
    /// Ids of controls that changed and have not been told yet.
    changed: BTreeSet<u32>,
    /// Whether the device answers `poll` with nothing but errors: then it is not polled.
    broken: bool,
}

impl Controls {
    /// Takes over a device to handle its controls.
    pub(super) fn open(node: Node) -> Result<Self, Error> {
        let mut controls = Self {
            node,
            known: Vec::new(),
            listed: Vec::new(),
            subscribed: BTreeSet::new(),
            changed: BTreeSet::new(),
            broken: false,
        };
        controls.refresh()?;
        Ok(controls)
    }

    /// Asks the driver anew which controls there are.
    fn refresh(&mut self) -> Result<(), Failure> {
        self.known = query::all(&self.node)?;
        for control in &self.known {
            if self.subscribed.contains(&control.id) {
                continue;
            }
            let mut subscription = abi::EventSubscription::zeroed();
            subscription.kind = abi::EVENT_CTRL;
            subscription.id = control.id;
            subscription.flags = abi::EVENT_SUB_FL_ALLOW_FEEDBACK;
            match self.node.subscribe_event(&mut subscription) {
                Ok(()) => {
                    self.subscribed.insert(control.id);
                }
                // No events at all.
                Err(failure) if failure.is_unknown_call() => break,
                Err(failure) if failure.errno == Errno::NODEV => return Err(failure),
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn describe(&mut self, name: &str) -> Result<Description, Error> {
        let find = |known: &[Description]| known.iter().find(|c| c.name == name).cloned();
        if let Some(control) = find(&self.known) {
            return Ok(control);
        }
        self.refresh()?;
        find(&self.known).ok_or_else(|| Error::Refused(name.to_owned()))
    }

    fn read_all(&self) -> Result<Vec<Control>, Failure> {
        self.known
            .iter()
            .map(|control| {
                Ok(Control {
                    name: control.name.clone(),
                    label: control.label.clone(),
                    kind: control.kind,
                    value: value::current(&self.node, control)?,
                    default: value::default(&self.node, control)?,
                    min: control.min,
                    max: control.max,
                    step: control.step,
                    menu: control.menu.clone(),
                    flags: control.flags,
                })
            })
            .collect()
    }

    /// Takes all events there are. Those that merely tell the new value of `own` are nobody's
    /// concern.
    fn drain(&mut self, own: Option<u32>) -> Result<(), Failure> {
        loop {
            let mut event = abi::Event::zeroed();
            match self.node.dequeue_event(&mut event) {
                Ok(()) => {}
                Err(Failure { errno: Errno::NOENT, .. }) => return Ok(()),
                Err(failure) => return Err(failure),
            }
            let only_value = event.control.changes == abi::EVENT_CTRL_CH_VALUE;
            if event.kind == abi::EVENT_CTRL && !(own == Some(event.id) && only_value) {
                self.changed.insert(event.id);
            }
        }
    }

    /// Finds out what setting `own` changed beside it.
    fn look_beside(&mut self, own: u32) -> Result<(), Failure> {
        if !self.subscribed.is_empty() {
            return self.drain(Some(own));
        }
        let before = std::mem::take(&mut self.listed);
        self.refresh()?;
        self.listed = self.read_all()?;
        for (control, now) in self.known.iter().zip(&self.listed) {
            let then = before.iter().find(|then| then.name == now.name);
            if control.id != own && then.is_some_and(|then| then != now) {
                self.changed.insert(control.id);
            }
        }
        Ok(())
    }

    /// The names of what changed and has not been told.
    fn take_changed(&mut self) -> Vec<String> {
        let changed = std::mem::take(&mut self.changed);
        let told = self.known.iter().filter(|control| changed.contains(&control.id));
        told.map(|control| control.name.clone()).collect()
    }
}

impl device::Controls for Controls {
    fn list(&mut self) -> Result<Vec<Control>, Error> {
        self.refresh()?;
        let controls = self.read_all()?;
        if self.subscribed.is_empty() {
            self.listed.clone_from(&controls);
        }
        Ok(controls)
    }

    fn set(&mut self, setting: &ControlSetting) -> Result<ControlValue, Error> {
        let control = self.describe(&setting.name)?;
        value::set(&self.node, &control, &setting.value)?;
        // Before reading back: a change from outside that comes in between is either in the
        // value that is read, or told later.
        self.look_beside(control.id)?;
        if control.kind == ControlKind::Button {
            return Ok(ControlValue::None);
        }
        if control.flags.write_only {
            return Ok(setting.value.clone());
        }
        Ok(value::current(&self.node, &control)?)
    }

    fn wait(&mut self, waker: &Waker) -> Result<Vec<String>, Error> {
        loop {
            let told = self.take_changed();
            if !told.is_empty() {
                return Ok(told);
            }
            if self.subscribed.is_empty() || self.broken {
                waker.wait();
                return Ok(Vec::new());
            }
            let mut fds = [
                PollFd::from_borrowed_fd(self.node.as_fd(), PollFlags::PRI),
                PollFd::from_borrowed_fd(waker.fd(), PollFlags::IN),
            ];
            match poll(&mut fds, None) {
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(Failure { call: "poll", errno }.into()),
            }
            let (device, woken) = (fds[0].revents(), !fds[1].revents().is_empty());
            if device.intersects(PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL) {
                self.node.capabilities()?;
                if device.contains(PollFlags::HUP) {
                    return Err(Error::Gone);
                }
                tracing::warn!("the driver no longer tells of changed controls");
                self.broken = true;
            }
            if !device.is_empty() {
                self.drain(None)?;
            } else if woken {
                waker.clear();
                return Ok(Vec::new());
            }
        }
    }
}
