//! Files to validated values.
//!
//! Refuses what `file` cannot read as a text and what `parse` finds a problem in.

use std::path::Path;

use super::file::text_of;
use super::problem::LoadError;
use super::{FileKind, Scenario, read, read_emulator};
use crate::emulator::config::EmulatorConfig;

/// Reads, parses and validates the scenario at `path`; also gives its text, which the run keeps.
pub fn load(path: &Path) -> Result<(Scenario, String), LoadError> {
    let text = text_of(path).map_err(|(message, help)| LoadError::File { path: path.to_owned(), message, help })?;
    let base_dir = path.parent().unwrap_or_else(|| Path::new(""));
    let scenario = read(&path.to_string_lossy(), &text, base_dir)?;
    Ok((scenario, text))
}

/// Reads the emulator at `path`: a file with its settings alone, or a scenario's.
pub fn load_emulator(path: &Path) -> Result<EmulatorConfig, LoadError> {
    let text = text_of(path).map_err(|(message, help)| LoadError::File { path: path.to_owned(), message, help })?;
    if FileKind::of_text(&text) == Some(FileKind::Scenario) {
        return Ok(load(path)?.0.emulator);
    }
    Ok(read_emulator(&path.to_string_lossy(), &text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> String {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.toml");
        std::fs::write(&path, bytes).unwrap();
        load(&path).unwrap_err().to_string().replace(&path.display().to_string(), "a.toml")
    }

    /// An emulator is read from a file with nothing else, and from a scenario.
    #[test]
    fn emulators_of_both_kinds_of_files() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.toml");
        for around in ["", "name = \"a\"\n[load]\nstages = [ { calls = 1 } ]\n"] {
            std::fs::write(&path, format!("{around}[emulator]\naccount = \"111122223333\"\n")).unwrap();
            assert_eq!(load_emulator(&path).unwrap().account, "111122223333", "{around}");
        }
    }

    /// Each way in which a file is no text is said in a sentence with a remedy.
    #[test]
    fn files_that_are_no_text() {
        insta::assert_snapshot!(refused(b"name = 1\n# \xff\n"), @r##"
        a.toml: is not UTF-8: line 2, byte 12 of the file, is 0xff
          help: save it as UTF-8
        "##);
        insta::assert_snapshot!(refused(b"\xff\xfen\0"), @r##"
        a.toml: is not UTF-8: line 1, byte 1 of the file, is 0xff
          help: it looks like UTF-16: save it as UTF-8
        "##);
        insta::assert_snapshot!(refused(&vec![b'#'; 10 << 20]), @r##"
        a.toml: has 10485760 bytes: more than 1 MiB
          help: a scenario or a plan is a page, not a data set: express many calls by `stages`
        "##);
        insta::assert_snapshot!(refused(b""), @r##"
        a.toml:1:1: the file is empty
          help: the smallest scenario is:  name = "first"  and  [load]  with  stages = [ { for = "10s", rate = 5 } ]
        1 problem in a.toml
        "##);
        insta::assert_snapshot!(refused(b" \n\n"), @r##"
        a.toml:1:1: the file is empty
          help: the smallest scenario is:  name = "first"  and  [load]  with  stages = [ { for = "10s", rate = 5 } ]
        1 problem in a.toml
        "##);
        let dir = tempfile::tempdir().unwrap();
        assert!(load(dir.path()).unwrap_err().to_string().contains("is a directory"));
        assert!(load(&dir.path().join("none")).unwrap_err().to_string().contains("there is no such file"));
    }

    /// An emulator's file is read under the same bounds.
    #[test]
    fn emulator_files_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("e.toml");
        std::fs::write(&path, "[emulator]\nseed = 4\n").unwrap();
        assert_eq!(load_emulator(&path).unwrap().seed, 4);
        assert!(load_emulator(dir.path()).unwrap_err().to_string().contains("is a directory"));
    }

    /// What has no length is bounded all the same.
    #[cfg(unix)]
    #[test]
    fn endless_files_end() {
        assert!(load(Path::new("/dev/zero")).unwrap_err().to_string().contains("more than 1 MiB"));
    }
}
