//! `bridge`: cameras for browsers and other machines.

mod control;
pub(super) mod missing;
pub(super) mod urls;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::Args;
use protocol::{BridgeListening, Client, Reply, Request, Scope, TokenRequest, endpoint::Endpoint};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{
    CliError, Global, Outcome, Session, logging,
    logging::Log,
    output,
    session::{Interrupt, answer},
};
use crate::{
    bridge::{self, OpenWatch, Options, Way},
    config::{self, Config, Tls, bridge_listen},
};

const AFTER_HELP: &str = "\
Runs until interrupted, beside a service that runs already; what the section [bridge] of the
configuration says holds where nothing else is said. Everybody needs a token, on this machine too
(`camera-service token add`). Addresses off loopback need --tls as well.

Examples:
  camera-service bridge
  camera-service bridge --listen 0.0.0.0:8443 --tls self
  camera-service bridge --listen [::]:8443 --tls fullchain.pem,privkey.pem
  camera-service bridge --open-watch
  camera-service bridge on             Have the service run it from now on";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP, args_conflicts_with_subcommands = true)]
pub(super) struct BridgeArgs {
    /// What the service is to do with its own bridge.
    #[command(subcommand)]
    control: Option<control::ControlCommand>,
    /// Listen at this address and port.
    #[arg(long, value_name = "ADDR:PORT", value_parser = bridge_listen)]
    listen: Option<SocketAddr>,
    /// Encrypt: self for a certificate that is made and kept, or two PEM files; off for none.
    #[arg(long, value_name = "self|CERT,KEY")]
    tls: Option<Tls>,
    /// Do without TLS although other machines can connect: everybody in between can read along.
    #[arg(long)]
    insecure: bool,
    /// Let anybody on this machine watch without a token; on loopback only.
    #[arg(long)]
    open_watch: bool,
    /// Read this configuration in place of the usual one; it must exist.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What to log to stderr: error, warn, info, debug or trace, or filters as in RUST_LOG.
    #[arg(long, value_name = "LEVEL")]
    log: Option<String>,
    /// Run as this says, the section [bridge] as JSON, and read no configuration; reach the service
    /// through the door that is standard input, and end when it is closed.
    #[arg(long, hide = true, value_name = "SECTION", value_parser = section)]
    supervised: Option<config::Bridge>,
}

fn section(text: &str) -> Result<config::Bridge, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    Listening { urls: &'a [String], fingerprint: Option<&'a str> },
}

pub(super) async fn run(args: BridgeArgs, session: &Session, global: &Global) -> Outcome {
    if let Some(command) = args.control {
        return control::run(command, session).await;
    }
    let log = logging::start(args.log.as_deref())?;
    let ended = run_here(args, session, global, &log).await;
    log.end(ended)
}

/// Runs the bridge in this process.
async fn run_here(args: BridgeArgs, session: &Session, global: &Global, log: &Log) -> Outcome {
    let supervised = args.supervised.is_some();
    let mut config = match args.supervised {
        Some(section) => section,
        None => Config::load(args.config.as_deref())?.0.bridge,
    };
    config.listen = args.listen.unwrap_or(config.listen);
    config.tls = args.tls.unwrap_or(config.tls);
    let stop = CancellationToken::new();
    let way = way(supervised, global, &stop)?;
    let is_open = args.open_watch || config.open_watch;
    // One that the service runs may not make tokens, and needs none: the service has the same
    // configuration.
    let open = match is_open && !supervised {
        true => Some(OpenToken::begin(session.control().await?).await?),
        false => None,
    };
    let open_watch = match &open {
        Some(open) => OpenWatch::Token(open.secret.clone()),
        None if is_open => OpenWatch::Service,
        None => OpenWatch::Off,
    };
    let options = Options {
        config,
        insecure: args.insecure,
        open_watch,
        supervised,
        tls_folder: config::state_dir()?.join("tls"),
        way,
    };
    #[cfg(target_os = "linux")]
    bridge::confine_for(&options);
    log.write_out()?;
    let mut interrupt = Interrupt::new();
    let json = session.json;
    let running = bridge::run(options, stop.clone(), |listening| tell(listening, json));
    tokio::pin!(running);
    let ended = tokio::select! {
        ended = &mut running => ended,
        () = interrupt.wait() => {
            stop.cancel();
            running.await
        }
    };
    if let Some(open) = open {
        open.end().await;
    }
    ended?;
    Ok(ExitCode::SUCCESS)
}

/// How the bridge comes to the service. One that the service runs ends with it: `stop` is for
/// where the door does not say so, since there is none.
fn way(supervised: bool, global: &Global, stop: &CancellationToken) -> Result<Way, CliError> {
    #[cfg(unix)]
    if supervised {
        let door = protocol::transport::Door::from_stdin();
        let door =
            door.map_err(|error| CliError::io("use the door that the service gave", error))?;
        return Ok(Way::Door(std::sync::Arc::new(door)));
    }
    #[cfg(windows)]
    if supervised {
        let stop = stop.clone();
        let read = move || {
            // Nothing is written to it; it ends with the process that could.
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            stop.cancel();
        };
        let thread = std::thread::Builder::new().name("supervised".to_owned());
        thread.spawn(read).map_err(|error| CliError::io("start", error))?;
    }
    let _ = (supervised, stop);
    Ok(Way::Endpoint(global.socket.as_ref().map(Endpoint::at)))
}

/// Says where the bridge is. Nobody may be there to read it, which is no reason not to run.
fn tell(listening: &BridgeListening, json: bool) {
    let BridgeListening { urls, fingerprint } = listening;
    let text = if json {
        output::json_line(&Line::Listening { urls, fingerprint: fingerprint.as_deref() })
    } else {
        let mut text = format!("Listening at {}\n", urls.join(" "));
        if let Some(fingerprint) = fingerprint {
            text.push_str(&format!("SHA-256 of the certificate: {fingerprint}\n"));
        }
        Ok(text)
    };
    let _ = text.and_then(|text| output::print(&text));
}

/// The token that stands in for those that are not shown, for as long as this runs.
struct OpenToken {
    client: Client,
    name: String,
    secret: String,
}

impl OpenToken {
    async fn begin(client: Client) -> Result<Self, CliError> {
        let name = format!("open-watch-{}", std::process::id());
        let token = TokenRequest {
            name: name.clone(),
            scopes: vec![Scope::Watch],
            cameras: Vec::new(),
            // Should this program not be able to end it, nobody is left who knows it.
            expires_s: None,
            invitation_s: None,
        };
        match answer(client.request(Request::AddToken { token })).await? {
            Reply::TokenAdded(token) => Ok(Self { client, name, secret: token.secret }),
            _ => Err(protocol::ClientError::Unexpected("another kind of reply").into()),
        }
    }

    async fn end(self) {
        let request = Request::RevokeToken { name: self.name };
        if let Err(error) = answer(self.client.request(request)).await {
            tracing::warn!("the token for --open-watch was not ended: {error}");
        }
    }
}
