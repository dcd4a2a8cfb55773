//! Who may watch from other devices: the bridge and its tokens.

use protocol::{BridgeStatus, ErrorKind, NewToken, Scope, TokenSummary};

use super::*;
use crate::{
    app::Shown,
    connection::{Answer, Failure},
    screen::remote::{self, Purpose},
};

/// A bridge that listens in the network.
pub(super) fn bridge() -> BridgeStatus {
    BridgeStatus {
        enabled: true,
        listen: "0.0.0.0:8443".to_owned(),
        pid: Some(4711),
        urls: vec!["https://192.168.1.20:8443".to_owned(), "https://desk.local:8443".to_owned()],
        fingerprint: Some(["3F"; 32].join(":")),
        connections: 2,
        reason: String::new(),
    }
}

/// A token that was made at no time that passes.
pub(super) fn token(name: &str, scopes: &[Scope]) -> TokenSummary {
    TokenSummary {
        name: name.to_owned(),
        scopes: scopes.to_vec(),
        cameras: vec![],
        since_unix_ns: u64::MAX / 2,
        expires_unix_ns: None,
        used_unix_ns: None,
        connections: 0,
    }
}

pub(super) fn answer(app: &mut App, purpose: Purpose, answer: Answer) {
    tell(app, Message::Remote(remote::Message::Answered(purpose, answer)));
}

pub(super) fn shown() -> App {
    let mut app = ready();
    tell(&mut app, Message::Show(Shown::Remote));
    app
}

pub(super) fn made(app: &mut App, purpose: Purpose) {
    let summary = token("phone", &[Scope::Watch]);
    let secret = "cs_3f9a1b7c5d2e4f60718293a4b5c6d7e8".to_owned();
    answer(app, purpose, Ok(Reply::TokenAdded(NewToken { summary, secret })));
}

fn failure(kind: ErrorKind, message: &str) -> Failure {
    Failure { kind: Some(kind), message: message.to_owned() }
}

#[test]
fn the_bridge_is_turned_on_and_says_where_it_is() {
    let mut app = shown();
    assert!(sees(&app, "Asking the service"));
    answer(&mut app, Purpose::Bridge, Ok(Reply::Bridge(BridgeStatus::default())));
    assert!(sees(&app, "Off: cameras are seen on this computer only"));
    tell(&mut app, Message::Remote(remote::Message::Enable(true)));
    assert!(sees(&app, "Starting"));
    happened(&mut app, Event::BridgeChanged(bridge()));
    assert!(sees(&app, "On, 2 connections") && sees(&app, "https://192.168.1.20:8443"));
    let failed = BridgeStatus { reason: "port 8443 is in use".to_owned(), ..bridge() };
    happened(&mut app, Event::BridgeChanged(failed));
    assert!(sees(&app, "Port 8443 is in use."));
}

#[test]
fn a_refused_address_gives_way_to_the_true_one_and_says_why() {
    let mut app = shown();
    answer(&mut app, Purpose::Bridge, Ok(Reply::Bridge(bridge())));
    tell(&mut app, Message::Remote(remote::Message::Listen("nowhere".to_owned())));
    tell(&mut app, Message::Remote(remote::Message::ListenDone));
    let refused = failure(ErrorKind::Invalid, "\"nowhere\" is not an address and a port");
    answer(&mut app, Purpose::Bridge, Err(refused));
    assert!(sees(&app, "\"nowhere\" is not an address and a port"));
    assert!(sees(&app, "0.0.0.0:8443") && !sees(&app, "nowhere"));
}

#[test]
fn a_secret_is_shown_once() {
    let mut app = shown();
    answer(&mut app, Purpose::Bridge, Ok(Reply::Bridge(bridge())));
    made(&mut app, Purpose::Token);
    assert!(sees(&app, "The token of phone"));
    click(&mut app, "Done");
    assert!(!sees(&app, "The token of phone"));
    // Nor does it wait for whoever comes by later.
    made(&mut app, Purpose::Invitation);
    let url = "https://192.168.1.20:8443/#secret=cs_3f9a1b7c5d2e4f60718293a4b5c6d7e8";
    assert!(sees(&app, "Let phone in") && sees(&app, url));
    tell(&mut app, Message::Show(Shown::Help));
    tell(&mut app, Message::Show(Shown::Remote));
    assert!(!sees(&app, "Let phone in"));
}

#[test]
fn a_service_without_a_bridge_is_told_of() {
    let mut app = shown();
    let unsupported = failure(ErrorKind::Unsupported, "unknown request");
    answer(&mut app, Purpose::Bridge, Err(unsupported));
    let notice = "The service that runs has no bridge for other devices. Install a newer one, then \
                  start it again.";
    assert!(sees(&app, notice));
}
