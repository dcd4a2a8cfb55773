//! Named pipes: one for each user, told by the user's SID.
#![allow(unsafe_code)]

use std::{io, path::PathBuf};

use windows::{
    Win32::{
        Foundation::{CloseHandle, HANDLE, HLOCAL, LocalFree},
        Security::{
            Authorization::ConvertSidToStringSidW, GetTokenInformation, PSID, TOKEN_ELEVATION_TYPE,
            TOKEN_QUERY, TOKEN_USER, TokenElevationType, TokenElevationTypeFull, TokenUser,
        },
        System::Threading::{GetCurrentProcess, OpenProcessToken},
    },
    core::PWSTR,
};

use super::Endpoint;

pub(super) fn candidates() -> Vec<Endpoint> {
    to_listen().into_iter().collect()
}

pub(super) fn to_listen() -> io::Result<Endpoint> {
    let sid = user_sid()?;
    Ok(Endpoint::at(format!(r"\\.\pipe\camera-service-v1-{sid}")))
}

/// A folder in this user's profile, which nobody else can enter; not that for temporary files,
/// which may lead elsewhere.
pub(super) fn private_folder() -> io::Result<PathBuf> {
    let local = std::env::var_os("LOCALAPPDATA").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = local.join("camera-service").join("session");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

pub(super) fn is_elevated() -> io::Result<bool> {
    let (mut token, mut kind) = (HANDLE::default(), TOKEN_ELEVATION_TYPE::default());
    let (size, mut length) = (size_of_val(&kind) as u32, 0);
    // SAFETY: a pseudo handle that needs no closing; `token` receives one that is closed below.
    unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token)? };
    // SAFETY: `kind` has `size` bytes, and the token is open until it is closed.
    let asked = unsafe {
        let into = Some((&raw mut kind).cast());
        let asked = GetTokenInformation(token, TokenElevationType, into, size, &raw mut length);
        CloseHandle(token)?;
        asked
    };
    asked?;
    // The other kinds are rights that all of the user's programs have.
    Ok(kind == TokenElevationTypeFull)
}

/// The SID of the user of this process, as text.
pub(crate) fn user_sid() -> io::Result<String> {
    // SAFETY: a pseudo handle that needs no closing.
    sid_of(unsafe { GetCurrentProcess() })
}

/// The SID of the user of a process, as text.
pub(crate) fn sid_of(process: HANDLE) -> io::Result<String> {
    let mut token = HANDLE::default();
    // SAFETY: `token` receives a handle that is closed below.
    unsafe { OpenProcessToken(process, TOKEN_QUERY, &raw mut token)? };
    let sid = sid_of_token(token);
    // SAFETY: opened above, and used no more.
    unsafe { CloseHandle(token)? };
    sid
}

/// The SID of the user of a token, as text.
pub(crate) fn sid_of_token(token: HANDLE) -> io::Result<String> {
    // A TOKEN_USER and the largest SID take 84 bytes; u64 for its alignment.
    let mut buffer = [0u64; 32];
    let mut length = 0;
    let size = size_of_val(&buffer) as u32;
    // SAFETY: `buffer` has `size` bytes.
    unsafe {
        GetTokenInformation(
            token,
            TokenUser,
            Some(buffer.as_mut_ptr().cast()),
            size,
            &raw mut length,
        )?;
    }
    // SAFETY: the call filled in a TOKEN_USER, for which the buffer is aligned.
    let user = unsafe { &*buffer.as_ptr().cast::<TOKEN_USER>() };
    // SAFETY: the SID lies in `buffer`.
    unsafe { text_of(user.User.Sid) }
}

/// A SID as text.
///
/// # Safety
/// `sid` points to one.
pub(crate) unsafe fn text_of(sid: PSID) -> io::Result<String> {
    let mut text = PWSTR::null();
    // SAFETY: `sid` is the caller's promise; `text` receives a string that is freed below.
    unsafe { ConvertSidToStringSidW(sid, &raw mut text)? };
    // SAFETY: the call gave a string that ends with 0.
    let sid = unsafe { text.to_string() };
    // SAFETY: given by the call above to be freed so.
    unsafe { LocalFree(Some(HLOCAL(text.0.cast()))) };
    sid.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
