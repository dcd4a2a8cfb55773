//! Room for descriptors: each client of shared memory and each slot takes some.

/// Raises the limit on open files to what the system allows this process.
#[cfg(unix)]
pub(super) fn raise_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!("the limit on open files stays at {:?}: {error}", limit.current);
    }
}

/// Windows has no such limit.
#[cfg(not(unix))]
pub(super) fn raise_limit() {}
