//! HTTP: which request is answered by what.
//!
//! Every request passes the gate first. All but the page's files and `/healthz` then need a
//! token, which the service checks.

mod api;
mod login;
mod mjpeg;
mod options;
mod reply;
mod snapshot;
mod state;

use std::{convert::Infallible, net::IpAddr, sync::Arc};

use hyper::{Method, Request, Response, StatusCode, body::Incoming};
use protocol::{CameraId, ErrorKind, ErrorReply};

use super::{Bridge, assets::ASSETS, listen::Place, ws};
pub(super) use mjpeg::gone;
use options::Query;
pub(super) use options::{Wish, request};
use reply::{Asked, Caching};
pub(super) use reply::{Body, empty};

/// What a request is for.
enum Route {
    Asset(usize),
    Health,
    WebSocket,
    Session,
    Request,
    Cameras,
    Camera(CameraId),
    Stream(Option<CameraId>),
    Snapshot(Option<CameraId>),
    State,
    Metrics,
}

/// Answers a request.
pub(super) async fn answer(
    bridge: Arc<Bridge>,
    request: Request<Incoming>,
    remote: IpAddr,
    place: Arc<Place>,
) -> Result<Response<Body>, Infallible> {
    bridge.counters.requests.inc();
    let asked = Asked::of(&request);
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    let response = match bridge.gate.check(request.headers(), &bridge.names).await {
        Ok(()) => respond(&bridge, request, (remote, place), &asked).await,
        Err(foreign) => {
            let error = ErrorReply::new(ErrorKind::Forbidden, foreign.message());
            Err((StatusCode::FORBIDDEN, error))
        }
    };
    let response = response.unwrap_or_else(|(status, error)| asked.error(status, &error));
    // Never the query: it may have a token.
    tracing::debug!(%remote, %method, path, status = response.status().as_u16(), "answered");
    Ok(reply::with_safety(response))
}

/// Why a request is not answered as asked.
type Failed = (StatusCode, ErrorReply);

async fn respond(
    bridge: &Arc<Bridge>,
    request: Request<Incoming>,
    (remote, place): (IpAddr, Arc<Place>),
    asked: &Asked,
) -> Result<Response<Body>, Failed> {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let Some(route) = route(request.uri().path(), &query) else {
        let message = "there is nothing at this address";
        return Err((StatusCode::NOT_FOUND, ErrorReply::new(ErrorKind::Invalid, message)));
    };
    let posts = matches!(route, Route::Session | Route::Request);
    let fits = match *request.method() {
        // What the page asks before it asks its user.
        Method::GET if matches!(route, Route::Session) => true,
        Method::GET => !posts,
        Method::HEAD => !posts && !matches!(route, Route::WebSocket),
        Method::POST => posts,
        _ => false,
    };
    if !fits {
        let methods = match route {
            Route::Session => "GET, POST",
            _ if posts => "POST",
            _ => "GET, HEAD",
        };
        return Ok(asked.method_not_allowed(methods));
    }
    let head = request.method() == Method::HEAD;
    let user = login::User { bridge, headers: request.headers(), query: &query, remote };
    match route {
        Route::Asset(at) => Ok(asset(&request, at)),
        Route::Health => Ok(health(bridge)),
        Route::WebSocket => ws::upgrade(bridge.clone(), request, remote, place),
        Route::Session if request.method() == Method::GET => Ok(api::needs(bridge)),
        Route::Session => api::session(bridge, request, remote).await,
        Route::Request => {
            let viewer = user.log_in("http").await?;
            api::request(&viewer, request).await
        }
        Route::Cameras => api::cameras(&user.log_in("http").await?).await,
        Route::Camera(id) => api::camera(&user.log_in("http").await?, id).await,
        Route::State => state::state(bridge, &user.log_in("http").await?, &query).await,
        Route::Metrics => {
            let viewer = user.log_in("http").await?;
            state::metrics(bridge, &viewer).await
        }
        Route::Stream(camera) => {
            let viewer = user.log_in_to_watch("mjpeg").await?;
            let stream = mjpeg::stream(bridge, viewer, camera, &query, head).await?;
            Ok(reply::for_pages_of_others(stream, &query))
        }
        Route::Snapshot(camera) => {
            let viewer = user.log_in_to_watch("snapshot").await?;
            let snapshot = snapshot::snapshot(bridge, &viewer, camera, &query, head).await?;
            Ok(reply::for_pages_of_others(snapshot, &query))
        }
    }
}

fn route(path: &str, query: &Query) -> Option<Route> {
    let chosen = || query.camera();
    Some(match path {
        "/" => match query.get("action") {
            Some("stream") => Route::Stream(chosen()),
            Some("snapshot") => Route::Snapshot(chosen()),
            _ => Route::Asset(position("/")?),
        },
        "/healthz" => Route::Health,
        "/ws" => Route::WebSocket,
        "/stream" | "/stream.mjpeg" | "/api/stream.mjpeg" => Route::Stream(chosen()),
        "/snapshot" | "/snapshot.jpg" | "/api/frame.jpeg" => Route::Snapshot(chosen()),
        "/state" => Route::State,
        "/metrics" => Route::Metrics,
        "/api/session" => Route::Session,
        "/api/request" => Route::Request,
        "/api/cameras" => Route::Cameras,
        _ => match path.strip_prefix("/api/cameras/") {
            Some(rest) => {
                let (id, what) = rest.split_once('/').map_or((rest, None), |(a, b)| (a, Some(b)));
                let id = CameraId(options::decoded(id)?);
                match what {
                    _ if id.0.is_empty() => return None,
                    None => Route::Camera(id),
                    Some("stream.mjpeg") => Route::Stream(Some(id)),
                    Some("snapshot.jpg") => Route::Snapshot(Some(id)),
                    Some(_) => return None,
                }
            }
            None => Route::Asset(position(path)?),
        },
    })
}

fn position(path: &str) -> Option<usize> {
    ASSETS.iter().position(|asset| asset.path == path)
}

fn asset(request: &Request<Incoming>, at: usize) -> Response<Body> {
    let asset = &ASSETS[at];
    let tag = reply::tag(asset.bytes);
    let known = request.headers().get(hyper::header::IF_NONE_MATCH);
    if known.is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return reply::not_modified(&tag);
    }
    let caching = Caching::Revalidate(&tag);
    reply::full(StatusCode::OK, asset.kind, asset.bytes.into(), caching)
}

/// Whether the bridge works, for whoever supervises it: without the service it is of no use.
fn health(bridge: &Bridge) -> Response<Body> {
    let (status, text) = if bridge.service.is_there() {
        (StatusCode::OK, "ok\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "camera-service does not run\n")
    };
    reply::full(status, reply::TEXT, text.into(), Caching::Never)
}

/// The status that an error of the service has.
fn failed(error: ErrorReply) -> Failed {
    let status = match error.kind {
        ErrorKind::NoSuchCamera
        | ErrorKind::NoSuchControl
        | ErrorKind::NoSuchClient
        | ErrorKind::NoSuchPreset => StatusCode::NOT_FOUND,
        ErrorKind::Invalid
        | ErrorKind::OutOfRange
        | ErrorKind::ReadOnly
        | ErrorKind::WrongType
        | ErrorKind::UnsupportedMode
        | ErrorKind::Protocol
        | ErrorKind::Unsupported => StatusCode::BAD_REQUEST,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::NameTaken => StatusCode::CONFLICT,
        ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        ErrorKind::Busy
        | ErrorKind::Permission
        | ErrorKind::Lost
        | ErrorKind::Blocked
        | ErrorKind::Limit
        | ErrorKind::Stopping => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Device | ErrorKind::Storage | ErrorKind::Internal => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    };
    (status, error)
}
