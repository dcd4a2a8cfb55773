//! Encryption: with the bridge's own certificate or with given files.
//!
//! The own one is looked at whenever somebody connects, and made anew when this machine has got
//! another name or it nears its end. Given files are looked at now and then, and read anew when
//! they have changed. Reading and signing happen on a blocking thread.

mod certificate;
mod files;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
};

use super::{BridgeError, names::Names};
use crate::config;
use certificate::Own;
use files::Files;

/// How connections are encrypted.
pub(super) struct Tls {
    origin: Origin,
    current: Mutex<Current>,
}

/// Where the certificate comes from.
enum Origin {
    /// It is made, and kept in this folder.
    Own(PathBuf),
    /// It is given.
    Files(Files),
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
        let (origin, current) = match wish {
            config::Tls::Off => return Ok(None),
            config::Tls::Own => {
                let own = Own::load_or_make(&folder, names)?;
                (Origin::Own(folder), Current::own(own)?)
            }
            config::Tls::Files { certificate, key } => {
                let files = Files::new(certificate.clone(), key.clone());
                let current = Current::given(&files)?;
                (Origin::Files(files), current)
            }
        };
        Ok(Some(Self { origin, current: Mutex::new(current) }))
    }

    /// SHA-256 of the certificate, as pairs of hexadecimal digits with colons.
    pub(super) fn fingerprint(&self) -> String {
        self.current().fingerprint.clone()
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What shakes hands with the next connection, on a machine that has these names.
    pub(super) async fn acceptor(&self, names: Arc<Names>) -> TlsAcceptor {
        let make: Box<dyn FnOnce() -> Result<Option<Current>, BridgeError> + Send> = match &self
            .origin
        {
            Origin::Own(folder) if self.is_stale(&names) => {
                let folder = folder.clone();
                Box::new(move || Current::own(Own::load_or_make(&folder, &names)?).map(Some))
            }
            Origin::Files(files) if files.are_due() => {
                let files = files.clone();
                Box::new(move || files.have_changed().then(|| Current::given(&files)).transpose())
            }
            Origin::Own(_) | Origin::Files(_) => return self.current().acceptor.clone(),
        };
        match tokio::task::spawn_blocking(make).await {
            Ok(Ok(Some(made))) => {
                tracing::info!(fingerprint = made.fingerprint, "there is another certificate");
                *self.current() = made;
            }
            Ok(Ok(None)) => {}
            Ok(Err(error)) => tracing::warn!("the certificate stays as it was: {error}"),
            Err(error) => tracing::warn!("the certificate stays as it was: {error}"),
        }
        self.current().acceptor.clone()
    }

    /// Whether the own certificate has to be made anew.
    fn is_stale(&self, names: &Names) -> bool {
        self.current().covers.as_ref().is_some_and(|covers| !covers.still_good(names))
    }
}

impl Current {
    fn own(own: Own) -> Result<Self, BridgeError> {
        let Own { chain, key, covers } = own;
        let path = PathBuf::from("the bridge's own certificate");
        Self::new(chain, key, Some(covers))
            .map_err(|reason| BridgeError::Certificate { path, reason })
    }

    fn given(files: &Files) -> Result<Self, BridgeError> {
        let (chain, key) = files.read()?;
        Self::new(chain, key, None).map_err(|reason| files.unusable(reason))
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
