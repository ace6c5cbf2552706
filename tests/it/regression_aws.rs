//! What public reports on AWS clients and load testers showed, tried on livebench: each test names its report, and holds the right value
//! for its input and for others of the same kind.

use std::process::{Command, Output};

use crate::support::{Emulate, Run, Say, Server, few_calls, livebench};

const SESSION: Say = Say::Answer(200, "application/x-amz-json-1.1", r#"{"SessionId":"{uuid}"}"#);

/// `livebench call` with these arguments and variables: exit code and stderr.
fn call(arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = livebench();
    command.arg("call").args(arguments).envs(variables.iter().copied());
    ended(&mut command)
}

fn ended(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command.output().unwrap();
    let said = String::from_utf8_lossy(&stderr).into_owned();
    assert!(!said.contains("panicked"), "{said}");
    (status.code(), said)
}

/// A folder with these files of AWS settings, and the variables that name them.
struct Files {
    folder: tempfile::TempDir,
    config: String,
    credentials: String,
}

impl Files {
    fn new(config: impl AsRef<[u8]>, credentials: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (config, credentials) = (write("config", config.as_ref()), write("credentials", credentials.as_ref()));
        Self { folder, config, credentials }
    }

    fn variables<'a>(&'a self, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        [&[("AWS_CONFIG_FILE", &*self.config), ("AWS_SHARED_CREDENTIALS_FILE", &*self.credentials)], more].concat()
    }
}

/// smithy-rs#741: settings of retries that the SDK does not know made it panic. They are off whatever is set, and nobody reads them.
#[test]
fn settings_of_retries_are_not_read() {
    let server = Server::start(SESSION);
    let endpoint = server.endpoint();
    for (name, value) in
        [("AWS_RETRY_MODE", "legacy"), ("AWS_RETRY_MODE", "nonsense"), ("AWS_MAX_ATTEMPTS", "many"), ("AWS_MAX_ATTEMPTS", "0")]
    {
        assert_eq!(call(&[], &[(name, value)]).0, Some(0), "embedded, {name}={value}");
        assert_eq!(call(&["--endpoint-url", &endpoint], &[(name, value)]).0, Some(0), "{name}={value}");
    }
    let files = Files::new("[default]\nretry_mode = legacy\nmax_attempts = many\n", "");
    assert_eq!(call(&["--endpoint-url", &endpoint], &files.variables(&[])).0, Some(0));
    let (run, _work) = Run::of(&few_calls(2), &[], |command| {
        command.env("AWS_RETRY_MODE", "legacy");
    });
    assert_eq!(run.outcomes()["ok"], 2, "{}", run.stderr);
}

/// autocannon#213: a port that cannot be parsed fell back to another. What is no endpoint is refused, and the part is named.
#[test]
fn ports_are_parsed() {
    for (url, named) in [
        ("http://127.0.0.1:99999", "99999"),
        ("http://127.0.0.1:65536", "65536"),
        ("http://127.0.0.1:0", "`0`"),
        ("http://127.0.0.1:http", "http"),
        ("http://[::1]:99999", "99999"),
        ("http://127.0.0.1#@evil.example", "#"),
        ("http://127.0.0.1\\@evil.example", "URL"),
        ("http://127.0.0.1:80 ", "blank"),
    ] {
        for (arguments, variables) in [
            (vec!["--endpoint-url", url], vec![]),
            (vec![], vec![("AWS_ENDPOINT_URL", url)]),
            (vec![], vec![("AWS_ENDPOINT_URL_REKOGNITION", url)]),
        ] {
            let (code, said) = call(&arguments, &variables);
            assert_eq!(code, Some(2), "{url}: {said}");
            assert!(said.contains("is not an endpoint") && said.contains(named), "{url}: {said}");
        }
        let (run, _work) = Run::of(&few_calls(2), &["--endpoint-url", url], |_| {});
        assert_eq!((run.code, run.dir), (Some(2), None), "{url}");
    }
}

/// aws-sdk-java-v2#5622: FIPS and dual stack are the region's; the AWS CLI calls the named endpoint all the same, and so do we.
#[test]
fn named_endpoints_ask_for_no_variant() {
    let server = Server::start(SESSION);
    let endpoint = server.endpoint();
    for (name, value) in [
        ("AWS_USE_FIPS_ENDPOINT", "true"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "true"),
        ("AWS_USE_FIPS_ENDPOINT", "perhaps"),
        ("AWS_REGION", "fips-us-east-1"),
    ] {
        assert_eq!(call(&[], &[(name, value)]).0, Some(0), "embedded, {name}={value}");
        assert_eq!(call(&["--endpoint-url", &endpoint], &[(name, value)]).0, Some(0), "{name}={value}");
    }
    assert!(server.requests().iter().all(|head| head.contains("/us-east-1/rekognition/")), "{:?}", server.requests());
    // The region's own endpoint has variants, and what is neither true nor false is named.
    let far = |variables: &[(&str, &str)]| call(&["--target", "aws", "--region", "us-east-1"], variables);
    assert!(far(&[("AWS_USE_FIPS_ENDPOINT", "true")]).1.contains("https://rekognition-fips.us-east-1.amazonaws.com"));
    assert!(far(&[("AWS_USE_DUALSTACK_ENDPOINT", "TRUE")]).1.contains("https://rekognition.us-east-1.api.aws"));
    let (code, said) = far(&[("AWS_USE_FIPS_ENDPOINT", "perhaps")]);
    assert!(code == Some(2) && said.contains("AWS_USE_FIPS_ENDPOINT is \"perhaps\""), "{said}");
}

/// Trial of 0.1.0: a probe of a port on which nobody listens spent its 600 calls and found that there is no limit.
#[test]
fn a_probe_that_nobody_answers_stops() {
    let out = tempfile::tempdir().unwrap();
    let probe = |endpoint: &str, more: &[&str]| {
        let mut command = livebench();
        command.args(["probe", "--endpoint-url", endpoint, "--region", "us-east-1", "--out", out.path().to_str().unwrap()]);
        command.args(more).output().unwrap()
    };
    let closed = probe("http://127.0.0.1:1", &[]);
    let said = String::from_utf8_lossy(&closed.stderr).into_owned();
    assert_eq!(closed.status.code(), Some(3), "{said}");
    assert!(said.contains("nothing was answered") && said.contains("refused"), "{said}");
    assert!(!String::from_utf8_lossy(&closed.stdout).contains("there is no limit"));
    for say in [
        Say::Close,
        Say::Answer(404, "text/html", "<html>"),
        Say::Answer(400, "application/x-amz-json-1.1", r#"{"__type":"UnrecognizedClientException"}"#),
    ] {
        let server = Server::start(say);
        let stopped = probe(&server.endpoint(), &["--output", "json"]);
        assert_eq!(stopped.status.code(), Some(3));
        let finding: serde_json::Value = serde_json::from_slice(&stopped.stdout).unwrap();
        assert_eq!((&finding["stop"], &finding["kind"]), (&"unanswered".into(), &"inconclusive".into()));
        assert!(server.requests().len() < 50, "{} calls", server.requests().len());
    }
}

/// Trial of 0.1.0: 50 of 50 calls were sent with a key that nobody has. Every answer that refuses the caller stops a run on AWS.
#[test]
fn refused_callers_stop_a_run() {
    let scenario = format!("{}[budget]\nmax_calls = 100\nmax_spend_usd = 9.0\n", few_calls(100));
    for body in [
        r#"{"__type":"UnrecognizedClientException","message":"x"}"#,
        r#"{"__type":"InvalidSignatureException","message":"x"}"#,
        r#"{"__type":"ExpiredTokenException","message":"x"}"#,
        r#"{"__type":"com.amazon.coral.service#MissingAuthenticationTokenException"}"#,
    ] {
        let server = Server::start(Say::Answer(400, "application/x-amz-json-1.1", body));
        for transport in ["sdk", "wire"] {
            let scenario = scenario.replace("[load]\n", &format!("[load]\ntransport = \"{transport}\"\n"));
            let arguments = ["--target", "aws", "--yes", "--region", "us-east-1", "--endpoint-url", &server.endpoint()];
            let (run, _work) = Run::of(&scenario, &arguments, |_| {});
            assert!(run.outcomes()["unmodelled"] < 20, "{body}: {:?}", run.outcomes());
            assert_eq!(run.summary()["stop"], "access_denied", "{body}");
        }
    }
}

/// botocore#2001: a line end in a key reached the header. It is one sentence about the key, before anything is sent.
#[test]
fn keys_are_checked_before_use() {
    let server = Server::start(SESSION);
    let pair = |id, secret, token| [("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", secret), ("AWS_SESSION_TOKEN", token)];
    for (variables, named) in [
        (pair("AKID\n", "secret", ""), "access key id"),
        (pair("AKID", "secret\r", ""), "secret access key"),
        (pair("AKID", "secret", "tok en"), "session token"),
        (pair("AKÏD", "secret", ""), "access key id"),
        (pair("AKID\u{7f}", "secret", ""), "access key id"),
        (pair("AKID", "", ""), "without its secret"),
    ] {
        for arguments in [vec![], vec!["--endpoint-url", &*server.endpoint()]] {
            let (code, said) = call(&arguments, &variables);
            assert!(code == Some(2) && said.contains(named), "{variables:?}: {said}");
            assert!(!said.contains("AKID") && said.lines().count() <= 2, "{said}");
        }
        let (run, _work) = Run::of(&few_calls(2), &[], |command| {
            command.envs(variables);
        });
        assert_eq!((run.code, run.dir), (Some(2), None), "{}", run.stderr);
    }
    assert_eq!(server.connections(), 0);
}

/// aws-sdk-rust#238: certificates were loaded where there is no TLS.
#[test]
fn trust_is_for_https() {
    let server = Server::start(SESSION);
    let stale = "/nonexistent/ca.pem";
    let files = Files::new(format!("[default]\nca_bundle = {stale}\n"), "");
    assert_eq!(call(&[], &[("AWS_CA_BUNDLE", stale)]).0, Some(0));
    assert_eq!(call(&["--endpoint-url", &server.endpoint()], &[("AWS_CA_BUNDLE", stale)]).0, Some(0));
    assert_eq!(call(&["--endpoint-url", &server.endpoint()], &files.variables(&[])).0, Some(0));
    for (variables, said_by) in [
        (vec![("AWS_CA_BUNDLE", stale)], "AWS_CA_BUNDLE"),
        (files.variables(&[]), "`ca_bundle` in the profile"),
        (vec![("REQUESTS_CA_BUNDLE", stale)], "REQUESTS_CA_BUNDLE"),
    ] {
        let (code, said) = call(&["--endpoint-url", "https://127.0.0.1:1"], &variables);
        assert!(code == Some(2) && said.contains(stale) && said.contains(said_by), "{said}");
    }
}

/// Trial of 0.1.0: a file or profile that could not be read counted as empty, and made-up keys or the embedded emulator stood in for it.
#[test]
fn what_cannot_be_read_is_refused() {
    let server = Server::start(SESSION);
    let endpoint = server.endpoint();
    let refused = |files: &Files, variables: &[(&str, &str)], named: &[&str]| {
        for arguments in [vec![], vec!["--endpoint-url", &*endpoint]] {
            let mut command = livebench();
            command.arg("call").args(&arguments).envs(files.variables(&[]));
            let (code, said) = ended(command.envs(variables.iter().copied()));
            // A named endpoint has no use for the sections of services.
            if named.contains(&"[services x]") && !arguments.is_empty() {
                assert_eq!(code, Some(0), "{said}");
            } else {
                assert!(code == Some(2) && named.iter().all(|named| said.contains(named)), "{named:?}: {said}");
            }
        }
    };
    let none = Files::new("", "");
    for name in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
        refused(&none, &[(name, "ghost")], &["the profile `ghost` is not in", name]);
    }
    let keys = "[default]\naws_access_key_id = AKID\naws_secret_access_key = secret\n";
    refused(&Files::new("", [keys.as_bytes(), b"# caf\xe9\n"].concat()), &[], &["credentials", "line 4", "UTF-8"]);
    refused(&Files::new(b"[default]\nregion = \xff\n", keys), &[], &["config", "line 2", "UTF-8"]);
    refused(&Files::new("[default]\nregion\n", keys), &[], &["config", "line 2", "neither a section"]);
    refused(&Files::new("[default\n", keys), &[], &["line 1", "closing"]);
    refused(&Files::new("[default]\nservices = x\n", keys), &[], &["`services = x`", "[services x]"]);
    let folder = none.folder.path().to_str().unwrap();
    refused(&none, &[("AWS_SHARED_CREDENTIALS_FILE", folder)], &["cannot read the AWS configuration file", folder]);
}

/// Trial of 0.1.0: settings of a profile that the AWS CLI honours were passed over in silence.
#[test]
fn profiles_as_the_aws_cli_reads_them() {
    let server = Server::start(SESSION);
    let endpoint = server.endpoint();
    let quoted = format!(
        "[profile \"My MacBook Pro\"]\nregion = eu-west-1\nendpoint_url = {endpoint}\naws_access_key_id = AKIDMAC\naws_secret_access_key = s\n"
    );
    let handed = "[profile handed]\ncredential_process = /bin/false\n[profile role]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = handed\n";
    let files = Files::new(
        format!("{quoted}{handed}[profile far]\nservices = s\n[services s]\nrekognition =\n  endpoint_url = {endpoint}\n"),
        "",
    );
    for variables in [[("AWS_PROFILE", "My MacBook Pro")], [("AWS_DEFAULT_PROFILE", "My MacBook Pro")]] {
        let (code, said) = call(&[], &files.variables(&variables));
        assert!(code == Some(0) && said.contains("(from the profile), region eu-west-1"), "{said}");
    }
    assert!(server.requests().iter().all(|head| head.contains("credential=akidmac/")), "{:?}", server.requests());
    for (profile, setting) in [("handed", "credential_process"), ("role", "role_arn")] {
        let (code, said) = call(&["--profile", profile, "--endpoint-url", &endpoint], &files.variables(&[]));
        assert!(code == Some(0) && said.contains(setting) && said.contains("made-up keys"), "{said}");
    }
    assert_eq!(call(&["--profile", "far"], &files.variables(&[])).0, Some(0), "the section of services names the endpoint");
}

/// Trial of 0.1.0: an empty variable counted as set, and the name of a region was not looked at.
#[test]
fn empty_is_unset_and_regions_are_checked() {
    let server = Server::start(SESSION);
    let endpoint = server.endpoint();
    for name in [
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_REKOGNITION",
        "AWS_REGION",
        "AWS_PROFILE",
        "AWS_CA_BUNDLE",
        "AWS_ACCESS_KEY_ID",
        "AWS_CONFIG_FILE",
    ] {
        assert_eq!(call(&[], &[(name, "")]).0, Some(0), "embedded, {name}");
        assert_eq!(call(&["--endpoint-url", &endpoint], &[(name, "")]).0, Some(0), "{name}");
    }
    for region in [" us-east-1", "us-east-1\n", "us_east_1", "-us-east-1", "12", "évry"] {
        for (arguments, variables) in [
            (vec!["--endpoint-url", &endpoint], vec![("AWS_REGION", region)]),
            (vec!["--endpoint-url", &endpoint], vec![("AWS_DEFAULT_REGION", region)]),
            (vec!["--target", "aws"], vec![("AWS_REGION", region)]),
            (vec![], vec![("AWS_REGION", region)]),
        ] {
            let (code, said) = call(&arguments, &variables);
            assert!(code == Some(2) && said.contains("is malformed") && said.contains(variables[0].0), "{region:?}: {said}");
        }
        let (code, said) = call(&["--endpoint-url", &endpoint, &format!("--region={region}")], &[]);
        assert!(code == Some(2) && said.contains("--region"), "{region:?}: {said}");
    }
}

/// Trial of 0.1.0: whoever asked first for credentials got the error, the second only "initialization error already taken".
#[test]
fn every_asker_hears_the_reason() {
    let files = Files::new("[profile role]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = nobody\n", "");
    let far = ["--target", "aws", "--yes", "--region", "us-east-1"];
    for (variables, named) in [(vec![("AWS_PROFILE", "ghost")], "`ghost`"), (vec![("AWS_PROFILE", "role")], "nobody")] {
        let (code, said) = call(&far, &files.variables(&variables));
        assert!(code == Some(2) && said.contains(named) && !said.contains("already taken"), "{said}");
    }
}

/// Trial of 0.1.0: the password of a URL stood in the message that refused it.
#[test]
fn passwords_are_masked() {
    for url in [
        "http://user:secret@127.0.0.1:1",
        "http://secret@127.0.0.1:99999",
        "user:secret@127.0.0.1",
        "http://127.0.0.1:1/?token=secret",
        "https://u:se:secret@h@127.0.0.1",
    ] {
        for (arguments, variables) in
            [(vec!["--debug", "--endpoint-url", url], vec![]), (vec!["--debug"], vec![("AWS_ENDPOINT_URL", url)])]
        {
            let (code, said) = call(&arguments, &variables);
            assert!(code == Some(2) && said.contains("is not an endpoint") && !said.contains("secret"), "{said}");
        }
    }
}

/// Trial of 0.1.0: after an answer that is no HTTP, `call` said that it could not connect, and nothing of a session that may exist.
#[test]
fn a_garbage_answer_is_no_failed_connection() {
    use std::io::{Read as _, Write as _};
    for garbage in ["garbage\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 abc\r\n\r\n"] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            stream.write_all(garbage.as_bytes()).unwrap();
        });
        let (code, said) = call(&["--endpoint-url", &endpoint], &[]);
        server.join().unwrap();
        assert!(
            code == Some(2) && !said.contains("Could not connect") && said.contains("A session may exist"),
            "{garbage:?}: {said}"
        );
    }
    let (code, said) = call(&["--endpoint-url", "http://127.0.0.1:1", "--debug"], &[]);
    assert!(code == Some(2) && said.contains("Could not connect") && !said.contains("A session may exist"), "{said}");
    assert!(said.contains("* because: ") && said.contains("refused"), "the causes stand below: {said}");
}

/// Trial of 0.1.0: a self-signed certificate was refused as its own bundle (`CaUsedAsEndEntity`), which Python and the AWS CLI accept.
#[test]
fn a_self_signed_certificate_is_its_own_bundle() {
    for (names, is_ca, code) in
        [(vec!["127.0.0.1"], true, 0), (vec!["127.0.0.1"], false, 0), (vec!["elsewhere.example"], true, 2)]
    {
        let folder = tempfile::tempdir().unwrap();
        let names = names.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let mut certificate = rcgen::CertificateParams::new(names).unwrap();
        if is_ca {
            certificate.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        }
        let key = rcgen::KeyPair::generate().unwrap();
        let write = |name: &str, text: String| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (cert, key) =
            (write("cert.pem", certificate.self_signed(&key).unwrap().pem()), write("key.pem", key.serialize_pem()));
        let emulator = Emulate::start(&["--tls-cert", &cert, "--tls-key", &key]);
        let by_flag = call(&["--endpoint-url", &emulator.endpoint, "--ca-bundle", &cert], &[]);
        assert_eq!(by_flag.0, Some(code), "{}", by_flag.1);
        assert_eq!(call(&["--endpoint-url", &emulator.endpoint], &[("AWS_CA_BUNDLE", &cert)]).0, Some(code));
        let (_, said) = call(&["--endpoint-url", &emulator.endpoint], &[]);
        assert!(said.contains("(invalid peer certificate: UnknownIssuer)"), "marked as an authority or not: {said}");
    }
}

/// jmespath.rs, and trials of 0.1.0: `--query` sorts no members, averages nothing to null and takes a literal that is no JSON for a text.
#[test]
fn queries_as_the_aws_cli_answers_them() {
    for (query, found) in [
        ("merge(`{\"z\": 1}`, {x: `1`})", r#"{"z":1,"x":1}"#),
        ("merge({z: `1`}, {a: `2`}, {z: `3`})", r#"{"z":3,"a":2}"#),
        ("keys({z: `1`, a: `2`})", r#"["z","a"]"#),
        ("values({z: `1`, a: `2`})", "[1,2]"),
        ("avg(`[]`)", "null"),
        ("avg(`[1, 2]`)", "1.5"),
        ("contains(['c'], `c`)", "true"),
        ("contains('abc', `c`)", "true"),
        ("`a b`", r#""a b""#),
    ] {
        let output = livebench().args(["call", "--query", query]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let told: String = text.split_whitespace().collect();
        assert_eq!(told, found.replace(' ', ""), "{query}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
