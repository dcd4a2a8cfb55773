//! What a token's scopes and cameras let its user do, and the bridge for that user.

use super::*;

#[test]
fn every_role_needs_its_scope() {
    let service = service();
    run(async {
        let client = local(&service).await;
        for scope in Scope::ALL {
            let secret = secret(&client, token(scope.as_str(), &[scope], &[])).await;
            let user = with_token(&service, &secret);
            let grant = user.control().await.expect("connected").who_am_i().await.expect("told");
            assert_eq!((grant.name.as_str(), &grant.scopes[..]), (scope.as_str(), &[scope][..]));
            match scope {
                Scope::Watch => drop(user.events().await.expect("events")),
                _ => drop(forbidden(user.events().await)),
            }
            match scope {
                Scope::Publish => drop(user.publish(picture("phone")).await.expect("published")),
                _ => drop(forbidden(user.publish(picture("phone")).await)),
            }
            // No pixels pass by a token: the bridge fetches them.
            forbidden(first(user, "test:0").await);
        }
        forbidden(bridge(&service).events().await);
        forbidden(bridge(&service).publish(picture("phone")).await);
    });
}

#[test]
fn a_token_for_a_camera_sees_that_camera_alone() {
    let service = service();
    run(async {
        let client = local(&service).await;
        let watch = secret(&client, token("watch", &[Scope::Watch], &["test:1"])).await;
        let both = secret(&client, token("both", &[Scope::Watch, Scope::Control], &["test:1"]));
        let both = both.await;
        let user = with_token(&service, &watch).control().await.expect("connected");
        let ids = |cameras: Vec<protocol::CameraSummary>| -> Vec<String> {
            cameras.into_iter().map(|camera| camera.id.0).collect()
        };
        assert_eq!(ids(user.cameras().await.expect("listed")), ["test:1"]);
        // Whether there is another camera is not told.
        let there = forbidden(user.camera(&"test:0".into()).await);
        let not_there = forbidden(user.camera(&"test:9".into()).await);
        assert_eq!(there.replace("test:0", ""), not_there.replace("test:9", ""));
        // Nor by what may have been meant.
        let near = forbidden(user.camera(&"TEST:0".into()).await);
        assert_eq!(near.replace("TEST:0", ""), not_there.replace("test:9", ""));

        // Who watches and what the file is called is for those who control.
        let mut local_stream = connector(&service).stream(native("test:1")).await.expect("asked");
        while !matches!(local_stream.next().await.expect("read"), StreamEvent::Frame(_)) {}
        let detail = user.camera(&"test:1".into()).await.expect("told");
        assert_eq!(detail.summary.watchers, 1);
        assert!(detail.watchers.is_empty() && detail.path.is_none() && detail.holders.is_empty());
        let user = with_token(&service, &both).control().await.expect("connected");
        assert_eq!(user.camera(&"test:1".into()).await.expect("told").watchers.len(), 1);
        let status = user.status().await.expect("told");
        assert!(status.endpoint.is_empty() && status.config.is_empty());
        assert_eq!(ids(status.cameras), ["test:1"]);
        // Clients that have to do with its camera, and itself.
        let other = connector(&service).stream(native("test:0")).await.expect("asked");
        let seen: Vec<_> = user.clients().await.expect("listed").iter().map(|c| c.id).collect();
        assert!(seen.contains(&local_stream.id()) && seen.contains(&user.id()), "{seen:?}");
        assert!(!seen.contains(&other.id()) && !seen.contains(&client.id()), "{seen:?}");
        // A name stands for the camera that it is, not for what the token is for.
        client.rename_camera(&"test:0".into(), Some("desk".to_owned())).await.expect("renamed");
        forbidden(user.start_camera(&"desk".into(), protocol::ModeWish::default()).await);
    });
}

#[test]
fn events_are_those_that_the_token_and_the_version_may_hear() {
    let service = service();
    run(async {
        let client = local(&service).await;
        let watch = secret(&client, token("watch", &[Scope::Watch], &["test:1"])).await;
        let mut events = with_token(&service, &watch).events().await.expect("events");
        let Event::State(state) = next(&mut events).await else { panic!("the state comes first") };
        let ids: Vec<&str> = state.cameras.iter().map(|camera| camera.id.0.as_str()).collect();
        assert_eq!((ids, state.clients.len()), (vec!["test:1"], 0));

        // Of all that happens now, it hears of what comes last alone.
        let old = old_reader(&service);
        let mut programs = connector(&service).events().await.expect("events");
        client.add_token(token("new", &[Scope::Watch], &[])).await.expect("made");
        client.rename_camera(&"test:0".into(), Some("desk".to_owned())).await.expect("renamed");
        let setting = protocol::ControlSetting {
            name: "brightness".to_owned(),
            value: protocol::ControlValue::Integer(7),
        };
        client.set_controls(&"test:1".into(), vec![setting]).await.expect("set");
        client.request(Request::ReloadConfig).await.expect("read");
        client.rename_camera(&"test:1".into(), Some("hall".to_owned())).await.expect("renamed");
        match next(&mut events).await {
            Event::CameraChanged(camera) => {
                assert_eq!((camera.id.0.as_str(), camera.name.as_str()), ("test:1", "hall"));
            }
            other => panic!("not for this token: {other:?}"),
        }
        // A program hears of tokens, but not one that was made before there were any.
        let is_last =
            |event: &Event| matches!(event, Event::CameraChanged(camera) if camera.name == "hall");
        let mut heard = false;
        loop {
            let event = next(&mut programs).await;
            heard |= matches!(event, Event::TokensChanged { .. });
            if is_last(&event) {
                break;
            }
        }
        assert!(heard, "a program of this version hears of tokens");
        let mut old = old;
        loop {
            let event = old.message::<protocol::EventMessage>().expect("events").event;
            assert!(!matches!(event, Event::TokensChanged { .. } | Event::BridgeChanged(_)));
            if is_last(&event) {
                break;
            }
        }
    });
}

/// An event reader of version 1.0.
fn old_reader(service: &Service) -> Raw {
    let mut raw = Raw::connect(service.socket());
    raw.send(&Preamble { minor: 0, ..Preamble::new(Role::Events) }.to_bytes());
    raw.send_message(&tests::hello("old"));
    raw.verdict();
    let welcome: Welcome = raw.message().expect("a welcome");
    assert!(matches!(welcome, Welcome::Accepted { .. }), "{welcome:?}");
    raw
}

#[test]
fn the_bridge_has_a_stream_for_as_long_as_a_user_watches() {
    let service = service();
    run(async {
        let client = local(&service).await;
        let secret = secret(&client, token("anna", &[Scope::Watch], &[])).await;
        forbidden(first(bridge(&service), "test:0").await);
        let one = with_token(&service, &secret).control().await.expect("connected");
        let two = with_token(&service, &secret).control().await.expect("connected");
        assert_eq!(one.watch(&"test:0".into()).await.expect("watched").0, "test:0");
        // Once is enough, and does no harm twice.
        one.watch(&"test:0".into()).await.expect("watched");
        two.watch(&"test:0".into()).await.expect("watched");
        forbidden(first(bridge(&service), "test:1").await);
        let mut stream = bridge(&service).stream(native("test:0")).await.expect("allowed");
        while !matches!(stream.next().await.expect("read"), StreamEvent::Frame(_)) {}

        // The users are those who watch, by token and address; the bridge's stream is not.
        one.count_frames(12, 3).await.expect("counted");
        let detail = client.camera(&"test:0".into()).await.expect("told");
        let names: Vec<&str> = detail.watchers.iter().map(|one| one.name.as_str()).collect();
        let name = format!("anna ({ADDRESS})");
        assert_eq!((names, detail.summary.watchers), (vec![&name[..], &name[..]], 2));
        let clients = client.clients().await.expect("listed");
        let user = clients.iter().find(|other| other.id == one.id()).expect("listed");
        assert_eq!((user.name.as_str(), user.remote.as_deref()), ("anna", Some(ADDRESS)));
        assert_eq!(user.camera.as_ref().map(|camera| camera.0.as_str()), Some("test:0"));
        assert_eq!((user.frames, user.dropped), (12, 3));

        // One of two leaves: nothing happens to the stream.
        one.unwatch(&"test:0".into()).await.expect("ended");
        for _ in 0..10 {
            assert!(matches!(stream.next().await.expect("read"), StreamEvent::Frame(_)));
        }
        // The last one's connection ends, and with it the stream.
        drop(two);
        let why = end_of(&mut stream).await;
        assert_eq!(why.kind, ErrorKind::Forbidden, "{why}");
        forbidden(first(bridge(&service), "test:0").await);
    });
}
