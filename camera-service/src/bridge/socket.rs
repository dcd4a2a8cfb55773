//! A viewer's connection: TCP, with TLS or without, that gives up on who takes nothing.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep},
};
use tokio_rustls::server::TlsStream;

/// Most bytes that wait in the kernel unsent: the picture that a slow link gets next is chosen
/// late, so that it is a new one.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 64 << 10;
/// Who takes nothing for so long is given up.
const STALLED: Duration = Duration::from_secs(20);
/// Who has vanished is found within some 40 s, also while nothing is on its way to them, as where
/// a camera is lost: their place is another's then.
const KEEPALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(Duration::from_secs(20))
    .with_interval(Duration::from_secs(5))
    .with_retries(4);

/// The connection.
pub(super) struct Socket {
    way: Way,
    /// Set while something waits to be written.
    stalled: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

enum Way {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Sets what every connection has, before anything is said on it.
pub(super) fn prepare(stream: &TcpStream) {
    // What cannot be set makes pictures or ends later, no more.
    let _ = stream.set_nodelay(true);
    let socket = SockRef::from(stream);
    let _ = socket.set_tcp_keepalive(&KEEPALIVE);
    #[cfg(target_os = "linux")]
    let _ = socket.set_tcp_notsent_lowat(UNSENT);
}

impl Socket {
    /// Without TLS.
    pub(super) fn plain(stream: TcpStream) -> Self {
        Self { way: Way::Plain(stream), stalled: None, waiting: false }
    }

    /// With TLS.
    pub(super) fn tls(stream: TlsStream<TcpStream>) -> Self {
        Self { way: Way::Tls(Box::new(stream)), stalled: None, waiting: false }
    }

    /// Passes on what a write came to; fails once it has waited for too long.
    fn unless_stalled<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waiting = false;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(STALLED)));
        if !self.waiting {
            self.waiting = true;
            stalled.as_mut().reset(Instant::now() + STALLED);
        }
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.way {
            Way::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Way::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut self.way {
            Way::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Way::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        };
        self.unless_stalled(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut self.way {
            Way::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Way::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        };
        self.unless_stalled(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = match &mut self.way {
            Way::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Way::Tls(stream) => Pin::new(stream).poll_flush(cx),
        };
        self.unless_stalled(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = match &mut self.way {
            Way::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Way::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        };
        self.unless_stalled(cx, shut)
    }
}
