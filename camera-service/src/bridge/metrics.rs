//! What is counted, and how it is shown to Prometheus.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use protocol::{CameraDetail, CameraState, CameraSummary, FrameRate};

/// What the bridge counts, from its start on.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) accepted: Counter,
    pub(super) turned_away: Counter,
    pub(super) requests: Counter,
    pub(super) failed_logins: Counter,
    pub(super) viewers: Family<Way, Gauge>,
    pub(super) frames: Family<Way, Counter>,
    pub(super) dropped: Family<Way, Counter>,
    pub(super) bytes: Family<Way, Counter>,
    pub(super) published: Counter,
}

/// What one viewer adds to, looked up once.
pub(super) struct Sent {
    frames: Counter,
    dropped: Counter,
    bytes: Counter,
}

impl Counters {
    /// For a viewer whom frames reach in this way.
    pub(super) fn sent(&self, way: &Way) -> Sent {
        let Self { frames, dropped, bytes, .. } = self;
        let [frames, dropped, bytes] =
            [frames, dropped, bytes].map(|family| family.get_or_create(way).clone());
        Sent { frames, dropped, bytes }
    }
}

impl Sent {
    /// A frame of so many bytes was sent, and others were passed over.
    pub(super) fn frame(&self, bytes: usize, passed_over: u64) {
        self.frames.inc();
        self.dropped.inc_by(passed_over);
        self.bytes.inc_by(bytes as u64);
    }
}

/// How frames reach a viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Way {
    pub(super) way: &'static str,
}

impl Way {
    pub(super) const MJPEG: Self = Self { way: "mjpeg" };
    pub(super) const WEBSOCKET: Self = Self { way: "websocket" };
    pub(super) const SNAPSHOT: Self = Self { way: "snapshot" };
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Camera {
    camera: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct State {
    camera: String,
    state: &'static str,
}

const STATES: [CameraState; 7] = [
    CameraState::Closed,
    CameraState::Opening,
    CameraState::Streaming,
    CameraState::Stalled,
    CameraState::Lost,
    CameraState::Stuck,
    CameraState::Blocked,
];

/// Everything as text, with what the asker may know of `cameras`, and more of those that are
/// `open`.
pub(super) fn text(
    counters: &Counters,
    sources: usize,
    cameras: &[CameraSummary],
    open: &[CameraDetail],
) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::with_prefix("camera_service");
    let bridge = registry.sub_registry_with_prefix("bridge");
    let Counters {
        accepted,
        turned_away,
        requests,
        failed_logins,
        viewers,
        frames,
        dropped,
        bytes,
        published,
    } = counters;
    bridge.register("connections", "Connections accepted", accepted.clone());
    bridge.register(
        "turned_away",
        "Connections beyond a limit, closed at once",
        turned_away.clone(),
    );
    bridge.register("requests", "HTTP requests", requests.clone());
    bridge.register("failed_logins", "Log-ins with a wrong token", failed_logins.clone());
    bridge.register("viewers", "Streams to viewers now", viewers.clone());
    bridge.register("frames", "Frames sent to viewers", frames.clone());
    bridge.register("frames_dropped", "Frames passed over for slow viewers", dropped.clone());
    bridge.register("frame_bytes", "Bytes of frames sent to viewers", bytes.clone());
    bridge.register("frames_published", "Frames taken from publishers", published.clone());
    let held = Gauge::<i64>::default();
    held.set(i64::try_from(sources).unwrap_or(i64::MAX));
    bridge.register("streams", "Streams held at the service, shared by viewers", held);

    let present = Family::<Camera, Gauge>::default();
    let watchers = Family::<Camera, Gauge>::default();
    let states = Family::<State, Gauge>::default();
    for summary in cameras {
        let camera = Camera { camera: summary.id.0.clone() };
        present.get_or_create(&camera).set(i64::from(summary.present));
        watchers.get_or_create(&camera).set(i64::from(summary.watchers));
        for state in &STATES {
            let label = State { camera: summary.id.0.clone(), state: state.as_str() };
            states.get_or_create(&label).set(i64::from(*state == summary.state));
        }
    }
    registry.register("camera_present", "Whether the device is there", present);
    registry.register("camera_watchers", "Streams of the camera", watchers);
    registry.register("camera_state", "1 for the state that the camera is in", states);
    capture(&mut registry, open);
    let mut text = String::new();
    text::encode(&mut text, &registry)?;
    Ok(plain(&text))
}

/// What comes from the devices of cameras that are `open`. Gauges, since all of it begins anew when
/// a camera is opened.
fn capture(registry: &mut Registry, open: &[CameraDetail]) {
    let [frames, gaps, damaged] = [(); 3].map(|()| Family::<Camera, Gauge>::default());
    let rates = Family::<Camera, Gauge<f64, AtomicU64>>::default();
    for detail in open {
        let camera = Camera { camera: detail.summary.id.0.clone() };
        let counted = [(&frames, detail.frames), (&gaps, detail.gaps), (&damaged, detail.damaged)];
        for (family, count) in counted {
            family.get_or_create(&camera).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let rate = detail.measured_rate.map_or(0.0, FrameRate::as_f64);
        rates.get_or_create(&camera).set(rate);
    }
    registry.register("camera_frames", "Frames since the camera was opened", frames);
    let help = "Frames dropped by the driver since the camera was opened";
    registry.register("camera_gaps", help, gaps);
    let help = "Frames that came damaged since the camera was opened";
    registry.register("camera_damaged", help, damaged);
    let help = "Frames a second as measured over the last second, 0 before that";
    registry.register("camera_measured_fps", help, rates);
}

/// OpenMetrics as the older text format, which everything understands: there a counter is
/// described under the name that its samples have.
fn plain(open_metrics: &str) -> String {
    let counters: Vec<&str> = open_metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter"))
        .collect();
    let mut text = String::with_capacity(open_metrics.len() + 8 * counters.len());
    for line in open_metrics.lines().filter(|line| *line != "# EOF") {
        let mut words = line.splitn(4, ' ');
        match [words.next(), words.next(), words.next(), words.next()] {
            [Some("#"), Some(what), Some(name), Some(rest)] if counters.contains(&name) => {
                text.push_str(&format!("# {what} {name}_total {rest}"));
            }
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_described_as_their_samples_are_called() {
        let counters = Counters::default();
        counters.frames.get_or_create(&Way::MJPEG).inc_by(3);
        let text = text(&counters, 2, &[], &[]).expect("text");
        assert!(text.contains("# TYPE camera_service_bridge_frames_total counter\n"), "{text}");
        assert!(text.contains("camera_service_bridge_frames_total{way=\"mjpeg\"} 3\n"), "{text}");
        assert!(text.contains("# TYPE camera_service_bridge_streams gauge\n"), "{text}");
        assert!(!text.contains("EOF"), "{text}");
    }
}
