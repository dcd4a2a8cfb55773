//! Tokens: the secrets by which remote users log in, and what each grants.
//!
//! What is in force lies in memory. A token that is made is in force once `tokens.toml` has it;
//! one that is revoked or has expired ends at once, and its connections with it, whatever becomes
//! of the file. Changes are made one after the other.

mod invitations;
mod layout;
mod secret;
mod token;

use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use protocol::{ErrorKind, ErrorReply, Event, NewToken, Scope, TokenRequest, TokenSummary};
use subtle::ConstantTimeEq as _;
use tokio::sync::{Mutex as AsyncMutex, Notify, OwnedMutexGuard};
use tokio_util::sync::CancellationToken;

use self::{
    invitations::Invitations,
    layout::{Contents, HEAD, Kept, LONGEST_LIFE_S, Wanted},
    secret::{Fingerprint, Purpose},
};
use super::files;
use crate::{clock, events::Hub};

pub use token::{InUse, Token};

/// Most tokens.
const MOST: usize = 1000;
/// The clock may be set while a token's end is waited for: it is looked at so often.
const LOOK: Duration = Duration::from_secs(60);

type ByName = BTreeMap<String, Arc<Token>>;

/// All tokens and invitations.
pub struct Tokens {
    path: PathBuf,
    /// Why the file must not be written over.
    unread: Option<String>,
    tokens: Mutex<ByName>,
    invitations: Mutex<Invitations>,
    /// Held while a change is made.
    changing: Arc<AsyncMutex<()>>,
    /// Told when there may be another token that ends first.
    changed: Notify,
    hub: Hub,
    stop: CancellationToken,
}

impl Tokens {
    /// Those that the file at `path` has; changes are told to `hub`. Their connections end with
    /// `stop`. Blocks.
    pub fn load(path: PathBuf, hub: Hub, stop: CancellationToken) -> Arc<Self> {
        let files::Loaded { contents: Contents { tokens }, unread } = files::load(&path);
        let tokens = tokens.into_iter().map(|kept| Token::new(kept, &stop));
        let live = tokens.filter(|token| !token.is_over());
        Arc::new(Self {
            path,
            unread,
            tokens: Mutex::new(live.map(|token| (token.name().to_owned(), token)).collect()),
            invitations: Mutex::default(),
            changing: Arc::default(),
            changed: Notify::new(),
            hub,
            stop,
        })
    }

    fn tokens(&self) -> MutexGuard<'_, ByName> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn invitations(&self) -> MutexGuard<'_, Invitations> {
        self.invitations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All tokens, by name.
    pub fn summaries(&self) -> Vec<TokenSummary> {
        self.tokens().values().map(|token| token.summary()).collect()
    }

    /// The token whose secret this is. Fails without a hint where there is none, or none any
    /// more.
    pub fn log_in(&self, secret: &str) -> Result<Arc<Token>, ErrorReply> {
        let found = Fingerprint::of(secret, Purpose::Token).and_then(|shown| {
            let tokens = self.tokens();
            let mut found = None;
            // All are looked at, so that time tells nothing.
            for token in tokens.values() {
                if token.kept.sha256.ct_eq(&shown).into() {
                    found = Some(token.clone());
                }
            }
            found
        });
        let live = found.filter(|token| token.check().is_ok());
        live.ok_or_else(|| {
            let message = "this token is wrong, has expired or was revoked; ask for another one";
            ErrorReply::new(ErrorKind::Forbidden, message)
        })
    }

    /// What whoever needs none may do: watch, and no more. It is in no list or file, and ends with
    /// the service.
    pub fn open_watch(&self) -> Result<Arc<Token>, ErrorReply> {
        let request = TokenRequest {
            name: "open-watch".to_owned(),
            scopes: vec![Scope::Watch],
            cameras: Vec::new(),
            expires_s: None,
            invitation_s: None,
        };
        // Nobody is told its secret.
        let (_, fingerprint) = secret::make(Purpose::Token)?;
        Ok(Token::new(kept(Wanted::new(request)?, fingerprint), &self.stop))
    }

    /// Makes a token, or an invitation where the request says for how long. Fails where there
    /// can be none like it, its name is taken, or it cannot be kept.
    pub async fn add(self: &Arc<Self>, request: TokenRequest) -> Result<NewToken, ErrorReply> {
        let invitation = request.invitation_s;
        let wanted = Wanted::new(request)?;
        if let Some(seconds) = invitation {
            let secret = self.invitations().add(wanted.clone(), seconds)?;
            let (_, no_secret) = secret::make(Purpose::Token)?;
            let summary = Token::new(kept(wanted, no_secret), &self.stop).summary();
            return Ok(NewToken { summary, secret });
        }
        let changing = self.changing.clone().lock_owned().await;
        if self.tokens().contains_key(&wanted.name) {
            let message = format!(
                "there is a token {} already; `camera-service token revoke {0}` ends it",
                wanted.name
            );
            return Err(ErrorReply::new(ErrorKind::NameTaken, message));
        }
        self.make(wanted, changing).await
    }

    /// Swaps the secret of an invitation for a token, which has its name, or that and a number
    /// where it is taken. The invitation is spent, also where the token cannot be made.
    pub async fn redeem(self: &Arc<Self>, secret: &str) -> Result<NewToken, ErrorReply> {
        let changing = self.changing.clone().lock_owned().await;
        let mut wanted = self.invitations().redeem(secret).ok_or_else(|| {
            let message = "this invitation is wrong, was used before or came too late; ask for \
                           another one";
            ErrorReply::new(ErrorKind::Forbidden, message)
        })?;
        {
            let tokens = self.tokens();
            // Cut, so that the number finds room.
            let stem = wanted.name[..wanted.name.len().min(58)].to_owned();
            let mut number = 2;
            while tokens.contains_key(&wanted.name) {
                wanted.name = format!("{stem}-{number}");
                number += 1;
            }
        }
        self.make(wanted, changing).await
    }

    async fn make(
        self: &Arc<Self>,
        wanted: Wanted,
        changing: OwnedMutexGuard<()>,
    ) -> Result<NewToken, ErrorReply> {
        if self.tokens().len() >= MOST {
            let message = format!("there are {MOST} tokens, which is the most; revoke some");
            return Err(ErrorReply::new(ErrorKind::Limit, message));
        }
        let name = wanted.name.clone();
        let (secret, fingerprint) = secret::make(Purpose::Token)?;
        let token = Token::new(kept(wanted, fingerprint), &self.stop);
        let this = self.clone();
        // In a task of its own: file and memory stay the same, also when who asked has gone.
        let made = tokio::spawn(async move {
            let _changing = changing;
            let mut tokens = this.tokens().clone();
            tokens.insert(name.clone(), token.clone());
            this.keep(&tokens).await.map_err(|error| {
                let message = format!(
                    "the token {name} was not made: {} could not be written: {error}",
                    this.path.display()
                );
                ErrorReply::new(ErrorKind::Storage, message)
            })?;
            this.tokens().insert(name, token.clone());
            this.tell();
            Ok(token.summary())
        });
        let internal = |_| Err(ErrorReply::new(ErrorKind::Internal, "the token was not made"));
        let summary = made.await.unwrap_or_else(internal)?;
        Ok(NewToken { summary, secret })
    }

    /// Ends a token and its connections, at once. Where that cannot be kept the error says so: it
    /// would be back when the service starts again.
    pub async fn revoke(self: &Arc<Self>, name: &str) -> Result<(), ErrorReply> {
        let changing = self.changing.clone().lock_owned().await;
        let Some(token) = self.tokens().remove(name) else {
            let name: String = name.chars().take(64).collect();
            let message =
                format!("there is no token {name:?}; `camera-service token list` names them");
            return Err(ErrorReply::new(ErrorKind::Invalid, message));
        };
        token.revoke();
        self.tell();
        tracing::info!(token = token.name(), "revoked");
        let this = self.clone();
        let kept = tokio::spawn(async move {
            let _changing = changing;
            let tokens = this.tokens().clone();
            this.keep(&tokens).await
        });
        let kept = kept.await.unwrap_or_else(|_| Err(io::Error::other("it panicked")));
        kept.map_err(|error| {
            let message = format!(
                "the token {} is revoked, but only until the service ends: {} could not be \
                 written: {error}",
                token.name(),
                self.path.display()
            );
            ErrorReply::new(ErrorKind::Storage, message)
        })
    }

    /// Ends tokens when their time is over, until the service stops.
    pub async fn keep_time(self: Arc<Self>) {
        loop {
            let first = self.tokens().values().filter_map(|token| token.kept.expires_unix_ns).min();
            let left = first.map(|at| Duration::from_nanos(at.saturating_sub(clock::unix_ns())));
            let over = async {
                match left {
                    Some(left) => tokio::time::sleep(left.min(LOOK)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.changed.notified() => {}
                () = over => self.expire().await,
            }
        }
    }

    async fn expire(&self) {
        let _changing = self.changing.lock().await;
        let mut over = Vec::new();
        self.tokens().retain(|_, token| {
            let is_over = token.is_over();
            if is_over {
                over.push(token.clone());
            }
            !is_over
        });
        if over.is_empty() {
            return;
        }
        for token in over {
            token.expire();
            tracing::info!(token = token.name(), "expired");
        }
        self.tell();
        let tokens = self.tokens().clone();
        if let Err(error) = self.keep(&tokens).await {
            // They end by their time also where the file still has them.
            tracing::warn!("{} could not be written: {error}", self.path.display());
        }
    }

    fn tell(&self) {
        self.changed.notify_one();
        let names = self.tokens().keys().cloned().collect();
        self.hub.send(Event::TokensChanged { names });
    }

    async fn keep(&self, tokens: &ByName) -> io::Result<()> {
        if let Some(reason) = &self.unread {
            return Err(io::Error::other(format!(
                "it could not be read when the service started ({reason}); see to that and start \
                 the service again"
            )));
        }
        let contents =
            Contents { tokens: tokens.values().map(|token| token.kept.clone()).collect() };
        let path = self.path.clone();
        let kept = tokio::task::spawn_blocking(move || {
            let text = toml::to_string_pretty(&contents).map_err(io::Error::other)?;
            files::replace(&path, &(HEAD.to_owned() + &text))
        });
        kept.await.map_err(io::Error::other)?
    }
}

/// What is kept of a token that begins now.
fn kept(wanted: Wanted, sha256: Fingerprint) -> Kept {
    let Wanted { name, scopes, cameras, life_s } = wanted;
    let since_unix_ns = clock::unix_ns();
    let expires_unix_ns =
        life_s.map(|life| since_unix_ns.saturating_add(life.min(LONGEST_LIFE_S) * 1_000_000_000));
    Kept { name, scopes, cameras, since_unix_ns, expires_unix_ns, sha256 }
}

#[cfg(test)]
mod tests;
