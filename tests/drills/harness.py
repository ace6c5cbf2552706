"""What the drills share: the scale of time, an emulator, a run, samples of a process, and two statistics."""

import csv
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter, namedtuple
from pathlib import Path

# A case of a drill: whether it was survived, how many calls were lost, and the figure that says so.
Case = namedtuple("Case", "what survived lost figure")

WORKDAY_H = 8
SOAK_RATE = 25
# Sessions live for three minutes (AWS: "a SessionId expires 3 minutes after it's sent").
SESSION_LIFE_S = 180


class Problem(Exception):
    """A drill could not be held; it counts as not survived."""


class Context:
    """Where the drills run, and how long an hour of theirs takes."""

    def __init__(self, binary, work, factor):
        self.binary = str(binary)
        self.work = Path(work)
        self.factor = factor
        self.hour = 3600 / factor
        self.length = WORKDAY_H * self.hour
        # A shortened soak makes more calls in its time, so that what leaks with each call shows all the same.
        self.rate = SOAK_RATE * min(factor, 8)
        self.life = SESSION_LIFE_S / factor

    def folder(self, name):
        path = self.work / name
        path.mkdir(parents=True)
        return path

    def scenario(self, name, rate=SOAK_RATE, stages=None, load="", budget=""):
        stages = stages or f'[ {{ for = "{self.length:.3f}s", rate = {rate} }} ]'
        path = self.work / f"{name}.toml"
        path.write_text(
            f'name = "{name}"\n[load]\n{load}\nstages = {stages}\n[budget]\nmax_calls = 10000000\n{budget}\n'
            f'[idempotency]\nsession_ttl = "{max(self.life, 0.2):.3f}s"\n'
        )
        return path


def environment(**more):
    """No profile, no region and no keys but those that are given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LIVEBENCH_", "SLURM_"))}
    return kept | {
        "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIDDRILL", "AWS_SECRET_ACCESS_KEY": "drill", "NO_COLOR": "1",
    } | more


class Emulator:
    """`livebench emulate` as a process of its own, which outlives the runs that are killed."""

    def __init__(self, context, name, config="", listen="127.0.0.1:0", options=(), env=None):
        self.context, self.name, self.options = context, name, list(options)
        self.config = context.work / f"{name}.emulator.toml"
        life = f'"{max(context.life, 0.2):.3f}s"'
        self.config.write_text(
            f"[emulator]\nsession_ttl = {life}\nlatency = {{ median = \"45ms\", p99 = \"160ms\" }}\n"
            f"sessions = {{ results_ttl = {life}, expired_for = {life} }}\ntokens = {{ window = {life} }}\n{config}\n"
        )
        self.env = env or environment()
        self.start(listen)

    def start(self, listen):
        command = [self.context.binary, "emulate", "--listen", listen, "--config", str(self.config), "--output", "json", *self.options]
        errors = open(self.context.work / f"{self.name}.emulator.log", "ab")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=self.env)
        ready = self.process.stdout.readline()
        if not ready:
            raise Problem(f"the emulator did not start: see {errors.name}")
        self.url = json.loads(ready)["endpoint"]

    def get(self, path):
        with urllib.request.urlopen(f"{self.url}/_livebench/{path}", timeout=30) as answer:
            return answer.read().decode()

    def post(self, path, body):
        request = urllib.request.Request(f"{self.url}/_livebench/{path}", data=json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()

    def metric(self, name):
        """The sum of a metric over its labels."""
        lines = (line.rsplit(" ", 1) for line in self.get("metrics").splitlines() if not line.startswith("#"))
        return sum(float(value) for label, value in lines if label.split("{")[0] == name)

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(30)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop(signal.SIGKILL)


class Run:
    """A `livebench run` that is going on, or has ended."""

    def __init__(self, context, scenario, emulator=None, options=(), env=None, out=None, before=(), **popen):
        self.context = context
        self.out = out or context.folder(f"{scenario.stem}-results")
        at = ["--endpoint-url", emulator.url] if emulator else []
        command = [*before, context.binary, "run", str(scenario), "--out", str(self.out), *at, *(options or ["--live", "off"])]
        self.log = context.work / f"{scenario.stem}.log"
        popen.setdefault("stderr", open(self.log, "wb"))
        popen.setdefault("stdout", open(self.log.with_suffix(".out"), "wb"))
        self.process = subprocess.Popen(command, env=env or environment(), **popen)
        self.began = time.monotonic()

    @property
    def folder(self):
        found = [path for path in self.out.iterdir() if path.is_dir() and (path / "manifest.json").exists()]
        if len(found) != 1:
            raise Problem(f"{self.out} has {len(found)} runs; see {self.log}")
        return found[0]

    def sleep_until(self, elapsed_s):
        time.sleep(max(0.0, self.began + elapsed_s - time.monotonic()))
        if self.process.poll() is not None:
            raise Problem(f"it ended after {time.monotonic() - self.began:.1f} s already; see {self.log}")

    def wait(self, more_s=60):
        """Its exit code. A run that does not end in time is stuck."""
        try:
            return self.process.wait(max(0.0, self.began + self.context.length - time.monotonic()) + more_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Problem(f"it did not end; see {self.log}") from None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def command(self, *arguments, codes=(0, 1, 3)):
        """Another command of livebench, on this run's directory."""
        done = subprocess.run([self.context.binary, *arguments], env=environment(), capture_output=True, text=True)
        if done.returncode not in codes:
            raise Problem(f"livebench {arguments[0]} ended with {done.returncode}: {done.stderr.strip()[:300]}")
        return done

    def summary(self):
        return json.loads((self.folder / "summary.json").read_text())

    def rows(self):
        """Every whole row of all segments."""
        segments = sorted(self.folder.glob("samples*.csv"), key=lambda path: (len(path.name), path.name))
        for path in segments:
            with open(path, newline="") as file:
                yield from (row for row in csv.DictReader(file) if row["exception"] is not None)


def accounting(run, arrived=None):
    """What does not add up: rows, outcomes, sessions, and what the emulator counted."""
    summary, wrong = run.summary(), []
    outcomes, sequence, sessions, ok = Counter(), set(), set(), 0
    rows = 0
    for row in run.rows():
        rows += 1
        sequence.add(int(row["seq"]))
        outcomes[row["outcome"]] += 1
        if row["outcome"] == "ok":
            ok += 1
            sessions.add(row["session_id"])
    counts = summary["counts"]
    said = {name: count for name, count in counts["by_outcome"].items() if count}
    if rows != counts["ended"] or sequence != set(range(rows)):
        wrong.append(f"{rows} rows, {len(sequence)} numbers, {counts['ended']} ended")
    if said != dict(outcomes):
        wrong.append(f"rows say {dict(outcomes)}, the summary {said}")
    if len(sessions) != ok:
        wrong.append(f"{ok} ok, {len(sessions)} sessions")
    if arrived is not None and arrived != counts["sent"] - counts["unknown"]:
        wrong.append(f"{counts['sent']} sent, {arrived:.0f} arrived")
    return wrong


class Watched(threading.Thread):
    """Memory, threads and descriptors of a process, each minute of the drill's."""

    def __init__(self, context, process):
        super().__init__(daemon=True)
        self.every = max(context.hour / 60, 0.1)
        self.warm = context.hour / 2
        self.pid, self.points = process.pid, []
        self.began = time.monotonic()
        self.start()

    def run(self):
        while True:
            try:
                status = dict(line.split(":", 1) for line in Path(f"/proc/{self.pid}/status").read_text().splitlines())
                point = (int(status["VmRSS"].split()[0]), int(status["Threads"]), len(os.listdir(f"/proc/{self.pid}/fd")))
            except (OSError, KeyError, ValueError):
                return
            self.points.append((time.monotonic() - self.began, *point))
            time.sleep(self.every)

    def settled(self, column):
        return [(at, row[column]) for at, *row in self.points if at >= self.warm]

    def slope(self, column, hour):
        """Per cent an hour of the drill, by Theil and Sen; the median is what it is a share of."""
        points = self.settled(column)
        if len(points) < 20:
            raise Problem(f"only {len(points)} samples of process {self.pid}")
        middle = statistics.median(value for _, value in points)
        return 100 * theil_sen(points) * hour / middle if middle else 0.0


def theil_sen(points):
    """The median of the slopes between all pairs (Sen 1968); of at most 400 points, evenly chosen."""
    points = points[:: max(1, len(points) // 400)]
    slopes = [
        (later[1] - earlier[1]) / (later[0] - earlier[0]) for i, earlier in enumerate(points) for later in points[i + 1 :] if later[0] > earlier[0]
    ]
    return statistics.median(slopes)


def trend(values):
    """The chance of so much order without a trend (Mann 1945, Kendall 1970), two-sided, by the normal approximation."""
    n = len(values)
    score = sum((b > a) - (b < a) for i, a in enumerate(values) for b in values[i + 1 :])
    deviation = (n * (n - 1) * (2 * n + 5) / 18) ** 0.5
    z = max(0.0, abs(score) - 1) / deviation
    return 2 * (1 - statistics.NormalDist().cdf(z))


def percentile(values, share):
    """The smallest value that so large a share does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def together(*threads):
    """Runs each of these at once, and gives their cases in this order."""
    found = [None] * len(threads)

    def one(i, what):
        try:
            found[i] = what()
        except (Problem, OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
            found[i] = [Case(getattr(what, "__name__", "?"), False, 0, f"{type(error).__name__}: {error}")]

    running = [threading.Thread(target=one, args=(i, what)) for i, what in enumerate(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return [case for cases in found for case in cases]


def say(text):
    print(text, file=sys.stderr, flush=True)
