//! Panics, as lines of the log: written straight to stderr, as they are else, they would wait for
//! whoever reads that.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    panic::{self, PanicHookInfo},
    thread,
};

/// From now on every panic of this process is a line of the log.
pub(super) fn log() {
    panic::set_hook(Box::new(tell));
}

fn tell(panic: &PanicHookInfo<'_>) {
    let thread = thread::current();
    let thread = thread.name().unwrap_or("without a name");
    // Taken only where RUST_BACKTRACE asks for it.
    let backtrace = Backtrace::capture();
    let taken = backtrace.status() == BacktraceStatus::Captured;
    let backtrace = if taken { format!("\n{backtrace}") } else { String::new() };
    tracing::error!(thread, "{panic}{backtrace}");
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for &Lines {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").write(line)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_is_logged_with_its_thread_and_place() {
        let lines = Lines::default();
        let written = Arc::new(lines.clone());
        let log = tracing_subscriber::fmt().with_ansi(false).with_writer(written).finish();
        // Those of other tests, which run beside this one, are told as before.
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| match thread::current().name() {
            Some("unlucky") => tell(panic),
            _ => before(panic),
        }));
        let unlucky = thread::Builder::new().name("unlucky".to_owned());
        let panics = move || tracing::subscriber::with_default(log, || panic!("no {}", "luck"));
        unlucky.spawn(panics).expect("a thread").join().expect_err("it panicked");
        let logged = String::from_utf8(lines.0.lock().expect("no panic").clone()).expect("text");
        for part in ["ERROR", "thread=\"unlucky\"", "panics.rs", "no luck"] {
            assert!(logged.contains(part), "no {part} in {logged}");
        }
    }
}
