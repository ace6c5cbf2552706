//! Any body, to either operation: it is judged, never a panic, and what is a session is answered as one.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use http::Request;
use libfuzzer_sys::fuzz_target;
use livebench::emulator::http::Control;
use livebench::emulator::config::EmulatorConfig;

static CONTROL: LazyLock<Control> = LazyLock::new(|| Control::new(EmulatorConfig::default()));

fuzz_target!(|input: &[u8]| {
    let (operation, body) = match input.split_first() {
        Some((first, rest)) if first % 2 == 1 => ("GetFaceLivenessSessionResults", rest),
        Some((_, rest)) => ("CreateFaceLivenessSession", rest),
        None => ("CreateFaceLivenessSession", input),
    };
    let request = Request::post("/").header("x-amz-target", format!("RekognitionService.{operation}")).body(()).unwrap();
    let verdict = CONTROL.judge_request(&request.into_parts().0, body, Duration::ZERO);
    assert!(!verdict.created || (verdict.session_id.is_some() && operation.starts_with("Create")));
    assert!(verdict.reply.status().is_some());
});
