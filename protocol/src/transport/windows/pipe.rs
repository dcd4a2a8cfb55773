//! One end of a named pipe, read and written in pieces as large as they come.
//!
//! Tokio has named pipes too, but reads 4 KiB of them at a time: a frame of 1280x720 that comes
//! inline took 450 turns of the loop. Here one overlapped read takes up to [`MOST_READ`] bytes.
//! The system reports what it could not do at once to a completion port, where a thread named
//! `pipes`, one for the process, wakes whoever waits.
//!
//! Each direction does one thing at a time, with memory of its own: what waits for it can be
//! cancelled at any time. What is read and was not waited for is there for the next one.

use std::{
    cell::UnsafeCell,
    future::poll_fn,
    io,
    ops::Range,
    os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    task::{Context, Poll, Waker},
    thread,
};

use windows::{
    Win32::{
        Foundation::{
            ERROR_BROKEN_PIPE, ERROR_IO_PENDING, ERROR_PIPE_CONNECTED, ERROR_PIPE_NOT_CONNECTED,
            GENERIC_READ, GENERIC_WRITE, HANDLE, INVALID_HANDLE_VALUE, WIN32_ERROR,
        },
        Security::SECURITY_ATTRIBUTES,
        Storage::FileSystem::{
            CreateFileW, FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, FILE_SHARE_MODE,
            OPEN_EXISTING, PIPE_ACCESS_DUPLEX, ReadFile, SECURITY_IDENTIFICATION,
            SECURITY_SQOS_PRESENT, SetFileCompletionNotificationModes, WriteFile,
        },
        System::{
            IO::{CancelIoEx, CreateIoCompletionPort, GetQueuedCompletionStatus, OVERLAPPED},
            Pipes::{
                ConnectNamedPipe, CreateNamedPipeW, PIPE_READMODE_BYTE, PIPE_REJECT_REMOTE_CLIENTS,
                PIPE_TYPE_BYTE, PIPE_UNLIMITED_INSTANCES, PIPE_WAIT,
            },
            Threading::INFINITE,
            WindowsProgramming::{
                FILE_SKIP_COMPLETION_PORT_ON_SUCCESS, FILE_SKIP_SET_EVENT_ON_HANDLE,
            },
        },
    },
    core::HSTRING,
};

/// Least and most bytes that are read at a time: as many as whoever reads has room for, within
/// these.
const LEAST_READ: usize = 4 << 10;
const MOST_READ: usize = 256 << 10;

/// How much the system keeps of what was written and not read yet, in bytes.
#[derive(Clone, Copy)]
pub(super) struct Buffers {
    pub(super) to_client: u32,
    pub(super) to_server: u32,
}

/// One end of a pipe.
pub(super) struct Pipe {
    reading: Arc<Operation>,
    writing: Arc<Operation>,
}

/// One direction.
// The first field is what the system is given, and gives back.
#[repr(C)]
struct Operation {
    overlapped: UnsafeCell<OVERLAPPED>,
    /// Open for as long as the system is at work on it.
    handle: Arc<OwnedHandle>,
    /// Whether the system does not report what it did at once.
    reports_late_only: bool,
    state: Mutex<State>,
}

// SAFETY: `overlapped` is touched in `begin` only, under the lock and while nothing is pending, and
// by the system while something is.
unsafe impl Send for Operation {}
// SAFETY: as above.
unsafe impl Sync for Operation {}

#[derive(Default)]
struct State {
    phase: Phase,
    /// The system's while something is pending.
    buffer: Vec<u8>,
    /// What was read into `buffer` and not taken.
    unread: Range<usize>,
    /// Who waits for the end of what is pending.
    wakers: Vec<Waker>,
}

#[derive(Default)]
enum Phase {
    #[default]
    Idle,
    Pending,
    Done(io::Result<usize>),
}

impl Pipe {
    /// Opens the other end of what a server has made. Who that is learns who this client is, but
    /// cannot act as it.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let path = HSTRING::from(path);
        // SAFETY: the name outlives the call.
        let opened = unsafe {
            CreateFileW(
                &path,
                GENERIC_READ.0 | GENERIC_WRITE.0,
                FILE_SHARE_MODE(0),
                None,
                OPEN_EXISTING,
                FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION,
                None,
            )
        };
        let handle = opened.map_err(plain)?;
        // SAFETY: new, and owned by nobody else.
        Self::new(unsafe { OwnedHandle::from_raw_handle(handle.0) })
    }

    /// Makes one for a client of this machine that is to come. The `first` one fails where there is
    /// a pipe of that name, whosever it is.
    pub(super) fn create(
        path: &Path,
        attributes: &SECURITY_ATTRIBUTES,
        buffers: Buffers,
        first: bool,
    ) -> io::Result<Self> {
        let path = HSTRING::from(path);
        let mut mode = PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED;
        if first {
            mode |= FILE_FLAG_FIRST_PIPE_INSTANCE;
        }
        // SAFETY: the name and the attributes outlive the call.
        let handle = unsafe {
            CreateNamedPipeW(
                &path,
                mode,
                PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
                PIPE_UNLIMITED_INSTANCES,
                buffers.to_client,
                buffers.to_server,
                0,
                Some(attributes),
            )
        };
        if handle == INVALID_HANDLE_VALUE {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: new, and owned by nobody else.
        Self::new(unsafe { OwnedHandle::from_raw_handle(handle.0) })
    }

    fn new(handle: OwnedHandle) -> io::Result<Self> {
        let port = port()?;
        let raw = HANDLE(handle.as_raw_handle());
        // SAFETY: both handles are open. From here on the system reports to the port.
        unsafe { CreateIoCompletionPort(raw, Some(HANDLE(port as _)), 0, 0) }.map_err(plain)?;
        let modes = FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE;
        // SAFETY: the handle is open. `as`: the two bits there are.
        let skips = unsafe { SetFileCompletionNotificationModes(raw, modes as u8) };
        let handle = Arc::new(handle);
        let operation = || {
            Arc::new(Operation {
                overlapped: UnsafeCell::default(),
                handle: handle.clone(),
                reports_late_only: skips.is_ok(),
                state: Mutex::default(),
            })
        };
        Ok(Self { reading: operation(), writing: operation() })
    }

    pub(super) fn handle(&self) -> HANDLE {
        self.reading.raw()
    }

    /// Waits for a client. Safe to cancel.
    pub(super) async fn connect(&self) -> io::Result<()> {
        poll_fn(|cx| {
            let mut state = self.reading.lock();
            loop {
                match std::mem::take(&mut state.phase) {
                    Phase::Pending => return state.wait(cx),
                    Phase::Done(done) => return Poll::Ready(done.map(drop)),
                    Phase::Idle => {}
                }
                let begun = self.reading.begin(&mut state, |pipe, _, overlapped| {
                    // SAFETY: the handle is open, and `overlapped` is not touched until the end.
                    unsafe { ConnectNamedPipe(pipe, Some(overlapped)) }
                });
                match begun {
                    Err(error) if is(&error, ERROR_PIPE_CONNECTED) => return Poll::Ready(Ok(())),
                    Err(error) => return Poll::Ready(Err(error)),
                    Ok(()) => {}
                }
            }
        })
        .await
    }

    /// Reads into `target`, at least one byte unless the other side has closed. Safe to cancel.
    pub(super) async fn read(&self, target: &mut [u8]) -> io::Result<usize> {
        // What is there at once would else keep the thread from everything else.
        tokio::task::consume_budget().await;
        let read = poll_fn(|cx| {
            let mut state = self.reading.lock();
            loop {
                match std::mem::take(&mut state.phase) {
                    Phase::Pending => return state.wait(cx),
                    Phase::Done(Ok(length)) => state.unread = 0..length,
                    Phase::Done(Err(error)) => return Poll::Ready(Err(error)),
                    Phase::Idle => {}
                }
                if !state.unread.is_empty() || target.is_empty() {
                    return Poll::Ready(Ok(state.take(target)));
                }
                let length = target.len().clamp(LEAST_READ, MOST_READ);
                if state.buffer.len() < length {
                    state.buffer.resize(length, 0);
                }
                let begun = self.reading.begin(&mut state, |pipe, buffer, overlapped| {
                    // SAFETY: the handle is open; neither `buffer` nor `overlapped` is touched
                    // until the end.
                    unsafe { ReadFile(pipe, Some(&mut buffer[..length]), None, Some(overlapped)) }
                });
                if let Err(error) = begun {
                    return Poll::Ready(Err(error));
                }
            }
        });
        match read.await {
            // What a pipe says where a socket says that it was closed.
            Err(error) if is(&error, ERROR_BROKEN_PIPE) || is(&error, ERROR_PIPE_NOT_CONNECTED) => {
                Ok(0)
            }
            other => other,
        }
    }

    /// Writes `bytes`, and waits until the system has them. Cancelled, they may be on their way.
    pub(super) async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        tokio::task::consume_budget().await;
        let mut is_ours = false;
        poll_fn(|cx| {
            let mut state = self.writing.lock();
            loop {
                match std::mem::take(&mut state.phase) {
                    Phase::Pending => return state.wait(cx),
                    Phase::Done(done) if is_ours => return Poll::Ready(done),
                    // One that nobody waited for.
                    Phase::Done(Err(error)) => return Poll::Ready(Err(error)),
                    Phase::Done(Ok(_)) | Phase::Idle => {}
                }
                if let Err(error) = self.writing.begin_write(&mut state, bytes) {
                    return Poll::Ready(Err(error));
                }
                is_ours = true;
            }
        })
        .await
    }

    /// Has `bytes` written, unless what was written before is still on its way.
    #[cfg(feature = "client")]
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.writing.lock();
        match std::mem::take(&mut state.phase) {
            Phase::Pending => {
                state.phase = Phase::Pending;
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Phase::Done(Err(error)) => return Err(error),
            Phase::Done(Ok(_)) | Phase::Idle => {}
        }
        self.writing.begin_write(&mut state, bytes).map(|()| bytes.len())
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        for operation in [&self.reading, &self.writing] {
            // What the system has stays with it; what it has not, nobody waits for any more.
            // SAFETY: the handle is open. Nothing to cancel is an error that changes nothing.
            let _ = unsafe { CancelIoEx(operation.raw(), Some(operation.overlapped.get())) };
        }
    }
}

impl Operation {
    fn raw(&self) -> HANDLE {
        HANDLE(self.handle.as_raw_handle())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin_write(self: &Arc<Self>, state: &mut State, bytes: &[u8]) -> io::Result<()> {
        state.buffer.clear();
        state.buffer.extend_from_slice(bytes);
        self.begin(state, |pipe, buffer, overlapped| {
            // SAFETY: the handle is open; neither `buffer` nor `overlapped` is touched until the
            // end.
            unsafe { WriteFile(pipe, Some(buffer), None, Some(overlapped)) }
        })
    }

    /// Has the system begin with something, while nothing is pending: pending or done afterwards.
    fn begin(
        self: &Arc<Self>,
        state: &mut State,
        call: impl FnOnce(HANDLE, &mut Vec<u8>, *mut OVERLAPPED) -> windows::core::Result<()>,
    ) -> io::Result<()> {
        // The system's own; what it points to lives until the end is reported.
        let kept = Arc::into_raw(self.clone());
        let overlapped = kept.cast::<OVERLAPPED>().cast_mut();
        // SAFETY: the first field, which may be written through a shared reference: nothing is
        // pending, and `state` is the lock's.
        unsafe { *overlapped = OVERLAPPED::default() };
        let begun = call(self.raw(), &mut state.buffer, overlapped).map_err(plain);
        state.phase = match begun {
            Err(error) if is(&error, ERROR_IO_PENDING) => Phase::Pending,
            Ok(()) if !self.reports_late_only => Phase::Pending,
            other => {
                // SAFETY: made above, and not given to the system, which reports nothing.
                drop(unsafe { Arc::from_raw(kept) });
                other?;
                // SAFETY: at an end, and not reported: nobody else touches it.
                Phase::Done(Ok(unsafe { (*overlapped).InternalHigh }))
            }
        };
        Ok(())
    }
}

impl State {
    /// Goes on waiting for what is pending.
    fn wait<T>(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        self.phase = Phase::Pending;
        if !self.wakers.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.wakers.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Moves some of what was read into `target`.
    fn take(&mut self, target: &mut [u8]) -> usize {
        let length = self.unread.len().min(target.len());
        let from = self.unread.start;
        target[..length].copy_from_slice(&self.buffer[from..from + length]);
        self.unread.start += length;
        length
    }
}

/// The completion port of this process, and its thread.
fn port() -> io::Result<usize> {
    static PORT: OnceLock<Result<usize, i32>> = OnceLock::new();
    let port = PORT.get_or_init(|| {
        let code = |error: io::Error| error.raw_os_error().unwrap_or(0);
        // SAFETY: makes a port that is for no handle yet, and is never closed.
        let port = unsafe { CreateIoCompletionPort(INVALID_HANDLE_VALUE, None, 0, 1) };
        let port = port.map_err(|error| code(plain(error)))?.0 as usize;
        let thread = thread::Builder::new().name("pipes".to_owned());
        thread.spawn(move || report(HANDLE(port as _))).map_err(code)?;
        Ok(port)
    });
    port.map_err(io::Error::from_raw_os_error)
}

/// Notes the end of everything that was pending, for as long as the process lives.
fn report(port: HANDLE) {
    loop {
        let (mut length, mut key, mut overlapped) = (0, 0, std::ptr::null_mut());
        // SAFETY: the port is open, and what is written to outlives the call.
        let done = unsafe {
            let (length, key) = (&raw mut length, &raw mut key);
            GetQueuedCompletionStatus(port, length, key, &raw mut overlapped, INFINITE)
        };
        if overlapped.is_null() {
            // Nothing was taken from the port, which happens to a broken one only.
            thread::sleep(std::time::Duration::from_millis(100));
            continue;
        }
        // SAFETY: the first field of an `Operation` that was given to the system by `begin`, which
        // the system has no more use for.
        let operation = unsafe { Arc::from_raw(overlapped.cast::<Operation>()) };
        let mut state = operation.lock();
        state.phase = Phase::Done(done.map(|()| length as usize).map_err(plain));
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// The system's error by its own number, which tells what kind it is.
pub(super) fn plain(error: windows::core::Error) -> io::Error {
    match WIN32_ERROR::from_error(&error) {
        Some(code) => io::Error::from_raw_os_error(code.0.cast_signed()),
        None => error.into(),
    }
}

/// Whether it is this error of the system's.
pub(super) fn is(error: &io::Error, code: WIN32_ERROR) -> bool {
    error.raw_os_error() == Some(code.0.cast_signed())
}
