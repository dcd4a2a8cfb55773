//! What the end-to-end tests and benches share: they run the real programs.
//!
//! [`Service`] is a real `camera-service serve` with folders of its own, [`Service::cli`] a
//! command that speaks to it, [`Shim`] a camera for it at native speed, and [`guest`] what is to
//! be had where there are real drivers.

pub mod binary;
#[cfg(unix)]
pub mod bridge;
#[cfg(target_os = "linux")]
pub mod confined;
#[cfg(target_os = "linux")]
mod desktop;
#[cfg(target_os = "linux")]
pub mod device;
#[cfg(unix)]
pub mod display;
#[cfg(target_os = "linux")]
pub mod faults;
#[cfg(unix)]
pub mod guest;
#[cfg(target_os = "linux")]
pub mod gui;
#[cfg(unix)]
pub mod hostile;
pub mod live;
#[cfg(target_os = "linux")]
pub mod loopback;
#[cfg(target_os = "linux")]
mod manager;
mod output;
#[cfg_attr(windows, path = "process/windows.rs")]
mod process;
mod program;
mod raw;
mod service;
#[cfg(unix)]
mod shim;
mod socket;
mod wait;
#[cfg(target_os = "linux")]
pub mod wine;

#[cfg(target_os = "linux")]
pub use desktop::Desktop;
#[cfg(unix)]
pub use display::Display;
#[cfg(target_os = "linux")]
pub use manager::Manager;
pub use output::Output;
pub use process::Process;
pub use program::Program;
pub use raw::{Raw, hello};
#[cfg(unix)]
pub use rustix::process::Signal;
pub use service::{Builder, QUICK, Service};
#[cfg(unix)]
pub use shim::Shim;
pub use socket::Socket;
pub use wait::wait_until;
