//! `pair`: a QR code by which a phone logs in.

use std::process::ExitCode;

use clap::Args;
use protocol::{BridgeStatus, ErrorKind, Scope, TokenRequest};
use qrcode::{QrCode, render::unicode::Dense1x2};
use serde::Serialize;

use super::{
    CliError, Outcome, Session, args,
    bridge::{
        missing::{LET_IN, SET_TLS, why_not},
        urls::Url,
    },
    output,
    session::answer,
};

/// How long the code can be scanned for: to take the phone out, and to see to its warning of a
/// certificate that it does not know.
const SECONDS: u32 = 300;

const AFTER_HELP: &str = "\
The code can be used once, within five minutes. It holds an invitation; what logs in with it gets a
token of its own (`camera-service token list`). The bridge must run at an address that the phone can
reach, with TLS: a phone's browser gives its camera to encrypted pages only.

Examples:
  camera-service pair
  camera-service pair --publish --name kitchen";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct PairArgs {
    /// The phone may be a camera, too.
    #[arg(long)]
    publish: bool,
    /// The phone may start and stop cameras and set their controls, too.
    #[arg(long)]
    control: bool,
    /// Name of its token.
    #[arg(long, value_name = "NAME", default_value = "phone")]
    name: String,
    /// Its token ends after this time, such as 12h or 7d.
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = args::life)]
    expires: u64,
}

#[derive(Serialize)]
struct Pairing<'a> {
    url: &'a str,
    name: &'a str,
    scopes: Vec<&'static str>,
    seconds: u32,
    fingerprint: Option<&'a str>,
}

pub(super) async fn run(args: PairArgs, session: &Session) -> Outcome {
    let client = session.control().await?;
    let bridge = answer(client.bridge()).await?;
    let base = reachable(&bridge)?;
    let wishes = [(true, Scope::Watch), (args.control, Scope::Control)];
    let wishes = wishes.into_iter().chain([(args.publish, Scope::Publish)]);
    let token = TokenRequest {
        name: args.name,
        scopes: wishes.filter_map(|(wished, scope)| wished.then_some(scope)).collect(),
        cameras: Vec::new(),
        expires_s: Some(args.expires),
        invitation_s: Some(SECONDS),
    };
    let invitation = answer(client.add_token(token)).await?;
    let url = base.with_secret(&invitation.secret);
    let summary = &invitation.summary;
    if session.json {
        output::print_json(&Pairing {
            url: &url,
            name: &summary.name,
            scopes: summary.scopes.iter().copied().map(Scope::as_str).collect(),
            seconds: SECONDS,
            fingerprint: bridge.fingerprint.as_deref(),
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = code(&url)?;
    text += &format!("{url}\n\nScan it within {} minutes; it can be used once.\n", SECONDS / 60);
    text += &may(&summary.scopes);
    if let Some(fingerprint) = &bridge.fingerprint {
        text += &format!(
            "If the phone warns of the certificate, compare its SHA-256 before you go on:\n\
             {fingerprint}\n"
        );
    }
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The address at which a phone reaches the bridge, so that nobody reads along.
fn reachable(bridge: &BridgeStatus) -> Result<Url<'_>, CliError> {
    let urls = || bridge.urls.iter().map(|url| Url::new(url));
    let outside = || urls().filter(|url| !url.is_loopback());
    if let Some(url) = outside().find(|url| url.is_encrypted()) {
        return Ok(url);
    }
    let message = if bridge.urls.is_empty() {
        why_not(bridge, LET_IN)
    } else if outside().next().is_none() {
        format!("the bridge listens on this machine only, where no phone reaches it; {LET_IN}")
    } else {
        format!(
            "the bridge has no TLS: anybody in between could read along, and a phone gives its \
             camera to no such page; run `{SET_TLS}`"
        )
    };
    Err(CliError::failed(ErrorKind::Unsupported, message))
}

/// What the phone will be able to do, and what gives it more.
fn may(scopes: &[Scope]) -> String {
    let more = [
        (Scope::Control, "control cameras", "--control"),
        (Scope::Publish, "be a camera itself", "--publish"),
    ];
    let (has, lacks): (Vec<_>, Vec<_>) =
        more.into_iter().partition(|(scope, ..)| scopes.contains(scope));
    let can: Vec<&str> =
        std::iter::once("watch").chain(has.iter().map(|(_, what, _)| *what)).collect();
    let mut text = format!("The phone will be able to {}.", can.join(", and to "));
    for (_, what, flag) in lacks {
        text += &format!(" `{flag}` lets it {what}.");
    }
    text + "\n"
}

/// A QR code of half blocks, light on dark as terminals are; phones read either.
fn code(text: &str) -> Result<String, CliError> {
    let code = QrCode::new(text)
        .map_err(|error| CliError::io("draw the code", std::io::Error::other(error)))?;
    let drawn = code.render::<Dense1x2>();
    let mut drawn = drawn;
    drawn.dark_color(Dense1x2::Light).light_color(Dense1x2::Dark);
    Ok(drawn.build() + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bridge(urls: &[&str]) -> BridgeStatus {
        let urls = urls.iter().map(|url| (*url).to_owned()).collect();
        BridgeStatus { urls, ..BridgeStatus::default() }
    }

    #[test]
    fn a_phone_gets_an_address_that_it_reaches_and_nobody_reads() {
        let both = bridge(&["https://127.0.0.1:8443/", "https://192.168.1.7:8443/"]);
        let url = reachable(&both).expect("reachable");
        assert_eq!(url, Url::new("https://192.168.1.7:8443/"));
        for (urls, advice) in [
            (&[][..], "bridge on"),
            (&["http://127.0.0.1:8088/", "https://[::1]:8443/"][..], "this machine only"),
            (&["http://192.168.1.7:8088/"][..], "no TLS"),
        ] {
            let error = reachable(&bridge(urls)).expect_err("refused").to_string();
            assert!(
                error.contains(advice) && error.contains("config set bridge.tls self"),
                "{error}"
            );
        }
    }

    #[test]
    fn what_the_phone_may_do_is_said_and_what_gives_it_more() {
        assert_eq!(
            may(&[Scope::Watch]),
            "The phone will be able to watch. `--control` lets it control cameras. `--publish` \
             lets it be a camera itself.\n"
        );
        assert_eq!(
            may(&Scope::ALL),
            "The phone will be able to watch, and to control cameras, and to be a camera itself.\n"
        );
    }

    #[test]
    fn the_code_is_drawn_in_half_blocks_within_a_margin() {
        let drawn = code("https://192.168.1.7:8443/#secret=csi_0123456789").expect("drawn");
        let lines: Vec<&str> = drawn.lines().collect();
        let widths: Vec<usize> = lines.iter().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{drawn}");
        // As high as wide: two rows of the code in one line.
        assert_eq!(lines.len(), widths[0].div_ceil(2));
        assert!(lines[0].chars().all(|c| c == '█'), "a light margin:\n{drawn}");
        assert!(drawn.chars().all(|c| "█▀▄ \n".contains(c)), "{drawn}");
    }
}
