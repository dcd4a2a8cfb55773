//! Accepting connections, within limits, and serving HTTP on each.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::{
    Bridge, http,
    login::group,
    socket::{self, Socket},
    tls::Tls,
};

/// A connection that has not said in full what it wants is closed; so is one that wants nothing
/// more.
const HEADERS: Duration = Duration::from_secs(10);
/// The TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Headers of a request.
const MOST_HEADERS: usize = 64;
/// Bytes of a request's headers; also what is buffered of an answer before more is made.
const BUFFER: usize = 16 << 10;
/// When the system has no descriptors left, accepting waits.
const PAUSE: Duration = Duration::from_millis(100);

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Listens at `address`. All IPv6 addresses are all IPv4 addresses too, also on Windows.
pub(super) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, Some(socket2::Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // On Windows it would let two programs have the same port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// How many connections there may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) all: usize,
    pub(super) each: usize,
}

/// Connections that are there.
struct Places {
    limits: Limits,
    taken: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection's place, given back when dropped.
pub(super) struct Place {
    places: Arc<Places>,
    of: IpAddr,
}

impl Places {
    fn take(self: &Arc<Self>, remote: IpAddr) -> Option<Place> {
        let of = group(remote);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        // A map of as many addresses as there are connections, which are bounded.
        let all: usize = taken.values().sum();
        let each = taken.get(&of).copied().unwrap_or(0);
        if all >= self.limits.all || each >= self.limits.each {
            return None;
        }
        *taken.entry(of).or_default() += 1;
        Some(Place { places: self.clone(), of })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.of);
            }
        }
    }
}

/// Accepts until the bridge stops.
pub(super) async fn run(
    bridge: Arc<Bridge>,
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    limits: Limits,
) {
    let places = Arc::new(Places { limits, taken: Mutex::default() });
    loop {
        let accepted = tokio::select! {
            () = bridge.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, remote)) => {
                bridge.counters.accepted.inc();
                let Some(place) = places.take(remote.ip()) else {
                    // Told nothing: whoever floods would be told most.
                    bridge.counters.turned_away.inc();
                    continue;
                };
                socket::prepare(&stream);
                let (serving, tls) = (bridge.clone(), tls.clone());
                bridge.tasks.spawn(async move {
                    serve(serving, stream, remote, tls, Arc::new(place)).await;
                });
            }
            Err(error) => {
                tracing::warn!("a connection could not be accepted: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn serve(
    bridge: Arc<Bridge>,
    stream: TcpStream,
    remote: SocketAddr,
    tls: Option<Arc<Tls>>,
    // A WebSocket takes it along.
    place: Arc<Place>,
) {
    let remote = remote.ip().to_canonical();
    let socket = match tls {
        None => Socket::plain(stream),
        Some(tls) => {
            let acceptor = tls.acceptor(bridge.names.now().await).await;
            let shaken = tokio::select! {
                () = bridge.stop.cancelled() => return,
                shaken = timeout(HANDSHAKE, acceptor.accept(stream)) => shaken,
            };
            match shaken {
                Ok(Ok(stream)) => Socket::tls(stream),
                Ok(Err(error)) => return tracing::debug!(%remote, "no TLS: {error}"),
                Err(_) => return tracing::debug!(%remote, "no TLS: nothing came"),
            }
        }
    };
    let answer = {
        let bridge = bridge.clone();
        service_fn(move |request| http::answer(bridge.clone(), request, remote, place.clone()))
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_headers(MOST_HEADERS)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(socket), answer)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = bridge.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%remote, "a connection has ended: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_in_all_and_for_each_address() {
        let limits = Limits { all: 3, each: 2 };
        let places = Arc::new(Places { limits, taken: Mutex::default() });
        let take = |last: u8| places.take(IpAddr::from([10, 0, 0, last]));
        let (first, second) = (take(1), take(1));
        assert!(first.is_some() && second.is_some() && take(1).is_none());
        let third = take(2);
        assert!(third.is_some() && take(3).is_none());
        drop(first);
        assert!(take(3).is_some() && take(1).is_some());
        drop((second, third));
        assert!(places.taken.lock().expect("not poisoned").is_empty());
    }
}
