//! `GetFaceLivenessSessionResults`: what is known of a session, as the operation's model writes it.
//!
//! Source: the Rekognition API model (botocore 1.44.5), with `Challenge`, `Feedback` and `Metadata`.
//! Refuses to know when something happened: see [`sessions`](super::sessions).

use serde::{Deserialize, Serialize};

use crate::units::Text64;

/// An image: 8 by 8 pixels of grey, a whole baseline JPEG in base64.
pub const JPEG_BASE64: &str = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBD/wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AP//Z";

/// `Status` of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SessionStatus {
    /// Made; no check has begun.
    Created,
    /// A check has begun.
    InProgress,
    /// A check ended, and there are results. It says nothing of who was live: that is `Confidence`.
    Succeeded,
    /// A check ended without results.
    Failed,
    /// Its life is over.
    Expired,
}

/// The operation's output.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SessionResults {
    /// The session.
    pub session_id: Text64,
    /// How far it is.
    pub status: SessionStatus,
    /// 0 to 100; only of a check that succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Only of a check that succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference_image: Option<Image>,
    /// At most as many as `AuditImagesLimit`, 4 at the most; only of a check that succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_images: Option<Vec<Image>>,
    /// Only of a check that ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge: Option<Challenge>,
    /// Only of a check that succeeded; empty when there is nothing to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Vec<Feedback>>,
    /// Only of a check that ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
}

impl SessionResults {
    /// What is known of a session of which nothing but its status is.
    pub const fn bare(session_id: Text64, status: SessionStatus) -> Self {
        Self {
            session_id,
            status,
            confidence: None,
            reference_image: None,
            audit_images: None,
            challenge: None,
            feedback: None,
            metadata: None,
        }
    }

    /// The body on the wire.
    pub fn body(&self) -> String {
        // Nothing in it can fail: no maps, no foreign types, finite numbers only.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// An image of a check: raw, or as an object in S3.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Image {
    /// A JPEG in base64, when there is no `OutputConfig`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<&'static str>,
    /// Where it is, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3_object: Option<S3Object>,
    /// Where the face is in it.
    pub bounding_box: BoundingBox,
}

/// `S3Object`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct S3Object {
    /// `S3Bucket` of the session.
    pub bucket: String,
    /// Made up under `S3KeyPrefix` of the session.
    pub name: String,
    /// The object's version, of a bucket that keeps versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// `BoundingBox`: parts of the image's width and height, all inside it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BoundingBox {
    /// Of the width.
    pub width: f64,
    /// Of the height.
    pub height: f64,
    /// From the left, of the width.
    pub left: f64,
    /// From the top, of the height.
    pub top: f64,
}

/// `Challenge`: which one the user was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Challenge {
    /// One of the model's challenge types.
    #[serde(rename = "Type")]
    pub kind: String,
    /// As `1.0.0`.
    pub version: String,
}

/// One entry of `Feedback`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Feedback {
    /// One of the model's codes.
    pub code: &'static str,
    /// 1 to 512 characters. The words are ours: the service's are not documented.
    pub message: &'static str,
}

/// Every code of `Feedback` in the model.
pub const FEEDBACK: [Feedback; 7] = [
    Feedback { code: "FACE_NOT_VISIBLE", message: "No face was visible." },
    Feedback { code: "FACE_OBSTRUCTION_DETECTED", message: "Something covered a part of the face." },
    Feedback { code: "LOW_VIDEO_QUALITY_DETECTED", message: "The video was of low quality." },
    Feedback { code: "FACE_NOT_ALIGNED", message: "The face was not in the oval." },
    Feedback { code: "EYES_CLOSED_DETECTED", message: "The eyes were closed." },
    Feedback { code: "LOW_LIGHTING_DETECTED", message: "There was too little light." },
    Feedback { code: "HIGH_LIGHTING_DETECTED", message: "There was too much light." },
];

/// `Metadata`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// 1 to 64 characters.
    #[serde(rename = "SDKType")]
    pub sdk_type: String,
}
