//! Who may watch from other devices: the bridge, its addresses, and the tokens by which its users
//! log in. A secret is shown once, and forgotten when the screen is left.

mod code;
mod tokens;
mod view;

use protocol::{
    BridgeStatus, BridgeWish, Event, NewToken, Reply, Request, Scope, TokenRequest, TokenSummary,
};

use crate::{connection::Answer, setup::Known};

/// How long an invitation can be redeemed, in seconds.
const INVITATION_S: u32 = 60;

/// The screen.
#[derive(Debug)]
pub(crate) struct Remote {
    bridge: Known<BridgeStatus>,
    /// The bridge before a change that is on its way.
    before: Option<BridgeStatus>,
    tokens: Vec<TokenSummary>,
    /// Where it is to listen, while that is being written.
    listen: Option<String>,
    /// The token that is being described.
    name: String,
    scopes: Vec<Scope>,
    /// What was made last, while it is shown.
    made: Option<Made>,
    refused: Option<String>,
}

/// A token or an invitation that was made.
#[derive(Debug)]
struct Made {
    token: NewToken,
    /// Of an invitation: where it is redeemed, and that as a picture.
    invitation: Option<(String, Option<code::Code>)>,
}

/// What happens here.
#[derive(Debug, Clone)]
pub(crate) enum Message {
    /// Have the bridge run, or end.
    Enable(bool),
    /// Text in the field of the address.
    Listen(String),
    /// That text is complete.
    ListenDone,
    /// Text in the field of a new token's name.
    Name(String),
    /// What it is to grant, or not.
    Scope(Scope, bool),
    /// Make it.
    Add,
    /// Make an invitation of it, for a device that reads it as a picture.
    Pair,
    /// End a token.
    Revoke(String),
    /// Show no secret any more.
    Hide,
    /// Copy this.
    Copy(String),
    /// Have the desktop's browser show the page.
    OpenPage,
    /// The service answered.
    Answered(Purpose, Answer),
    /// Back to the cameras.
    Close,
}

/// What a request was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The bridge, also after a change.
    Bridge,
    /// All tokens.
    Tokens,
    /// A new token.
    Token,
    /// An invitation.
    Invitation,
    /// Anything else.
    Other,
}

/// What the rest of the program is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Nothing.
    None,
    /// Ask the service.
    Ask(Purpose, Request),
    /// Copy this to the clipboard.
    Copy(String),
    /// Have the desktop's browser show the page.
    OpenPage,
    /// Back to the cameras.
    Close,
}

impl Default for Remote {
    fn default() -> Self {
        Self {
            bridge: Known::NotYet,
            before: None,
            tokens: vec![],
            listen: None,
            name: String::new(),
            scopes: vec![Scope::Watch],
            made: None,
            refused: None,
        }
    }
}

impl Remote {
    /// What to ask when the screen is shown.
    pub(crate) fn asks() -> [(Purpose, Request); 2] {
        [(Purpose::Bridge, Request::BridgeStatus), (Purpose::Tokens, Request::ListTokens)]
    }

    /// Takes over what an event says; what to ask then.
    pub(crate) fn apply(&mut self, event: &Event) -> Option<(Purpose, Request)> {
        match event {
            Event::BridgeChanged(status) => self.bridge = Known::Is(status.clone()),
            Event::TokensChanged { .. } => return Some((Purpose::Tokens, Request::ListTokens)),
            _ => {}
        }
        None
    }

    /// Does what it can, and says what is left to do.
    pub(crate) fn update(&mut self, message: Message) -> Action {
        if !matches!(message, Message::Answered(..)) {
            self.refused = None;
        }
        match message {
            Message::Enable(on) => {
                return self.wish(BridgeWish { enabled: Some(on), listen: None });
            }
            Message::Listen(text) => self.listen = Some(text),
            Message::ListenDone => {
                if let Some(listen) = self.listen.take() {
                    let listen = Some(listen.trim().to_owned());
                    return self.wish(BridgeWish { enabled: None, listen });
                }
            }
            Message::Name(name) => self.name = name,
            Message::Scope(scope, on) => {
                self.scopes.retain(|other| *other != scope);
                if on {
                    self.scopes.push(scope);
                    self.scopes.sort();
                }
            }
            Message::Add => return self.make(Purpose::Token, None),
            Message::Pair => return self.make(Purpose::Invitation, Some(INVITATION_S)),
            Message::Revoke(name) => {
                return Action::Ask(Purpose::Other, Request::RevokeToken { name });
            }
            Message::Hide => self.made = None,
            Message::Copy(text) => return Action::Copy(text),
            Message::OpenPage => return Action::OpenPage,
            Message::Answered(purpose, answer) => self.answered(purpose, answer),
            Message::Close => {
                self.made = None;
                return Action::Close;
            }
        }
        Action::None
    }

    fn wish(&mut self, wish: BridgeWish) -> Action {
        if let Known::Is(status) = &self.bridge {
            let mut status = status.clone();
            self.before = Some(status.clone());
            status.enabled = wish.enabled.unwrap_or(status.enabled);
            if let Some(listen) = &wish.listen {
                status.listen.clone_from(listen);
            }
            self.bridge = Known::Becoming(status);
        }
        Action::Ask(Purpose::Bridge, Request::SetBridge { wish })
    }

    fn make(&mut self, purpose: Purpose, invitation_s: Option<u32>) -> Action {
        if !self.can_make() {
            return Action::None;
        }
        let token = TokenRequest {
            name: self.name.trim().to_owned(),
            scopes: self.scopes.clone(),
            cameras: vec![],
            expires_s: None,
            invitation_s,
        };
        Action::Ask(purpose, Request::AddToken { token })
    }

    fn can_make(&self) -> bool {
        !self.name.trim().is_empty() && !self.scopes.is_empty()
    }

    fn answered(&mut self, purpose: Purpose, answer: Answer) {
        match (purpose, answer) {
            (Purpose::Bridge, Ok(Reply::Bridge(status))) => self.bridge = Known::Is(status),
            (Purpose::Tokens, Ok(Reply::Tokens(tokens))) => self.tokens = tokens,
            (Purpose::Token | Purpose::Invitation, Ok(Reply::TokenAdded(token))) => {
                let invitation = (purpose == Purpose::Invitation).then(|| {
                    let page = self.page().unwrap_or_default().trim_end_matches('/');
                    let url = format!("{page}/#secret={}", token.secret);
                    let code = code::Code::new(&url);
                    (url, code)
                });
                self.made = Some(Made { token, invitation });
                self.name.clear();
            }
            (Purpose::Bridge, Err(failure)) => match &self.bridge {
                Known::Is(_) | Known::Becoming(_) => {
                    if let Some(before) = self.before.take() {
                        self.bridge = Known::Is(before);
                    }
                    self.refused = Some(failure.message);
                }
                Known::NotYet | Known::Not(_) if failure.is_unsupported() => {
                    self.bridge = Known::Not(
                        "The service that runs has no bridge for other devices. Install a newer \
                         one, then start it again."
                            .to_owned(),
                    );
                }
                Known::NotYet | Known::Not(_) => self.bridge = Known::Not(failure.message),
            },
            (Purpose::Token | Purpose::Invitation | Purpose::Other, Err(failure)) => {
                self.refused = Some(failure.message);
            }
            _ => {}
        }
    }

    /// The page's address that other devices reach.
    fn page(&self) -> Option<&str> {
        match &self.bridge {
            Known::Is(status) | Known::Becoming(status) => status.urls.first().map(String::as_str),
            Known::NotYet | Known::Not(_) => None,
        }
    }
}
