//! How long the service keeps what it hands out.

use std::time::Duration;

/// The life of a session: "A `SessionId` expires 3 minutes after it's sent", API reference of `CreateFaceLivenessSession`
/// <https://docs.aws.amazon.com/rekognition/latest/APIReference/API_CreateFaceLivenessSession.html>.
///
/// How long a token leads to its session is undocumented; this is the natural guess, and a setting of the emulator.
pub const SESSION: Duration = Duration::from_secs(180);
