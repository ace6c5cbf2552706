//! What both ends of AWS Signature Version 4 share: the algorithm's names, signing keys, instants and hexadecimal digits.
//!
//! Canonical requests are not shared: `client::wire` writes its own one form, the emulator reads every form that a client may send,
//! and each is held against the SDK's signer. Source: AWS General Reference, "Signing AWS API requests".
//!
//! Refuses to read a clock and to keep a secret.

mod stamp;

use ring::{digest, hmac};

use crate::service::operation::SERVICE;
pub(crate) use stamp::Stamp;

/// The only algorithm.
pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The key that signs for a day (`YYYYMMDD`) and a region.
pub(crate) fn signing_key(secret: &str, day: &str, region: &str) -> hmac::Key {
    let first = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
    [day, region, SERVICE, "aws4_request"]
        .iter()
        .fold(first, |key, part| hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref()))
}

/// The SHA-256 of some bytes, in hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// The two lower-case digits of a byte.
pub(crate) const fn hex_digits(byte: u8) -> [u8; 2] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    [HEX[(byte >> 4) as usize], HEX[(byte & 15) as usize]]
}

/// The 64 lower-case digits of a digest; shorter input leaves zeros at the end.
pub(crate) fn hex64(digest: &[u8]) -> [u8; 64] {
    let mut out = [b'0'; 64];
    for (pair, byte) in out.chunks_exact_mut(2).zip(digest) {
        pair.copy_from_slice(&hex_digits(*byte));
    }
    out
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    out.extend(bytes.iter().flat_map(|byte| hex_digits(*byte)).map(char::from));
    out
}

/// The 32 bytes of 64 lower-case hexadecimal digits.
pub(crate) fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The key of the example in AWS's documentation ("Examples of how to derive a signing key for Signature Version 4"), for this
    /// service: derived with Python's hmac module.
    #[test]
    fn known_key() {
        let key = signing_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20261121", "us-east-1");
        let tag = hmac::sign(&key, b"livebench");
        assert_eq!(hex(tag.as_ref()), "a8a6feca2211647d06e39b37e4e44376c7fa086739104bc9f7b50d18f212c3c3");
    }

    proptest! {
        /// Hexadecimal digits there and back.
        #[test]
        fn hex_round_trip(bytes in any::<[u8; 32]>()) {
            prop_assert_eq!(unhex(&hex(&bytes)), Some(bytes));
            let digits = hex64(&bytes);
            prop_assert_eq!(hex(&bytes), String::from_utf8_lossy(&digits));
            prop_assert_eq!(unhex(&hex(&bytes).to_uppercase()).is_none(), hex(&bytes) != hex(&bytes).to_uppercase());
        }
    }
}
