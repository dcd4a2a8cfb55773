//! The whole table: every kind of request, sent with every scope and to the right and to a wrong
//! camera.
//!
//! `kinds!` makes a `match` without a wildcard: a new request does not compile until it stands
//! here with what it needs.

use protocol::{
    BridgeListening, BridgeWish, Client, ClientError, ConnectionId, ErrorKind, ModeWish, Request,
    Scope,
};

use super::{bridge, local, run, secret, service, token, with_token};

/// Who may send a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// This scope, for the camera that it names, if any.
    Scope(Scope),
    /// This scope, for all cameras.
    AllCameras(Scope),
    /// Any token.
    Token,
    /// The bridge itself.
    Bridge,
    /// A program of this user: never bridged.
    Program,
}

macro_rules! kinds {
    ($($pattern:pat, $needs:expr, $programs:literal, [$($sample:expr),+];)+) => {
        /// What a request needs, and whether programs may send it.
        fn needs(request: &Request) -> (Needs, bool) {
            match request {
                $($pattern => ($needs, $programs),)+
            }
        }

        /// Requests of every kind, to `camera` where they name one.
        fn samples(camera: &str) -> Vec<Request> {
            let kinds = vec![$(vec![$(($sample)(camera)),+]),+];
            // Every line above has a sample of its own.
            for (line, samples) in kinds.iter().enumerate() {
                for sample in samples {
                    let mut at = 0;
                    $(
                        if matches!(sample, $pattern) {
                            assert_eq!(at, line, "{sample:?} stands under another kind");
                        }
                        at += 1;
                    )+
                    let _ = at;
                }
            }
            kinds.into_iter().flatten().collect()
        }
    };
}

const CONTROL: Needs = Needs::Scope(Scope::Control);
const WATCH: Needs = Needs::Scope(Scope::Watch);

kinds! {
    Request::ListCameras, WATCH, true, [|_: &str| Request::ListCameras];
    Request::DescribeCamera { .. }, WATCH, true, [|c: &str| Request::DescribeCamera { camera: c.into() }];
    Request::Status, CONTROL, true, [|_: &str| Request::Status];
    Request::ListClients, CONTROL, true, [|_: &str| Request::ListClients];
    Request::StartCamera { .. }, CONTROL, true, [|c: &str| Request::StartCamera { camera: c.into(), wish: ModeWish::default() }];
    Request::StopCamera { .. }, CONTROL, true, [|c: &str| Request::StopCamera { camera: c.into() }];
    Request::ListControls { .. }, CONTROL, true, [|c: &str| Request::ListControls { camera: c.into() }];
    Request::GetControls { .. }, CONTROL, true, [|c: &str| Request::GetControls { camera: c.into(), names: vec![] }];
    Request::SetControls { .. }, CONTROL, true, [|c: &str| Request::SetControls { camera: c.into(), settings: vec![] }];
    Request::ResetControls { .. }, CONTROL, true, [|c: &str| Request::ResetControls { camera: c.into(), names: vec![] }];
    Request::RenameCamera { .. }, CONTROL, true, [|c: &str| Request::RenameCamera { camera: c.into(), name: None }];
    Request::ListPresets { .. }, CONTROL, true, [|c: &str| Request::ListPresets { camera: c.into() }];
    Request::SavePreset { .. }, CONTROL, true, [|c: &str| Request::SavePreset { camera: c.into(), preset: "p".to_owned() }];
    Request::ApplyPreset { .. }, CONTROL, true, [|c: &str| Request::ApplyPreset { camera: c.into(), preset: "p".to_owned() }];
    Request::RenamePreset { .. }, CONTROL, true, [|c: &str| Request::RenamePreset { camera: c.into(), preset: "p".to_owned(), name: "q".to_owned() }];
    Request::DeletePreset { .. }, CONTROL, true, [|c: &str| Request::DeletePreset { camera: c.into(), preset: "q".to_owned() }];
    Request::ListPins { .. }, CONTROL, true, [|c: &str| Request::ListPins { camera: c.into() }];
    Request::PinControls { .. }, CONTROL, true, [|c: &str| Request::PinControls { camera: c.into(), settings: vec![] }];
    Request::UnpinControls { .. }, CONTROL, true, [|c: &str| Request::UnpinControls { camera: c.into(), names: vec![] }];
    Request::SetPrivacy { off: true }, Needs::AllCameras(Scope::Control), true, [|_: &str| Request::SetPrivacy { off: true }];
    Request::SetPrivacy { off: false }, Needs::Program, true, [|_: &str| Request::SetPrivacy { off: false }];
    // Programs may; what they would get is tested elsewhere, and some of it ends the service.
    Request::Disconnect { .. }, Needs::Program, true, [|_: &str| Request::Disconnect { connection: ConnectionId(9_999) }];
    Request::AddTestCamera { .. }, Needs::Program, true, [|_: &str| Request::AddTestCamera { wish: ModeWish::default() }];
    Request::RemoveTestCamera { .. }, Needs::Program, true, [|c: &str| Request::RemoveTestCamera { camera: c.into() }];
    Request::ReloadConfig, Needs::Program, true, [|_: &str| Request::ReloadConfig];
    Request::Shutdown, Needs::Program, true, [|_: &str| Request::Shutdown];
    Request::ListTokens, Needs::Program, true, [|_: &str| Request::ListTokens];
    Request::AddToken { .. }, Needs::Program, true, [|_: &str| Request::AddToken { token: token("own", &Scope::ALL, &[]) }];
    Request::RevokeToken { .. }, Needs::Program, true, [|_: &str| Request::RevokeToken { name: "watch".to_owned() }];
    Request::BridgeStatus, Needs::Program, true, [|_: &str| Request::BridgeStatus];
    Request::SetBridge { .. }, Needs::Program, true, [|_: &str| Request::SetBridge { wish: BridgeWish::default() }];
    Request::WhoAmI, Needs::Token, false, [|_: &str| Request::WhoAmI];
    Request::RedeemInvitation { .. }, Needs::Bridge, false, [|_: &str| Request::RedeemInvitation { secret: String::new(), remote: String::new() }];
    Request::Watch { .. }, WATCH, false, [|c: &str| Request::Watch { camera: c.into() }];
    Request::Unwatch { .. }, WATCH, false, [|c: &str| Request::Unwatch { camera: c.into() }];
    Request::CountFrames { .. }, WATCH, false, [|_: &str| Request::CountFrames { frames: 0, dropped: 0 }];
    Request::BridgeListening { .. }, Needs::Bridge, false, [|_: &str| Request::BridgeListening { listening: BridgeListening { urls: vec![], fingerprint: None } }];
}

/// Whether the service lets the request be made, whatever comes of it then.
async fn is_let(client: &Client, request: Request) -> bool {
    // Redeeming is let, and then fails for want of an invitation, with the same kind.
    let redeems = matches!(request, Request::RedeemInvitation { .. });
    match client.request(request).await {
        Ok(_) => true,
        Err(ClientError::Reply(error)) if error.kind == ErrorKind::Forbidden => {
            redeems && error.message.contains("invitation")
        }
        Err(ClientError::Reply(_)) => true,
        Err(error) => panic!("the connection did not last: {error}"),
    }
}

fn names_camera(request: &Request, camera: &str) -> bool {
    format!("{request:?}").contains(camera)
}

#[test]
fn every_request_needs_its_scope_and_its_camera() {
    const RIGHT: &str = "test:1";
    const WRONG: &str = "test:0";
    let service = service();
    run(async {
        let client = local(&service).await;
        // All sets of scopes but the empty one, each for all cameras and for one.
        for set in 1..1 << Scope::ALL.len() {
            let has = |at: &usize| set & (1 << at) != 0;
            let scopes: Vec<Scope> =
                (0..Scope::ALL.len()).filter(has).map(|at| Scope::ALL[at]).collect();
            for limited in [false, true] {
                let name = format!("set-{set}-{limited}");
                let cameras = if limited { &[RIGHT][..] } else { &[] };
                let secret = secret(&client, token(&name, &scopes, cameras)).await;
                let user = with_token(&service, &secret).control().await.expect("connected");
                for camera in [RIGHT, WRONG] {
                    for request in samples(camera) {
                        let is_wrong = limited && names_camera(&request, WRONG);
                        let expected = match needs(&request).0 {
                            Needs::Scope(scope) => scopes.contains(&scope) && !is_wrong,
                            Needs::AllCameras(scope) => scopes.contains(&scope) && !limited,
                            Needs::Token => true,
                            Needs::Bridge | Needs::Program => false,
                        };
                        let what = format!("{scopes:?} for {cameras:?}: {request:?}");
                        assert_eq!(is_let(&user, request).await, expected, "{what}");
                    }
                }
                // A token may turn them off; only this machine turns them on again.
                client.set_privacy(false).await.expect("turned on");
            }
        }
    });
}

#[test]
fn the_bridge_itself_may_do_next_to_nothing() {
    let service = service();
    run(async {
        let bridge = bridge(&service).control().await.expect("connected");
        for request in samples("test:0") {
            let expected = needs(&request).0 == Needs::Bridge;
            let what = format!("{request:?}");
            assert_eq!(is_let(&bridge, request).await, expected, "{what}");
        }
    });
}

#[test]
fn programs_may_do_all_but_speak_for_users() {
    let service = service();
    run(async {
        let client = local(&service).await;
        for request in samples("test:0") {
            let (_, expected) = needs(&request);
            // It would end the test; every other one of its tests ends a service by it or a signal.
            if matches!(request, Request::Shutdown) {
                continue;
            }
            let what = format!("{request:?}");
            // A kind that programs may not send is told before it is looked at.
            let is_let = match client.request(request).await {
                Err(ClientError::Reply(error)) => {
                    !error.message.contains("bridged connections only")
                }
                Ok(_) => true,
                Err(error) => panic!("{what}: {error}"),
            };
            assert_eq!(is_let, expected, "{what}");
        }
    });
}
