//! What each request does.

use std::sync::Arc;

use protocol::{
    CameraId, ErrorKind, ErrorReply, FrameRate, ModeWish, PixelFormat, Reply, Request,
    ServiceStatus, Size,
};

use super::{
    super::{Server, clients::Connected, grants},
    remote,
};
use crate::slots::Pool;

type Result<T = Reply> = std::result::Result<T, ErrorReply>;

/// Does what `request` asks for.
pub(super) async fn handle(
    server: &Arc<Server>,
    connected: &Arc<Connected>,
    request: Request,
) -> Result {
    let registry = &server.registry;
    match request {
        Request::ListCameras => Ok(Reply::Cameras(registry.summaries())),
        Request::DescribeCamera { camera } => describe(server, connected, &camera).await,
        Request::Status => Ok(Reply::Status(status(server))),
        Request::ListClients => Ok(Reply::Clients(server.clients.summaries())),
        Request::StartCamera { camera, wish } => {
            let by = format!("{} (process {})", connected.watcher_name(), connected.pid);
            registry.find(&camera)?.start(wish, by).await.map(Reply::Started)
        }
        Request::StopCamera { camera } => registry.stop(&camera).await.map(|()| Reply::Done),
        Request::ListControls { camera } => {
            registry.find(&camera)?.controls().list().await.map(Reply::Controls)
        }
        Request::GetControls { camera, names } => {
            registry.find(&camera)?.controls().get(names).await.map(Reply::Controls)
        }
        Request::SetControls { camera, settings } => {
            registry.find(&camera)?.controls().set(settings).await.map(Reply::Outcomes)
        }
        Request::ResetControls { camera, names } => {
            registry.find(&camera)?.controls().reset(names).await.map(Reply::Outcomes)
        }
        Request::RenameCamera { camera, name } => {
            registry.rename(&camera, name).await.map(|()| Reply::Done)
        }
        Request::Disconnect { connection } => {
            server.clients.disconnect(connection).map(|()| Reply::Done)
        }
        Request::AddTestCamera { wish } => add_test_camera(server, wish).await,
        Request::RemoveTestCamera { camera } => {
            registry.remove_test_camera(&camera).await.map(|()| Reply::Done)
        }
        Request::ReloadConfig => super::super::reload(server, true).await.map(|()| Reply::Done),
        // The connection's writer stops the service once this reply is written.
        Request::Shutdown => Ok(Reply::Done),
        Request::ListPresets { camera } => Ok(Reply::Presets(registry.find(&camera)?.presets())),
        Request::SavePreset { camera, preset } => {
            registry.find(&camera)?.save_preset(preset).await.map(|()| Reply::Done)
        }
        Request::ApplyPreset { camera, preset } => {
            registry.find(&camera)?.apply_preset(&preset).await.map(Reply::Outcomes)
        }
        Request::RenamePreset { camera, preset, name } => {
            registry.find(&camera)?.rename_preset(&preset, name).await.map(|()| Reply::Done)
        }
        Request::DeletePreset { camera, preset } => {
            registry.find(&camera)?.delete_preset(&preset).await.map(|()| Reply::Done)
        }
        Request::ListPins { camera } => Ok(Reply::Pins(registry.find(&camera)?.controls().pins())),
        Request::PinControls { camera, settings } => {
            registry.find(&camera)?.controls().pin(settings).await.map(Reply::Outcomes)
        }
        Request::UnpinControls { camera, names } => {
            registry.find(&camera)?.controls().unpin(names).await.map(|()| Reply::Done)
        }
        Request::SetPrivacy { off } => set_privacy(server, off).await,
        Request::ListTokens => Ok(Reply::Tokens(server.tokens.summaries())),
        Request::AddToken { token } => remote::add_token(server, token).await,
        Request::RevokeToken { name } => server.tokens.revoke(&name).await.map(|()| Reply::Done),
        Request::BridgeStatus => Ok(Reply::Bridge(server.bridge.status())),
        Request::SetBridge { wish } => server.bridge.set(wish).await.map(Reply::Bridge),
        Request::WhoAmI => remote::who_am_i(connected),
        Request::RedeemInvitation { secret, remote } => {
            remote::redeem(server, &secret, &remote).await
        }
        Request::Watch { camera } => remote::watch(server, connected, &camera),
        Request::Unwatch { camera } => {
            // One that was not watched is not watched now, as wished.
            server.clients.unview(connected, &camera);
            Ok(Reply::Done)
        }
        Request::CountFrames { frames, dropped } => {
            connected.count_frames(frames, dropped);
            Ok(Reply::Done)
        }
        Request::BridgeListening { listening } => {
            server.bridge.listens(connected, listening).map(|()| Reply::Done)
        }
    }
}

async fn set_privacy(server: &Server, off: bool) -> Result {
    let kept = server.privacy.set(off).await;
    if off {
        // Who is told that they are off may count on it, also where that could not be kept.
        for camera in server.registry.all() {
            camera.closed().await;
        }
    }
    kept.map(|()| Reply::Done)
}

async fn describe(server: &Server, connected: &Connected, camera: &CameraId) -> Result {
    let camera = server.registry.find(camera)?;
    let mut detail = camera.detail();
    if let Some(device) = camera.device().filter(|_| grants::sees_holders(&connected.caller)) {
        // Looks through every process: not for the I/O thread, and one look at a time, whatever
        // their number. Who waits for its turn and gives up takes none.
        let turn = server.shared.look_for_holders.clone().acquire_owned().await;
        let holders = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            device.holders()
        });
        detail.holders = holders.await.unwrap_or_default();
    }
    Ok(Reply::Camera(Box::new(detail)))
}

fn status(server: &Server) -> ServiceStatus {
    ServiceStatus {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        since_unix_ns: server.since_unix_ns,
        endpoint: server.endpoint.to_string(),
        config: server.source.path().display().to_string(),
        started_by: server.started_by.clone(),
        privacy_off: server.privacy.is_off(),
        cameras: server.registry.summaries(),
        connections: server.clients.count(),
        max_connections: server.config.borrow().limits.connections,
        slot_bytes: Pool::bytes_in_process(),
    }
}

async fn add_test_camera(server: &Server, wish: ModeWish) -> Result {
    let ModeWish { format, size, rate } = wish;
    if let Some(format @ PixelFormat::Other(_)) = format {
        let message = format!("a test camera does not come in {format}");
        return Err(ErrorReply::new(ErrorKind::UnsupportedMode, message));
    }
    let size = size.unwrap_or(Size::new(640, 480));
    let rate = rate.unwrap_or(FrameRate::new(30, 1));
    let camera = server.registry.add_test_camera(size, rate).await?;
    Ok(Reply::Camera(Box::new(camera.detail())))
}
