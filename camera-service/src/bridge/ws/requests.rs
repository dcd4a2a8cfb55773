//! Requests as JSON, and their results in the shapes that the command line prints.

use std::time::Duration;

use protocol::{
    CameraId, Client, Control, ControlKind, ControlSetting, ControlValue, ErrorKind, ErrorReply,
    FrameRate, ModeWish, PixelFormat, Reply, Request, Size,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    bridge::{service::Failure, viewer::Viewer},
    clock, json,
};

/// Opening a device takes its time.
const START: Duration = Duration::from_secs(15);

/// A request that the connection itself has nothing to do with.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(in crate::bridge) enum What {
    ListCameras {},
    DescribeCamera {
        camera: CameraId,
    },
    StartCamera {
        camera: CameraId,
        format: Option<String>,
        size: Option<String>,
        fps: Option<Rate>,
    },
    StopCamera {
        camera: CameraId,
    },
    ListControls {
        camera: CameraId,
    },
    GetControls {
        camera: CameraId,
        names: Vec<String>,
    },
    SetControls {
        camera: CameraId,
        settings: Vec<Setting>,
    },
    ResetControls {
        camera: CameraId,
        #[serde(default)]
        names: Vec<String>,
    },
    ListPresets {
        camera: CameraId,
    },
    SavePreset {
        camera: CameraId,
        preset: String,
    },
    ApplyPreset {
        camera: CameraId,
        preset: String,
    },
    RenamePreset {
        camera: CameraId,
        preset: String,
        name: String,
    },
    DeletePreset {
        camera: CameraId,
        preset: String,
    },
    ListPins {
        camera: CameraId,
    },
    PinControls {
        camera: CameraId,
        settings: Vec<Setting>,
    },
    UnpinControls {
        camera: CameraId,
        #[serde(default)]
        names: Vec<String>,
    },
    RenameCamera {
        camera: CameraId,
        name: Option<String>,
    },
    CamerasOff {},
    ListClients {},
    Status {},
    WhoAmI {},
    Time {},
}

/// A rate as a number, or as text for a fraction.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(in crate::bridge) enum Rate {
    Number(f64),
    Text(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::bridge) struct Setting {
    name: String,
    #[serde(default)]
    value: Value,
}

fn invalid(message: impl Into<String>) -> ErrorReply {
    ErrorReply::new(ErrorKind::Invalid, message)
}

/// A frame rate from a number.
pub(super) fn rate(fps: f64) -> Result<FrameRate, ErrorReply> {
    // As text, which is checked.
    fps.to_string().parse().map_err(|error| invalid(format!("fps: {error}")))
}

async fn ask(client: &Client, request: Request) -> Result<Reply, ErrorReply> {
    client.request(request).await.map_err(|error| Failure::from(error).into())
}

/// Sends a request and takes the one kind of reply that fits.
macro_rules! ask {
    ($client:expr, $request:expr, $pattern:pat => $value:expr) => {
        match ask($client, $request).await? {
            $pattern => $value,
            _ => return Err(ErrorReply::new(ErrorKind::Internal, "another kind of reply came")),
        }
    };
}

fn text(value: &impl Serialize) -> Result<String, ErrorReply> {
    serde_json::to_string(value)
        .map_err(|error| ErrorReply::new(ErrorKind::Internal, error.to_string()))
}

/// Does what is asked, as `viewer`; the result is JSON.
pub(in crate::bridge) async fn perform(viewer: &Viewer, what: What) -> Result<String, ErrorReply> {
    let client = &viewer.client;
    match what {
        What::ListCameras {} => {
            let cameras = ask!(client, Request::ListCameras, Reply::Cameras(cameras) => cameras);
            text(&json::all::<_, json::Camera<'_>>(&cameras))
        }
        What::DescribeCamera { camera } => {
            let request = Request::DescribeCamera { camera };
            let detail = ask!(client, request, Reply::Camera(detail) => detail);
            text(&json::Detail::from(&*detail))
        }
        What::StartCamera { camera, format, size, fps } => {
            let wish = ModeWish {
                format: parsed::<PixelFormat>("format", format.as_deref())?,
                size: parsed::<Size>("size", size.as_deref())?,
                rate: match fps {
                    Some(Rate::Number(fps)) => Some(rate(fps)?),
                    Some(Rate::Text(fps)) => parsed("fps", Some(&fps))?,
                    None => None,
                },
            };
            start(client, camera, wish).await
        }
        What::StopCamera { camera } => {
            let request = Request::StopCamera { camera: camera.clone() };
            ask!(client, request, Reply::Done => ());
            let camera = describe(client, camera).await?;
            text(&json::Stopped { camera: Some((&camera.summary).into()) })
        }
        What::RenameCamera { camera, name } => {
            let id = match describe(client, camera.clone()).await {
                Ok(camera) => camera.summary.id,
                // One that is away has nothing to show, and may lose its name all the same.
                Err(_) if name.is_none() => {
                    ask!(client, Request::RenameCamera { camera: camera.clone(), name }, Reply::Done => ());
                    return text(&json::Renamed { camera: &camera.0, name: None });
                }
                Err(error) => return Err(error),
            };
            ask!(client, Request::RenameCamera { camera: id.clone(), name }, Reply::Done => ());
            let camera = describe(client, id).await?.summary;
            text(&json::Renamed { camera: &camera.id.0, name: Some(&camera.name) })
        }
        What::CamerasOff {} => {
            ask!(client, Request::SetPrivacy { off: true }, Reply::Done => ());
            text(&json::Switched { off: true })
        }
        What::ListClients {} => {
            let clients = ask!(client, Request::ListClients, Reply::Clients(clients) => clients);
            text(&json::all::<_, json::Client<'_>>(&clients))
        }
        What::Status {} => {
            let status = ask!(client, Request::Status, Reply::Status(status) => status);
            text(&json::Status::from(&status))
        }
        What::WhoAmI {} => {
            let grant = ask!(client, Request::WhoAmI, Reply::Grant(grant) => grant);
            text(&json::GrantJson::from(&grant))
        }
        What::Time {} => Ok(format!("{{\"unix_ms\":{}}}", clock::unix_ns() / 1_000_000)),
        controls => of_controls(client, controls).await,
    }
}

/// What has to do with controls, presets and pins.
async fn of_controls(client: &Client, what: What) -> Result<String, ErrorReply> {
    let request = match what {
        What::ListControls { camera } => Request::ListControls { camera },
        What::GetControls { camera, names } => Request::GetControls { camera, names },
        What::SetControls { camera, settings } => {
            let settings = self::settings(client, &camera, settings).await?;
            Request::SetControls { camera, settings }
        }
        What::ResetControls { camera, names } => Request::ResetControls { camera, names },
        What::ListPresets { camera } => Request::ListPresets { camera },
        What::ApplyPreset { camera, preset } => Request::ApplyPreset { camera, preset },
        What::ListPins { camera } => Request::ListPins { camera },
        What::PinControls { camera, settings } => {
            let settings = self::settings(client, &camera, settings).await?;
            Request::PinControls { camera, settings }
        }
        What::UnpinControls { camera, names } => {
            let request = Request::UnpinControls { camera: camera.clone(), names };
            ask!(client, request, Reply::Done => ());
            Request::ListPins { camera }
        }
        What::SavePreset { camera, preset } => {
            let save = Request::SavePreset { camera: camera.clone(), preset: preset.clone() };
            ask!(client, save, Reply::Done => ());
            let list = Request::ListPresets { camera };
            let presets = ask!(client, list, Reply::Presets(presets) => presets);
            let saved = presets.iter().find(|saved| saved.name == preset);
            let saved = saved.ok_or_else(|| invalid("the preset was deleted meanwhile"))?;
            return text(&json::PresetJson::from(saved));
        }
        What::RenamePreset { camera, preset, name } => {
            let camera = describe(client, camera).await?.summary.id;
            let changed = name.clone();
            let rename = Request::RenamePreset { camera: camera.clone(), preset, name };
            ask!(client, rename, Reply::Done => ());
            return text(&json::Changed { camera: &camera.0, preset: &changed });
        }
        What::DeletePreset { camera, preset } => {
            let camera = describe(client, camera).await?.summary.id;
            let delete = Request::DeletePreset { camera: camera.clone(), preset: preset.clone() };
            ask!(client, delete, Reply::Done => ());
            return text(&json::Changed { camera: &camera.0, preset: &preset });
        }
        // All others were done by the caller.
        _ => return Err(ErrorReply::new(ErrorKind::Internal, "a request of another kind")),
    };
    match ask(client, request).await? {
        Reply::Controls(controls) => text(&json::all::<_, json::ControlJson<'_>>(&controls)),
        Reply::Outcomes(outcomes) => text(&json::all::<_, json::Outcome<'_>>(&outcomes)),
        Reply::Presets(presets) => text(&json::all::<_, json::PresetJson<'_>>(&presets)),
        Reply::Pins(pins) => text(&json::all::<_, json::Setting<'_>>(&pins)),
        _ => Err(ErrorReply::new(ErrorKind::Internal, "another kind of reply came")),
    }
}

async fn describe(client: &Client, camera: CameraId) -> Result<protocol::CameraDetail, ErrorReply> {
    let request = Request::DescribeCamera { camera };
    Ok(ask!(client, request, Reply::Camera(detail) => *detail))
}

async fn start(client: &Client, camera: CameraId, wish: ModeWish) -> Result<String, ErrorReply> {
    let request = Request::StartCamera { camera: camera.clone(), wish };
    let reply = client.request_within(request, Some(START)).await;
    let Reply::Started(started) = reply.map_err(Failure::from)? else {
        return Err(ErrorReply::new(ErrorKind::Internal, "another kind of reply came"));
    };
    // It may have been called by its name.
    let camera = describe(client, camera).await?.summary.id;
    text(&json::Started {
        camera: &camera.0,
        mode: started.mode.into(),
        affected: json::all(&started.affected),
    })
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
    key: &str,
    text: Option<&str>,
) -> Result<Option<T>, ErrorReply> {
    text.map(str::parse).transpose().map_err(|error| invalid(format!("{key}: {error}")))
}

/// Settings with the values that their controls take. Text may mean bytes or an entry of a menu:
/// only then the controls are asked for.
async fn settings(
    client: &Client,
    camera: &CameraId,
    settings: Vec<Setting>,
) -> Result<Vec<ControlSetting>, ErrorReply> {
    let controls = if settings.iter().any(|setting| setting.value.is_string()) {
        let request = Request::ListControls { camera: camera.clone() };
        ask!(client, request, Reply::Controls(controls) => controls)
    } else {
        Vec::new()
    };
    settings
        .into_iter()
        .map(|Setting { name, value }| {
            let control = controls.iter().find(|control| control.name == name);
            let value = self::value(value, control)
                .ok_or_else(|| invalid(format!("{name} cannot take such a value")))?;
            Ok(ControlSetting { name, value })
        })
        .collect()
}

fn value(value: Value, control: Option<&Control>) -> Option<ControlValue> {
    Some(match value {
        Value::Null => ControlValue::None,
        Value::Bool(on) => ControlValue::Boolean(on),
        Value::Number(number) => ControlValue::Integer(number.as_i64()?),
        Value::String(text) => match control.map(|control| control.kind) {
            Some(ControlKind::Compound) => {
                let digits = text.to_ascii_lowercase();
                ControlValue::Bytes(data_encoding::HEXLOWER.decode(digits.as_bytes()).ok()?)
            }
            _ => ControlValue::String(text),
        },
        Value::Array(_) | Value::Object(_) => return None,
    })
}
