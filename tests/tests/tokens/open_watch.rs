//! Users without a token, where the configuration lets those of this machine watch.

use super::*;

fn without_token(service: &Service, address: &str) -> Connector {
    connector(service).bridged(None, Some(address.to_owned()))
}

#[test]
fn who_shows_no_token_may_watch_from_here_where_that_is_configured_and_no_more() {
    let closed = service();
    run(async {
        for address in ["127.0.0.1", "::1", ADDRESS, ""] {
            forbidden(without_token(&closed, address).control().await);
        }
    });
    let config = format!("{}\n[bridge]\nopen_watch = true\n", tests::QUICK);
    let open = Service::builder().test_camera("320x240@30").config(&config).start();
    run(async {
        for address in [ADDRESS, "127.0.0.1.example", "unknown", ""] {
            forbidden(without_token(&open, address).control().await);
        }
        for address in ["127.0.0.1", "::1", "::ffff:127.0.0.1", "127.9.9.9"] {
            let user = without_token(&open, address);
            let client = user.control().await.expect("connected");
            let grant = client.who_am_i().await.expect("told");
            assert_eq!(
                (grant.name.as_str(), &grant.scopes[..]),
                ("open-watch", &[Scope::Watch][..])
            );
            user.events().await.expect("events");
            forbidden(user.publish(picture("phone")).await);
            forbidden(client.request(Request::ListControls { camera: "test:0".into() }).await);
            forbidden(client.request(Request::SetPrivacy { off: true }).await);
            forbidden(first(bridge(&open), "test:0").await);
            client.request(Request::Watch { camera: "test:0".into() }).await.expect("watched");
            let fetched = first(bridge(&open), "test:0").await.expect("frames for who watches");
            assert!(matches!(fetched, StreamEvent::Started(_)), "{fetched:?}");
            client.request(Request::Unwatch { camera: "test:0".into() }).await.expect("ended");
        }
        // It is no token that could be listed, kept, revoked or shown.
        let client = local(&open).await;
        assert_eq!(
            client.request(Request::ListTokens).await.expect("told"),
            Reply::Tokens(Vec::new())
        );
    });
}
