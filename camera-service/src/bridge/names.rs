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
    /// Those among them that lead to virtual machines, containers or tunnels.
    pub(super) inside: BTreeSet<IpAddr>,
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
        let inside = interfaces.iter().filter(|interface| is_virtual(&interface.name));
        let inside = inside.map(if_addrs::Interface::ip).collect();
        addresses.extend([IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])]);
        Self { hosts, addresses, inside }
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
        let (outside, inside): (Vec<_>, Vec<_>) =
            self.addresses.iter().filter(usable).partition(|ip| !self.inside.contains(ip));
        let best = |addresses: &[&IpAddr]| {
            let private = addresses.iter().find(|address| private(address));
            private.or(addresses.first()).map(|address| **address)
        };
        best(&outside).or_else(|| best(&inside))
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
    #[cfg(windows)]
    let name = windows_name()?;
    // What is no name of a host must not get into a certificate.
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    let name = name.to_ascii_lowercase();
    (!name.is_empty() && name.len() <= 253 && name.chars().all(valid)).then_some(name)
}

/// Its name among hosts. The environment has another one, cut to 15 letters.
#[cfg(windows)]
#[allow(unsafe_code)]
fn windows_name() -> Option<String> {
    use windows::{
        Win32::System::SystemInformation::{ComputerNamePhysicalDnsHostname, GetComputerNameExW},
        core::PWSTR,
    };

    // A label has 63 letters at most.
    let mut name = [0_u16; 256];
    let mut length = name.len() as u32;
    let into = Some(PWSTR(name.as_mut_ptr()));
    // SAFETY: `name` has room for so many letters, and outlives the call.
    unsafe { GetComputerNameExW(ComputerNamePhysicalDnsHostname, into, &raw mut length) }.ok()?;
    Some(String::from_utf16_lossy(name.get(..length as usize)?))
}

/// Whether an interface of this name leads to machines inside this one, or through a tunnel, so
/// that a phone beside it does not reach it there.
fn is_virtual(name: &str) -> bool {
    const BEGINNINGS: &[&str] = &[
        "br-",
        "cni",
        "docker",
        "lxc",
        "lxdbr",
        "podman",
        "ppp",
        "tailscale",
        "tap",
        "tun",
        "utun",
        "vboxnet",
        "veth",
        "virbr",
        "vmnet",
        "wg",
        "wt",
        "zt",
    ];
    // Windows names them for people.
    const PARTS: &[&str] = &["hyper-v", "virtualbox", "vmware", "vpn", "wsl"];
    let name = name.to_lowercase();
    BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
        || PARTS.iter().any(|part| name.contains(part))
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

    #[test]
    fn others_are_told_an_address_that_leads_out_of_this_machine() {
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        let mut names = Names::default();
        names.addresses.extend(["127.0.0.1", "fe80::1", "169.254.7.7"].map(address));
        assert_eq!(names.reachable(), None);
        names.addresses.insert(address("172.17.0.1"));
        names.inside.insert(address("172.17.0.1"));
        assert_eq!(names.reachable(), Some(address("172.17.0.1")));
        names.addresses.extend(["203.0.113.5", "192.168.178.20"].map(address));
        assert_eq!(names.reachable(), Some(address("192.168.178.20")));
        for name in ["docker0", "vEthernet (WSL)", "VirtualBox Host-Only Network", "wg0"] {
            assert!(is_virtual(name), "{name}");
        }
        for name in ["eth0", "wlan0", "enp3s0", "wlp2s0", "br0", "Ethernet 2", "WLAN", "en0"] {
            assert!(!is_virtual(name), "{name}");
        }
    }
}
