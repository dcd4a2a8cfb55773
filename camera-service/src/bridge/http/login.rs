//! Which token a request shows, and logging in with it.

use std::net::IpAddr;

use hyper::{HeaderMap, StatusCode, header::AUTHORIZATION};
use protocol::{ErrorKind, ErrorReply, Scope};

use super::{Failed, Query, failed};
use crate::bridge::{
    Bridge,
    viewer::{Refused, Viewer},
};

/// For which page a browser asks.
const FETCH_SITE: &str = "sec-fetch-site";

/// The user of a request.
pub(super) struct User<'a> {
    pub(super) bridge: &'a Bridge,
    pub(super) headers: &'a HeaderMap,
    pub(super) query: &'a Query,
    pub(super) remote: IpAddr,
}

impl User<'_> {
    /// Logs in with the token in the Authorization header.
    pub(super) async fn log_in(&self, name: &str) -> Result<Viewer, Failed> {
        self.with(name, self.bearer()?).await
    }

    /// As [`User::log_in`]; a token that lets watch and no more may stand in the address, for
    /// players that can do no better.
    pub(super) async fn log_in_to_watch(&self, name: &str) -> Result<Viewer, Failed> {
        let (Some(token), None) = (self.query.get("token"), self.headers.get(AUTHORIZATION)) else {
            return self.log_in(name).await;
        };
        let viewer = self.with(name, Some(token)).await?;
        if viewer.grant.scopes != [Scope::Watch] {
            let message = "a token in an address ends up in histories and logs: only one with \
                           the scope watch and no other is taken there; send this one as \
                           Authorization: Bearer";
            return Err((StatusCode::FORBIDDEN, ErrorReply::new(ErrorKind::Forbidden, message)));
        }
        Ok(viewer)
    }

    fn bearer(&self) -> Result<Option<&str>, Failed> {
        let Some(value) = self.headers.get(AUTHORIZATION) else { return Ok(None) };
        let token = value.to_str().ok().and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
        });
        let wrong = || {
            let message = "the Authorization header is not understood; it is to be Bearer TOKEN";
            (StatusCode::UNAUTHORIZED, ErrorReply::new(ErrorKind::Forbidden, message))
        };
        token.map(Some).ok_or_else(wrong)
    }

    async fn with(&self, name: &str, token: Option<&str>) -> Result<Viewer, Failed> {
        // Browsers fetch pictures for any page, also for one that may not look at them: the camera
        // would be turned on for it.
        let is_foreign = self.headers.get(FETCH_SITE).is_some_and(|site| site == "cross-site");
        if token.is_none() && is_foreign {
            let message = "a page of another place asks without a token; give it an address with \
                           one (`camera-service token add NAME --scope watch`)";
            return Err((StatusCode::FORBIDDEN, ErrorReply::new(ErrorKind::Forbidden, message)));
        }
        Viewer::log_in(self.bridge, name, token, self.remote).await.map_err(|refused| {
            let status = match refused {
                Refused::NoToken | Refused::Wrong(_) => StatusCode::UNAUTHORIZED,
                Refused::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
                Refused::Failed(error) => return failed(error),
            };
            (status, refused.into())
        })
    }
}
