//! From hello to identified.

use std::{net::IpAddr, time::Duration};

use protocol::{ErrorKind, ErrorReply, Scope, client::EventStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::end::{End, bad, code, ended};
use crate::{
    bridge::{
        Bridge,
        viewer::{Refused, Viewer},
        ws::{
            message::{Identify, Incoming, Mask, Outgoing},
            pipe::{Pipe, Progress},
            publish,
        },
    },
    clock,
    time::rfc3339,
};

/// Who has not said who it is by then is not waited for.
const IDENTIFY: Duration = Duration::from_secs(5);

/// Who the viewer is, the events it may hear, and which of them it wants.
pub(super) async fn log_in(
    bridge: &Bridge,
    pipe: &mut Pipe,
    remote: IpAddr,
) -> Result<(Viewer, Option<EventStream>, Option<Vec<Mask>>), End> {
    let not_logged_in = |error| End::Say(code::NOT_LOGGED_IN, error);
    pipe.text(Outgoing::hello().text())?;
    let identify = tokio::select! {
        () = bridge.stop.cancelled() => return Err(ended(None)),
        identify = timeout(IDENTIFY, identify(pipe)) => identify,
    };
    let Identify { token, events: mask } = identify.map_err(|_| {
        let message = "nobody has identified within 5 s";
        not_logged_in(ErrorReply::new(ErrorKind::Timeout, message))
    })??;
    let viewer = Viewer::log_in(bridge, "websocket", token.as_deref(), remote).await;
    let viewer = viewer.map_err(|refused| match refused {
        Refused::Failed(error) if error.kind == ErrorKind::Stopping => ended(Some(error)),
        refused => not_logged_in(refused.into()),
    })?;
    // Who may only publish hears of nothing.
    let events = match viewer.grant.scopes.contains(&Scope::Watch) {
        true => Some(viewer.events().await.map_err(|failure| ended(Some(failure.into())))?),
        false => None,
    };
    if viewer.grant.scopes.contains(&Scope::Publish) {
        pipe.allow(publish::MOST);
    }
    let grant = &viewer.grant;
    let identified = Outgoing::Identified {
        name: &grant.name,
        scopes: grant.scopes.iter().copied().map(Scope::as_str).collect(),
        cameras: grant.cameras.iter().map(|camera| camera.0.as_str()).collect(),
        expires: grant.expires_unix_ns.map(rfc3339),
        time: clock::unix_ns() / 1_000_000,
    };
    pipe.text(identified.text())?;
    Ok((viewer, events, mask))
}

async fn identify(pipe: &mut Pipe) -> Result<Identify, End> {
    loop {
        match pipe.message()? {
            None => {}
            Some(Message::Text(text)) => match Incoming::parse(&text).map_err(bad)? {
                Incoming::Identify(identify) => return Ok(identify),
                _ => return Err(bad("the first message is to be identify")),
            },
            Some(_) => return Err(bad("the first message is to be identify")),
        }
        if pipe.progress(true).await? == Progress::Ended {
            return Err(End::Gone);
        }
    }
}
