//! Encryption: with the bridge's own certificate or with given files.
//!
//! The own one is looked at whenever somebody connects, and made anew when this machine's names
//! have changed or it nears its end; reading and signing happen on a blocking thread.

mod certificate;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

use super::{BridgeError, names::Names};
use crate::config;
use certificate::Own;

/// How connections are encrypted.
pub(super) struct Tls {
    own: Option<PathBuf>,
    current: Mutex<Current>,
}

struct Current {
    acceptor: TlsAcceptor,
    fingerprint: String,
    /// The own certificate's names and end.
    covers: Option<certificate::Covers>,
}

impl Tls {
    /// Reads or makes what `wish` asks for; `None` where connections are not encrypted. The own
    /// certificate is kept in `folder`. Blocks.
    pub(super) fn load(
        wish: &config::Tls,
        folder: PathBuf,
        names: &Names,
    ) -> Result<Option<Self>, BridgeError> {
        let (own, current) = match wish {
            config::Tls::Off => return Ok(None),
            config::Tls::Own => {
                let own = Own::load_or_make(&folder, names)?;
                (Some(folder), Current::own(own)?)
            }
            config::Tls::Files { certificate, key } => {
                let unreadable = |path: &PathBuf, error: rustls::pki_types::pem::Error| {
                    BridgeError::Certificate { path: path.clone(), reason: error.to_string() }
                };
                let chain = CertificateDer::pem_file_iter(certificate)
                    .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                    .map_err(|error| unreadable(certificate, error))?;
                let key =
                    PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, error))?;
                let current = Current::new(chain, key, None).map_err(|reason| {
                    BridgeError::Certificate { path: certificate.clone(), reason }
                })?;
                (None, current)
            }
        };
        Ok(Some(Self { own, current: Mutex::new(current) }))
    }

    /// SHA-256 of the certificate, as pairs of hexadecimal digits with colons.
    pub(super) fn fingerprint(&self) -> String {
        self.current().fingerprint.clone()
    }

    fn current(&self) -> std::sync::MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What shakes hands with the next connection, on a machine that has these names.
    pub(super) async fn acceptor(&self, names: Arc<Names>) -> TlsAcceptor {
        let stale = |covers: &certificate::Covers| !covers.still_good(&names);
        let folder = {
            let current = self.current();
            match &self.own {
                Some(folder) if current.covers.as_ref().is_some_and(stale) => folder.clone(),
                _ => return current.acceptor.clone(),
            }
        };
        let make = move || Current::own(Own::load_or_make(&folder, &names)?);
        match tokio::task::spawn_blocking(make).await {
            Ok(Ok(made)) => {
                tracing::info!(fingerprint = made.fingerprint, "the certificate was made anew");
                *self.current() = made;
            }
            Ok(Err(error)) => tracing::warn!("the certificate could not be made anew: {error}"),
            Err(error) => tracing::warn!("the certificate could not be made anew: {error}"),
        }
        self.current().acceptor.clone()
    }
}

impl Current {
    fn own(own: Own) -> Result<Self, BridgeError> {
        let Own { chain, key, covers } = own;
        let path = PathBuf::from("the bridge's own certificate");
        Self::new(chain, key, Some(covers))
            .map_err(|reason| BridgeError::Certificate { path, reason })
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        covers: Option<certificate::Covers>,
    ) -> Result<Self, String> {
        let first = chain.first().ok_or("it holds no certificate")?;
        let digits = HEXLOWER.encode(&Sha256::digest(first));
        let pairs: Vec<&str> =
            (0..digits.len()).step_by(2).filter_map(|at| digits.get(at..at + 2)).collect();
        let fingerprint = pairs.join(":");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|error| error.to_string())?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), fingerprint, covers })
    }
}
