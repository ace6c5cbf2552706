#!/usr/bin/env python3
"""Mutated inputs for the built binary: variables, profiles, files, command lines and answers.

    tests/fuzz/mutate.py BINARY [--cases 10000] [--seed N] [--only run,probe,call,compare,report] [--jobs 2] [--keep DIR]

Each case is one process with a seed of its own. It fails when the process panics, dies of a signal, ends with a code that no page
documents, or takes more than 2 s of CPU (20 s by the clock). What runs does so in virtual time and with at most 1000 calls; what calls
reaches only a server of this script on 127.0.0.1. A failing case prints the command that repeats it. Needs nothing but Python 3.
"""

import argparse
import collections
import concurrent.futures
import os
import random
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

CODES = {0, 1, 2, 3, 75, 130}
CPU_S = 2.0
CLOCK_S = 20.0
SCENARIOS = Path(__file__).resolve().parents[2] / "scenarios"
WORDS = [
    "0", "-1", "1e999", "-0", "nan", "inf", "99999999999999999999", "1e-320", "0x10", "true", "null", '""', "''", "[]", "{}", "=", "==",
    "%", "5%", "0s", "1ns", "584542y", "\\", "\"", "\u0000", "\ufeff", "\u202e", "\u00e9", "\U0001f980", "a" * 300, "[[", "]]", "\r\n", "\t",
    "#", "${HOME}", "../../etc/passwd", "/dev/zero", "/dev/full", "file://", "file:///dev/null", "http://", "http://127.0.0.1:99999", "us-east-1 ", "AKID\n",
]


def mutate_text(rng, text):
    """One to four changes, of the kinds that hands, editors and disks make."""
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        lines = text.split("\n")
        kind = rng.randrange(10)
        at = rng.randrange(len(text) + 1)
        end = min(len(text), at + rng.choice([1, 1, 2, 8, 64, 4096]))
        if kind == 0:
            text = text[:at] + text[end:]
        elif kind == 1:
            text = text[:at] + rng.choice(WORDS) + text[at:]
        elif kind == 2:
            text = text[:at] + text[at:end] * rng.choice([2, 3, 50]) + text[end:]
        elif kind == 3:
            text = text[:at] + chr(rng.choice([0, 9, 27, 34, 92, 127, 0x85, 0xFFFD, rng.randrange(32, 127)])) + text[end:]
        elif kind == 4:
            numbers = list(re.finditer(r"-?\d+(\.\d+)?", text))
            if numbers:
                hit = rng.choice(numbers)
                text = text[: hit.start()] + rng.choice(WORDS[:12] + [str(rng.randrange(10**rng.randint(1, 12)))]) + text[hit.end() :]
        elif kind == 5:
            words = list(re.finditer(r"[A-Za-z_][A-Za-z_-]*", text))
            if len(words) > 1:
                one, other = rng.choice(words), rng.choice(words)
                text = text[: one.start()] + other.group() + text[one.end() :]
        elif kind == 6:
            i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[i], lines[j] = lines[j], lines[i]
            text = "\n".join(lines)
        elif kind == 7:
            i = rng.randrange(len(lines))
            text = "\n".join(lines[:i] + [lines[i]] * rng.choice([0, 2, 30]) + lines[i + 1 :])
        elif kind == 8:
            text = text[:at]
        else:
            text = text.replace(rng.choice(["=", ",", "{", "}", '"', "[", "\n", ":"]), rng.choice(["", "=", ",,", " ", '"', "\n"]), 1)
    return text


def mutate_bytes(rng, data):
    """A file as a disk or a hand leaves it."""
    if rng.random() < 0.6:
        return mutate_text(rng, data.decode("utf-8", "replace")).encode("utf-8", "surrogatepass")
    data = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        if not data:
            break
        at = rng.randrange(len(data))
        kind = rng.randrange(4)
        if kind == 0:
            data[at] = rng.randrange(256)
        elif kind == 1:
            del data[at : at + rng.choice([1, 10, 1000])]
        elif kind == 2:
            data[at:at] = bytes(rng.randrange(256) for _ in range(rng.choice([1, 8, 100])))
        else:
            del data[at:]
    return bytes(data)


VARIABLES = {
    "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "eu-west-1", "AWS_PROFILE": "work", "AWS_DEFAULT_PROFILE": "work",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "AWS_SESSION_TOKEN": "token",
    "AWS_RETRY_MODE": "legacy", "AWS_MAX_ATTEMPTS": "3", "AWS_CA_BUNDLE": "ca.pem", "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_USE_DUALSTACK_ENDPOINT": "true", "AWS_DEFAULT_OUTPUT": "json", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
    "AWS_DEFAULTS_MODE": "standard", "AWS_STS_REGIONAL_ENDPOINTS": "regional", "HTTP_PROXY": "http://127.0.0.1:1", "NO_PROXY": "*",
    "NO_COLOR": "1", "COLUMNS": "80", "TERM": "xterm", "RUST_LOG": "debug", "TZ": "UTC", "LANG": "C",
}
PROFILE = """[default]
region = us-east-1
output = text
[profile work]
region = eu-west-1
services = local
ca_bundle = ca.pem
aws_access_key_id = AKIDEXAMPLE
aws_secret_access_key = wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY
retry_mode = standard
max_attempts = 5
[services local]
rekognition =
  endpoint_url = http://127.0.0.1:1
"""
CREDENTIALS = """[default]
aws_access_key_id = AKIDEXAMPLE
aws_secret_access_key = wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY
[work]
aws_access_key_id = AKIDEXAMPLE2
aws_secret_access_key = secret
aws_session_token = token
"""
ANSWERS = [
    b'HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: 52\r\n\r\n{"SessionId":"0f1f2f3f-0000-4000-8000-00000000000a"}',
    b'HTTP/1.1 400 Bad Request\r\nContent-Type: application/x-amz-json-1.1\r\nx-amzn-RequestId: 1\r\nContent-Length: 44\r\n\r\n{"__type":"ThrottlingException","message":""}',
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n",
    b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n3\r\n:1}\r\n0\r\n\r\n',
    b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
]


class Server:
    """Answers every connection with mutated bytes, and closes it."""

    def __init__(self, rng):
        self.rng = rng
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            with peer:
                try:
                    peer.settimeout(1)
                    peer.recv(65536)
                    answer = self.rng.choice(ANSWERS)
                    peer.sendall(mutate_bytes(self.rng, answer) if self.rng.random() < 0.9 else answer)
                except OSError:
                    pass

    def close(self):
        # A closed socket alone does not wake who waits in accept(): its thread would stay, and every fork copies what a thread has mapped.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def surroundings(rng, work, mutated):
    """Environment and profile files; some of both mutated."""
    env = {"PATH": os.environ.get("PATH", ""), "HOME": str(work), "AWS_EC2_METADATA_DISABLED": "true"}
    config, credentials = PROFILE, CREDENTIALS
    if mutated:
        for name in rng.sample(sorted(VARIABLES), rng.randint(0, 6)):
            value = VARIABLES[name]
            env[name] = rng.choice([value, "", rng.choice(WORDS), mutate_text(rng, value)]).replace("\0", "")
        config = mutate_bytes(rng, config.encode()) if rng.random() < 0.6 else config.encode()
        credentials = mutate_bytes(rng, credentials.encode()) if rng.random() < 0.4 else credentials.encode()
    else:
        config, credentials = config.encode(), credentials.encode()
    (work / "config").write_bytes(config)
    (work / "credentials").write_bytes(credentials)
    env["AWS_CONFIG_FILE"] = str(work / "config")
    env["AWS_SHARED_CREDENTIALS_FILE"] = str(work / "credentials")
    return env


SHIPPED = sorted(SCENARIOS.glob("*.toml"))
# The budget stands on a line that is never mutated: at most 1000 calls, whatever the stages say.
BOUND = "budget = { max_calls = 1000 }\n"


def scenario(rng):
    text = rng.choice(SHIPPED).read_text()
    text = re.sub(r"(?ms)^\[budget\].*?(?=^\[|\Z)", "", text)
    text = mutate_text(rng, text)
    return BOUND + re.sub(r"(?m)^(\s*\[?\[?\s*budget\b.*)$", r"# \1", text)


def odd_options(rng, options):
    """Some of the options, values mutated."""
    chosen = []
    for name, value in rng.sample(options, rng.randint(0, min(4, len(options)))):
        chosen.append(name)
        if value is not None:
            chosen.append(value if rng.random() < 0.85 else rng.choice([rng.choice(WORDS), mutate_text(rng, value)]))
    return [part.replace("\0", "") for part in chosen]


def of_run(rng, work, _made):
    (work / "s.toml").write_bytes(scenario(rng).encode("utf-8", "surrogatepass"))
    options = odd_options(rng, [("--seed", "7"), ("--output", "json"), ("--live", "off"), ("--quiet", None), ("--grace", "1s"), ("--color", "off")])
    return ["run", "s.toml", "--virtual-time", "--out", "out", *options], surroundings(rng, work, rng.random() < 0.3), None


EMULATOR = """[emulator]
seed = 3
region = "us-east-1"
quota = { kind = "token-bucket", rate = 25, burst = 25 }
latency = { median = "45ms", p99 = "160ms" }
faults = { internal_error = 0.01, reset_before = 0.01 }
session_ttl = "3m"
"""


def of_probe(rng, work, _made):
    (work / "e.toml").write_bytes(mutate_bytes(rng, EMULATOR.encode()) if rng.random() < 0.7 else EMULATOR.encode())
    options = odd_options(
        rng,
        [("--precision", "0.5%"), ("--max-time", "5s"), ("--max-sessions", "100"), ("--outliers", "2%"), ("--seed", "7"), ("--output", "json"), ("--quiet", None)],
    )
    calls = ["--max-calls", str(rng.randint(1, 120))]
    return ["probe", "--virtual-time", "--emulator", "e.toml", "--out", "out", *calls, *options], surroundings(rng, work, rng.random() < 0.3), None


INPUT = '{"Settings":{"OutputConfig":{"S3Bucket":"bucket","S3KeyPrefix":"p/"},"AuditImagesLimit":4},"ClientRequestToken":"t"}'
SHORTHAND = "OutputConfig={S3Bucket=my-bucket,S3KeyPrefix=liveness/},AuditImagesLimit=4,ChallengePreferences=[{Type=FaceMovementChallenge}]"


def of_call(rng, work, _made):
    server = Server(random.Random(rng.random()))
    options = odd_options(
        rng,
        [
            ("--settings", SHORTHAND), ("--cli-input-json", INPUT), ("--query", "SessionId"), ("--output", "text"), ("--kms-key-id", "alias/a"),
            ("--client-request-token", "t"), ("--region", "us-east-1"), ("--profile", "work"), ("--cli-read-timeout", "2"), ("--no-sign-request", None),
            ("--generate-cli-skeleton", "input"), ("--ca-bundle", "config"), ("--no-verify-ssl", None),
        ],
    )
    url = f"http://127.0.0.1:{server.port}"
    if rng.random() < 0.1:
        # A mutated address stays on this machine: only what follows the port is touched.
        url += rng.choice(["/", "/a/b", "?x=1", "#f", "/%00", "//", "/\u00e9"])
    if "--cli-read-timeout" not in options:
        options += ["--cli-read-timeout", "2"]
    return ["call", "--endpoint-url", url, *options], surroundings(rng, work, rng.random() < 0.5), server


def of_report(rng, work, made):
    copy = work / "run"
    shutil.copytree(rng.choice(made), copy)
    files = sorted(path for path in copy.iterdir() if path.is_file())
    for path in rng.sample(files, rng.choice([1, 1, 1, 2])):
        if rng.random() < 0.1:
            path.unlink()
        else:
            path.write_bytes(mutate_bytes(rng, path.read_bytes()))
    form = rng.choice(["terminal", "markdown", "json", "csv", "html", "hgrm", "hlog", "junit", "prometheus"])
    return ["report", "run", "--format", form], surroundings(rng, work, False), None


def of_compare(rng, work, made):
    args, env, _ = of_report(rng, work, made)
    del args
    other = str(rng.choice(made))
    form = rng.choice(["text", "json", "markdown", "junit", "html"])
    sides = ["run", other] if rng.random() < 0.5 else [other, "run"]
    options = odd_options(rng, [("--min-effect", "latency=3%"), ("--confidence", "99%"), ("--fail-on", "regression"), ("--force", None), ("--all", None)])
    return ["compare", *sides, "--output", form, *options], env, None


KINDS = {"run": of_run, "probe": of_probe, "call": of_call, "compare": of_compare, "report": of_report}


def make_runs(binary, work):
    """Two finished runs, and one with errors, for report and compare to read."""
    made = []
    for seed, name in [(1, "smoke"), (2, "smoke"), (3, "ci")]:
        out = work / f"made-{seed}"
        path = SCENARIOS / f"{name}.toml"
        subprocess.run([binary, "run", str(path), "--virtual-time", "--seed", str(seed), "--out", str(out), "--live", "off"], check=False, capture_output=True)
        made += [path for path in out.iterdir() if path.is_dir()]
    return sorted(made)


def judge(binary, kind, seed, made, keep):
    rng = random.Random(f"{kind} {seed}")
    work = Path(tempfile.mkdtemp(prefix=f"livebench-{kind}-"))
    server = None
    try:
        args, env, server = KINDS[kind](rng, work, made)
        begun = time.monotonic()
        limits = lambda: resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
        try:
            child = subprocess.Popen([binary, *args], cwd=work, env=env, stdin=subprocess.DEVNULL, stdout=open(work / "stdout", "wb"), stderr=open(work / "stderr", "wb"), preexec_fn=limits)
        except ValueError:
            return "not started", None
        timer = threading.Timer(CLOCK_S, child.kill)
        timer.start()
        _, status, usage = os.wait4(child.pid, 0)
        timer.cancel()
        child.returncode = 0
        code = os.waitstatus_to_exitcode(status)
        cpu = usage.ru_utime + usage.ru_stime
        said = (work / "stderr").read_bytes().decode("utf-8", "replace")
        why = None
        if time.monotonic() - begun >= CLOCK_S:
            why = f"it did not end within {CLOCK_S:.0f} s"
        elif code not in CODES:
            why = f"exit code {code}"
        elif "this is a fault of livebench" in said or "panicked at" in said:
            why = "a panic"
        elif cpu > CPU_S:
            why = f"{cpu:.1f} s of CPU"
        if why is None:
            return str(code), None
        if keep:
            shutil.copytree(work, Path(keep) / f"{kind}-{seed}", dirs_exist_ok=True)
        return str(code), f"{kind} {seed}: {why}: livebench {' '.join(args)}\n    {said.strip()[-300:]}"
    finally:
        if server:
            server.close()
        shutil.rmtree(work, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--cases", type=int, default=10_000, help="of each kind")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the first case [default: the clock]")
    parser.add_argument("--only", default=",".join(KINDS))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--keep", help="where failing cases are kept")
    args = parser.parse_args()
    binary = str(Path(args.binary).resolve())
    failed = 0
    with tempfile.TemporaryDirectory() as place:
        made = make_runs(binary, Path(place))
        for kind in args.only.split(","):
            begun = time.monotonic()
            seeds = range(args.seed, args.seed + args.cases)
            with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
                ended = list(pool.map(lambda seed: judge(binary, kind, seed, made, args.keep), seeds))
            found = [why for _, why in ended if why]
            codes = ", ".join(f"{count} x {code}" for code, count in sorted(collections.Counter(code for code, _ in ended).items()))
            failed += len(found)
            for why in found[:20]:
                print(f"  {why}\n    repeat: tests/fuzz/mutate.py BINARY --only {kind} --cases 1 --seed {why.split()[1].rstrip(':')} --keep DIR")
            print(f"{kind:8} {args.cases} cases from seed {args.seed}: {len(found)} failed, {time.monotonic() - begun:.0f} s; exit codes {codes}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
