//! A slow link: what the bridge sends passes at so many bytes a second.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use rustix::net::sockopt;

/// What a slow link holds on its way, in bytes: a router with a small buffer.
const HOLDS: usize = 8 << 10;

/// Passes connections on to `to`, and what comes back at `rate` bytes a second. Gives its
/// address. Ends with the process.
pub fn relay(to: SocketAddr, rate: f64) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    thread::spawn(move || {
        for viewer in listener.incoming().flatten() {
            let bridge = TcpStream::connect(to).expect("the bridge accepts connections");
            sockopt::set_socket_recv_buffer_size(&bridge, HOLDS).expect("set");
            let back = (bridge.try_clone().expect("cloned"), viewer.try_clone().expect("cloned"));
            thread::spawn(move || pass(viewer, bridge, f64::INFINITY));
            thread::spawn(move || pass(back.0, back.1, rate));
        }
    });
    address
}

fn pass(mut from: TcpStream, mut to: TcpStream, rate: f64) {
    let _ = to.set_nodelay(true);
    let mut bytes = [0; 1460];
    let mut free = Instant::now();
    while let Ok(count) = from.read(&mut bytes) {
        if count == 0 {
            break;
        }
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
