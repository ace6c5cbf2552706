//! A request in its canonical form: the text that is signed.
//!
//! Source: AWS General Reference, "Create a canonical request" (Signature Version 4).

use super::Request;
use crate::http1::Fields;
use crate::sigv4::hex_digits;

/// The canonical request with `signed_headers` in the order and spelling in which the client lists them.
///
/// A listed header that did not come has an empty value, as it then also does not verify.
pub(super) fn canonical_request(request: &Request<'_>, signed_headers: &str, payload_hash: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    out.extend_from_slice(request.method.as_str().as_bytes());
    out.push(b'\n');
    path(&mut out, request.path);
    out.push(b'\n');
    query(&mut out, request.query.unwrap_or_default());
    out.push(b'\n');
    for name in signed_headers.split(';') {
        out.extend(name.bytes().map(|b| b.to_ascii_lowercase()));
        out.push(b':');
        values(&mut out, request.fields, name);
        out.push(b'\n');
    }
    out.push(b'\n');
    out.extend_from_slice(signed_headers.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(payload_hash);
    out
}

/// All values of a header, joined by commas, each without outer spaces and with runs of inner ones made one.
fn values(out: &mut Vec<u8>, fields: Fields<'_>, name: &str) {
    for (i, value) in fields.all(name).enumerate() {
        if i > 0 {
            out.push(b',');
        }
        let value = value.trim_ascii();
        if !value.windows(2).any(|two| two == b"  ") {
            out.extend_from_slice(value);
            continue;
        }
        let mut before = b'x';
        for &byte in value {
            if byte != b' ' || before != b' ' {
                out.push(byte);
            }
            before = byte;
        }
    }
}

/// The path: dot segments and empty ones removed, then encoded (once more: it arrives encoded).
fn path(out: &mut Vec<u8>, path: &str) {
    if !path.contains('.') && !path.contains("//") {
        if !path.starts_with('/') {
            out.push(b'/');
        }
        encode(out, path.as_bytes(), b"/");
        return;
    }
    let mut kept = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    for segment in &kept {
        out.push(b'/');
        encode(out, segment.as_bytes(), b"");
    }
    let open = ["/", "/.", "/.."].iter().any(|end| path.ends_with(end));
    if open || kept.is_empty() {
        out.push(b'/');
    }
}

/// The query: names and values decoded as forms are, encoded, sorted.
fn query(out: &mut Vec<u8>, query: &str) {
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (again(name), again(value))
        })
        .collect();
    pairs.sort();
    for (i, (name, value)) in pairs.iter().enumerate() {
        if i > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(name);
        out.push(b'=');
        out.extend_from_slice(value);
    }
}

/// Decoded, and encoded the one canonical way.
fn again(text: &str) -> Vec<u8> {
    let (bytes, mut plain) = (text.as_bytes(), Vec::with_capacity(text.len()));
    let mut at = 0;
    while at < bytes.len() {
        let digit = |offset: usize| bytes.get(at + offset).and_then(|b| char::from(*b).to_digit(16));
        match (bytes[at], digit(1), digit(2)) {
            (b'%', Some(high), Some(low)) => {
                plain.push(u8::try_from(high * 16 + low).unwrap_or(b'%'));
                at += 2;
            }
            (b'+', ..) => plain.push(b' '),
            (byte, ..) => plain.push(byte),
        }
        at += 1;
    }
    let mut out = Vec::with_capacity(plain.len());
    encode(&mut out, &plain, b"");
    out
}

/// Percent-encodes everything but the unreserved characters of RFC 3986 and `kept`.
fn encode(out: &mut Vec<u8>, bytes: &[u8], kept: &[u8]) {
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.contains(&byte) {
            out.push(byte);
        } else {
            let [high, low] = hex_digits(byte);
            out.extend_from_slice(&[b'%', high.to_ascii_uppercase(), low.to_ascii_uppercase()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    /// Header values, paths and queries in the forms of the specification.
    #[test]
    fn forms() {
        let listed = ["  a   b ", "c", "\u{9}d  "].map(|value| httparse::Header { name: "x-many", value: value.as_bytes() });
        let fields = Fields::of(&listed);
        assert_eq!(text(|out| values(out, fields, "X-Many")), "a b,c,d");
        assert_eq!(text(|out| values(out, fields, "x-none")), "");
        for (given, expected) in [
            ("", "/"),
            ("/", "/"),
            ("/a%20b/c", "/a%2520b/c"),
            ("/./a//../b/", "/b/"),
            ("/..", "/"),
            ("/a/..", "/"),
            ("/é", "/%C3%A9"),
        ] {
            assert_eq!(text(|out| path(out, given)), expected, "{given}");
        }
        for (given, expected) in [("", ""), ("b=2&a=1&a", "a=&a=1&b=2"), ("a+b=%c3%A9&&c=%zz", "a%20b=%C3%A9&c=%25zz")] {
            assert_eq!(text(|out| query(out, given)), expected, "{given}");
        }
    }
}
