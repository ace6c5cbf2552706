//! `livebench call` as a process: against `livebench emulate`, the embedded emulator and servers that misbehave.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use crate::support::{Emulate, Say, Server, livebench};
use serde_json::Value;

/// What a process left behind.
struct Done {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn done(output: &Output) -> Done {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Done { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

fn call_with(arguments: &[&str], adjust: impl FnOnce(&mut Command)) -> Done {
    let mut command = livebench();
    command.arg("call").args(arguments);
    adjust(&mut command);
    done(&command.output().unwrap())
}

fn call(arguments: &[&str]) -> Done {
    call_with(arguments, |_| {})
}

fn session(done: &Done) -> String {
    let answer: Value = serde_json::from_str(&done.stdout).unwrap_or_else(|e| panic!("{e}: {} {}", done.stdout, done.stderr));
    answer["SessionId"].as_str().unwrap().to_owned()
}

/// JSON, text and table say the same session when the token is the same; with --endpoint-url stderr stays empty.
#[test]
fn one_token_in_every_form() {
    let emulator = Emulate::start(&[]);
    let with = |more: &[&str]| call(&[&["--endpoint-url", &emulator.endpoint, "--client-request-token", "t"], more].concat());
    let json = with(&[]);
    assert_eq!((json.code, json.stderr.as_str()), (Some(0), ""));
    let id = session(&json);
    assert_eq!(json.stdout, format!("{{\n    \"SessionId\": \"{id}\"\n}}\n"));
    assert_eq!(with(&["--output", "text"]).stdout, format!("{id}\n"));
    assert_eq!(with(&["--query", "SessionId", "--output", "text"]).stdout, format!("{id}\n"));
    assert!(with(&["--output", "table"]).stdout.contains(&format!("|  SessionId|  {id}   |")));
    assert_eq!(with(&["--query", "[length(SessionId)]", "--output", "text", "--no-paginate"]).stdout, "36\n");
    assert_ne!(session(&call(&["--endpoint-url", &emulator.endpoint, "--client-request-token", "u"])), id);
}

/// Without an endpoint the embedded emulator answers, and stderr says so: nobody takes it for AWS.
#[test]
fn embedded_by_default() {
    let done = call(&["--region", "eu-west-1"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(session(&done).len(), 36);
    assert_eq!(done.stderr, "target   embedded emulator, region eu-west-1; AWS needs --target aws\n");
}

/// A far endpoint needs --yes, wherever it comes from, and nothing is sent before.
#[test]
fn far_endpoints_need_yes() {
    for (arguments, variable) in [
        (&["--target", "aws", "--region", "us-east-1"][..], None),
        (&["--endpoint-url", "https://rekognition.us-east-1.amazonaws.com"], None),
        (&["--endpoint-url", "http://192.0.2.1"], None),
        (&[], Some("http://192.0.2.1")),
    ] {
        let done = call_with(arguments, |command| {
            command.envs(variable.map(|url| ("AWS_ENDPOINT_URL", url)));
        });
        assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(done.stderr.contains("nothing was sent. It needs --yes on the command line. To stay"), "{}", done.stderr);
    }
}

/// Exactly one request goes out, whatever comes back; each ending has its exit code and its words.
#[test]
fn endings() {
    const JSON: &str = "application/x-amz-json-1.1";
    let throttle = r#"{"__type":"ProvisionedThroughputExceededException","Message":"Provisioned Rate exceeded."}"#;
    let of = "when calling the CreateFaceLivenessSession operation";
    let rows = [
        (Say::Answer(200, JSON, r#"{"SessionId":"{uuid}","Extra":1}"#), Some(0), String::new()),
        (
            Say::Answer(400, JSON, throttle),
            Some(1),
            format!("\nAn error occurred (ProvisionedThroughputExceededException) {of}: Provisioned Rate exceeded.\n"),
        ),
        (Say::Answer(503, "text/html", "<html>busy"), Some(1), format!("\nAn error occurred (503) {of}: Service Unavailable\n")),
        (Say::Answer(500, JSON, ""), Some(1), format!("\nAn error occurred (500) {of}: Internal Server Error\n")),
        (Say::Answer(200, JSON, "{nope"), Some(1), "answered 200 without a session id".to_owned()),
        (Say::Answer(200, JSON, r#"{"SessionId":"X"}"#), Some(1), "answered 200 without a session id".to_owned()),
        (
            Say::Close,
            Some(2),
            "\nConnection was closed before we received a valid response from endpoint URL: \"http://".to_owned(),
        ),
        (Say::Nothing, Some(2), "\nRead timeout on endpoint URL: \"http://".to_owned()),
    ];
    for (say, code, words) in rows {
        let server = Server::start(say);
        let done = call(&["--endpoint-url", &server.endpoint(), "--cli-read-timeout", "1"]);
        assert_eq!(done.code, code, "{words}: {}", done.stderr);
        assert!(done.stderr.contains(&words), "{words}: {}", done.stderr);
        assert_eq!(server.requests().len(), 1, "{words}");
    }
    let done = call(&["--endpoint-url", "http://127.0.0.1:1"]);
    assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""));
    assert!(done.stderr.starts_with("\nCould not connect to the endpoint URL: \"http://127.0.0.1:1/\" ("), "{}", done.stderr);
}

/// What the model's maxima and patterns forbid is sent, and the service refuses it.
#[test]
fn the_service_refuses() {
    let emulator = Emulate::start(&[]);
    for arguments in
        [["--client-request-token", "not a token"], ["--kms-key-id", "/"], ["--settings", "OutputConfig={S3Bucket=a b c}"]]
    {
        let done = call(&[&["--endpoint-url", emulator.endpoint.as_str()], &arguments[..]].concat());
        assert_eq!((done.code, done.stdout.as_str()), (Some(1), ""), "{}", done.stderr);
        assert!(done.stderr.starts_with("\nAn error occurred ("), "{}", done.stderr);
    }
}

/// What makes no sense is refused with all its problems, and nothing is sent.
#[test]
fn refusals_send_nothing() {
    let server = Server::start(Say::Close);
    let rows: [(&[&str], &str); 9] = [
        (
            &["--settings", "OutputConfig={},AuditImagesLimit=-1"],
            "Settings.OutputConfig: \"S3Bucket\"\nInvalid value for parameter",
        ),
        (&["--settings", "AuditImagesLimit=9999999999"], "livebench sends 32-bit numbers only"),
        (&["--cli-input-json", "{\"Setings\":{}}"], "Unknown parameter in input: \"Setings\""),
        (&["--query", "[["], "Bad value for --query [["),
        (&["--output", "yaml"], "invalid value 'yaml'"),
        (&["--profile", "nobody"], "the profile `nobody` is not in"),
        (&["--kms-key-id", "file:///nowhere"], "Unable to load paramfile file:///nowhere"),
        (&["--kms-key-id"], "a value is required"),
        (&["stray"], "unexpected argument 'stray'"),
    ];
    for (arguments, words) in rows {
        let done = call(&[&["--endpoint-url", &server.endpoint()], arguments].concat());
        assert_eq!((done.code, done.stdout.as_str()), (Some(2), ""), "{arguments:?} {}", done.stderr);
        assert!(done.stderr.contains(words), "{words}: {}", done.stderr);
    }
    assert_eq!(server.connections(), 0);
}

/// Skeletons go to stdout and nothing goes anywhere else; that of the output needs a sound input and obeys the form.
#[test]
fn skeletons() {
    let input = call(&["--generate-cli-skeleton", "--target", "aws"]);
    assert_eq!((input.code, input.stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!(input.stdout, @r#"
    {
        "KmsKeyId": "",
        "Settings": {
            "OutputConfig": {
                "S3Bucket": "",
                "S3KeyPrefix": ""
            },
            "AuditImagesLimit": 0,
            "ChallengePreferences": [
                {
                    "Type": "FaceMovementAndLightChallenge",
                    "Versions": {
                        "Minimum": "",
                        "Maximum": ""
                    }
                }
            ]
        },
        "ClientRequestToken": ""
    }
    "#);
    assert_eq!(call(&["--generate-cli-skeleton", "input"]).stdout, input.stdout);
    let output = call(&["--generate-cli-skeleton", "output"]);
    assert_eq!((output.code, output.stdout.as_str()), (Some(0), "{\n    \"SessionId\": \"SessionId\"\n}\n"));
    assert_eq!(call(&["--generate-cli-skeleton", "output", "--output", "text"]).stdout, "SessionId\n");
    assert_eq!(call(&["--generate-cli-skeleton", "output", "--kms-key-id", ""]).code, Some(2));
}

/// `--debug` shows both messages on stderr and no secret; stdout stays data.
#[test]
fn debug_shows_the_wire() {
    let emulator = Emulate::start(&[]);
    let arguments = ["--debug", "--endpoint-url", &emulator.endpoint, "--client-request-token", "t", "--query", "SessionId"];
    let done = call_with(&arguments, |command| {
        let keys = [("ACCESS_KEY_ID", "AKIDEXAMPLE123"), ("SECRET_ACCESS_KEY", "topsecret"), ("SESSION_TOKEN", "sessionsecret")];
        command.envs(keys.map(|(name, value)| (format!("AWS_{name}"), value)));
    });
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let id: String = serde_json::from_str(&done.stdout).unwrap();
    for line in [
        "> POST / HTTP/1.1",
        "> x-amz-target: RekognitionService.CreateFaceLivenessSession",
        "> x-amz-security-token: ****",
        "> amz-sdk-request: attempt=1; max=1",
        &format!("> host: {}", emulator.endpoint.strip_prefix("http://").unwrap()),
        "> {\"ClientRequestToken\":\"t\"}",
        "< HTTP/1.1 200 OK",
        "< content-type: application/x-amz-json-1.1",
        &format!("< {{\"SessionId\":\"{id}\"}}"),
    ] {
        assert!(done.stderr.lines().any(|l| l == line), "{line} is not in {}", done.stderr);
    }
    assert!(done.stderr.contains("> authorization: AWS4-HMAC-SHA256 Credential=AKID****/"), "{}", done.stderr);
    for secret in ["AKIDEXAMPLE123", "topsecret", "sessionsecret"] {
        assert!(!done.stderr.contains(secret), "{secret} is in {}", done.stderr);
    }
    let signature = done.stderr.split("Signature=").nth(1).unwrap();
    assert!(signature.starts_with("****"), "{signature}");
}

/// Without --no-sign-request the call is signed, with it it is not; region and key of the profile count.
#[test]
fn connection_options() {
    let server = Server::start(Say::Answer(200, "application/x-amz-json-1.1", r#"{"SessionId":"{uuid}"}"#));
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("config");
    let mut file = std::fs::File::create(&config).unwrap();
    write!(
        file,
        "[profile p]\nregion = eu-west-1\noutput = text\nendpoint_url = {}\naws_access_key_id = AKIDP\naws_secret_access_key = s\n",
        server.endpoint()
    )
    .unwrap();
    let with = |more: &[&str]| {
        call_with(&[&["--profile", "p"], more].concat(), |command| {
            command.env("AWS_CONFIG_FILE", &config);
        })
    };
    let signed = with(&[]);
    assert_eq!((signed.code, signed.stdout.as_str()), (Some(0), "00000000-0000-4000-8000-000000000001\n"));
    assert_eq!(signed.stderr, format!("target   {} (from the profile), region eu-west-1\n", server.endpoint()));
    assert_eq!(with(&["--output", "json", "--no-sign-request", "--region", "us-east-1"]).code, Some(0));
    let requests = server.requests();
    assert!(requests[0].contains("credential=akidp/") && requests[0].contains("/eu-west-1/rekognition/aws4_request"));
    assert!(!requests[1].contains("authorization"));
}

/// A reader that has seen enough is no failure.
#[test]
fn closed_stdout() {
    let mut child =
        livebench().args(["call", "--generate-cli-skeleton"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
