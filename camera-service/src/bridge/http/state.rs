//! How things are: `/state` in the shape that µStreamer gave it, `/metrics` for Prometheus.

use hyper::{Response, StatusCode};
use protocol::{CameraSummary, ErrorKind, ErrorReply, PixelFormat, Reply, Request};
use serde_json::json;

use super::{
    Failed, Query, failed, reply,
    reply::{Body, Caching},
};
use crate::bridge::{Bridge, metrics, service::Failure, viewer::Viewer};

/// What Prometheus expects.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

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
    let mode = summary.mode.or(detail.modes.first().copied());
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

/// Counters, and the cameras that this user may see.
pub(super) async fn metrics(bridge: &Bridge, viewer: &Viewer) -> Result<Response<Body>, Failed> {
    let cameras = list(viewer).await.map_err(failed)?;
    let text = metrics::text(&bridge.counters, bridge.sources.len(), &cameras).map_err(|_| {
        failed(ErrorReply::new(ErrorKind::Internal, "the metrics could not be written"))
    })?;
    Ok(reply::full(StatusCode::OK, METRICS, text.into(), Caching::Never))
}
