//! The loopback devices of the configuration: a supervised `camera-service loopback` for each.

use std::{ffi::OsString, sync::Arc, time::Duration};

use protocol::endpoint::Endpoint;
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::supervisor::{Job, Patience, supervise};
use crate::config::{Config, Loopback};

/// A device that is not there keeps failing: the longest wait is so many times that of a camera.
const WAIT: u32 = 6;

/// Keeps the jobs of the configuration running, of each newer one from then on, until `stop`.
pub(super) async fn keep(
    mut config: watch::Receiver<Arc<Config>>,
    endpoint: Endpoint,
    stop: CancellationToken,
) {
    if !cfg!(target_os = "linux") {
        if !config.borrow().loopbacks.is_empty() {
            tracing::warn!("[[loopback]] is of no effect: this system has no such devices");
        }
        return;
    }
    let mut running: Vec<(Loopback, CancellationToken)> = Vec::new();
    let mut jobs = JoinSet::new();
    loop {
        let wanted = config.borrow_and_update().clone();
        running.retain(|(loopback, stop)| {
            let stays = wanted.loopbacks.contains(loopback);
            if !stays {
                stop.cancel();
            }
            stays
        });
        // One that has another device's place waits for it by failing and being started again.
        for loopback in &wanted.loopbacks {
            if running.iter().any(|(known, _)| known == loopback) {
                continue;
            }
            let stop = stop.child_token();
            let timeouts = &wanted.timeouts;
            let most = (timeouts.retry_most * WAIT).max(Duration::from_millis(1));
            let patience = Patience { first: timeouts.retry_first, most };
            jobs.spawn(supervise(job(loopback, &endpoint), patience, stop.clone()));
            running.push((loopback.clone(), stop));
        }
        tokio::select! {
            () = stop.cancelled() => break,
            changed = config.changed() => if changed.is_err() { break },
            // Those that were stopped are forgotten.
            Some(_) = jobs.join_next() => {}
        }
    }
    while jobs.join_next().await.is_some() {}
}

fn job(loopback: &Loopback, endpoint: &Endpoint) -> Job {
    let Loopback { camera, device, format, size, fps } = loopback;
    let mut args: Vec<OsString> = vec!["loopback".into(), "--supervised".into()];
    let mut option = |name: &str, value: OsString| {
        args.push(name.into());
        args.push(value);
    };
    option("--socket", endpoint.path().into());
    option("--format", format.to_string().into());
    if let Some(size) = size {
        option("--size", size.to_string().into());
    }
    if let Some(rate) = fps {
        option("--fps", format!("{}/{}", rate.numerator, rate.denominator).into());
    }
    // What a user calls a camera may begin with a hyphen.
    args.extend(["--".into(), camera.into(), device.into()]);
    Job { name: format!("loopback {}", device.display()), args, reports: None }
}

#[cfg(test)]
mod tests {
    use protocol::{FrameRate, PixelFormat, Size};

    use super::*;

    #[test]
    fn a_job_says_all_that_is_configured() {
        let loopback = Loopback {
            camera: "-odd-".to_owned(),
            device: "/dev/video9".into(),
            format: PixelFormat::Mjpg,
            size: Some(Size::new(640, 480)),
            fps: Some(FrameRate::new(15, 2)),
        };
        let job = job(&loopback, &Endpoint::at("/run/s"));
        let args: Vec<_> = job.args.iter().map(|arg| arg.to_str().expect("text")).collect();
        assert_eq!(
            args.join(" "),
            "loopback --supervised --socket /run/s --format MJPG --size 640x480 --fps 15/2 \
             -- -odd- /dev/video9"
        );
        assert_eq!(job.name, "loopback /dev/video9");
    }
}
