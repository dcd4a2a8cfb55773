//! Everything that takes part, and how each fault is done to it.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use fastrand::Rng;
use protocol::{
    CameraId, ControlSetting, ControlValue, Delivery, PixelFormat, Size, StreamFormat,
    StreamRequest,
};

use super::{
    Condition, Plan, Report, Rig,
    fault::Fault,
    model::{Model, Scene},
    reader::Reader,
    record::Record,
    rest::Rests,
    service::Attended,
    subscriber::Subscriber,
};
use crate::{live::any, wait_until};

/// For whatever has to happen, on a busy machine or an emulated one.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// Most faults before all is taken back.
const BURST: u32 = 8;
/// Processes that read.
pub(super) const READERS: usize = 2;
/// Longest pause between two faults that are not waited for.
const PAUSE_MS: u64 = 30;

pub(super) struct Stage<R: Rig> {
    // First, so that they end before the service does: what they saw of its end is nothing.
    pub(super) subscribers: Vec<Subscriber>,
    pub(super) readers: Vec<Reader>,
    pub(super) record: Record,
    pub(super) attended: Attended,
    pub(super) rig: R,
    pub(super) camera: CameraId,
    pub(super) model: Model,
    pub(super) plan: Plan,
    pub(super) rng: Rng,
    pub(super) step: u32,
    /// What was done so far.
    pub(super) history: Vec<String>,
    pub(super) injected: BTreeMap<&'static str, u32>,
    pub(super) rests: Rests,
    pub(super) report: Report,
    /// Faults since all was last taken back.
    pub(super) burst: Vec<String>,
    began: Instant,
}

impl<R: Rig> Stage<R> {
    #[track_caller]
    pub(super) fn new(rig: R, plan: Plan) -> Self {
        let mut attended = Attended::start(rig.service());
        let camera = rig.camera();
        wait_until("the camera to be there", PATIENCE, || {
            if attended.has(&camera) { Ok(()) } else { Err("it is not listed".to_owned()) }
        });
        let record = Record::start(attended.connector("record"), attended.weather.clone());
        let report = Report { rig: rig.name(), seed: plan.seed, ..Report::default() };
        let mut stage = Self {
            subscribers: Vec::new(),
            readers: Vec::new(),
            record,
            attended,
            rig,
            camera,
            model: Model::new(),
            plan,
            rng: Rng::with_seed(plan.seed),
            step: 0,
            history: Vec::new(),
            injected: BTreeMap::new(),
            rests: Rests::default(),
            report,
            burst: Vec::new(),
            began: Instant::now(),
        };
        stage.rest();
        stage.subscribe();
        stage
    }

    /// Has those who watch come: with native frames and with two renditions, shared and inline.
    pub(super) fn subscribe(&mut self) {
        let native = StreamRequest::native(self.camera.clone());
        let small = StreamRequest {
            format: StreamFormat::Pixels(PixelFormat::Grey),
            max_size: Some(Size::new(160, 120)),
            ..native.clone()
        };
        let inline = StreamRequest { delivery: Delivery::Inline, ..small.clone() };
        let wishes = [("native", native, self.rig.judge()), ("small", small, any())];
        for (name, request, judge) in wishes.into_iter().chain([("inline", inline, any())]) {
            let connector = self.attended.connector(name);
            let weather = self.attended.weather.clone();
            self.subscribers.push(Subscriber::start(name, connector, request, judge, weather));
        }
        self.replenish();
    }

    /// Has new readers come for those that were killed.
    pub(super) fn replenish(&mut self) {
        while self.readers.len() < READERS {
            let (inline, incarnation) = (self.rng.bool(), self.attended.incarnation());
            let camera = &self.camera.0;
            self.readers.push(Reader::start(&self.attended.service, camera, inline, incarnation));
        }
    }

    pub(super) fn has_steps(&self) -> bool {
        self.step < self.plan.steps
    }

    /// A few faults, some so close that the service is still busy with the one before.
    #[track_caller]
    pub(super) fn burst(&mut self) {
        for _ in 0..self.rng.u32(1..=BURST).min(self.plan.steps - self.step) {
            let scene = Scene {
                readers: self.readers.len(),
                stopped: self.readers.iter().filter(|reader| reader.stopped).count(),
                // In the second half one and the same service must not grow.
                may_kill: self.step * 2 < self.plan.steps,
                tempo: self.rig.tempo(),
            };
            let fault = self.model.draw(&mut self.rng, &self.rig, scene);
            self.step += 1;
            *self.injected.entry(fault.kind()).or_default() += 1;
            self.history.push(format!("{:4} {:8.2?} {fault}", self.step, self.began.elapsed()));
            self.burst.push(fault.to_string());
            let was_well = !self.model.disturbed;
            let from = self.record.now();
            let done = self.inject(&fault, was_well);
            self.invariants();
            self.model.disturbed |= !fault.is_harmless();
            if done && self.rng.u8(..3) == 0 {
                self.make_sure(&fault, was_well, from);
            } else {
                thread::sleep(Duration::from_millis(self.rng.u64(..PAUSE_MS)));
            }
        }
    }

    /// Does it; whether that had an effect.
    #[track_caller]
    fn inject(&mut self, fault: &Fault, was_well: bool) -> bool {
        match fault {
            Fault::Unplug => {
                self.rig.unplug();
                self.model.plugged = false;
                self.model.lost_power(&self.rig);
            }
            Fault::Replug => self.plug(),
            Fault::Camera(condition) => {
                self.rig.set(*condition);
                self.model.condition = *condition;
            }
            Fault::ModeChange(wish) => {
                let (camera, wish) = (self.camera.clone(), *wish);
                let started = self
                    .attended
                    .ask("a start", async |client| client.start_camera(&camera, wish).await);
                assert!(started.is_ok() || !was_well, "it was well, but: {started:?}");
                // One that fails ends the hold, unless it was refused at once.
                self.model.held = started.as_ref().ok().map(|started| started.mode);
                return started.is_ok();
            }
            Fault::HoldEnds => {
                self.end_hold();
            }
            Fault::ControlChange { name, value } => {
                return self.set_control(name, *value, was_well);
            }
            Fault::CamerasOff => self.turn(true),
            Fault::CamerasOn => self.turn(false),
            Fault::ReaderKilled => {
                let at = self.rng.usize(..self.readers.len());
                self.readers.remove(at).program.kill();
            }
            Fault::ReaderStopped => self.any_reader(false, Reader::stop),
            Fault::ReaderContinued => self.any_reader(true, Reader::go_on),
            Fault::ServiceStopped(time) => {
                self.attended.stop();
                thread::sleep(*time);
                self.attended.go_on();
            }
            Fault::ServiceKilled(time) => {
                self.attended.kill(|| thread::sleep(*time));
                self.rests.forget();
                self.model.held = None;
            }
            Fault::Suspend => self.suspend(),
        }
        true
    }

    pub(super) fn plug(&mut self) {
        self.rig.plug();
        self.model.plugged = true;
    }

    pub(super) fn turn(&mut self, off: bool) {
        use std::sync::atomic::Ordering::SeqCst;
        if !off {
            self.attended.weather.off.store(false, SeqCst);
        }
        self.attended.must("the switch", async |client| client.set_privacy(off).await);
        if off {
            self.attended.weather.off.store(true, SeqCst);
        }
        self.model.off = off;
    }

    /// Ends a hold; none where the camera is not there.
    pub(super) fn end_hold(&mut self) {
        let camera = self.camera.clone();
        let _ = self.attended.ask("a stop", async |client| client.stop_camera(&camera).await);
        self.model.held = None;
    }

    fn set_control(&mut self, name: &'static str, value: i64, was_well: bool) -> bool {
        let (camera, value) = (self.camera.clone(), ControlValue::Integer(value));
        let settings = vec![ControlSetting { name: name.to_owned(), value }];
        let set = self
            .attended
            .ask("a control", async |client| client.set_controls(&camera, settings).await);
        assert!(set.is_ok() || !was_well, "it was well, but: {set:?}");
        let taken = set.ok().and_then(|outcomes| outcomes.into_iter().next()?.result.ok());
        match taken {
            Some(ControlValue::Integer(taken)) => self.model.controls.insert(name, taken),
            _ => self.model.controls.remove(name),
        };
        self.model.controls.contains_key(name)
    }

    fn any_reader(&mut self, stopped: bool, act: impl FnOnce(&mut Reader)) {
        let fit = self.readers.iter_mut().filter(|reader| reader.stopped == stopped);
        let mut fit: Vec<_> = fit.collect();
        let at = self.rng.usize(..fit.len());
        act(fit[at]);
    }

    fn suspend(&mut self) {
        self.attended.stop();
        let awake: Vec<usize> =
            (0..self.readers.len()).filter(|at| !self.readers[*at].stopped).collect();
        for at in &awake {
            self.readers[*at].stop();
        }
        self.rig.unplug();
        self.model.lost_power(&self.rig);
        thread::sleep(self.rig.tempo().mul_f64(self.rng.f64() / 4.0));
        self.rig.plug();
        for at in awake {
            self.readers[at].go_on();
        }
        self.attended.go_on();
    }

    /// The end of all, and its figures.
    #[track_caller]
    pub(super) fn end(mut self) -> Report {
        self.rest();
        let mut report = std::mem::take(&mut self.report);
        report.injected = self.injected.clone();
        report.took = self.began.elapsed();
        self.rests.judge(&mut report);
        report
    }

    /// Back to how it was at the start, as far as the camera goes.
    pub(super) fn heal(&mut self) {
        for reader in &mut self.readers {
            if reader.stopped {
                reader.go_on();
            }
        }
        if !self.model.plugged {
            self.plug();
        } else if self.model.condition != Condition::Fine {
            self.rig.set(Condition::Fine);
        }
        self.model.condition = Condition::Fine;
        if self.model.off {
            self.turn(false);
        }
    }
}

impl<R: Rig> Drop for Stage<R> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.explain();
        }
    }
}
