//! Tokens and the bridge, as requests, replies and events have them.

use protocol::{
    BridgeListening, BridgeStatus, BridgeWish, Grant, NewToken, Scope, TokenRequest, TokenSummary,
};

use super::camera;

pub(crate) fn token_request() -> TokenRequest {
    TokenRequest {
        name: "phone".to_owned(),
        scopes: vec![Scope::Watch, Scope::Publish],
        cameras: vec!["published:phone".into(), camera::test_id()],
        expires_s: Some(604_800),
        invitation_s: None,
    }
}

pub(crate) fn invitation() -> TokenRequest {
    TokenRequest {
        name: "browser".to_owned(),
        scopes: Scope::ALL.to_vec(),
        cameras: Vec::new(),
        expires_s: None,
        invitation_s: Some(60),
    }
}

pub(crate) fn summary() -> TokenSummary {
    let TokenRequest { name, scopes, cameras, .. } = token_request();
    TokenSummary {
        name,
        scopes,
        cameras,
        since_unix_ns: 1_700_000_000_000_000_000,
        expires_unix_ns: Some(1_700_604_800_000_000_000),
        used_unix_ns: None,
        connections: 2,
    }
}

pub(crate) fn made() -> NewToken {
    NewToken { summary: summary(), secret: "cst_a7f3".to_owned() }
}

pub(crate) fn grant() -> Grant {
    let TokenSummary { name, scopes, cameras, expires_unix_ns, .. } = summary();
    Grant { name, scopes, cameras, expires_unix_ns }
}

pub(crate) fn wish() -> BridgeWish {
    BridgeWish { enabled: Some(true), listen: Some("0.0.0.0:8443".to_owned()) }
}

pub(crate) fn listening() -> BridgeListening {
    let BridgeStatus { urls, fingerprint, .. } = running();
    BridgeListening { urls, fingerprint }
}

pub(crate) fn running() -> BridgeStatus {
    BridgeStatus {
        enabled: true,
        listen: "0.0.0.0:8443".to_owned(),
        pid: Some(1300),
        urls: vec!["https://192.0.2.1:8443/".to_owned(), "https://127.0.0.1:8443/".to_owned()],
        fingerprint: Some("0a:1b:2c".to_owned()),
        connections: 3,
        reason: String::new(),
    }
}

pub(crate) fn failing() -> BridgeStatus {
    BridgeStatus {
        enabled: true,
        listen: "127.0.0.1:80".to_owned(),
        reason: "cannot listen at 127.0.0.1:80: Permission denied".to_owned(),
        ..BridgeStatus::default()
    }
}
