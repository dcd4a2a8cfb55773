//! What the end-to-end tests and benches share: they run the real programs.
//!
//! [`Service`] is a real `camera-service serve` with folders of its own, [`Service::cli`] a
//! command that speaks to it, [`Shim`] a camera for it at native speed, and [`guest`] what is to
//! be had where there are real drivers.
#![cfg(unix)]

pub mod binary;
pub mod bridge;
#[cfg(target_os = "linux")]
pub mod confined;
mod desktop;
#[cfg(target_os = "linux")]
pub mod device;
pub mod display;
#[cfg(target_os = "linux")]
pub mod faults;
pub mod guest;
#[cfg(target_os = "linux")]
pub mod gui;
pub mod hostile;
pub mod live;
#[cfg(target_os = "linux")]
pub mod loopback;
#[cfg(target_os = "linux")]
mod manager;
mod output;
mod process;
mod program;
mod raw;
mod service;
mod shim;
mod wait;

pub use desktop::Desktop;
pub use display::Display;
#[cfg(target_os = "linux")]
pub use manager::Manager;
pub use output::Output;
pub use process::Process;
pub use program::Program;
pub use raw::{Raw, hello};
pub use rustix::process::Signal;
pub use service::{Builder, QUICK, Service};
pub use shim::Shim;
pub use wait::wait_until;
