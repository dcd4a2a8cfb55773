//! Names that programs see in JSON and people see in text are the same.

use std::fmt::Display;

use super::variants::Values;
use protocol::{CameraState, ControlKind, ErrorKind, ErrorReply, Role};
use serde::Serialize;

/// Every value's text is its name in JSON, and fills the width it is given.
fn text_is_json<T: Values + Serialize + Display>() {
    for (value, variant) in T::VALUES.iter().zip(T::VARIANTS) {
        assert_eq!(value.variant(), *variant);
        let json = serde_json::to_value(value).expect("it is a name");
        assert_eq!(json, value.to_string(), "{}::{}", T::NAME, value.variant());
        assert_eq!(format!("{value:>30}").len(), 30);
    }
}

#[test]
fn texts_are_json_names() {
    text_is_json::<ErrorKind>();
    text_is_json::<ControlKind>();
    text_is_json::<CameraState>();
    text_is_json::<Role>();
}

#[test]
fn some_names_in_full() {
    assert_eq!(ErrorKind::NoSuchCamera.to_string(), "no_such_camera");
    assert_eq!(ErrorKind::Busy.to_string(), "busy");
    assert_eq!(CameraState::Stalled.to_string(), "stalled");
}

#[test]
fn an_error_reads_as_its_message() {
    let error = ErrorReply::new(ErrorKind::Busy, "usb-C920 is held by guvcview");
    assert_eq!(error.to_string(), "usb-C920 is held by guvcview");
}
