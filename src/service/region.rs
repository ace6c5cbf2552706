//! The regions with Face Liveness and their default quotas.
//!
//! Source: AWS General Reference, "Amazon Rekognition endpoints and quotas"
//! <https://docs.aws.amazon.com/general/latest/gr/rekognition.html>. Rekognition itself is in about twenty regions; the others refuse
//! these operations.

/// A region with Face Liveness, and what an account has there before it asks for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LivenessRegion {
    /// Its code, such as `us-east-1`.
    pub name: &'static str,
    /// Calls per second, each for creating, starting and getting the results of sessions.
    pub calls_per_s: u32,
    /// Sessions that may stream at once. Creating one does not count; starting its stream does.
    pub concurrent_sessions: u32,
}

/// The region of what names none, as in the documentation's examples.
pub const DEFAULT: &str = "us-east-1";

/// The default quota of calls per second outside the two large regions.
pub const CALLS_PER_S_ELSEWHERE: u32 = 5;

/// Every region with Face Liveness.
pub const ALL: [LivenessRegion; 8] = [
    large(DEFAULT),
    large("us-west-2"),
    small("eu-west-1"),
    small("ap-south-1"),
    small("ap-northeast-1"),
    small("sa-east-1"),
    small("ap-southeast-5"),
    small("ap-southeast-7"),
];

const fn large(name: &'static str) -> LivenessRegion {
    LivenessRegion { name, calls_per_s: 25, concurrent_sessions: 75 }
}

const fn small(name: &'static str) -> LivenessRegion {
    LivenessRegion { name, calls_per_s: CALLS_PER_S_ELSEWHERE, concurrent_sessions: 15 }
}

/// The region of a name; `None` has no Face Liveness.
pub fn find(name: &str) -> Option<LivenessRegion> {
    ALL.into_iter().find(|region| region.name == name)
}

/// The calls per second that are documented for a region. One without Face Liveness has the lower figure, and answers every call with
/// `AccessDeniedException` anyway.
pub fn calls_per_s(name: &str) -> u32 {
    find(name).map_or(CALLS_PER_S_ELSEWHERE, |region| region.calls_per_s)
}

/// The sessions at once that are documented for a region; as [`calls_per_s`] for one without Face Liveness.
pub fn concurrent_sessions(name: &str) -> u32 {
    find(name).map_or(small(DEFAULT).concurrent_sessions, |region| region.concurrent_sessions)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No region stands twice, and a region outside the table still has a figure.
    #[test]
    fn each_region_once() {
        for (i, region) in ALL.iter().enumerate() {
            assert_eq!(ALL.iter().position(|other| other.name == region.name), Some(i));
        }
        assert_eq!((calls_per_s(DEFAULT), calls_per_s("eu-west-1"), calls_per_s("us-east-2")), (25, 5, 5));
        assert_eq!(find("us-east-2"), None);
    }
}
