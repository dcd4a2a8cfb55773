//! A reader: this program again, as a process of its own.
//!
//! It takes frames as any client does, and of each its header and a few bytes, so that what it
//! costs is what the way to it costs. Lines on stdin tell it when to count and when to end.

use std::{
    io::BufRead as _,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread,
};

use anyhow::{Context as _, Result, ensure};
use protocol::{
    CameraId, Delivery, FrameHeader, StreamRequest,
    client::{Connector, StreamEvent},
};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;

/// Frames before it says that it is ready: by then it has mapped the slots in use.
const FIRST: u64 = 15;

/// Reads `camera` until told to end, then prints what it counted as one JSON object.
pub(crate) fn run(camera: &str, delivery: Delivery) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(read(StreamRequest {
        delivery,
        ..StreamRequest::native(CameraId(camera.to_owned()))
    }))
}

async fn read(request: StreamRequest) -> Result<()> {
    let lines = count_lines()?;
    let delivery = request.delivery;
    let mut stream = Connector::new("fan-out reader").stream(request).await?;
    let (mut seen, mut counted) = (0, Counted::default());
    loop {
        let frame = match stream.next().await? {
            StreamEvent::Frame(frame) => frame,
            StreamEvent::Started(started) => {
                ensure!(started.delivery == delivery, "frames come {:?}", started.delivery);
                continue;
            }
            StreamEvent::Lagged => {
                counted.lagged += 1;
                continue;
            }
            _ => continue,
        };
        let bytes = [0, frame.len() / 2, frame.len() - 1].map(|at| u32::from(frame[at]));
        match lines.load(Ordering::Relaxed) {
            0 => {}
            1 => counted.add(frame.header(), bytes.iter().sum()),
            _ => break,
        }
        drop(frame);
        seen += 1;
        if seen == FIRST {
            println!("ready");
        }
    }
    println!("{}", counted.into_json());
    Ok(())
}

/// The number of lines that have come in on stdin, counted by a thread that sleeps otherwise.
fn count_lines() -> Result<Arc<AtomicU8>> {
    let lines = Arc::new(AtomicU8::new(0));
    let counting = lines.clone();
    thread::Builder::new()
        .name("stdin".to_owned())
        .spawn(move || {
            for _ in std::io::stdin().lock().lines() {
                counting.fetch_add(1, Ordering::Relaxed);
            }
        })
        .context("a thread for stdin")?;
    Ok(lines)
}

#[derive(Default)]
struct Counted {
    last: Option<u64>,
    gaps: u64,
    dropped: u64,
    lagged: u64,
    /// From capture to here, in µs.
    latencies: Vec<u64>,
    /// Of the bytes read, so that they are read.
    sum: u32,
}

impl Counted {
    fn add(&mut self, header: &FrameHeader, sum: u32) {
        let now = clock_gettime(ClockId::Monotonic);
        let now = now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64;
        self.latencies.push(now.saturating_sub(header.monotonic_ns) / 1000);
        self.gaps += self.last.map_or(0, |last| header.sequence.saturating_sub(last + 1));
        self.last = Some(header.sequence);
        self.dropped += u64::from(header.dropped);
        self.sum = self.sum.wrapping_add(sum);
    }

    fn into_json(self) -> serde_json::Value {
        json!({
            "gaps": self.gaps,
            "dropped": self.dropped,
            "lagged": self.lagged,
            "latencies": self.latencies,
            "sum": self.sum,
        })
    }
}
