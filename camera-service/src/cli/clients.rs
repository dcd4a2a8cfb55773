//! `clients`: the programs that are connected.

use std::process::ExitCode;

use protocol::ClientSummary;

use super::{Outcome, Session, json, output, session::answer, table::Table, time};

pub(super) async fn run(session: &Session) -> Outcome {
    let clients = answer(session.control().await?.clients()).await?;
    if session.json {
        output::print_json(&json::all::<_, json::Client<'_>>(&clients))?;
    } else {
        output::print(&text(&clients))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(clients: &[ClientSummary]) -> String {
    if clients.is_empty() {
        return "No clients.\n".to_owned();
    }
    let mut table = Table::new([
        "ID", "NAME", "PID", "PROGRAM", "ROLE", "CAMERA", "DELIVERY", "FOR", "FRAMES", "DROPPED",
    ]);
    for client in clients {
        let streams = client.camera.is_some();
        let count = |count: u64| if streams { count.to_string() } else { String::new() };
        table.row([
            client.id.to_string(),
            name(client),
            client.pid.to_string(),
            client.program.clone(),
            client.role.to_string(),
            client.camera.as_ref().map(ToString::to_string).unwrap_or_default(),
            client.delivery.map(|delivery| delivery.as_str().to_owned()).unwrap_or_default(),
            time::ago(client.since_unix_ns),
            count(client.frames),
            count(client.dropped),
        ]);
    }
    table.text()
}

/// The client's name for itself, with its address where it is remote.
pub(super) fn name(client: &ClientSummary) -> String {
    match &client.remote {
        Some(address) => format!("{} ({address})", client.name),
        None => client.name.clone(),
    }
}
