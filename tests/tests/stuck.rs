//! A call into a driver that does not return: it costs that camera, and nothing else.
//!
//! The pretended camera hangs in one call; beside it are a test camera with a reader, and commands.
#![cfg(target_os = "linux")]

#[path = "stuck/starts.rs"]
mod starts;

use std::time::{Duration, Instant};

use protocol::StreamRequest;
use serde_json::Value;
use tests::{
    Service, Shim,
    live::{Seen, Watcher, any},
    wait_until,
};

const LONG: Duration = Duration::from_secs(30);
/// How long a service may take to end.
const SHUTDOWN: Duration = Duration::from_secs(2);
const OTHER: &str = "test:0";
/// Tries that must not cost a thread each.
const TRIES: usize = 5;

const CONFIG: &str = "[timeouts]
close_after = 0.1
stall_after = 0.5
open_within = 0.5
close_within = 0.3
retry_first = 0.02
retry_most = 0.1
request = 1
";

struct Scene {
    shim: Shim,
    service: Service,
    camera: String,
    other: Watcher,
}

/// A service with both cameras, of which the other one is watched.
fn scene() -> Scene {
    scene_of(Shim::new().pluggable(), CONFIG)
}

/// Likewise, with another configuration.
fn scene_with(config: &str) -> Scene {
    scene_of(Shim::new().pluggable(), config)
}

fn scene_of(shim: Shim, config: &str) -> Scene {
    let builder = Service::builder().config(config).shim(&shim);
    let service = builder.test_camera("160x120@30").start();
    let list = service.json(&["list"]);
    let cameras = list.as_array().expect("a list").iter();
    let mut ids = cameras.map(|camera| camera["id"].as_str().expect("an id"));
    let camera = ids.find(|id| *id != OTHER).unwrap_or_else(|| panic!("two cameras: {list}"));
    let camera = camera.to_owned();
    let other = Watcher::start(&service, StreamRequest::native(OTHER.into()), any());
    other.frames(0, 3);
    Scene { shim, service, camera, other }
}

impl Scene {
    fn watch(&self) -> Watcher {
        Watcher::start(&self.service, StreamRequest::native(self.camera.as_str().into()), any())
    }

    fn status(&self) -> Value {
        let status = self.service.json(&["status"]);
        let cameras = status["cameras"].as_array().expect("cameras").iter();
        let mut this = cameras.filter(|camera| camera["id"] == self.camera.as_str());
        this.next().unwrap_or_else(|| panic!("the camera: {status}")).clone()
    }

    fn wait_for_state(&self, state: &str) {
        wait_until(&format!("the camera to be {state}"), LONG, || {
            let camera = self.status();
            if camera["state"] == state { Ok(()) } else { Err(camera.to_string()) }
        });
    }

    /// Waits until it is shown as stuck, with what to do.
    fn wait_until_stuck(&self) {
        self.wait_for_state("stuck");
        let reason = self.status()["reason"].to_string();
        assert!(reason.contains("does not return") && reason.contains("unplug it"), "{reason}");
        let list = self.service.cli(&["list"]).ok();
        assert!(list.text().contains("stuck"), "{list:?}");
    }

    /// Asserts that all but this camera goes on: another's frames, its controls and its mode, new
    /// clients, and what is told.
    fn others_go_on(&self) {
        self.other.frames(self.other.now(), 5);
        let fresh = Watcher::start(&self.service, StreamRequest::native(OTHER.into()), any());
        fresh.frames(0, 2);
        self.service.cli(&["set", OTHER, "brightness=60"]).ok();
        self.service.cli(&["clients"]).ok();
        self.service.cli(&["info", &self.camera]).ok();
        self.service.cli(&["status"]).ok();
    }

    /// Number of threads that may be in a call into the camera.
    fn threads(&self) -> usize {
        let threads = self.service.threads_by_name();
        let of = |name: &str| threads.get(name).copied().unwrap_or(0);
        of("capture") + of("controls") + of("modes") + of("v4l2-finder")
    }

    /// Does it again and again, and asserts that no thread is left each time.
    fn tries_cost_nothing(&self, what: impl Fn()) {
        what();
        let before = self.threads();
        for _ in 0..TRIES {
            what();
        }
        wait_until("threads not to have grown", LONG, || {
            let (now, all) = (self.threads(), self.service.threads_by_name());
            if now <= before { Ok(()) } else { Err(format!("{before} before, now {all:?}")) }
        });
    }

    /// The driver returns: the same stream has frames, and no thread is left behind.
    fn comes_back(&self, watcher: &Watcher) {
        let from = watcher.now();
        self.shim.run();
        watcher.frames(from, 5);
        self.wait_for_state("streaming");
        self.service.cli(&["set", &self.camera, "brightness=11"]).ok();
        wait_until("threads that hung to end", LONG, || {
            let threads = self.service.threads_by_name();
            let of = |name: &str| threads.get(name).copied().unwrap_or(0);
            // One for each of the two cameras, at most.
            let few = of("capture") <= 2 && of("controls") <= 2 && of("modes") == 0;
            if few { Ok(()) } else { Err(format!("{threads:?}")) }
        });
    }

    /// Ends the service while the call hangs.
    fn ends(self) {
        let Self { shim, service, other, .. } = self;
        let began = Instant::now();
        let out = service.stop();
        let took = began.elapsed();
        assert_eq!(out.code(), Some(0), "{out:?}");
        assert!(took < SHUTDOWN, "it took {took:?} to end: {out:?}");
        let ended =
            |seen: &Seen| matches!(seen, Seen::Ended(reason) if reason.contains("stopping"));
        assert!(other.all().iter().any(ended), "the other's reader was told");
        drop(shim);
    }
}

#[test]
fn an_open_that_does_not_return() {
    let scene = scene();
    scene.shim.hang("open");
    let watcher = scene.watch();
    scene.wait_until_stuck();
    watcher.wait(
        0,
        "the stream to be told",
        |seen| matches!(seen, Seen::Lost(reason) if reason.contains("does not return")),
    );
    scene.others_go_on();
    scene.tries_cost_nothing(|| {
        let start = scene.service.cli(&["start", &scene.camera]).expect_code(1);
        assert!(start.stderr.contains("does not return"), "{start:?}");
        scene.service.cli(&["set", &scene.camera, "brightness=1"]).expect_code(1);
        scene.shim.touch();
        drop(scene.watch());
    });
    scene.comes_back(&watcher);

    drop(watcher);
    scene.wait_for_state("closed");
    scene.shim.hang("open");
    let _watcher = scene.watch();
    scene.wait_until_stuck();
    scene.ends();
}

#[test]
fn a_frame_that_is_never_handed_out() {
    let scene = scene();
    let watcher = scene.watch();
    watcher.frames(0, 3);
    scene.shim.hang("dqbuf");
    scene.wait_until_stuck();
    watcher.lost(0);
    scene.others_go_on();
    // The calls for controls do return.
    scene.service.cli(&["set", &scene.camera, "brightness=7"]).ok();
    scene.tries_cost_nothing(|| {
        scene.service.cli(&["start", &scene.camera]).expect_code(1);
        drop(scene.watch());
        // The switch reaches it too, and comes back.
        scene.service.cli(&["off"]).ok();
        scene.service.cli(&["on"]).ok();
    });
    scene.comes_back(&watcher);
    scene.shim.hang("dqbuf");
    scene.wait_until_stuck();
    scene.ends();
}

#[test]
fn a_close_that_does_not_return() {
    let scene = scene();
    let watcher = scene.watch();
    watcher.frames(0, 3);
    scene.shim.hang("streamoff");
    drop(watcher);
    scene.wait_until_stuck();
    scene.others_go_on();
    let watcher = scene.watch();
    scene.tries_cost_nothing(|| {
        scene.service.cli(&["start", &scene.camera]).expect_code(1);
        drop(scene.watch());
        scene.shim.touch();
    });
    scene.comes_back(&watcher);
    // It hangs only now, when the service closes it.
    scene.shim.hang("streamoff");
    scene.ends();
}

#[test]
fn a_control_that_is_never_set() {
    let scene = scene();
    let watcher = scene.watch();
    watcher.frames(0, 3);
    scene.shim.hang("control");
    let set = || scene.service.cli(&["set", &scene.camera, "brightness=3"]).expect_code(1);
    wait_until("the reason to be told", LONG, || {
        let said = set().stderr;
        let told = said.contains("do not return") && said.contains("unplug it");
        if told { Ok(()) } else { Err(said) }
    });
    scene.others_go_on();
    // Frames have a descriptor of their own.
    watcher.frames(watcher.now(), 5);
    assert_eq!(scene.status()["state"], "streaming");
    scene.tries_cost_nothing(|| {
        set();
        scene.service.cli(&["controls", &scene.camera]).expect_code(1);
        scene.service.cli(&["reset", &scene.camera]).expect_code(1);
    });
    // Plugged in again it is asked again, but not without end.
    let lost_from = watcher.now();
    for _ in 0..TRIES {
        scene.shim.disconnect();
        wait_until("the camera to be gone", LONG, || {
            let camera = scene.status();
            if camera["present"] == false { Ok(()) } else { Err(camera.to_string()) }
        });
        scene.shim.hang("control");
        scene.shim.plug();
        wait_until("the camera to be back", LONG, || {
            let camera = scene.status();
            if camera["present"] == true { Ok(()) } else { Err(camera.to_string()) }
        });
        set();
    }
    watcher.lost(lost_from);
    let threads = scene.service.threads_by_name();
    assert!(threads["controls"] <= 3, "two of this camera, one of the other: {threads:?}");
    scene.comes_back(&watcher);
    scene.shim.hang("control");
    set();
    scene.ends();
}

#[test]
fn modes_that_are_never_told() {
    let shim = Shim::new().pluggable();
    shim.hang("modes");
    let scene = scene_of(shim, CONFIG);
    scene.others_go_on();
    scene.tries_cost_nothing(|| scene.shim.touch());
    let threads = scene.service.threads_by_name();
    assert_eq!(threads.get("modes"), Some(&1), "{threads:?}");
    let watcher = scene.watch();
    scene.wait_until_stuck();
    scene.comes_back(&watcher);
    // What was told late is known without another plugging in.
    wait_until("the modes to be known", LONG, || {
        let info = scene.service.json(&["info", &scene.camera]);
        let modes = info["modes"].as_array().map_or(0, Vec::len);
        if modes > 0 { Ok(()) } else { Err(info.to_string()) }
    });
    scene.ends();
}
