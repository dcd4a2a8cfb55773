//! Frames that the kernel writes straight into slots, through the real service: readers that stop
//! or are killed, and the same with copies.

use std::{path::Path, sync::Arc};

use protocol::{FrameHeader, PixelFormat};
use serde_json::Value;
use tests::{
    Service, Signal,
    live::{Judge, Watcher},
    wait_until,
};

use super::{FIRST, PATIENCE, ctl, native, service};

/// Takes frames that have vivid's bars, which darken from left to right, in a row below all text.
fn bars() -> Arc<Judge> {
    Arc::new(|header: &FrameHeader, bytes: &[u8]| {
        if header.format != PixelFormat::Yuyv {
            return Err(format!("{} is not what was started", header.format));
        }
        let (width, stride) = (header.size.width as usize, header.planes[0].stride as usize);
        let row = &bytes[stride * (header.size.height as usize - 4)..];
        let lumas: Vec<u8> = (0..8).map(|bar| row[(2 * bar + 1) * width / 16 * 2]).collect();
        if lumas.windows(2).all(|pair| pair[0] > pair[1]) {
            Ok(())
        } else {
            Err(format!("frame {}: {lumas:?} do not darken", header.sequence))
        }
    })
}

/// Watches the camera while others that watch it stop, are killed, and come again.
fn readers_stop_and_die(service: &Service) {
    service.cli(&["start", FIRST, "--format", "YUYV", "--size", "640x360", "--fps", "15"]).ok();
    let watcher = Watcher::start(service, native(), bars());
    watcher.frames(0, 3);
    for _ in 0..2 {
        // Each holds two slots while it is stopped, which is more than there are.
        let mut others: Vec<_> =
            (0..9).map(|_| service.cli_start(&["check", FIRST, "--seconds", "60"])).collect();
        wait_until("all readers to have frames", PATIENCE, || {
            let clients = service.json(&["clients"]);
            let all = clients.as_array().expect("clients").iter();
            let reading = |client: &&Value| {
                client["role"] == "stream" && client["frames"].as_u64() >= Some(1)
            };
            if all.filter(reading).count() == 10 { Ok(()) } else { Err(clients.to_string()) }
        });
        for (number, other) in others.iter().enumerate() {
            other.signal(Signal::STOP);
            // So that they hold different frames.
            watcher.frames(watcher.now(), 2 + number % 2);
        }
        watcher.frames(watcher.now(), 5);
        for other in &mut others {
            other.kill();
        }
        watcher.frames(watcher.now(), 5);
    }
    let info = service.json(&["info", FIRST]);
    assert_eq!(info["damaged"], 0, "{info}");
    assert_eq!(watcher.other_than_frames().len(), 1, "{:?}", watcher.other_than_frames());
}

#[test]
fn readers_that_stop_or_are_killed_harm_nobody_while_the_kernel_fills_slots() {
    let service = service();
    readers_stop_and_die(&service);
    assert!(service.log().contains("the driver writes into slots"));
    assert!(!service.has_mapped(Path::new("/dev/video0")));
}

#[test]
fn nor_where_the_driver_refuses_slots_and_frames_are_copied() {
    let service = service();
    ctl("inject_vidioc_reqbufs_error=1");
    readers_stop_and_die(&service);
    let log = service.log();
    assert!(log.contains("the driver refuses slots (VIDIOC_REQBUFS gives"), "{log}");
    assert!(service.has_mapped(Path::new("/dev/video0")));
}
