//! `open`: the bridge's page in this machine's browser, logged in.
//!
//! The browser is given a file that only this user can read and that sends it on: so the secret
//! stands in no list of processes. The file goes when the page was opened, after a minute, or with
//! the next call.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    time::Duration,
};

use protocol::{
    BridgeStatus, ErrorKind, Event, Scope, TokenRequest,
    client::{Client, EventStream},
    endpoint::private_folder,
};
use serde::Serialize;
use tokio::process::Command;

use super::{
    CliError, Outcome, Session,
    bridge::{
        missing::{TURN_ON, why_not},
        urls::Url,
    },
    output,
    session::{Interrupt, answer},
};

/// How long the page can be opened for.
const SECONDS: u32 = 60;
/// What opens files may take so long to say that it cannot.
const LAUNCH: Duration = Duration::from_secs(1);
/// The page's token ends by itself, should the browser be left open.
const LIFE_S: u64 = 12 * 3600;
/// What the page's token is called.
const NAME: &str = "browser";
const BEGINNING: &str = "open-";
const ENDING: &str = ".html";

pub(super) const AFTER_HELP: &str = "\
The bridge must run (`camera-service bridge on`). Where there is no display the name of a file is
printed: open it in a browser of this machine within a minute. The browser gets a token of its own,
good for twelve hours (`camera-service token list`).

Example:
  camera-service open";

#[derive(Serialize)]
struct Opened<'a> {
    file: &'a Path,
    opened: bool,
    seconds: u32,
}

pub(super) async fn run(session: &Session) -> Outcome {
    let client = session.control().await?;
    let bridge = answer(client.bridge()).await?;
    let base = nearest(&bridge)?;
    let folder = private_folder().map_err(|error| CliError::io("make a private folder", error))?;
    remove_old(&folder);
    let mut events = session.connector().events().await?;
    let before = names(&client).await?;
    let token = TokenRequest {
        name: NAME.to_owned(),
        scopes: Scope::ALL.to_vec(),
        cameras: Vec::new(),
        expires_s: Some(LIFE_S),
        invitation_s: Some(SECONDS),
    };
    let invitation = answer(client.add_token(token)).await?;
    let page = Redirect::write(&folder, &base.with_secret(&invitation.secret))
        .map_err(|error| CliError::io(format!("write into {}", folder.display()), error))?;
    let opened = launch(&page.path).await;
    if session.json {
        output::print(&output::json_line(&Opened { file: &page.path, opened, seconds: SECONDS })?)?;
    } else if !opened {
        output::note(&format!("open this file in a browser within {SECONDS} seconds:"));
        output::print(&format!("{}\n", page.path.display()))?;
    }
    // Once it was used, or can be used no more, the file has no purpose.
    let mut interrupt = Interrupt::new();
    tokio::select! {
        () = was_used(&mut events, &before) => {}
        () = tokio::time::sleep(Duration::from_secs(SECONDS.into())) => {}
        () = interrupt.wait() => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// The address that this machine's browser is to use.
fn nearest(bridge: &BridgeStatus) -> Result<Url<'_>, CliError> {
    let urls = || bridge.urls.iter().map(|url| Url::new(url));
    let near = urls().find(|url| url.is_loopback()).or_else(|| urls().next());
    near.ok_or_else(|| CliError::failed(ErrorKind::Unsupported, why_not(bridge, TURN_ON)))
}

async fn names(client: &Client) -> Result<Vec<String>, CliError> {
    let tokens = answer(client.tokens()).await?;
    Ok(tokens.into_iter().map(|token| token.name).collect())
}

/// Returns when the invitation was redeemed: there is another token of the page's name. Never
/// where that cannot be heard.
async fn was_used(events: &mut EventStream, before: &[String]) {
    while let Ok(Some(message)) = events.next().await {
        let Event::TokensChanged { names } = message.event else { continue };
        if names.iter().any(|name| name.starts_with(NAME) && !before.contains(name)) {
            return;
        }
    }
    std::future::pending().await
}

/// A file that sends a browser on. Removed when dropped.
struct Redirect {
    path: PathBuf,
}

impl Redirect {
    fn write(folder: &Path, url: &str) -> io::Result<Self> {
        let random = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
        let path = folder.join(format!("{BEGINNING}{random:016x}{ENDING}"));
        let mut options = fs::File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        let page = Self { path };
        io::Write::write_all(&mut file, html(url).as_bytes())?;
        Ok(page)
    }
}

impl Drop for Redirect {
    fn drop(&mut self) {
        // One that is gone is as wished; what else would fail, the next call tries again.
        let _ = fs::remove_file(&self.path);
    }
}

fn html(url: &str) -> String {
    let url = url.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta http-equiv=\"refresh\" content=\"0;url={url}\">\n\
         <title>camera-service</title>\n<p><a href=\"{url}\">Open the cameras</a></p>\n</html>\n"
    )
}

/// Removes what earlier calls left behind that were killed.
fn remove_old(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(BEGINNING) && name.ends_with(ENDING) {
            // Another call may have removed it.
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Has the user's browser open the file; whether there is one to ask.
async fn launch(file: &Path) -> bool {
    let mut command = if cfg!(target_os = "windows") {
        // Not `start`, which reads an `&` in a path as the beginning of another command.
        let mut command = Command::new("rundll32");
        command.arg("url.dll,FileProtocolHandler");
        command
    } else if cfg!(target_os = "macos") {
        Command::new("open")
    } else {
        let has_display = ["DISPLAY", "WAYLAND_DISPLAY"]
            .into_iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()));
        if !has_display {
            return false;
        }
        Command::new("xdg-open")
    };
    command.arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = command.spawn() else { return false };
    // One that goes on may be the browser itself.
    let ended = tokio::time::timeout(LAUNCH, child.wait()).await;
    !matches!(ended, Ok(Ok(status)) if !status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_this_users_alone_and_goes_with_its_purpose() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("open-1.html"), "left behind").expect("written");
        fs::write(folder.path().join("v1.lock"), "").expect("written");
        remove_old(folder.path());
        let url = "http://127.0.0.1:8088/#secret=csi_\"<&";
        let page = Redirect::write(folder.path(), url).expect("written");
        let text = fs::read_to_string(&page.path).expect("there");
        assert!(
            text.contains("content=\"0;url=http://127.0.0.1:8088/#secret=csi_&quot;&lt;&amp;\"")
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&page.path).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        drop(page);
        let left: Vec<_> = fs::read_dir(folder.path()).expect("read").flatten().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[test]
    fn this_machine_is_the_nearest() {
        let urls = ["https://192.168.1.7:8443/", "https://127.0.0.1:8443/"];
        let bridge = |count: usize| BridgeStatus {
            urls: urls[..count].iter().map(|url| (*url).to_owned()).collect(),
            ..BridgeStatus::default()
        };
        assert_eq!(nearest(&bridge(2)).expect("there"), Url::new(urls[1]));
        assert_eq!(nearest(&bridge(1)).expect("there"), Url::new(urls[0]));
        assert!(nearest(&bridge(0)).expect_err("none").to_string().contains("bridge on"));
    }
}
