//! A folder that all shards see, as the place where they meet. A decision is a file that is linked to its name, which succeeds once.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::BarrierError;
use super::place::{BarrierPace, MeetingPlace, PlaceEntry};
use crate::results::ResultsError;
use crate::results::disk::replace;

/// The pace of a folder, also over NFS.
const PACE: BarrierPace = BarrierPace {
    beat: Duration::from_millis(500),
    // derived: ten beats; a folder over NFS shows a change after 3 s (acregmin of nfs(5)) at the earliest
    silent: Duration::from_secs(5),
    look: Duration::from_millis(100),
    // derived: a shard looks at the folder every 0.1 s and needs 0.1 s for its threads; over NFS a new name shows after up to 3 s (acdirmin
    // would be 30 s, but a name that was never asked for is not cached)
    lead: Duration::from_secs(4),
};

/// A folder, and a mark that keeps this shard's own files apart.
#[derive(Debug)]
pub(super) struct FolderPlace {
    folder: PathBuf,
    mark: String,
}

impl FolderPlace {
    /// This folder, which is made if it is missing.
    pub(super) fn open(folder: PathBuf, mark: &str) -> Result<Self, BarrierError> {
        fs::create_dir_all(&folder).map_err(|reason| ResultsError::Write { path: folder.clone(), reason })?;
        Ok(Self { folder, mark: mark.to_owned() })
    }
}

/// The names of all files; what is none, such as a pipe, is nobody's and cannot be read.
fn names(folder: &Path) -> io::Result<Vec<PlaceEntry>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // A file that is gone by now has no type any more.
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            names.push(PlaceEntry { name: entry.file_name().to_string_lossy().into_owned(), stamp: None });
        }
    }
    Ok(names)
}

impl MeetingPlace for FolderPlace {
    fn pace(&self) -> BarrierPace {
        PACE
    }

    fn entries(&self) -> Result<Vec<PlaceEntry>, BarrierError> {
        Ok(names(&self.folder).map_err(|reason| ResultsError::Read { path: self.folder.clone(), reason })?)
    }

    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, BarrierError> {
        let path = self.folder.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            // The second is how NFS says that the file was replaced meanwhile.
            Err(reason) if matches!(reason.kind(), ErrorKind::NotFound | ErrorKind::StaleNetworkFileHandle) => Ok(None),
            Err(reason) => Err(ResultsError::Read { path, reason }.into()),
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), BarrierError> {
        Ok(replace(&self.folder, name, |out| out.write_all(bytes))?)
    }

    fn create(&self, name: &str, bytes: &[u8]) -> Result<bool, BarrierError> {
        let own = format!("proposal-{}.json", self.mark);
        self.write(&own, bytes)?;
        let (own, path) = (self.folder.join(own), self.folder.join(name));
        let linked = fs::hard_link(&own, &path);
        // A proposal that is left behind is in nobody's way.
        let _ = fs::remove_file(&own);
        match linked {
            Ok(()) => Ok(true),
            Err(reason) if reason.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(reason) => Err(ResultsError::Write { path, reason }.into()),
        }
    }

    fn remove(&self, name: &str) -> Result<(), BarrierError> {
        let path = self.folder.join(name);
        match fs::remove_file(&path) {
            Err(reason) if reason.kind() != ErrorKind::NotFound => Err(ResultsError::Write { path, reason }.into()),
            _ => Ok(()),
        }
    }
}
