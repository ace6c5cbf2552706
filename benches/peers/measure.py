"""Runs each tool in turn against `livebench emulate` and prints what the server saw, what the tool says, and what it cost.

Everybody is held against the same witness, the emulator's arrival log, by the same sums:

- deviation: the arrivals in their order against an ideal grid of the rate asked for, laid so that the earliest arrival is on time. What
  came in the first half second is left out: connections are opened then.
- rate error: the slope of the regression of arrival over number, against the rate asked for.
- honesty: the server answers nothing for two seconds. The truth is what users would have felt who came at the rate asked for.
- CPU a call: user and system time of the tool's process, over the calls that the server saw. livebench has threads of their own for what
  it writes down (a row a call, histograms, the idempotency ledger), which the others do not do; "for the load" leaves those out, and is what
  is set beside wrk's. Memory: the largest resident set.
"""
import argparse
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

TARGET = "x-amz-target: RekognitionService.CreateFaceLivenessSession"
TYPE = "application/x-amz-json-1.1"
OPEN = '[emulator]\nquota = { kind = "none" }\n'
STALL_AT, STALL_FOR, STALL_RATE, STALL_LASTS = 4.0, 2.0, 200, 10
CONNECTIONS = 64


class Emulator:
    """`livebench emulate` on a free port, its arrivals in a file."""

    def __init__(self, livebench, work, config):
        (work / "emulator.toml").write_text(config)
        self.log = work / "arrivals.jsonl"
        self.log.unlink(missing_ok=True)
        command = [livebench, "emulate", "--listen", "127.0.0.1:0", "--config", work / "emulator.toml", "--output", "json", "--log", self.log]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.url = json.loads(self.process.stdout.readline())["endpoint"]

    def stop(self):
        """Ends it and returns its arrivals, in their order."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        with self.log.open() as lines:
            arrivals = [json.loads(line) for line in lines]
        return sorted((a for a in arrivals if a["operation"]), key=lambda a: a["arrived_us"])


class Ran:
    """A process that has ended: what it printed, its CPU seconds and its largest resident set."""

    def __init__(self, command, env=None):
        with tempfile.TemporaryFile() as out:
            process = subprocess.Popen([str(part) for part in command], stdout=out, stderr=subprocess.DEVNULL, env={**os.environ, **(env or {})})
            self.peak_mb = 0.0
            watcher = threading.Thread(target=self.watch, args=(process.pid,))
            watcher.start()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            watcher.join()
            out.seek(0)
            self.text = out.read().decode(errors="replace")
        self.cpu_s = usage.ru_utime + usage.ru_stime

    def watch(self, pid):
        status = pathlib.Path(f"/proc/{pid}/status")
        while True:
            try:
                found = re.search(r"VmHWM:\s+(\d+)", status.read_text())
            except OSError:
                return
            if not found:
                return
            self.peak_mb = max(self.peak_mb, int(found[1]) / 1000)
            time.sleep(0.05)


class Tools:
    def __init__(self, livebench, home, work):
        self.livebench, self.home, self.work = livebench, home, work

    def scenario(self, text):
        path = self.work / "scenario.toml"
        path.write_text(text)
        return path

    def run(self, url, text):
        env = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        command = [self.livebench, "run", self.scenario(text), "--endpoint-url", url, "--out", self.work / "results", "--live", "off", "--output", "json"]
        return Ran(command, env)

    def livebench_open(self, transport, pacing, url, rate, seconds, concurrency):
        text = f'name = "peer"\n[load]\nconcurrency = {concurrency}\ntransport = "{transport}"\npacing = "{pacing}"\nstages = [ {{ for = "{seconds}s", rate = {float(rate)} }} ]\n'
        ran = self.run(url, text)
        ran.p99_ms = json.loads(ran.text)["latency"]["response"]["ok"]["p99_us"] / 1e3
        return ran

    def livebench_closed(self, transport, url, seconds):
        text = f'name = "peer"\n[load]\nmodel = "closed"\ntransport = "{transport}"\nstages = [ {{ for = "{seconds}s", workers = {CONNECTIONS} }} ]\n'
        ran = self.run(url, text)
        told = json.loads(ran.text)
        threads = sum(thread["cpu_share"] for thread in told["own"]["harness"]["load_threads"])
        ran.load_cpu_s = threads * told["elapsed_us"] / 1e6
        return ran

    def oha(self, url, rate, seconds, connections, correction=False):
        command = [self.home / "bin/oha", "--no-tui", "--output-format", "json", "-z", f"{seconds}s", "-c", connections, "-m", "POST",
                   "-H", TARGET, "-T", TYPE, "-d", "{}"]
        command += ["-q", rate] if rate else []
        command += ["--latency-correction"] if correction else []
        ran = Ran([*command, url])
        ran.p99_ms = json.loads(ran.text)["latencyPercentiles"]["p99"] * 1e3
        return ran

    def hey(self, url, rate, seconds, connections):
        # hey's -q is each worker's.
        command = ["hey", "-z", f"{seconds}s", "-c", connections, "-m", "POST", "-H", TARGET, "-T", TYPE, "-d", "{}"]
        command += ["-q", rate / connections] if rate else []
        ran = Ran([*command, url])
        found = re.search(r"99% in ([\d.]+) secs", ran.text)
        ran.p99_ms = float(found[1]) * 1e3 if found else None
        return ran

    def wrk(self, url, seconds):
        script = self.work / "post.lua"
        script.write_text(f'wrk.method = "POST"\nwrk.body = "{{}}"\nwrk.headers["x-amz-target"] = "{TARGET.split(": ")[1]}"\nwrk.headers["content-type"] = "{TYPE}"\n')
        return Ran(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "-s", script, url])

    def autocannon(self, url, rate, seconds, connections):
        command = [self.home / "node_modules/.bin/autocannon", "-c", connections, "-d", seconds, "-m", "POST", "-H", TARGET.replace(": ", "="), "-H", f"content-type={TYPE}",
                   "-b", "{}", "--json", "--no-progress"]
        command += ["-R", rate] if rate else []
        ran = Ran([*command, url])
        ran.p99_ms = json.loads(ran.text)["latency"]["p99"]
        return ran

    def locust(self, url, rate, seconds, users):
        env = {"PEERS_URL": url, "PEERS_RATE_EACH": str(rate / users if rate else 0)}
        command = [self.home / "venv/bin/locust", "-f", pathlib.Path(__file__).with_name("locustfile.py"), "--headless", "-u", users, "-r", users, "-t", f"{seconds}s", "--json"]
        ran = Ran(command, env)
        times = {}
        for entry in json.loads(ran.text[ran.text.index("["):]):
            for ms, n in entry["response_times"].items():
                times[float(ms)] = times.get(float(ms), 0) + n
        ran.p99_ms = weighted(times, 0.99)
        return ran


def weighted(times, share):
    left = sum(times.values()) * share
    for ms in sorted(times):
        left -= times[ms]
        if left <= 0:
            return ms
    return None


def rank(values, share):
    """A percentile by the nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, -int(-len(ordered) * share // 1) - 1)]


def deviation(arrivals, rate):
    """p50, p99 and the rate error of the arrivals after the first half second."""
    at = [a["arrived_us"] for a in arrivals]
    at = [us for us in at if us > at[0] + 500_000]
    if len(at) < 100:
        return None
    offsets = [us - k * 1e6 / rate for k, us in enumerate(at)]
    grid = min(offsets)
    late = [offset - grid for offset in offsets]
    n, mean_k, mean_us = len(at), (len(at) - 1) / 2, statistics.fmean(at)
    slope = sum((k - mean_k) * (us - mean_us) for k, us in enumerate(at)) / sum((k - mean_k) ** 2 for k in range(n))
    return rank(late, 0.50), rank(late, 0.99), 1e6 / slope / rate - 1


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|---" * len(head) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print(flush=True)


def say(text):
    print(text, file=sys.stderr, flush=True)


def pacing(tools, rounds, seconds):
    ways = {
        "livebench wire, spin": lambda url, rate: tools.livebench_open("wire", "spin", url, rate, seconds, 1024),
        "livebench sdk, timer": lambda url, rate: tools.livebench_open("sdk", "timer", url, rate, seconds, 1024),
        "oha -q": lambda url, rate: tools.oha(url, rate, seconds, CONNECTIONS),
        "autocannon -R": lambda url, rate: tools.autocannon(url, rate, seconds, CONNECTIONS),
        "hey -q": lambda url, rate: tools.hey(url, rate, seconds, 10),
        "locust, boto3": lambda url, rate: tools.locust(url, rate, seconds, 20) if rate <= 200 else None,
    }
    for rate in (200, 1000, 5000):
        seen = {name: [] for name in ways}
        for number in range(rounds):
            for name, way in ways.items():
                say(f"pacing   round {number + 1}, {rate}/s, {name}")
                emulator = Emulator(tools.livebench, tools.work, OPEN)
                ran = way(emulator.url, rate)
                arrivals = emulator.stop()
                found = ran and deviation(arrivals, rate)
                if found:
                    seen[name].append((*found, ran.cpu_s * 1e6 / len(arrivals)))
        oha = seen["oha -q"]
        print(f"### Arrival at the server against the schedule, {rate}/s for {seconds} s, medians of {rounds} interleaved rounds\n")
        rows = []
        for name, figures in seen.items():
            if not figures:
                continue
            p50, p99, error, cpu = (statistics.median(column) for column in zip(*figures))
            ratios = [statistics.median(mine[i] / max(theirs[i], 1e-9) for mine, theirs in zip(figures, oha)) for i in (0, 1)]
            rows.append([name, f"{p50:.0f}", f"{p99:.0f}", f"{error * 100:+.4f} %", f"{cpu:.0f}", f"{ratios[0]:.3f}", f"{ratios[1]:.3f}"])
        table(["tool", "p50 us", "p99 us", "rate error", "CPU us a call", "p50 / oha's", "p99 / oha's"], rows)


def felt(rate, lasts, at, stall):
    """Response times of users who come on a grid to a server that stands still once and answers at once otherwise."""
    dues = (k / rate for k in range(int(rate * lasts)))
    return [(at + stall - due if at <= due < at + stall else 0.0) for due in dues]


def honesty(tools):
    ways = {
        "livebench sdk": lambda url: tools.livebench_open("sdk", "timer", url, STALL_RATE, STALL_LASTS, 512),
        "livebench wire": lambda url: tools.livebench_open("wire", "timer", url, STALL_RATE, STALL_LASTS, 512),
        "oha -q": lambda url: tools.oha(url, STALL_RATE, STALL_LASTS, CONNECTIONS),
        "oha -q --latency-correction": lambda url: tools.oha(url, STALL_RATE, STALL_LASTS, CONNECTIONS, True),
        "autocannon -R": lambda url: tools.autocannon(url, STALL_RATE, STALL_LASTS, CONNECTIONS),
        "hey -q": lambda url: tools.hey(url, STALL_RATE, STALL_LASTS, 10),
        "locust, boto3": lambda url: tools.locust(url, STALL_RATE, STALL_LASTS, 20),
    }
    truth = rank(felt(STALL_RATE, STALL_LASTS, STALL_AT, STALL_FOR), 0.99) * 1e3
    print(f"### Honesty: {STALL_RATE}/s for {STALL_LASTS} s, the server answers nothing for {STALL_FOR:.0f} s; users felt a p99 of {truth:.0f} ms\n")
    rows = []
    for name, way in ways.items():
        say(f"honesty  {name}")
        emulator = Emulator(tools.livebench, tools.work, OPEN + f'stalls = [ {{ at = "{STALL_AT}s", for = "{STALL_FOR}s" }} ]\n')
        ran = way(emulator.url)
        sent = len(emulator.stop())
        off = "unknown" if ran.p99_ms is None else f"{(ran.p99_ms / truth - 1) * 100:+.2f} %"
        rows.append([name, "unknown" if ran.p99_ms is None else f"{ran.p99_ms:.1f}", off, f"{sent} of {STALL_RATE * STALL_LASTS}"])
    table(["tool", "p99 told, ms", "off", "calls sent"], rows)


def closed(tools, rounds, seconds):
    ways = {
        "wrk (unsigned, reads nothing)": lambda url: tools.wrk(url, seconds),
        "oha (unsigned)": lambda url: tools.oha(url, None, seconds, CONNECTIONS),
        "livebench wire (signed)": lambda url: tools.livebench_closed("wire", url, seconds),
        "livebench sdk (signed)": lambda url: tools.livebench_closed("sdk", url, seconds),
        "hey (unsigned)": lambda url: tools.hey(url, None, seconds, CONNECTIONS),
        "autocannon (unsigned)": lambda url: tools.autocannon(url, None, seconds, CONNECTIONS),
        "locust, boto3 (signed)": lambda url: tools.locust(url, None, seconds, CONNECTIONS),
    }
    seen = {name: [] for name in ways}
    for number in range(rounds):
        for name, way in ways.items():
            say(f"closed   round {number + 1}, {name}")
            emulator = Emulator(tools.livebench, tools.work, OPEN)
            ran = way(emulator.url)
            calls = len(emulator.stop())
            load_cpu_s = getattr(ran, "load_cpu_s", ran.cpu_s)
            seen[name].append((calls / seconds, ran.cpu_s * 1e6 / max(calls, 1), load_cpu_s * 1e6 / max(calls, 1), ran.peak_mb))
    wrk = seen["wrk (unsigned, reads nothing)"]
    print(f"### Closed loop, {CONNECTIONS} connections, {seconds} s, medians of {rounds} interleaved rounds, the emulator on the same cores\n")
    rows = []
    for name, figures in seen.items():
        rate, cpu, load, peak = (statistics.median(column) for column in zip(*figures))
        ratio = statistics.median(mine[2] / theirs[2] for mine, theirs in zip(figures, wrk))
        rows.append([name, f"{rate:.0f}", f"{cpu:.1f}", f"{load:.1f}", f"{ratio:.2f}", f"{peak:.1f}"])
    table(["tool", "calls/s", "CPU us a call", "of it for the load", "x wrk", "memory MB"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("livebench")
    parser.add_argument("home", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--only", default="pacing,honesty,closed")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        tools = Tools(given.livebench, given.home, pathlib.Path(work))
        wanted = given.only.split(",")
        if "pacing" in wanted:
            pacing(tools, given.rounds, given.seconds)
        if "honesty" in wanted:
            honesty(tools)
        if "closed" in wanted:
            closed(tools, given.rounds, given.seconds)


if __name__ == "__main__":
    main()
