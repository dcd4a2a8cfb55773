//! `config`: the configuration file.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{CliError, Global, Outcome, output};
use crate::config::{Config, default_path, documented};

#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
    /// Use this file in place of the usual one.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Write the default configuration, with every key explained.
    Init {
        /// Overwrite a file that is already there.
        #[arg(long)]
        force: bool,
    },
    /// Print the configuration in force: the file's values, and defaults for the rest.
    Show,
    /// Print the path of the configuration file, whether or not that exists.
    Path,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a Path,
    exists: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    path: &'a Path,
    toml: &'a str,
}

pub(super) fn run(args: ConfigArgs, global: &Global) -> Outcome {
    match args.command {
        ConfigCommand::Init { force } => {
            let path = located(args.config)?;
            write_default(&path, force)?;
            tell(&path, &format!("Written: {}\n", path.display()), global)?;
        }
        ConfigCommand::Show => {
            let (config, path) = Config::load(args.config.as_deref())?;
            let text = documented(&config);
            if global.json {
                output::print_json(&Shown { path: &path, toml: &text })?;
            } else {
                output::print(&text)?;
            }
        }
        ConfigCommand::Path => {
            let path = located(args.config)?;
            tell(&path, &format!("{}\n", path.display()), global)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn located(named: Option<PathBuf>) -> Result<PathBuf, CliError> {
    Ok(named.map_or_else(default_path, Ok)?)
}

fn tell(path: &Path, text: &str, global: &Global) -> Result<(), CliError> {
    if global.json {
        return output::print_json(&Location { path, exists: path.exists() });
    }
    output::print(text)
}

fn write_default(path: &Path, force: bool) -> Result<(), CliError> {
    let failed = |error| CliError::io(format!("write {}", path.display()), error);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    let mut file = options.open(path).map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            let hint = "it is already there; --force overwrites it";
            return failed(io::Error::new(io::ErrorKind::AlreadyExists, hint));
        }
        failed(error)
    })?;
    io::Write::write_all(&mut file, documented(&Config::default()).as_bytes()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_kept_unless_forced() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("deep/config.toml");
        write_default(&path, false).expect("written");
        let (config, _) = Config::load(Some(&path)).expect("valid");
        assert_eq!(config, Config::default());

        fs::write(&path, "# mine\n").expect("written");
        let error = write_default(&path, false).expect_err("refused").to_string();
        assert!(error.contains("--force"), "{error}");
        assert_eq!(fs::read_to_string(&path).expect("there"), "# mine\n");

        write_default(&path, true).expect("written");
        assert_ne!(fs::read_to_string(&path).expect("there"), "# mine\n");
    }
}
