//! What may be called: a URL that is read once, so that what is printed is what is called.

use std::net::IpAddr;

/// A URL that can be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EndpointUrl {
    /// As it was given.
    pub(super) url: String,
    /// Whether it is `https`.
    pub(super) is_https: bool,
    host: String,
}

impl EndpointUrl {
    /// Reads a URL: scheme, host and port, and nothing else.
    pub(super) fn new(url: &str) -> Result<Self, String> {
        let no = |reason: &str| Err(reason.to_owned());
        if url.contains('#') {
            return no("it has a fragment (`#`)");
        }
        let uri: http::Uri = url.parse().map_err(|_| why_no_url(url))?;
        let is_https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return no("it begins with neither http:// nor https://"),
        };
        if uri.path() != "/" || uri.query().is_some() {
            return no("it has a path or a query");
        }
        let Some(authority) = uri.authority().filter(|authority| !authority.as_str().contains('@')) else {
            return no("it has a user name or no host");
        };
        let bare = authority.host();
        let host = bare.trim_start_matches('[').trim_end_matches(']').to_owned();
        port(authority.as_str().get(bare.len()..).unwrap_or_default())?;
        if !is_host(bare, &host) {
            return no("its host is neither a name nor an address");
        }
        Ok(Self { url: url.to_owned(), is_https, host })
    }

    /// Whether calls stay on this machine. A name other than `localhost` is not looked up and counts as far away.
    pub(super) fn is_loopback(&self) -> bool {
        let host = &self.host;
        host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
    }
}

/// A port as it stands behind the host; the scheme's own if none stands there.
fn port(written: &str) -> Result<(), String> {
    let Some(digits) = written.strip_prefix(':') else {
        return if written.is_empty() { Ok(()) } else { Err("what follows its host is not a port".to_owned()) };
    };
    match digits.parse::<u16>() {
        Ok(1..) if digits.bytes().all(|b| b.is_ascii_digit()) => Ok(()),
        _ => Err(format!("the port `{digits}` is not between 1 and 65535")),
    }
}

fn is_host(bare: &str, host: &str) -> bool {
    if bare.starts_with('[') {
        return host.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let label = |label: &str| {
        let inside = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        // RFC 1035, section 2.3.4: a label has at most 63 octets, a name 255.
        inside && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    host.len() <= 255 && host.strip_suffix('.').unwrap_or(host).split('.').all(label)
}

/// What keeps a text from being a URL, where one part can be blamed.
fn why_no_url(url: &str) -> String {
    if url.is_empty() {
        return "it is empty".to_owned();
    }
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return "it has a blank or a control character".to_owned();
    }
    let authority = url.split_once("://").map_or("", |(_, rest)| rest).split(['/', '?']).next().unwrap_or_default();
    let written = authority.rsplit_once(':').filter(|(_, port)| !port.contains(']')).map(|(_, port)| format!(":{port}"));
    written.and_then(|written| port(&written).err()).unwrap_or_else(|| "it is not a URL".to_owned())
}

/// A URL for people: without what could be a password, and with nothing that a terminal obeys.
pub(super) fn masked(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let rest = rest.rsplit_once('@').map_or_else(|| rest.to_owned(), |(_, host)| format!("****@{host}"));
    let rest = rest.split_once('?').map_or_else(|| rest.clone(), |(place, _)| format!("{place}?****"));
    let whole = if scheme.is_empty() { rest } else { format!("{scheme}://{rest}") };
    whole.chars().flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_loopback(url: &str) -> Option<bool> {
        EndpointUrl::new(url).ok().map(|endpoint| endpoint.is_loopback())
    }

    /// Only this machine's own addresses are loopback; a name that might resolve to one is not.
    #[test]
    fn loopback_is_literal() {
        for url in ["http://127.0.0.1:4566", "https://127.8.9.1", "http://localhost:80/", "http://[::1]:4566", "http://LOCALHOST"]
        {
            assert_eq!(is_loopback(url), Some(true), "{url}");
        }
        for url in [
            "http://10.0.0.1",
            "https://rekognition.us-east-1.amazonaws.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://0.0.0.0:80",
            "http://[::]:80",
            "http://2130706433",
        ] {
            assert_eq!(is_loopback(url), Some(false), "{url}");
        }
    }

    /// What is no scheme, host and port is refused, with the part that is wrong.
    #[test]
    fn refusals_name_the_part() {
        for (url, named) in [
            ("", "empty"),
            ("127.0.0.1:80", "neither http:// nor https://"),
            ("ftp://127.0.0.1", "neither http:// nor https://"),
            ("http://", "not a URL"),
            ("http://user@127.0.0.1", "a user name"),
            ("http://127.0.0.1/path", "a path"),
            ("http://127.0.0.1?a=b", "a query"),
            ("http://[::1", "not a URL"),
            ("http://127.0.0.1#@evil.example", "a fragment"),
            ("http://127.0.0.1/#x", "a fragment"),
            ("http://127.0.0.1 ", "a blank"),
            ("http://127.0.0.1:99999", "`99999`"),
            ("http://127.0.0.1:65536", "`65536`"),
            ("http://127.0.0.1:0", "`0`"),
            ("http://127.0.0.1:", "``"),
            ("http://127.0.0.1:80a", "`80a`"),
            ("http://127.0.0.1:+80", "`+80`"),
            ("http://[::1]:99999", "`99999`"),
            ("http://-a.example", "neither a name nor an address"),
            ("http://a..example", "neither a name nor an address"),
        ] {
            let said = EndpointUrl::new(url).expect_err(url);
            assert!(said.contains(named), "{url}: {said}");
        }
    }

    /// Passwords and queries never come through, whatever the text.
    #[test]
    fn passwords_are_masked() {
        assert_eq!(masked("http://user:secret@127.0.0.1:1"), "http://****@127.0.0.1:1");
        assert_eq!(masked("user:se@cret@host"), "****@host");
        assert_eq!(masked("http://h/?token=secret"), "http://h/?****");
        assert_eq!(masked("http://127.0.0.1\n"), "http://127.0.0.1\\n");
    }

    proptest! {
        /// What is accepted names the host and the port that hyper will take from it.
        #[test]
        fn what_is_accepted_is_what_is_called(port in 1_u16.., host in "(127\\.0\\.0\\.1|localhost|[a-z]{1,9}\\.example|\\[::1\\])") {
            let url = format!("http://{host}:{port}");
            prop_assert!(EndpointUrl::new(&url).is_ok());
            let uri: http::Uri = url.parse().unwrap();
            prop_assert_eq!((uri.host(), uri.port_u16()), (Some(host.as_str()), Some(port)));
        }

        /// No text makes it panic, and none keeps a password.
        #[test]
        fn any_text(text in "\\PC{0,30}") {
            let _ = EndpointUrl::new(&text);
            let shown = masked(&format!("http://u:password{text}@h"));
            prop_assert!(!shown.contains("password"), "{}", shown);
        }
    }
}
