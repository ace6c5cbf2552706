//! What the results of a session's check say.
//!
//! All of it is drawn by the session's number. Refuses to know when a check ends: see [`check`](super::check).

use super::results::{
    BoundingBox, Challenge, FEEDBACK, Feedback, Image, JPEG_BASE64, Metadata, S3Object, SessionResults, SessionStatus,
};
use super::sessions::{Session, SessionProgress, session_id};
use crate::client::request::{ChallengePreference, Settings, Versions};
use crate::emulator::config::{AuditImages, EmulatorConfig};
use crate::interval::Interval;
use crate::service::constraint::CHALLENGE_TYPES;
use crate::stats::draw::{Stream, bits, unit};

/// What getting the session's results answers.
pub(super) fn results(config: &EmulatorConfig, session: &Session, progress: SessionProgress) -> SessionResults {
    let bare = SessionResults::bare(session_id(config.seed, session.number), progress.status);
    if !matches!(progress.status, SessionStatus::Succeeded | SessionStatus::Failed) {
        return bare;
    }
    let ended = SessionResults {
        challenge: Some(challenge(session.settings())),
        metadata: Some(Metadata { sdk_type: config.checks.sdk_type.clone() }),
        ..bare
    };
    if progress.status == SessionStatus::Failed {
        return ended;
    }
    let draw = ResultDraws { seed: config.seed, n: session.number };
    let images = Images { config, settings: session.settings(), id: ended.session_id.to_string(), draw };
    let count = audit_images(config, session.settings(), draw);
    SessionResults {
        confidence: Some(progress.confidence.unwrap_or_else(|| draw.between(0, config.checks.confidence))),
        reference_image: Some(images.image(0, "reference")),
        audit_images: Some((1..=count).map(|i| images.image(i, &format!("audit-{i}"))).collect()),
        feedback: Some(feedback(config, draw)),
        ..ended
    }
}

/// The draws of one session's results: up to 64 of them.
#[derive(Debug, Clone, Copy)]
struct ResultDraws {
    seed: u64,
    n: u64,
}

impl ResultDraws {
    const fn index(self, which: u64) -> u64 {
        self.n.wrapping_mul(64).wrapping_add(which)
    }

    fn unit(self, which: u64) -> f64 {
        unit(self.seed, Stream::Results, self.index(which))
    }

    /// A number of a range, to six digits.
    fn between(self, which: u64, range: Interval) -> f64 {
        ((range.low + (range.high - range.low) * self.unit(which)) * 1e6).round() / 1e6
    }

    /// A whole number below `count`, which is above 0.
    const fn below(self, which: u64, count: u64) -> u64 {
        bits(self.seed, Stream::Results, self.index(which)) % count
    }
}

/// How many audit images there are, 0 to 4. Without a limit there are none, as the API reference says.
fn audit_images(config: &EmulatorConfig, settings: Option<&Settings>, draw: ResultDraws) -> u64 {
    let limit = settings.and_then(|s| s.audit_images_limit).unwrap_or(0);
    let limit = u64::try_from(limit).unwrap_or(0).min(4);
    match config.checks.audit_images {
        AuditImages::Exact => limit,
        AuditImages::BestEffort => draw.below(1, limit + 1),
    }
}

fn feedback(config: &EmulatorConfig, draw: ResultDraws) -> Vec<Feedback> {
    let some = draw.unit(2) < config.checks.feedback.as_f64();
    let index = draw.below(3, FEEDBACK.len() as u64);
    if some { FEEDBACK.into_iter().skip(usize::try_from(index).unwrap_or(0)).take(1).collect() } else { Vec::new() }
}

struct Images<'a> {
    config: &'a EmulatorConfig,
    settings: Option<&'a Settings>,
    id: String,
    draw: ResultDraws,
}

impl Images<'_> {
    /// The i-th image. Its name in S3 is made up, as the service's is: what is documented is that it begins with the prefix.
    fn image(&self, i: u64, name: &str) -> Image {
        let output = self.settings.and_then(|s| s.output_config.as_ref());
        let s3_object = output.map(|output| S3Object {
            bucket: output.s3_bucket.clone(),
            name: format!("{}{}/{name}.jpg", output.s3_key_prefix.as_deref().unwrap_or_default(), self.id),
            version: self.config.checks.s3_versions.then(|| format!("{:016x}{:016x}", self.bits(8 + i), self.bits(16 + i))),
        });
        Image { bytes: if s3_object.is_some() { None } else { Some(JPEG_BASE64) }, s3_object, bounding_box: self.bounding_box(i) }
    }

    fn bits(&self, which: u64) -> u64 {
        bits(self.draw.seed, Stream::Results, self.draw.index(which))
    }

    /// A face of a third to a half of the image, somewhere in its middle.
    fn bounding_box(&self, i: u64) -> BoundingBox {
        let at = |k: u64, low, high| self.draw.between(24 + 5 * i + k, Interval::new(low, high));
        BoundingBox { width: at(0, 0.3, 0.5), height: at(1, 0.4, 0.6), left: at(2, 0.2, 0.45), top: at(3, 0.1, 0.35) }
    }
}

/// The version of both challenges that there is (Developer Guide, "Face Liveness update guidelines").
const VERSION: [u32; 3] = [1, 0, 0];

/// The first preference whose versions include the one that there is; else the first preference, with the version nearest to it
/// that the preference takes.
fn challenge(settings: Option<&Settings>) -> Challenge {
    let preferences = settings.and_then(|s| s.challenge_preferences.as_deref()).unwrap_or_default();
    let nearest = |preference: &ChallengePreference| preference.versions.as_ref().map_or(VERSION, nearest);
    let chosen = preferences.iter().find(|p| nearest(p) == VERSION).or_else(|| preferences.first());
    let [major, minor, patch] = chosen.map_or(VERSION, nearest);
    let kind = chosen.map_or(CHALLENGE_TYPES[0], |p| &p.kind);
    Challenge { kind: kind.to_owned(), version: format!("{major}.{minor}.{patch}") }
}

/// The version within a range that is nearest to the one that there is. Of a range that is empty, its maximum.
fn nearest(range: &Versions) -> [u32; 3] {
    let least = range.minimum.as_deref().and_then(version).unwrap_or([0; 3]);
    let most = range.maximum.as_deref().and_then(version).unwrap_or([u32::MAX; 3]);
    VERSION.max(least).min(most)
}

fn version(text: &str) -> Option<[u32; 3]> {
    let mut parts = text.split('.').map(|part| part.parse().ok());
    Some([parts.next()??, parts.next()??, parts.next()??])
}
