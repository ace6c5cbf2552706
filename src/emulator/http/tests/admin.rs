//! The server's own endpoints.

use super::*;

fn get(emulator: &Embedded, path: &str) -> Got {
    exchange_bytes(&mut connect(emulator), format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).unwrap()
}

fn send(emulator: &Embedded, path: &str, body: &str) -> Got {
    let length = body.len();
    let request = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}");
    exchange_bytes(&mut connect(emulator), request.as_bytes()).unwrap()
}

/// An error that is asked for strikes as often as asked, and `{}` takes it back.
#[test]
fn faults_on_demand() {
    let emulator = started(|_| ());
    let mut stream = connect(&emulator);
    let mut kinds = |n: usize| -> Vec<(u16, String)> {
        let answers = (0..n).map(|_| create(&mut stream, "{}"));
        answers.map(|got| (got.status, got.json()["__type"].as_str().unwrap_or("none").to_owned())).collect()
    };
    let fault = |body: &str| assert_eq!(send(&emulator, "/_livebench/fault", body).status, 200, "{body}");
    fault(r#"{"code":"ThrottlingException","status":500,"times":2}"#);
    let (throttled, ok) = ((500, "ThrottlingException".to_owned()), (200, "none".to_owned()));
    assert_eq!(kinds(3), [throttled.clone(), throttled, ok.clone()]);
    fault(r#"{"code":"AccessDeniedException","operation":"GetFaceLivenessSessionResults"}"#);
    assert_eq!(kinds(1), std::slice::from_ref(&ok));
    fault(r#"{"code":"AccessDeniedException"}"#);
    assert_eq!(kinds(2), [(400, "AccessDeniedException".to_owned()), (400, "AccessDeniedException".to_owned())]);
    fault("{}");
    assert_eq!(kinds(1), [ok]);
}

/// A check is ended once: its results can be read then, and a second end is a conflict.
#[test]
fn complete_on_demand() {
    let emulator = started(|_| ());
    let mut stream = connect(&emulator);
    let session = create(&mut stream, "{}").session();
    let id = format!(r#"{{"SessionId":"{session}"}}"#);
    let status = |stream: &mut TcpStream, id: &str| {
        exchange_bytes(stream, &post(&[GET_TARGET], id)).unwrap().json()["Status"].as_str().unwrap().to_owned()
    };
    assert_eq!(status(&mut stream, &id), "CREATED");
    let done = send(&emulator, "/_livebench/complete", &id);
    assert_eq!((done.status, done.json()["Status"].as_str()), (200, Some("SUCCEEDED")));
    assert_eq!(status(&mut stream, &id), "SUCCEEDED");
    assert_eq!(send(&emulator, "/_livebench/complete", &id).status, 409);
    let other = create(&mut stream, "{}").session();
    let failed = format!(r#"{{"SessionId":"{other}","Outcome":"FAILED"}}"#);
    assert_eq!(send(&emulator, "/_livebench/complete", &failed).status, 200);
    assert_eq!(status(&mut stream, &format!(r#"{{"SessionId":"{other}"}}"#)), "FAILED");
}

/// A stream on demand keeps its session's check for its length, and the limits on streams refuse the next as the service does.
#[test]
fn stream_on_demand() {
    let emulator = started(|config| config.concurrent_sessions = Some(1));
    let mut calls = connect(&emulator);
    let [first, second] = [0, 1].map(|_| create(&mut calls, "{}").session());
    let stream = |session: &str, more: &str| {
        let got = send(&emulator, "/_livebench/stream", &format!(r#"{{"SessionId":"{session}"{more}}}"#));
        (got.status, got.json())
    };
    let begun = serde_json::json!({ "SessionId": &first, "length": "1h" });
    assert_eq!(stream(&first, r#","length":"1h""#), (200, begun));
    let got = exchange_bytes(&mut calls, &post(&[GET_TARGET], &format!(r#"{{"SessionId":"{first}"}}"#))).unwrap();
    assert_eq!(got.json()["Status"], "IN_PROGRESS");
    let (status, refused) = stream(&second, "");
    assert!(status == 429 && refused["message"].as_str().unwrap().starts_with("ServiceQuotaExceededException"), "{refused}");
    assert_eq!(stream(&first, "").0, 404, "a session serves one check");
    let slow =
        started(|config| config.start_quota = Some(Quota::TokenBucket(TokenBucket::full(Rate::per_second(0.001).unwrap(), 1))));
    let mut calls = connect(&slow);
    let started: Vec<u16> = (0..2)
        .map(|_| {
            let session = create(&mut calls, "{}").session();
            send(&slow, "/_livebench/stream", &format!(r#"{{"SessionId":"{session}"}}"#)).status
        })
        .collect();
    assert_eq!(started, [200, 429]);
}

/// A new quota holds at once, in the words of the configuration, and nothing at all is the documented one.
#[test]
fn quota_on_demand() {
    let emulator = started(|_| ());
    let quota = |body: &str| send(&emulator, "/_livebench/quota", body).body;
    insta::assert_snapshot!(quota(r#"{"kind":"token-bucket","rate":0.001,"burst":2}"#), @r#"{"operation":"CreateFaceLivenessSession","quota":"0.001/s burst 2"}"#);
    insta::assert_snapshot!(quota(r#"{"kind":"none","operation":"GetFaceLivenessSessionResults"}"#), @r#"{"operation":"GetFaceLivenessSessionResults","quota":"none"}"#);
    let mut stream = connect(&emulator);
    let statuses: Vec<u16> = (0..3).map(|_| create(&mut stream, "{}").status).collect();
    assert_eq!(statuses, [200, 200, 400]);
    insta::assert_snapshot!(quota("{}"), @r#"{"operation":"CreateFaceLivenessSession","quota":"as documented for each region"}"#);
}

/// Whatever is wrong is said in one message, at 400; what is not there and what is asked wrongly have their own status.
#[test]
fn bad_input() {
    let emulator = started(|_| ());
    let rows = [
        ("fault", "[1]", 400, "the body has to be a JSON object"),
        ("fault", r#"{"code":"X","status":200}"#, 400, "`status` has to be 400 to 599"),
        ("fault", r#"{"code":"X","times":0}"#, 400, "`times` has to be at least 1"),
        ("fault", r#"{"status":500}"#, 400, "missing field `code`"),
        ("fault", r#"{"code":"X","colour":1}"#, 400, "unknown field `colour`"),
        ("quota", r#"{"kind":"token-bucket","rate":-1,"burst":2}"#, 400, "`rate`"),
        ("quota", r#"{"kind":"token-bucket","rate":null}"#, 400, "no quota"),
        ("quota", r#"{"operation":"DetectFaces"}"#, 400, "unknown variant `DetectFaces`"),
        ("complete", "{}", 400, "`SessionId` has to be a string"),
        ("complete", r#"{"SessionId":"x","Status":"LOST"}"#, 400, "unknown variant `LOST`"),
        ("complete", r#"{"SessionId":"x"}"#, 404, "there is no session x"),
        ("stream", "{}", 400, "`SessionId` has to be a string"),
        ("stream", r#"{"SessionId":"x","length":7}"#, 400, "`length` is a time like"),
        ("stream", r#"{"SessionId":"x","length":"soon"}"#, 400, "soon"),
        ("stream", r#"{"SessionId":"x","colour":1}"#, 400, "unknown field `colour`"),
        ("stream", r#"{"SessionId":"x"}"#, 404, "there is no session x"),
        ("nothing", "{}", 404, "no such endpoint"),
        ("state", "{}", 405, "/_livebench/state is for GET"),
    ];
    for (endpoint, body, status, expected) in rows {
        let got = send(&emulator, &format!("/_livebench/{endpoint}"), body);
        let message = got.json()["message"].as_str().unwrap().to_owned();
        assert_eq!(got.status, status, "{endpoint} {body}: {message}");
        assert!(message.contains(expected), "{endpoint} {body}: {message}");
        assert_eq!(got.json().as_object().unwrap().len(), 1);
    }
    let got = get(&emulator, "/_livebench/reset");
    assert_eq!((got.status, got.header("allow")), (405, Some("POST")));
    assert_eq!(emulator.arrivals(), 0);
}

/// A reset forgets sessions, tokens and clients; the log tells by its epoch.
#[test]
fn reset() {
    let emulator = started(|_| ());
    let mut stream = connect(&emulator);
    let first = create(&mut stream, r#"{"ClientRequestToken":"a"}"#).session();
    assert_eq!(get(&emulator, "/_livebench/health").json()["arrivals"], 1);
    assert_eq!(get(&emulator, "/_livebench/state").json()["arrivals"], 1);
    assert_eq!(send(&emulator, "/_livebench/reset", "").status, 200);
    assert_eq!(get(&emulator, "/_livebench/health").json(), serde_json::json!({ "status": "ok", "arrivals": 0 }));
    assert_eq!(get(&emulator, "/_livebench/clients").json(), serde_json::json!({ "clients": [] }));
    // The seed is the same: so is the first session.
    assert_eq!(create(&mut stream, r#"{"ClientRequestToken":"b"}"#).session(), first);
}

/// Hidden retries are seen by whoever asks, and so are the server's numbers.
#[test]
fn clients_and_metrics() {
    let emulator = started(|_| ());
    let mut stream = connect(&emulator);
    for (id, attempt) in [("i-1", 1), ("i-1", 2), ("i-1", 3), ("i-2", 1)] {
        let id = format!("amz-sdk-invocation-id: {id}");
        let attempt = format!("amz-sdk-request: attempt={attempt}; max=3");
        exchange_bytes(&mut stream, &post(&[TARGET, "User-Agent: Boto3/1.44.5 md/x", &id, &attempt], "{}")).unwrap();
    }
    exchange_bytes(&mut stream, &post(&[TARGET], "nope")).unwrap();
    insta::assert_snapshot!(get(&emulator, "/_livebench/clients").body, @r#"{"clients":[{"attempts_after_first":0,"calls":1,"client":"(none)","requests":1,"requests_per_call":1.0,"without_invocation_id":1},{"attempts_after_first":2,"calls":2,"client":"Boto3/1.44.5","requests":4,"requests_per_call":2.0,"without_invocation_id":0}]}"#);
    let metrics = get(&emulator, "/_livebench/metrics");
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        r#"livebench_requests_total{operation="CreateFaceLivenessSession",verdict="ok"} 4"#,
        r#"livebench_requests_total{operation="CreateFaceLivenessSession",verdict="unmodelled"} 1"#,
        "livebench_in_flight 0",
        "livebench_connections 2",
        "livebench_sessions_total 4",
        "livebench_overhead_seconds_count 5",
    ] {
        assert!(metrics.body.lines().any(|l| l == line), "{line} is not in\n{}", metrics.body);
    }
}
