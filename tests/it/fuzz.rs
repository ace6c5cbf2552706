//! The corpora of the fuzz targets, replayed.

#[path = "../fuzz/targets.rs"]
#[allow(unreachable_pub)] // the fuzz binaries read it, too
mod targets;

use super::architecture::root;

/// Every target has a corpus, and survives all of it: what libFuzzer found to lead somewhere, and whatever once broke it.
#[test]
fn corpora_are_survived() {
    let corpora = root().join("tests/fuzz/corpus");
    for (name, target) in targets::TARGETS {
        let files: Vec<_> = std::fs::read_dir(corpora.join(name)).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(files.len() >= 5, "{name} has {} files", files.len());
        for file in files {
            let bytes = std::fs::read(&file).unwrap();
            let ran = std::panic::catch_unwind(|| target(&bytes));
            assert!(ran.is_ok(), "{} broke it", file.display());
        }
    }
}

/// There is a corpus for nothing but the targets, and a binary for each of them.
#[test]
fn every_target_is_run() {
    let names = |folder: &str| {
        let mut names: Vec<String> = std::fs::read_dir(root().join("tests/fuzz").join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    let mut targets: Vec<_> = targets::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    targets.sort();
    assert_eq!(names("corpus"), targets);
    assert_eq!(names("fuzz_targets"), targets);
}
