//! What `/proc` says of a process.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use rustix::process::{Pid, Signal, kill_process};

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

    /// Sends it a signal. Panics when there is no such process.
    pub fn signal(self, signal: Signal) {
        let pid = i32::try_from(self.0).ok().and_then(Pid::from_raw).expect("an id is positive");
        kill_process(pid, signal)
            .unwrap_or_else(|error| panic!("cannot send {signal:?} to {}: {error}", self.0));
    }

    /// Asks it to end, as Ctrl-C does.
    pub fn interrupt(self) {
        self.signal(Signal::INT);
    }

    /// Asks it to end, as the system does.
    pub fn terminate(self) {
        self.signal(Signal::TERM);
    }

    /// Windows needs to be told which programs a Ctrl-Break is meant for.
    pub(crate) fn own_group(_command: &mut std::process::Command) {}

    /// Resident memory in bytes.
    pub fn rss(self) -> u64 {
        self.status("VmRSS") * 1024
    }

    /// Resident memory that is not shared with other processes or files, in bytes. Slots are
    /// shared memory and not in it.
    pub fn anonymous_rss(self) -> u64 {
        self.status("RssAnon") * 1024
    }

    /// Number of its threads.
    pub fn threads(self) -> usize {
        self.status("Threads") as usize
    }

    /// Its threads by name, and how many of each.
    pub fn threads_by_name(self) -> BTreeMap<String, usize> {
        let mut names = BTreeMap::new();
        for task in self.entries("task") {
            // A thread may end meanwhile.
            if let Ok(name) = fs::read_to_string(task.join("comm")) {
                *names.entry(name.trim_end().to_owned()).or_default() += 1;
            }
        }
        names
    }

    /// Number of its open descriptors.
    pub fn fd_count(self) -> usize {
        self.entries("fd").len()
    }

    /// What each of its descriptors is open on.
    pub fn descriptors(self) -> Vec<String> {
        let targets = self.entries("fd").into_iter().filter_map(|path| fs::read_link(path).ok());
        targets.map(|target| target.to_string_lossy().into_owned()).collect()
    }

    /// Number of its memory mappings.
    pub fn maps_count(self) -> usize {
        self.read("maps").lines().count()
    }

    /// Whether it has mapped this file.
    pub fn has_mapped(self, file: &std::path::Path) -> bool {
        let file = format!(" {}", file.display());
        self.read("maps").lines().any(|line| line.ends_with(&file))
    }

    /// CPU time of its living threads so far, to the nanosecond.
    pub fn cpu(self) -> Duration {
        self.cpu_by_thread().into_values().sum()
    }

    /// CPU time so far of its living threads by name, to the nanosecond; those of the same name
    /// are taken together.
    pub fn cpu_by_thread(self) -> BTreeMap<String, Duration> {
        let mut times = BTreeMap::new();
        for task in self.entries("task") {
            // A thread may end meanwhile.
            let read = |file: &str| fs::read_to_string(task.join(file)).ok();
            if let (Some(name), Some(times_of_task)) = (read("comm"), read("schedstat")) {
                *times.entry(name.trim_end().to_owned()).or_default() += on_cpu(&times_of_task);
            }
        }
        times
    }

    /// How often its living threads have gone to sleep so far: the number of wake-ups.
    pub fn wakeups(self) -> u64 {
        let statuses = self.entries("task").into_iter();
        let statuses = statuses.filter_map(|path| fs::read_to_string(path.join("status")).ok());
        statuses.map(|status| number(&status, "voluntary_ctxt_switches")).sum()
    }

    /// Its state as one letter: `R`, `S`, `T` (stopped), `Z` (ended), ….
    pub fn state(self) -> char {
        let stat = self.read("stat");
        let after_name = stat.rsplit_once(") ").map(|(_, rest)| rest);
        after_name.and_then(|rest| rest.chars().next()).expect("/proc/PID/stat has a state")
    }

    fn status(self, key: &str) -> u64 {
        number(&self.read("status"), key)
    }

    fn read(self, file: &str) -> String {
        let path = format!("/proc/{}/{file}", self.0);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {path}: {error}"))
    }

    fn entries(self, folder: &str) -> Vec<PathBuf> {
        let path = format!("/proc/{}/{folder}", self.0);
        let entries =
            fs::read_dir(&path).unwrap_or_else(|error| panic!("cannot list {path}: {error}"));
        entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
    }
}

/// The number behind `key:`; 0 where there is none, as for the memory of a process that has
/// ended.
fn number(text: &str, key: &str) -> u64 {
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
    value.and_then(|value| value.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// The first number of a `schedstat` line: ns on a CPU. Unlike the times in `stat`, which come in
/// hundredths of a second, it tells what a few frames cost.
fn on_cpu(schedstat: &str) -> Duration {
    let ns = schedstat.split(' ').next().and_then(|ns| ns.parse().ok());
    Duration::from_nanos(ns.unwrap_or_else(|| panic!("not a schedstat line: {schedstat:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_described() {
        let me = Process::new(std::process::id());
        assert!(me.rss() > 100_000, "{}", me.rss());
        assert!(me.anonymous_rss() < me.rss());
        assert!(me.threads() >= 1);
        assert!(me.maps_count() > 10);
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_string_lossy().into_owned();
        assert!(me.descriptors().contains(&path), "{:?}", me.descriptors());
        drop(file);
        assert!(!me.descriptors().contains(&path), "{:?}", me.descriptors());
        assert!(me.fd_count() >= 3);
        assert!(['R', 'S'].contains(&me.state()), "{}", me.state());
    }

    #[test]
    fn times_of_threads_are_those_of_the_work_they_did() {
        let me = Process::new(std::process::id());
        let (done, until_asked) = std::sync::mpsc::channel::<()>();
        let busy = std::thread::Builder::new().name("busy".to_owned()).spawn(move || {
            let start = std::time::Instant::now();
            while start.elapsed() < Duration::from_millis(30) {}
            until_asked.recv()
        });
        let spent = crate::wait_until("the work to be seen", Duration::from_secs(20), || {
            let spent = me.cpu_by_thread().get("busy").copied().unwrap_or_default();
            if spent > Duration::from_millis(1) { Ok(spent) } else { Err(format!("{spent:?}")) }
        });
        assert!(me.cpu() >= spent);
        drop(done);
        assert!(busy.expect("a thread can be started").join().is_ok_and(|end| end.is_err()));
    }
}
