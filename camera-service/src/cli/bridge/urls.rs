//! Addresses of the bridge's page: which suits whom, and with a secret.

use std::net::IpAddr;

/// Where the page can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) struct Url<'a>(&'a str);

impl<'a> Url<'a> {
    pub(in crate::cli) fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// Whether nobody in between can read along.
    pub(in crate::cli) fn is_encrypted(self) -> bool {
        self.0.starts_with("https://")
    }

    /// Whether only this machine reaches it.
    pub(in crate::cli) fn is_loopback(self) -> bool {
        let rest = self.0.split_once("://").map_or(self.0, |(_, rest)| rest);
        let authority = rest.split('/').next().unwrap_or(rest);
        let host = match authority.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or(rest),
            None => authority.split(':').next().unwrap_or(authority),
        };
        host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    }

    /// With an invitation's secret in its fragment, which no browser sends to anybody.
    pub(in crate::cli) fn with_secret(self, secret: &str) -> String {
        format!("{}/#secret={secret}", self.0.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_told_from_what_others_reach() {
        for url in ["http://127.0.0.1:8088/", "https://[::1]:8443", "http://localhost:80/"] {
            assert!(Url::new(url).is_loopback(), "{url}");
        }
        for url in ["https://192.168.1.7:8443/", "https://[fe80::1]:8443", "http://desk.local:80/"]
        {
            assert!(!Url::new(url).is_loopback(), "{url}");
        }
        assert!(Url::new("https://a/").is_encrypted() && !Url::new("http://a/").is_encrypted());
        for url in ["https://a:1", "https://a:1/"] {
            assert_eq!(Url::new(url).with_secret("s"), "https://a:1/#secret=s");
        }
    }
}
