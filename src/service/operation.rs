//! The operations that are spoken here, and how a request names them.
//!
//! Source: the API model, where `Rekognition` has the protocol awsJson1.1, the signing name `rekognition` and the target prefix
//! `RekognitionService`.

use serde::{Deserialize, Serialize};

/// The service to `SigV4` (its signing name) and to Service Quotas (its service code).
pub const SERVICE: &str = "rekognition";

/// The operations of the service that are spoken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Operation {
    /// `CreateFaceLivenessSession`.
    #[serde(rename = "CreateFaceLivenessSession")]
    Create,
    /// `GetFaceLivenessSessionResults`.
    #[serde(rename = "GetFaceLivenessSessionResults")]
    GetResults,
}

impl Operation {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Create, Self::GetResults];

    /// The service's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "CreateFaceLivenessSession",
            Self::GetResults => "GetFaceLivenessSessionResults",
        }
    }

    /// What `X-Amz-Target` says to ask for it: `RekognitionService.` and its name.
    pub const fn target(self) -> &'static str {
        match self {
            Self::Create => "RekognitionService.CreateFaceLivenessSession",
            Self::GetResults => "RekognitionService.GetFaceLivenessSessionResults",
        }
    }

    /// The operation that an `X-Amz-Target` asks for; `None` is one that is not spoken here.
    pub fn of_target(target: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.target() == target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The three spellings of an operation agree: alone, in a target and in JSON.
    #[test]
    fn spellings_agree() {
        for operation in Operation::ALL {
            assert_eq!(operation.target(), format!("RekognitionService.{}", operation.name()));
            assert_eq!(Operation::of_target(operation.target()), Some(operation));
            assert_eq!(serde_json::to_value(operation).unwrap(), operation.name());
        }
        assert_eq!(Operation::of_target("RekognitionService.DetectFaces"), None);
        assert_eq!(Operation::of_target("CreateFaceLivenessSession"), None);
    }
}
