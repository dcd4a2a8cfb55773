//! What a program that has ended said.

use std::{fmt, process::ExitStatus};

/// The end of a program.
#[derive(Clone)]
pub struct Output {
    name: String,
    status: ExitStatus,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: String,
}

impl Output {
    pub(crate) fn new(name: &str, status: ExitStatus, stdout: Vec<u8>, stderr: String) -> Self {
        Self { name: name.to_owned(), status, stdout, stderr }
    }

    /// Its exit code; `None` when a signal ended it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The signal that ended it.
    #[cfg(unix)]
    pub fn signal(&self) -> Option<i32> {
        use std::os::unix::process::ExitStatusExt as _;
        self.status.signal()
    }

    /// Asserts that it exited with this code.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code(), Some(code), "{self:?}");
        self
    }

    /// Asserts that it exited with 0.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.expect_code(0)
    }

    /// Asserts that its standard error contains `text`.
    #[track_caller]
    pub fn expect_error(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "no {text:?} in the errors of {self:?}");
        self
    }

    /// Its standard output as text.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap_or_else(|_| panic!("no UTF-8 in {self:?}"))
    }

    /// Its standard output as one JSON value, after it exited with 0.
    #[track_caller]
    pub fn json(self) -> serde_json::Value {
        let output = self.ok();
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {output:?}"))
    }

    /// Its standard output as one JSON value a line.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        let parse = |line| {
            serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("no JSON ({error}): {line}\n{self:?}"))
        };
        self.text().lines().map(parse).collect()
    }
}

/// Everything, for the message of a failed assertion.
impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 4000;
        let out = &self.stdout[..self.stdout.len().min(SHOWN)];
        writeln!(f, "{} ({})", self.name, self.status)?;
        writeln!(f, "--- {} bytes out\n{}", self.stdout.len(), String::from_utf8_lossy(out))?;
        write!(f, "--- errors\n{}", self.stderr)
    }
}
