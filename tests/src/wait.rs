//! Waiting for a condition instead of for a time.

use std::{
    thread,
    time::{Duration, Instant},
};

/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(10);

/// Waits until `state` is `Ok`, which it returns. Until then it is the state as it is, for the
/// message of the panic that comes after `timeout`.
#[track_caller]
pub fn wait_until<T>(
    what: &str,
    timeout: Duration,
    mut state: impl FnMut() -> Result<T, String>,
) -> T {
    let deadline = Instant::now() + timeout;
    loop {
        match state() {
            Ok(value) => return value,
            Err(state) if Instant::now() >= deadline => {
                panic!("waited {timeout:?} for {what}, but it is: {state}")
            }
            Err(_) => thread::sleep(PAUSE),
        }
    }
}
