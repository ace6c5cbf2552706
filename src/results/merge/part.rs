//! A directory that is merged.

use std::collections::BTreeSet;

use super::super::{Manifest, RunDir};
use crate::summary::Summary;

/// A directory that is merged.
#[derive(Debug)]
pub(super) struct MergePart {
    pub(super) dir: RunDir,
    pub(super) manifest: Manifest,
    /// The shards in it.
    pub(super) shards: BTreeSet<u64>,
    /// Its summary; `Err` if what stands there cannot be understood.
    pub(super) summary: Result<Option<Summary>, String>,
}
