//! How `presets.toml` is laid out: for people to read and edit.
//!
//! ```toml
//! [camera."test:0".pinned]
//! auto_exposure = false
//! exposure = 300
//!
//! [camera."test:0".preset."Evening light"]
//! pattern = 1
//! text = "on air"
//! ```
//!
//! Controls stay in the order in which they stand: that in which they are set.

use std::{collections::BTreeMap, fmt};

use protocol::{CameraId, ControlSetting, ControlValue};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
};

use super::CameraSettings;

/// All of the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Contents {
    pub(super) cameras: BTreeMap<CameraId, CameraSettings>,
}

/// Controls and their values, in order: a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Values(pub(super) Vec<ControlSetting>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    camera: BTreeMap<CameraId, Camera>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Camera {
    #[serde(default, skip_serializing_if = "Values::is_empty")]
    pinned: Values,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    preset: BTreeMap<String, Values>,
}

/// A value as TOML has it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Value {
    Boolean(bool),
    Integer(i64),
    String(String),
    Bytes(Vec<u8>),
}

impl Serialize for Contents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let camera = |(id, settings): (&CameraId, &CameraSettings)| {
            let CameraSettings { pinned, presets } = settings.clone();
            (id.clone(), Camera { pinned, preset: presets })
        };
        File { camera: self.cameras.iter().map(camera).collect() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Contents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let File { camera } = File::deserialize(deserializer)?;
        let settings = |(id, Camera { pinned, preset }): (CameraId, Camera)| {
            (id, CameraSettings { pinned, presets: preset })
        };
        Ok(Self { cameras: camera.into_iter().map(settings).collect() })
    }
}

impl Values {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().filter_map(|ControlSetting { name, value }| {
            let value = match value.clone() {
                // A button has nothing to be kept.
                ControlValue::None => return None,
                ControlValue::Integer(value) => Value::Integer(value),
                ControlValue::Boolean(value) => Value::Boolean(value),
                ControlValue::String(value) => Value::String(value),
                ControlValue::Bytes(value) => Value::Bytes(value),
            };
            Some((name, value))
        }))
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Values;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of controls and their values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Values, A::Error> {
                let mut settings = Vec::new();
                while let Some((name, value)) = map.next_entry()? {
                    let value = match value {
                        Value::Boolean(value) => ControlValue::Boolean(value),
                        Value::Integer(value) => ControlValue::Integer(value),
                        Value::String(value) => ControlValue::String(value),
                        Value::Bytes(value) => ControlValue::Bytes(value),
                    };
                    settings.push(ControlSetting { name, value });
                }
                Ok(Values(settings))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}
