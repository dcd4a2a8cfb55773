//! What this machine is called: its names and the addresses of its interfaces.
//!
//! Read when they are needed and at most every few seconds, on a blocking thread; a bridge that
//! nobody uses asks now and then, to tell where it is reached.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What was read earlier than that is read again before it is relied on.
const FRESH: Duration = Duration::from_secs(10);

/// Names and addresses as they were at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// This machine's name, that name within the local network, and `localhost`; lower case.
    pub(super) hosts: BTreeSet<String>,
    /// Addresses of all interfaces, loopback too.
    pub(super) addresses: BTreeSet<IpAddr>,
}

impl Names {
    /// Asks the system. Blocks.
    pub(super) fn read() -> Self {
        let mut hosts = BTreeSet::from(["localhost".to_owned()]);
        if let Some(name) = host_name() {
            let short = name.split('.').next().unwrap_or(&name);
            hosts.insert(format!("{short}.local"));
            hosts.insert(short.to_owned());
            hosts.insert(name.clone());
        }
        let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
        let mut addresses: BTreeSet<IpAddr> =
            interfaces.iter().map(if_addrs::Interface::ip).collect();
        addresses.extend([IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])]);
        Self { hosts, addresses }
    }

    /// Whether `host`, a name or an address without port, means this machine.
    pub(super) fn means_this(&self, host: &str) -> bool {
        match address(host) {
            Some(address) => address.is_loopback() || self.addresses.contains(&address),
            None => self.hosts.contains(host),
        }
    }

    /// The address by which another machine is most likely to reach this one.
    pub(super) fn reachable(&self) -> Option<IpAddr> {
        let private = |address: &&IpAddr| match address {
            IpAddr::V4(v4) => v4.is_private(),
            IpAddr::V6(_) => false,
        };
        let usable = |address: &&IpAddr| match address {
            IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local(),
            // Link-local ones need the name of an interface, which browsers do not take.
            IpAddr::V6(v6) => !v6.is_loopback() && !v6.is_unicast_link_local(),
        };
        let found = self.addresses.iter().find(private);
        found.or_else(|| self.addresses.iter().find(usable)).copied()
    }
}

/// An address as a Host header has it, IPv6 in brackets or not; one that maps an IPv4 address is
/// that.
fn address(host: &str) -> Option<IpAddr> {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.parse().ok().map(|address: IpAddr| address.to_canonical())
}

fn host_name() -> Option<String> {
    #[cfg(unix)]
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").ok()?;
    // What is no name of a host must not get into a certificate.
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    let name = name.to_ascii_lowercase();
    (!name.is_empty() && name.len() <= 253 && name.chars().all(valid)).then_some(name)
}

/// The names of this machine, read anew now and then.
pub(super) struct Known(Mutex<(Instant, Arc<Names>)>);

impl Known {
    /// Begins with what is so now.
    pub(super) fn new(names: Names) -> Self {
        Self(Mutex::new((Instant::now(), Arc::new(names))))
    }

    /// What was read last.
    pub(super) fn last(&self) -> Arc<Names> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// What is so now, or was a few seconds ago.
    pub(super) async fn now(&self) -> Arc<Names> {
        {
            let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if known.0.elapsed() < FRESH {
                return known.1.clone();
            }
        }
        if let Ok(names) = tokio::task::spawn_blocking(Names::read).await {
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            known.0 = Instant::now();
            if *known.1 != names {
                known.1 = Arc::new(names);
            }
        }
        self.last()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_its_names_and_addresses() {
        let names = Names::read();
        for host in ["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]"] {
            assert!(names.means_this(host), "{host}");
        }
        for host in ["", "example.org", "localhost.example.org", "8.8.8.8", "[::2]", "[::1"] {
            assert!(!names.means_this(host), "{host}");
        }
        for name in &names.hosts {
            assert!(names.means_this(name), "{name}");
        }
    }
}
