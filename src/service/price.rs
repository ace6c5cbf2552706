//! What a call may cost.

/// US dollars for a check: the list price of the first tier in US East, on the page "Amazon Rekognition pricing"
/// <https://aws.amazon.com/rekognition/pricing/>. It falls with volume. Whether a session that is created and never streamed is billed
/// is undocumented, so each create is counted as a check.
pub const USD_PER_CHECK: f64 = 0.015;
