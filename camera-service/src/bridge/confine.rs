//! What the bridge's process may do, given up for good before it talks to anybody.
//!
//! The bridge is the only process that strangers talk to. Should one of them make it run their
//! code, that code can neither open a camera or a file of the user's, nor start a program, nor
//! connect to anything: `landlock` takes away files, `seccomp` calls into the kernel. Both hold
//! for the calling thread and all it starts: called first thing, with no other thread there.
//! A kernel that has not one or the other confines less, and what is missing is told.

mod calls;
mod files;

use std::path::PathBuf;

/// What the process still needs.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// Files and folders to read.
    pub read: Vec<PathBuf>,
    /// Folders to read, and to make, write and remove files in.
    pub write: Vec<PathBuf>,
    /// Whether it connects to the service's socket by itself: with a door it need not.
    pub connects: bool,
}

/// How far a process is confined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confined {
    /// Whether files are out of reach.
    pub files: bool,
    /// Whether calls into the kernel are.
    pub calls: bool,
}

/// Why a process is not confined although the kernel can.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// Files are still in reach.
    #[error("cannot give up access to files: {0}")]
    Files(#[from] landlock::RulesetError),
    /// Calls still are.
    #[error("cannot give up calls into the kernel: {0}")]
    Calls(#[from] seccompiler::Error),
    /// Which calls there are is not known of this kind of processor.
    #[error("cannot give up calls into the kernel: {0}")]
    Filter(#[from] seccompiler::BackendError),
}

/// Confines this thread, and those that it will start, to what it `needs`.
pub fn confine(needs: &Needs) -> Result<Confined, ConfineError> {
    let files = files::confine(needs)?;
    let calls = calls::confine(needs.connects)?;
    Ok(Confined { files, calls })
}
