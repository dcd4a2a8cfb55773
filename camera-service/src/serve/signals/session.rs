//! Hearing that the user logs off or the machine shuts down, without a console.
//!
//! The system tells a console's programs by console events, but not those without a console, as
//! one that was started at login is, nor those that use windows, as Media Foundation does in
//! their place. All of them it tells by a message to each of their windows. So a thread named
//! `session-end` has a window that is never shown.
#![allow(unsafe_code)]
// Clippy does not see the `const` where the variables of threads are the system's.
#![allow(clippy::missing_const_for_thread_local)]

use std::{cell::RefCell, io, sync::mpsc, thread, time::Duration};

use tokio_util::sync::CancellationToken;
use windows::{
    Win32::{
        Foundation::{HWND, LPARAM, LRESULT, WPARAM},
        System::LibraryLoader::GetModuleHandleW,
        UI::WindowsAndMessaging::{
            CreateWindowExW, DefWindowProcW, DestroyWindow, DispatchMessageW, GetMessageW, MSG,
            PostMessageW, PostQuitMessage, RegisterClassW, WINDOW_EX_STYLE, WINDOW_STYLE, WM_CLOSE,
            WM_DESTROY, WM_ENDSESSION, WNDCLASSW,
        },
    },
    core::{PCWSTR, w},
};

/// Class of the window.
const CLASS: PCWSTR = w!("camera-service-session");
/// The process may be ended as soon as the message is answered. The service stops in 2 s, and
/// takes this thread with it.
const LAST_STEPS: Duration = Duration::from_secs(4);

thread_local! {
    /// What the window of this thread stops.
    static STOP: RefCell<Option<CancellationToken>> = const { RefCell::new(None) };
}

/// The window, until this is dropped.
pub(super) struct Watch(isize);

impl Watch {
    /// Stops the service when the session ends.
    pub(super) fn start(stop: CancellationToken) -> io::Result<Self> {
        let (made, window) = mpsc::sync_channel(1);
        thread::Builder::new().name("session-end".to_owned()).spawn(move || {
            STOP.set(Some(stop));
            let window = create();
            let exists = window.is_ok();
            // Its number only: a window's handle is no memory.
            let told = made.send(window.map(|window| window.0 as isize));
            if exists && told.is_ok() {
                dispatch();
            }
        })?;
        window.recv().unwrap_or(Err(io::ErrorKind::BrokenPipe.into())).map(Self)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let window = HWND(self.0 as *mut std::ffi::c_void);
        // Not waited for: the thread may be in the middle of an end of the session.
        // SAFETY: passes no memory; a window that is gone is an error, which changes nothing.
        let _ = unsafe { PostMessageW(Some(window), WM_CLOSE, WPARAM(0), LPARAM(0)) };
    }
}

fn create() -> io::Result<HWND> {
    // SAFETY: the class and its name live as long as the program; a class that is there already is
    // this one. The window belongs to this thread, which dispatches its messages.
    unsafe {
        let module = GetModuleHandleW(None)?.into();
        let class = WNDCLASSW {
            lpfnWndProc: Some(procedure),
            hInstance: module,
            lpszClassName: CLASS,
            ..WNDCLASSW::default()
        };
        RegisterClassW(&raw const class);
        // A window of the desktop's, without a place or size. One for messages only would not be
        // told.
        Ok(CreateWindowExW(
            WINDOW_EX_STYLE(0),
            CLASS,
            w!("camera-service"),
            WINDOW_STYLE(0),
            0,
            0,
            0,
            0,
            None,
            None,
            Some(module),
            None,
        )?)
    }
}

/// Until the window is gone.
fn dispatch() {
    let mut message = MSG::default();
    // SAFETY: `message` outlives the calls. 0 is the end, -1 an error that no next call would not
    // have.
    unsafe {
        while GetMessageW(&raw mut message, None, 0, 0).0 > 0 {
            DispatchMessageW(&raw const message);
        }
    }
}

/// Answers what the window is told.
unsafe extern "system" fn procedure(
    window: HWND,
    message: u32,
    wparam: WPARAM,
    lparam: LPARAM,
) -> LRESULT {
    match message {
        // The session really ends; it was asked before whether it may, to which the answer is
        // what the system takes it to be: yes.
        WM_ENDSESSION if wparam.0 != 0 => {
            tracing::info!("the session ends");
            STOP.with_borrow(|stop| stop.iter().for_each(CancellationToken::cancel));
            thread::sleep(LAST_STEPS);
            LRESULT(0)
        }
        WM_CLOSE => {
            // SAFETY: the window is this thread's.
            let _ = unsafe { DestroyWindow(window) };
            LRESULT(0)
        }
        WM_DESTROY => {
            // SAFETY: takes a number only.
            unsafe { PostQuitMessage(0) };
            LRESULT(0)
        }
        // SAFETY: passes on what this was called with.
        _ => unsafe { DefWindowProcW(window, message, wparam, lparam) },
    }
}
