//! One message at least of every variant, as the golden files show them.

mod bridge;
mod camera;
mod event;
mod handshake;
mod publish;
mod reply;
mod request;
mod stream;

pub(crate) use event::event;
pub(crate) use handshake::{hello, welcome};
pub(crate) use publish::{publish_command, publish_message};
pub(crate) use reply::reply;
pub(crate) use request::request;
pub(crate) use stream::{stream_command, stream_message};

use crate::support::variants::Variants;

/// A message under the name of its entry: its variant, then where there are several of one
/// variant `/` and what is special about it.
pub(crate) type Sample<T> = (String, T);

/// A sample named after its variant.
fn plain<T: Variants>(message: T) -> Sample<T> {
    (message.variant().to_owned(), message)
}

/// A sample named after its variant and what is special about it.
fn special<T: Variants>(what: &str, message: T) -> Sample<T> {
    (format!("{}/{what}", message.variant()), message)
}
