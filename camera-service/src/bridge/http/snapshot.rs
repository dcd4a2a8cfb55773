//! One picture as one answer.

use std::{sync::Arc, time::Duration};

use hyper::{
    Response, StatusCode,
    header::{HeaderName, HeaderValue},
};
use protocol::{CameraId, ErrorKind, ErrorReply};
use tokio::time::timeout;

use super::{
    Failed, Query, failed, mjpeg, reply,
    reply::{Body, Caching},
};
use crate::{
    bridge::{
        Bridge,
        metrics::Way,
        seldom::Bell,
        source::{Phase, Picture},
        viewer::Viewer,
    },
    clock,
};

/// Opening a camera takes its time.
const WITHIN: Duration = Duration::from_secs(12);
/// A picture that is there already is taken if it is not older, µs.
const RECENT_US: u64 = 1_000_000;

/// Answers with a picture of now.
pub(super) async fn snapshot(
    bridge: &Arc<Bridge>,
    viewer: &Viewer,
    camera: Option<CameraId>,
    query: &Query,
    head: bool,
) -> Result<Response<Body>, Failed> {
    let camera = mjpeg::chosen(viewer, camera).await.map_err(failed)?;
    let watch = viewer.watch(&camera).await.map_err(failed)?;
    let request = query.stream(watch.camera.clone()).map_err(failed)?;
    if head {
        return Ok(reply::full(StatusCode::OK, JPEG, bytes::Bytes::new(), Caching::Never));
    }
    let news = Arc::<Bell>::default();
    let mut subscription =
        bridge.sources.subscribe(&watch, request, news.clone()).map_err(failed)?;
    let mut condition = None;
    let picture = async {
        loop {
            if let Some((picture, _)) = subscription.take()
                && picture.unix_us + RECENT_US > clock::unix_ns() / 1000
            {
                return Ok(picture);
            }
            match subscription.change() {
                Some(Phase::Ended(error)) => return Err(error),
                Some(Phase::Blocked) => {
                    return Err(ErrorReply::new(ErrorKind::Blocked, "all cameras are turned off"));
                }
                Some(Phase::Lost(reason)) => condition = Some(reason),
                Some(Phase::Live(..)) => condition = None,
                _ => {}
            }
            tokio::select! {
                () = news.heard() => {}
                reason = viewer.client.closed() => return Err(mjpeg::gone(reason)),
                () = bridge.stop.cancelled() => return Err(mjpeg::gone(None)),
            }
        }
    };
    let picture = timeout(WITHIN, picture).await.unwrap_or_else(|_| {
        Err(match condition {
            Some(reason) => ErrorReply::new(ErrorKind::Lost, format!("{camera} is lost: {reason}")),
            None => ErrorReply::new(ErrorKind::Timeout, format!("{camera} delivers no picture")),
        })
    });
    let picture = picture.map_err(failed)?;
    bridge.counters.frames.get_or_create(&Way::SNAPSHOT).inc();
    bridge.counters.bytes.get_or_create(&Way::SNAPSHOT).inc_by(picture.len() as u64);
    Ok(answer(&picture))
}

const JPEG: &str = "image/jpeg";

fn answer(picture: &Picture) -> Response<Body> {
    let mut response = reply::full(StatusCode::OK, JPEG, picture.image(), Caching::Never);
    let time = format!("{}.{:06}", picture.unix_us / 1_000_000, picture.unix_us % 1_000_000);
    if let Ok(time) = HeaderValue::from_str(&time) {
        response.headers_mut().insert(HeaderName::from_static("x-timestamp"), time);
    }
    response
}
