//! Which renderer iced is to use, before it chooses one itself.
//!
//! iced takes wgpu wherever there is an adapter, also one that is made of software. Drawing with
//! tiny-skia costs less than that, and Mesa's software Vulkan (lavapipe) loses some 0.4 MB with every
//! frame that it draws.

/// The variable by which iced is told.
#[cfg(unix)]
const VARIABLE: &str = "ICED_BACKEND";

/// Starts the program anew with tiny-skia where there are adapters, but none is a GPU. iced can be
/// told by the environment only, which a program must not change for itself.
#[cfg(unix)]
pub(crate) fn avoid_software_gpu() {
    use std::{env, os::unix::process::CommandExt as _, process::Command};

    if env::var_os(VARIABLE).is_some() || !is_software_only() {
        return;
    }
    let Ok(program) = env::current_exe() else { return };
    tracing::info!("there is no GPU: drawing with tiny-skia");
    let failed =
        Command::new(program).args(env::args_os().skip(1)).env(VARIABLE, "tiny-skia").exec();
    // What iced chooses works too.
    tracing::warn!("the program could not be started anew: {failed}");
}

/// Elsewhere the system's own software adapter is as good.
#[cfg(not(unix))]
pub(crate) fn avoid_software_gpu() {}

/// Whether all adapters are made of software; false where there is none at all.
#[cfg(unix)]
fn is_software_only() -> bool {
    use iced::wgpu::{Backends, DeviceType, Instance, InstanceDescriptor};

    let instance = Instance::new(&InstanceDescriptor::from_env_or_default());
    let backends = Backends::from_env().unwrap_or(Backends::all());
    let adapters = instance.enumerate_adapters(backends);
    let is_software = |kind| kind == DeviceType::Cpu;
    !adapters.is_empty()
        && adapters.iter().all(|adapter| is_software(adapter.get_info().device_type))
}
