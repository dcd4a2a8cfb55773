//! temp
#[cfg(target_os = "linux")]
pub mod confine;
