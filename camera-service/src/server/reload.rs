//! The configuration, read anew: on request, and whenever its file changes
//! (`serve/config_watch.rs`). What is valid is in force at once, without a restart and without a
//! stream noticing; of what is not, the reason is told and nothing changes.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use protocol::{CameraId, ErrorKind, ErrorReply, Event};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::Server;
use crate::{
    config::{Config, ConfigError, TestCamera},
    registry::Registry,
};

/// Where the configuration comes from, and what of it is not read at the moment of use.
pub struct ConfigSource {
    /// The file.
    path: PathBuf,
    /// Whether the user named it: then its being away is an error, not the default.
    is_named: bool,
    /// Test cameras of the command line: there whatever the file says.
    always: Vec<TestCamera>,
    /// Test cameras that are there because of the configuration. Held while it is read, so that
    /// one reading follows the other.
    test_cameras: Arc<AsyncMutex<TestCameras>>,
    /// Why the file is not in force.
    refused: Mutex<Option<String>>,
}

/// Test cameras by what was wished for.
type TestCameras = Vec<(TestCamera, CameraId)>;

impl ConfigSource {
    /// The file at `path`, and `always` beside it.
    pub fn new(path: PathBuf, is_named: bool, always: Vec<TestCamera>) -> Self {
        let (test_cameras, refused) = (Arc::default(), Mutex::default());
        Self { path, is_named, always, test_cameras, refused }
    }

    /// The file.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Adds the test cameras of `config`, which was read at the start.
    pub async fn begin(&self, registry: &Registry, config: &Config) {
        let mut there = self.test_cameras.lock().await;
        settle(registry, &mut there, self.wanted(config)).await;
    }

    fn wanted(&self, config: &Config) -> Vec<TestCamera> {
        config.test_cameras.iter().chain(&self.always).copied().collect()
    }

    /// Reads the file. Blocks.
    fn read(&self) -> Result<Config, ConfigError> {
        Config::load(self.is_named.then_some(&self.path)).map(|(config, _)| config)
    }
}

/// Reads the configuration anew and puts it in force. Fails where it is not valid; the one before
/// stays in force then. What is told to event readers: that it was read, unless nothing came of
/// it and nobody `asked`, or why it was refused, once.
pub async fn reload(server: &Arc<Server>, asked: bool) -> Result<(), ErrorReply> {
    // One waits here, and takes no place, until the one before is done.
    let turn = server.source.test_cameras.clone().lock_owned().await;
    // In a task of its own: once begun it is finished, also when who asked has gone.
    let read = tokio::spawn(read_anew(server.clone(), turn, asked));
    let failed = |_| ErrorReply::new(ErrorKind::Internal, "the configuration was not read");
    read.await.map_err(failed)?
}

async fn read_anew(
    server: Arc<Server>,
    mut test_cameras: OwnedMutexGuard<TestCameras>,
    asked: bool,
) -> Result<(), ErrorReply> {
    let source = server.clone();
    let read = tokio::task::spawn_blocking(move || source.source.read()).await;
    let refused = |reason| {
        let mut refused = server.source.refused.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *refused, reason)
    };
    let config = match read {
        Ok(Ok(config)) => config,
        Ok(Err(error)) => {
            let message = error.to_string();
            if refused(Some(message.clone())).as_ref() != Some(&message) || asked {
                tracing::warn!(
                    "the configuration is refused, the one before is in force: {message}"
                );
                server.hub.send(Event::ConfigRefused { message: message.clone() });
            }
            return Err(ErrorReply::new(ErrorKind::Storage, message));
        }
        Err(_) => {
            return Err(ErrorReply::new(ErrorKind::Internal, "the configuration was not read"));
        }
    };
    let was_refused = refused(None).is_some();
    let before = server.config.borrow().clone();
    let changes = config.differences(&before);
    if changes.is_empty() && !was_refused && !asked {
        return Ok(());
    }
    let wanted = server.source.wanted(&config);
    let bridge = server.bridge.wanted();
    server.config.send_replace(Arc::new(config));
    server.bridge.renew(&bridge);
    settle(&server.registry, &mut test_cameras, wanted).await;
    let changes = if changes.is_empty() { "nothing".to_owned() } else { changes.join(", ") };
    tracing::info!(changes, "the configuration was read anew");
    server.hub.send(Event::ConfigReloaded);
    Ok(())
}

/// Sees to it that the `wanted` test cameras are there, and no others of those that are `there`.
async fn settle(registry: &Registry, there: &mut TestCameras, mut wanted: Vec<TestCamera>) {
    let mut gone = Vec::new();
    there.retain(|(camera, id)| {
        let known = wanted.iter().position(|wanted| wanted == camera);
        match known {
            Some(at) => drop(wanted.remove(at)),
            None => gone.push(id.clone()),
        }
        known.is_some()
    });
    for id in gone {
        match registry.remove_test_camera(&id).await {
            // A user may have removed it before.
            Err(error) if error.kind != ErrorKind::NoSuchCamera => {
                tracing::warn!("the test camera {id} was not removed: {error}");
            }
            _ => {}
        }
    }
    for camera in wanted {
        match registry.add_test_camera(camera.size, camera.rate).await {
            Ok(added) => there.push((camera, added.id().clone())),
            Err(error) => tracing::error!("there is no test camera {camera}: {error}"),
        }
    }
}
