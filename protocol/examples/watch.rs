//! Watches a camera and says once a second how bright its picture is, until interrupted.
//!
//! ```text
//! cargo run -p protocol --features client --example watch [CAMERA]
//! ```
//!
//! Without CAMERA, an id or a name, the first one is watched. Other programs may watch it at the
//! same time, and the picture is turned to grey and made small once for all who ask for that.

use std::{
    env,
    process::ExitCode,
    time::{Duration, Instant},
};

use protocol::{
    CameraId, ClientError, ErrorKind, ErrorReply, Frame, PixelFormat, Size, StreamFormat,
    StreamRequest,
    client::{Connector, StreamEvent},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match watch(env::args().nth(1)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("watch: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn watch(camera: Option<String>) -> Result<(), ClientError> {
    // The name is what `camera-service clients` shows of this program. A service that is just
    // being started is waited for.
    let connector = Connector::new("light meter").patience(Duration::from_secs(2));
    let camera = match camera {
        Some(camera) => CameraId(camera),
        None => first_camera(&connector).await?,
    };
    let request = StreamRequest {
        format: StreamFormat::Pixels(PixelFormat::Grey),
        max_size: Some(Size::new(320, 240)),
        ..StreamRequest::native(camera)
    };
    let mut stream = connector.stream(request).await?;
    let mut told = Instant::now();
    loop {
        match stream.next().await? {
            StreamEvent::Started(started) => {
                println!(
                    "{} delivers {}, made of {}",
                    started.camera, started.mode, started.native
                );
            }
            StreamEvent::Frame(frame) if told.elapsed() >= Duration::from_secs(1) => {
                told = Instant::now();
                println!("frame {}: {:.0} of 255", frame.header().sequence, brightness(&frame));
            }
            // Dropping a frame gives its slot back to the service: whoever keeps two gets no more.
            StreamEvent::Frame(_) => {}
            StreamEvent::ModeChanged { native, .. } => println!("the camera is in {native} now"),
            // No reason to end: frames come again by themselves.
            StreamEvent::Lost { reason } => println!("no frames: {reason}"),
            StreamEvent::Blocked => println!("no frames: all cameras are turned off"),
            StreamEvent::Lagged => println!("this program was too slow and has missed frames"),
        }
    }
}

async fn first_camera(connector: &Connector) -> Result<CameraId, ClientError> {
    let cameras = connector.control().await?.cameras().await?;
    let first = cameras.into_iter().next().map(|camera| camera.id);
    first.ok_or_else(|| ErrorReply::new(ErrorKind::NoSuchCamera, "there is no camera").into())
}

/// The mean of all pixels of a grey frame, 0 to 255, read where they lie: in the memory that all
/// readers of this frame share.
fn brightness(frame: &Frame) -> f64 {
    let header = frame.header();
    let (width, height) = (header.size.width as usize, header.size.height as usize);
    // A camera that is grey itself may pad its rows.
    let stride = header.planes.first().map_or(width, |plane| plane.stride as usize);
    let rows = frame.chunks(stride.max(1)).take(height);
    let sum: u64 = rows.flat_map(|row| row.iter().take(width)).map(|&pixel| u64::from(pixel)).sum();
    sum as f64 / (width * height).max(1) as f64
}
