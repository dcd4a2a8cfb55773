//! What the system allows: open files, and memory objects for slots.

use rustix::{
    fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create},
    process::{Resource, getrlimit},
};

use super::{Area, Finding};

/// Open files for so many connections, each of which may be sent 16 slots, with room to spare.
const FILES: u64 = 4096;

pub(super) fn check() -> Vec<Finding> {
    // The service raises its limit to the hard one.
    vec![files(getrlimit(Resource::Nofile).maximum), memory(shared_memory())]
}

fn files(limit: Option<u64>) -> Finding {
    match limit {
        Some(limit) if limit < FILES => Finding::note(
            Area::Limits,
            "few_open_files",
            format!("A program may have {limit} files open, too few for many clients."),
        )
        .advice("Raise the limit (`nofile` in /etc/security/limits.conf), then log in again.")
        .command("ulimit -Hn"),
        Some(limit) => {
            Finding::ok(Area::Limits, "open_files", format!("{limit} files may be open at once."))
        }
        None => Finding::ok(Area::Limits, "open_files", "Any number of files may be open."),
    }
}

/// Makes a memory object as the service makes slots.
fn shared_memory() -> rustix::io::Result<()> {
    let memory =
        memfd_create(c"camera-service-doctor", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    ftruncate(&memory, 4096)?;
    fcntl_add_seals(&memory, SealFlags::SHRINK | SealFlags::GROW | SealFlags::FUTURE_WRITE)
}

fn memory(made: rustix::io::Result<()>) -> Finding {
    match made {
        Ok(()) => Finding::ok(Area::Limits, "shared_memory", "Frames can be shared in memory."),
        Err(error) => Finding::problem(
            Area::Limits,
            "no_shared_memory",
            format!("Frames cannot be shared in memory (memfd_create): {error}."),
        )
        .advice(
            "It takes Linux 5.1 or newer, and a sandbox or container that does not forbid \
             memfd_create.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Severity, *};

    #[test]
    fn few_open_files_are_noted() {
        for (limit, severity) in
            [(Some(1024), Severity::Note), (Some(FILES), Severity::Ok), (None, Severity::Ok)]
        {
            assert_eq!(files(limit).severity, severity, "{limit:?}");
        }
    }

    #[test]
    fn memory_that_cannot_be_shared_is_a_problem() {
        assert_eq!(memory(Err(rustix::io::Errno::NOSYS)).severity, Severity::Problem);
        assert_eq!(memory(shared_memory()).severity, Severity::Ok);
    }
}
