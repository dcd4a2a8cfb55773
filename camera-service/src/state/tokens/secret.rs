//! Secrets: how they are made, and how what is kept of them tells one that is shown.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use protocol::{ErrorKind, ErrorReply};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// Random bytes of a secret.
const BYTES: usize = 32;
/// More characters than this are no secret of ours, and not worth a look.
const LONGEST: usize = 128;

/// What a secret is for, to be seen by its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Token,
    Invitation,
}

impl Purpose {
    fn prefix(self) -> &'static str {
        match self {
            Self::Token => "cst_",
            Self::Invitation => "csi_",
        }
    }
}

/// A new secret, to be told once, and what is kept of it.
pub(super) fn make(purpose: Purpose) -> Result<(String, Fingerprint), ErrorReply> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| {
        let message = format!("the system gives no random numbers for a secret: {error}");
        ErrorReply::new(ErrorKind::Internal, message)
    })?;
    let secret = purpose.prefix().to_owned() + &BASE64URL_NOPAD.encode(&bytes);
    let fingerprint = Fingerprint(Sha256::digest(secret.as_bytes()).into());
    Ok((secret, fingerprint))
}

/// SHA-256 of a secret. Enough for secrets that nobody can guess: a slow hash is for passwords.
#[derive(Debug, Clone)]
pub(super) struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// That of a secret that somebody shows; `None` where it cannot be one.
    pub(super) fn of(shown: &str, purpose: Purpose) -> Option<Self> {
        let is_possible = shown.len() <= LONGEST && shown.starts_with(purpose.prefix());
        is_possible.then(|| Self(Sha256::digest(shown.as_bytes()).into()))
    }
}

impl ConstantTimeEq for Fingerprint {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&HEXLOWER_PERMISSIVE.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).map_err(D::Error::custom)?;
        let bytes = bytes.try_into().map_err(|_| D::Error::custom("SHA-256 has 32 bytes"))?;
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_only_the_same_one_fits() {
        let (one, kept) = make(Purpose::Token).expect("made");
        let (other, _) = make(Purpose::Token).expect("made");
        assert_ne!(one, other);
        // 256 bits, and what they are for.
        assert_eq!((one.len(), &one[..4]), (4 + 43, "cst_"));
        let fits = |shown: &str| {
            Fingerprint::of(shown, Purpose::Token).is_some_and(|shown| shown.ct_eq(&kept).into())
        };
        assert!(fits(&one) && !fits(&other));
        for wrong in [&one[..46], &format!("{one}A"), &format!(" {one}"), "", "cst_"] {
            assert!(!fits(wrong), "{wrong:?}");
        }
    }

    #[test]
    fn what_cannot_be_a_secret_is_not_looked_at() {
        let (invitation, _) = make(Purpose::Invitation).expect("made");
        assert!(Fingerprint::of(&invitation, Purpose::Token).is_none());
        assert!(Fingerprint::of(&format!("cst_{}", "x".repeat(1000)), Purpose::Token).is_none());
    }

    #[test]
    fn what_is_kept_is_no_secret_and_is_read_as_it_was_written() {
        #[derive(Serialize, Deserialize)]
        struct File {
            sha256: Fingerprint,
        }
        let (secret, kept) = make(Purpose::Token).expect("made");
        let text = toml::to_string(&File { sha256: kept.clone() }).expect("TOML");
        assert!(!text.contains(&secret[4..]));
        let file: File = toml::from_str(&text).expect("read");
        assert!(bool::from(file.sha256.ct_eq(&kept)));
        for wrong in ["", "00", &"zz".repeat(32), &"00".repeat(33)] {
            assert!(toml::from_str::<File>(&format!("sha256 = {wrong:?}")).is_err(), "{wrong}");
        }
    }
}
