//! `livebench emulate` as a process: the ready line, the refusals, the log, the end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use assert_cmd::cargo::cargo_bin;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A server that ends with the test.
struct Server {
    child: Child,
    ready: Value,
}

impl Server {
    fn start(args: &[&str]) -> Self {
        let mut command = Command::new(cargo_bin!("livebench"));
        command.args(["emulate", "--listen", "127.0.0.1:0", "--output", "json"]).args(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { ready: serde_json::from_str(&line).unwrap(), child }
    }

    fn address(&self) -> &str {
        self.ready["endpoint"].as_str().unwrap().split_once("://").unwrap().1
    }

    fn create(&self, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        let target = "X-Amz-Target: RekognitionService.CreateFaceLivenessSession";
        let length = body.len();
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{target}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn terminate(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
    }

    /// Waits for its end: exit code and stderr.
    fn end(mut self) -> (Option<i32>, String) {
        let mut talk = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut talk).unwrap();
        (self.child.wait().unwrap().code(), talk)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ended already, in a test that went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn refused(args: &[&str]) -> String {
    let output = Command::new(cargo_bin!("livebench")).arg("emulate").args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{args:?}");
    assert!(output.stdout.is_empty(), "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// It says where it listens, answers, logs, and ends well when told to.
#[test]
fn serves_until_told() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("arrivals.jsonl");
    let server = Server::start(&["--log", log.to_str().unwrap()]);
    assert_eq!(server.ready["region"], "us-east-1");
    let answer = server.create(r#"{"ClientRequestToken":"a"}"#);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(server.create("{nope").starts_with("HTTP/1.1 400 "), "{answer}");
    server.terminate();
    assert_eq!(server.end(), (Some(0), String::new()));
    let lines: Vec<Value> =
        std::fs::read_to_string(&log).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((&lines[0]["verdict"], &lines[0]["token"]), (&"ok".into(), &"a".into()));
    assert_eq!((&lines[1]["verdict"], &lines[1]["status"]), (&"unmodelled".into(), &400.into()));
}

/// The settings of a file are those that are served, and a wrong file names all its problems.
#[test]
fn takes_settings() {
    let dir = tempfile::tempdir().unwrap();
    let (sound, wrong) = (dir.path().join("sound.toml"), dir.path().join("wrong.toml"));
    std::fs::write(&sound, "[emulator]\nregion = \"eu-west-1\"\nquota = { rate = 0.001, burst = 1 }\n").unwrap();
    std::fs::write(&wrong, "[emulator]\nquota = { rate = -1 }\ncolour = 1\n").unwrap();
    let server = Server::start(&["--config", sound.to_str().unwrap()]);
    assert_eq!((&server.ready["region"], &server.ready["quota"]), (&"eu-west-1".into(), &"0.001/s burst 1".into()));
    assert!(server.create("{}").starts_with("HTTP/1.1 200 "));
    assert!(server.create("{}").contains("ProvisionedThroughputExceededException"));
    server.terminate();
    assert_eq!(server.end().0, Some(0));
    let talk = refused(&["--listen", "127.0.0.1:0", "--config", wrong.to_str().unwrap()]);
    assert!(talk.contains("`rate` is out of range") && talk.contains("unknown key `colour`"), "{talk}");
}

/// A token leads to its session over a restart of the server, and the hidden retries of a client are told at its end.
#[test]
fn goes_on_from_its_state() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("state.json");
    let (mut answers, mut talks) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let server = Server::start(&["--state", state.to_str().unwrap()]);
        let answer = server.create(r#"{"ClientRequestToken":"a"}"#);
        answers.push(answer.split("\r\n\r\n").nth(1).unwrap().to_owned());
        for _ in 0..3 {
            let body = "{}";
            let mut stream = TcpStream::connect(server.address()).unwrap();
            let head =
                "Host: localhost\r\nConnection: close\r\nUser-Agent: tester/1\r\namz-sdk-invocation-id: i\r\nContent-Length: 2";
            write!(stream, "POST / HTTP/1.1\r\n{head}\r\n\r\n{body}").unwrap();
            stream.read_to_string(&mut String::new()).unwrap();
        }
        server.terminate();
        let (code, talk) = server.end();
        assert_eq!(code, Some(0), "{talk}");
        talks.push(talk);
    }
    assert_eq!(answers[0], answers[1]);
    assert!(answers[0].starts_with(r#"{"SessionId":""#));
    assert_eq!(talks, ["tester/1 sent 3 requests for 1 call: 3.00x what it thinks\n"; 2]);
}

/// A made certificate is served at once, and the ready line says what a client has to trust.
#[test]
fn makes_its_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let tls = dir.path().join("tls");
    let server = Server::start(&["--tls-generate", tls.to_str().unwrap()]);
    let bundle = Path::new(server.ready["ca_bundle"].as_str().unwrap());
    assert_eq!(bundle, tls.join("ca.pem"));
    assert!(server.ready["endpoint"].as_str().unwrap().starts_with("https://127.0.0.1:"));
    let mut roots = rustls::RootCertStore::empty();
    let authority = <rustls::pki_types::CertificateDer<'_> as rustls::pki_types::pem::PemObject>::from_pem_file(bundle).unwrap();
    roots.add(authority).unwrap();
    let client = rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    for name in ["127.0.0.1", "localhost"] {
        let client = rustls::ClientConnection::new(client.clone().into(), name.try_into().unwrap()).unwrap();
        let mut stream = rustls::StreamOwned::new(client, TcpStream::connect(server.address()).unwrap());
        stream.write_all(b"GET /_livebench/health HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = [0; 15];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200 OK");
    }
}

/// What cannot be served is refused at once, with one message that says what to do.
#[test]
fn refusals() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let broken = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&broken, "{nope").unwrap();
    let broken = broken.path().to_str().unwrap();
    let rows: [(&[&str], &str); 8] = [
        (&["--listen", "0.0.0.0:0"], "is not an address of this machine alone"),
        (&["--listen", &address], "the address is in use"),
        (&["--listen", "127.0.0.1:0", "--log", "/nowhere/x.jsonl"], "cannot open the arrival log /nowhere/x.jsonl"),
        (&["--listen", "127.0.0.1:0", "--config", "/nowhere/x.toml"], "/nowhere/x.toml"),
        (&["--listen", "127.0.0.1:0", "--tls-cert", "/nowhere/c", "--tls-key", "/nowhere/k"], "/nowhere/c"),
        (&["--listen", "127.0.0.1:0", "--tls-generate", "/dev/null/x"], "cannot write /dev/null/x"),
        (&["--listen", "127.0.0.1:0", "--state", broken], "is not a saved state"),
        (&["--listen", "127.0.0.1:0", "--state", "/nowhere/state.json"], "cannot read the state /nowhere/state.json"),
    ];
    for (args, expected) in rows {
        let talk = refused(args);
        assert!(talk.contains(expected), "{talk}");
    }
}

/// A log that cannot be written ends the server: what it would go on to say could not be trusted.
#[test]
fn full_disk() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let server = Server::start(&["--log", "/dev/full"]);
    assert!(server.create("{}").starts_with("HTTP/1.1 200 OK\r\n"));
    let (code, talk) = server.end();
    assert_eq!(code, Some(3));
    assert!(talk.contains("cannot write the arrival log /dev/full"), "{talk}");
}
