//! The bridge's own certificate: made, kept in the state folder, made anew with the same key.
//!
//! Three files, readable for this user alone: `key.pem`, `certificate.pem`, and `covers.toml`
//! with the names that the certificate is for and its end. All of it blocks.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use serde::{Deserialize, Serialize};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

use super::{BridgeError, Names};
use crate::{clock, state::files, time::date};

const DAY: u64 = 86_400;
/// Days that a certificate is good for, one of them before it is made: phones take no more than
/// 397 in all.
const DAYS: u64 = 390;
/// With less left it is made anew.
const LEAST_DAYS: u64 = 30;

/// The own certificate.
pub(super) struct Own {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    pub(super) covers: Covers,
}

/// What a certificate is good for.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Covers {
    /// Seconds since 1970.
    end: u64,
    names: BTreeSet<String>,
}

impl Covers {
    /// Whether it has all of `names` and some time left. What it has beside them does no harm, and
    /// browsers trust a certificate that they know.
    pub(super) fn still_good(&self, names: &Names) -> bool {
        self.names.is_superset(&texts(names)) && self.end > now() + LEAST_DAYS * DAY
    }
}

fn now() -> u64 {
    clock::unix_ns() / 1_000_000_000
}

fn texts(names: &Names) -> BTreeSet<String> {
    let addresses = names.addresses.iter().map(ToString::to_string);
    names.hosts.iter().cloned().chain(addresses).collect()
}

impl Own {
    /// What is kept in `folder`, if it is still good for `names`; else made anew, with the key
    /// that is kept there.
    pub(super) fn load_or_make(folder: &Path, names: &Names) -> Result<Self, BridgeError> {
        let failed = |doing: &'static str| {
            let folder = folder.to_owned();
            move |source: io::Error| BridgeError::Keep { doing, folder, source }
        };
        private_folder(folder).map_err(failed("make the folder"))?;
        let [key_file, certificate_file, covers_file] =
            ["key.pem", "certificate.pem", "covers.toml"].map(|name| folder.join(name));
        let kept_key = match fs::read_to_string(&key_file) {
            Ok(text) => KeyPair::from_pem(&text).ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed("read the key")(error)),
        };
        let had_key = kept_key.is_some();
        let unmade =
            |error: rcgen::Error| failed("make a certificate")(io::Error::other(error.to_string()));
        let key = kept_key.map_or_else(KeyPair::generate, Ok).map_err(unmade)?;
        let private = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|error| failed("make a key")(io::Error::other(error)))?;
        if had_key && let Some(kept) = kept(&certificate_file, &covers_file, names) {
            let (chain, covers) = kept;
            return Ok(Self { chain, key: private, covers });
        }
        let covers = Covers { end: now() + (DAYS - 1) * DAY, names: texts(names) };
        let certificate = params(&covers).and_then(|params| params.self_signed(&key));
        let certificate = certificate.map_err(unmade)?;
        if !had_key {
            write(&key_file, &key.serialize_pem()).map_err(failed("keep the key"))?;
        }
        // What it covers last: cut short in between, it is made anew the next time.
        let text = toml::to_string(&covers).map_err(io::Error::other);
        text.and_then(|text| {
            write(&certificate_file, &certificate.pem())?;
            write(&covers_file, &text)
        })
        .map_err(failed("keep the certificate"))?;
        Ok(Self { chain: vec![certificate.der().clone()], key: private, covers })
    }
}

fn kept(
    certificate: &Path,
    covers: &Path,
    names: &Names,
) -> Option<(Vec<CertificateDer<'static>>, Covers)> {
    let covers: Covers = toml::from_str(&fs::read_to_string(covers).ok()?).ok()?;
    if !covers.still_good(names) {
        return None;
    }
    Some((vec![CertificateDer::from_pem_file(certificate).ok()?], covers))
}

fn params(covers: &Covers) -> Result<CertificateParams, rcgen::Error> {
    let names: Vec<String> = covers.names.iter().cloned().collect();
    let mut params = CertificateParams::new(names)?;
    let day = |seconds: u64| {
        let (year, month, day) = date(seconds * 1_000_000_000);
        date_time_ymd(year, month, day)
    };
    params.not_before = day(covers.end - DAYS * DAY);
    params.not_after = day(covers.end);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.distinguished_name.push(DnType::CommonName, "camera-service");
    Ok(params)
}

fn private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Writes a file that nobody else may read, under another name first.
fn write(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write as _;
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = PathBuf::from(temporary);
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    drop(file);
    files::rename(&temporary, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(hosts: &[&str]) -> Names {
        let addresses = BTreeSet::from([[127, 0, 0, 1].into()]);
        let hosts = hosts.iter().map(|&host| host.to_owned()).collect();
        Names { hosts, addresses, ..Names::default() }
    }

    #[test]
    fn a_certificate_is_kept_and_made_anew_with_the_same_key() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let folder = folder.path().join("tls");
        let first = Own::load_or_make(&folder, &names(&["desk"])).expect("made");
        let again = Own::load_or_make(&folder, &names(&["desk"])).expect("kept");
        assert_eq!(first.chain, again.chain);
        let fewer = Own::load_or_make(&folder, &names(&[])).expect("kept");
        assert_eq!(first.chain, fewer.chain);
        let other = Own::load_or_make(&folder, &names(&["desk", "lamp"])).expect("made anew");
        assert_ne!(first.chain, other.chain);
        assert_eq!(first.key.secret_der(), other.key.secret_der());
        #[cfg(unix)]
        for entry in fs::read_dir(&folder).expect("a folder") {
            use std::os::unix::fs::PermissionsExt as _;
            let entry = entry.expect("an entry");
            let mode = entry.metadata().expect("known").permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{:?}", entry.path());
        }
    }

    #[test]
    fn one_that_nears_its_end_is_not_good_any_more() {
        let names = names(&["desk"]);
        let covers = |days: u64| Covers { end: now() + days * DAY, names: texts(&names) };
        assert!(covers(DAYS).still_good(&names) && covers(LEAST_DAYS + 1).still_good(&names));
        assert!(!covers(LEAST_DAYS - 1).still_good(&names));
    }
}
