//! Requests about tokens and the bridge, and those of the bridge itself. A service of version 1.0
//! closes the connection on them.

use super::{Client, ClientError, control::call};
use crate::{
    BridgeListening, BridgeStatus, BridgeWish, CameraId, Grant, NewToken, Reply, Request,
    TokenRequest, TokenSummary,
};

impl Client {
    /// All tokens.
    pub async fn tokens(&self) -> Result<Vec<TokenSummary>, ClientError> {
        call!(self, Request::ListTokens, Reply::Tokens(tokens) => tokens)
    }

    /// Makes a token or an invitation. Its secret is told this once.
    pub async fn add_token(&self, token: TokenRequest) -> Result<NewToken, ClientError> {
        call!(self, Request::AddToken { token }, Reply::TokenAdded(token) => token)
    }

    /// Ends a token and its connections.
    pub async fn revoke_token(&self, name: impl Into<String>) -> Result<(), ClientError> {
        call!(self, Request::RevokeToken { name: name.into() }, Reply::Done => ())
    }

    /// The bridge as it is now.
    pub async fn bridge(&self) -> Result<BridgeStatus, ClientError> {
        call!(self, Request::BridgeStatus, Reply::Bridge(bridge) => bridge)
    }

    /// Turns the bridge on or off, or has it listen elsewhere. The reply comes at once; whether
    /// it then listens, [`crate::Event::BridgeChanged`] tells.
    pub async fn set_bridge(&self, wish: BridgeWish) -> Result<BridgeStatus, ClientError> {
        call!(self, Request::SetBridge { wish }, Reply::Bridge(bridge) => bridge)
    }

    /// With a token: what it grants.
    pub async fn who_am_i(&self) -> Result<Grant, ClientError> {
        call!(self, Request::WhoAmI, Reply::Grant(grant) => grant)
    }

    /// The bridge itself: swaps the secret of an invitation, which the user at the address
    /// `remote` showed, for that of a token.
    pub async fn redeem_invitation(
        &self,
        secret: impl Into<String>,
        remote: impl Into<String>,
    ) -> Result<NewToken, ClientError> {
        let (secret, remote) = (secret.into(), remote.into());
        let request = Request::RedeemInvitation { secret, remote };
        call!(self, request, Reply::TokenAdded(token) => token)
    }

    /// With a token: its user watches a camera from now on. The camera's id, also where `camera`
    /// is a name. Once is enough however many streams the user has of it.
    pub async fn watch(&self, camera: &CameraId) -> Result<CameraId, ClientError> {
        let camera = camera.clone();
        call!(self, Request::Watch { camera }, Reply::Watching { camera } => camera)
    }

    /// With a token: its user watches a camera no more.
    pub async fn unwatch(&self, camera: &CameraId) -> Result<(), ClientError> {
        call!(self, Request::Unwatch { camera: camera.clone() }, Reply::Done => ())
    }

    /// With a token: frames that its user got so far, and that were passed over.
    pub async fn count_frames(&self, frames: u64, dropped: u64) -> Result<(), ClientError> {
        call!(self, Request::CountFrames { frames, dropped }, Reply::Done => ())
    }

    /// The bridge itself: it listens, until this connection ends.
    pub async fn bridge_listening(&self, listening: BridgeListening) -> Result<(), ClientError> {
        call!(self, Request::BridgeListening { listening }, Reply::Done => ())
    }
}
