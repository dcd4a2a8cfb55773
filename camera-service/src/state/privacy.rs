//! The switch that turns all cameras off.
//!
//! It survives a restart: while the cameras are off there is a file, and nothing but its being
//! there counts, so that no damage to it turns them on. Who needs the switch watches a channel.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use protocol::{ErrorKind, ErrorReply, Event};
use tokio::sync::{Mutex, watch};

use super::files;
use crate::events::Hub;

const TEXT: &str = "\
# All cameras are turned off while this file is here. `camera-service on` turns them back on.
";

/// Whether all cameras are turned off.
pub struct Privacy {
    path: PathBuf,
    off: watch::Sender<bool>,
    hub: Hub,
    /// Counts what was asked for: what comes later counts more.
    asked: AtomicU64,
    /// Held while the file is made or removed.
    writing: Arc<Mutex<()>>,
}

impl Privacy {
    /// Off if the file at `path` says so, or if that cannot be found out. Blocks.
    pub fn load(path: PathBuf, hub: Hub) -> Arc<Self> {
        let off = path.try_exists().unwrap_or_else(|error| {
            tracing::warn!("whether cameras may be used is not known, {}: {error}", path.display());
            true
        });
        if off {
            tracing::warn!("all cameras are turned off; `camera-service on` turns them back on");
        }
        let writing = Arc::default();
        Arc::new(Self { path, off: watch::Sender::new(off), hub, asked: 0.into(), writing })
    }

    /// Whether they are off.
    pub fn is_off(&self) -> bool {
        *self.off.borrow()
    }

    /// Whether they are off, as it changes.
    pub fn watch(&self) -> watch::Receiver<bool> {
        self.off.subscribe()
    }

    /// Turns all cameras off or back on, and keeps it for the next start.
    ///
    /// They are off at once, also where that cannot be kept: the error then says that it will
    /// not last. They are on only after that is kept: with an error they stay off.
    pub async fn set(self: &Arc<Self>, off: bool) -> Result<(), ErrorReply> {
        let turn = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        if off {
            self.switch(true);
        }
        // In turn: the first to ask is the first to get it.
        let writing = self.writing.clone().lock_owned().await;
        let this = self.clone();
        // In a task of its own: what has begun is finished, also when who asked has gone.
        let kept = tokio::spawn(async move {
            let _writing = writing;
            this.keep(off, turn).await
        });
        kept.await.unwrap_or_else(|_| Err(ErrorReply::new(ErrorKind::Internal, "it was not kept")))
    }

    async fn keep(&self, off: bool, turn: u64) -> Result<(), ErrorReply> {
        let path = self.path.clone();
        let kept = tokio::task::spawn_blocking(move || {
            if off { files::replace(&path, TEXT) } else { files::remove(&path) }
        });
        let kept = kept.await.unwrap_or_else(|_| Err(std::io::Error::other("it panicked")));
        let path = self.path.display();
        match (kept, off) {
            (Ok(()), true) => Ok(()),
            (Ok(()), false) => {
                // Unless they were turned off again meanwhile.
                if self.asked.load(Ordering::Relaxed) == turn {
                    self.switch(false);
                }
                Ok(())
            }
            (Err(error), true) => Err(ErrorReply::new(
                ErrorKind::Storage,
                format!(
                    "all cameras are turned off, but only until the service ends: {path} could \
                     not be written: {error}"
                ),
            )),
            (Err(error), false) => Err(ErrorReply::new(
                ErrorKind::Storage,
                format!(
                    "all cameras are still turned off: {path} could not be removed: {error}; \
                     remove it and try again"
                ),
            )),
        }
    }

    fn switch(&self, off: bool) {
        let changed = self.off.send_if_modified(|now| std::mem::replace(now, off) != off);
        if changed {
            tracing::info!("all cameras are turned {}", if off { "off" } else { "back on" });
            self.hub.send(Event::PrivacyChanged { off });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn the_last_to_ask_decides_whoever_is_served_first() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("cameras-off");
        let privacy = Privacy::load(path.clone(), Hub::new());
        for round in 0..20 {
            let (on, off) = tokio::join!(privacy.set(false), privacy.set(true));
            (on.and(off)).expect("kept");
            assert!(privacy.is_off() && path.exists(), "round {round}");
            let (off, on) = tokio::join!(privacy.set(true), privacy.set(false));
            (off.and(on)).expect("kept");
            assert!(!privacy.is_off() && !path.exists(), "round {round}");
        }
    }

    #[tokio::test]
    async fn off_holds_where_it_cannot_be_kept_and_on_does_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let blocked = folder.path().join("blocked");
        fs::create_dir_all(blocked.join("by a folder")).expect("made");
        let privacy = Privacy::load(folder.path().join("cameras-off"), Hub::new());
        let unkept = Arc::new(Privacy {
            path: blocked,
            off: watch::Sender::new(false),
            hub: Hub::new(),
            asked: 0.into(),
            writing: Arc::default(),
        });
        let error = unkept.set(true).await.expect_err("a folder is in the way");
        assert!(unkept.is_off() && error.kind == ErrorKind::Storage, "{error}");
        let error = unkept.set(false).await.expect_err("a folder is in the way");
        assert!(unkept.is_off() && error.message.contains("still turned off"), "{error}");
        assert!(!privacy.is_off());
    }

    #[test]
    fn whatever_the_file_holds_it_means_off() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("cameras-off");
        for text in ["", "\0\0\0", "off = false"] {
            fs::write(&path, text).expect("written");
            assert!(Privacy::load(path.clone(), Hub::new()).is_off(), "{text:?}");
        }
        // Where it cannot be found out they are not turned on. Windows says that it is not there.
        #[cfg(unix)]
        assert!(Privacy::load(path.join("cameras-off"), Hub::new()).is_off());
    }
}
