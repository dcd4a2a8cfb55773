//! The figures of a sequence of faults.

use std::{collections::BTreeMap, fmt, time::Duration};

/// What was done, and what it cost.
#[derive(Debug, Default, Clone)]
pub struct Report {
    /// The camera that was hurt.
    pub rig: &'static str,
    /// Where all chance came from.
    pub seed: u64,
    /// Faults, by their kind.
    pub injected: BTreeMap<&'static str, u32>,
    /// How often all was taken back, and frames came again to all.
    pub recoveries: u32,
    /// The longest time from then until every subscriber had a frame.
    pub worst_recovery: Duration,
    /// What was taken back then.
    pub worst_after: String,
    /// Whole frames that subscribers got.
    pub frames: u64,
    /// Frames of the camera that a subscriber did not get while it was open.
    pub missed: u64,
    /// How often a subscriber had to connect again.
    pub reconnections: u64,
    /// Private memory of the service that ran last, in bytes, when nobody watched: the first time.
    pub memory_at_start: u64,
    /// … and the last time.
    pub memory_at_end: u64,
    /// How often it was compared in between.
    pub rests: usize,
    /// How long all of it took.
    pub took: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: u32 = self.injected.values().sum();
        writeln!(f, "faults on {}, seed {}: {faults} in {:.0?}", self.rig, self.seed, self.took)?;
        let kinds: Vec<_> =
            self.injected.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        writeln!(f, "  {}", kinds.join(", "))?;
        writeln!(
            f,
            "  {} recoveries, the slowest {:.0?} after {}",
            self.recoveries, self.worst_recovery, self.worst_after
        )?;
        writeln!(
            f,
            "  {} frames seen whole and in order, {} lost (damaged ones included), {} reconnections",
            self.frames, self.missed, self.reconnections
        )?;
        writeln!(
            f,
            "  memory at rest {} KB at the start, {} KB at the end ({} rests)",
            self.memory_at_start / 1024,
            self.memory_at_end / 1024,
            self.rests
        )
    }
}
