//! Whose process is at the other end of a pipe.

use std::io;

use windows::Win32::{
    Foundation::{CloseHandle, HANDLE},
    Security::{RevertToSelf, TOKEN_QUERY},
    System::{
        Pipes::ImpersonateNamedPipeClient,
        Threading::{
            GetCurrentThread, OpenProcess, OpenThreadToken, PROCESS_QUERY_LIMITED_INFORMATION,
        },
    },
};

use crate::endpoint::{sid_of, sid_of_token, user_sid};

/// Whether process `pid` is of the user of this one. Fails where the system does not let this
/// process see, as for one that runs with an administrator's rights.
pub(super) fn is_of_this_user(pid: u32) -> io::Result<bool> {
    // SAFETY: no pointer is passed; the handle is closed below.
    let process = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, false, pid) };
    let sid = process.map_err(io::Error::from).and_then(|process| {
        let sid = sid_of(process);
        // SAFETY: opened above, and used no more.
        unsafe { CloseHandle(process)? };
        sid
    });
    let sid = sid.map_err(|error| {
        io::Error::new(error.kind(), format!("cannot see whose process {pid} is: {error}"))
    })?;
    Ok(sid == user_sid()?)
}

/// Whether the client of `pipe`, process `pid`, is of the user of this one. The token of a process
/// of the same user that runs with an administrator's rights is out of reach; what the system
/// noted when the client opened the pipe is not.
pub(super) fn is_client_of_this_user(pipe: HANDLE, pid: u32) -> io::Result<bool> {
    is_of_this_user(pid).or_else(|_| Ok(sid_of_client(pipe)? == user_sid()?))
}

/// The SID of the user who opened the other end of `pipe`.
fn sid_of_client(pipe: HANDLE) -> io::Result<String> {
    // SAFETY: the handle is open. From here on this thread has the client's rights (of which the
    // client has given those to be identified only), until `revert`.
    unsafe { ImpersonateNamedPipeClient(pipe)? };
    let revert = Revert;
    let mut token = HANDLE::default();
    // SAFETY: `token` receives a handle that is closed below. Opened with the process's own rights.
    let opened = unsafe { OpenThreadToken(GetCurrentThread(), TOKEN_QUERY, true, &raw mut token) };
    drop(revert);
    opened?;
    let sid = sid_of_token(token);
    // SAFETY: opened above, and used no more.
    unsafe { CloseHandle(token)? };
    sid
}

/// Gives the thread its own rights back when dropped.
struct Revert;

impl Drop for Revert {
    fn drop(&mut self) {
        // SAFETY: takes nothing.
        if unsafe { RevertToSelf() }.is_err() {
            // A thread that goes on with the rights of somebody else must not.
            std::process::abort();
        }
    }
}
