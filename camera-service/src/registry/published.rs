//! Cameras that clients are.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use protocol::{CameraId, ErrorKind, ErrorReply, PublishRequest};

use super::Registry;
use crate::{
    camera::{Camera, Found},
    device::{
        Device as _,
        published::{Inlet, PublishedCamera},
    },
};

/// Most published cameras at once.
const MOST: usize = 64;

/// Who publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Publisher {
    /// A program of this user, in words for people.
    Program(String),
    /// A remote user, by the name of the token.
    Token(String),
}

/// The names that publishers have. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Names(Arc<Mutex<BTreeMap<String, Owner>>>);

/// Who has a name.
struct Owner {
    publisher: Publisher,
    /// Whether it publishes now.
    publishes: bool,
}

impl Names {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Owner>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a name. One that a token has published stays that token's for as long as somebody
    /// watches it, as `is_watched` tells: what comes next under it is what they expect.
    fn take(
        &self,
        name: &str,
        publisher: &Publisher,
        is_watched: impl Fn(&str) -> bool,
    ) -> Result<Name, ErrorReply> {
        let mut names = self.lock();
        names.retain(|name, owner| owner.publishes || is_watched(name));
        let taken = |message: String| Err(ErrorReply::new(ErrorKind::NameTaken, message));
        match names.get(name) {
            Some(owner) if owner.publishes => {
                return taken(format!(
                    "published:{name} is being published already; `camera-service clients` shows \
                     by whom"
                ));
            }
            Some(owner) if owner.publisher != *publisher => {
                return taken(format!(
                    "published:{name} is being watched and was published by another; publish \
                     under another name"
                ));
            }
            Some(_) => {}
            None if names.len() >= MOST => {
                let message = format!("there are {MOST} published cameras, which is the most");
                return Err(ErrorReply::new(ErrorKind::Limit, message));
            }
            None => {}
        }
        names.insert(name.to_owned(), Owner { publisher: publisher.clone(), publishes: true });
        Ok(Name { names: self.clone(), name: name.to_owned() })
    }
}

/// A name that a publisher has for as long as this lives.
struct Name {
    names: Names,
    name: String,
}

impl Drop for Name {
    fn drop(&mut self) {
        let mut names = self.names.lock();
        match names.get_mut(&self.name) {
            Some(owner) if matches!(owner.publisher, Publisher::Token(_)) => {
                owner.publishes = false;
            }
            _ => drop(names.remove(&self.name)),
        }
    }
}

/// A camera that a client is.
pub struct Published {
    /// The camera.
    pub camera: Arc<Camera>,
    /// Where its frames come in.
    pub inlet: Arc<Inlet>,
    _name: Name,
}

impl Registry {
    /// Makes a client a camera, until [`Published::end`]. Streams that waited for one of this
    /// name go on.
    pub async fn publish(
        &self,
        request: &PublishRequest,
        publisher: Publisher,
    ) -> Result<Published, ErrorReply> {
        let shown = match &publisher {
            Publisher::Program(shown) => shown.clone(),
            Publisher::Token(name) => format!("token {name}"),
        };
        let device = PublishedCamera::new(request, shown)
            .map_err(|message| ErrorReply::new(ErrorKind::Invalid, message))?;
        let is_watched = |name: &str| {
            let id = CameraId(format!("published:{name}"));
            self.cameras().get(&id).is_some_and(|entry| entry.camera.is_watched())
        };
        let id = CameraId(format!("published:{}", request.name));
        self.check_publisher(&request.name, &id)?;
        let name = self.published.take(&request.name, &publisher, is_watched)?;
        let inlet = device.inlet();
        let modes = device
            .modes()
            .map_err(|error| ErrorReply::new(ErrorKind::Internal, error.to_string()))?;
        let found = Found::new(Arc::new(device), modes);
        let known = self.cameras().get(&id).map(|entry| entry.camera.clone());
        let resumes = match known {
            Some(camera) => camera.present(Some(found.clone())).await.is_ok(),
            None => false,
        };
        if !resumes {
            let given = self.ids.name_of(&id);
            self.add(id.clone(), given, found, false);
        }
        let camera = self.find(&id)?;
        Ok(Published { camera, inlet, _name: name })
    }
}

impl Registry {
    /// Fails where the user has called another camera so, be it there or not: whoever looks for
    /// that one must not be shown this.
    fn check_publisher(&self, name: &str, id: &CameraId) -> Result<(), ErrorReply> {
        let is_anothers = |text: &str| self.ids.called(text).is_some_and(|other| other != *id);
        if !is_anothers(name) && !is_anothers(&id.0) {
            return Ok(());
        }
        let message = format!("another camera is called {name:?}; publish under another name");
        Err(ErrorReply::new(ErrorKind::NameTaken, message))
    }
}

impl Published {
    /// No more frames come; the camera is lost to those who watch it.
    pub async fn end(self) {
        self.inlet.end();
        // Where its life has ended, as when the service stops, it is gone already.
        let _ = self.camera.present(None).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(name: &str) -> Publisher {
        Publisher::Token(name.to_owned())
    }

    #[test]
    fn a_name_stays_its_tokens_while_it_is_watched() {
        let names = Names::default();
        let program = Publisher::Program("ffmpeg (pid 7)".to_owned());
        let take = |publisher: &Publisher, watched: bool| {
            names.take("phone", publisher, |_| watched).map_err(|error| error.kind)
        };
        let held = take(&token("mine"), true).expect("free");
        assert_eq!(take(&token("mine"), true).err(), Some(ErrorKind::NameTaken));
        drop(held);
        for other in [&token("other"), &program] {
            assert_eq!(take(other, true).err(), Some(ErrorKind::NameTaken));
        }
        drop(take(&token("mine"), true).expect("its own"));
        drop(take(&program, false).expect("nobody watches it any more"));
        // A program's is free with its end.
        drop(take(&token("other"), true).expect("free"));
    }

    #[test]
    fn names_that_nobody_watches_do_not_add_up() {
        let names = Names::default();
        for number in 0..MOST * 2 {
            drop(names.take(&number.to_string(), &token("mine"), |_| false).expect("free"));
        }
        let held: Vec<Name> = (0..MOST)
            .map(|number| names.take(&number.to_string(), &token("mine"), |_| false))
            .collect::<Result<_, _>>()
            .expect("free");
        let more = names.take("more", &token("mine"), |_| false).map_err(|error| error.kind);
        assert_eq!(more.err(), Some(ErrorKind::Limit));
        drop(held);
    }
}
