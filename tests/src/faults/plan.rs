//! Which faults, and how many.

use std::{env, str::FromStr};

/// A sequence of faults.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// What all chance comes from.
    pub seed: u64,
    /// Number of faults.
    pub steps: u32,
}

impl Plan {
    /// So many steps from a seed of chance, unless FAULTS_SEED or FAULTS_STEPS say otherwise.
    /// Panics where they say something else than numbers.
    pub fn from_env(steps: u32) -> Self {
        Self {
            // Short, so that it is easily typed again.
            seed: number("FAULTS_SEED").unwrap_or_else(|| fastrand::u64(..1_000_000)),
            steps: number("FAULTS_STEPS").unwrap_or(steps),
        }
    }
}

fn number<T: FromStr>(variable: &str) -> Option<T> {
    let text = env::var(variable).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}
