//! Tells a release build which commit it was made from, for the manifest of its runs. A build outside a repository does not know.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=LIVEBENCH_COMMIT");
    let release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    // A debug build that knew its commit would be built anew at every commit.
    if !release || std::env::var_os("LIVEBENCH_COMMIT").is_some() {
        return;
    }
    println!("cargo::rerun-if-changed=build.rs");
    // What is named and not there would make every build a new one.
    if std::path::Path::new(".git/logs/HEAD").exists() {
        println!("cargo::rerun-if-changed=.git/logs/HEAD");
    }
    if let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) {
        let dirty = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|changes| !changes.is_empty());
        println!("cargo::rustc-env=LIVEBENCH_COMMIT={commit}{}", if dirty { "-dirty" } else { "" });
    }
}

fn git(arguments: &[&str]) -> Option<String> {
    let done = Command::new("git").args(arguments).output().ok()?;
    done.status.success().then(|| String::from_utf8_lossy(&done.stdout).trim().to_owned())
}
