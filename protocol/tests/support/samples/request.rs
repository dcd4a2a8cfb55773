//! Requests.

use protocol::{
    BridgeWish, ConnectionId, ControlSetting, ControlValue, FourCc, ModeWish, PixelFormat, Request,
    RequestMessage, Size,
};

use super::{Sample, bridge, camera, plain, special};

/// One setting of every type of value.
fn settings() -> Vec<ControlSetting> {
    let setting = |name: &str, value| ControlSetting { name: name.to_owned(), value };
    vec![
        setting("brightness", ControlValue::Integer(-12)),
        setting("auto_focus", ControlValue::Boolean(false)),
        setting("power_line_frequency", ControlValue::String("50 Hz".to_owned())),
        setting("lens_table", ControlValue::Bytes(vec![0x00, 0x7f, 0xff])),
        setting("calibrate", ControlValue::None),
    ]
}

fn requests() -> Vec<Sample<Request>> {
    let camera = camera::id;
    let names = || vec!["brightness".to_owned(), "focus_absolute".to_owned()];
    let preset = || "day".to_owned();
    let one = || vec![ControlSetting { name: "zoom".to_owned(), value: ControlValue::Integer(3) }];
    let unserved = ModeWish {
        format: Some(PixelFormat::Other(FourCc(*b"H264"))),
        size: Some(Size::new(640, 480)),
        rate: None,
    };
    vec![
        plain(Request::ListCameras),
        plain(Request::DescribeCamera { camera: camera() }),
        plain(Request::Status),
        plain(Request::ListClients),
        plain(Request::StartCamera { camera: camera(), wish: camera::HD.into() }),
        special("any_mode", Request::StartCamera { camera: camera(), wish: ModeWish::default() }),
        plain(Request::StopCamera { camera: camera() }),
        plain(Request::ListControls { camera: camera() }),
        plain(Request::GetControls { camera: camera(), names: names() }),
        plain(Request::SetControls { camera: camera(), settings: settings() }),
        plain(Request::ResetControls { camera: camera(), names: names() }),
        special("all", Request::ResetControls { camera: camera(), names: Vec::new() }),
        plain(Request::RenameCamera { camera: camera(), name: Some("Küche".to_owned()) }),
        special("own_name", Request::RenameCamera { camera: camera(), name: None }),
        plain(Request::ListPresets { camera: camera() }),
        plain(Request::SavePreset { camera: camera(), preset: preset() }),
        plain(Request::ApplyPreset { camera: camera(), preset: preset() }),
        plain(Request::RenamePreset {
            camera: camera(),
            preset: preset(),
            name: "noon".to_owned(),
        }),
        plain(Request::DeletePreset { camera: camera(), preset: preset() }),
        plain(Request::ListPins { camera: camera() }),
        plain(Request::PinControls { camera: camera(), settings: one() }),
        plain(Request::UnpinControls { camera: camera(), names: names() }),
        plain(Request::SetPrivacy { off: true }),
        plain(Request::Disconnect { connection: ConnectionId(7) }),
        plain(Request::AddTestCamera { wish: camera::VGA.into() }),
        special("unserved_format", Request::AddTestCamera { wish: unserved }),
        plain(Request::RemoveTestCamera { camera: camera::test_id() }),
        plain(Request::ReloadConfig),
        plain(Request::Shutdown),
        plain(Request::ListTokens),
        plain(Request::AddToken { token: bridge::token_request() }),
        special("invitation", Request::AddToken { token: bridge::invitation() }),
        plain(Request::RevokeToken { name: "phone".to_owned() }),
        plain(Request::BridgeStatus),
        plain(Request::SetBridge { wish: bridge::wish() }),
        special("as_it_is", Request::SetBridge { wish: BridgeWish::default() }),
        plain(Request::WhoAmI),
        plain(Request::RedeemInvitation {
            secret: "csi_a7f3".to_owned(),
            remote: "192.0.2.7".to_owned(),
        }),
        plain(Request::Watch { camera: camera() }),
        plain(Request::Unwatch { camera: camera() }),
        plain(Request::CountFrames { frames: 900, dropped: 3 }),
        plain(Request::BridgeListening { listening: bridge::listening() }),
    ]
}

/// Their ids count from 1; a deadline has the one that a device may keep waiting longest.
pub(crate) fn request() -> Vec<Sample<RequestMessage>> {
    requests()
        .into_iter()
        .zip(1..)
        .map(|((name, request), id)| {
            let deadline_ms = matches!(request, Request::StartCamera { .. }).then_some(10_000);
            (name, RequestMessage { id, deadline_ms, request })
        })
        .collect()
}
