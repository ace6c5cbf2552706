//! Service Quotas.

use super::*;
use crate::limiter::FixedWindow;

fn ask(emulator: &Embedded, body: &str) -> Got {
    let target = "X-Amz-Target: ServiceQuotasV20190624.GetServiceQuota";
    exchange_bytes(&mut connect(emulator), &post(&[target, "Content-Type: application/x-amz-json-1.1"], body)).unwrap()
}

/// Each operation's quota is what is configured, now; unknown ones are refused as the service refuses them; no arrival is counted.
#[test]
fn quotas_are_those_that_are_configured() {
    let quota = Quota::FixedWindow(FixedWindow::on_grid(30, Duration::from_secs(4)));
    let emulator = started(|config| {
        (config.quota, config.get_quota) = (Some(quota), None);
        (config.start_quota, config.concurrent_sessions) = (None, Some(200));
    });
    let value = |code: &str| ask(&emulator, &format!(r#"{{"ServiceCode":"rekognition","QuotaCode":"{code}"}}"#));
    assert_eq!(value("L-8E3BC2B4").json()["Quota"]["Value"], 7.5);
    assert_eq!(value("L-E574413B").json()["Quota"]["Value"], 25.0);
    assert_eq!(value("L-2FC24677").json()["Quota"]["Value"], 25.0);
    assert_eq!(value("L-26415FBF").json()["Quota"]["Value"], 200.0);
    for (body, exception) in [
        (r#"{"ServiceCode":"rekognition","QuotaCode":"L-00000000"}"#, "NoSuchResourceException"),
        (r#"{"ServiceCode":"lambda","QuotaCode":"L-8E3BC2B4"}"#, "NoSuchResourceException"),
        (r#"{"ServiceCode":"rekognition"}"#, "IllegalArgumentException"),
        ("{", "SerializationException"),
    ] {
        let got = ask(&emulator, body);
        assert_eq!((got.status, got.json()["__type"].as_str()), (400, Some(exception)), "{body}");
    }
    assert_eq!(emulator.arrivals(), 0);
}
