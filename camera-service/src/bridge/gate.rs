//! Who may ask at all: the Host and Origin of every request, upgrades included.
//!
//! A page of somebody else can have a browser send requests here, under a name of its own that
//! it lets point to this machine (DNS rebinding). It cannot choose the Host and Origin that the
//! browser writes: the first must mean this machine, the second, where it is there, the same.

use hyper::header::{HOST, HeaderMap, HeaderValue, ORIGIN};

use super::names::{Known, Names};

/// Why a request is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Foreign {
    /// It calls this machine by a name that is not its own.
    Host,
    /// It comes from a page of another place.
    Origin,
}

impl Foreign {
    /// What to tell the user.
    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Host => {
                "this machine does not go by the name that the request has in Host; use one of \
                 its own, or add that name to allowed_hosts in the section [bridge] of the \
                 configuration"
            }
            Self::Origin => {
                "the request comes from a page of another place (Origin); open the page of this \
                 machine, or add that place's host to allowed_hosts in the section [bridge] of \
                 the configuration"
            }
        }
    }
}

/// The hosts that are let in.
pub(super) struct Gate {
    allowed: Vec<String>,
}

impl Gate {
    /// Lets in `allowed`, names in lower case, beside this machine's own.
    pub(super) fn new(allowed: Vec<String>) -> Self {
        Self { allowed }
    }

    /// Lets a request with these headers in, or says why not.
    pub(super) async fn check(&self, headers: &HeaderMap, known: &Known) -> Result<(), Foreign> {
        match self.judge(headers, &known.last()) {
            Ok(()) => Ok(()),
            // An interface may have got another address.
            Err(_) => {
                let now = known.now().await;
                self.judge(headers, &now)
            }
        }
    }

    fn judge(&self, headers: &HeaderMap, names: &Names) -> Result<(), Foreign> {
        let host = single(headers, HOST).ok_or(Foreign::Host)?.ok_or(Foreign::Host)?;
        let name = name(&host).ok_or(Foreign::Host)?;
        let ours = |name: &str| names.means_this(name) || self.allowed.iter().any(|a| a == name);
        if !ours(name) {
            return Err(Foreign::Host);
        }
        let Some(origin) = single(headers, ORIGIN).ok_or(Foreign::Origin)? else { return Ok(()) };
        let scheme = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        let origin = scheme.ok_or(Foreign::Origin)?;
        let from = self::name(origin).ok_or(Foreign::Origin)?;
        // Another port of this machine is another program's page.
        if origin == host || self.allowed.iter().any(|allowed| allowed == from) {
            return Ok(());
        }
        Err(Foreign::Origin)
    }
}

/// The one value of a header in lower case, `Some(None)` where there is none; `None` where there
/// are several or it is no text.
fn single(headers: &HeaderMap, name: hyper::header::HeaderName) -> Option<Option<String>> {
    let mut values = headers.get_all(name).iter();
    let first: Option<&HeaderValue> = values.next();
    if values.next().is_some() {
        return None;
    }
    match first {
        Some(value) => value.to_str().ok().map(|text| Some(text.to_ascii_lowercase())),
        None => Some(None),
    }
}

/// The host in `host` or `host:port`; `None` where it is neither.
fn name(authority: &str) -> Option<&str> {
    let (name, port) = match authority.rfind(']') {
        Some(end) => authority.split_at(end + 1),
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let port = port.strip_prefix(':').unwrap_or(if port.is_empty() { "0" } else { "x" });
    let digits = !port.is_empty() && port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit());
    // A name may end in a dot.
    let name = name.strip_suffix('.').unwrap_or(name);
    (digits && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(host: Option<&str>, origin: Option<&str>) -> Result<(), Foreign> {
        let mut names = Names::default();
        names.hosts.extend(["localhost".to_owned(), "desk".to_owned()]);
        names.addresses.insert([192, 168, 1, 5].into());
        let mut headers = HeaderMap::new();
        let mut put = |name, value: Option<&str>| {
            if let Some(value) = value {
                headers.append(name, value.parse().expect("a header"));
            }
        };
        put(HOST, host);
        put(ORIGIN, origin);
        Gate::new(vec!["cams.example.org".to_owned()]).judge(&headers, &names)
    }

    #[test]
    fn only_names_of_this_machine_are_let_in() {
        for host in [
            "localhost",
            "localhost:8088",
            "LOCALHOST:1",
            "127.0.0.1:8088",
            "[::1]:8088",
            "desk:80",
            "desk.",
            "192.168.1.5",
            "cams.example.org",
            "cams.example.org:8443",
        ] {
            assert_eq!(judge(Some(host), None), Ok(()), "{host}");
        }
        for host in [
            "",
            ":80",
            "evil.example",
            "localhost.evil.example",
            "localhost:x",
            "localhost:",
            "192.168.1.6",
            "127.0.0.1.evil.example",
            "[::1",
            "[::1]x",
            "a@localhost",
            "localhost:1:2",
        ] {
            assert_eq!(judge(Some(host), None), Err(Foreign::Host), "{host}");
        }
        assert_eq!(judge(None, None), Err(Foreign::Host));
    }

    #[test]
    fn only_our_own_page_may_ask() {
        let ask = |origin| judge(Some("desk:8088"), Some(origin));
        for origin in ["http://desk:8088", "https://desk:8088", "https://cams.example.org"] {
            assert_eq!(ask(origin), Ok(()), "{origin}");
        }
        for origin in [
            "null",
            "",
            "http://desk",
            "http://desk:8089",
            "http://localhost:8088",
            "http://evil.example",
            "ftp://desk:8088",
            "http://desk:8088.evil.example",
            "http://desk:8088/",
            "http://",
        ] {
            assert_eq!(ask(origin), Err(Foreign::Origin), "{origin}");
        }
    }

    #[test]
    fn two_hosts_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(HOST, HeaderValue::from_static("localhost"));
        headers.append(HOST, HeaderValue::from_static("localhost"));
        let gate = Gate::new(Vec::new());
        assert_eq!(gate.judge(&headers, &Names::read()), Err(Foreign::Host));
    }
}
