//! camera-service: one process that owns the cameras and serves them to any number of programs.

pub mod autostart;
pub mod bridge;
pub mod camera;
pub mod cli;
pub mod clock;
pub mod config;
pub mod device;
pub mod doctor;
pub mod events;
mod json;
#[cfg(target_os = "linux")]
pub mod loopback;
pub mod registry;
pub mod serve;
pub mod server;
pub mod slots;
pub mod source;
pub mod state;
mod time;
