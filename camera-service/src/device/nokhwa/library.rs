//! Calls into nokhwa that open something, and what its errors mean.

#![cfg_attr(windows, allow(unsafe_code))]

use std::{
    io,
    sync::{
        Mutex, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use ::nokhwa::{
    Camera, NokhwaError, query as query_cameras,
    utils::{
        ApiBackend, CameraFormat, CameraIndex, CameraInfo, RequestedFormat, RequestedFormatType,
        frame_formats,
    },
};

use crate::device::Error;

/// How long the system may take to say which cameras there are.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the system said last, and the answer that it owes.
struct Query {
    last: Vec<CameraInfo>,
    /// Whether that was an answer to the last question.
    is_settled: bool,
    /// One thread asks at most, also where a driver does not let it return.
    owed: Option<Receiver<Option<Vec<CameraInfo>>>>,
}

static QUERY: Mutex<Query> = Mutex::new(Query { last: Vec::new(), is_settled: false, owed: None });

/// The cameras that there are now; those that there were before where the system does not say
/// within 2 s, or cannot.
pub(super) fn query() -> Vec<CameraInfo> {
    let mut query = QUERY.lock().unwrap_or_else(PoisonError::into_inner);
    query.is_settled = false;
    let is_late = query.owed.is_some();
    let Some(answer) = query.owed.take().or_else(ask) else { return query.last.clone() };
    // What was waited for in vain is not waited for again: it is there or it is not.
    match answer.recv_timeout(if is_late { Duration::ZERO } else { PATIENCE }) {
        Ok(Some(cameras)) => {
            query.last = cameras;
            // A late answer is to a question of long ago.
            query.is_settled = !is_late;
        }
        Err(RecvTimeoutError::Timeout) => {
            if !is_late {
                tracing::warn!("the system does not say which cameras there are: a driver hangs");
            }
            query.owed = Some(answer);
        }
        // It could not be told, which was reported as such, or the thread panicked.
        Ok(None) | Err(RecvTimeoutError::Disconnected) => {}
    }
    query.last.clone()
}

/// Whether the last question was answered. Where it was not, another one is due.
pub(super) fn is_settled() -> bool {
    QUERY.lock().unwrap_or_else(PoisonError::into_inner).is_settled
}

/// Asks on a thread named `camera-query`; `None` where it cannot be started.
fn ask() -> Option<Receiver<Option<Vec<CameraInfo>>>> {
    let (answer, owed) = mpsc::sync_channel(1);
    // Whoever waited may have gone.
    let run = move || drop(answer.send(query_now()));
    thread::Builder::new().name("camera-query".to_owned()).spawn(run).ok()?;
    Some(owed)
}

/// `None` where the system cannot say.
fn query_now() -> Option<Vec<CameraInfo>> {
    enter_com();
    match query_cameras(ApiBackend::Auto) {
        Ok(cameras) => Some(cameras),
        // So Media Foundation refuses to start where it has no part for cameras at all.
        Err(error) if means(&error.to_string(), 0xc00d_36e3) => Some(Vec::new()),
        Err(error) => {
            tracing::debug!(%error, "cameras cannot be listed");
            None
        }
    }
}

/// Opens a camera in this format, else in any. It must be used and dropped on this thread.
pub(super) fn open(index: &CameraIndex, format: Option<CameraFormat>) -> Result<Camera, Error> {
    prepare();
    let wish = format.map_or(RequestedFormatType::None, RequestedFormatType::Exact);
    let camera = Camera::new(index.clone(), RequestedFormat::with_formats(wish, frame_formats()))
        .map_err(|error| device_error("opening the camera", index, &error))?;
    // On Windows nokhwa looks up the camera's number and opens that one, which may be another
    // camera's where one came or went in between.
    if cfg!(windows) && camera.info().misc() != index.as_string() {
        return Err(Error::Gone);
    }
    Ok(camera)
}

/// What an error of nokhwa's means. It has texts only, in the user's
/// language.
pub(super) fn device_error(call: &'static str, index: &CameraIndex, error: &NokhwaError) -> Error {
    if matches!(error, NokhwaError::OpenDeviceError(_, why)
        if why == "No device" || why == "Not Found")
    {
        return Error::Gone;
    }
    let text = error.to_string();
    known(index, |code| means(&text, code))
        .unwrap_or_else(|| Error::Io { call, source: io::Error::other(text) })
}

/// What an error of the system's means.
#[cfg(windows)]
pub(super) fn system_error(
    call: &'static str,
    index: &CameraIndex,
    error: &windows::core::Error,
) -> Error {
    known(index, |code| error.code().0.cast_unsigned() == code)
        .unwrap_or_else(|| Error::Io { call, source: io::Error::other(error.to_string()) })
}

/// What it means where the result code is one that is known, as `is` tells.
fn known(index: &CameraIndex, is: impl Fn(u32) -> bool) -> Option<Error> {
    let is_any = |codes: &[u32]| codes.iter().any(|code| is(*code));
    if is(0x8007_0005) {
        return Some(Error::Permission(index.to_string()));
    }
    // Streaming cannot start; taken away by another program; a device or a share is busy; no room
    // on the bus, or in use.
    if is_any(&[0xc00d_3704, 0xc00d_3ea3, 0x8007_00aa, 0x8007_0020, 0x8007_05aa]) {
        return Some(Error::Busy);
    }
    // Invalidated; not connected; not functioning; no such file, path or object.
    let gone = [0xc00d_3ea2, 0x8007_048f, 0x8007_001f, 0x8007_0002, 0x8007_0003, 0xc00d_36d5];
    is_any(&gone).then_some(Error::Gone)
}

/// Whether the text of an error is that of this result code, which Windows' texts end with.
fn means(text: &str, code: u32) -> bool {
    text.contains(&format!("0x{code:08X}"))
}

/// Lets every thread use COM, for as long as the process lives: nokhwa enters it on the thread
/// that calls it first only.
#[cfg(windows)]
fn enter_com() {
    use std::sync::Once;

    use windows::Win32::System::Com::CoIncrementMTAUsage;

    static COM: Once = Once::new();
    // SAFETY: takes nothing but a counter, which is never given back: threads that did not enter
    // COM themselves share an apartment from now on.
    COM.call_once(|| match unsafe { CoIncrementMTAUsage() } {
        Ok(_) => {}
        Err(error) => tracing::debug!(%error, "COM is not to be had"),
    });
}

/// Makes Media Foundation usable on every thread.
///
/// nokhwa shuts it down with the camera that it thinks to be the last, counted without regard to
/// other threads.
#[cfg(windows)]
pub(super) fn prepare() {
    use windows::Win32::Media::MediaFoundation::{MF_API_VERSION, MFSTARTUP_NOSOCKET, MFStartup};

    enter_com();
    // SAFETY: counted by the system. Once more at every opening, and never undone, so that
    // nokhwa's shutting down is never the last.
    if let Err(error) = unsafe { MFStartup(MF_API_VERSION, MFSTARTUP_NOSOCKET) } {
        tracing::debug!(%error, "Media Foundation does not start");
    }
}

#[cfg(not(windows))]
fn prepare() {}

#[cfg(not(windows))]
fn enter_com() {}

#[cfg(all(test, windows))]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_by_their_numbers() {
        let error = |text: &str| {
            let error = NokhwaError::OpenStreamError(text.to_owned());
            device_error("a call", &CameraIndex::Index(0), &error)
        };
        assert!(matches!(error("0xC00D3704"), Error::Busy));
        assert!(matches!(error("0xC00D3EA2"), Error::Gone));
        let denied =
            windows::core::Error::from(windows::core::HRESULT(0x8007_0005_u32.cast_signed()));
        assert!(matches!(error(&denied.to_string()), Error::Permission(_)));
        assert!(matches!(error("something else"), Error::Io { .. }));
    }

    #[test]
    fn a_camera_that_is_not_there_is_gone_and_looking_does_no_harm() {
        for _ in 0..3 {
            query();
        }
        // None is an answer too, though it may take a busy machine longer than is waited for.
        let until = std::time::Instant::now() + 30 * PATIENCE;
        while !is_settled() {
            assert!(std::time::Instant::now() < until, "the system does not say");
            thread::sleep(Duration::from_millis(10));
            query();
        }
        match open(&CameraIndex::String("no such camera".to_owned()), None) {
            Ok(_) => panic!("there is no such camera"),
            // The latter where Media Foundation has no part for cameras.
            Err(Error::Gone | Error::Io { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
}
