//! `tokens.toml` as it is laid out.

use std::collections::BTreeSet;

use protocol::{CameraId, ErrorKind, ErrorReply, Scope, TokenRequest};
use serde::{Deserialize, Serialize};

use super::secret::Fingerprint;

/// Most cameras that a token is for.
const MOST_CAMERAS: usize = 64;
/// Most bytes of a camera's id.
const LONGEST_ID: usize = 256;
/// The longest that a token can be made for. Also what a number in the file can say.
pub(super) const LONGEST_LIFE_S: u64 = 100 * 366 * 86_400;

pub(super) const HEAD: &str = "\
# Tokens of remote users, as camera-service keeps them: of each secret only its SHA-256. Take an
# entry out while the service is not running to end a token; `camera-service token revoke` does so
# while it runs.

";

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "Unchecked")]
pub(super) struct Contents {
    #[serde(rename = "token")]
    pub(super) tokens: Vec<Kept>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    #[serde(default, rename = "token")]
    tokens: Vec<Kept>,
}

/// What is kept of a token.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    pub(super) name: String,
    pub(super) scopes: BTreeSet<Scope>,
    /// None for all.
    #[serde(default)]
    pub(super) cameras: BTreeSet<CameraId>,
    pub(super) since_unix_ns: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires_unix_ns: Option<u64>,
    pub(super) sha256: Fingerprint,
}

impl TryFrom<Unchecked> for Contents {
    type Error = ErrorReply;

    fn try_from(Unchecked { tokens }: Unchecked) -> Result<Self, ErrorReply> {
        let mut names = BTreeSet::new();
        for token in &tokens {
            check(&token.name, &token.scopes, &token.cameras)?;
            if !names.insert(&token.name) {
                return Err(invalid(format!("two tokens are called {:?}", token.name)));
            }
        }
        Ok(Self { tokens })
    }
}

fn invalid(message: impl Into<String>) -> ErrorReply {
    ErrorReply::new(ErrorKind::Invalid, message)
}

/// Fails where no token can be like this.
fn check(
    name: &str,
    scopes: &BTreeSet<Scope>,
    cameras: &BTreeSet<CameraId>,
) -> Result<(), ErrorReply> {
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    if !(1..=64).contains(&name.len()) || !name.chars().all(is_allowed) {
        return Err(invalid(
            "a token's name has 1 to 64 letters, digits, `-`, `_` or `.`, and nothing else",
        ));
    }
    if scopes.is_empty() {
        return Err(invalid(format!("{name}: a token needs a scope: watch, control or publish")));
    }
    if cameras.len() > MOST_CAMERAS {
        return Err(invalid(format!("{name}: a token can be for {MOST_CAMERAS} cameras, or all")));
    }
    let is_id = |id: &CameraId| {
        (1..=LONGEST_ID).contains(&id.0.len()) && !id.0.chars().any(char::is_control)
    };
    if !cameras.iter().all(is_id) {
        return Err(invalid(format!("{name}: what is given is no camera's id")));
    }
    Ok(())
}

/// What a token that is asked for grants, once it is seen that there can be one like it.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) scopes: BTreeSet<Scope>,
    pub(super) cameras: BTreeSet<CameraId>,
    pub(super) life_s: Option<u64>,
}

impl Wanted {
    pub(super) fn new(request: TokenRequest) -> Result<Self, ErrorReply> {
        let TokenRequest { name, scopes, cameras, expires_s, invitation_s: _ } = request;
        let (scopes, cameras) = (BTreeSet::from_iter(scopes), BTreeSet::from_iter(cameras));
        check(&name, &scopes, &cameras)?;
        if expires_s.is_some_and(|life| life == 0 || life > LONGEST_LIFE_S) {
            return Err(invalid(format!("{name}: a token ends after 1 second to 100 years")));
        }
        Ok(Self { name, scopes, cameras, life_s: expires_s })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> TokenRequest {
        TokenRequest {
            name: "phone".to_owned(),
            scopes: vec![Scope::Watch],
            cameras: vec![],
            expires_s: None,
            invitation_s: None,
        }
    }

    #[test]
    fn what_no_token_can_be_is_refused() {
        assert!(Wanted::new(request()).is_ok());
        let long = "x".repeat(65);
        for name in ["", "a b", "a/b", "ü", "a\n", &long] {
            assert!(Wanted::new(TokenRequest { name: name.to_owned(), ..request() }).is_err());
        }
        assert!(Wanted::new(TokenRequest { scopes: vec![], ..request() }).is_err());
        for life in [0, LONGEST_LIFE_S + 1, u64::MAX] {
            let request = TokenRequest { expires_s: Some(life), ..request() };
            assert!(Wanted::new(request).is_err(), "{life}");
        }
        for id in ["", "a\u{7}", &"x".repeat(257)] {
            let request = TokenRequest { cameras: vec![id.into()], ..request() };
            assert!(Wanted::new(request).is_err(), "{id:?}");
        }
        let cameras = (0..=MOST_CAMERAS).map(|number| CameraId(format!("c{number}"))).collect();
        assert!(Wanted::new(TokenRequest { cameras, ..request() }).is_err());
    }

    #[test]
    fn a_file_that_says_the_impossible_is_not_understood() {
        let entry = |name: &str, scopes: &str| {
            format!(
                "[[token]]\nname = {name:?}\nscopes = {scopes}\nsince_unix_ns = 1\nsha256 = \
                 \"{}\"\n",
                "00".repeat(32)
            )
        };
        let read = |text: &str| toml::from_str::<Contents>(text);
        assert_eq!(read("").expect("empty").tokens.len(), 0);
        let good = entry("a", "[\"watch\"]");
        assert_eq!(read(&good).expect("right").tokens.len(), 1);
        for bad in [
            entry("a", "[]"),
            entry("", "[\"watch\"]"),
            entry("a", "[\"all\"]"),
            format!("{good}{good}"),
            format!("{good}more = 1\n"),
            "tokens = 1\n".to_owned(),
        ] {
            assert!(read(&bad).is_err(), "{bad}");
        }
    }
}
