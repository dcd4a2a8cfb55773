//! `[bridge]`: how cameras are offered to browsers and other machines.

use std::{net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::values;

/// How the bridge runs. As JSON, the service hands it to the bridge that it starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bridge {
    /// Whether the service keeps it running.
    pub enabled: bool,
    /// Where it listens.
    #[serde(deserialize_with = "listen")]
    pub listen: SocketAddr,
    /// Whether and with which certificate connections are encrypted; needed off loopback.
    pub tls: Tls,
    /// Names, beside those of this machine, by which browsers may call it.
    #[serde(deserialize_with = "hosts")]
    pub allowed_hosts: Vec<String>,
    /// Whether anybody on this machine may watch without a token; on loopback only.
    pub open_watch: bool,
    /// Connections at once, …
    #[serde(deserialize_with = "values::connections")]
    pub connections: u32,
    /// … and from one address.
    #[serde(deserialize_with = "values::connections")]
    pub connections_per_address: u32,
}

impl Default for Bridge {
    fn default() -> Self {
        Self {
            enabled: false,
            listen: SocketAddr::from(([127, 0, 0, 1], 8088)),
            tls: Tls::Off,
            allowed_hosts: Vec::new(),
            open_watch: false,
            connections: 512,
            connections_per_address: 64,
        }
    }
}

/// How connections are encrypted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    #[default]
    Off,
    /// With a certificate that the bridge makes and keeps.
    Own,
    /// With these PEM files.
    Files {
        /// The certificate, and those that vouch for it.
        certificate: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
}

impl std::str::FromStr for Tls {
    type Err = String;

    /// Takes `off`, `self`, and `CERT,KEY`.
    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.split_once(',')) {
            ("off", _) => Ok(Self::Off),
            ("self", _) => Ok(Self::Own),
            (_, Some((certificate, key))) if !certificate.is_empty() && !key.is_empty() => {
                Ok(Self::Files { certificate: certificate.into(), key: key.into() })
            }
            _ => Err(format!("{text:?} is not off, self, or two files as CERT,KEY")),
        }
    }
}

impl std::fmt::Display for Tls {
    /// As it is parsed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Own => f.write_str("self"),
            Self::Files { certificate, key } => {
                write!(f, "{},{}", certificate.display(), key.display())
            }
        }
    }
}

impl Serialize for Tls {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Tls {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(Error::custom)
    }
}

/// An address and a port from their text.
pub fn bridge_listen(text: &str) -> Result<SocketAddr, String> {
    let hint = "is not an address and a port such as 127.0.0.1:8088, 0.0.0.0:8443 or [::]:8443";
    let text =
        text.strip_prefix("localhost:").map_or(text.to_owned(), |p| format!("127.0.0.1:{p}"));
    text.parse().map_err(|_| format!("{text:?} {hint}"))
}

fn listen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    bridge_listen(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

fn hosts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let hosts = Vec::<String>::deserialize(deserializer)?;
    let wrong = |host: &&String| {
        host.is_empty() || host.len() > 253 || host.contains(['/', '*', ' ', '@', '?', '#'])
    };
    match hosts.iter().find(wrong) {
        Some(host) => {
            let hint = "is no name of a host such as cameras.example.org, without port or scheme";
            Err(D::Error::custom(format!("{host:?} {hint}")))
        }
        None => Ok(hosts.into_iter().map(|host| host.to_lowercase()).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_of_encryption_are_read_as_they_are_written() {
        for text in ["off", "self", "a/cert.pem,b/key.pem"] {
            assert_eq!(text.parse::<Tls>().expect(text).to_string(), text);
        }
        for text in ["", "on", "cert.pem", ",key.pem", "cert.pem,"] {
            assert!(text.parse::<Tls>().is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_is_lost_on_the_way_to_the_bridge_that_the_service_starts() {
        let files = Tls::Files { certificate: "a \"b\".pem".into(), key: "c d,e.pem".into() };
        for tls in [Tls::Off, Tls::Own, files] {
            let section = Bridge {
                enabled: true,
                listen: "[::]:8443".parse().expect("an address"),
                tls,
                allowed_hosts: vec!["one.example".to_owned(), "two.example".to_owned()],
                open_watch: true,
                connections: 7,
                connections_per_address: 6,
            };
            let text = serde_json::to_string(&section).expect("text");
            let read: Bridge = serde_json::from_str(&text).expect(&text);
            assert_eq!(read, section, "{text}");
        }
    }

    #[test]
    fn addresses_need_a_port() {
        for text in ["127.0.0.1:8088", "[::]:8443", "0.0.0.0:0"] {
            assert_eq!(bridge_listen(text).expect(text).to_string(), text);
        }
        assert_eq!(bridge_listen("localhost:80").expect("local").to_string(), "127.0.0.1:80");
        for text in ["", "127.0.0.1", "8088", "example.org:80", "::1:80x"] {
            assert!(bridge_listen(text).is_err(), "{text}");
        }
    }
}
