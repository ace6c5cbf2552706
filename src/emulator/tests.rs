//! The model from outside: every switch, and every way of ending.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::model::*;
use super::reply::Reply;
use crate::client::outcome::Outcome;
use crate::client::request::CreateRequest;
use crate::emulator::config::{
    AfterExpiry, AuditImages, AuditImagesLimit, ConstraintError, ConstraintMessage, EmulatorConfig, ExpiredGet, Faults,
    LatencyModel, Malformed, Mismatch, QuotaError, Race, RawAnswer, ScheduledFault, Stall, TokenScope,
};
use crate::limiter::{Growth, SlidingLog, TokenBucket};
use crate::units::{Rate, Share, Text64};

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn with(change: impl FnOnce(&mut EmulatorConfig)) -> Emulator {
    let mut config = EmulatorConfig::default();
    change(&mut config);
    Emulator::new(config)
}

#[allow(clippy::unnecessary_wraps)] // it is put where a quota may be left out
fn some_quota(per_second: f64, burst: u32) -> Option<Quota> {
    Some(Quota::TokenBucket(TokenBucket::full(Rate::per_second(per_second).unwrap(), burst)))
}

fn request(json: &str) -> CreateRequest {
    serde_json::from_str(json).unwrap()
}

/// Same token, same session, in its life and with other settings; another token, another session.
#[test]
fn tokens_lead_to_sessions() {
    let mut emulator = with(|_| ());
    let (plain, other) = (CreateRequest::default(), request(r#"{"Settings":{"AuditImagesLimit":4}}"#));
    let first = emulator.arrive(ms(0), &ApiCall::create(&plain).with_token("a"));
    let again = emulator.arrive(ms(179_999), &ApiCall::create(&other).with_token("a"));
    let second = emulator.arrive(ms(180_000), &ApiCall::create(&plain).with_token("a"));
    assert_eq!((first.decided, first.created, first.spent), (Some(Outcome::Ok), true, true));
    assert_eq!((again.session_id, again.created, again.spent), (first.session_id, false, true));
    assert_ne!(again.request_id, first.request_id);
    assert_ne!(second.session_id, first.session_id);
    let tokenless: Vec<_> = (0..2).map(|_| emulator.arrive(ms(180_000), &ApiCall::create(&plain)).session_id).collect();
    assert_ne!(tokenless[0], tokenless[1]);
}

/// A region is a place of its own: its tokens and its quota; session ids stay unique over all of them.
#[test]
fn regions_are_apart() {
    let mut emulator = with(|c| c.quota = some_quota(1.0, 1));
    let plain = CreateRequest::default();
    let call = || ApiCall::create(&plain).with_token("a");
    let here = emulator.arrive(ms(0), &call());
    let there = emulator.arrive(ms(0), &call().in_region("eu-west-1"));
    assert!(here.spent && there.spent && there.created);
    assert_ne!(here.session_id, there.session_id);
    assert_eq!(emulator.arrive(ms(0), &call().in_region("us-east-1")).decided, Some(Outcome::ThrottledQuota));
    let none = emulator.arrive(ms(0), &call().in_region("eu-central-1"));
    assert_eq!(none.decided, Some(Outcome::AccessDenied));
    assert_eq!(none.reply.body(), r#"{"__type":"AccessDeniedException"}"#);
}

/// What breaks a constraint is refused without spending quota; an `AuditImagesLimit` out of range is accepted.
#[test]
fn constraints() {
    let mut emulator = with(|c| c.quota = some_quota(1.0, 2));
    for broken in [r#"{"ClientRequestToken":"a b"}"#, r#"{"Settings":{"OutputConfig":{"S3Bucket":"x"}}}"#] {
        let verdict = emulator.arrive(ms(0), &ApiCall::create(&request(broken)));
        assert_eq!((verdict.decided, verdict.spent), (Some(Outcome::InvalidParameter), false), "{broken}");
    }
    for limit in [-1, 99] {
        let clamped = request(&format!(r#"{{"Settings":{{"AuditImagesLimit":{limit}}}}}"#));
        assert_eq!(emulator.arrive(ms(0), &ApiCall::create(&clamped)).decided, Some(Outcome::Ok));
    }
    let over = emulator.arrive(ms(0), &ApiCall::create(&CreateRequest::default()));
    assert_eq!((over.decided, over.spent, over.session_id), (Some(Outcome::ThrottledQuota), false, None));
}

/// The acceptance of the issue: 40/s for 60 s on 25/s with burst 25, judged with latency and stalls in between.
#[test]
fn accepts_what_a_bucket_allows() {
    let mut emulator = with(|c| {
        c.quota = some_quota(25.0, 25);
        c.latency = LatencyModel::LogNormal { median: ms(45), p99: ms(160) };
        c.stalls = vec![Stall { at: ms(10_000), length: ms(2000) }];
    });
    let plain = CreateRequest::default();
    let spent = (0..2400u64).filter(|k| emulator.arrive(ms(k * 25), &ApiCall::create(&plain)).spent).count();
    assert_eq!(spent, 1524);
}

/// What is no create call is named as the front door names it, and changes nothing.
#[test]
fn problems() {
    let mut emulator = with(|c| c.quota = some_quota(1.0, 1));
    let rows = [
        (Rejection::Method, 405, "UnknownOperationException"),
        (Rejection::Path, 404, "UnknownOperationException"),
        (Rejection::Operation, 400, "UnknownOperationException"),
        (Rejection::TooLarge, 413, "RequestEntityTooLargeException"),
        (Rejection::TooSlow, 408, "RequestTimeoutException"),
        (Rejection::Serialization("why".to_owned()), 400, "SerializationException"),
    ];
    for (problem, status, exception) in rows {
        let verdict = emulator.arrive(ms(0), &ApiCall::rejected(problem));
        let answer = verdict.answer();
        assert_eq!((answer.status, answer.exception), (Some(status), Some(Text64::cut(exception))));
        assert_eq!((verdict.name(), verdict.spent), ("unmodelled", false));
    }
    assert!(emulator.arrive(ms(0), &ApiCall::create(&CreateRequest::default())).spent);
}

/// A reset before takes no effect; one after leaves the session, which the token then finds.
#[test]
fn resets_and_their_effects() {
    let plain = CreateRequest::default();
    let mut before = with(|c| {
        c.faults.reset_before = Share::new(1.0).unwrap();
        c.latency = LatencyModel::Fixed(ms(50));
    });
    let lost = before.arrive(ms(7), &ApiCall::create(&plain).with_token("a"));
    assert_eq!((lost.name(), lost.decided, lost.spent, lost.session_id), ("reset_before", None, false, None));
    assert_eq!((lost.reply_at, lost.answer().outcome), (ms(7), Outcome::ConnectionLost));

    let mut after = with(|c| {
        c.faults.reset_after = Share::new(1.0).unwrap();
        c.latency = LatencyModel::Fixed(ms(50));
    });
    let lost = after.arrive(ms(7), &ApiCall::create(&plain).with_token("a"));
    assert_eq!((lost.name(), lost.decided, lost.spent, lost.created), ("reset_after", Some(Outcome::Ok), true, true));
    assert_eq!((lost.reply.clone(), lost.reply_at), (Reply::Reset, ms(57)));
    let found = after.arrive(ms(60), &ApiCall::create(&plain).with_token("a"));
    assert_eq!((found.session_id, found.created), (lost.session_id, false));
}

/// Each fault has its share, no call has two, and a raw answer hides what was done.
#[test]
#[allow(clippy::cast_precision_loss)] // a count of thousands
fn faults_have_their_shares() {
    let share = |s| Share::new(s).unwrap();
    let raw = RawAnswer { share: share(0.2), status: 503, content_type: "text/html".to_owned(), body: "<html>".to_owned() };
    let mut emulator =
        with(|c| c.faults = Faults { reset_before: share(0.1), reset_after: share(0.05), raw: Some(raw), ..Faults::default() });
    let (plain, calls) = (CreateRequest::default(), 20_000);
    let mut counts = BTreeMap::<&str, usize>::new();
    for _ in 0..calls {
        let verdict = emulator.arrive(ms(0), &ApiCall::create(&plain));
        *counts.entry(verdict.name()).or_default() += 1;
        if verdict.fault == Some(Fault::Of(FaultKind::Raw)) {
            assert_eq!((verdict.answer().status, verdict.created), (Some(503), true));
        }
    }
    for (name, expected) in [("reset_before", 0.1), ("reset_after", 0.05), ("raw", 0.2), ("ok", 0.65)] {
        let got = counts[name] as f64 / f64::from(calls);
        assert!((got - expected).abs() < 0.01, "{name}: {got}");
    }
}

/// After a restart nothing is known of what was before.
#[test]
fn restart_forgets() {
    let mut emulator = with(|c| c.quota = some_quota(1.0, 1));
    let plain = CreateRequest::default();
    let first = emulator.arrive(ms(5000), &ApiCall::create(&plain).with_token("warm"));
    emulator.restart();
    let again = emulator.arrive(ms(0), &ApiCall::create(&plain).with_token("warm"));
    assert_eq!((again.number, again.arrived, again.spent, again.created), (0, ms(0), true, true));
    assert_eq!(again.session_id, first.session_id);
}

proptest! {
    /// Same seed, same arrivals: the same rulings; and no answer before its call, none during a stall.
    #[test]
    fn deterministic(
        seed: u64,
        calls in prop::collection::vec((0u64..400, 0u8..6, any::<bool>()), 1..80),
        stall in (0u64..5000, 1u64..3000),
    ) {
        let make = || with(|c| {
            c.seed = seed;
            c.quota = some_quota(3.0, 2);
            c.latency = LatencyModel::LogNormal { median: ms(45), p99: ms(160) };
            c.stalls = vec![Stall { at: ms(stall.0), length: ms(stall.1) }];
            c.faults.reset_before = Share::new(0.1).unwrap();
            c.faults.reset_after = Share::new(0.1).unwrap();
        });
        let (mut one, mut two) = (make(), make());
        let plain = CreateRequest::default();
        let mut now = ms(0);
        for (gap, token, sound) in calls {
            now += ms(gap);
            let token = token.to_string();
            let call = if sound {
                ApiCall::create(&plain).with_token(&token)
            } else {
                ApiCall::rejected(Rejection::Operation)
            };
            let verdict = one.arrive(now, &call);
            prop_assert_eq!(&verdict, &two.arrive(now, &call));
            prop_assert!(verdict.reply_at >= verdict.arrived);
            prop_assert!(!(ms(stall.0)..ms(stall.0 + stall.1)).contains(&verdict.reply_at));
            prop_assert_eq!(verdict.spent, verdict.session_id.is_some());
        }
    }
}

fn share(part: f64) -> Share {
    Share::new(part).unwrap()
}

fn create(emulator: &mut Emulator, at: u64, json: &str) -> Ruling {
    emulator.arrive(ms(at), &ApiCall::create(&request(json)))
}

/// The body of what getting a session's results answers.
fn get(emulator: &mut Emulator, at: u64, id: &str) -> (Option<u16>, serde_json::Value) {
    let verdict = emulator.arrive(ms(at), &ApiCall::get(Some(id)));
    assert_eq!(verdict.operation, Some(Operation::GetResults));
    (verdict.reply.status(), serde_json::from_str(&verdict.reply.body()).unwrap())
}

fn status(emulator: &mut Emulator, at: u64, id: &str) -> String {
    let (_, body) = get(emulator, at, id);
    body["Status"].as_str().or(body["__type"].as_str()).unwrap().to_owned()
}

fn new_session(emulator: &mut Emulator, at: u64, json: &str) -> String {
    create(emulator, at, json).session_id.unwrap().to_string()
}

/// A check takes its session from `CREATED` over `IN_PROGRESS` to its end, and both ends of its life are where the settings put them.
#[test]
fn sessions_go_their_way() {
    let checks = |c: &mut EmulatorConfig, end: &str| {
        c.checks.start = LatencyModel::Fixed(ms(2000));
        c.checks.length = LatencyModel::Fixed(ms(7000));
        match end {
            "succeed" => c.checks.succeed = share(1.0),
            "fail" => c.checks.fail = share(1.0),
            "abandon" => c.checks.abandon = share(1.0),
            _ => {}
        }
        c.sessions.expired = ExpiredGet::Expired;
        c.sessions.expired_for = ms(60_000);
        c.sessions.results_ttl = Some(ms(200_000));
    };
    let instants = [1000, 2999, 3000, 9999, 10_000, 180_999, 181_000, 200_999, 201_000, 240_999, 241_000, 260_999, 261_000];
    let mut rows = Vec::new();
    for end in ["none", "abandon", "fail", "succeed"] {
        let mut emulator = with(|c| checks(c, end));
        let id = new_session(&mut emulator, 1000, "{}");
        let seen: Vec<String> = instants.iter().map(|at| format!("{at}:{}", status(&mut emulator, *at, &id))).collect();
        rows.push(format!("{end}: {}", seen.join(" ")));
    }
    insta::assert_snapshot!(rows.join("\n").replace("SessionNotFoundException", "-"), @"
    none: 1000:CREATED 2999:CREATED 3000:CREATED 9999:CREATED 10000:CREATED 180999:CREATED 181000:EXPIRED 200999:EXPIRED 201000:EXPIRED 240999:EXPIRED 241000:- 260999:- 261000:-
    abandon: 1000:CREATED 2999:CREATED 3000:IN_PROGRESS 9999:IN_PROGRESS 10000:IN_PROGRESS 180999:IN_PROGRESS 181000:EXPIRED 200999:EXPIRED 201000:EXPIRED 240999:EXPIRED 241000:- 260999:- 261000:-
    fail: 1000:CREATED 2999:CREATED 3000:IN_PROGRESS 9999:IN_PROGRESS 10000:FAILED 180999:FAILED 181000:FAILED 200999:FAILED 201000:EXPIRED 240999:EXPIRED 241000:EXPIRED 260999:EXPIRED 261000:-
    succeed: 1000:CREATED 2999:CREATED 3000:IN_PROGRESS 9999:IN_PROGRESS 10000:SUCCEEDED 180999:SUCCEEDED 181000:SUCCEEDED 200999:SUCCEEDED 201000:EXPIRED 240999:EXPIRED 241000:EXPIRED 260999:EXPIRED 261000:-
    ");
    let mut emulator = with(|_| ());
    let id = new_session(&mut emulator, 0, "{}");
    assert_eq!(status(&mut emulator, 179_999, &id), "CREATED");
    assert_eq!(status(&mut emulator, 180_000, &id), "SessionNotFoundException");
    assert_eq!(emulator.live(), (0, 0));
}

/// What the settings ask for is what the results have, byte for byte; images as bytes or in S3.
#[test]
fn results_follow_the_settings() {
    let mut emulator = with(|c| {
        c.checks.succeed = share(1.0);
        c.checks.feedback = share(1.0);
        c.checks.s3_versions = true;
    });
    let in_s3 = r#"{"Settings":{"OutputConfig":{"S3Bucket":"my-bucket","S3KeyPrefix":"live/"},"AuditImagesLimit":2,"ChallengePreferences":[{"Type":"FaceMovementChallenge","Versions":{"Minimum":"1.2.0","Maximum":"2.0.0"}}]}}"#;
    let id = new_session(&mut emulator, 0, in_s3);
    insta::assert_snapshot!(serde_json::to_string_pretty(&get(&mut emulator, 20_000, &id).1).unwrap(), @r#"
    {
      "AuditImages": [
        {
          "BoundingBox": {
            "Height": 0.594713,
            "Left": 0.406236,
            "Top": 0.294253,
            "Width": 0.47547
          },
          "S3Object": {
            "Bucket": "my-bucket",
            "Name": "live/c30cd5c0-ffc1-45b6-8e0d-b183662811ba/audit-1.jpg",
            "Version": "b5da2d48fc3e94a3f19f59cc6a616d04"
          }
        },
        {
          "BoundingBox": {
            "Height": 0.465897,
            "Left": 0.336709,
            "Top": 0.230469,
            "Width": 0.389129
          },
          "S3Object": {
            "Bucket": "my-bucket",
            "Name": "live/c30cd5c0-ffc1-45b6-8e0d-b183662811ba/audit-2.jpg",
            "Version": "b43dd7ccc81899371c184bd7535ffadc"
          }
        }
      ],
      "Challenge": {
        "Type": "FaceMovementChallenge",
        "Version": "1.2.0"
      },
      "Confidence": 94.216048,
      "Feedback": [
        {
          "Code": "LOW_LIGHTING_DETECTED",
          "Message": "There was too little light."
        }
      ],
      "Metadata": {
        "SDKType": "livebench-emulator"
      },
      "ReferenceImage": {
        "BoundingBox": {
          "Height": 0.493629,
          "Left": 0.449144,
          "Top": 0.101554,
          "Width": 0.307511
        },
        "S3Object": {
          "Bucket": "my-bucket",
          "Name": "live/c30cd5c0-ffc1-45b6-8e0d-b183662811ba/reference.jpg",
          "Version": "2a7d89cb12fb8ad02d8dcfb76fd5a240"
        }
      },
      "SessionId": "c30cd5c0-ffc1-45b6-8e0d-b183662811ba",
      "Status": "SUCCEEDED"
    }
    "#);
}

/// Without settings there are bytes, no audit images and the default challenge; `AuditImagesLimit` is clamped.
#[test]
fn results_without_settings() {
    let mut emulator = with(|c| c.checks.succeed = share(1.0));
    let plain = new_session(&mut emulator, 20_000, "{}");
    let (_, body) = get(&mut emulator, 40_000, &plain);
    assert_eq!(body["AuditImages"], serde_json::json!([]));
    assert_eq!(body["ReferenceImage"]["Bytes"], super::results::JPEG_BASE64);
    assert_eq!(body["Challenge"], serde_json::json!({ "Type": "FaceMovementAndLightChallenge", "Version": "1.0.0" }));
    for (at, (limit, images)) in (40_000..).step_by(20_000).zip([(-3, 0), (0, 0), (4, 4), (9, 4)]) {
        let id = new_session(&mut emulator, at, &format!(r#"{{"Settings":{{"AuditImagesLimit":{limit}}}}}"#));
        let (_, body) = get(&mut emulator, at + 20_000, &id);
        assert_eq!(body["AuditImages"].as_array().unwrap().len(), images, "{limit}");
    }
}

/// The image is a JPEG of the size that the model allows.
#[test]
fn the_image_is_one() {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(super::results::JPEG_BASE64).unwrap();
    assert!((1..=204_800).contains(&bytes.len()));
    assert!(bytes.starts_with(&[0xff, 0xd8, 0xff]) && bytes.ends_with(&[0xff, 0xd9]));
}

/// Of several preferences the first that the one version fits; else the nearest version of the first.
#[test]
fn challenges_are_chosen() {
    let mut emulator = with(|c| c.checks.succeed = share(1.0));
    let row = |kind: &str, versions: &str| format!(r#"{{"Type":"{kind}"{versions}}}"#);
    let (light, movement) = ("FaceMovementAndLightChallenge", "FaceMovementChallenge");
    let cases = [
        (vec![row(movement, "")], (movement, "1.0.0")),
        (vec![row(light, r#","Versions":{"Minimum":"1.5.0"}"#), row(movement, "")], (movement, "1.0.0")),
        (vec![row(light, r#","Versions":{"Minimum":"1.5.0"}"#)], (light, "1.5.0")),
        (vec![row(light, r#","Versions":{"Maximum":"0.9.12"}"#)], (light, "0.9.12")),
    ];
    for (preferences, (kind, version)) in cases {
        let json = format!(r#"{{"Settings":{{"ChallengePreferences":[{}]}}}}"#, preferences.join(","));
        let id = new_session(&mut emulator, 0, &json);
        let challenge = get(&mut emulator, 20_000, &id).1["Challenge"].clone();
        assert_eq!(challenge, serde_json::json!({ "Type": kind, "Version": version }), "{json}");
        emulator.restart();
    }
}

/// Shares of sessions end as configured, and what is drawn stays within the model's ranges.
#[test]
#[allow(clippy::cast_precision_loss)] // small counts
fn checks_have_their_shares() {
    let mut emulator = with(|c| {
        (c.checks.succeed, c.checks.fail, c.checks.abandon) = (share(0.5), share(0.2), share(0.1));
        c.checks.confidence = crate::interval::Interval::new(40.0, 60.0);
        c.checks.audit_images = AuditImages::BestEffort;
        c.checks.feedback = share(0.25);
    });
    let ids: Vec<String> = (0..4000).map(|_| new_session(&mut emulator, 0, r#"{"Settings":{"AuditImagesLimit":4}}"#)).collect();
    let mut counts = BTreeMap::<String, usize>::new();
    let (mut images, mut feedback) = (BTreeMap::<usize, usize>::new(), 0);
    for id in ids {
        let (_, body) = get(&mut emulator, 100_000, &id);
        *counts.entry(body["Status"].as_str().unwrap().to_owned()).or_default() += 1;
        if body["Status"] != "SUCCEEDED" {
            assert!(body.get("Confidence").is_none() && body.get("Feedback").is_none() && body.get("ReferenceImage").is_none());
            continue;
        }
        assert!((40.0..=60.0).contains(&body["Confidence"].as_f64().unwrap()));
        *images.entry(body["AuditImages"].as_array().unwrap().len()).or_default() += 1;
        feedback += body["Feedback"].as_array().unwrap().len();
        let face = &body["ReferenceImage"]["BoundingBox"];
        let side = |a: &str, b: &str| face[a].as_f64().unwrap() + face[b].as_f64().unwrap();
        assert!(side("Left", "Width") <= 1.0 && side("Top", "Height") <= 1.0);
    }
    for (status, part) in [("SUCCEEDED", 0.5), ("FAILED", 0.2), ("IN_PROGRESS", 0.1), ("CREATED", 0.2)] {
        assert!((counts[status] as f64 / 4000.0 - part).abs() < 0.03, "{counts:?}");
    }
    assert_eq!(images.len(), 5, "{images:?}");
    assert!((400..600).contains(&feedback), "{feedback}");
}

/// A session serves one check, whoever ends it, within its life.
#[test]
fn completing() {
    let mut emulator = with(|c| c.checks.abandon = share(1.0));
    let id = new_session(&mut emulator, 0, "{}");
    let wrong = CheckEnd { confidence: Some(101.0), ..CheckEnd::default() };
    assert_eq!(emulator.complete(ms(0), &id, wrong), Err(CompleteError::Confidence(101.0)));
    let end: CheckEnd = serde_json::from_str(r#"{"Confidence":12.5}"#).unwrap();
    assert_eq!(emulator.complete(ms(5), &id, end), Ok(()));
    let (_, body) = get(&mut emulator, 5, &id);
    assert_eq!((&body["Status"], &body["Confidence"]), (&"SUCCEEDED".into(), &12.5.into()));
    assert_eq!(emulator.complete(ms(6), &id, end), Err(CompleteError::Served(id)));
    let failed = new_session(&mut emulator, 6, "{}");
    let end: CheckEnd = serde_json::from_str(r#"{"Status":"FAILED"}"#).unwrap();
    assert_eq!(emulator.complete(ms(6), &failed, end), Ok(()));
    assert_eq!(status(&mut emulator, 6, &failed), "FAILED");
    let unknown = "0f2e9b1c-1111-4222-8333-44445555aaaa";
    assert_eq!(emulator.complete(ms(6), unknown, end), Err(CompleteError::NotFound(unknown.to_owned())));

    let mut kept = with(|c| c.sessions.expired = ExpiredGet::Expired);
    let id = new_session(&mut kept, 0, "{}");
    assert_eq!(kept.complete(ms(180_000), &id, end), Err(CompleteError::Expired(id)));
    let mut planned = with(|c| c.checks.succeed = share(1.0));
    let id = new_session(&mut planned, 0, "{}");
    assert_eq!(planned.complete(ms(20_000), &id, end), Err(CompleteError::Served(id)));
}

/// A session is found by its own account in its own region alone, by its exact id.
#[test]
fn results_are_private() {
    let mut emulator = with(|_| ());
    let id = new_session(&mut emulator, 0, "{}");
    let mut kind = |call: ApiCall<'_>| {
        let verdict = emulator.arrive(ms(1), &call);
        serde_json::from_str::<serde_json::Value>(&verdict.reply.body()).unwrap()["__type"].as_str().map(str::to_owned)
    };
    let not_found = Some("SessionNotFoundException".to_owned());
    assert_eq!(kind(ApiCall::get(Some(&id))), None);
    assert_eq!(kind(ApiCall::get(Some(&id)).of_account("999999999999")), not_found);
    assert_eq!(kind(ApiCall::get(Some(&id)).in_region("eu-west-1")), not_found);
    assert_eq!(kind(ApiCall::get(Some(&id)).in_region("us-east-2")), Some("AccessDeniedException".to_owned()));
    for wrong in ["", "x", &id.to_uppercase()] {
        assert_eq!(kind(ApiCall::get(Some(wrong))), Some("InvalidParameterException".to_owned()), "{wrong}");
    }
    assert_eq!(kind(ApiCall::get(None)), Some("InvalidParameterException".to_owned()));
}

/// Each operation, account and region has a quota of its own; without a configured one, what is documented.
#[test]
fn quotas_are_apart() {
    let mut emulator = with(|c| (c.quota, c.get_quota) = (None, some_quota(1.0, 3)));
    let plain = CreateRequest::default();
    let mut accepted = |call: &ApiCall<'_>| (0..50).filter(|_| emulator.arrive(ms(0), call).spent).count();
    assert_eq!(accepted(&ApiCall::create(&plain)), 25);
    assert_eq!(accepted(&ApiCall::create(&plain).of_account("999999999999")), 25);
    assert_eq!(accepted(&ApiCall::create(&plain).in_region("eu-west-1")), 5);
    assert_eq!(accepted(&ApiCall::get(Some("0f2e9b1c-1111-4222-8333-44445555aaaa"))), 3);
    emulator.set_quota(Operation::Create, some_quota(1.0, 2));
    assert_eq!((0..50).filter(|_| emulator.arrive(ms(0), &ApiCall::create(&plain)).spent).count(), 2);
    emulator.restart();
    assert_eq!((0..50).filter(|_| emulator.arrive(ms(0), &ApiCall::create(&plain)).spent).count(), 25);
}

/// Three throttles stay three, each at its status, with the advice that was asked for.
#[test]
fn throttles_by_cause() {
    let growth = |status| Some(Growth { window: ms(1000), growth_milli: 2000, floor: 1, status });
    let throttled = |change: fn(&mut EmulatorConfig, Option<Growth>), status| {
        let mut emulator = with(|c| {
            change(c, growth(status));
            c.retry_after = Some(ms(1500));
        });
        create(&mut emulator, 0, "{}");
        let verdict = create(&mut emulator, 0, "{}");
        assert_eq!((verdict.reply.retry_after_ms(), verdict.spent), (Some(1500), false));
        let body: serde_json::Value = serde_json::from_str(&verdict.reply.body()).unwrap();
        format!("{} {} {}", verdict.reply.status().unwrap(), verdict.name(), body["Message"])
    };
    let one = |c: &mut EmulatorConfig, error| (c.quota, c.quota_error) = (some_quota(1.0, 1), error);
    let rows = [
        throttled(|c, growth| c.ramp = growth, 400),
        throttled(|c, growth| c.ramp = growth, 500),
        throttled(|c, growth| c.scaling = growth, 500),
        throttled(|c, growth| c.scaling = growth, 400),
    ];
    insta::assert_snapshot!(rows.join("\n"), @r#"
    400 throttled_ramp "Slow down; sudden increase in rate of requests."
    500 throttled_service "Service Unavailable"
    500 throttled_service "Service Unavailable"
    400 throttled_ramp "Slow down; sudden increase in rate of requests."
    "#);
    for (error, expected) in [
        (QuotaError::ProvisionedThroughput, Outcome::ThrottledQuota),
        (QuotaError::Throttling400, Outcome::ThrottledRamp),
        (QuotaError::Throttling500, Outcome::ThrottledService),
    ] {
        let mut emulator = with(|c| one(c, error));
        create(&mut emulator, 0, "{}");
        assert_eq!(create(&mut emulator, 0, "{}").decided, Some(expected));
    }
}

/// Whether a call with a broken constraint costs is a switch; if it does, it is throttled as any other.
#[test]
fn invalid_calls_may_cost() {
    let play = |charged| {
        let mut emulator = with(|c| (c.quota, c.charge.invalid) = (some_quota(1.0, 1), charged));
        let broken = r#"{"ClientRequestToken":""}"#;
        [broken, broken, "{}"].map(|json| create(&mut emulator, 0, json).name())
    };
    assert_eq!(play(false), ["invalid_parameter", "invalid_parameter", "ok"]);
    assert_eq!(play(true), ["invalid_parameter", "throttled_quota", "throttled_quota"]);
}

/// The two exceptions of a broken constraint, each in its own form on the wire; and an absent member.
#[test]
fn constraint_errors() {
    let broken = r#"{"Settings":{"AuditImagesLimit":9},"ClientRequestToken":"a b"}"#;
    let body = |change: fn(&mut EmulatorConfig)| {
        let reply = create(&mut with(change), 0, broken).reply;
        reply.body().replace(&serde_json::from_str::<serde_json::Value>(&reply.body()).unwrap()["Logref"].to_string(), "\"-\"")
    };
    let rows = [
        body(|_| ()),
        body(|c| c.validation.audit_images_limit = AuditImagesLimit::Reject),
        body(|c| (c.validation.error, c.validation.message) = (ConstraintError::Validation, ConstraintMessage::Path)),
        body(|c| c.validation.message = ConstraintMessage::Documented),
    ];
    insta::assert_snapshot!(rows.join("\n"), @r#"
    {"__type":"InvalidParameterException","Code":"InvalidParameterException","Logref":"-","Message":"1 validation error detected: Value 'a b' at 'clientRequestToken' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9-_]+$"}
    {"__type":"InvalidParameterException","Code":"InvalidParameterException","Logref":"-","Message":"2 validation errors detected: Value '9' at 'settings.auditImagesLimit' failed to satisfy constraint: Member must have value less than or equal to 4; Value 'a b' at 'clientRequestToken' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9-_]+$"}
    {"__type":"ValidationException","message":"1 validation error detected: Value at 'clientRequestToken' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9-_]+$"}
    {"__type":"InvalidParameterException","Code":"InvalidParameterException","Logref":"-","Message":"Request has invalid parameters."}
    "#);
    let bucketless = request(r#"{"Settings":{"OutputConfig":{"S3Bucket":""}}}"#);
    let lacking = ["Settings.OutputConfig.S3Bucket".to_owned()];
    let verdict = with(|_| ()).arrive(ms(0), &ApiCall::create(&bucketless).lacking(&lacking));
    assert!(verdict.reply.body().contains("1 validation error detected: Value null at 'settings.outputConfig.s3Bucket'"));
}

/// Each of the seven token questions, at both of its answers.
#[test]
fn token_switches() {
    let (plain, other) = ("{\"ClientRequestToken\":\"a\"}", r#"{"ClientRequestToken":"a","Settings":{"AuditImagesLimit":1}}"#);
    let play = |change: fn(&mut EmulatorConfig), calls: &[(u64, &str)]| {
        let mut emulator = with(|c| {
            c.latency = LatencyModel::Fixed(ms(50));
            change(c);
        });
        let mut ids = Vec::new();
        let names = calls.iter().map(|(at, json)| {
            let verdict = create(&mut emulator, *at, json);
            let spent = if verdict.spent { "" } else { " free" };
            let Some(id) = verdict.session_id else {
                let body: serde_json::Value = serde_json::from_str(&verdict.reply.body()).unwrap();
                return format!("{}{spent}", body["__type"].as_str().unwrap());
            };
            let index = ids.iter().position(|known| *known == id).unwrap_or_else(|| {
                ids.push(id);
                ids.len() - 1
            });
            format!("{index}{spent}")
        });
        names.collect::<Vec<_>>().join(", ")
    };
    let twice = |second| [(0, plain), (second, plain)];
    let rows = [
        ("window", play(|c| c.tokens.window = Some(ms(1000)), &[(0, plain), (999, plain), (1000, plain)])),
        ("after expiry, new", play(|c| c.tokens.window = Some(ms(900_000)), &twice(180_000))),
        (
            "after expiry, same",
            play(|c| (c.tokens.window, c.tokens.after_expiry) = (Some(ms(900_000)), AfterExpiry::Same), &twice(180_000)),
        ),
        ("mismatch, first", play(|_| (), &[(0, plain), (99, other)])),
        ("mismatch, error", play(|c| c.tokens.mismatch = Mismatch::MismatchError, &[(0, plain), (99, other), (99, plain)])),
        ("mismatch, invalid", play(|c| c.tokens.mismatch = Mismatch::InvalidParameter, &[(0, plain), (99, other)])),
        ("race, one", play(|_| (), &twice(0))),
        ("race, two", play(|c| c.tokens.race = Race::Two, &[(0, plain), (0, plain), (49, plain), (50, plain)])),
        ("replay, free", play(|c| (c.quota, c.tokens.free_replay) = (some_quota(0.1, 1), true), &twice(99))),
        ("replay, costs", play(|c| c.quota = some_quota(0.1, 1), &twice(99))),
        ("throttled, forgotten", play(|c| c.quota = some_quota(1.0, 1), &[(0, "{}"), (1, plain), (1000, plain), (2000, plain)])),
        (
            "throttled, remembered",
            play(
                |c| (c.quota, c.tokens.remember_throttled) = (some_quota(1.0, 1), true),
                &[(0, "{}"), (1, plain), (1000, plain), (180_001, plain)],
            ),
        ),
    ];
    let text: Vec<String> = rows.into_iter().map(|(name, got)| format!("{name}: {got}")).collect();
    insta::assert_snapshot!(text.join("\n"), @"
    window: 0, 0, 1
    after expiry, new: 0, 1
    after expiry, same: 0, 0
    mismatch, first: 0, 0
    mismatch, error: 0, IdempotentParameterMismatchException, 0
    mismatch, invalid: 0, InvalidParameterException
    race, one: 0, 0
    race, two: 0, 1, 2, 0
    replay, free: 0, 0 free
    replay, costs: 0, ProvisionedThroughputExceededException free
    throttled, forgotten: 0, ProvisionedThroughputExceededException free, 1, 1
    throttled, remembered: 0, ProvisionedThroughputExceededException free, ProvisionedThroughputExceededException free, 1
    ");
}

/// Where a token means the same.
#[test]
fn token_scopes() {
    let sessions = |scope| {
        let mut emulator = with(|c| c.tokens.scope = scope);
        let plain = CreateRequest::default();
        let ids = [("1", "us-east-1"), ("1", "eu-west-1"), ("2", "us-east-1"), ("2", "eu-west-1")].map(|(account, region)| {
            let call = ApiCall::create(&plain).with_token("a").of_account(account).in_region(region);
            emulator.arrive(ms(0), &call).session_id.unwrap()
        });
        ids.map(|id| ids.iter().position(|known| *known == id).unwrap())
    };
    assert_eq!(sessions(TokenScope::AccountRegion), [0, 1, 2, 3]);
    assert_eq!(sessions(TokenScope::Account), [0, 0, 2, 2]);
    assert_eq!(sessions(TokenScope::Region), [0, 1, 0, 1]);
    assert_eq!(sessions(TokenScope::Global), [0, 0, 0, 0]);
}

/// Every fault, on the wire and in the books.
#[test]
fn faults_one_by_one() {
    let mut rows = Vec::new();
    for kind in FaultKind::ALL.into_iter().filter(|kind| *kind != FaultKind::Raw) {
        let mut emulator = with(|c| {
            let all = share(1.0);
            let faults = &mut c.faults;
            match kind {
                FaultKind::ResetBefore => faults.reset_before = all,
                FaultKind::ResetAfter => faults.reset_after = all,
                FaultKind::InternalError => faults.internal_error = all,
                FaultKind::Unavailable => faults.unavailable = all,
                FaultKind::Malformed => faults.malformed = all,
                FaultKind::SlowBody => faults.slow_body = all,
                FaultKind::HalfOpen => faults.half_open = all,
                FaultKind::Raw => {}
            }
        });
        let verdict = create(&mut emulator, 5, "{}");
        let answer = verdict.answer();
        rows.push(format!(
            "{}: {:?} {} {} until {:?}, session {}, request id {}",
            verdict.name(),
            verdict.reply.status(),
            verdict.reply.content_type(),
            answer.outcome,
            verdict.answered_at(),
            verdict.created,
            verdict.reply.has_request_id(),
        ));
    }
    insta::assert_snapshot!(rows.join("\n"), @"
    reset_before: None application/x-amz-json-1.1 connection_lost until Some(5ms), session false, request id false
    reset_after: None application/x-amz-json-1.1 connection_lost until Some(5ms), session true, request id false
    internal_error: Some(500) application/x-amz-json-1.1 internal_error until Some(5ms), session false, request id true
    unavailable: Some(503) text/html unmodelled until Some(5ms), session false, request id false
    malformed: Some(200) application/x-amz-json-1.1 malformed_success until Some(5ms), session true, request id true
    slow_body: Some(200) application/x-amz-json-1.1 ok until Some(10.005s), session true, request id true
    half_open: None application/x-amz-json-1.1 read_timeout until None, session true, request id false
    ");
}

/// No form of a malformed 200 passes for a session.
#[test]
fn malformed_forms() {
    for form in Malformed::ALL {
        let mut emulator = with(|c| {
            c.faults.malformed = share(1.0);
            c.faults.malformed_forms = vec![form];
        });
        for n in 0..50 {
            let verdict = create(&mut emulator, n, "{}");
            let answer = verdict.answer();
            assert_eq!((answer.status, answer.outcome), (Some(200), Outcome::MalformedSuccess), "{form:?} {:?}", verdict.reply);
            assert!(verdict.created);
        }
    }
}

/// Scheduled faults strike in their time and come before those by chance.
#[test]
fn scheduled_faults() {
    let mut emulator = with(|c| {
        c.faults.reset_after = share(1.0);
        let fault = |fault, at, length| ScheduledFault { fault, at: ms(at), length: ms(length), share: share(1.0) };
        c.faults.scheduled = vec![fault(FaultKind::Unavailable, 10, 10), fault(FaultKind::InternalError, 15, 10)];
    });
    let names = [9, 10, 19, 20, 24, 25].map(|at| create(&mut emulator, at, "{}").name());
    assert_eq!(names, ["reset_after", "unavailable", "unavailable", "internal_error", "internal_error", "reset_after"]);
}

/// Injected errors hold as often as they say, for whom they say, in the form that their code has.
#[test]
fn injected_errors() {
    let mut emulator = with(|c| c.quota = some_quota(1.0, 1));
    let rule = |json: &str| serde_json::from_str::<FaultRule>(json).unwrap();
    emulator.inject(rule(r#"{"code":"ThrottlingException","status":400,"times":2}"#));
    emulator.inject(rule(r#"{"code":"Odd\"One","operation":"GetFaceLivenessSessionResults"}"#));
    let mut rows = Vec::new();
    for _ in 0..3 {
        let verdict = create(&mut emulator, 0, "{}");
        rows.push(format!("{} {:?} {}", verdict.name(), verdict.reply.status().unwrap(), verdict.spent));
    }
    let verdict = emulator.arrive(ms(0), &ApiCall::get(None));
    rows.push(format!("{} {}", verdict.name(), verdict.reply.body()));
    emulator.clear_faults();
    rows.push(emulator.arrive(ms(0), &ApiCall::get(None)).name().to_owned());
    insta::assert_snapshot!(rows.join("\n"), @r#"
    injected 400 false
    injected 400 false
    ok 200 true
    injected {"__type":"Odd\"One"}
    invalid_parameter
    "#);
    assert!(serde_json::from_str::<FaultRule>("{}").is_err());
}

/// Memory is flat: sessions and tokens are kept for their time and no longer, however many come.
#[test]
fn nothing_is_kept_for_ever() {
    let mut emulator = with(|c| c.tokens.window = Some(ms(60_000)));
    let plain = CreateRequest::default();
    for n in 0..5000u64 {
        emulator.arrive(ms(n * 1000), &ApiCall::create(&plain).with_token(&n.to_string()));
        let (sessions, tokens) = emulator.live();
        assert!(sessions <= 180 && tokens <= 60, "{sessions} {tokens}");
    }
    assert_eq!(emulator.live(), (180, 60));
}

/// An emulator with everything that can be asked of it.
fn busy(seed: u64) -> Emulator {
    with(|c| {
        c.seed = seed;
        c.quota = some_quota(3.0, 2);
        c.get_quota = Some(Quota::SlidingLog(SlidingLog::exact(3, ms(700))));
        c.ramp = Some(Growth { window: ms(1000), growth_milli: 1500, floor: 3, status: 400 });
        c.latency = LatencyModel::Uniform { from: ms(10), to: ms(900) };
        c.checks.succeed = share(0.5);
        c.checks.length = LatencyModel::LogNormal { median: ms(300), p99: ms(2000) };
        c.session_ttl = ms(5000);
        c.tokens.window = Some(ms(3000));
        c.tokens.remember_throttled = true;
        c.tokens.mismatch = Mismatch::MismatchError;
        c.faults.malformed = share(0.1);
        c.faults.reset_before = share(0.1);
    })
}

proptest! {
    /// A state that was taken, written, read and restored goes on exactly as it would have.
    #[test]
    fn states_go_on(
        seed: u64, at in 0usize..60,
        calls in prop::collection::vec((0u64..1500, 0u8..6, 0u8..4, any::<bool>()), 1..60),
    ) {
        let (mut one, mut two) = (busy(seed), busy(seed));
        let (plain, other) = (CreateRequest::default(), request(r#"{"Settings":{"AuditImagesLimit":4}}"#));
        let (mut now, mut ids) = (ms(0), vec!["0f2e9b1c-1111-4222-8333-44445555aaaa".to_owned()]);
        for (i, (gap, token, what, elsewhere)) in calls.into_iter().enumerate() {
            now += ms(gap);
            if i == at {
                let text = serde_json::to_string(&two.state()).unwrap();
                two = busy(seed);
                two.restore(serde_json::from_str(&text).unwrap()).unwrap();
                prop_assert_eq!(serde_json::to_string(&two.state()).unwrap(), text);
            }
            let id = ids[usize::from(token) % ids.len()].clone();
            let token = token.to_string();
            let call = match what {
                0 => ApiCall::get(Some(&id)),
                1 => ApiCall::create(&other).with_token(&token),
                _ => ApiCall::create(&plain).with_token(&token),
            };
            let call = if elsewhere { call.in_region("eu-west-1") } else { call };
            let verdict = one.arrive(now, &call);
            prop_assert_eq!(&verdict, &two.arrive(now, &call));
            if what == 3 {
                prop_assert_eq!(one.complete(now, &id, CheckEnd::default()), two.complete(now, &id, CheckEnd::default()));
            }
            ids.extend(verdict.session_id.map(|id| id.to_string()));
        }
    }
}

/// A state of another form, another seed, or with something amiss is refused, and nothing changes.
#[test]
fn wrong_states_are_refused() {
    let mut emulator = with(|_| ());
    create(&mut emulator, 0, "{}");
    create(&mut emulator, 1, r#"{"ClientRequestToken":"a"}"#);
    let state = emulator.state();
    let mut refused = |change: fn(&mut Snapshot)| {
        let mut wrong = state.clone();
        change(&mut wrong);
        let error = emulator.restore(wrong).unwrap_err().to_string();
        assert_eq!(emulator.state(), state);
        error
    };
    let rows = [
        refused(|s| s.schema = 9),
        refused(|s| s.seed = 9),
        refused(|s| s.sessions[0].region = "mars".to_owned()),
        refused(|s| s.sessions.swap(0, 1)),
        refused(|s| drop(s.sessions.pop())),
        refused(|s| s.sessions[1].session_id = Text64::cut("x")),
    ];
    insta::assert_snapshot!(rows.join("\n"), @"
    the saved state has form 9, this version reads form 1; start without it
    the saved state was drawn with seed 9, the emulator has seed 1; start with seed = 9, or without it
    the saved state is damaged: mars is not a region of Face Liveness; start without it
    the saved state is damaged: session c30cd5c0-ffc1-45b6-8e0d-b183662811ba cannot be the one of number 0 at its place; start without it
    the saved state is damaged: the last sessions are not there; start without it
    the saved state is damaged: session x cannot be the one of number 1 at its place; start without it
    ");
    insta::assert_json_snapshot!(state);
}

/// A stream of seven seconds.
fn start(id: &Text64) -> super::streams::StreamStart<'_> {
    super::streams::StreamStart { session_id: id.as_str(), length: Duration::from_secs(7), end: CheckEnd::default() }
}

/// Streams have a rate and a number at once of their own; a session serves one, of which its status tells, and a snapshot keeps them.
#[test]
fn streams_are_limited() {
    use crate::emulator::results::SessionStatus;
    use crate::emulator::streams::StreamRuling;
    let mut emulator = with(|c| {
        c.start_quota = some_quota(1.0, 3);
        c.concurrent_sessions = Some(2);
    });
    let fresh = |emulator: &mut Emulator, at: Duration| {
        let request = CreateRequest::default();
        emulator.arrive(at, &ApiCall::create(&request)).session_id.unwrap()
    };
    let ids: Vec<Text64> = (0..5).map(|_| fresh(&mut emulator, Duration::ZERO)).collect();
    let until = |s: u64| StreamRuling::Streams { until: Duration::from_secs(s) };
    let at = Duration::from_secs;
    assert_eq!(emulator.stream(at(0), start(&ids[0])), until(7));
    assert_eq!(emulator.stream(at(0), start(&ids[0])), StreamRuling::NoSession, "it streams already");
    assert_eq!(emulator.stream(at(0), start(&ids[1])), until(7));
    assert_eq!(emulator.stream(at(0), start(&ids[2])), StreamRuling::TooMany);
    assert_eq!(emulator.stream(at(0), start(&ids[2])), StreamRuling::TooFast, "the refused one has cost a token");
    let status = |emulator: &mut Emulator, s: u64, id: &Text64| {
        let ruling = emulator.arrive(at(s), &ApiCall::get(Some(id.as_str())));
        let Reply::Results(results) = ruling.reply else { panic!("{:?}", ruling.reply) };
        results.status
    };
    assert_eq!(status(&mut emulator, 5, &ids[0]), SessionStatus::InProgress);
    let mut again = with(|c| {
        c.start_quota = some_quota(1.0, 3);
        c.concurrent_sessions = Some(2);
    });
    again.restore(serde_json::from_str(&serde_json::to_string(&emulator.state()).unwrap()).unwrap()).unwrap();
    assert_eq!(again.stream(at(6), start(&ids[2])), StreamRuling::TooMany);
    assert_eq!(status(&mut emulator, 7, &ids[0]), SessionStatus::Succeeded);
    assert_eq!(emulator.stream(at(7), start(&ids[2])), until(14));
    assert_eq!(emulator.stream(at(180), start(&ids[3])), StreamRuling::NoSession, "its life is over");
}
