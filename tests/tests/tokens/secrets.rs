//! How a token is got and shown: wrong ones, invitations, what is kept in files.

use super::*;

#[test]
fn a_wrong_token_lets_nobody_in_and_is_told_without_the_secret() {
    let service = service();
    run(async {
        let client = local(&service).await;
        let right = secret(&client, token("anna", &[Scope::Watch], &[])).await;
        let other = if right.ends_with('A') { 'E' } else { 'A' };
        let wrong = format!("{}{other}", &right[..right.len() - 1]);
        for shown in [wrong.as_str(), "", "cst_", &right[1..], &"x".repeat(3000)] {
            forbidden(with_token(&service, shown).control().await);
        }
        with_token(&service, &right).control().await.expect("the right one");
        let log = service.log();
        assert!(log.contains("a log-in failed") && log.contains(ADDRESS), "{log}");
        assert!(!log.contains(&right[4..]) && !log.contains(&wrong[4..]));
        // A flood is some lines.
        let mut logins = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let user = with_token(&service, &wrong);
            logins.spawn(async move { forbidden(user.control().await) });
        }
        assert_eq!(logins.join_all().await.len(), 50);
        assert!(service.log().matches("a log-in failed").count() <= 20);
    });
}

#[test]
fn an_invitation_is_redeemed_once_and_soon() {
    let service = service();
    run(async {
        let client = local(&service).await;
        let invite = |name: &str, seconds| TokenRequest {
            invitation_s: Some(seconds),
            ..token(name, &[Scope::Watch], &["test:0"])
        };
        let secret = secret(&client, invite("phone", 60)).await;
        // It is no token, and only the bridge may redeem it.
        forbidden(with_token(&service, &secret).control().await);
        forbidden(client.redeem_invitation(&secret, ADDRESS).await);
        let bridge = bridge(&service).control().await.expect("connected");
        let made = bridge.redeem_invitation(&secret, ADDRESS).await.expect("redeemed");
        forbidden(bridge.redeem_invitation(&secret, ADDRESS).await);
        let user = with_token(&service, &made.secret).control().await.expect("connected");
        assert_eq!(user.who_am_i().await.expect("told").cameras, ["test:0".into()]);
        let late = client.add_token(invite("late", 1)).await.expect("invited").secret;
        tokio::time::sleep(Duration::from_millis(1200)).await;
        forbidden(bridge.redeem_invitation(&late, ADDRESS).await);
        assert!(
            !service.log().contains(&secret[4..]) && !service.log().contains(&made.secret[4..])
        );
    });
}

#[test]
fn tokens_outlive_the_service_and_a_garbled_file_lets_nobody_in() {
    let mut service = service();
    let args = ["token", "add", "phone", "--scope", "watch,publish", "--camera", "test:1"];
    let made = service.json(&[&args[..], &["--expires", "7d"]].concat());
    let keys: Vec<&str> = made.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(keys, ["cameras", "expires", "name", "scopes", "token"]);
    let secret = made["token"].as_str().expect("text").to_owned();
    let file = |folder: &std::path::Path| folder.join("state/camera-service/tokens.toml");
    let text = fs::read_to_string(file(service.folder())).expect("written");
    assert!(!text.contains(&secret[4..]), "{text}");
    service.restart(|_| {});
    let enter = |service: &Service| run(with_token(service, &secret).control()).map(drop);
    enter(&service).expect("it is still good");
    let listed = service.json(&["token", "list"]);
    assert_eq!(
        (listed[0]["name"].as_str(), listed[0]["cameras"][0].as_str()),
        (Some("phone"), Some("test:1"))
    );
    assert!(listed[0].get("token").is_none());
    service.restart(|folder| fs::write(file(folder), &text[..text.len() / 2]).expect("written"));
    forbidden(enter(&service));
    assert!(service.log().contains("tokens.toml.unreadable"), "{}", service.log());
    service.cli(&["token", "revoke", "phone"]).expect_error("there is no token");
}

/// A hello of a program is a program's only where programs connect.
#[test]
fn a_name_and_an_address_must_be_fit_to_be_shown() {
    let service = service();
    let welcome = |hello: Hello| {
        let mut raw = Raw::connect(service.socket());
        raw.send(&Preamble::new(Role::Control).to_bytes());
        raw.send_message(&hello);
        raw.verdict();
        raw.message::<Welcome>().expect("a welcome")
    };
    let client = |remote: &str| ClientHello {
        name: "tests".to_owned(),
        token: None,
        remote: Some(remote.to_owned()),
    };
    for address in ["\x1b[2J", &"9".repeat(65)] {
        let answer = welcome(Hello::Bridged(client(address)));
        assert!(matches!(&answer, Welcome::Refused(error) if error.kind == ErrorKind::Invalid));
    }
    // Without token and address it is the bridge itself, which stops nothing.
    let mut raw = Raw::connect(service.socket());
    raw.send(&Preamble::new(Role::Control).to_bytes());
    raw.send_message(&Hello::Bridged(ClientHello { remote: None, ..client(ADDRESS) }));
    raw.verdict();
    raw.message::<Welcome>().expect("a welcome");
    raw.send_message(&protocol::RequestMessage {
        id: 1,
        deadline_ms: None,
        request: Request::Shutdown,
    });
    let reply: ReplyMessage = raw.message().expect("a reply");
    assert_eq!(reply.result.map_err(|error| error.kind), Err::<Reply, _>(ErrorKind::Forbidden));
    assert!(service.cli(&["status"]).code() == Some(0));
}
