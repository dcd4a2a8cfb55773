//! Having the service that runs read its configuration: on request, and after an edit by a command,
//! so that what was set is in force when the command ends.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use protocol::{ClientError, ErrorReply, Request};
use serde::Serialize;

use super::super::{
    CliError, Global, Outcome, Session, output,
    session::{answer, with_service},
};

#[derive(Serialize)]
struct Reloaded {
    reloaded: bool,
}

/// `config reload`.
pub(super) fn run(global: &Global) -> Outcome {
    with_service(global, "config", async |session| {
        answer(session.control().await?.request(Request::ReloadConfig)).await?;
        if session.json {
            output::print_json(&Reloaded { reloaded: true })?;
        } else {
            output::print("The configuration was read anew.\n")?;
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// Puts an edit of the file at `path` in force, where a service runs that has its configuration
/// from there. Fails where that refuses it. Where the file was `named` by the user, it may well be
/// another one.
pub(super) fn after_edit(path: &Path, named: bool, global: &Global) -> Result<(), CliError> {
    if !runs(global) {
        return Ok(());
    }
    let told = with_service(global, "config", async |session| {
        tell(&session, path, named).await.map(|()| ExitCode::SUCCESS)
    });
    match told {
        Ok(_) | Err(CliError::Client(ClientError::NotRunning(_))) => Ok(()),
        Err(refusal @ CliError::Failed(_)) => Err(refusal),
        // It may be busy, or of another version; it looks at the file all the same.
        Err(error) => {
            output::note(&format!("the service was not told, and is to notice by itself: {error}"));
            Ok(())
        }
    }
}

/// Whether a service runs. None is started by asking.
fn runs(global: &Global) -> bool {
    #[cfg(unix)]
    {
        use protocol::endpoint::Endpoint;
        let named = global.socket.as_ref().map(|socket| vec![Endpoint::at(socket)]);
        let places = named.unwrap_or_else(Endpoint::candidates);
        places.iter().any(crate::serve::is_taken)
    }
    // There it is known when the service is asked, which starts none.
    #[cfg(not(unix))]
    {
        let _ = global;
        true
    }
}

async fn tell(session: &Session, path: &Path, named: bool) -> Result<(), CliError> {
    let client = session.control().await?;
    let status = answer(client.status()).await?;
    if real(path) != real(Path::new(&status.config)) {
        if !named {
            output::note(&format!(
                "the service that runs has its configuration from {file}, which this does not \
                 change; `--config {file}` does",
                file = status.config
            ));
        }
        return Ok(());
    }
    match answer(client.request(Request::ReloadConfig)).await {
        Ok(_) => Ok(()),
        Err(CliError::Client(ClientError::Reply(ErrorReply { kind, message }))) => {
            Err(CliError::failed(kind, format!("it was written, but is not in force: {message}")))
        }
        Err(error) => Err(error),
    }
}

/// The file that is meant, by whichever way it is named.
fn real(path: &Path) -> Option<PathBuf> {
    fs::canonicalize(path).ok()
}
