//! Tokens as files, clocks and users treat them.

use std::fs;

use protocol::{CameraId, Scope};
use tempfile::TempDir;

use super::*;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("tokens.toml");
    (folder, path)
}

fn load(path: &std::path::Path) -> Arc<Tokens> {
    Tokens::load(path.to_owned(), Hub::new(), CancellationToken::new())
}

fn request(name: &str) -> TokenRequest {
    TokenRequest {
        name: name.to_owned(),
        scopes: vec![Scope::Control, Scope::Watch, Scope::Watch],
        cameras: vec!["test:0".into()],
        expires_s: None,
        invitation_s: None,
    }
}

fn invitation(name: &str, seconds: u32) -> TokenRequest {
    TokenRequest { invitation_s: Some(seconds), ..request(name) }
}

fn names(tokens: &Tokens) -> Vec<String> {
    tokens.summaries().into_iter().map(|token| token.name).collect()
}

fn kind<T>(result: Result<T, ErrorReply>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind)
}

#[tokio::test]
async fn a_token_logs_in_also_after_a_restart_and_its_secret_is_nowhere() {
    let (_folder, path) = folder();
    let tokens = load(&path);
    let made = tokens.add(request("phone")).await.expect("made");
    assert_eq!(made.summary.scopes, [Scope::Watch, Scope::Control]);
    assert_eq!(kind(tokens.add(request("phone")).await), Some(ErrorKind::NameTaken));
    let text = fs::read_to_string(&path).expect("written");
    assert!(text.contains("name = \"phone\"") && !text.contains(&made.secret[4..]), "{text}");
    for tokens in [tokens, load(&path)] {
        let token = tokens.log_in(&made.secret).expect("logged in");
        assert!(token.has(Scope::Control) && !token.has(Scope::Publish));
        assert!(token.is_for(&"test:0".into()) && !token.is_for(&"test:1".into()));
        assert_eq!(tokens.summaries()[0].used_unix_ns, None);
        let used = token.enter();
        let summary = &tokens.summaries()[0];
        assert!(summary.used_unix_ns.is_some() && summary.connections == 1);
        drop(used);
        assert_eq!(tokens.summaries()[0].connections, 0);
        for wrong in ["", "cst_", &made.secret[..46], &made.secret.to_lowercase()] {
            assert_eq!(kind(tokens.log_in(wrong)), Some(ErrorKind::Forbidden), "{wrong}");
        }
    }
}

#[tokio::test]
async fn a_token_for_no_camera_in_particular_is_for_all() {
    let (_folder, path) = folder();
    let tokens = load(&path);
    let request = TokenRequest { cameras: vec![], ..request("all") };
    let secret = tokens.add(request).await.expect("made").secret;
    let token = tokens.log_in(&secret).expect("logged in");
    assert!(!token.is_limited() && token.is_for(&CameraId("any".to_owned())));
}

#[tokio::test]
async fn revoking_ends_a_token_at_once_and_for_good() {
    let (_folder, path) = folder();
    let tokens = load(&path);
    let made = tokens.add(request("phone")).await.expect("made");
    let token = tokens.log_in(&made.secret).expect("logged in");
    let connection = token.ended().child_token();
    assert!(token.check().is_ok());
    tokens.revoke("phone").await.expect("revoked");
    assert!(connection.is_cancelled());
    let why = token.check().expect_err("revoked");
    assert!(why.kind == ErrorKind::Forbidden && why.message.contains("revoked"), "{why}");
    assert_eq!(kind(tokens.log_in(&made.secret)), Some(ErrorKind::Forbidden));
    assert_eq!(kind(tokens.revoke("phone").await), Some(ErrorKind::Invalid));
    assert_eq!(names(&load(&path)), [""; 0]);
}

#[tokio::test]
async fn a_token_expires_while_it_is_used_and_is_forgotten() {
    let (_folder, path) = folder();
    let tokens = load(&path);
    let time = tokio::spawn(tokens.clone().keep_time());
    let lasting = tokens.add(request("lasting")).await.expect("made");
    let request = TokenRequest { expires_s: Some(1), ..request("short") };
    let made = tokens.add(request).await.expect("made");
    let token = tokens.log_in(&made.secret).expect("logged in");
    tokio::time::timeout(Duration::from_secs(10), token.ended().cancelled())
        .await
        .expect("it ends by itself");
    let why = token.check().expect_err("expired");
    assert!(why.message.contains("expired"), "{why}");
    assert!(tokens.log_in(&made.secret).is_err() && tokens.log_in(&lasting.secret).is_ok());
    // The file is written behind it.
    let _changing = tokens.changing.lock().await;
    assert_eq!(names(&tokens), ["lasting"]);
    assert_eq!(names(&load(&path)), ["lasting"]);
    time.abort();
}

#[tokio::test]
async fn what_expired_while_the_service_was_off_is_not_there() {
    let (_folder, path) = folder();
    let tokens = load(&path);
    tokens.add(request("phone")).await.expect("made");
    let text = fs::read_to_string(&path).expect("written");
    fs::write(&path, text + "expires_unix_ns = 1000\n").expect("written");
    assert_eq!(names(&load(&path)), [""; 0]);
}

#[tokio::test]
async fn an_invitation_is_good_for_one_token() {
    let (_folder, path) = folder();
    let tokens = load(&path);
    let invited = tokens.add(invitation("phone", 60)).await.expect("invited");
    assert_eq!(names(&tokens), [""; 0]);
    assert!(!path.exists(), "an invitation is kept in memory only");
    // Neither is taken for the other.
    assert!(tokens.log_in(&invited.secret).is_err());
    let (one, other) = tokio::join!(tokens.redeem(&invited.secret), tokens.redeem(&invited.secret));
    assert_eq!(kind(other), Some(ErrorKind::Forbidden));
    let made = one.expect("redeemed");
    assert_eq!(made.summary.name, "phone");
    assert!(tokens.log_in(&made.secret).expect("logged in").is_for(&"test:0".into()));
    assert!(tokens.redeem(&made.secret).await.is_err());
    // The next guest of this name gets a number.
    let again = tokens.add(invitation("phone", 60)).await.expect("invited");
    let made = tokens.redeem(&again.secret).await.expect("redeemed");
    assert_eq!(made.summary.name, "phone-2");
}

#[tokio::test]
async fn an_invitation_comes_to_an_end_and_there_are_not_too_many() {
    let (_folder, path) = folder();
    let tokens = load(&path);
    let invited = tokens.add(invitation("late", 1)).await.expect("invited");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(kind(tokens.redeem(&invited.secret).await), Some(ErrorKind::Forbidden));
    for seconds in [0, 3601, u32::MAX] {
        let wrong = tokens.add(invitation("wrong", seconds)).await;
        assert_eq!(kind(wrong), Some(ErrorKind::Invalid), "{seconds}");
    }
    for number in 0..32 {
        tokens.add(invitation(&format!("guest-{number}"), 60)).await.expect("invited");
    }
    assert_eq!(kind(tokens.add(invitation("more", 60)).await), Some(ErrorKind::Limit));
}

#[tokio::test]
async fn a_token_that_cannot_be_kept_is_not_made_and_one_that_is_revoked_stays_so() {
    let (folder, path) = folder();
    let tokens = load(&path);
    let made = tokens.add(request("phone")).await.expect("made");
    // In the way of what is written first.
    fs::create_dir(folder.path().join("tokens.toml.new")).expect("a folder in its place");
    fs::write(folder.path().join("tokens.toml.new/full"), "").expect("not empty");
    assert_eq!(kind(tokens.add(request("other")).await), Some(ErrorKind::Storage));
    assert_eq!(names(&tokens), ["phone"]);
    let error = tokens.revoke("phone").await.expect_err("it could not be kept");
    assert!(error.message.contains("only until the service ends"), "{error}");
    assert!(tokens.log_in(&made.secret).is_err());
}

#[tokio::test]
async fn a_file_that_cannot_be_understood_lets_nobody_in_and_is_kept_aside() {
    let (folder, path) = folder();
    let secret = load(&path).add(request("phone")).await.expect("made").secret;
    let text = fs::read_to_string(&path).expect("written");
    for garbled in [text.replace("watch", "all"), text[..text.len() - 9].to_owned()] {
        fs::write(&path, &garbled).expect("written");
        let tokens = load(&path);
        assert!(tokens.log_in(&secret).is_err());
        let aside = folder.path().join("tokens.toml.unreadable");
        assert_eq!(fs::read_to_string(aside).expect("kept"), garbled);
        tokens.add(request("new")).await.expect("made");
    }
    // One that cannot be read at all is not written over.
    fs::remove_file(&path).expect("removed");
    fs::create_dir(&path).expect("a folder in its place");
    assert_eq!(kind(load(&path).add(request("new")).await), Some(ErrorKind::Storage));
    assert!(path.is_dir());
}
