//! Requests of every kind.

use arbitrary::{Result, Unstructured};
use protocol::{
    BridgeListening, BridgeWish, ConnectionId, ControlSetting, ControlValue, Request,
    RequestMessage, Scope, TokenRequest, wire,
};

use super::{Left, heard::Control, pick};

/// The next request of a connection. `ids` are those of connections that are there.
pub(super) fn message(
    control: &mut Control,
    ids: &[u64],
    left: &mut Left,
    bytes: &mut Unstructured<'_>,
) -> Result<Vec<u8>> {
    let request = request(ids, left, bytes)?;
    let id = match bytes.int_in_range(0..=15u8)? {
        14 => 0,
        15 => control.last,
        _ => control.last + 1,
    };
    let deadline_ms = match bytes.int_in_range(0..=7u8)? {
        0..=4 => None,
        5 => Some(0),
        6 => Some(1),
        _ => Some(bytes.arbitrary()?),
    };
    control.last = control.last.max(id);
    control.ask(id);
    Ok(encoded(&RequestMessage { id, deadline_ms, request }))
}

/// A request where none belongs.
pub(super) fn stray(bytes: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let request = Request::DescribeCamera { camera: pick::camera(bytes)? };
    Ok(encoded(&RequestMessage { id: 1, deadline_ms: None, request }))
}

/// `message` as bytes; none where it is too long to be sent at all.
pub(super) fn encoded<T: serde::Serialize>(message: &T) -> Vec<u8> {
    wire::encode(message).unwrap_or_default()
}

/// Any request but `Shutdown`, which ends what is being looked at.
fn request(ids: &[u64], left: &mut Left, bytes: &mut Unstructured<'_>) -> Result<Request> {
    let kind = bytes.int_in_range(0..=37u8)?;
    left.settings |= matches!(kind, 11..=18);
    Ok(match kind {
        0 => Request::Status,
        1 => Request::ListCameras,
        2 => Request::DescribeCamera { camera: pick::camera(bytes)? },
        3 => Request::ListClients,
        4 => Request::StartCamera { camera: pick::camera(bytes)?, wish: pick::wish(bytes)? },
        5 => Request::StopCamera { camera: pick::camera(bytes)? },
        6 => Request::ListControls { camera: pick::camera(bytes)? },
        7 => Request::GetControls { camera: pick::camera(bytes)?, names: controls(bytes)? },
        8 => Request::SetControls { camera: pick::camera(bytes)?, settings: settings(bytes)? },
        9 => Request::ResetControls { camera: pick::camera(bytes)?, names: controls(bytes)? },
        10 => Request::RenameCamera {
            camera: pick::camera(bytes)?,
            name: pick::maybe(bytes, pick::name)?,
        },
        11 => Request::ListPresets { camera: pick::camera(bytes)? },
        12 => Request::SavePreset { camera: pick::camera(bytes)?, preset: pick::name(bytes)? },
        13 => Request::ApplyPreset { camera: pick::camera(bytes)?, preset: pick::name(bytes)? },
        14 => Request::RenamePreset {
            camera: pick::camera(bytes)?,
            preset: pick::name(bytes)?,
            name: pick::name(bytes)?,
        },
        15 => Request::DeletePreset { camera: pick::camera(bytes)?, preset: pick::name(bytes)? },
        16 => Request::ListPins { camera: pick::camera(bytes)? },
        17 => Request::PinControls { camera: pick::camera(bytes)?, settings: settings(bytes)? },
        18 => Request::UnpinControls { camera: pick::camera(bytes)?, names: controls(bytes)? },
        19 => Request::SetPrivacy { off: bytes.arbitrary()? },
        20 => Request::Disconnect { connection: connection(ids, bytes)? },
        21 => Request::AddTestCamera { wish: pick::wish(bytes)? },
        22 => Request::RemoveTestCamera { camera: pick::camera(bytes)? },
        23 => Request::ReloadConfig,
        // What a client does most.
        24 | 25 => Request::StartCamera { camera: "test:0".into(), wish: pick::wish(bytes)? },
        26 => Request::StopCamera { camera: "test:0".into() },
        27 => Request::ListTokens,
        28 => Request::AddToken { token: token(bytes)? },
        29 => Request::RevokeToken { name: pick::name(bytes)? },
        30 => Request::BridgeStatus,
        31 => Request::SetBridge { wish: wish(bytes)? },
        32 => Request::WhoAmI,
        33 => Request::RedeemInvitation { secret: pick::text(bytes)?, remote: pick::name(bytes)? },
        34 => Request::Watch { camera: pick::camera(bytes)? },
        35 => Request::Unwatch { camera: pick::camera(bytes)? },
        36 => Request::CountFrames { frames: bytes.arbitrary()?, dropped: bytes.arbitrary()? },
        _ => Request::BridgeListening {
            listening: BridgeListening {
                urls: pick::several(bytes, pick::name)?,
                fingerprint: pick::maybe(bytes, pick::name)?,
            },
        },
    })
}

/// A token that is refused, or an invitation, which is gone with the service: one that is made
/// would be left behind.
fn token(bytes: &mut Unstructured<'_>) -> Result<TokenRequest> {
    let scopes = pick::several(bytes, |bytes| Ok(*bytes.choose(&Scope::ALL)?))?;
    let is_invitation = !scopes.is_empty() && bytes.arbitrary()?;
    Ok(TokenRequest {
        name: pick::name(bytes)?,
        scopes,
        cameras: pick::several(bytes, pick::camera)?,
        expires_s: if is_invitation { bytes.arbitrary()? } else { Some(0) },
        invitation_s: if is_invitation { Some(bytes.arbitrary()?) } else { None },
    })
}

/// Nothing that would have a bridge run, or be another one after the next start.
fn wish(bytes: &mut Unstructured<'_>) -> Result<BridgeWish> {
    let listen = pick::maybe(bytes, |bytes| Ok(format!("not:{}", pick::text(bytes)?)))?;
    Ok(BridgeWish { enabled: None, listen })
}

fn connection(ids: &[u64], bytes: &mut Unstructured<'_>) -> Result<ConnectionId> {
    let known = if ids.is_empty() { None } else { Some(*bytes.choose(ids)?) };
    Ok(ConnectionId(match known {
        Some(id) if bytes.int_in_range(0..=3u8)? > 0 => id,
        _ => bytes.arbitrary()?,
    }))
}

/// Names of the test camera's controls, and others.
fn control(bytes: &mut Unstructured<'_>) -> Result<String> {
    const NAMES: [&str; 14] = [
        "brightness",
        "contrast",
        "saturation",
        "exposure",
        "auto_exposure",
        "channels",
        "mirror",
        "pattern",
        "speed",
        "text",
        "frames_captured",
        "reset_counter",
        "",
        "no_such_control",
    ];
    Ok((*bytes.choose(&NAMES)?).to_owned())
}

fn controls(bytes: &mut Unstructured<'_>) -> Result<Vec<String>> {
    pick::several(bytes, control)
}

fn settings(bytes: &mut Unstructured<'_>) -> Result<Vec<ControlSetting>> {
    pick::several(bytes, |bytes| Ok(ControlSetting { name: control(bytes)?, value: value(bytes)? }))
}

fn value(bytes: &mut Unstructured<'_>) -> Result<ControlValue> {
    Ok(match bytes.int_in_range(0..=8u8)? {
        0..=2 => ControlValue::Integer(bytes.int_in_range(-4..=100)?),
        3 => ControlValue::Integer(bytes.arbitrary()?),
        4 => ControlValue::Boolean(bytes.arbitrary()?),
        5 => ControlValue::None,
        6 => ControlValue::String(pick::text(bytes)?),
        7 => ControlValue::String("Grey ramp".to_owned()),
        _ => ControlValue::Bytes(bytes.arbitrary()?),
    })
}
