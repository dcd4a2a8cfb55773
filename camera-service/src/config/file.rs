//! Reading the configuration file, and saying what is wrong with it and where.

use std::{
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{Bridge, Config, Limits, Loopback, TestCamera, Timeouts, default_path};

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not a configuration.
    #[error("{path}, line {line}, column {column}: {message}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// In characters, counted from 1.
        column: usize,
        /// What is wrong and what is allowed.
        message: String,
    },
    /// There is no place for files.
    #[error("this user has no home folder; name the configuration with --config")]
    NoHome,
}

/// The file as it is laid out.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    timeouts: Timeouts,
    limits: Limits,
    cameras: Cameras,
    bridge: Bridge,
    #[serde(rename = "loopback")]
    loopbacks: Vec<Loopback>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Cameras {
    test_cameras: Vec<TestCamera>,
}

impl Config {
    /// Reads the file at `path`, which must exist, or the default one, which need not. Also
    /// gives the path of that file. Fails where it cannot be read or is not valid.
    pub fn load(path: Option<&Path>) -> Result<(Self, PathBuf), ConfigError> {
        let (path, must_exist) = match path {
            Some(path) => (path.to_owned(), true),
            None => (default_path()?, false),
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !must_exist => String::new(),
            Err(source) => return Err(ConfigError::Read { path, source }),
        };
        Ok((Self::parse(&text, &path)?, path))
    }

    /// Reads `text`; `path` is for errors alone.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let error = |message: String, span: Option<Range<usize>>| {
            let start = span.as_ref().map_or(0, |span| span.start);
            let (line, column) = position(text, start);
            let message = explain(message, text.lines().nth(line - 1).unwrap_or_default());
            ConfigError::Invalid { path: path.to_owned(), line, column, message }
        };
        let file: File = toml::from_str(text)
            .map_err(|wrong| error(wrong.message().to_owned(), wrong.span()))?;
        let Timeouts { retry_first, retry_most, .. } = file.timeouts;
        if retry_first > retry_most {
            let message = format!(
                "retry_first ({} s) must not be longer than retry_most ({} s)",
                retry_first.as_secs_f64(),
                retry_most.as_secs_f64()
            );
            let start = text.find("retry_first").or_else(|| text.find("retry_most"));
            return Err(error(message, start.map(|start| start..start)));
        }
        for (index, loopback) in file.loopbacks.iter().enumerate() {
            let device = &loopback.device;
            if file.loopbacks[..index].iter().any(|other| other.device == *device) {
                let message = format!("two [[loopback]] entries have the device {device:?}");
                let start = device.to_str().and_then(|device| text.rfind(device));
                return Err(error(message, start.map(|start| start..start)));
            }
        }
        Ok(Self {
            timeouts: file.timeouts,
            limits: file.limits,
            test_cameras: file.cameras.test_cameras,
            bridge: file.bridge,
            loopbacks: file.loopbacks,
        })
    }
}

/// Line and column, both from 1, of the byte at `offset`.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// The parser's `message` in the words of this file, with the key of `line` where it says none.
fn explain(message: String, line: &str) -> String {
    // The parser puts its hints on lines of their own.
    let message = message.lines().collect::<Vec<_>>().join("; ");
    if let Some(rest) = message.strip_prefix("unknown field ") {
        return format!("unknown key {rest}");
    }
    let key = line.split_once('=').map(|(key, _)| key.trim());
    match key.filter(|key| !key.is_empty() && !key.starts_with('#') && !message.contains(key)) {
        Some(key) => format!("{key}: {message}"),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("some/config.toml"))
    }

    fn refused(text: &str) -> String {
        parse(text).expect_err(text).to_string()
    }

    #[test]
    fn an_empty_file_is_the_default() {
        assert_eq!(parse("").expect("valid"), Config::default());
    }

    #[test]
    fn what_is_written_is_taken_and_the_rest_is_default() {
        let text = "[timeouts]\nclose_after = 0.25\nhandshake = 7\n\
                    [limits]\nconnections = 9\n[cameras]\ntest_cameras = [\"320x240@15\"]\n";
        let config = parse(text).expect("valid");
        assert_eq!(config.timeouts.close_after, Duration::from_millis(250));
        assert_eq!(config.timeouts.handshake, Duration::from_secs(7));
        assert_eq!(config.timeouts.request, Timeouts::default().request);
        assert_eq!(config.limits.connections, 9);
        assert_eq!(config.test_cameras[0].to_string(), "320x240@15");
    }

    #[test]
    fn a_wrong_key_is_named_with_its_place_and_what_is_allowed() {
        let error = refused("[timeouts]\nhandshake = 2\n  clse_after = 3\n");
        assert!(error.starts_with("some/config.toml, line 3, column 3: "), "{error}");
        assert!(error.contains("unknown key `clse_after`"), "{error}");
        assert!(error.contains("`close_after`"), "{error}");
    }

    #[test]
    fn a_wrong_section_is_named() {
        let error = refused("# first\n[timeout]\nhandshake = 2\n");
        assert!(error.contains("line 2"), "{error}");
        assert!(error.contains("unknown key `timeout`"), "{error}");
        assert!(error.contains("`timeouts`"), "{error}");
    }

    #[test]
    fn wrong_values_name_their_key_and_their_bounds() {
        for (value, expected) in [
            ("0", "0.001 to 86400"),
            ("-1", "0.001 to 86400"),
            ("1e9", "0.001 to 86400"),
            ("nan", "0.001 to 86400"),
            ("inf", "0.001 to 86400"),
            ("\"3s\"", "seconds from 0.001"),
            ("true", "seconds from 0.001"),
        ] {
            let error = refused(&format!("[timeouts]\nrequest = {value}\n"));
            assert!(error.contains("line 2, column 11: request: "), "{value}: {error}");
            assert!(error.contains(expected), "{value}: {error}");
        }
        for value in ["0", "-3", "65537", "2.5", "\"many\""] {
            let error = refused(&format!("[limits]\nconnections = {value}\n"));
            assert!(error.contains("line 2, column 15: connections: "), "{value}: {error}");
        }
        let error = refused("[cameras]\ntest_cameras = [\"640x480@30\", \"640\"]\n");
        assert!(error.contains("line 2"), "{error}");
        assert!(error.contains("like 640x480@30"), "{error}");
    }

    #[test]
    fn loopbacks_are_read_and_their_slips_named() {
        let entry = "[[loopback]]\ncamera = \"c\"\ndevice = \"/dev/video9\"\n";
        let config = parse(entry).expect("valid");
        assert_eq!(config.loopbacks.len(), 1);
        let loopback = &config.loopbacks[0];
        assert_eq!((loopback.format, loopback.size), (super::super::USUAL_FORMAT, None));
        assert_eq!(loopback.fps, None);
        for rate in ["15", "7.5", "\"15/2\""] {
            parse(&format!("{entry}fps = {rate}\nsize = \"640x480\"\n")).expect(rate);
        }
        for (text, expected) in [
            (
                "[[loopback]]\ncamera = \"c\"\n".to_owned(),
                "line 1, column 1: missing field `device`",
            ),
            (format!("{entry}frmat = \"yuyv\"\n"), "line 4, column 1: unknown key `frmat`"),
            (
                format!("{entry}format = \"grey\"\n"),
                "line 4, column 10: format: \"grey\" is not yuyv",
            ),
            (format!("{entry}size = \"7x7\"\n"), "line 4, column 8: size: 7x7 is not possible"),
            (format!("{entry}fps = 0\n"), "line 4, column 7: fps"),
            (format!("{entry}fps = true\n"), "line 4, column 7: fps: expected frames a second"),
            (format!("{entry}{entry}"), "line 6, column 11: two [[loopback]] entries"),
        ] {
            let error = refused(&text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn slips_in_the_bridge_are_named() {
        for (text, expected) in [
            ("listen = \"8088\"", "line 2, column 10: listen: \"8088\" is not an address"),
            ("tls = \"yes\"", "line 2, column 7: tls: \"yes\" is not off, self, or two files"),
            ("allowed_hosts = [\"https://a\"]", "\"https://a\" is no name of a host"),
            ("connections = 0", "1 to 65536"),
            ("open = true", "unknown key `open`"),
        ] {
            let error = refused(&format!("[bridge]\n{text}\n"));
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn broken_toml_is_one_line_with_its_place() {
        for text in ["[timeouts\n", "timeouts = \n", "a b c", "[limits]\n[limits]\n", "é = \"\u{1}"]
        {
            let error = refused(text);
            assert!(error.contains(", line "), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn retries_must_not_shrink() {
        let error = refused("[timeouts]\nretry_first = 9\n");
        assert!(error.contains("line 2, column 1: retry_first (9 s)"), "{error}");
    }

    #[test]
    fn a_named_file_must_exist() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("missing.toml");
        let error = Config::load(Some(&path)).expect_err("missing").to_string();
        assert!(error.contains("missing.toml"), "{error}");
        fs::write(&path, "[limits]\nconnections = 4\n").expect("written");
        let (config, used) = Config::load(Some(&path)).expect("valid");
        assert_eq!((config.limits.connections, used), (4, path));
    }
}
