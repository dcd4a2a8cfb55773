//! What bridged connections may do: one table of requests, scopes and cameras. What is not in it
//! is refused.
//!
//! Every request passes [`check`] before it is looked at, every reply [`narrow`] before it is
//! sent, and every event [`admits`].

use protocol::{
    CameraDetail, CameraId, ErrorKind, ErrorReply, Reply, Request, Scope, ServiceStatus, State,
};

use super::{
    caller::{Caller, needs},
    clients::Connected,
};
use crate::{events::Subject, registry::Registry, state::Token};

/// Who may send a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Programs of this user.
    Programs,
    /// They, and tokens that grant the scope and are for the camera that is named.
    Scope(Scope),
    /// They, and tokens that grant the scope and are for all cameras.
    AllCameras(Scope),
    /// Tokens that grant the scope and are for the camera that is named, and nobody else.
    Tokens(Scope),
    /// Any token, and nobody else: it tells of that token alone.
    AnyToken,
    /// The bridge itself, and nobody else.
    Bridge,
}

/// The table.
fn rule(request: &Request) -> Rule {
    use Scope::{Control, Watch};
    match request {
        Request::ListCameras | Request::DescribeCamera { .. } => Rule::Scope(Watch),
        Request::Status
        | Request::ListClients
        | Request::StartCamera { .. }
        | Request::StopCamera { .. }
        | Request::ListControls { .. }
        | Request::GetControls { .. }
        | Request::SetControls { .. }
        | Request::ResetControls { .. }
        | Request::RenameCamera { .. }
        | Request::ListPresets { .. }
        | Request::SavePreset { .. }
        | Request::ApplyPreset { .. }
        | Request::RenamePreset { .. }
        | Request::DeletePreset { .. }
        | Request::ListPins { .. }
        | Request::PinControls { .. }
        | Request::UnpinControls { .. } => Rule::Scope(Control),
        // Off for everybody; back on is for who sits at the machine.
        Request::SetPrivacy { off: true } => Rule::AllCameras(Control),
        Request::SetPrivacy { off: false }
        | Request::Disconnect { .. }
        | Request::AddTestCamera { .. }
        | Request::RemoveTestCamera { .. }
        | Request::ReloadConfig
        | Request::Shutdown
        | Request::ListTokens
        | Request::AddToken { .. }
        | Request::RevokeToken { .. }
        | Request::BridgeStatus
        | Request::SetBridge { .. } => Rule::Programs,
        Request::WhoAmI => Rule::AnyToken,
        Request::Watch { .. } | Request::Unwatch { .. } | Request::CountFrames { .. } => {
            Rule::Tokens(Watch)
        }
        Request::RedeemInvitation { .. } | Request::BridgeListening { .. } => Rule::Bridge,
    }
}

/// The camera that a request is about.
fn camera(request: &mut Request) -> Option<&mut CameraId> {
    match request {
        Request::DescribeCamera { camera }
        | Request::StartCamera { camera, .. }
        | Request::StopCamera { camera }
        | Request::ListControls { camera }
        | Request::GetControls { camera, .. }
        | Request::SetControls { camera, .. }
        | Request::ResetControls { camera, .. }
        | Request::RenameCamera { camera, .. }
        | Request::ListPresets { camera }
        | Request::SavePreset { camera, .. }
        | Request::ApplyPreset { camera, .. }
        | Request::RenamePreset { camera, .. }
        | Request::DeletePreset { camera, .. }
        | Request::ListPins { camera }
        | Request::PinControls { camera, .. }
        | Request::UnpinControls { camera, .. }
        | Request::RemoveTestCamera { camera }
        | Request::Watch { camera }
        | Request::Unwatch { camera } => Some(camera),
        Request::ListCameras
        | Request::Status
        | Request::ListClients
        | Request::SetPrivacy { .. }
        | Request::Disconnect { .. }
        | Request::AddTestCamera { .. }
        | Request::ReloadConfig
        | Request::Shutdown
        | Request::ListTokens
        | Request::AddToken { .. }
        | Request::RevokeToken { .. }
        | Request::BridgeStatus
        | Request::SetBridge { .. }
        | Request::WhoAmI
        | Request::RedeemInvitation { .. }
        | Request::CountFrames { .. }
        | Request::BridgeListening { .. } => None,
    }
}

fn forbidden(message: impl Into<String>) -> ErrorReply {
    ErrorReply::new(ErrorKind::Forbidden, message)
}

/// Fails unless `caller` may send `request`. A camera that a token's user names otherwise is
/// named by its id afterwards, so that what was checked is what is done.
pub(super) fn check(
    registry: &Registry,
    caller: &Caller,
    request: &mut Request,
) -> Result<(), ErrorReply> {
    let rule = rule(request);
    let token = match (caller, rule) {
        (Caller::Program, Rule::Programs | Rule::Scope(_) | Rule::AllCameras(_))
        | (Caller::Bridge, Rule::Bridge) => return Ok(()),
        (Caller::Program, Rule::Tokens(_) | Rule::AnyToken | Rule::Bridge) => {
            return Err(forbidden("this request is for bridged connections only"));
        }
        (Caller::Bridge, Rule::Tokens(_) | Rule::AnyToken) => {
            return Err(forbidden("this request needs a token"));
        }
        (Caller::Bridge, Rule::Programs | Rule::Scope(_) | Rule::AllCameras(_)) => {
            return Err(forbidden("the bridge may not do that without a token"));
        }
        (Caller::Remote(token), _) => token,
    };
    token.check()?;
    match rule {
        Rule::AnyToken => return Ok(()),
        Rule::Scope(scope) | Rule::Tokens(scope) => needs(token, scope)?,
        Rule::AllCameras(scope) => {
            needs(token, scope)?;
            if token.is_limited() {
                let message = format!("the token {} is for some cameras only", token.name());
                return Err(forbidden(message));
            }
        }
        Rule::Programs | Rule::Bridge => {
            return Err(forbidden("that can be done on the service's own machine only"));
        }
    }
    let may_be_away = matches!(request, Request::RenameCamera { name: None, .. });
    if let Some(camera) = camera(request) {
        *camera = resolve(registry, token, camera, may_be_away)?;
    }
    Ok(())
}

/// The id of the camera that the token's user means. Tells nothing of cameras that the token is
/// not for, not even whether they are there.
fn resolve(
    registry: &Registry,
    token: &Token,
    named: &CameraId,
    may_be_away: bool,
) -> Result<CameraId, ErrorReply> {
    let found = if may_be_away {
        registry.id_of(named)
    } else {
        registry.find(named).map(|camera| camera.id().clone())
    };
    let shown: String = named.0.chars().take(100).collect();
    match found {
        Ok(id) if token.is_for(&id) => Ok(id),
        Err(_) if token.is_for(named) => {
            let message = format!("there is no camera {shown:?}");
            Err(ErrorReply::new(ErrorKind::NoSuchCamera, message))
        }
        Ok(_) | Err(_) => {
            Err(forbidden(format!("the token {} is not for the camera {shown:?}", token.name())))
        }
    }
}

/// Whether the caller may see which programs have a camera's device.
pub(super) fn sees_holders(caller: &Caller) -> bool {
    match caller {
        Caller::Program => true,
        Caller::Bridge => false,
        Caller::Remote(token) => token.has(Scope::Control),
    }
}

/// What of a reply the caller may see.
pub(super) fn narrow(caller: &Caller, connected: &Connected, reply: Reply) -> Reply {
    let Caller::Remote(token) = caller else { return reply };
    match reply {
        Reply::Cameras(mut cameras) => {
            cameras.retain(|camera| token.is_for(&camera.id));
            Reply::Cameras(cameras)
        }
        Reply::Camera(mut detail) => {
            if !sees_holders(caller) {
                let CameraDetail { path, watchers, holders, .. } = &mut *detail;
                *path = None;
                watchers.clear();
                holders.clear();
            }
            Reply::Camera(detail)
        }
        Reply::Status(mut status) => {
            let ServiceStatus { endpoint, config, cameras, .. } = &mut status;
            endpoint.clear();
            config.clear();
            cameras.retain(|camera| token.is_for(&camera.id));
            Reply::Status(status)
        }
        Reply::Clients(mut clients) => {
            clients.retain(|client| {
                let subject = Subject::Client { id: client.id, camera: client.camera.clone() };
                admits(caller, connected, &subject)
            });
            Reply::Clients(clients)
        }
        reply @ (Reply::Done
        | Reply::Started(_)
        | Reply::Controls(_)
        | Reply::Outcomes(_)
        | Reply::Presets(_)
        | Reply::Pins(_)
        | Reply::Grant(_)
        | Reply::Watching { .. }) => reply,
        // Replies to what no token may ask.
        Reply::Tokens(_) => Reply::Tokens(Vec::new()),
        Reply::TokenAdded(_) | Reply::Bridge(_) => Reply::Done,
    }
}

/// What of the full state the caller may see.
pub(super) fn narrow_state(caller: &Caller, connected: &Connected, mut state: State) -> State {
    let State { cameras, clients, privacy_off: _ } = &mut state;
    cameras.retain(|camera| admits(caller, connected, &Subject::Camera(camera.id.clone())));
    clients.retain(|client| {
        let subject = Subject::Client { id: client.id, camera: client.camera.clone() };
        admits(caller, connected, &subject)
    });
    state
}

/// Whether the caller may hear of `subject`.
pub(super) fn admits(caller: &Caller, connected: &Connected, subject: &Subject) -> bool {
    let token = match caller {
        Caller::Program => return true,
        Caller::Bridge => return false,
        Caller::Remote(token) => token,
    };
    match subject {
        Subject::Camera(camera) => token.has(Scope::Watch) && token.is_for(camera),
        Subject::Controls(camera) => token.has(Scope::Control) && token.is_for(camera),
        Subject::Client { id, camera } => {
            let is_shown = |camera: &CameraId| token.is_for(camera);
            token.has(Scope::Control)
                && (!token.is_limited()
                    || *id == connected.id
                    || camera.as_ref().is_some_and(is_shown))
        }
        Subject::Privacy => token.has(Scope::Watch),
        Subject::Service => false,
    }
}

/// Whether a token's user may publish a camera called `name`.
pub(super) fn check_publishing(caller: &Caller, name: &str) -> Result<(), ErrorReply> {
    let token = match caller {
        Caller::Program => return Ok(()),
        Caller::Bridge => return Err(forbidden("publishing needs a token")),
        Caller::Remote(token) => token,
    };
    token.check()?;
    needs(token, Scope::Publish)?;
    if token.is_for(&CameraId(format!("published:{name}"))) {
        return Ok(());
    }
    Err(forbidden(format!("the token {} is not for a camera of this name", token.name())))
}
