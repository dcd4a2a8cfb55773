//! What remote users may do, at the real service: every kind of request against every scope and
//! camera, and what becomes of connections whose token ends.

#[path = "tokens/open_watch.rs"]
mod open_watch;
#[path = "tokens/table.rs"]
mod table;

use std::{fs, future::Future, time::Duration};

use protocol::{
    Client, ClientError, ClientHello, ErrorKind, ErrorReply, Event, FrameRate, Hello, Mode,
    PixelFormat, Preamble, PublishRequest, Reply, ReplyMessage, Request, Role, Scope, Size,
    StreamRequest, TokenRequest, Welcome,
    client::{Connector, EventStream, FrameStream, PublishEvent, StreamEvent},
    endpoint::Endpoint,
};
use tests::{Raw, Service, wait_until};

const LONG: Duration = Duration::from_secs(30);
const ADDRESS: &str = "192.0.2.7";

/// Two cameras: a token may be for one of them.
fn service() -> Service {
    Service::builder().test_camera("320x240@30").test_camera("160x120@15").start()
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime
        .expect("a runtime")
        .block_on(async { tokio::time::timeout(LONG * 4, work).await.expect("it does not hang") })
}

fn connector(service: &Service) -> Connector {
    Connector::new("tests").endpoint(Endpoint::at(service.socket()))
}

fn with_token(service: &Service, secret: &str) -> Connector {
    connector(service).bridged(Some(secret.to_owned()), Some(ADDRESS.to_owned()))
}

fn bridge(service: &Service) -> Connector {
    connector(service).bridged(None, None)
}

async fn local(service: &Service) -> Client {
    connector(service).control().await.expect("a program connects")
}

fn token(name: &str, scopes: &[Scope], cameras: &[&str]) -> TokenRequest {
    TokenRequest {
        name: name.to_owned(),
        scopes: scopes.to_vec(),
        cameras: cameras.iter().map(|camera| (*camera).into()).collect(),
        expires_s: None,
        invitation_s: None,
    }
}

async fn secret(client: &Client, token: TokenRequest) -> String {
    client.add_token(token).await.expect("a token is made").secret
}

/// The error of what was to fail.
#[track_caller]
fn refused<T>(result: Result<T, ClientError>) -> ErrorReply {
    match result {
        Ok(_) => panic!("it was not refused"),
        Err(ClientError::Reply(error)) => error,
        Err(error) => panic!("it failed otherwise: {error}"),
    }
}

#[track_caller]
fn forbidden<T>(result: Result<T, ClientError>) -> String {
    let error = refused(result);
    assert_eq!(error.kind, ErrorKind::Forbidden, "{error}");
    error.message
}

/// What a stream says first.
async fn first(connector: Connector, camera: &str) -> Result<StreamEvent, ClientError> {
    connector.stream(native(camera)).await?.next().await
}

/// Reads a stream to its end, and gives the reason for that.
async fn end_of(stream: &mut FrameStream) -> ErrorReply {
    loop {
        match stream.next().await {
            Ok(StreamEvent::Started(_) | StreamEvent::Frame(_)) => {}
            Ok(other) => panic!("{other:?}"),
            Err(ClientError::Reply(error)) => return error,
            Err(error) => panic!("it ended otherwise: {error}"),
        }
    }
}

async fn next(events: &mut EventStream) -> Event {
    let event = tokio::time::timeout(LONG, events.next()).await.expect("an event");
    event.expect("it is read").expect("one more").event
}

fn native(camera: &str) -> StreamRequest {
    // Through shared memory: a frame that comes inline may be cut short by the end, which then tells
    // no reason.
    StreamRequest::native(camera.into())
}

fn picture(name: &str) -> PublishRequest {
    let (size, rate) = (Size::new(16, 16), FrameRate::new(30, 1));
    let mode = Mode { format: PixelFormat::Rgb, size, rate };
    PublishRequest { name: name.to_owned(), mode, colour: None }
}

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

#[test]
fn revoking_and_expiry_end_what_is_connected() {
    let service = service();
    run(async {
        let client = local(&service).await;
        for (how, word) in [("revoked", "revoked"), ("expired", "expired")] {
            let mut request = token(how, &[Scope::Watch, Scope::Publish], &[]);
            request.expires_s = (how == "expired").then_some(2);
            let user = with_token(&service, &secret(&client, request).await);
            let control = user.control().await.expect("connected");
            let mut events = user.events().await.expect("events");
            let mut publisher = user.publish(picture(how)).await.expect("published");
            control.watch(&"test:0".into()).await.expect("watched");
            let mut stream = bridge(&service).stream(native("test:0")).await.expect("allowed");
            if how == "revoked" {
                client.revoke_token(how).await.expect("revoked");
            }
            let says = |error: ErrorReply| {
                assert!(
                    error.kind == ErrorKind::Forbidden && error.message.contains(word),
                    "{error}"
                );
            };
            says(control.closed().await.expect("a reason"));
            loop {
                match next(&mut events).await {
                    Event::Ended(error) => break says(error),
                    Event::Stopping => panic!("it does not stop"),
                    _ => {}
                }
            }
            loop {
                match publisher.next().await {
                    Ok(PublishEvent::Demand { .. }) => {}
                    Err(ClientError::Reply(error)) => break says(error),
                    Err(error) => panic!("it ended otherwise: {error}"),
                }
            }
            // What the bridge had for that user has ended, too.
            assert_eq!(end_of(&mut stream).await.kind, ErrorKind::Forbidden);
            forbidden(user.control().await);
            let left = client.tokens().await.expect("listed");
            assert!(left.is_empty(), "{left:?}");
        }
    });
}

#[test]
fn a_user_can_be_disconnected_and_the_token_stays() {
    let service = service();
    run(async {
        let client = local(&service).await;
        let user =
            with_token(&service, &secret(&client, token("anna", &[Scope::Watch], &[])).await);
        let connection = user.control().await.expect("connected");
        let request = Request::Disconnect { connection: connection.id() };
        client.request(request).await.expect("ended");
        let why = connection.closed().await.expect("a reason");
        assert!(why.message.contains("disconnected by the user"), "{why}");
        user.control().await.expect("it may come again");
    });
}

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

#[test]
fn a_published_name_stays_its_tokens_while_it_is_watched() {
    let service = service();
    run(async {
        let client = local(&service).await;
        let all = [Scope::Watch, Scope::Publish];
        let mine = secret(&client, token("mine", &all, &["published:phone"])).await;
        let other = secret(&client, token("other", &all, &[])).await;
        let mine = with_token(&service, &mine);
        forbidden(mine.publish(picture("kitchen")).await);
        let publisher = mine.publish(picture("phone")).await.expect("published");
        let watcher = with_token(&service, &other).control().await.expect("connected");
        watcher.watch(&"published:phone".into()).await.expect("watched");
        drop(publisher);
        let taken = async || {
            let other = refused(with_token(&service, &other).publish(picture("phone")).await);
            let program = refused(connector(&service).publish(picture("phone")).await);
            (other.kind, program.kind)
        };
        assert_eq!(taken().await, (ErrorKind::NameTaken, ErrorKind::NameTaken));
        drop(mine.publish(picture("phone")).await.expect("its own name"));
        assert_eq!(taken().await, (ErrorKind::NameTaken, ErrorKind::NameTaken));
        watcher.unwatch(&"published:phone".into()).await.expect("ended");
        wait_until("the name to be free", LONG, || {
            let listed = service.json(&["list"]).to_string();
            if listed.contains("published:phone") { Err(listed) } else { Ok(()) }
        });
        with_token(&service, &other).publish(picture("phone")).await.expect("free");
    });
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
