//! Which programs have watched a camera, so that a new one can be told.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use tokio_util::task::TaskTracker;

use super::files;

/// Most programs that are remembered; of more, the one that has not watched for longest is
/// forgotten.
const MOST: usize = 1000;

const HEAD: &str = "\
# Programs that have watched a camera; the service tells of each once, when it is new. The last one
# watched last. Take a line out, or remove this file, while the service is not running, to be told
# again.
";

/// The programs that have watched a camera.
pub struct Programs {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    /// The one that has not watched for longest comes first.
    programs: VecDeque<String>,
    /// The file must not be written over.
    unread: bool,
    /// Somebody writes the file.
    saving: bool,
    /// It does not say all that is known.
    is_new: bool,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    #[serde(default)]
    programs: VecDeque<String>,
}

impl Programs {
    /// Those that the file at `path` names. Blocks.
    pub fn load(path: PathBuf) -> Arc<Self> {
        let files::Loaded { contents: Contents { mut programs }, unread } = files::load(&path);
        programs.drain(..programs.len().saturating_sub(MOST));
        let unread = unread.is_some();
        let state = Mutex::new(State { programs, unread, saving: false, is_new: false });
        Arc::new(Self { path, state })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that `program` watches a camera; whether it never did before. What is new is written
    /// down by a task among `tasks`. One without a name is nobody, and not new.
    pub fn watches(self: &Arc<Self>, program: &str, tasks: &TaskTracker) -> bool {
        if program.is_empty() {
            return false;
        }
        let mut state = self.state();
        let known = state.programs.iter().position(|known| known == program);
        let name = known.and_then(|at| state.programs.remove(at));
        state.programs.push_back(name.unwrap_or_else(|| program.to_owned()));
        if known.is_some() {
            // The order in the file is brought up to date with the next new one.
            return false;
        }
        let forgotten = state.programs.len().saturating_sub(MOST);
        state.programs.drain(..forgotten);
        state.is_new = true;
        // One writer at most, who writes again where more came meanwhile.
        if !state.unread && !std::mem::replace(&mut state.saving, true) {
            tasks.spawn(self.clone().save());
        }
        true
    }

    async fn save(self: Arc<Self>) {
        loop {
            let programs = {
                let mut state = self.state();
                if !std::mem::take(&mut state.is_new) {
                    state.saving = false;
                    return;
                }
                state.programs.clone()
            };
            let path = self.path.clone();
            let saved = tokio::task::spawn_blocking(move || {
                let text = toml::to_string_pretty(&Contents { programs });
                files::replace(&path, &(HEAD.to_owned() + &text.map_err(std::io::Error::other)?))
            });
            let error = match saved.await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => error.to_string(),
                Err(error) => error.to_string(),
            };
            // Told again after a restart, which is better than never.
            tracing::warn!("{} could not be written: {error}", self.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_program_is_new_once_also_after_a_restart() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("programs.toml");
        let tasks = TaskTracker::new();
        let programs = Programs::load(path.clone());
        assert!(programs.watches("ffplay", &tasks) && programs.watches("browser", &tasks));
        assert!(!programs.watches("ffplay", &tasks) && !programs.watches("", &tasks));
        tasks.close();
        tasks.wait().await;
        let programs = Programs::load(path);
        assert!(!programs.watches("ffplay", &tasks) && !programs.watches("browser", &tasks));
        assert!(programs.watches("recorder", &tasks));
    }

    #[tokio::test]
    async fn a_thousand_are_remembered_and_those_that_watch_are_not_forgotten() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("programs.toml");
        let tasks = TaskTracker::new();
        let programs = Programs::load(path.clone());
        assert!(programs.watches("daily", &tasks));
        for number in 0..MOST + 50 {
            assert!(programs.watches(&format!("program {number}"), &tasks));
            assert!(!programs.watches("daily", &tasks));
        }
        tasks.close();
        tasks.wait().await;
        let programs = Programs::load(path);
        assert_eq!(programs.state().programs.len(), MOST);
        assert!(!programs.watches("daily", &tasks));
        assert!(programs.watches("program 0", &tasks), "forgotten");
    }
}
