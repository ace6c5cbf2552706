//! What a web page may do here: nothing with the server's own endpoints, and call the operation only from the origin that `cors` names.
//!
//! A browser lets any page send simple requests to this machine, and a name of the page's own may lead here (DNS rebinding). It always says
//! so in `Host`, `Origin` and `Sec-Fetch-Site` (Fetch standard, sections 3.2 and 5; W3C Fetch Metadata), which no page can change. Refuses to
//! judge calls of the operation without `cors`: they are signed.

use std::net::IpAddr;

use bytes::Bytes;
use http::header::{ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE};
use http::uri::Authority;
use http::{HeaderValue, Method, Response, StatusCode};

use super::message::RequestHead;
use crate::http1::Fields;

/// Why a request for the server's own endpoints may come from a web page elsewhere; `None` if it cannot.
pub(super) fn foreign(head: &RequestHead<'_>) -> Option<String> {
    let host = head.fields.get("host").or_else(|| head.uri.authority().map(|a| a.as_str().as_bytes()));
    let host = host.and_then(|host| std::str::from_utf8(host).ok()).unwrap_or_default();
    if !host.parse::<Authority>().is_ok_and(|authority| is_this_machine(authority.host())) {
        return Some(format!(
            "the Host is `{}`, which is not a name of this machine; use 127.0.0.1, [::1] or localhost",
            shown(host)
        ));
    }
    if let Some(origin) = head.fields.get("origin") {
        let own = ["http://", "https://"].into_iter().any(|scheme| origin == format!("{scheme}{host}").as_bytes());
        if !own {
            return Some(
                "it comes from a web page of another origin; the endpoints under /_livebench/ are for tools of this machine"
                    .to_owned(),
            );
        }
    }
    let site = head.fields.get("sec-fetch-site");
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
fn is_preflight(head: &RequestHead<'_>) -> bool {
    *head.method == Method::OPTIONS
        && head.fields.get("origin").is_some()
        && head.fields.get("access-control-request-method").is_some()
}

/// The answer to a browser's question whether it may call; `None` if nobody asks, or no origin may.
pub(super) fn preflight(cors: Option<&str>, head: &RequestHead<'_>) -> Option<Response<Bytes>> {
    let cors = cors.filter(|_| is_preflight(head))?;
    let mut response = Response::new(Bytes::new());
    let allowed = is_page(Some(cors), head.fields);
    *response.status_mut() = if allowed { StatusCode::NO_CONTENT } else { StatusCode::FORBIDDEN };
    let headers = response.headers_mut();
    for (name, value) in fields(cors, allowed) {
        // An origin that is no header value is nobody's.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    if allowed {
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
        // What a client of AWS sends depends on its version: whatever it asks for.
        let asked = head.fields.get("access-control-request-headers").and_then(|asked| HeaderValue::from_bytes(asked).ok());
        if let Some(asked) = asked {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked);
        }
        // source: what Amazon S3 and API Gateway show in their examples of CORS; browsers cap it themselves
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3000"));
    }
    Some(response)
}

/// Whether a page of the origin `cors` asks.
pub(super) fn is_page(cors: Option<&str>, fields: Fields<'_>) -> bool {
    cors.is_some_and(|cors| fields.get("origin") == Some(cors.as_bytes()))
}

/// What an answer says of the origin `cors`: where it `is_page` that asks, that it may read the answer.
pub(super) fn fields(cors: &str, is_page: bool) -> impl Iterator<Item = (&'static str, &str)> {
    // A cache must not give one origin's answer to another.
    let always = [("vary", "origin")];
    let allowed =
        [("access-control-allow-origin", cors), ("access-control-expose-headers", "x-amzn-requestid, x-amz-retry-after, date")];
    always.into_iter().chain(allowed.into_iter().filter(move |_| is_page))
}
