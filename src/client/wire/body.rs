//! A request's JSON, prepared but for its token.

use crate::client::request::CreateRequest;

/// The bytes of a request around the place of its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Body {
    /// As it stands: what is sent when no other token is asked for.
    whole: Vec<u8>,
    /// Up to the quotation mark before the token.
    before: Vec<u8>,
}

impl Body {
    pub(super) fn new(request: &CreateRequest) -> Result<Self, serde_json::Error> {
        let whole = serde_json::to_vec(request)?;
        let bare = CreateRequest { client_request_token: None, ..request.clone() };
        let mut before = serde_json::to_vec(&bare)?;
        before.pop(); // the closing brace
        if before.len() > 1 {
            before.push(b',');
        }
        before.extend_from_slice(br#""ClientRequestToken":""#);
        Ok(Self { whole, before })
    }

    /// Writes the body with this token instead of the request's own.
    pub(super) fn write(&self, token: Option<&str>, body: &mut Vec<u8>) {
        let Some(token) = token else { return body.extend_from_slice(&self.whole) };
        body.extend_from_slice(&self.before);
        if token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            body.extend_from_slice(token.as_bytes());
        } else {
            // A token that the service will refuse, sent on purpose. A text always makes JSON.
            let quoted = serde_json::to_string(token).unwrap_or_else(|_| "\"\"".to_owned());
            body.extend_from_slice(quoted.get(1..quoted.len() - 1).unwrap_or_default().as_bytes());
        }
        body.extend_from_slice(b"\"}");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::client::request::Settings;

    proptest! {
        /// Whatever the token, the body is the JSON of the request that has it.
        #[test]
        fn token_takes_its_place(token in ".{0,64}", own in proptest::option::of("[a-z]{1,9}"), key in proptest::option::of("[a-z]{1,9}")) {
            for settings in [None, Some(Settings { audit_images_limit: Some(2), ..Settings::default() })] {
                let request = CreateRequest { kms_key_id: key.clone(), settings, client_request_token: own.clone() };
                let body = Body::new(&request).unwrap();
                let written = |token: Option<&str>| {
                    let mut bytes = Vec::new();
                    body.write(token, &mut bytes);
                    bytes
                };
                prop_assert_eq!(written(None), serde_json::to_vec(&request).unwrap());
                let wanted = CreateRequest { client_request_token: Some(token.clone()), ..request };
                prop_assert_eq!(written(Some(&token)), serde_json::to_vec(&wanted).unwrap());
            }
        }
    }
}
