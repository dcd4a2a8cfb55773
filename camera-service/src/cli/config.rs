//! `config`: the configuration file.
//!
//! A service that runs is told of what is written here, and notices other edits by itself; `reload`
//! is for files on disks that tell of no change.

mod edit;
mod reload;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use protocol::ErrorKind;
use serde::Serialize;

use super::{CliError, Global, Outcome, output};
use crate::{
    config::{Config, default_path, documented},
    state::files,
};

const AFTER_HELP: &str = "\
A service that runs takes an edit over within a second, without interrupting a stream; `init` and
`set` end when theirs is in force. A wrong one is refused with its line, and what was there before
stays in force.

Examples:
  camera-service config init
  camera-service config set timeouts.close_after 10
  camera-service config set cameras.test_cameras 640x480@30,1280x720@60
  camera-service config get limits.connections";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
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
    /// Print a value in force: the file's, or the default.
    Get {
        /// Section and key, such as limits.connections; or a section.
        #[arg(value_name = "KEY")]
        key: String,
    },
    /// Change a value in the file; all else in it stays as it is, comments too.
    Set {
        /// Section and key, such as limits.connections.
        #[arg(value_name = "KEY")]
        key: String,
        /// A number, true or false, text; of a list its entries, with commas between.
        #[arg(value_name = "VALUE", allow_hyphen_values = true)]
        value: String,
    },
    /// Have the service that runs read its configuration now.
    Reload,
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

#[derive(Serialize)]
struct Entry<'a> {
    key: &'a str,
    value: serde_json::Value,
}

pub(super) fn run(args: ConfigArgs, global: &Global) -> Outcome {
    match args.command {
        ConfigCommand::Init { force } => {
            let named = args.config.is_some();
            let path = located(args.config)?;
            write_default(&path, force)?;
            reload::after_edit(&path, named, global)?;
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
        ConfigCommand::Get { key } => {
            let (config, _) = Config::load(args.config.as_deref())?;
            let value = edit::value(&documented(&config), &key).map_err(|why| invalid(&why))?;
            if global.json {
                output::print_json(&Entry { key: &key, value: edit::json(&value) })?;
            } else {
                output::print(&edit::text(&value))?;
            }
        }
        ConfigCommand::Set { key, value } => {
            let named = args.config.is_some();
            let path = located(args.config)?;
            set(&path, &key, &value)?;
            reload::after_edit(&path, named, global)?;
            tell(&path, &format!("Written: {}\n", path.display()), global)?;
        }
        ConfigCommand::Reload => return reload::run(global),
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

fn invalid(why: &str) -> CliError {
    CliError::failed(ErrorKind::Invalid, why)
}

/// Writes the file with a value changed, if it is valid then.
fn set(path: &Path, key: &str, value: &str) -> Result<(), CliError> {
    // A link stays one.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let before = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(CliError::io(format!("read {}", path.display()), error)),
    };
    // Edits are made to what is valid, so that what is refused is this edit.
    Config::parse(&before, &path)?;
    let mut refused = None;
    let default = documented(&Config::default());
    // Text that looks like something else is text where only that is valid.
    for text in edit::changed(&before, &default, key, value).map_err(|why| invalid(&why))? {
        match Config::parse(&text, &path) {
            Ok(_) => {
                return files::replace(&path, &text)
                    .map_err(|error| CliError::io(format!("write {}", path.display()), error));
            }
            Err(error) => drop(refused.get_or_insert(error)),
        }
    }
    let why = refused.map(|error| error.to_string()).unwrap_or_default();
    Err(invalid(&format!("nothing was written, for it would not be valid: {why}")))
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
