//! A child process whose output is kept in files, so that it never waits for a reader.

use std::{
    fs,
    ops::Deref,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use tempfile::TempDir;

use crate::{Output, Process, wait_until};

/// How long a program may take to end that was told to.
const END: Duration = Duration::from_secs(20);

/// A running program. Dropping it kills it; when that is because a test fails, what it had
/// written is shown first.
pub struct Program {
    name: String,
    child: Child,
    process: Process,
    status: Option<ExitStatus>,
    files: TempDir,
}

impl Program {
    /// Starts `command` with nothing to read; `name` is for messages.
    pub fn start(name: &str, command: &mut Command) -> Self {
        Self::start_with(name, command, Stdio::null())
    }

    /// Starts `command` with this standard input.
    pub fn start_with(name: &str, command: &mut Command, stdin: Stdio) -> Self {
        let files = tempfile::tempdir().expect("the temporary folder can be written");
        let create = |file: &str| {
            Stdio::from(fs::File::create(files.path().join(file)).expect("a file can be made"))
        };
        Process::own_group(command);
        let child = command
            .stdin(stdin)
            .stdout(create("stdout"))
            .stderr(create("stderr"))
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        let process = Process::new(child.id());
        Self { name: name.to_owned(), child, process, status: None, files }
    }

    /// Where its standard output goes.
    pub fn stdout_file(&self) -> PathBuf {
        self.files.path().join("stdout")
    }

    /// What it has written to its standard output so far.
    pub fn stdout(&self) -> Vec<u8> {
        fs::read(self.stdout_file()).expect("the output can be read")
    }

    /// What it has written to its standard error so far.
    pub fn stderr(&self) -> String {
        let text = fs::read(self.files.path().join("stderr")).expect("the output can be read");
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Its exit status, once it has ended.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().expect("a child can be asked");
        }
        self.status
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.exit_status().is_none()
    }

    /// Waits for its end, for `timeout` at most, and returns what it said.
    #[track_caller]
    pub fn wait(&mut self, timeout: Duration) -> Output {
        let what = format!("the end of {}", self.name);
        let status = wait_until(&what, timeout, || {
            self.exit_status().ok_or_else(|| format!("still running, {}", tail(&self.stderr())))
        });
        Output::new(&self.name, status, self.stdout(), self.stderr())
    }

    /// Asks it to end as a user does (Ctrl-C; on Windows Ctrl-Break) and waits.
    #[track_caller]
    pub fn interrupt(&mut self) -> Output {
        self.process.interrupt();
        self.wait(END)
    }

    /// Asks it to end as the system does (SIGTERM; on Windows Ctrl-Break) and waits.
    #[track_caller]
    pub fn terminate(&mut self) -> Output {
        self.process.terminate();
        self.wait(END)
    }

    /// Kills it, without a word, and waits.
    pub fn kill(&mut self) {
        if self.is_running() {
            self.child.kill().expect("a child can be killed");
            self.status = Some(self.child.wait().expect("a child can be waited for"));
        }
    }
}

impl Deref for Program {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- {} wrote: {}", self.name, tail(&self.stderr()));
        }
        // It may have ended by itself; there is nobody left to tell of any other failure.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The last lines of a log.
fn tail(log: &str) -> String {
    const LINES: usize = 60;
    let lines: Vec<&str> = log.lines().collect();
    let from = lines.len().saturating_sub(LINES);
    format!("({} lines)\n{}", lines.len(), lines[from..].join("\n"))
}
