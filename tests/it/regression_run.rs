//! What trials of 0.1.0 showed of runs and calls, a test a kind: each names its report, and holds the value that is right.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;

use serde_json::Value;

use crate::support::{Run, Running, Say, Server, few_calls, livebench};

/// The usual scenario over this transport.
fn over(transport: &str, calls: u32) -> String {
    few_calls(calls).replace("concurrency = 8", &format!("concurrency = 8\ntransport = \"{transport}\""))
}

/// The outcome of every call, which must be the same, of a run over each transport.
fn named(say: &Say) -> [Value; 2] {
    ["sdk", "wire"].map(|transport| {
        let server = Server::start(say.clone());
        let (run, _work) = Run::of(&over(transport, 5), &["--endpoint-url", &server.endpoint(), "--region", "us-east-1"], |_| {});
        run.summary()
    })
}

/// Report on 0.1.0 (B1): a green VALID headed a run that had missed its thresholds. The result is the first word everywhere, the
/// measurement's verdict the second.
#[test]
fn the_result_comes_first() {
    let limits = |limit: &str| format!("{}[thresholds]\nok = \"== 100%\"\n\"response.p50\" = \"{limit}\"\n", few_calls(100));
    for (limit, word, result, code) in [("< 1us", "FAILED", "failed", 1), ("< 60s", "PASSED", "passed", 0)] {
        let (run, _work) = Run::of(&limits(limit), &["--virtual-time"], |_| {});
        assert_eq!(run.code, Some(code), "{}", run.stderr);
        assert!(run.stdout.starts_with(word) && run.stdout.contains("(measurement: VALID)"), "{}", run.stdout);
        let summary = run.summary();
        assert_eq!((&summary["schema"], &summary["result"]), (&2.into(), &result.into()));
        let file = |name: &str| std::fs::read_to_string(run.dir().join(name)).unwrap();
        assert!(file("summary.md").starts_with(&format!("# {word}: ")));
        assert!(file("report.html").contains(&format!("<title>{word}: ")));
    }
}

/// Report on 0.1.0 (A4): a run to which nobody answered was SUSPECT, exit 0. It is not trusted, and its headline says why.
#[test]
fn silence_is_no_result() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for transport in ["sdk", "wire"] {
        let (run, _work) =
            Run::of(&over(transport, 5), &["--endpoint-url", &format!("http://{free}"), "--region", "us-east-1"], |_| {});
        assert_eq!(run.code, Some(3), "{}", run.stderr);
        assert!(run.stdout.starts_with("NOT TRUSTED  few  no call got an answer (connection refused)"), "{}", run.stdout);
        assert_eq!(run.summary()["result"], "not_trusted");
    }
}

/// Report on 0.1.0 (B3, G1): 110 of 200 calls failed for want of a descriptor of our own, and the run was VALID. They are ours, apart from the
/// service's errors, and what was open is counted although nothing more could be opened.
#[test]
fn our_own_files_are_not_the_services_errors() {
    for transport in ["sdk", "wire"] {
        let server = Server::start(Say::Nothing);
        let work = tempfile::tempdir().unwrap();
        let (path, out) = (work.path().join("s.toml"), work.path().join("results"));
        let text =
            format!("name = \"full\"\n[load]\nconcurrency = 200\ntransport = \"{transport}\"\nstages = [ {{ calls = 200 }} ]\n");
        std::fs::write(&path, text).unwrap();
        let bare = livebench();
        let mut shell = Command::new("sh");
        for (name, value) in bare.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell.arg("-c").arg("ulimit -Sn 64 && ulimit -Hn 64 && exec \"$@\"").arg("sh").arg(bare.get_program());
        shell.arg("run").arg(&path).arg("--out").arg(&out).args(["--endpoint-url", &server.endpoint(), "--region", "us-east-1"]);
        let output = shell.args(["--cli-read-timeout", "1", "--live", "off"]).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
        let dir = std::fs::read_dir(&out).unwrap().next().unwrap().unwrap().path();
        let summary = crate::support::json(&dir.join("summary.json"));
        assert_eq!(summary["verdict"]["validity"], "INVALID", "{transport}");
        assert!(summary["result_why"].as_str().unwrap().contains("ran out of file descriptors"), "{}", summary["result_why"]);
        assert!(summary["counts"]["harness"].as_u64().unwrap() > 100, "{}", summary["counts"]);
        assert_eq!(summary["counts"]["by_outcome"]["other_transport"], 0, "{transport}");
        assert!(summary["own"]["harness"]["files_open"].as_u64().unwrap() >= 60, "{}", summary["own"]);
    }
}

/// Report on 0.1.0 (B4): a server that answers 429 was "unmodelled 20". The report has the statuses, and one answer as it came.
#[test]
fn unexpected_answers_are_shown() {
    for transport in ["sdk", "wire"] {
        let server = Server::start(Say::Answer(429, "text/plain", "slow down"));
        let (run, _work) = Run::of(&over(transport, 5), &["--endpoint-url", &server.endpoint(), "--region", "us-east-1"], |_| {});
        assert!(run.stdout.contains("HTTP status: 429 5"), "{}", run.stdout);
        assert!(run.stdout.contains("an unexpected answer: HTTP 429, text/plain: slow down"), "{}", run.stdout);
        assert_eq!(run.summary()["statuses"]["429"], 5);
        let again = crate::support::report(run.dir(), &["--format", "terminal"]);
        assert_eq!(String::from_utf8(again.stdout).unwrap(), run.stdout, "the report says the same");
    }
}

/// Report on 0.1.0 (G3): an answer of 1 GiB took 3 GB of memory. Bodies beyond 1 MiB and heads beyond 64 KiB are cut off and malformed.
#[test]
fn answers_are_bounded() {
    let id = r#"{"SessionId":"0f2e9b1c-1111-4222-8333-44445555aaaa"}"#;
    let long: &'static str = Box::leak(format!("{id}{}", " ".repeat(2 << 20)).into_boxed_str());
    let head: &'static str = Box::leak(format!("text/{}", "x".repeat(100 << 10)).into_boxed_str());
    for say in [Say::Answer(200, "application/json", long), Say::Answer(200, head, id)] {
        for summary in named(&say) {
            assert_eq!(summary["counts"]["by_outcome"]["malformed_success"], 5, "{}", summary["counts"]);
        }
    }
}

/// Report on 0.1.0 (G8): a server that speaks first was `other_transport` to one transport and `connection_lost` to the other.
#[test]
fn one_failure_has_one_name() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.write_all(b"220 mail.example ready\r\n");
            let _ = stream.read(&mut [0; 4096]);
        }
    });
    let arguments = ["--endpoint-url", &endpoint, "--region", "us-east-1", "--no-sign-request"];
    let [sdk, wire] = ["sdk", "wire"].map(|transport| {
        let (run, _work) = Run::of(&over(transport, 5), &arguments, |_| {});
        run.outcomes()
    });
    assert_eq!((&sdk, sdk.get("other_transport")), (&wire, Some(&5)));
}

/// Report on 0.1.0 (G7): after a garbage answer `call` said "Could not connect", and nothing of a session.
#[test]
fn a_call_says_that_a_session_may_exist() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let garbage = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"hello\r\n\r\n");
        }
    });
    let nonsense = Server::start(Say::Answer(200, "text/plain", "nonsense"));
    for endpoint in [garbage, nonsense.endpoint()] {
        let output = livebench().args(["call", "--endpoint-url", &endpoint, "--region", "us-east-1"]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("A session may exist all the same") && !said.contains("Could not connect"), "{said}");
        assert_ne!(output.status.code(), Some(0));
    }
}

/// Report on 0.1.0 (G4): `livebench run ... 2>/dev/full` panicked before the first call. What cannot be told ends no work.
#[test]
fn a_full_stderr_ends_nothing() {
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (run, _work) = Run::of(&few_calls(5), &[], |command| {
        command.stderr(full());
    });
    assert_eq!(run.summary()["counts"]["ok"], 5);
    let refused = livebench().arg("check").arg("/nonexistent.toml").stderr(full()).status().unwrap();
    assert_eq!(refused.code(), Some(2));
}

/// Report on 0.1.0 (B10): a closed terminal ended a run without a summary. SIGHUP stops it as SIGINT and SIGTERM do.
#[test]
fn a_closed_terminal_interrupts() {
    for signal in [rustix::process::Signal::HUP, rustix::process::Signal::TERM] {
        let mut run = Running::start(&few_calls(6000), &[]);
        let dir = run.dir();
        crate::support::eventually("the first second", || {
            std::fs::read_to_string(dir.join("timeline.csv")).ok().filter(|text| text.lines().count() > 1)
        });
        run.signal(signal);
        assert_eq!(run.end().code(), Some(130), "{}", run.said());
        let summary = crate::support::json(&dir.join("summary.json"));
        assert_eq!((&summary["result"], &summary["stop"]), (&"not_trusted".into(), &"interrupted".into()));
    }
}
