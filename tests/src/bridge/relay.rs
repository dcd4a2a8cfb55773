//! A link between a viewer and the bridge, slow or quick as a test wants it.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::net::sockopt;

/// What the link holds on its way, in bytes: a router with a small buffer.
const HOLDS: usize = 8 << 10;

/// Passes connections on. Ends with the process.
pub struct Relay {
    address: SocketAddr,
    rates: Arc<Rates>,
}

/// Bytes a second each way: the bits of an `f64`.
struct Rates {
    to_viewer: AtomicU64,
    to_bridge: AtomicU64,
}

impl Relay {
    /// Bytes a second of 1 Mbit/s.
    pub const MEGABIT: f64 = 1e6 / 8.0;

    /// Passes connections on to `to`, as quickly as the machine can.
    pub fn start(to: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        let quick = || AtomicU64::new(f64::INFINITY.to_bits());
        let rates = Arc::new(Rates { to_viewer: quick(), to_bridge: quick() });
        let passing = rates.clone();
        thread::spawn(move || {
            for viewer in listener.incoming().flatten() {
                let bridge = TcpStream::connect(to).expect("the bridge accepts connections");
                for end in [&bridge, &viewer] {
                    sockopt::set_socket_recv_buffer_size(end, HOLDS).expect("set");
                }
                let back =
                    (bridge.try_clone().expect("cloned"), viewer.try_clone().expect("cloned"));
                let (up, down) = (passing.clone(), passing.clone());
                thread::spawn(move || pass(viewer, bridge, || rate(&up.to_bridge)));
                thread::spawn(move || pass(back.0, back.1, || rate(&down.to_viewer)));
            }
        });
        Self { address, rates }
    }

    /// Where it can be reached.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many bytes a second reach the viewer from now on.
    pub fn to_viewer(&self, rate: f64) {
        self.rates.to_viewer.store(rate.to_bits(), Ordering::Relaxed);
    }

    /// How many bytes a second reach the bridge from now on.
    pub fn to_bridge(&self, rate: f64) {
        self.rates.to_bridge.store(rate.to_bits(), Ordering::Relaxed);
    }
}

fn rate(rate: &AtomicU64) -> f64 {
    f64::from_bits(rate.load(Ordering::Relaxed))
}

fn pass(mut from: TcpStream, mut to: TcpStream, rate: impl Fn() -> f64) {
    let _ = to.set_nodelay(true);
    let mut bytes = [0; 1460];
    let mut free = Instant::now();
    while let Ok(count) = from.read(&mut bytes) {
        if count == 0 {
            break;
        }
        let rate = rate();
        if rate.is_finite() {
            free = free.max(Instant::now()) + Duration::from_secs_f64(count as f64 / rate);
            thread::sleep(free.saturating_duration_since(Instant::now()));
        }
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Write);
}
