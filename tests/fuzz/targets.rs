//! What reads what others wrote, each as a function of bytes: it may refuse them, and must neither panic nor hang. libFuzzer looks for bytes
//! (`tests/fuzz/run.sh`), and the gate replays what it found (`tests/it/fuzz.rs`).

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use httparse::Header;
use livebench::awscli::{data::Data, query::Query, shorthand};
use livebench::client::{read_answer, sdk};
use livebench::emulator::config::{Credential, EmulatorConfig, Secret};
use livebench::emulator::http::{Embedded, Extras};
use livebench::emulator::sigv4::{Request, Verifier};
use livebench::http1::Fields;
use livebench::plan;
use livebench::report;
use livebench::results::{ProbesOnDisk, RunDir};
use livebench::scenario::{self, preview::Preview};
use livebench::summary::{Summary, summarize};

/// A target's name, and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 11] = [
    ("scenario", read_scenario),
    ("plan", read_plan),
    ("samples", read_samples),
    ("summary", read_summary),
    ("hlog", read_histogram),
    ("request", ask),
    ("answer", answer),
    ("signature", verify),
    ("shorthand", read_shorthand),
    ("jmespath", query),
    ("profile", read_profile),
];

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// A scenario is refused with every problem, or can be shown.
fn read_scenario(bytes: &[u8]) {
    match scenario::read("fuzzed.toml", &text(bytes), Path::new("")) {
        Ok(scenario) => drop(Preview::of(&scenario)),
        Err(problems) => assert!(!problems.to_string().is_empty()),
    }
    drop(scenario::read_emulator("fuzzed.toml", &text(bytes)));
}

/// A plan is refused with every problem, or can be outlined.
fn read_plan(bytes: &[u8]) {
    match plan::read("fuzzed.toml", &text(bytes), Path::new(""), &ProbesOnDisk) {
        Ok(plan) => drop(plan::outline(&plan)),
        Err(problems) => assert!(!problems.to_string().is_empty()),
    }
    drop(plan::import::import(&text(bytes)));
}

/// A run's directory of this process alone, in which one file is another one.
struct RunWith {
    work: tempfile::TempDir,
}

impl RunWith {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let work = tempfile::tempdir().unwrap();
        let usual: [(&str, &str); 4] = [
            ("manifest.json", include_str!("run/manifest.json")),
            ("scenario.toml", include_str!("run/scenario.toml")),
            ("samples.csv", include_str!("run/samples.csv")),
            ("summary.json", include_str!("run/summary.json")),
        ];
        for (file, text) in usual {
            std::fs::write(work.path().join(file), text).unwrap();
        }
        std::fs::write(work.path().join(name), bytes).unwrap();
        Self { work }
    }

    /// As `livebench report` reads it.
    fn report(&self) {
        let Ok(dir) = RunDir::open(self.work.path()) else { return };
        let Ok(text) = dir.scenario_text() else { return };
        let Ok(scenario) = scenario::read("scenario.toml", &text, self.work.path()) else { return };
        let _ = dir.summary().map(|summary| summary.map(|summary| show(&summary)));
        let Ok(found) = dir.recorded(&scenario) else { return };
        let Ok(facts) = dir.facts(&found.segments) else { return };
        let summary = summarize(&scenario, &found.together(), &facts);
        show(&summary);
        let _ = dir.interval_log();
        let _ = dir.page_parts().map(|parts| parts.write(&scenario, &summary, &mut std::io::sink()));
    }
}

/// As people, programs and pull requests get it.
fn show(summary: &Summary) {
    report::terminal::write(summary, 80, &mut std::io::sink()).unwrap();
    report::json::write(summary, &mut std::io::sink()).unwrap();
    report::markdown::write(summary, &mut std::io::sink()).unwrap();
    for series in report::hgrm::series(summary) {
        // A histogram that cannot be read is said to be none.
        let _ = report::hgrm::write(summary, series, &mut std::io::sink());
    }
}

/// Rows of samples.csv.
fn read_samples(bytes: &[u8]) {
    RunWith::new("samples.csv", bytes).report();
}

/// A summary.json.
fn read_summary(bytes: &[u8]) {
    if let Ok(summary) = Summary::read(&text(bytes)) {
        show(&summary);
    }
    RunWith::new("summary.json", bytes).report();
}

/// The text of a histogram, as an interval log and a summary have it.
fn read_histogram(bytes: &[u8]) {
    static WHOLE: LazyLock<serde_json::Value> = LazyLock::new(|| serde_json::from_str(include_str!("run/summary.json")).unwrap());
    let mut with = WHOLE.clone();
    with["histograms"]["response.ok"] = serde_json::Value::String(text(bytes).into_owned());
    if let Ok(summary) = Summary::read(&with.to_string()) {
        show(&summary);
        let _ = summary.recorder(&livebench::record::recorder::ExactTimes::default());
    }
}

/// What a client may send: whatever the emulator answers is HTTP, or nothing.
fn ask(bytes: &[u8]) {
    static EMULATOR: LazyLock<Embedded> =
        LazyLock::new(|| Embedded::start(EmulatorConfig::default(), Extras::default()).unwrap());
    let url = EMULATOR.endpoint_url();
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    // One that refuses may close before all of it is sent.
    let _ = stream.write_all(bytes).and_then(|()| stream.shutdown(Shutdown::Write));
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => panic!("no answer within five seconds"),
        _ => assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "{}", text(&answer)),
    }
}

/// What a server may answer: status on the first line, headers, an empty line, body.
fn answer(bytes: &[u8]) {
    let split = bytes.windows(2).position(|two| two == b"\n\n").unwrap_or(bytes.len());
    let (head, body) = (&bytes[..split], bytes.get(split + 2..));
    let mut lines = head.split(|byte| *byte == b'\n');
    let status = lines.next().and_then(|line| text(line).parse().ok()).unwrap_or(200);
    let answer = read_answer(status, &headers(lines), body);
    assert_eq!(answer.status, Some(status));
    assert!(answer.session_id.is_some() || answer.outcome != livebench::client::outcome::Outcome::Ok);
}

fn headers<'a>(lines: impl Iterator<Item = &'a [u8]>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines.take(50) {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = (&line[..colon], line.get(colon + 1..).unwrap_or_default());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value.trim_ascii())) {
            headers.append(name, value);
        }
    }
    headers
}

/// Path, query, signed headers and header lines under a signature that cannot be right: they are canonicalised, and never pass.
fn verify(bytes: &[u8]) {
    static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
        let credential = Credential {
            access_key_id: "AKID".to_owned(),
            secret_access_key: Secret::new("secret".to_owned()),
            session_token: None,
            account: "123456789012".to_owned(),
        };
        Verifier::new(&EmulatorConfig { credentials: vec![credential], ..EmulatorConfig::default() })
    });
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let [path, query, signed] = [(); 3].map(|()| text(lines.next().unwrap_or_default()).into_owned());
    let mut headers = headers(lines);
    headers.remove("x-amz-security-token");
    headers.insert("x-amz-date", HeaderValue::from_static("20261121T195216Z"));
    let scope = "AKID/20261121/us-east-1/rekognition/aws4_request";
    let authorization = format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host;{signed}, Signature={:064}", 0);
    let Ok(authorization) = HeaderValue::from_str(&authorization) else { return };
    headers.insert("authorization", authorization);
    let fields: Vec<Header<'_>> =
        headers.iter().map(|(name, value)| Header { name: name.as_str(), value: value.as_bytes() }).collect();
    let (method, fields) = (&Method::POST, Fields::of(&fields));
    let request = Request { method, path: &path, query: Some(&query), fields, body: bytes };
    assert!(VERIFIER.verify(&request, || Duration::from_secs(1_795_290_736)).is_err());
}

/// A shorthand of the AWS CLI; what it parses is an object.
fn read_shorthand(bytes: &[u8]) {
    let _ = shorthand::parse(&text(bytes), &|_| Ok(None));
}

/// A query in `JMESPath`, on an answer.
fn query(bytes: &[u8]) {
    let Ok(query) = Query::new(&text(bytes)) else { return };
    let session = Data::Text("0f1f2f3f-0000-4000-8000-00000000000a".to_owned());
    let _ = query.search(&Data::Map(vec![
        ("SessionId".to_owned(), session.clone()),
        ("AuditImages".to_owned(), Data::List(vec![session, Data::Null, Data::Bool(true)])),
    ]));
}

/// A file of AWS profiles: its sections, or the line that is wrong.
fn read_profile(bytes: &[u8]) {
    if let Err((line, what)) = sdk::profile_sections(bytes) {
        assert!(line > 0 && !what.is_empty());
    }
}
