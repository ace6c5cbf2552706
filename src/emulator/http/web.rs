//! What a web page may do here: nothing with the server's own endpoints, and call the operation only from the origin that `cors` names.
//!
//! A browser lets any page send simple requests to this machine, and a name of the page's own may lead here (DNS rebinding). It always says
//! so in `Host`, `Origin` and `Sec-Fetch-Site` (Fetch standard, sections 3.2 and 5; W3C Fetch Metadata), which no page can change. Refuses to
//! judge calls of the operation without `cors`: they are signed.

use std::net::IpAddr;

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HOST, ORIGIN, VARY,
};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::body::Outgoing;

/// Why a request for the server's own endpoints may come from a web page elsewhere; `None` if it cannot.
pub(super) fn foreign(head: &Parts) -> Option<String> {
    let host = head.headers.get(HOST).map(HeaderValue::as_bytes).or_else(|| head.uri.authority().map(|a| a.as_str().as_bytes()));
    let host = host.and_then(|host| std::str::from_utf8(host).ok()).unwrap_or_default();
    if !host.parse::<Authority>().is_ok_and(|authority| is_this_machine(authority.host())) {
        return Some(format!(
            "the Host is `{}`, which is not a name of this machine; use 127.0.0.1, [::1] or localhost",
            shown(host)
        ));
    }
    if let Some(origin) = head.headers.get(ORIGIN) {
        let own = ["http://", "https://"].into_iter().any(|scheme| origin.as_bytes() == format!("{scheme}{host}").as_bytes());
        if !own {
            return Some(
                "it comes from a web page of another origin; the endpoints under /_livebench/ are for tools of this machine"
                    .to_owned(),
            );
        }
    }
    let site = head.headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    let elsewhere = site.is_some_and(|site| !matches!(site, b"same-origin" | b"none"));
    elsewhere.then(|| {
        "a web page of another site asked for it; the endpoints under /_livebench/ are for tools of this machine".to_owned()
    })
}

/// Whether a host is this machine by a number or by the name that resolves to nothing else (RFC 6761, section 6.3).
fn is_this_machine(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let name = host.to_ascii_lowercase();
    bare.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback()) || name == "localhost" || name.ends_with(".localhost")
}

/// A piece of a header as it may stand in a message.
fn shown(text: &str) -> String {
    text.chars().take(60).filter(|c| !c.is_control()).collect()
}

/// Whether a request is a browser's question before a call, which `cors` has to answer.
fn is_preflight(head: &Parts) -> bool {
    head.method == Method::OPTIONS
        && head.headers.contains_key(ORIGIN)
        && head.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a browser's question whether it may call; `None` if nobody asks, or no origin may.
pub(super) fn preflight(cors: Option<&str>, head: &Parts) -> Option<Response<Outgoing>> {
    let cors = cors.filter(|_| is_preflight(head))?;
    let mut response = Response::new(Outgoing::whole(Bytes::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    if allow(Some(cors), &head.headers, response.headers_mut()) {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
        // What a client of AWS sends depends on its version: whatever it asks for.
        if let Some(asked) = head.headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
        }
        // source: what Amazon S3 and API Gateway show in their examples of CORS; browsers cap it themselves
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3000"));
    } else {
        *response.status_mut() = StatusCode::FORBIDDEN;
    }
    Some(response)
}

/// Lets a page of the origin `cors` read an answer, and says whether it is one.
pub(super) fn allow(cors: Option<&str>, asked: &HeaderMap, headers: &mut HeaderMap) -> bool {
    let Some(cors) = cors else { return false };
    // A cache must not give one origin's answer to another.
    headers.insert(VARY, HeaderValue::from_static("origin"));
    let Some(origin) = asked.get(ORIGIN).filter(|origin| origin.as_bytes() == cors.as_bytes()) else { return false };
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("x-amzn-requestid, x-amz-retry-after, date"));
    true
}
