//! How things are: `/state` in the shape that µStreamer gave it, `/metrics` for Prometheus.

use std::{future, time::Duration};

use futures_util::{StreamExt as _, stream};
use hyper::{Response, StatusCode};
use protocol::{
    CameraDetail, CameraId, CameraSummary, ErrorKind, ErrorReply, Mode, PixelFormat, Reply, Request,
};
use serde_json::json;

use super::{
    Failed, Query, failed, reply,
    reply::{Body, Caching},
};
use crate::bridge::{Bridge, metrics, service::Failure, viewer::Viewer};

/// What Prometheus expects.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Cameras that have not answered by then are left out of the metrics: whoever collects them waits
/// some seconds.
const WITHIN: Duration = Duration::from_secs(2);
/// Cameras that are asked at once; the service takes 64 requests.
const AT_ONCE: usize = 16;

async fn list(viewer: &Viewer) -> Result<Vec<CameraSummary>, ErrorReply> {
    viewer.client.cameras().await.map_err(|error| Failure::from(error).into())
}

/// The first camera that this user may see.
pub(super) async fn first(viewer: &Viewer) -> Result<CameraSummary, ErrorReply> {
    let cameras = list(viewer).await?;
    // One that is there comes before one that is not.
    let present = cameras.iter().find(|camera| camera.present).or(cameras.first()).cloned();
    present.ok_or_else(|| ErrorReply::new(ErrorKind::NoSuchCamera, "there is no camera"))
}

/// One camera as programs that know µStreamer expect it.
pub(super) async fn state(
    bridge: &Bridge,
    viewer: &Viewer,
    query: &Query,
) -> Result<Response<Body>, Failed> {
    let camera = match query.camera() {
        Some(camera) => camera,
        None => first(viewer).await.map_err(failed)?.id,
    };
    let request = Request::DescribeCamera { camera };
    let reply =
        viewer.client.request(request).await.map_err(|e| failed(Failure::from(e).into()))?;
    let Reply::Camera(detail) = reply else {
        return Err(failed(ErrorReply::new(ErrorKind::Internal, "another kind of reply came")));
    };
    let summary = &detail.summary;
    let mode = summary.mode.or_else(|| usual(&detail.modes));
    let (width, height) = mode.map_or((0, 0), |mode| (mode.size.width, mode.size.height));
    let fps = detail.measured_rate.map_or(0.0, protocol::FrameRate::as_f64).round() as u64;
    let clients = detail.watchers.iter().map(|watcher| {
        let client = json!({ "fps": fps, "extra_headers": false, "advance_headers": true, "dual_final_frames": false, "zero_data": false, "key": watcher.name });
        (watcher.connection.to_string(), client)
    });
    let clients: serde_json::Map<String, serde_json::Value> = clients.collect();
    let kind = match mode.map(|mode| mode.format) {
        Some(PixelFormat::Mjpg) => "HW",
        _ => "CPU",
    };
    Ok(reply::json(&json!({
        "ok": true,
        "result": {
            "instance_id": summary.id.0,
            "encoder": { "type": kind, "quality": 80 },
            "source": {
                "resolution": { "width": width, "height": height },
                "online": summary.state == protocol::CameraState::Streaming,
                "desired_fps": mode.map_or(0, |mode| mode.rate.as_f64().round() as u64),
                "captured_fps": fps,
            },
            "stream": {
                "queued_fps": fps,
                "clients": summary.watchers,
                "clients_stat": clients,
            },
            "sinks": {},
            "streams": bridge.sources.len(),
        },
    })))
}

/// The mode in which a stream from here opens a camera that is closed: the first one, with images
/// of the camera's own where it has them so.
fn usual(modes: &[Mode]) -> Option<Mode> {
    let first = *modes.first()?;
    let image = Mode { format: PixelFormat::Mjpg, ..first };
    Some(if modes.contains(&image) { image } else { first })
}

/// Counters, and the cameras that this user may see.
pub(super) async fn metrics(bridge: &Bridge, viewer: &Viewer) -> Result<Response<Body>, Failed> {
    let cameras = list(viewer).await.map_err(failed)?;
    let open = open(viewer, &cameras).await;
    let held = bridge.sources.len();
    let text = metrics::text(&bridge.counters, held, &cameras, &open).map_err(|_| {
        failed(ErrorReply::new(ErrorKind::Internal, "the metrics could not be written"))
    })?;
    Ok(reply::full(StatusCode::OK, METRICS, text.into(), Caching::Never))
}

/// Those of `cameras` that are open, in full, as far as they are told in time.
async fn open(viewer: &Viewer, cameras: &[CameraSummary]) -> Vec<CameraDetail> {
    let open = cameras.iter().filter(|camera| camera.mode.is_some());
    let open: Vec<CameraId> = open.map(|camera| camera.id.clone()).collect();
    let asked = stream::iter(open).map(|camera| async {
        let request = Request::DescribeCamera { camera };
        match viewer.client.request_within(request, Some(WITHIN)).await {
            Ok(Reply::Camera(detail)) => Some(*detail),
            // It has gone meanwhile, or is slow to answer: the others are told all the same.
            _ => None,
        }
    });
    let told = asked.buffer_unordered(AT_ONCE).filter_map(future::ready);
    told.take_until(Box::pin(tokio::time::sleep(WITHIN))).collect().await
}
