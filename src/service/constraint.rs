//! What the members of the operations may be.
//!
//! Source: the shapes of `CreateFaceLivenessSession` in the API model, the same text as the API reference
//! <https://docs.aws.amazon.com/rekognition/latest/APIReference/API_CreateFaceLivenessSession.html>. Patterns are held by hand-written
//! matchers. Refuses to decide who checks them: botocore holds the minima only, the SDK for Rust nothing.

use std::ops::RangeInclusive;

/// What a text may be.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    /// The least number of characters.
    pub min: usize,
    /// The greatest number of characters.
    pub max: usize,
    /// The regular expression, as the model writes it.
    pub pattern: &'static str,
    /// Whether a text, whatever its length, satisfies `pattern`.
    pub matches: fn(&str) -> bool,
}

/// `KmsKeyId`.
pub const KMS_KEY_ID: Text =
    Text { min: 1, max: 2048, pattern: "^[A-Za-z0-9][A-Za-z0-9:_/+=,@.-]{0,2048}$", matches: is_kms_key };
/// `ClientRequestToken`.
pub const CLIENT_REQUEST_TOKEN: Text = Text { min: 1, max: 64, pattern: "^[a-zA-Z0-9-_]+$", matches: is_token };
/// `Settings.OutputConfig.S3Bucket`.
pub const S3_BUCKET: Text = Text { min: 3, max: 255, pattern: r"[0-9A-Za-z\.\-_]*", matches: is_bucket };
/// `Settings.OutputConfig.S3KeyPrefix`.
pub const S3_KEY_PREFIX: Text = Text { min: 0, max: 950, pattern: r"\S*", matches: has_no_space };
/// `Versions.Minimum` and `Versions.Maximum` of a challenge preference.
pub const VERSION: Text =
    Text { min: 5, max: 11, pattern: r"^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})$", matches: is_version };
/// `SessionId`, in answers and in requests for results.
pub const SESSION_ID: Text =
    Text { min: 36, max: 36, pattern: "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", matches: is_session_id };

/// `Settings.AuditImagesLimit`. The reference's text says also that what lies outside is taken as the nearer end: a setting of the
/// emulator.
pub const AUDIT_IMAGES: RangeInclusive<i32> = 0..=4;

/// `Type` of a challenge preference; the first is the one of a session that prefers none.
pub const CHALLENGE_TYPES: [&str; 2] = ["FaceMovementAndLightChallenge", "FaceMovementChallenge"];

fn is_kms_key(text: &str) -> bool {
    let sound = |(i, b): (usize, u8)| b.is_ascii_alphanumeric() || (i > 0 && b":_/+=,@.-".contains(&b));
    !text.is_empty() && text.bytes().enumerate().all(sound)
}

fn is_token(text: &str) -> bool {
    // Without a way out: so it takes many bytes at a time.
    !text.is_empty() && text.bytes().fold(true, |all, b| all & matches!(b, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_'))
}

fn is_bucket(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
}

fn has_no_space(text: &str) -> bool {
    !text.contains(char::is_whitespace)
}

/// Three numbers of at most three digits without leading zeros.
fn is_version(text: &str) -> bool {
    let number = |part: &str| {
        (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()) && (part == "0" || !part.starts_with('0'))
    };
    text.split('.').count() == 3 && text.split('.').all(number)
}

/// Whether `text` is a session id: [`SESSION_ID`], lower case only.
pub fn is_session_id(text: &str) -> bool {
    let digit = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    let bytes = text.as_bytes();
    let hyphens = bytes.len() == SESSION_ID.max && [bytes[8], bytes[13], bytes[18], bytes[23]] == *b"----";
    // Where there are four hyphens besides the digits, they are those.
    hyphens && bytes.iter().filter(|b| digit(b)).count() == SESSION_ID.max - 4
}
