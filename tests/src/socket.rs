//! A connection for whoever writes and reads bytes by hand: a Unix socket, or a named pipe with the
//! same methods.

#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use std::os::unix::net::UnixStream as Socket;

#[cfg(windows)]
pub use self::windows::Socket;
