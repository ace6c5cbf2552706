//! The model's state in a file: written when the server ends, read when it starts.
//!
//! A session's time goes on while nobody serves it: the file knows by the wall clock when it was written.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::control::Control;
use crate::emulator::snapshot::{RestoreError, Snapshot};
use crate::units::floor_us;

/// Why a state cannot be kept or taken up.
#[derive(Debug, Error)]
pub enum StateError {
    /// It cannot be read.
    #[error("cannot read the state {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no state.
    #[error("{path} is not a saved state: {source}; remove it to start fresh")]
    Form {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// It is one, but not of this emulator.
    #[error("{path}: {source}; remove it to start fresh")]
    Restore {
        /// The file.
        path: PathBuf,
        /// Why.
        source: RestoreError,
    },
    /// It cannot be written. What was there before is still there.
    #[error("cannot write the state {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// What is in the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    /// Milliseconds since the start of 1970.
    at_ms: u64,
    /// The model's time then.
    age_us: u64,
    emulator: Snapshot,
}

/// Takes up the state in `path`; a file that is not there is a fresh start. Whether there was one.
pub fn load(control: &Control, path: &Path) -> Result<bool, StateError> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        // A directory that is not there would be noticed only when the state is to be kept.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && directory(path).is_dir() => return Ok(false),
        Err(source) => return Err(StateError::Read { path: path.to_owned(), source }),
    };
    let saved: Saved = serde_json::from_slice(&text).map_err(|source| StateError::Form { path: path.to_owned(), source })?;
    let away = Duration::from_millis(now_ms().saturating_sub(saved.at_ms));
    control
        .restore(saved.emulator, Duration::from_micros(saved.age_us).saturating_add(away))
        .map_err(|source| StateError::Restore { path: path.to_owned(), source })?;
    Ok(true)
}

/// Writes the state to `path`, all of it or nothing: what was there is replaced in one step.
pub fn save(control: &Control, path: &Path) -> Result<(), StateError> {
    let (emulator, age) = control.state_now();
    let saved = Saved { at_ms: now_ms(), age_us: floor_us(age), emulator };
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".tmp");
    let unfinished = PathBuf::from(unfinished);
    let write = || {
        let mut file = std::fs::File::create(&unfinished)?;
        file.write_all(&serde_json::to_vec(&saved)?)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        std::fs::rename(&unfinished, path)
    };
    write().map_err(|source| StateError::Write { path: path.to_owned(), source })
}

fn directory(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::config::EmulatorConfig;

    fn control() -> Control {
        Control::new(EmulatorConfig::default())
    }

    /// No file is a fresh start; a saved one is taken up, time away included; nothing unfinished is left behind.
    #[test]
    fn there_and_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.json");
        assert!(!load(&control(), &path).unwrap());
        let before = control();
        before.inject(serde_json::from_str(r#"{"code":"ThrottlingException"}"#).unwrap());
        save(&before, &path).unwrap();
        // As if it had been written an hour ago.
        let mut saved: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        saved["at_ms"] = (saved["at_ms"].as_u64().unwrap() - 3_600_000).into();
        std::fs::write(&path, saved.to_string()).unwrap();
        let after = control();
        assert!(load(&after, &path).unwrap());
        assert_eq!(after.state(), before.state());
        assert!(after.state_now().1 >= Duration::from_hours(1));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    /// What cannot be read, is no state or is another emulator's is refused by name, and changes nothing.
    #[test]
    fn refusals() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.json");
        let told = |text: &str| {
            std::fs::write(&path, text).unwrap();
            load(&control(), &path).unwrap_err().to_string()
        };
        assert!(told("{nope").contains("state.json is not a saved state: "));
        assert!(told("").contains("is not a saved state"));
        let other = Control::new(EmulatorConfig { seed: 77, ..EmulatorConfig::default() });
        save(&other, &path).unwrap();
        let message = load(&control(), &path).unwrap_err().to_string();
        assert!(message.contains("seed 77") && message.ends_with("remove it to start fresh"), "{message}");
        assert!(load(&control(), dir.path()).unwrap_err().to_string().starts_with("cannot read the state "));
        assert!(
            save(&other, Path::new("/nowhere/state.json"))
                .unwrap_err()
                .to_string()
                .starts_with("cannot write the state /nowhere")
        );
    }
}
