//! What the service remembers when it is not running: files in the state folder of this user.
//!
//! Which camera has which id is kept by the registry (`cameras.toml`); here are presets and
//! pinned controls ([`Settings`]), explicit starts ([`Starts`]), whether all cameras are turned off
//! ([`Privacy`]), which programs have watched a camera ([`Programs`]), the tokens of remote users
//! ([`Tokens`]) and how the bridge is to run ([`BridgeSettings`]). All is read once, at the start. What the rest
//! of the service asks of them lies in memory; files are written on tokio's blocking threads, so
//! that a slow disk holds nobody up.

mod bridge;
pub(crate) mod files;
pub(crate) mod name;
mod privacy;
mod programs;
mod settings;
mod starts;
mod tokens;

pub use bridge::BridgeSettings;
pub use privacy::Privacy;
pub use programs::Programs;
pub use settings::{CameraSettings, Settings};
pub use starts::Starts;
pub use tokens::{InUse, Token, Tokens};
