//! The adjustable quotas of Face Liveness and their codes in Service Quotas, under the service code
//! [`SERVICE`](super::operation::SERVICE).
//!
//! Source: AWS General Reference, "Amazon Rekognition endpoints and quotas", for the names; the answer of
//! `ListAWSDefaultServiceQuotas` in us-east-1 for the codes. The defaults are in [`region`](super::region).

use super::operation::Operation;

/// Calls per second to `StartFaceLivenessSession`.
pub const START: &str = "L-2FC24677";
/// Sessions that stream at once.
pub const CONCURRENT_SESSIONS: &str = "L-26415FBF";

/// The code of an operation's calls per second.
pub const fn code(operation: Operation) -> &'static str {
    match operation {
        Operation::Create => "L-8E3BC2B4",
        Operation::GetResults => "L-E574413B",
    }
}

/// The operation whose calls per second have a code.
pub fn operation(code_asked: &str) -> Option<Operation> {
    Operation::ALL.into_iter().find(|operation| code(*operation) == code_asked)
}

/// The name of a quota in Service Quotas; `None` for a code that is none of Face Liveness.
pub fn name(code_asked: &str) -> Option<String> {
    let of = match code_asked {
        CONCURRENT_SESSIONS => return Some("Concurrent Face Liveness sessions per account".to_owned()),
        START => "StartFaceLivenessSession",
        other => operation(other)?.name(),
    };
    Some(format!("Transactions per second per account for the Amazon Rekognition Face Liveness operation {of}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A code leads back to its operation, and those of other quotas to none.
    #[test]
    fn codes_lead_back() {
        for asked in Operation::ALL {
            assert_eq!(operation(code(asked)), Some(asked));
        }
        assert_eq!((operation(START), operation(CONCURRENT_SESSIONS)), (None, None));
        assert!([code(Operation::Create), START, CONCURRENT_SESSIONS].iter().all(|code| name(code).is_some()));
        assert_eq!(name("L-00000000"), None);
    }
}
