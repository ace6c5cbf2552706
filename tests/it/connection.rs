//! The connection options, each against a server on this machine, and the guard before everything that is not on it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::{Emulate, Run, Say, Server, few_calls, livebench};

const SESSION: Say = Say::Answer(200, "application/x-amz-json-1.1", r#"{"SessionId":"{uuid}"}"#);

fn only(outcome: &str, calls: usize) -> BTreeMap<String, usize> {
    BTreeMap::from([(outcome.to_owned(), calls)])
}

/// `--endpoint-url` is obeyed and said.
#[test]
fn endpoint_by_flag() {
    let emulator = Emulate::start(&[]);
    let (run, _work) = Run::of(&few_calls(5), &["--endpoint-url", &emulator.endpoint], |_| {});
    assert_eq!(run.outcomes(), only("ok", 5));
    assert!(run.stderr.contains(&format!("{} (from --endpoint-url)", emulator.endpoint)), "{}", run.stderr);
}

/// An endpoint that the environment names is used, and it says so; the service's own variable wins.
#[test]
fn endpoint_by_environment() {
    let server = Server::start(SESSION);
    for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_REKOGNITION"] {
        let before = server.requests().len();
        let (run, _work) = Run::of(&few_calls(3), &[], |command| {
            command.env(
                "AWS_ENDPOINT_URL",
                if name == "AWS_ENDPOINT_URL" { server.endpoint() } else { "http://127.0.0.1:1".to_owned() },
            );
            command.env(name, server.endpoint());
        });
        assert_eq!(run.outcomes(), only("ok", 3));
        assert_eq!(server.requests().len() - before, 3);
        assert!(run.stderr.contains(&format!("(from {name})")), "{}", run.stderr);
    }
}

/// With `--target emulator` an inherited endpoint redirects nothing, and it is said that it is ignored.
#[test]
fn environment_does_not_redirect_the_emulator() {
    let server = Server::start(SESSION);
    let (run, _work) = Run::of(&few_calls(3), &["--target", "emulator"], |command| {
        command.env("AWS_ENDPOINT_URL", server.endpoint());
    });
    assert_eq!(run.outcomes(), only("ok", 3));
    assert_eq!(server.connections(), 0);
    assert!(run.stderr.contains("AWS_ENDPOINT_URL is set and ignored"), "{}", run.stderr);
}

/// A profile brings endpoint, region and keys; a profile that does not exist is named.
#[test]
fn profiles_are_read() {
    let server = Server::start(SESSION);
    let files = tempfile::tempdir().unwrap();
    let config = files.path().join("config");
    let text = format!(
        "[profile bench]\nregion = eu-west-1\nendpoint_url = {}\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = secret\n",
        server.endpoint()
    );
    std::fs::write(&config, text).unwrap();
    let with_config = |command: &mut std::process::Command| {
        command.env("AWS_CONFIG_FILE", &config);
    };
    let (run, _work) = Run::of(&few_calls(2), &["--profile", "bench"], with_config);
    assert_eq!(run.outcomes(), only("ok", 2), "{}", run.stderr);
    assert!(run.stderr.contains("(from the profile), region eu-west-1"), "{}", run.stderr);
    assert!(server.requests()[0].contains("credential=akidprofile/"), "{}", server.requests()[0]);
    assert!(server.requests()[0].contains("/eu-west-1/rekognition/aws4_request"));

    let (run, _work) = Run::of(&few_calls(2), &["--profile", "nobody"], with_config);
    assert_eq!((run.code, run.dir), (Some(2), None));
    assert!(run.stderr.contains("the profile `nobody` is not in"), "{}", run.stderr);
}

/// `--region` decides what calls are signed for; a region without Face Liveness denies access.
#[test]
fn region_by_flag() {
    let (run, _work) = Run::of(&few_calls(3), &["--region", "eu-central-1"], |_| {});
    assert_eq!(run.outcomes(), only("access_denied", 3));
    assert!(run.samples().iter().all(|row| row["status"] == "400" && row["exception"] == "AccessDeniedException"));
}

/// `--no-sign-request` sends neither signature nor date.
#[test]
fn unsigned_requests() {
    let server = Server::start(SESSION);
    let endpoint = server.endpoint();
    let (run, _work) = Run::of(&few_calls(2), &["--no-sign-request", "--endpoint-url", &endpoint], |_| {});
    assert_eq!(run.outcomes(), only("ok", 2));
    assert!(server.requests().iter().all(|head| !head.contains("authorization:") && !head.contains("x-amz-date:")));
}

struct Pki {
    _files: tempfile::TempDir,
    ca: PathBuf,
    cert: PathBuf,
    key: PathBuf,
}

/// A private CA and a server's certificate for 127.0.0.1.
fn pki() -> Pki {
    let files = tempfile::tempdir().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let ca_pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let server = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let write = |name: &str, text: String| {
        let path = files.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (ca, cert, key) = (write("ca.pem", ca_pem), write("cert.pem", server.pem()), write("key.pem", key.serialize_pem()));
    Pki { _files: files, ca, cert, key }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// TLS: the private CA must be given (by flag or `AWS_CA_BUNDLE`) or verification switched off; otherwise nothing is believed.
#[test]
fn tls_trust() {
    let pki = pki();
    let emulator = Emulate::start(&["--tls-cert", text(&pki.cert), "--tls-key", text(&pki.key)]);
    assert!(emulator.endpoint.starts_with("https://"), "{}", emulator.endpoint);
    let call = |arguments: &[&str], bundle: Option<&Path>| {
        let all = [&["--endpoint-url", emulator.endpoint.as_str()], arguments].concat();
        let (run, _work) = Run::of(&few_calls(2), &all, |command| {
            if let Some(bundle) = bundle {
                command.env("AWS_CA_BUNDLE", bundle);
            }
        });
        run.outcomes()
    };
    assert_eq!(call(&["--ca-bundle", text(&pki.ca)], None), only("ok", 2));
    assert_eq!(call(&[], Some(&pki.ca)), only("ok", 2));
    assert_eq!(call(&["--no-verify-ssl"], None), only("ok", 2));
    assert_eq!(call(&["--ca-bundle", text(&pki.cert)], None), only("other_transport", 2));
}

/// A bundle that holds nothing to trust is one clear message, before anything is sent or written.
#[test]
fn bad_bundle() {
    for bundle in ["/nonexistent.pem", "Cargo.toml"] {
        let (run, _work) = Run::of(&few_calls(2), &["--endpoint-url", "https://127.0.0.1:1", "--ca-bundle", bundle], |_| {});
        assert_eq!((run.code, run.dir), (Some(2), None));
        assert!(run.stderr.contains(&format!("cannot read the CA bundle {bundle}")), "{}", run.stderr);
    }
}

/// An answer that does not come in time is a read timeout, and the call is not repeated.
#[test]
fn read_timeout() {
    let server = Server::start(Say::Nothing);
    let (run, _work) = Run::of(&few_calls(2), &["--cli-read-timeout", "1", "--endpoint-url", &server.endpoint()], |_| {});
    assert_eq!(run.outcomes(), only("read_timeout", 2));
    assert_eq!(server.requests().len(), 2);
}

/// A connection that is not made in time is a connect timeout. The server's queue of connections is full and it accepts none.
#[test]
fn connect_timeout() {
    use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};
    let listener = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&listener, &std::net::SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    listen(&listener, 0).unwrap();
    let address = std::net::SocketAddr::try_from(getsockname(&listener).unwrap()).unwrap();
    let full = std::time::Duration::from_millis(300);
    let queued: Vec<_> = std::iter::from_fn(|| std::net::TcpStream::connect_timeout(&address, full).ok()).take(64).collect();
    assert!(queued.len() < 64, "the queue of connections does not fill");
    let endpoint = format!("http://{address}");
    let (run, _work) = Run::of(&few_calls(2), &["--cli-connect-timeout", "1", "--endpoint-url", &endpoint], |_| {});
    assert_eq!(run.outcomes(), only("connect_timeout", 2));
}

/// A refused connection is another failure than a lost one, and its cause is kept.
#[test]
fn refused_and_lost() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (run, _work) = Run::of(&few_calls(2), &["--endpoint-url", &format!("http://{free}")], |_| {});
    assert_eq!(run.outcomes(), only("other_transport", 2));
    assert!(run.samples()[0]["exception"].contains("refused"), "{:?}", run.samples()[0]);

    let server = Server::start(Say::Close);
    let (run, _work) = Run::of(&few_calls(2), &["--endpoint-url", &server.endpoint()], |_| {});
    assert_eq!(run.outcomes(), only("connection_lost", 2));
    assert_eq!(server.requests().len(), 2, "a lost call is not sent again");
}

/// Ten calls, one after the other.
const ONE_WORKER: &str =
    "name = \"one\"\n[load]\nmodel = \"closed\"\nstages = [{ for = \"60s\", workers = 1 }]\n[budget]\nmax_calls = 10\n";

/// One call is one request whatever is answered, connections are kept, and (exception, status) decides the outcome.
#[test]
fn one_request_a_call() {
    let json = "application/x-amz-json-1.1";
    let cases = [
        (Say::Answer(500, json, r#"{"__type":"InternalServerError","Message":"x"}"#), "internal_error"),
        (Say::Answer(503, "text/html", "<html>"), "unmodelled"),
        (Say::Answer(400, json, r#"{"__type":"ThrottlingException","Message":"x"}"#), "throttled_ramp"),
        (Say::Answer(500, json, r#"{"__type":"ThrottlingException","Message":"x"}"#), "throttled_service"),
        (
            Say::Answer(400, json, r#"{"__type":"com.amazonaws.rekognition#ProvisionedThroughputExceededException"}"#),
            "throttled_quota",
        ),
        (Say::Answer(400, json, r#"{"__type":"ValidationException","message":"x"}"#), "validation"),
        (Say::Answer(400, json, r#"{"__type":"InvalidParameterException","Message":"x"}"#), "invalid_parameter"),
        (Say::Answer(400, json, r#"{"__type":"AccessDeniedException"}"#), "access_denied"),
        (Say::Answer(400, json, r#"{"__type":"UnrecognizedClientException","message":"x"}"#), "unmodelled"),
        (Say::Answer(200, json, "{}"), "malformed_success"),
        (Say::Answer(200, json, ""), "malformed_success"),
        (Say::Answer(200, json, "{nope"), "malformed_success"),
        (Say::Answer(200, json, r#"{"SessionId":"0F2E9B1C-1111-4222-8333-44445555AAAA"}"#), "malformed_success"),
        (SESSION, "ok"),
    ];
    for (say, outcome) in cases {
        let server = Server::start(say);
        let (run, _work) = Run::of(ONE_WORKER, &["--endpoint-url", &server.endpoint()], |_| {});
        assert_eq!(run.outcomes(), only(outcome, 10), "{}", run.stderr);
        assert_eq!(server.requests().len(), 10, "{outcome}");
        assert_eq!(server.connections(), 1, "{outcome}");
        assert!(run.samples().iter().all(|row| row["request_id"].starts_with("r-")), "{outcome}");
        assert!(
            server.requests().iter().all(|head| head.contains("amz-sdk-request: attempt=1; max=1")),
            "{}",
            server.requests()[0]
        );
    }
}

fn far_away(arguments: &[&str], adjust: impl FnOnce(&mut std::process::Command)) -> Run {
    let (run, _work) = Run::of(&few_calls(2), arguments, adjust);
    assert_eq!(run.code, Some(2), "{}", run.stderr);
    assert_eq!(run.dir, None, "a refused run leaves no directory");
    assert!(run.stderr.contains("nothing was sent"), "{}", run.stderr);
    run
}

/// Whatever chose an endpoint that is not this machine's, it is AWS: without --yes and both budgets nothing happens.
#[test]
fn the_guard_stands_before_far_endpoints() {
    let run = far_away(&["--endpoint-url", "http://10.255.255.1"], |_| {});
    for missing in ["--yes", "max_calls", "max_spend_usd", "--endpoint-url"] {
        assert!(run.stderr.contains(missing), "{missing}: {}", run.stderr);
    }
    let run = far_away(&["--yes"], |command| {
        command.env("AWS_ENDPOINT_URL", "https://livebench.invalid");
    });
    assert!(run.stderr.contains("AWS_ENDPOINT_URL") && !run.stderr.contains("--yes on"), "{}", run.stderr);
    let files = tempfile::tempdir().unwrap();
    let config = files.path().join("config");
    std::fs::write(&config, "[profile far]\nregion = us-east-1\nendpoint_url = https://livebench.invalid\n").unwrap();
    let run = far_away(&["--profile", "far"], |command| {
        command.env("AWS_CONFIG_FILE", &config);
    });
    assert!(run.stderr.contains("the profile"), "{}", run.stderr);
    far_away(&["--target", "aws", "--region", "us-east-1"], |_| {});
    far_away(&["--target", "emulator", "--endpoint-url", "http://192.0.2.1"], |_| {});
}

/// `--target aws` with everything it asks for, against this machine: it says what it may cost and stops at its budget.
#[test]
fn target_aws_keeps_its_budget() {
    let emulator = Emulate::start(&[]);
    let aws = ["--target", "aws", "--yes", "--region", "us-east-1", "--endpoint-url", &emulator.endpoint];
    let budget =
        |calls: u32, dollars: f64| format!("{}[budget]\nmax_calls = {calls}\nmax_spend_usd = {dollars:?}\n", few_calls(20));
    for (scenario, sent, said, stop) in [
        (budget(7, 9.0), 7, "up to 7 calls, $0.11 at worst", "budget_calls"),
        (budget(100, 0.06), 4, "up to 4 calls, $0.06 at worst", "budget_spend"),
    ] {
        let (run, _work) = Run::of(&scenario, &aws, |_| {});
        assert_eq!(run.outcomes(), only("ok", sent), "{}", run.stderr);
        assert!(run.stderr.contains(said), "{}", run.stderr);
        assert_eq!(run.summary()["stop"], stop);
    }
    let (run, _work) = Run::of(&few_calls(20), &aws, |_| {});
    assert_eq!((run.code, run.dir), (Some(2), None), "no budget, no run");
}

/// `--target aws` stops on the first denied call and names an unsupported region as the likely cause.
#[test]
fn target_aws_stops_when_denied() {
    let emulator = Emulate::start(&[]);
    let scenario = format!("{}[budget]\nmax_calls = 100\nmax_spend_usd = 9.0\n", few_calls(100));
    let arguments = ["--target", "aws", "--yes", "--region", "eu-central-1", "--endpoint-url", &emulator.endpoint];
    let (run, _work) = Run::of(&scenario, &arguments, |_| {});
    assert!(run.outcomes()["access_denied"] < 20, "{:?}", run.outcomes());
    assert_eq!(run.summary()["stop"], "access_denied");
    assert!(run.stderr.contains("eu-central-1 is not among the regions with Face Liveness"), "{}", run.stderr);
}

/// The account is asked of STS where an endpoint for it is configured, and printed before the first call.
#[test]
fn the_account_is_printed() {
    let emulator = Emulate::start(&[]);
    let answer = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
    let sts = Server::start(Say::Answer(200, "text/xml", answer));
    let scenario = format!("{}[budget]\nmax_calls = 2\nmax_spend_usd = 9.0\n", few_calls(2));
    let arguments = ["--target", "aws", "--yes", "--region", "us-east-1", "--endpoint-url", &emulator.endpoint];
    let (run, _work) = Run::of(&scenario, &arguments, |command| {
        command.env("AWS_ENDPOINT_URL_STS", sts.endpoint());
    });
    assert!(run.stderr.contains("account  123456789012"), "{}", run.stderr);
}

/// No credential reaches a file or a line, not even with --debug.
#[test]
fn secrets_stay_secret() {
    let server = Server::start(SESSION);
    let (run, _work) = Run::of(&few_calls(2), &["--debug", "--endpoint-url", &server.endpoint()], |command| {
        command.env("AWS_ACCESS_KEY_ID", "AKIDSECRETTEST");
        command.env("AWS_SECRET_ACCESS_KEY", "veryverysecretkey").env("AWS_SESSION_TOKEN", "veryverysecrettoken");
    });
    assert_eq!(run.outcomes(), only("ok", 2));
    assert!(server.requests()[0].contains("x-amz-security-token: veryverysecrettoken"), "the token was used");
    let mut seen = format!("{}{}", run.stdout, run.stderr);
    for entry in std::fs::read_dir(run.dir.unwrap()).unwrap() {
        seen += &String::from_utf8_lossy(&std::fs::read(entry.unwrap().path()).unwrap());
    }
    assert!(seen.contains("rekognition"), "--debug says something");
    assert!(!seen.contains("veryverysecret"), "a secret was printed");
}

/// Wrong URLs are one clear message.
#[test]
fn wrong_urls() {
    for url in ["127.0.0.1:80", "ftp://127.0.0.1", "http://127.0.0.1/path", "http://u:p@127.0.0.1"] {
        let output = livebench().args(["run", "scenarios/smoke.toml", "--endpoint-url", url]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(stderr.contains("is not an endpoint"), "{stderr}");
    }
}
