//! JSON over HTTP: logging in with a secret, requests, cameras.

use std::{net::IpAddr, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::{Request, Response, StatusCode, body::Incoming};
use protocol::{CameraId, ErrorKind, ErrorReply, Scope};
use serde::{Deserialize, Serialize};

use super::{Failed, failed, reply, reply::Body};
use crate::{
    bridge::{
        Bridge, OpenWatch,
        login::Throttled,
        service::Failure,
        viewer::Viewer,
        ws::requests::{self, What},
    },
    time::rfc3339,
};

/// Bytes of a request's body.
const MOST: usize = 64 << 10;
/// A body that has not come in full by then is given up.
const WITHIN: Duration = Duration::from_secs(10);

/// Reads a body of JSON.
async fn body(request: Request<Incoming>) -> Result<Bytes, Failed> {
    let wrong = |status, message: &str| Err((status, ErrorReply::new(ErrorKind::Invalid, message)));
    let read = Limited::new(request.into_body(), MOST).collect();
    match tokio::time::timeout(WITHIN, read).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            wrong(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long: 64 KiB are allowed")
        }
        Ok(Err(_)) => wrong(StatusCode::BAD_REQUEST, "the body did not come in full"),
        Err(_) => wrong(StatusCode::REQUEST_TIMEOUT, "the body did not come in time"),
    }
}

fn parsed<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Failed> {
    serde_json::from_slice(body).map_err(|error| {
        let message = format!("the body is not understood: {error}");
        (StatusCode::BAD_REQUEST, ErrorReply::new(ErrorKind::Invalid, message))
    })
}

/// Whether a token is needed to watch: what the page asks first.
pub(super) fn needs(bridge: &Bridge) -> Response<Body> {
    reply::json(&serde_json::json!({ "token_needed": bridge.open_watch == OpenWatch::Off }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invitation {
    secret: String,
}

#[derive(Serialize)]
struct Session<'a> {
    token: &'a str,
    name: &'a str,
    scopes: Vec<&'static str>,
    cameras: Vec<&'a str>,
    expires: Option<String>,
}

/// Swaps the secret of an invitation for a token.
pub(super) async fn session(
    bridge: &Bridge,
    request: Request<Incoming>,
    remote: IpAddr,
) -> Result<Response<Body>, Failed> {
    let body = body(request).await?;
    let Invitation { secret } = parsed(&body)?;
    if let Err(Throttled(wait)) = bridge.logins.admit(&secret, remote) {
        let message =
            format!("too many log-ins have failed; try again in {} s", wait.as_secs() + 1);
        let error = ErrorReply::new(ErrorKind::Limit, message);
        return Err((StatusCode::TOO_MANY_REQUESTS, error));
    }
    match bridge.service.redeem(secret.clone(), remote).await {
        Ok(token) => {
            bridge.logins.succeeded(&token.secret);
            let summary = &token.summary;
            Ok(reply::json(&Session {
                token: &token.secret,
                name: &summary.name,
                scopes: summary.scopes.iter().copied().map(Scope::as_str).collect(),
                cameras: summary.cameras.iter().map(|camera| camera.0.as_str()).collect(),
                expires: summary.expires_unix_ns.map(rfc3339),
            }))
        }
        Err(Failure::Reply(error)) if error.kind == ErrorKind::Forbidden => {
            bridge.log_in_failed(&secret, remote).await;
            Err((StatusCode::UNAUTHORIZED, error))
        }
        Err(failure) => Err(failed(failure.into())),
    }
}

/// One request of `camera.v1.json`.
pub(super) async fn request(
    viewer: &Viewer,
    request: Request<Incoming>,
) -> Result<Response<Body>, Failed> {
    let body = body(request).await?;
    let what: What = parsed(&body)?;
    let result = requests::perform(viewer, what).await.map_err(failed)?;
    Ok(reply::json_text(StatusCode::OK, format!("{{\"ok\":true,\"result\":{result}}}")))
}

/// All cameras.
pub(super) async fn cameras(viewer: &Viewer) -> Result<Response<Body>, Failed> {
    plain(viewer, What::ListCameras {}).await
}

/// One camera in full.
pub(super) async fn camera(viewer: &Viewer, camera: CameraId) -> Result<Response<Body>, Failed> {
    plain(viewer, What::DescribeCamera { camera }).await
}

async fn plain(viewer: &Viewer, what: What) -> Result<Response<Body>, Failed> {
    let result = requests::perform(viewer, what).await.map_err(failed)?;
    Ok(reply::json_text(StatusCode::OK, result))
}
