//! How the bridge is to run, as the user said at run time: kept in `bridge.toml`, over what the
//! configuration says.

use std::{io, path::PathBuf, sync::Arc};

use protocol::{BridgeWish, ErrorKind, ErrorReply};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, watch};

use super::files;
use crate::config::bridge_listen;

const HEAD: &str = "\
# How the bridge runs, as `camera-service bridge on` and `off` and the window keep it: this comes
# before [bridge] in the configuration. Remove this file to have only that count.

";

/// What the user said of the bridge at run time.
pub struct BridgeSettings {
    path: PathBuf,
    /// Why the file must not be written over.
    unread: Option<String>,
    kept: watch::Sender<BridgeWish>,
    /// Held while a change is made.
    changing: Arc<Mutex<()>>,
}

/// The file as it is laid out.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Contents {
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<String>,
}

impl BridgeSettings {
    /// What the file at `path` says. Blocks.
    pub fn load(path: PathBuf) -> Arc<Self> {
        let files::Loaded { contents: Contents { enabled, listen }, unread } = files::load(&path);
        let listen = listen.filter(|listen| {
            let checked = bridge_listen(listen);
            if let Err(error) = &checked {
                tracing::warn!("{}: {error}; the configuration's is used", path.display());
            }
            checked.is_ok()
        });
        let kept = watch::Sender::new(BridgeWish { enabled, listen });
        Arc::new(Self { path, unread, kept, changing: Arc::default() })
    }

    /// What was said so far.
    pub fn now(&self) -> BridgeWish {
        self.kept.borrow().clone()
    }

    /// What was said, as it changes.
    pub fn watch(&self) -> watch::Receiver<BridgeWish> {
        self.kept.subscribe()
    }

    /// Keeps what `wish` says; what it leaves open stays. Off is in force also where that cannot
    /// be kept; with another error nothing is changed.
    pub async fn set(self: &Arc<Self>, wish: BridgeWish) -> Result<(), ErrorReply> {
        let listen = match &wish.listen {
            None => None,
            Some(listen) => match bridge_listen(listen) {
                Ok(address) => Some(address.to_string()),
                Err(message) => return Err(ErrorReply::new(ErrorKind::Invalid, message)),
            },
        };
        let changing = self.changing.clone().lock_owned().await;
        let this = self.clone();
        // In a task of its own: file and memory stay the same, also when who asked has gone.
        let set = tokio::spawn(async move {
            let _changing = changing;
            let now = this.now();
            let next =
                BridgeWish { enabled: wish.enabled.or(now.enabled), listen: listen.or(now.listen) };
            let kept = this.keep(next.clone()).await;
            if kept.is_ok() || wish.enabled == Some(false) {
                this.kept.send_replace(next);
            }
            kept.map_err(|error| {
                let path = this.path.display();
                let message = if wish.enabled == Some(false) {
                    format!(
                        "the bridge is off, but only until the service ends: {path} could not be \
                         written: {error}"
                    )
                } else {
                    format!("the bridge runs as before: {path} could not be written: {error}")
                };
                ErrorReply::new(ErrorKind::Storage, message)
            })
        });
        set.await.unwrap_or_else(|_| Err(ErrorReply::new(ErrorKind::Internal, "it was not kept")))
    }

    async fn keep(&self, next: BridgeWish) -> io::Result<()> {
        if let Some(reason) = &self.unread {
            let message = format!("it could not be read when the service started ({reason})");
            return Err(io::Error::other(message));
        }
        let path = self.path.clone();
        let kept = tokio::task::spawn_blocking(move || {
            let contents = Contents { enabled: next.enabled, listen: next.listen };
            let text = toml::to_string(&contents).map_err(io::Error::other)?;
            files::replace(&path, &(HEAD.to_owned() + &text))
        });
        kept.await.map_err(io::Error::other)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(enabled: Option<bool>, listen: Option<&str>) -> BridgeWish {
        BridgeWish { enabled, listen: listen.map(str::to_owned) }
    }

    #[tokio::test]
    async fn what_was_said_is_there_after_a_restart_and_what_was_left_open_stays() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("bridge.toml");
        let settings = BridgeSettings::load(path.clone());
        assert_eq!(settings.now(), wish(None, None));
        settings.set(wish(Some(true), None)).await.expect("kept");
        settings.set(wish(None, Some("[::1]:8443"))).await.expect("kept");
        let now = wish(Some(true), Some("[::1]:8443"));
        assert_eq!(settings.now(), now);
        assert_eq!(BridgeSettings::load(path.clone()).now(), now);
        for wrong in ["8443", "everywhere:80", "1.2.3.4", ""] {
            let error = settings.set(wish(Some(false), Some(wrong))).await.expect_err(wrong);
            assert_eq!(error.kind, ErrorKind::Invalid);
        }
        assert_eq!(settings.now(), now);
        std::fs::write(&path, "enabled = true\nlisten = \"nowhere\"\n").expect("written");
        assert_eq!(BridgeSettings::load(path).now(), wish(Some(true), None));
    }

    #[tokio::test]
    async fn off_holds_where_it_cannot_be_kept_and_on_does_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let blocked = folder.path().join("file");
        let settings = BridgeSettings::load(blocked.join("bridge.toml"));
        std::fs::write(&blocked, "no folder").expect("written");
        let error = settings.set(wish(Some(true), None)).await.expect_err("there is no folder");
        assert_eq!((error.kind, settings.now().enabled), (ErrorKind::Storage, None));
        let error = settings.set(wish(Some(false), None)).await.expect_err("there is no folder");
        assert_eq!((error.kind, settings.now().enabled), (ErrorKind::Storage, Some(false)));
    }
}
