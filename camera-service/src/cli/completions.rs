//! `completions`: scripts for shells.

use std::process::ExitCode;

use clap::{Args, Command, CommandFactory as _};
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
    let script = script(args.shell);
    let mut stdout = std::io::stdout().lock();
    std::io::Write::write_all(&mut stdout, &script).map_err(CliError::stdout)?;
    Ok(ExitCode::SUCCESS)
}

fn script(shell: Shell) -> Vec<u8> {
    let mut command = Cli::command().mut_subcommands(shown);
    // Written as a whole afterwards, because this cannot fail in a way that can be handled.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "camera-service", &mut script);
    script
}

/// `command` with what its help shows alone: clap_complete offers hidden arguments as well. clap
/// takes none away from a command, so one that has any is made anew, of what scripts are made of.
fn shown(command: Command) -> Command {
    let command = command.mut_subcommands(shown);
    if !command.get_arguments().any(clap::Arg::is_hide_set) {
        return command;
    }
    // A command's name lives as long as the program, which ends when the script is written.
    let name: &'static str = command.get_name().to_owned().leak();
    Command::new(name)
        .about(command.get_about().cloned().unwrap_or_default())
        .args(command.get_arguments().filter(|arg| !arg.is_hide_set()).cloned())
        .subcommands(command.get_subcommands().cloned())
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn only_what_the_help_shows_is_offered() {
        let hidden = |command: &Command| {
            let hidden = command.get_arguments().filter(|arg| arg.is_hide_set());
            hidden.filter_map(|arg| arg.get_long().map(str::to_owned)).collect::<Vec<_>>()
        };
        let command = Cli::command();
        let flags: Vec<String> = command.get_subcommands().flat_map(hidden).collect();
        assert!(flags.iter().any(|flag| flag == "supervised"), "{flags:?}");
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell)).expect("text");
            for flag in &flags {
                assert!(!script.contains(flag.as_str()), "{shell} offers --{flag}");
            }
            // What stands beside them is still there.
            for word in ["test-camera", "no-reconnect", "open-watch", "insecure", "status"] {
                assert!(script.contains(word), "{shell} lacks {word}");
            }
        }
    }
}
