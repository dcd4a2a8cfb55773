//! A certificate and its key that somebody else makes and renews.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use tokio_rustls::rustls::pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject as _},
};

use super::BridgeError;

/// They are looked at no more often than this.
const LOOK: Duration = Duration::from_secs(10);

/// The files. Clones are the same.
#[derive(Clone)]
pub(super) struct Files {
    certificate: PathBuf,
    key: PathBuf,
    seen: Arc<Mutex<Seen>>,
}

/// What they were like when they were looked at last.
struct Seen {
    at: Instant,
    stamps: [Option<Stamp>; 2],
}

/// What is another one where a file was written or replaced.
type Stamp = (SystemTime, u64);

impl Files {
    /// Notes what the files are like now. Blocks.
    pub(super) fn new(certificate: PathBuf, key: PathBuf) -> Self {
        let stamps = [stamp(&certificate), stamp(&key)];
        let seen = Arc::new(Mutex::new(Seen { at: Instant::now(), stamps }));
        Self { certificate, key, seen }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is time to look at them again; once each time.
    pub(super) fn are_due(&self) -> bool {
        let mut seen = self.seen();
        let are_due = seen.at.elapsed() >= LOOK;
        if are_due {
            seen.at = Instant::now();
        }
        are_due
    }

    /// Whether they are others than when they were looked at last. Blocks.
    pub(super) fn have_changed(&self) -> bool {
        let now = [stamp(&self.certificate), stamp(&self.key)];
        // One that is being replaced is there a moment later.
        if now.contains(&None) {
            return false;
        }
        std::mem::replace(&mut self.seen().stamps, now) != now
    }

    /// What is in them. Blocks.
    pub(super) fn read(
        &self,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), BridgeError> {
        let unreadable = |path: &PathBuf, error: pem::Error| BridgeError::Certificate {
            path: path.clone(),
            reason: error.to_string(),
        };
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| unreadable(&self.certificate, error))?;
        let key = PrivateKeyDer::from_pem_file(&self.key);
        Ok((chain, key.map_err(|error| unreadable(&self.key, error))?))
    }

    /// Why what is in them is of no use.
    pub(super) fn unusable(&self, reason: String) -> BridgeError {
        BridgeError::Certificate { path: self.certificate.clone(), reason }
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let data = fs::metadata(path).ok()?;
    Some((data.modified().ok()?, data.len()))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn files_that_were_replaced_have_changed_once() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let [certificate, key] = ["chain.pem", "key.pem"].map(|name| folder.path().join(name));
        fs::write(&certificate, "old")?;
        fs::write(&key, "old")?;
        let files = Files::new(certificate.clone(), key.clone());
        assert!(!files.have_changed() && !files.are_due());
        fs::remove_file(&key)?;
        assert!(!files.have_changed(), "half-way");
        fs::write(&key, "renewed")?;
        assert!(files.have_changed());
        assert!(!files.have_changed());
        Ok(())
    }
}
