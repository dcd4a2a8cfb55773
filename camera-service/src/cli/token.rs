//! `token`: the secrets by which remote users log in.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use protocol::{CameraId, Scope, TokenRequest, TokenSummary};
use serde::Serialize;

use super::{
    Outcome, Session, args, json, output, session::answer, table::Table, text::clean, time,
};

const AFTER_HELP: &str = "\
Whoever has a token may do what its scopes say, on the cameras it is for: watch (see and watch
cameras), control (start, stop, set controls, turn all cameras off), publish (be a camera, called
published:NAME). Only a token of its own gets a user in; a token is shown once, when it is made.
Revoking one ends what is connected with it at once.

Examples:
  camera-service token add kitchen --scope watch
  camera-service token add phone --scope watch,publish --camera published:phone --expires 7d
  camera-service token list
  camera-service token revoke kitchen";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct TokenArgs {
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token and show it, this once.
    Add(AddArgs),
    /// List the tokens, without their secrets.
    List,
    /// End a token, and what is connected with it.
    Revoke {
        /// Name of the token.
        #[arg(value_name = "NAME")]
        name: String,
    },
}

#[derive(Debug, Args)]
struct AddArgs {
    /// A name to know it by: letters, digits, `-`, `_` and `.`.
    #[arg(value_name = "NAME")]
    name: String,
    /// What it grants: watch, control and publish, separated by commas.
    #[arg(long = "scope", value_name = "SCOPES", required = true, value_delimiter = ',')]
    scopes: Vec<Scope>,
    /// A camera that it is for; may be given several times. All cameras where not given.
    #[arg(long = "camera", value_name = "CAM")]
    cameras: Vec<String>,
    /// It ends after this time, such as 12h, 7d or 4w; never where not given.
    #[arg(long, value_name = "TIME", value_parser = args::life)]
    expires: Option<u64>,
}

#[derive(Serialize)]
struct Revoked<'a> {
    name: &'a str,
}

pub(super) async fn run(args: TokenArgs, session: &Session) -> Outcome {
    let client = session.control().await?;
    match args.command {
        TokenCommand::Add(AddArgs { name, scopes, cameras, expires }) => {
            let cameras = cameras.into_iter().map(CameraId).collect();
            let token =
                TokenRequest { name, scopes, cameras, expires_s: expires, invitation_s: None };
            let made = answer(client.add_token(token)).await?;
            if session.json {
                output::print_json(&json::NewTokenJson::from(&made))?;
            } else {
                // The token alone on stdout, for scripts.
                output::print(&format!("{}\n", made.secret))?;
                let name = &made.summary.name;
                output::note(&format!(
                    "this is the token {name}, shown this once; who has it may {}",
                    scopes_of(&made.summary).join(", ")
                ));
            }
        }
        TokenCommand::List => {
            let tokens = answer(client.tokens()).await?;
            if session.json {
                output::print_json(&json::all::<_, json::TokenJson<'_>>(&tokens))?;
            } else {
                output::print(&text(&tokens))?;
            }
        }
        TokenCommand::Revoke { name } => {
            answer(client.revoke_token(&name)).await?;
            if session.json {
                output::print_json(&Revoked { name: &name })?;
            } else {
                output::print(&(clean(&format!("{name} is revoked")) + "\n"))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn scopes_of(token: &TokenSummary) -> Vec<&'static str> {
    token.scopes.iter().copied().map(Scope::as_str).collect()
}

fn text(tokens: &[TokenSummary]) -> String {
    if tokens.is_empty() {
        return "No tokens; `camera-service token add` makes one.\n".to_owned();
    }
    let mut table = Table::new(["NAME", "SCOPES", "CAMERAS", "EXPIRES", "USED", "CONNECTIONS"]);
    for token in tokens {
        let cameras: Vec<&str> = token.cameras.iter().map(|camera| camera.0.as_str()).collect();
        table.row([
            token.name.clone(),
            scopes_of(token).join(","),
            if cameras.is_empty() { "all".to_owned() } else { cameras.join(",") },
            token.expires_unix_ns.map_or_else(|| "never".to_owned(), time::rfc3339),
            token.used_unix_ns.map(|used| format!("{} ago", time::ago(used))).unwrap_or_default(),
            token.connections.to_string(),
        ]);
    }
    table.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_tells_all_but_secrets() {
        assert!(text(&[]).contains("token add"));
        let token = TokenSummary {
            name: "phone".to_owned(),
            scopes: vec![Scope::Watch, Scope::Publish],
            cameras: vec!["test:0".into(), "published:phone".into()],
            since_unix_ns: 0,
            expires_unix_ns: Some(1_795_224_699_000_000_000),
            used_unix_ns: None,
            connections: 2,
        };
        assert_eq!(
            text(&[token]),
            "NAME   SCOPES         CAMERAS                 EXPIRES                   USED  \
             CONNECTIONS\n\
             phone  watch,publish  test:0,published:phone  2026-11-21T01:31:39.000Z  -     2\n"
        );
    }
}
