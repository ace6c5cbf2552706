//! What trials of 0.1.0 showed of runs and calls, a test a kind: each names its report, and holds the value that is right.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;

use serde_json::Value;

use crate::support::{Emulate, Run, Running, Say, Server, few_calls, gives_namespace, livebench, samples};

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

/// The same kind for `probe`: what came after our own limit would be told as the service's. It stops, with the reason, and finds nothing.
#[test]
fn a_probe_without_files_says_so() {
    let out = tempfile::tempdir().unwrap();
    let config = out.path().with_extension("toml");
    std::fs::write(&config, "[emulator]\nquota = { kind = \"none\" }\nlatency = \"50ms\"\n").unwrap();
    let emulator = Emulate::start(&["--config", config.to_str().unwrap()]);
    std::fs::remove_file(&config).unwrap();
    let probe =
        ["probe", "--endpoint-url", &*emulator.endpoint, "--region", "us-east-1", "--live", "off", "--output", "json", "--out"];
    let mut shell = within("ulimit -Sn 48 && ulimit -Hn 48 && exec \"$@\"");
    let output = shell.args(probe).arg(out.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("this machine ran out of file descriptors"), "{said}");
    let finding: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&finding["stop"], &finding["kind"]), (&"exhausted".into(), &"inconclusive".into()));
    let dir = std::fs::read_dir(out.path()).unwrap().next().unwrap().unwrap().path();
    assert_eq!(crate::support::report(&dir, &[]).status.code(), Some(3), "its directory says the same");
}

/// The same kind for local ports (G1): in a network namespace with 20 of them, 100 calls in flight want more. It is `EADDRNOTAVAIL` of a real kernel.
#[test]
#[cfg(target_os = "linux")]
fn our_own_ports_are_not_the_services_errors() {
    if !gives_namespace("--net", &["ip"]) {
        return;
    }
    let work = tempfile::tempdir().unwrap();
    let (path, out) = (work.path().join("s.toml"), work.path().join("results"));
    for transport in ["sdk", "wire"] {
        let text = format!(
            "name = \"ports\"\n[load]\nconcurrency = 100\ntransport = \"{transport}\"\nstages = [ {{ calls = 100 }} ]\n[emulator]\n\
             quota = {{ kind = \"none\" }}\nlatency = \"1s\"\n"
        );
        std::fs::write(&path, text).unwrap();
        // The embedded emulator takes one of the twenty.
        let script = "exec unshare --user --map-root-user --net sh -c 'ip link set lo up && echo \"40000 40019\" >/proc/sys/net/ipv4/ip_local_port_range && exec \"$@\"' sh \"$@\"";
        let output = within(script)
            .arg("run")
            .arg(&path)
            .arg("--out")
            .arg(&out)
            .args(["--live", "off", "--output", "json"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(3), "{transport}: {}", String::from_utf8_lossy(&output.stderr));
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(summary["verdict"]["validity"], "INVALID", "{transport}");
        assert!(summary["result_why"].as_str().unwrap().contains("ran out of local ports"), "{}", summary["result_why"]);
        let counts = &summary["counts"];
        assert_eq!(
            (&counts["errors"], counts["harness"].as_u64().unwrap() + counts["ok"].as_u64().unwrap()),
            (&0.into(), 100),
            "{counts}"
        );
    }
}

/// livebench, as a shell script ends in it (`exec "$@"`).
fn within(script: &str) -> Command {
    let bare = livebench();
    let mut shell = Command::new("sh");
    for (name, value) in bare.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.args(["-c", script, "sh"]).arg(bare.get_program());
    shell
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

/// Report on 0.1.0 (B10): `livebench run ... > /dev/full` ended with 2, although the run was whole. What is on disk needs no stdout, and the exit
/// code is the run's: good, a missed threshold, or a probe's.
#[test]
fn a_full_or_closed_stdout_ends_nothing() {
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let missed = format!("{}[thresholds]\n\"response.p50\" = \"< 1us\"\n", few_calls(100));
    for output in ["text", "json", "markdown"] {
        for (scenario, code) in [(few_calls(100), 0), (missed.clone(), 1)] {
            let arguments = ["--virtual-time", "--output", output];
            let (run, _work) = Run::of(&scenario, &arguments, |command| {
                command.stdout(full());
            });
            assert_eq!(run.code, Some(code), "{}", run.stderr);
            assert_eq!(run.summary()["counts"]["ok"], 100);
            assert!(run.stderr.contains("warning: cannot write to stdout"), "{}", run.stderr);
            // Nobody reads: the other end is closed before anything is written.
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let (run, _work) = Run::of(&scenario, &arguments, |command| {
                command.stdout(writer);
            });
            assert_eq!((run.code, run.summary()["counts"]["ok"].as_u64()), (Some(code), Some(100)), "{}", run.stderr);
        }
    }
    let out = tempfile::tempdir().unwrap();
    let probe = |stdout: std::process::Stdio| {
        let mut command = livebench();
        command.args(["probe", "--virtual-time", "--out"]).arg(out.path()).stdout(stdout).output().unwrap().status.code()
    };
    assert_eq!(probe(full().into()), probe(std::process::Stdio::piped()));
}

/// Kubernetes kills 30 s after its SIGTERM, and a call may wait for 60 s. `--grace` bounds the wait: the run ends by itself although no answer ever
/// comes, and every call is accounted for. Answers that come within it are waited for.
#[test]
fn grace_bounds_the_wait_for_answers() {
    let server = Server::start(Say::Nothing);
    let silent = ["--endpoint-url", &*server.endpoint(), "--region", "us-east-1", "--cli-read-timeout", "0", "--grace", "100ms"];
    for (arguments, load, hangs) in [
        (&silent[..], "concurrency = 8\nstages = [{ for = \"1h\", rate = 5 }]\n", true),
        (&silent[..], "model = \"closed\"\nstages = [{ for = \"1h\", workers = 3 }]\n", true),
        (&[], "concurrency = 8\nstages = [{ for = \"1h\", rate = 5 }]\n[emulator]\nlatency = \"700ms\"\n", false),
    ] {
        let mut run = Running::start(&format!("name = \"hangs\"\n[load]\n{load}"), arguments);
        let dir = run.dir();
        let sends = || if hangs { server.requests().len() >= 3 } else { !samples(&dir).is_empty() };
        crate::support::eventually("a call", || sends().then_some(()));
        run.signal(rustix::process::Signal::TERM);
        assert_eq!(run.end().code(), Some(130), "{}", run.said());
        let counts = &crate::support::json(&dir.join("summary.json"))["counts"];
        let count = |name: &str| counts[name].as_u64().unwrap();
        assert_eq!(count("ended") + count("unsent"), count("scheduled"), "{counts}");
        // What was never answered has no end that anybody saw.
        assert_eq!(count("ended") == 0, hangs, "{counts}");
        assert_eq!(count("ended"), count("ok"), "{counts}");
    }
}

/// Report on 0.1.0 (B13): without think time a closed model called a closed port 13,918 times in 2 s. Its workers hold back, and the run says so.
#[test]
fn a_closed_port_is_not_hammered() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let arguments = ["--endpoint-url", &format!("http://{free}"), "--region", "us-east-1"];
    for transport in ["sdk", "wire"] {
        let load = format!("model = \"closed\"\ntransport = \"{transport}\"\nstages = [{{ for = \"1s\", workers = 3 }}]\n");
        let (run, _work) = Run::of(&format!("name = \"closed\"\n[load]\n{load}"), &arguments, |_| {});
        assert_eq!(run.code, Some(3), "{}", run.stderr);
        let counts = &run.summary()["counts"];
        // derived: two at once, and no more than eight waits of 5 ms and up, doubled each time, fit into a second
        assert!((6..=30).contains(&counts["ended"].as_u64().unwrap()), "{counts}");
        assert_eq!((&counts["ended"], &counts["unsent"]), (&counts["scheduled"], &0.into()));
        assert!(run.stdout.contains("workers held back for"), "{}", run.stdout);
        let again = crate::support::report(run.dir(), &["--format", "terminal"]);
        assert_eq!(String::from_utf8(again.stdout).unwrap(), run.stdout, "the report says the same");
    }
}

/// Report on 0.1.0 (B4): JUnit had neither the statuses nor the unexpected answer that Markdown has.
#[test]
fn junit_names_what_was_answered() {
    let server = Server::start(Say::Answer(429, "text/plain", "slow <down>"));
    let (run, _work) = Run::of(&few_calls(5), &["--endpoint-url", &server.endpoint(), "--region", "us-east-1"], |_| {});
    let junit = crate::support::report(run.dir(), &["--format", "junit"]);
    let junit = String::from_utf8(junit.stdout).unwrap();
    for told in ["HTTP status: 429 5", "an unexpected answer: HTTP 429, text/plain: slow &lt;down&gt;"] {
        assert!(junit.contains(told), "{told}: {junit}");
    }
    let refused = Server::start(Say::Answer(400, "application/x-amz-json-1.1", r#"{"__type":"SomeNewException"}"#));
    let (run, _work) = Run::of(&few_calls(5), &["--endpoint-url", &refused.endpoint(), "--region", "us-east-1"], |_| {});
    let junit = crate::support::report(run.dir(), &["--format", "junit"]);
    assert!(String::from_utf8(junit.stdout).unwrap().contains("exceptions: SomeNewException 5"));
}

/// Report on 0.1.0 (B5): an empty Poisson schedule was OK to `check` and refused by `run`. Both refuse it, with the seed.
#[test]
fn empty_schedules_are_refused_by_check_and_run() {
    let work = tempfile::tempdir().unwrap();
    let rare = |seed: u32| {
        let path = work.path().join(format!("{seed}.toml"));
        let load = "[load]\narrivals = \"poisson\"\nstages = [ { for = \"1s\", rate = 0.5 } ]\n";
        std::fs::write(&path, format!("name = \"rare\"\nseed = {seed}\n{load}")).unwrap();
        path
    };
    let mut empty = 0;
    for seed in 0..12 {
        let path = rare(seed);
        let check = livebench().arg("check").arg(&path).output().unwrap();
        let run = livebench().args(["run", "--virtual-time", "--out"]).arg(work.path().join("out")).arg(&path).output().unwrap();
        let refused = check.status.code() == Some(2);
        assert_eq!(run.status.code() == Some(2), refused, "seed {seed}: {}", String::from_utf8_lossy(&run.stderr));
        if refused {
            empty += 1;
            let said = String::from_utf8_lossy(&check.stderr).into_owned();
            assert!(said.contains(&format!("schedule no call with seed {seed}")), "{said}");
            let json = livebench().args(["check", "--output", "json"]).arg(&path).output().unwrap();
            assert_eq!(serde_json::from_slice::<Value>(&json.stdout).unwrap()[0]["ok"], false);
        }
    }
    assert!((1..12).contains(&empty), "some seeds draw none: {empty}");
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
