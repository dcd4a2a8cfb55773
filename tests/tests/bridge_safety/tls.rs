//! Addresses off loopback, and the certificate.

use std::{fs, path::Path, process::Command, time::Duration};

use super::*;

/// The folder with the bridge's own certificate.
fn own(service: &Service) -> std::path::PathBuf {
    service.folder().join("state/camera-service/tls")
}

/// What `/healthz` answers to a client that trusts this certificate alone, and curl's errors.
fn healthz(bridge: &Bridge, host: &str, certificate: &Path) -> (String, String) {
    let url = format!("https://{host}:{}/healthz", bridge.address().port());
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "20", "--cacert"])
        .arg(certificate)
        .arg(&url)
        .output()
        .expect("curl runs");
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn off_loopback_there_is_tls_or_nothing() {
    let setup = setup();
    let refused = |args: &[&str]| {
        let all = [&["bridge", "--json"], args].concat();
        let output = setup.service.cli(&all);
        assert_eq!(output.code(), Some(1), "{args:?}");
        output.stderr.clone()
    };
    let open = refused(&["--listen", "0.0.0.0:0"]);
    assert!(open.contains("--tls self"), "{open}");
    let watch = refused(&["--listen", "0.0.0.0:0", "--insecure", "--open-watch"]);
    assert!(watch.contains("loopback only"), "{watch}");
    let insecure = Bridge::start_at(&setup.service, "0.0.0.0:0", &["--insecure"]);
    assert_eq!(insecure.http().get("/api/cameras").status, 401);
}

#[test]
fn the_own_certificate_is_kept_and_good_for_every_name() {
    let setup = setup();
    let bridge = Bridge::start_tls(&setup.service, "0.0.0.0:0", "self");
    let fingerprint = bridge.fingerprint().expect("it has a certificate");
    let certificate = own(&setup.service).join("certificate.pem");
    for host in ["localhost", "127.0.0.1"] {
        let (out, error) = healthz(&bridge, host, &certificate);
        assert_eq!(out, "ok\n", "{host}: {error}");
    }
    drop(bridge);
    let again = Bridge::start_tls(&setup.service, "0.0.0.0:0", "self");
    assert_eq!(again.fingerprint(), Some(fingerprint));
}

#[test]
fn a_given_certificate_that_was_renewed_is_used_from_then_on_and_told() {
    let setup = setup();
    // Somebody else's, as far as the bridge knows that has them.
    let given = tempfile::tempdir().expect("a temporary folder");
    let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| given.path().join(name));
    let renew = || {
        // Without a key another one is made.
        let _ = fs::remove_dir_all(own(&setup.service));
        drop(Bridge::start_tls(&setup.service, "127.0.0.1:0", "self"));
        for file in [&key, &certificate] {
            let made = own(&setup.service).join(file.file_name().expect("a name"));
            fs::copy(made, file).expect("copied");
        }
    };
    renew();
    let files = format!("{},{}", certificate.display(), key.display());
    let bridge = Bridge::start_tls(&setup.service, "127.0.0.1:0", &files);
    let first = bridge.fingerprint();
    wait_until("the bridge to reach the service", Duration::from_secs(60), || {
        match healthz(&bridge, "localhost", &certificate) {
            (out, _) if out == "ok\n" => Ok(()),
            (out, error) => Err(format!("{out}{error}")),
        }
    });

    renew();
    let patience = Duration::from_secs(60);
    wait_until("the renewed one to be used", patience, || {
        match healthz(&bridge, "localhost", &certificate) {
            (out, _) if out == "ok\n" => Ok(()),
            (_, error) => Err(error),
        }
    });
    wait_until("the service to be told", patience, || {
        let told = setup.service.json(&["bridge", "status"])["fingerprint"].clone();
        if told.is_string() && told.as_str() != first.as_deref() {
            return Ok(());
        }
        Err(told.to_string())
    });
}
