//! Errors as they are sent.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a request was refused or failed: a kind for programs, a message for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ErrorReply {
    /// What went wrong, for programs.
    pub kind: ErrorKind,
    /// What failed, on which camera, and what to do; one line.
    pub message: String,
}

impl ErrorReply {
    /// An error of this kind with this message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

/// Kinds of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// No camera has this id, name or device file.
    NoSuchCamera,
    /// The camera has no control of this name.
    NoSuchControl,
    /// There is no connection with this id.
    NoSuchClient,
    /// There is no preset of this name.
    NoSuchPreset,
    /// The request makes no sense, whatever the state of things.
    Invalid,
    /// A value is outside its range, off its step or not in its menu.
    OutOfRange,
    /// The control cannot be set.
    ReadOnly,
    /// The value is of the wrong type for the control.
    WrongType,
    /// The camera has no such mode, or cannot deliver that format.
    UnsupportedMode,
    /// Another program holds the device.
    Busy,
    /// This user may not open the device.
    Permission,
    /// The camera is not there.
    Lost,
    /// The user has turned all cameras off.
    Blocked,
    /// The deadline passed.
    Timeout,
    /// A limit of the service is reached; the message names it.
    Limit,
    /// This client may not do that.
    Forbidden,
    /// The service or the device cannot do that.
    Unsupported,
    /// The name is in use.
    NameTaken,
    /// The service is stopping.
    Stopping,
    /// The device or its driver failed.
    Device,
    /// A file of the service could not be read or written.
    Storage,
    /// The other side broke the protocol.
    Protocol,
    /// The service failed.
    Internal,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_name(self);
        f.pad(&text)
    }
}

/// `NoSuchCamera` → `no_such_camera`, the name that JSON has too.
fn serde_name(kind: &ErrorKind) -> String {
    let mut name = String::new();
    for c in format!("{kind:?}").chars() {
        if c.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}
