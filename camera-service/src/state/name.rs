//! Names that users give: to cameras and presets.

use protocol::{ErrorKind, ErrorReply};

/// Most characters of a name.
const LONGEST: usize = 64;

/// Fails where `name` could not be told from another, or not be shown in a table.
pub(crate) fn check(name: &str) -> Result<(), ErrorReply> {
    let fits = (1..=LONGEST).contains(&name.chars().count());
    if fits && name.trim() == name && !name.chars().any(char::is_control) {
        return Ok(());
    }
    let message = format!(
        "a name has 1 to {LONGEST} characters, none of them a control character, and no space at \
         its ends"
    );
    Err(ErrorReply::new(ErrorKind::Invalid, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_rules() {
        for good in ["a", "Evening light", "カメラ", &"x".repeat(64)] {
            assert!(check(good).is_ok(), "{good:?}");
        }
        for bad in ["", " a", "a ", "a\nb", "a\x1b[2J", &"x".repeat(65)] {
            assert_eq!(check(bad).map_err(|error| error.kind), Err(ErrorKind::Invalid), "{bad:?}");
        }
    }
}
