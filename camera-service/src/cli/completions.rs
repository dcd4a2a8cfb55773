//! `completions`: scripts for shells.

use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, CliError, Outcome};

const AFTER_HELP: &str = "\
Examples:
  camera-service completions bash > ~/.local/share/bash-completion/completions/camera-service
  camera-service completions zsh > \"${fpath[1]}/_camera-service\"
  camera-service completions fish > ~/.config/fish/completions/camera-service.fish";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct CompletionsArgs {
    /// The shell that the script is for.
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs) -> Outcome {
    // Written as a whole afterwards, because this cannot fail in a way that can be handled.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "camera-service", &mut script);
    let mut stdout = std::io::stdout().lock();
    std::io::Write::write_all(&mut stdout, &script).map_err(CliError::stdout)?;
    Ok(ExitCode::SUCCESS)
}
