//! What Windows says of a process.
#![allow(unsafe_code)]

mod ctrl;
mod handles;

use std::{
    os::windows::{
        io::{FromRawHandle as _, OwnedHandle},
        process::CommandExt as _,
    },
    process::Command,
    sync::Once,
    time::Duration,
};

use windows::Win32::{
    Foundation::{FILETIME, HANDLE},
    System::{
        ProcessStatus::{GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS},
        Threading::{
            CREATE_NEW_PROCESS_GROUP, GetProcessTimes, OpenProcess,
            PROCESS_QUERY_LIMITED_INFORMATION,
        },
    },
};

/// A process, by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process(u32);

impl Process {
    /// The process with this id.
    pub fn new(pid: u32) -> Self {
        Self(pid)
    }

    /// Its id.
    pub fn pid(self) -> u32 {
        self.0
    }

    /// Asks it to end, as Ctrl-Break does. It must be of a group of its own.
    pub fn interrupt(self) {
        ctrl::ask_to_end(self.0)
            .unwrap_or_else(|error| panic!("{} cannot be asked to end: {error}", self.0));
    }

    /// Asks it to end, as Ctrl-Break does.
    pub fn terminate(self) {
        self.interrupt();
    }

    /// Has a program that is to be started be asked to end by itself, and not with all others.
    pub(crate) fn own_group(command: &mut Command) {
        static CONSOLE: Once = Once::new();
        // What is typed into a console is for all who share it; without one there is no typing.
        CONSOLE.call_once(ctrl::have_console);
        command.creation_flags(CREATE_NEW_PROCESS_GROUP.0);
    }

    /// Memory of its own and of what it has mapped, in bytes.
    pub fn rss(self) -> u64 {
        let mut counters = PROCESS_MEMORY_COUNTERS::default();
        let size = size_of_val(&counters) as u32;
        // SAFETY: the structure has that size and outlives the call.
        self.ask(|process| unsafe { GetProcessMemoryInfo(process, &raw mut counters, size) });
        counters.WorkingSetSize as u64
    }

    /// Number of its open handles.
    pub fn fd_count(self) -> usize {
        self.handles().len()
    }

    /// Number of its open handles that are good for just this.
    pub fn handles_for(self, access: u32) -> usize {
        self.handles().iter().filter(|handle| handle.access == access).count()
    }

    fn handles(self) -> Vec<handles::Entry> {
        handles::of(self.0).unwrap_or_else(|error| panic!("cannot list the handles: {error}"))
    }

    /// CPU time so far.
    pub fn cpu(self) -> Duration {
        let mut times = [FILETIME::default(); 4];
        let [created, ended, kernel, user] = &mut times;
        // SAFETY: the times outlive the call.
        self.ask(|process| unsafe { GetProcessTimes(process, created, ended, kernel, user) });
        let spent = times[2..].iter();
        let hundreds =
            |time: &FILETIME| u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
        Duration::from_nanos(spent.map(hundreds).sum::<u64>() * 100)
    }

    fn ask(self, question: impl FnOnce(HANDLE) -> windows::core::Result<()>) {
        // SAFETY: no pointer is passed; the handle is new and owned by nobody else.
        let process = unsafe {
            OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, false, self.0)
                .map(|process| (process, OwnedHandle::from_raw_handle(process.0)))
        };
        process
            .and_then(|(process, _open)| question(process))
            .unwrap_or_else(|error| panic!("cannot ask about process {}: {error}", self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_described() {
        let me = Process::new(std::process::id());
        assert!(me.rss() > 100_000, "{}", me.rss());
        let before = me.fd_count();
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(me.fd_count() > before, "{before}");
        drop(file);
        assert!(before > 0);
    }
}
