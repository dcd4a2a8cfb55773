//! Watching the configuration's file, so that an edit takes effect by itself.
//!
//! Its folder is watched rather than the file, since most editors put another file in its place;
//! where the folder is missing, the nearest one above it; where the file is a link, the folder
//! of what it leads to as well. The watching thread is the `notify` crate's and sleeps in the
//! kernel; files are looked at on tokio's blocking threads.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

use crate::server::{self, Server};

/// Quiet for so long, an edit is over: some editors empty a file before they fill it.
const QUIET: Duration = Duration::from_millis(150);
/// An edit that never ends is looked at nevertheless.
const LONGEST: Duration = Duration::from_millis(600);

/// Puts every valid edit of the file in force until the service stops.
pub(super) async fn watch(server: Arc<Server>) {
    let changed = Arc::new(Notify::new());
    let mut eyes = match Eyes::open(server.source.path(), changed.clone()) {
        Ok(eyes) => eyes,
        Err(error) => {
            tracing::warn!("edits of the configuration are not noticed: {error}");
            return;
        }
    };
    loop {
        // Watched before it is read: what comes in between is looked at once more.
        let looked = tokio::task::spawn_blocking(move || {
            eyes.settle();
            eyes
        });
        let Ok(back) = looked.await else { return };
        eyes = back;
        // What changes nothing does nothing; why it is refused is told and logged there, once.
        let _ = server::reload(&server, false).await;
        tokio::select! {
            () = server.stop.cancelled() => return,
            () = changed.notified() => {}
        }
        let latest = Instant::now() + LONGEST;
        while Instant::now() < latest && timeout(QUIET, changed.notified()).await.is_ok() {}
        if server.stop.is_cancelled() {
            return;
        }
    }
}

/// What is watched.
struct Eyes {
    watcher: RecommendedWatcher,
    path: PathBuf,
    folders: BTreeSet<PathBuf>,
    /// Paths whose change matters: the file's, and what it leads to.
    matters: Arc<Mutex<Vec<PathBuf>>>,
}

impl Eyes {
    fn open(path: &Path, changed: Arc<Notify>) -> notify::Result<Self> {
        let path = std::path::absolute(path)?;
        let matters = Arc::new(Mutex::new(vec![path.clone()]));
        let known = matters.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let concerns = match event {
                Ok(event) if matches!(event.kind, EventKind::Access(_)) => false,
                Ok(event) => {
                    let known = known.lock().unwrap_or_else(PoisonError::into_inner);
                    event.need_rescan()
                        || event.paths.iter().any(|at| known.iter().any(|it| it.starts_with(at)))
                }
                // Something was missed, perhaps.
                Err(_) => true,
            };
            if concerns {
                changed.notify_one();
            }
        })?;
        Ok(Self { watcher, path, folders: BTreeSet::new(), matters })
    }

    /// Watches the folders that matter as things are now.
    fn settle(&mut self) {
        let mut paths = vec![self.path.clone()];
        // The last of them is the file itself; a link in between may be changed, too.
        paths.extend(fs::canonicalize(&self.path).ok().filter(|real| *real != self.path));
        let nearest = |path: &PathBuf| {
            let above = path.ancestors().skip(1);
            above.map(Path::to_owned).find(|folder| folder.is_dir())
        };
        let folders: BTreeSet<PathBuf> = paths.iter().filter_map(nearest).collect();
        *self.matters.lock().unwrap_or_else(PoisonError::into_inner) = paths;
        // Anew each time: a folder that was replaced has the same name and is another one.
        for folder in &self.folders {
            // One that is gone is watched no more by itself.
            let _ = self.watcher.unwatch(folder);
        }
        let mut watched = BTreeSet::new();
        for folder in folders {
            match self.watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => drop(watched.insert(folder)),
                Err(error) => {
                    tracing::warn!("edits in {} are not noticed: {error}", folder.display());
                }
            }
        }
        self.folders = watched;
    }
}
