//! A stream of JPEG images as one answer that does not end: `multipart/x-mixed-replace`.
//!
//! An image is sent when the one before has left for the network; what comes meanwhile is passed
//! over. What the kernel holds unsent is bounded ([`crate::bridge::socket`]).

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{Either, StreamBody};
use hyper::{
    Response, StatusCode, Version,
    body::Frame,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, PRAGMA},
};
use protocol::{CameraId, ErrorReply, Request};
use tokio::time::Instant;

use super::{Failed, Query, failed, reply, reply::Body};
use crate::bridge::{
    Bridge,
    metrics::{Sent, Way},
    seldom::{Bell, Seldom},
    source::{BOUNDARY, Phase, Subscription},
    viewer::{Viewer, Watch},
};

/// How often the service is told how many frames a viewer got.
const COUNT: Duration = Duration::from_secs(2);

/// The camera that is asked for, by default the first one.
pub(super) async fn chosen(
    viewer: &Viewer,
    camera: Option<CameraId>,
) -> Result<CameraId, ErrorReply> {
    match camera {
        Some(camera) => Ok(camera),
        None => super::state::first(viewer).await.map(|camera| camera.id),
    }
}

/// Begins a stream.
pub(super) async fn stream(
    bridge: &Arc<Bridge>,
    viewer: Viewer,
    camera: Option<CameraId>,
    query: &Query,
    head: bool,
) -> Result<Response<Body>, Failed> {
    let camera = chosen(&viewer, camera).await.map_err(failed)?;
    // Also where only the headers are wanted, so that they are true.
    let watch = viewer.watch(&camera).await.map_err(failed)?;
    let request = query.stream(watch.camera.clone()).map_err(failed)?;
    if head {
        return Ok(headers(reply::empty(StatusCode::OK)));
    }
    let news = Arc::<Bell>::default();
    let mut subscription =
        bridge.sources.subscribe(&watch, request, news.clone()).map_err(failed)?;
    // What cannot be streamed is an error, not a stream without end or beginning.
    loop {
        match subscription.change() {
            Some(Phase::Ended(error)) => return Err(failed(error)),
            Some(Phase::Live(..) | Phase::Lost(_) | Phase::Blocked) => break,
            Some(Phase::Opening) | None if subscription.has_picture() => break,
            Some(Phase::Opening) | None => {}
        }
        tokio::select! {
            () = news.heard() => {}
            reason = viewer.client.closed() => return Err(failed(gone(reason))),
            () = bridge.stop.cancelled() => return Err(failed(gone(None))),
        }
    }
    let gauge = bridge.counters.viewers.get_or_create(&Way::MJPEG).clone();
    gauge.inc();
    let bridge = bridge.clone();
    let (client, stop) = (viewer.client.clone(), bridge.stop.clone());
    let end = Box::pin(async move {
        tokio::select! {
            _ = client.closed() => {}
            () = stop.cancelled() => {}
        }
    });
    let state = Flow {
        sent: bridge.counters.sent(&Way::MJPEG),
        bridge,
        viewer,
        _watch: watch,
        subscription,
        news,
        end,
        seldom: Seldom::new(),
        counted: Counted::default(),
    };
    let parts = stream::unfold(Some(state), async |state| {
        let mut state = state?;
        let part = state.next().await?;
        Some((Ok(Frame::data(part)), Some(state)))
    });
    let body = StreamBody::new(Box::pin(parts) as _);
    Ok(headers(Response::new(Either::Right(body))))
}

/// Why a user's connection to the service has ended.
pub(in crate::bridge) fn gone(reason: Option<ErrorReply>) -> ErrorReply {
    reason.unwrap_or_else(|| crate::bridge::service::Failure::Away.into())
}

fn headers(mut response: Response<Body>) -> Response<Body> {
    // Without chunks, which not every player of such streams can put together: it ends with the
    // connection, as in HTTP/1.0.
    *response.version_mut() = Version::HTTP_10;
    let kind = format!("multipart/x-mixed-replace;boundary={BOUNDARY}");
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(&kind) {
        headers.insert(CONTENT_TYPE, kind);
    }
    let caching = "no-store, no-cache, must-revalidate, pre-check=0, post-check=0, max-age=0";
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// A stream on its way.
struct Flow {
    bridge: Arc<Bridge>,
    viewer: Viewer,
    _watch: Watch,
    subscription: Subscription,
    news: Arc<Bell>,
    /// The end of the user's connection to the service, or of the bridge.
    end: Pin<Box<dyn Future<Output = ()> + Send>>,
    seldom: Seldom,
    sent: Sent,
    counted: Counted,
}

#[derive(Default)]
struct Counted {
    frames: u64,
    dropped: u64,
    told: Option<Instant>,
}

impl Flow {
    /// The next bytes; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some((picture, passed_over)) = self.subscription.take() {
                let first = self.counted.frames == 0;
                self.count(picture.len(), passed_over);
                if !first {
                    return Some(picture.part());
                }
                // The boundary of the first part; every part brings that of the next.
                let opening = format!("--{BOUNDARY}\r\n");
                return Some([opening.as_bytes(), &picture.part()].concat().into());
            }
            if let Some(Phase::Ended(_)) = self.subscription.change() {
                return None;
            }
            let Self { news, seldom, end, .. } = self;
            tokio::select! {
                biased;
                () = poll_fn(|cx| seldom.poll(cx, |cx| end.as_mut().poll(cx))) => return None,
                () = news.heard() => {}
            }
        }
    }

    fn count(&mut self, bytes: usize, passed_over: u64) {
        self.sent.frame(bytes, passed_over);
        let Counted { frames, dropped, told } = &mut self.counted;
        *frames += 1;
        *dropped += passed_over;
        if told.is_none_or(|told| told.elapsed() >= COUNT) {
            *told = Some(Instant::now());
            let request = Request::CountFrames { frames: *frames, dropped: *dropped };
            let client = self.viewer.client.clone();
            // Of no matter where the connection has ended.
            tokio::spawn(async move { drop(client.request(request).await) });
        }
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.bridge.counters.viewers.get_or_create(&Way::MJPEG).dec();
    }
}
