//! Answers: their bodies, errors as JSON or text, and the headers that all of them have.

use std::convert::Infallible;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use futures_util::stream::BoxStream;
use http_body_util::{Either, Full, StreamBody};
use hyper::{
    HeaderMap, Request, Response, StatusCode,
    body::Frame,
    header::{
        ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName,
        HeaderValue, REFERRER_POLICY, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
    },
};
use protocol::ErrorReply;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::Query;

pub(super) const TEXT: &str = "text/plain; charset=utf-8";
pub(super) const JSON: &str = "application/json";

/// What an answer carries.
pub(in crate::bridge) type Body =
    Either<Full<Bytes>, StreamBody<BoxStream<'static, Result<Frame<Bytes>, Infallible>>>>;

/// The page runs nothing and asks nobody but what comes from here.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     manifest-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; worker-src 'self'; \
     frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// What every answer has.
const SAFETY: [(HeaderName, &str); 4] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("permissions-policy"), "camera=(self), microphone=(), geolocation=()"),
];

/// Which pages may show it.
const SHOWN_BY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// For how long an answer may be kept.
pub(super) enum Caching<'a> {
    /// Not at all.
    Never,
    /// Only to be asked about with this tag.
    Revalidate(&'a str),
}

pub(super) fn with_safety(mut response: Response<Body>) -> Response<Body> {
    for (name, value) in SAFETY {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let ours_alone = HeaderValue::from_static("same-origin");
    response.headers_mut().entry(SHOWN_BY).or_insert(ours_alone);
    response
}

/// Pictures may be shown by pages of other programs on the same host, as those of printers do;
/// by any page where it had to be given a token for that.
pub(super) fn for_pages_of_others(mut response: Response<Body>, query: &Query) -> Response<Body> {
    let by = if query.get("token").is_some() { "cross-origin" } else { "same-site" };
    response.headers_mut().insert(SHOWN_BY, HeaderValue::from_static(by));
    response
}

/// A tag that changes with `bytes`.
pub(super) fn tag(bytes: &[u8]) -> String {
    format!("\"{}\"", HEXLOWER.encode(&Sha256::digest(bytes)[..8]))
}

pub(super) fn not_modified(tag: &str) -> Response<Body> {
    let mut response = empty(StatusCode::NOT_MODIFIED);
    cache(response.headers_mut(), &Caching::Revalidate(tag));
    response
}

pub(in crate::bridge) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::default()));
    *response.status_mut() = status;
    response
}

pub(super) fn full(
    status: StatusCode,
    kind: &'static str,
    bytes: Bytes,
    caching: Caching<'_>,
) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::new(bytes)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    cache(response.headers_mut(), &caching);
    response
}

/// JSON text that was made before.
pub(super) fn json_text(status: StatusCode, text: String) -> Response<Body> {
    full(status, JSON, text.into(), Caching::Never)
}

pub(super) fn json(value: &impl Serialize) -> Response<Body> {
    // All of ours can be written: keys are text.
    json_text(StatusCode::OK, serde_json::to_string(value).unwrap_or_default())
}

fn cache(headers: &mut HeaderMap, caching: &Caching<'_>) {
    let control = match caching {
        Caching::Never => "no-store",
        Caching::Revalidate(tag) => {
            if let Ok(tag) = HeaderValue::from_str(tag) {
                headers.insert(ETAG, tag);
            }
            "no-cache"
        }
    };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(control));
}

/// In which form the asker wants to hear of errors.
pub(super) struct Asked {
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    error: &'a ErrorReply,
}

impl Asked {
    /// As the Accept header says; where it does not, what is below `/api/` speaks JSON.
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        let accept = request.headers().get(ACCEPT).and_then(|accept| accept.to_str().ok());
        let at = |kind: &str| accept.and_then(|accept| accept.find(kind));
        let json = match (at("application/json"), at("text/")) {
            (Some(json), Some(text)) => json < text,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => request.uri().path().starts_with("/api/"),
        };
        Self { json }
    }

    pub(super) fn error(&self, status: StatusCode, error: &ErrorReply) -> Response<Body> {
        let mut response = if self.json {
            let text = serde_json::to_string(&Report { ok: false, error }).unwrap_or_default();
            json_text(status, text)
        } else {
            full(status, TEXT, format!("{error}\n").into(), Caching::Never)
        };
        let headers = response.headers_mut();
        match status {
            StatusCode::UNAUTHORIZED => {
                let scheme = HeaderValue::from_static("Bearer realm=\"camera-service\"");
                headers.insert(WWW_AUTHENTICATE, scheme);
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("3"));
            }
            _ => {}
        }
        response
    }

    pub(super) fn method_not_allowed(&self, allowed: &'static str) -> Response<Body> {
        let message = format!("this address takes {allowed} only");
        let error = ErrorReply::new(protocol::ErrorKind::Invalid, message);
        let mut response = self.error(StatusCode::METHOD_NOT_ALLOWED, &error);
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        response
    }
}
