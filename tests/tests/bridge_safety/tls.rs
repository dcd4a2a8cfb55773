//! Addresses off loopback, and the certificate.

use super::*;

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
    let bridge = Bridge::start_tls(&setup.service, "0.0.0.0:0");
    let fingerprint = bridge.fingerprint().expect("it has a certificate");
    let curl = |host: &str| {
        let url = format!("https://{host}:{}/healthz", bridge.address().port());
        let certificate = setup.service.folder().join("state/camera-service/tls/certificate.pem");
        let output = std::process::Command::new("curl")
            .args(["--silent", "--show-error", "--max-time", "20", "--cacert"])
            .arg(certificate)
            .arg(&url)
            .output()
            .expect("curl runs");
        (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    for host in ["localhost", "127.0.0.1"] {
        let (out, error) = curl(host);
        assert_eq!(out, "ok\n", "{host}: {error}");
    }
    drop(bridge);
    let again = Bridge::start_tls(&setup.service, "0.0.0.0:0");
    assert_eq!(again.fingerprint(), Some(fingerprint));
}
