//! A named pipe as the standard library would have one.

use std::{
    io::{self, Read, Write},
    net::Shutdown,
    path::Path,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use tokio::{
    net::windows::named_pipe::{ClientOptions, NamedPipeClient},
    runtime::{Builder, Runtime},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// `ERROR_PIPE_BUSY`: the instance that waited for a client has just got one.
const BUSY: i32 = 231;
/// How long to try then.
const PATIENCE: Duration = Duration::from_secs(20);

/// One thread can read a pipe while another writes it only where the system's calls do not wait:
/// it is this runtime's thread that does.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime")
});

/// A named pipe. Clones are the same one.
pub struct Socket(Arc<Shared>);

struct Shared {
    /// `None` once it was ended.
    pipe: Mutex<Option<Arc<NamedPipeClient>>>,
    ended: CancellationToken,
    /// Most that reading and writing may take.
    limits: Mutex<(Option<Duration>, Option<Duration>)>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Socket {
    /// Connects.
    pub fn connect(path: impl AsRef<Path>) -> io::Result<Self> {
        let _entered = RUNTIME.enter();
        let until = Instant::now() + PATIENCE;
        loop {
            match ClientOptions::new().open(path.as_ref()) {
                Err(error) if error.raw_os_error() == Some(BUSY) && Instant::now() < until => {
                    thread::sleep(Duration::from_millis(1));
                }
                Err(error) => return Err(error),
                Ok(pipe) => {
                    return Ok(Self(Arc::new(Shared {
                        pipe: Mutex::new(Some(Arc::new(pipe))),
                        ended: CancellationToken::new(),
                        limits: Mutex::default(),
                    })));
                }
            }
        }
    }

    /// Most that reading may take.
    pub fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        locked(&self.0.limits).0 = limit;
        Ok(())
    }

    /// Most that writing may take.
    pub fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        locked(&self.0.limits).1 = limit;
        Ok(())
    }

    /// The same pipe, for another thread.
    pub fn try_clone(&self) -> io::Result<Self> {
        Ok(Self(self.0.clone()))
    }

    /// Ends the connection: one direction of a pipe cannot be ended alone.
    pub fn shutdown(&self, _how: Shutdown) -> io::Result<()> {
        *locked(&self.0.pipe) = None;
        self.0.ended.cancel();
        Ok(())
    }

    /// Waits for what `work` does with the pipe; `None` where the connection was ended.
    fn wait<T>(
        &self,
        limit: Option<Duration>,
        work: impl AsyncFnOnce(&NamedPipeClient) -> io::Result<T>,
    ) -> io::Result<Option<T>> {
        let Some(pipe) = locked(&self.0.pipe).clone() else { return Ok(None) };
        let limit = limit.unwrap_or(Duration::MAX);
        RUNTIME.block_on(async {
            tokio::select! {
                () = self.0.ended.cancelled() => Ok(None),
                done = timeout(limit, work(&pipe)) => match done {
                    Ok(done) => done.map(Some),
                    Err(_) => Err(io::ErrorKind::TimedOut.into()),
                },
            }
        })
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let limit = locked(&self.0.limits).0;
        let read = self.wait(limit, async |pipe| {
            loop {
                pipe.readable().await?;
                match pipe.try_read(buffer) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(0),
                    done => return done,
                }
            }
        });
        Ok(read?.unwrap_or(0))
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let limit = locked(&self.0.limits).1;
        let written = self.wait(limit, async |pipe| {
            loop {
                pipe.writable().await?;
                match pipe.try_write(bytes) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    done => return done,
                }
            }
        });
        written?.ok_or_else(|| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
