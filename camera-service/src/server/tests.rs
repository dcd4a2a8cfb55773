//! The bridge's door: who comes through it is bound, whatever is said. The door is the bridge's
//! alone while the service runs, so this one stands beside a service's connections without one.

use std::{pin::pin, sync::Arc, time::Duration};

use protocol::{
    BridgeListening, ClientError, ClientHello, ErrorKind, Hello, Preamble, Reply, ReplyMessage,
    Request, RequestMessage, Role, Scope, Size, TokenRequest, Verdict, Welcome,
    client::Connector,
    transport::{Connection, Door, Reader, Writer},
    wire::MAX_MESSAGE,
};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::*;
use crate::{
    camera::Context,
    registry::{Ids, cameras_file},
    source::Workers,
    state::{BridgeSettings, Settings, Starts},
};

/// What serves connections, with one test camera and without an endpoint. Nobody has looked for
/// other cameras yet.
async fn server(folder: &TempDir) -> Arc<Server> {
    let path = |name: &str| folder.path().join(name);
    let (hub, stop, tasks) = (Hub::new(), CancellationToken::new(), TaskTracker::new());
    let (config, config_seen) = watch::channel(Arc::new(Config::default()));
    let privacy = Privacy::load(path("cameras-off"), hub.clone());
    let context = Context {
        config: config_seen,
        hub: hub.clone(),
        workers: Workers::new(),
        privacy_off: privacy.watch(),
        settings: Settings::load(path("presets.toml"), hub.clone()),
        starts: Starts::load(path("starts.toml")),
        stop: stop.clone(),
    };
    let ids = Ids::load(cameras_file(folder.path()));
    let registry = Registry::new(ids, context, tasks.clone());
    let rate = protocol::FrameRate::new(30, 1);
    registry.add_test_camera(Size::new(160, 120), rate).await.expect("a test camera");
    let clients = Clients::new(hub.clone());
    let kept = BridgeSettings::load(path("bridge.toml"));
    let bridge = Bridge::new(kept, config.subscribe(), clients.clone(), hub.clone());
    Arc::new(Server {
        registry,
        clients,
        tokens: Tokens::load(path("tokens.toml"), hub.clone(), stop.clone()),
        bridge,
        room: Arc::default(),
        shared: Shared::default(),
        hub,
        config,
        source: ConfigSource::new(path("config.toml"), false, Vec::new()),
        started_by: "a test".to_owned(),
        endpoint: Endpoint::at(path("nowhere")),
        since_unix_ns: 0,
        privacy,
        programs: Programs::load(path("programs.toml")),
        tasks,
        stop,
    })
}

/// A service behind a door, and the bridge's end of that.
async fn door(folder: &TempDir) -> (Arc<Server>, Arc<Door>) {
    let server = server(folder).await;
    server.registry.found(Vec::new()).await;
    let (ours, theirs) = Door::pair().expect("a door");
    server.tasks.spawn(accept_through(server.clone(), ours, server.stop.clone()));
    (server, Arc::new(Door::at(theirs).expect("its other end")))
}

/// Says hello as `hello`, and gives the answer.
async fn enter(connection: Connection, role: Role, hello: Hello) -> (Welcome, Reader, Writer) {
    let (mut reader, mut writer) = connection.split();
    writer.raw(&Preamble::new(role).to_bytes()).await.expect("written");
    writer.message(&hello).await.expect("written");
    reader.preamble().await.expect("a verdict");
    let welcome = reader.message(MAX_MESSAGE).await.expect("read").expect("a welcome");
    (welcome, reader, writer)
}

fn program(token: Option<String>) -> Hello {
    Hello::Client(ClientHello { name: "a program".to_owned(), token, remote: None })
}

fn token() -> TokenRequest {
    TokenRequest {
        name: "anna".to_owned(),
        scopes: vec![Scope::Watch],
        cameras: Vec::new(),
        expires_s: None,
        invitation_s: None,
    }
}

#[tokio::test]
async fn who_says_to_be_a_program_is_bound_all_the_same() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (server, door) = door(&folder).await;
    for request in [Request::Shutdown, Request::ListCameras, Request::ListTokens] {
        let connection = door.connect().await.expect("passed");
        let (welcome, mut reader, mut writer) =
            enter(connection, Role::Control, program(None)).await;
        assert!(matches!(welcome, Welcome::Accepted { .. }), "{welcome:?}");
        let message = RequestMessage { id: 1, deadline_ms: None, request };
        writer.message(&message).await.expect("written");
        let reply: ReplyMessage =
            reader.message(MAX_MESSAGE).await.expect("read").expect("a reply");
        let kind = reply.result.map_err(|error| error.kind);
        assert_eq!(kind, Err::<Reply, _>(ErrorKind::Forbidden), "{:?}", message.request);
    }
    assert!(!server.stop.is_cancelled());
    // A program may read events; the bridge may not.
    let connection = door.connect().await.expect("passed");
    let (welcome, ..) = enter(connection, Role::Events, program(None)).await;
    assert!(matches!(&welcome, Welcome::Refused(error) if error.kind == ErrorKind::Forbidden));
    // Its token counts, and a wrong one is refused.
    let secret = server.tokens.add(token()).await.expect("made").secret;
    let connection = door.connect().await.expect("passed");
    let (welcome, ..) = enter(connection, Role::Control, program(Some(secret))).await;
    assert!(matches!(welcome, Welcome::Accepted { .. }), "{welcome:?}");
    let connection = door.connect().await.expect("passed");
    let (welcome, ..) = enter(connection, Role::Control, program(Some("cst_x".to_owned()))).await;
    assert!(matches!(&welcome, Welcome::Refused(error) if error.kind == ErrorKind::Forbidden));
}

#[tokio::test]
async fn nobody_is_answered_before_the_first_look_for_cameras() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = server(&folder).await;
    let (ours, theirs) = Door::pair().expect("a door");
    server.tasks.spawn(accept_through(server.clone(), ours, server.stop.clone()));
    let connection = Door::at(theirs).expect("its other end").connect().await.expect("passed");
    let mut entering = pin!(enter(connection, Role::Control, program(None)));
    let early = tokio::time::timeout(Duration::from_millis(100), &mut entering).await;
    assert!(early.is_err(), "the list may be empty by haste");
    server.registry.found(Vec::new()).await;
    let (welcome, ..) = entering.await;
    assert!(matches!(welcome, Welcome::Accepted { .. }), "{welcome:?}");
}

#[tokio::test]
async fn a_device_that_hangs_does_not_hold_up_clients_for_ever() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = server(&folder).await;
    let look = server.registry.first_look();
    tokio::time::timeout(Duration::from_secs(20), look).await.expect("it is waited for no longer");
    // Nor again by the next client.
    let look = server.registry.first_look();
    tokio::time::timeout(Duration::from_millis(1), look).await.expect("no more waiting");
}

#[tokio::test]
async fn the_bridge_and_its_users_come_through_the_door() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (server, door) = door(&folder).await;
    let secret = server.tokens.add(token()).await.expect("made").secret;
    let bridge = Connector::new("bridge").door(door.clone()).control().await.expect("accepted");
    let listening =
        BridgeListening { urls: vec!["http://127.0.0.1:8088/".to_owned()], fingerprint: None };
    bridge.bridge_listening(listening.clone()).await.expect("taken");
    assert_eq!(server.bridge.status().urls, listening.urls);
    let remote = Some("192.0.2.7".to_owned());
    let user = Connector::new("browser").bridged(Some(secret), remote).door(door.clone());
    let user = user.control().await.expect("accepted");
    assert_eq!(user.cameras().await.expect("listed").len(), 1);
    assert_eq!(server.bridge.status().connections, 1);
    // What is no address is not shown to anybody.
    for urls in [vec!["http://\x1b[2J/".to_owned()], vec![String::new(); 65]] {
        let refused = bridge.bridge_listening(BridgeListening { urls, fingerprint: None }).await;
        assert!(
            matches!(refused, Err(ClientError::Reply(error)) if error.kind == ErrorKind::Invalid)
        );
    }
    // It listens for as long as it is there.
    drop(bridge);
    let gone = async {
        while !server.bridge.status().urls.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), gone).await.expect("it is forgotten");
    // With the door all that came through it can go on; nothing new comes.
    server.stop.cancel();
    door.closed().await;
    assert!(door.connect().await.is_err());
}

#[tokio::test]
async fn the_bridge_never_gets_the_last_quarter_of_the_connections() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (server, door) = door(&folder).await;
    let mut config = Config::default();
    config.limits.connections = 8;
    server.config.send_replace(Arc::new(config));
    let mut kept = Vec::new();
    for _ in 0..6 {
        let connection = door.connect().await.expect("passed");
        let entered = enter(connection, Role::Control, program(None)).await;
        assert!(matches!(entered.0, Welcome::Accepted { .. }), "{:?}", entered.0);
        kept.push(entered);
    }
    let verdict = async || {
        let (mut reader, _writer) = door.connect().await.expect("passed").split();
        let answer = reader.preamble().await.expect("a verdict");
        Preamble::<Verdict>::from_bytes(&answer).expect("understood").what
    };
    assert_eq!(verdict().await, Verdict::TooManyConnections);
    assert!(accept::place_of_bridge(&server).is_none());
    // One that leaves makes room.
    kept.pop();
    while accept::place_of_bridge(&server).is_none() {
        tokio::task::yield_now().await;
    }
    let connection = door.connect().await.expect("passed");
    let (welcome, ..) = enter(connection, Role::Control, program(None)).await;
    assert!(matches!(welcome, Welcome::Accepted { .. }), "{welcome:?}");
}
