//! libFuzzer's door to the target `scenario` of targets.rs.
#![no_main]

#[path = "../targets.rs"]
#[allow(dead_code)]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let found = targets::TARGETS.iter().find(|(name, _)| *name == "scenario");
    if let Some((_, target)) = found {
        target(bytes);
    }
});
