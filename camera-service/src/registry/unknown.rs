//! What is said where a text means no camera: which ones there are, and which may have been meant.

use protocol::{ErrorKind, ErrorReply};

use crate::camera::Camera;

/// So many cameras are named at most.
const MOST_NAMED: usize = 6;
/// So many that may have been meant.
const MOST_MEANT: usize = 3;
/// So much of a text that somebody gave stands in a message.
const MOST_CHARACTERS: usize = 100;

/// `text` means none of `cameras`, which are all that there are.
pub(super) fn error(text: &str, cameras: &[&Camera]) -> ErrorReply {
    let meant: Vec<String> = cameras
        .iter()
        .filter(|camera| camera.may_be_called(text))
        .take(MOST_MEANT)
        .map(|camera| camera.id().to_string())
        .collect();
    let hint = if !meant.is_empty() {
        format!("did you mean {}?", meant.join(" or "))
    } else if cameras.is_empty() {
        "there is none (`--test-camera` gives one to try)".to_owned()
    } else if cameras.len() <= MOST_NAMED {
        let there: Vec<String> = cameras.iter().map(|camera| described(camera)).collect();
        format!("there is {}", there.join(", "))
    } else {
        "`camera-service list` names them".to_owned()
    };
    let text: String = text.chars().take(MOST_CHARACTERS).collect();
    let message = format!("there is no camera {text:?}; {hint}");
    ErrorReply::new(ErrorKind::NoSuchCamera, message)
}

/// The id of a camera, and the name that the user gave it.
fn described(camera: &Camera) -> String {
    match camera.given_name() {
        Some(name) => format!("{} ({name})", camera.id()),
        None => camera.id().to_string(),
    }
}
