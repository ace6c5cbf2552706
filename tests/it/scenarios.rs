//! Scenarios from outside: the shipped ones, the published schema, and every way of getting one wrong.

use std::path::{Path, PathBuf};

use livebench::scenario::preview::Preview;
use livebench::scenario::{self, Problems, Style};
use proptest::prelude::*;

/// Every key that a scenario can have, except those that exclude one another.
const FULL: &str = r#"
name = "full"
description = "Everything."
seed = 7

[load]
model = "open"
concurrency = 64
overflow = "wait"
arrivals = "poisson"
stages = [ { for = "30s", from = 5.0, to = 40 }, { for = "1m", rate = 40 }, { calls = 100 } ]
max_rate = 50.5
transport = "sdk"
pacing = "spin"

[[mix]]
name = "plain"
weight = 7
token = "none"

[[mix]]
name = "audited"
weight = 3
[mix.request]
KmsKeyId = "alias/liveness"
[mix.request.Settings]
AuditImagesLimit = 4
OutputConfig = { S3Bucket = "my-bucket", S3KeyPrefix = "liveness/" }
ChallengePreferences = [ { Type = "FaceMovementChallenge", Versions = { Minimum = "1.0.0", Maximum = "2.0.0" } } ]

[idempotency]
replay = 0.05
race = 0.02
mismatch = 0.01
expired = 0.01
after_throttle = 0.01
after_loss = 0.01
session_ttl = "180s"

[budget]
max_calls = 10000
max_spend_usd = 0.5

[thresholds]
"response.p99" = "< 800ms"
"throttled.quota" = "< 1%"
"rate.ok" = ">= 25/s"
"idempotency.violations" = "== 0"

[emulator]
region = "us-east-1"
seed = 9
quota = { kind = "token-bucket", rate = 60.0, burst = 60 }
latency = { median = "45ms", p99 = "160ms" }
stalls = [ { at = "10s", for = "2s" } ]
session_ttl = "180s"
account = "111122223333"
get_quota = { kind = "sharded-bucket", nodes = 4, rate = 10.0, burst = 10 }
quota_error = "throttling-400"
ramp = { window = "1s", growth = 1.5, floor = 10, status = 400 }
scaling = { window = "10s", growth = 2, floor = 100, status = 500 }
charge = { rejected = true, invalid = true }
retry_after = "500ms"
spikes = { share = 0.01, extra = "500ms" }
verify_signatures = false
allow_unsigned = true
sessions = { results_ttl = "5m", expired = "expired", expired_for = "60s" }
validation = { error = "validation", message = "path", audit_images_limit = "reject" }
[emulator.checks]
succeed = 0.8
fail = 0.05
abandon = 0.05
start = { from = "1s", to = "4s" }
length = { median = "7s", p99 = "11s" }
confidence_min = 50
confidence_max = 99.5
audit_images = "best-effort"
s3_versions = true
feedback = 0.1
sdk_type = "AmplifyWeb"
[emulator.tokens]
window = "60s"
scope = "account"
mismatch = "mismatch-error"
after_expiry = "same"
race = "two"
replay_costs = false
remember_throttled = true
[emulator.faults]
reset_before = 0.01
reset_after = 0.01
raw = { share = 0.01, status = 503, content_type = "text/html", body = "<html>busy</html>" }
internal_error = 0.01
unavailable = 0.01
malformed = 0.01
malformed_forms = ["empty", "truncated"]
slow_body = 0.01
slow_body_for = "5s"
half_open = 0.01
scheduled = [ { fault = "unavailable", at = "10s", for = "5s", share = 0.5 } ]
"#;

const CLOSED: &str = r#"
name = "closed"
[load]
model = "closed"
think_time = "100ms"
stages = [ { for = "60s", workers = 8 } ]
[[mix]]
request_file = "requests/full.json"
[emulator]
quota = { kind = "none" }
get_quota = { kind = "step-bucket", tokens = 5, every = "1s", burst = 10 }
latency = { fixed = "20ms" }
"#;

/// The other kinds of a quota.
const KINDS: [&str; 12] = [
    "{ kind = \"token-bucket\", rate = 5, burst = 7.3, start = 0.5, whole_tokens = true }",
    "{ kind = \"step-bucket\", tokens = 5, every = \"1s\", burst = 10, start = 0, phase = \"300ms\" }",
    "{ kind = \"fixed-window\", limit = 5, window = \"1s\", anchor = \"clock\", phase = \"300ms\" }",
    "{ kind = \"fixed-window\", limit = 5, window = \"1s\", anchor = \"first-call\" }",
    "{ kind = \"sliding-log\", limit = 5, window = \"1s\" }",
    "{ kind = \"sliding-log\", limit = 5, window = \"1s\", parts = 10, phase = \"30ms\" }",
    "{ kind = \"sliding-counter\", limit = 5, window = \"1s\", floored = true, phase = \"300ms\" }",
    "{ kind = \"concurrency\", limit = 5 }",
    "{ kind = \"sharded-bucket\", nodes = 3, rate = 5, burst = 7.5, spread = \"in-turn\" }",
    "{ kind = \"delay\", rate = 5, queue = 10 }",
    "{ kind = \"stacked\", first = { rate = 5 }, second = { kind = \"fixed-window\", limit = 100, window = \"60s\" }, refused_pays = \"first\" }",
    "{ kind = \"ban\", of = { kind = \"token-bucket\", rate = 5 }, after = 20, for = \"10s\", renewed = true }",
];

/// Documents that mutations start from.
fn samples() -> Vec<String> {
    let kinds = KINDS.map(|kind| {
        format!("name = \"kind\"\n[load]\nstages = [ {{ calls = 1 }} ]\n[emulator]\nquota = {kind}\nlatency = \"20ms\"\n")
    });
    [FULL, CLOSED].into_iter().map(str::to_owned).chain(kinds).collect()
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn read(text: &str) -> Result<scenario::Scenario, Problems> {
    scenario::read("bad.toml", text, &directory())
}

fn as_json(text: &str) -> serde_json::Value {
    serde_json::to_value(toml::from_str::<toml::Value>(text).unwrap()).unwrap()
}

fn validator() -> jsonschema::Validator {
    jsonschema::draft202012::new(&serde_json::from_str(scenario::schema()).unwrap()).unwrap()
}

fn shipped() -> Vec<(String, String)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory()).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|p| p.extension().is_some_and(|e| e == "toml"));
    files.sort();
    let stem = |p: &PathBuf| p.file_stem().unwrap().to_string_lossy().into_owned();
    files.iter().map(|p| (stem(p), std::fs::read_to_string(p).unwrap())).collect()
}

/// All of them are there, sound, named like their files, within the schema, and say how to start them and what to look at.
#[test]
fn shipped_scenarios_are_sound() {
    let validator = validator();
    let names: Vec<String> = shipped().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "ci",
            "closed",
            "idempotency",
            "mix",
            "poisson",
            "queue",
            "ramp",
            "smoke",
            "soak",
            "spike",
            "stacked",
            "stall",
            "steady"
        ]
    );
    for (name, text) in shipped() {
        let (scenario, kept) = scenario::load(&directory().join(format!("{name}.toml"))).unwrap();
        assert_eq!((scenario.name.as_str(), kept.as_str()), (name.as_str(), text.as_str()));
        let errors: Vec<String> = validator.iter_errors(&as_json(&text)).map(|e| e.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{name}");
        for part in [&format!("livebench run scenarios/{name}.toml"), "# Look at", "# Change"] {
            assert!(text.contains(part), "{name}: {part}");
        }
    }
}

/// A copy of a shipped scenario names no schema that is not beside it; editors find the schemas by `.taplo.toml`, which names all places.
#[test]
fn editors_find_the_schemas() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rules: toml::Table = std::fs::read_to_string(root.join(".taplo.toml")).unwrap().parse().unwrap();
    let mut covered = Vec::new();
    for rule in rules["rule"].as_array().unwrap() {
        let schema = std::fs::read_to_string(root.join(rule["schema"]["path"].as_str().unwrap())).unwrap();
        assert!(serde_json::from_str::<serde_json::Value>(&schema).unwrap()["properties"].is_object());
        let folder = rule["include"][0].as_str().unwrap().strip_suffix("/*.toml").unwrap();
        for entry in std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.extension().is_some_and(|extension| extension == "toml") {
                assert!(!std::fs::read_to_string(&entry).unwrap().contains("#:schema"), "{}", entry.display());
                covered.push(entry);
            }
        }
    }
    assert!(covered.len() > shipped().len(), "{covered:?}");
}

/// What the shipped scenarios are about is what their previews warn of, and nothing else.
#[test]
fn shipped_scenarios_warn_of_their_own_point() {
    for (name, text) in shipped() {
        let preview = Preview::of(&scenario::read(&name, &text, &directory()).unwrap());
        let throttled = preview.expected_throttled.unwrap_or(0);
        match name.as_str() {
            "spike" => assert!(throttled > 400 && preview.warnings.len() == 1, "{preview:?}"),
            "idempotency" => assert!((10..60).contains(&throttled) && preview.warnings.len() == 1, "{preview:?}"),
            "mix" => assert!(throttled == 0 && preview.warnings.len() == 1, "{preview:?}"),
            _ => assert!(throttled == 0 && preview.warnings.is_empty(), "{preview:?}"),
        }
    }
}

/// The page of a scenario, as `livebench check` shows it.
#[test]
fn preview_of_the_ramp() {
    let (ramp, _) = scenario::load(&directory().join("ramp.toml")).unwrap();
    let mut out = Vec::new();
    Preview::of(&ramp).write_text(&mut out).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap());
    insta::assert_json_snapshot!(Preview::of(&ramp));
}

/// Text, what is said about it, and whether the schema must refuse it as well.
const WRONG: &[(&str, &str, bool)] = &[
    ("[load]\nstages = [{ for = '1s', rate = 1 }]", "the scenario has no `name`", true),
    ("name = 'A b'", "`A b` is not a name", true),
    ("name = 'a'", "the scenario has no `load`", true),
    ("name = 'a'\n[load]", "`load` has no `stages`", true),
    ("name = 'a'\n[load]\nstages = []", "`stages` is empty", true),
    ("name = 'a'\n[load]\nstages = [{ for = '1s', rate = 0 }]", "schedule no call", false),
    ("name = 'a'\n[load]\nstages = [{ for = '1s', rate = -1 }]", "`rate` is out of range", true),
    ("name = 'a'\n[load]\nstages = [{ for = '1s' }]", "the stage has no rate", true),
    ("name = 'a'\n[load]\nstages = [{ for = '1s', from = 1 }]", "the ramp has no `to`", true),
    ("name = 'a'\n[load]\nstages = [{ for = '1s', from = 1, to = 2, rate = 3 }]", "`rate` has no place beside", true),
    ("name = 'a'\n[load]\nstages = [{ for = '1s', calls = 3 }]", "`for` has no place beside `calls`", true),
    ("name = 'a'\n[load]\nstages = [{ for = '1s', workers = 3 }]", "`workers` belongs to the closed model", true),
    ("name = 'a'\n[load]\nstages = [{ for = '8days', rate = 1 }]", "`for` is out of range", false),
    ("name = 'a'\n[load]\nstages = [{ for = '6days', rate = 1 }, { for = '6days', rate = 1 }]", "longer than a week", false),
    ("name = 'a'\n[load]\nstages = [{ for = '1h', rate = 1000000 }]", "schedule more than", false),
    ("name = 'a'\n[load]\nstages = [{ for = '1h', rate = 10000 }]", "schedule 36000000 calls", false),
    ("name = 'a'\n[load]\nthink_time = '1s'\nstages = [{ calls = 1 }]", "`think_time` belongs to the closed model", true),
    ("name = 'a'\n[load]\nmodel = 'closed'\nstages = [{ for = '1s', rate = 1 }]", "`rate` belongs to the open model", true),
    (
        "name = 'a'\n[load]\nmodel = 'closed'\nconcurrency = 2\nstages = [{ for = '1s', workers = 1 }]",
        "`concurrency` belongs to the open model",
        true,
    ),
    ("name = 'a'\n[load]\ntransport = 'wires'\nstages = [{ calls = 1 }]", "`wires`", true),
    ("name = 'a'\n[load]\nmax_rate = 0\nstages = [{ calls = 1 }]", "`max_rate` of 0 sends nothing", true),
    ("name = 'a'\nspeed = 1\n[load]\nstages = [{ calls = 1 }]", "unknown key `speed`", true),
    ("name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[mix]\nname = 'b'", "`mix` is a list, not a table", true),
    ("name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[[mix]]\n[[mix]]", "the mix has no `name`", false),
    ("name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[[mix]]\nname = 'b'\n[[mix]]\nname = 'b'", "another mix is named `b`", false),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[[mix]]\nrequest = {}\nrequest_file = 'requests/full.json'",
        "`request_file` has no place beside `request`",
        true,
    ),
    ("name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[[mix]]\nrequest_file = 'none.json'", "there is no such file", false),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[[mix]]\ntoken = 'fresh'\nrequest = { ClientRequestToken = 't' }",
        "`token` has no place beside",
        true,
    ),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[[mix]]\nrequest = { Settings = { OutputConfig = { S3Bucket = 'a b' } } }",
        "`Settings.OutputConfig.S3Bucket` cannot be `a b`",
        true,
    ),
    ("name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[idempotency]\nreplay = 0.6\nexpired = 0.6", "more than 1 together", false),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[idempotency]\nrace = 0.6",
        "no room for the first calls of the races",
        false,
    ),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[idempotency]\nreplay = 0.1\n[[mix]]\ntoken = 'none'",
        "no mix sends fresh tokens",
        false,
    ),
    (
        "name = 'a'\n[load]\nmodel = 'closed'\nstages = [{ for = '1s', workers = 1 }]\n[idempotency]\nrace = 0.1",
        "`race` needs the open model",
        false,
    ),
    ("name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[budget]\nmax_calls = 0", "`max_calls` is out of range", true),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[thresholds]\nresponse.p99 = '< 1s'",
        "`response` is not a threshold but a table",
        true,
    ),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[thresholds]\n'response.p98' = '< 1s'",
        "unknown metric `response.p98`",
        true,
    ),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[thresholds]\n'response.p99' = '< 1'",
        "`1` is not a limit for response.p99",
        true,
    ),
    ("name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[thresholds]\nok = '< 120%'", "`120%` is not a limit for ok", false),
    ("name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[thresholds]\nok = 1", "`ok` is a comparison in quotes", true),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator]\nquota = { kind = 'none', rate = 1 }",
        "beside kind = \"none\"",
        true,
    ),
    ("name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator]\nquota = {}", "`quota` has no `rate`", true),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator]\nlatency = { median = '2s', p99 = '1s' }",
        "below the median",
        false,
    ),
    ("name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator]\nlatency = { fixed = '2s', p99 = '1s' }", "beside `fixed`", true),
    ("name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator]\nregion = 'Virginia'", "`Virginia` is not a region", true),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator]\nstalls = [{ at = '1s', for = '2s' }, { at = '2s', for = '1s' }]",
        "begins before another one ends",
        false,
    ),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator.faults]\nreset_before = 0.6\nreset_after = 0.6",
        "more than 1 together",
        false,
    ),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator]\nquota = { kind = 'fixed-window', limit = 1, window = '1s', rate = 5 }",
        "`rate` has no place beside kind = \"fixed-window\"",
        true,
    ),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator]\nquota = { rate = 5, burst = 5, start = 6 }",
        "`start` is more than `burst`",
        false,
    ),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator]\nquota = { kind = 'step-bucket', tokens = 5, every = '1s', phase = '1s' }",
        "`phase` is not shorter",
        false,
    ),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator]\nquota = { kind = 'fixed-window', limit = 1, window = '1s', anchor = 'first-call', phase = '1ms' }",
        "`phase` has no place beside anchor = \"first-call\"",
        false,
    ),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator]\nquota = { kind = 'stacked', first = { rate = 5 }, second = { kind = 'none' } }",
        "not `none`",
        true,
    ),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator]\nquota = { kind = 'stacked', first = { kind = 'delay', rate = 5 }, second = { rate = 5 } }",
        "`first` has no `queue`",
        true,
    ),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator]\nquota = { kind = 'ban', of = { rate = 5, start = 9 }, after = 1, for = '1s' }",
        "`start` is more than `burst`",
        false,
    ),
    ("name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator]\ncharge = { rejected = 1.5 }", "`rejected` is out of range", true),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator]\nquota = { kind = 'concurrency', limit = 0 }",
        "`limit` is out of range",
        true,
    ),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator]\nlatency = { from = '2s', to = '1s' }",
        "`to` is below `from`",
        false,
    ),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator]\nlatency = { from = '2s', p99 = '1s' }",
        "`p99` has no place beside `from` and `to`",
        true,
    ),
    ("name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator]\nramp = { floor = 1, status = 429 }", "400 or 500", true),
    ("name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator]\nramp = { growth = 2 }", "`ramp` has no `floor`", true),
    ("name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator]\naccount = '12'", "`12` is not an `account`", true),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator.checks]\nsucceed = 0.6\nfail = 0.6",
        "shares of the checks are more than 1 together",
        false,
    ),
    ("name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator.checks]\nconfidence_max = 50", "`confidence_min` is 90", false),
    ("name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator.checks]\nsdk_type = ''", "`sdk_type` is too short", true),
    ("name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator.faults]\nmalformed_forms = []", "`malformed_forms` is empty", true),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator.faults]\nmalformed_forms = ['odd']",
        "`odd` is not a form of a malformed answer",
        true,
    ),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator.faults]\nscheduled = [{ fault = 'raw', at = '1s', for = '1s' }]",
        "there is no `raw` answer",
        false,
    ),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[[emulator.credentials]]\naccess_key_id = 'A'\nsecret_access_key = 's'",
        "`credentials` have no place in a scenario",
        true,
    ),
    (
        "name = 'a'\n[load]\nstages = [{ calls = 1 }]\n[emulator.faults]\nraw = { share = 1, status = 99 }",
        "`status` is out of range",
        true,
    ),
];

/// Each wrong file is answered with what is wrong; where the form is wrong, the schema refuses it as well.
#[test]
fn every_rule_is_enforced() {
    let validator = validator();
    for (text, said, structural) in WRONG {
        let problems = read(text).expect_err(text);
        assert!(problems.to_string().contains(said), "{text}\n{problems}");
        assert!(problems.located().iter().all(|l| !l.help.is_empty() && l.line.is_some()), "{problems}");
        assert_eq!(validator.is_valid(&as_json(text)), !structural, "the schema on:\n{text}");
    }
}

/// The documents that mutations start from are sound, by the reader and by the schema.
#[test]
fn samples_are_sound() {
    let validator = validator();
    for text in samples() {
        read(&text).unwrap();
        assert!(validator.is_valid(&as_json(&text)), "{text}");
    }
}

/// A step from a table or a list into a value.
type Path_ = Vec<String>;

fn paths(value: &toml::Value, at: &Path_, out: &mut Vec<Path_>) {
    let mut into = |key: String, inner: &toml::Value| {
        let mut path = at.clone();
        path.push(key);
        out.push(path.clone());
        paths(inner, &path, out);
    };
    match value {
        toml::Value::Table(table) => table.iter().for_each(|(key, inner)| into(key.clone(), inner)),
        toml::Value::Array(items) => items.iter().enumerate().for_each(|(i, inner)| into(i.to_string(), inner)),
        _ => {}
    }
}

/// The parent of what `path` names, and the last step.
fn parent<'v>(root: &'v mut toml::Value, path: &'v [String]) -> (&'v mut toml::Value, &'v str) {
    let (last, head) = path.split_last().unwrap();
    let mut at = root;
    for step in head {
        at = match at {
            toml::Value::Array(items) => &mut items[step.parse::<usize>().unwrap()],
            other => other.get_mut(step).unwrap(),
        };
    }
    (at, last)
}

fn mutations(text: &str, mutate: impl Fn(&mut toml::Value, &str) -> bool) -> Vec<(Path_, String)> {
    let root: toml::Value = toml::from_str(text).unwrap();
    let mut all = Vec::new();
    paths(&root, &Vec::new(), &mut all);
    let mut out = Vec::new();
    for path in all {
        let mut copy = root.clone();
        let (inner, last) = parent(&mut copy, &path);
        if mutate(inner, last) {
            out.push((path.clone(), toml::to_string(&copy).unwrap()));
        }
    }
    out
}

/// A key that is misspelt is named, wherever it is, with the one that was meant.
#[test]
fn every_misspelt_key_is_named() {
    for text in samples() {
        let renamed = mutations(&text, |parent, key| match parent {
            toml::Value::Table(table) => table.remove(key).is_some_and(|v| table.insert(format!("{key}q"), v).is_none()),
            _ => false,
        });
        assert!(renamed.len() >= 8);
        for (path, text) in renamed {
            let problems = read(&text).expect_err(&text).to_string();
            let (wrong, right) = (format!("`{}q`", path.last().unwrap()), format!("{}`?", path.last().unwrap()));
            let quoted = right.replace('`', "\"");
            assert!(problems.contains(&wrong), "{path:?}: {problems}");
            assert!(problems.contains(&right) || problems.contains(&quoted), "{path:?}: {problems}");
        }
    }
}

/// A value of the wrong type is named, wherever it is.
#[test]
fn every_wrong_type_is_named() {
    let date = || "1979-05-27".parse::<toml::value::Datetime>().unwrap();
    for text in samples() {
        let retyped = mutations(&text, |parent, key| {
            match parent {
                toml::Value::Array(items) => items[key.parse::<usize>().unwrap()] = date().into(),
                other => *other.get_mut(key).unwrap() = date().into(),
            }
            true
        });
        for (path, text) in retyped {
            let problems = read(&text).expect_err(&text).to_string();
            assert!(problems.contains("not a date"), "{path:?}: {problems}");
            let key = path.last().unwrap();
            assert!(key.parse::<usize>().is_ok() || problems.contains(&format!("`{key}`")), "{path:?}: {problems}");
        }
    }
}

/// A number far outside its range is named, wherever it is.
#[test]
fn every_wrong_number_is_named() {
    let numbers = mutations(FULL, |parent, key| {
        let toml::Value::Table(table) = parent else { return false };
        let number = matches!(table[key], toml::Value::Integer(_) | toml::Value::Float(_));
        if number {
            table.insert(key.to_owned(), toml::Value::Integer(-5));
        }
        number
    });
    assert!(numbers.len() > 20);
    for (path, text) in numbers {
        let problems = read(&text).expect_err(&text).to_string();
        assert!(problems.contains(path.last().unwrap()), "{path:?}: {problems}");
    }
}

/// A key that is left out is missed, or it has a default; the schema agrees.
#[test]
fn every_missing_key_is_missed_or_has_a_default() {
    let validator = validator();
    for text in samples() {
        let deleted = mutations(&text, |parent, key| match parent {
            toml::Value::Table(table) => table.remove(key).is_some(),
            _ => false,
        });
        for (path, text) in deleted {
            let (read, valid) = (read(&text), validator.is_valid(&as_json(&text)));
            // Two mixes without a name each are the reader's to find.
            let named = path.first().is_some_and(|p| p == "mix") && path.last().is_some_and(|p| p == "name");
            assert!(read.is_ok() == valid || named, "{path:?}: {read:?}");
        }
    }
}

/// Errors of syntax are all given, and what is certain of the rest with them; nothing that only follows from them.
#[test]
fn syntax_errors_do_not_hide_the_rest() {
    let text = "name = \"a\nseed = -1\n[load]\nstages = [ { for = \"1s\", rate = 1 } ]\nspeed = 1\noverflow = miss\n";
    insta::assert_snapshot!(read(text).unwrap_err().to_string(), @r##"
    bad.toml:1:10: not valid TOML: invalid basic string, expected `"`
      help: texts need quotes: key = "text"
    bad.toml:2:8: `seed` is out of range: -1
      help: it lies between 0 and 9223372036854775807
    bad.toml:5:1: unknown key `speed` in `load`
      help: known keys here: model, concurrency, overflow, arrivals, stages, think_time, max_rate, transport, pacing
    bad.toml:6:12: not valid TOML: string values must be quoted, expected literal string
      help: texts need quotes: key = "text"
    4 problems in bad.toml
    "##);
    insta::assert_snapshot!(read("name = \"a\"\n[load\nstages = [ { for = \"1s\", rate = 1 } ]\n").unwrap_err().to_string(), @r##"
    bad.toml:2:6: not valid TOML: unclosed table, expected `]`
      help: write `key = value`, texts in quotes, lists as [ a, b ], tables as { key = value } on one line or under [name]
    1 problem in bad.toml
    "##);
}

/// The file of `livebench emulate --config` is the `[emulator]` table and nothing else.
#[test]
fn emulator_files_hold_the_emulator_only() {
    let config = scenario::read_emulator("e.toml", "[emulator]\nregion = \"eu-west-1\"\nseed = 4\n").unwrap();
    assert_eq!((config.region.as_str(), config.seed), ("eu-west-1", 4));
    let problems = scenario::read_emulator("e.toml", "name = \"a\"\n[emulator]\nquote = 1\n").unwrap_err();
    insta::assert_snapshot!(problems.to_string(), @r##"
    e.toml:1:1: unknown key `name`
      help: known keys here: emulator
    e.toml:3:1: unknown key `quote` in `emulator`
      help: did you mean `quota`?
    2 problems in e.toml
    "##);
    assert!(scenario::read_emulator("e.toml", "# nothing\n").unwrap_err().to_string().contains("has no `emulator`"));
}

/// The shipped file of the emulator has every key that there is, is sound by the reader and by the schema, and its comments tell
/// the truth about the defaults.
#[test]
fn the_shipped_emulator_has_every_key() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/emulator.toml")).unwrap();
    let config = scenario::read_emulator("emulator.toml", &text).unwrap();
    let schema: serde_json::Value = serde_json::from_str(scenario::schema()).unwrap();
    let mut emulator = schema.clone();
    emulator["properties"] = serde_json::json!({ "emulator": { "$ref": "#/$defs/emulator" } });
    emulator["required"] = serde_json::json!(["emulator"]);
    let errors: Vec<String> =
        jsonschema::draft202012::new(&emulator).unwrap().iter_errors(&as_json(&text)).map(|e| e.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());

    let file: toml::Value = toml::from_str(&text).unwrap();
    let mut all = Vec::new();
    paths(&file, &Vec::new(), &mut all);
    let present: std::collections::BTreeSet<&str> = all.iter().map(|path| path.last().unwrap().as_str()).collect();
    let tables =
        ["emulator", "growth", "charge", "spikes", "sessions", "checks", "tokens", "validation", "faults", "raw", "scheduled"];
    for table in tables.into_iter().chain(["credential", "stall"]) {
        for key in schema["$defs"][table]["properties"].as_object().unwrap().keys() {
            assert!(present.contains(key.as_str()), "{table}.{key} does not stand in deploy/emulator.toml");
        }
    }
    for kind in schema["$defs"]["quota"]["oneOf"].as_array().unwrap() {
        let kind = kind["properties"]["kind"]["const"].as_str().unwrap();
        assert!(text.contains(&format!("{{ kind = \"{kind}\"")), "{kind} does not stand in deploy/emulator.toml");
    }
    // Every line that calls itself a default can be taken out without a difference.
    let lines: Vec<&str> = text.lines().collect();
    let defaults: Vec<usize> = (0..lines.len()).filter(|i| lines[*i].contains("# default")).collect();
    assert!(defaults.len() > 25, "{}", defaults.len());
    // Two of them follow `session_ttl`.
    let effective = |config: &livebench::emulator::config::EmulatorConfig| {
        let mut config = config.clone();
        config.tokens.window = Some(config.token_window());
        config.sessions.results_ttl = Some(config.results_ttl());
        config
    };
    for gone in defaults {
        let kept: Vec<&str> = lines.iter().enumerate().filter(|(i, _)| *i != gone).map(|(_, line)| *line).collect();
        let without = scenario::read_emulator("emulator.toml", &kept.join("\n")).unwrap();
        assert!(effective(&without) == effective(&config), "no default: {}", lines[gone]);
    }
}

/// No secret is shown: not by `Debug`, not by a message, not by the excerpt under it, however broken the file is.
#[test]
fn secrets_are_never_shown() {
    let row =
        "[[emulator.credentials]]\naccess_key_id = \"AKID\"\nsecret_access_key = \"HUSH-secret\"\nsession_token = 'HUSH-token'\n";
    let config = scenario::read_emulator("e.toml", &format!("[emulator]\n{row}")).unwrap();
    assert!(!format!("{config:?}").contains("HUSH"));
    assert_eq!(config.credentials[0].secret_access_key.expose(), "HUSH-secret");
    assert!(!config.allow_unsigned && config.verify_signatures);
    assert_eq!((config.account_of(Some("AKID")), config.account_of(Some("B"))), ("123456789012", "123456789012"));
    let wrong = [
        row.replace("secret_access_key", "secret_acces_key"),
        row.replace("secret_access_key", "secret"),
        row.replace("access_key_id = \"AKID\"", "access_key_id = \"AKID\", secret_access_key = \"HUSH\""),
        row.replace("HUSH-secret\"", "HUSH-secret"),
        row.replace("HUSH-token'", "HUSH-token"),
        row.replace("HUSH-secret", "HUSH secret é"),
        row.replace("\"HUSH-secret\"", "[ \"HUSH\", 'HUSH' ]"),
        row.replace("\"HUSH-secret\"", "\"\"\"\nHUSH\nHUSH\"\"\""),
        row.replace("session_token = ", "sesion_token = "),
        format!("{row}{row}"),
        row.replace("[[emulator.credentials]]", "[emulator.credentials]"),
    ];
    for text in wrong {
        let Err(problems) = scenario::read_emulator("e.toml", &format!("[emulator]\n{text}")) else { panic!("{text} is sound") };
        let shown = format!("{problems}{problems:?}{}", problems.draw(Style::Plain, 100));
        assert!(!shown.contains("HUSH"), "{text}\n{shown}");
    }
}

/// The body of a change of quota is read as a scenario's quota is.
#[test]
fn quota_changes() {
    use livebench::emulator::config::QuotaChange;
    use livebench::limiter::{Quota, TokenBucket};
    use livebench::service::operation::Operation;
    use livebench::units::Rate;
    let read = |json: &str| scenario::read_quota_change(json).map_err(|problems| problems.to_string());
    let change = read(r#"{"operation":"GetFaceLivenessSessionResults","quota":{"rate":5}}"#).unwrap();
    let five = TokenBucket::full(Rate::per_second(5.0).unwrap(), 5);
    assert_eq!(change, QuotaChange { operation: Operation::GetResults, quota: Some(Quota::TokenBucket(five)) });
    assert_eq!(read("{}").unwrap().quota, None);
    insta::assert_snapshot!(read(r#"{"opperation":"x","quota":{"kind":"fixed-window","limit":5}}"#).unwrap_err(), @r#"
    the body:1:2: unknown key `opperation` in the body
      help: did you mean `operation`?
    the body:1:19: `quota` has no `window`
      help: add `window`, the time in which it allows them: window = "1s"
    2 problems in the body
    "#);
    insta::assert_snapshot!(read("{").unwrap_err(), @r#"
    the body:1:1: not valid JSON: EOF while parsing an object
      help: write it like {"quota": {"kind": "token-bucket", "rate": 5}}
    1 problem in the body
    "#);
}

/// What an emulator is when nothing is said: its region's documented quota.
#[test]
fn emulators_have_the_documented_quota() {
    use livebench::limiter::{Quota, TokenBucket};
    use livebench::service::operation::Operation;
    let quota = |region: &str| {
        scenario::read_emulator("e.toml", &format!("[emulator]\nregion = \"{region}\"\n"))
            .unwrap()
            .quota_of(Operation::Create, region)
    };
    let expect = |quota: Quota| match quota {
        Quota::TokenBucket(TokenBucket { rate, burst, start: None, whole_tokens: false }) => (rate.as_f64(), burst.as_f64()),
        _ => (0.0, 0.0),
    };
    assert_eq!(expect(quota("us-west-2")), (25.0, 25.0));
    assert_eq!(expect(quota("ap-southeast-7")), (5.0, 5.0));
}

/// Wrong JSON in a request file is found at its line and column there; all its problems stand in that file.
#[test]
fn request_files_have_places_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let text = "name = \"a\"\nsped = 1\n[load]\nstages = [ { calls = 1 } ]\n[[mix]]\nname = \"a\"\nrequest_file = \"a.json\"\n[[mix]]\nname = \"b\"\nrequest_file = \"b.json\"\n";
    std::fs::write(dir.path().join("a.json"), "{\n  \"KmsKeyId\": ,\n}").unwrap();
    std::fs::write(dir.path().join("b.json"), "{\n  \"KmsKeyId\": \"\",\n  \"Setings\": {}\n}").unwrap();
    let problems = scenario::read("bad.toml", text, dir.path()).unwrap_err();
    let places: Vec<String> = problems
        .located()
        .iter()
        .map(|l| {
            format!(
                "{}:{}:{} {}",
                Path::new(l.file).file_name().unwrap().display(),
                l.line.unwrap(),
                l.column.unwrap(),
                l.message
            )
        })
        .collect();
    insta::assert_snapshot!(places.join("\n"), @r##"
    bad.toml:2:1 unknown key `sped`
    a.json:2:15 not valid JSON: expected value
    b.json:2:15 `KmsKeyId` is empty
    b.json:3:3 unknown key `Setings` in `request`
    "##);
}

/// Scraps of TOML that make texts which nearly mean something.
fn scrap() -> impl Strategy<Value = String> {
    let words = [
        "[load]",
        "[[mix]]",
        "[emulator]",
        "[thresholds]",
        "[idempotency]",
        "name",
        "stages",
        "request",
        "request_file",
        "for",
        "rate",
        "calls",
        "quota",
        "latency",
        "stalls",
        "faults",
        "raw",
        "Settings",
        "OutputConfig",
        "model",
        "token",
        "=",
        "= {",
        "}",
        "= [",
        "]",
        ",",
        "\"",
        "\"30s\"",
        "\"closed\"",
        "\"none\"",
        "\"< 1%\"",
        "'",
        "1",
        "-1",
        "0.5",
        "nan",
        "1e999",
        "true",
        "1979-05-27",
        "\n",
        ".",
        "\u{feff}",
        "é",
        "\t",
        "\"\"\"",
        "99999999999999999999999999999999999999999",
        "0xff",
        "{",
        "[",
        "#",
    ];
    prop_oneof![4 => proptest::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => ".{0,6}"]
}

fn survives(text: &str) {
    if let Err(problems) = read(text) {
        assert!(problems.count() > 0);
        assert!(!problems.draw(Style::Plain, 60).is_empty() && !problems.to_string().is_empty());
    }
    let _ = scenario::read_emulator("e.toml", text);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// No text makes the reader panic.
    #[test]
    fn any_text_is_survived(text in "\\PC*|.*") {
        survives(&text);
    }

    /// No text of TOML's own scraps does either.
    #[test]
    fn any_scraps_are_survived(scraps in proptest::collection::vec(scrap(), 0..60)) {
        survives(&scraps.join(" "));
        survives(&scraps.concat());
    }

    /// A sound file with a piece cut out or put in is sound or answered, never a panic.
    #[test]
    fn any_damage_is_survived(at in 0..FULL.len(), cut in 0usize..40, put in scrap()) {
        let (at, end) = (FULL.floor_char_boundary(at), FULL.floor_char_boundary((at + cut).min(FULL.len())));
        survives(&format!("{}{put}{}", &FULL[..at], &FULL[end.max(at)..]));
    }
}
