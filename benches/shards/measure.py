#!/usr/bin/env python3
"""What a run over several processes costs and keeps: measure.py merge|gaps|single BINARY DIR [OTHER]

merge   four shards of a million calls each, made in virtual time, are merged: time, CPU, peak memory; the mere copy of samples.csv beside it
gaps    one process at 4000/s against four shards at 1000/s, both over wire against one emulator, five pairs in turn: how evenly calls
        arrive, and whether merged percentiles are those of all samples
single  a run without any shard option: BINARY against OTHER, five pairs in turn: CPU, peak memory, bytes of the run's directory

Everything is on this machine's loopback. Shares of one machine are comparisons, not capabilities: the load of the machine is printed.
"""

import csv
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path


def child(arguments, **options):
    """Runs a command; its exit code, seconds, CPU seconds and peak memory in MiB."""
    begun = time.monotonic()
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, time.monotonic() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def loaded():
    return "load of the machine %.1f on %d cores" % (os.getloadavg()[0], os.cpu_count())


def merge(binary, work):
    scenario = work / "million.toml"
    scenario.write_text(
        'name = "million"\nseed = 7\n[load]\nconcurrency = 4000\nstages = [ { for = "1000s", rate = 4000 } ]\n'
        '[emulator]\nquota = { kind = "none" }\nlatency = { median = "45ms", p99 = "160ms" }\n'
    )
    parts = work / "parts"
    if not parts.exists():
        for shard in range(4):
            child([binary, "run", scenario, "--virtual-time", "--shard", f"{shard}/4", "--start-at", "2026-11-27T10:00:00Z", "--out", parts])
    sources = sorted(parts.glob("*/samples.csv"))
    size = sum(path.stat().st_size for path in sources)
    for round in range(3):
        begun, cpu = time.monotonic(), time.process_time()
        with open(work / "copy.csv", "wb") as copy:
            for path in sources:
                with open(path, "rb") as file:
                    shutil.copyfileobj(file, copy, 1 << 16)
        copied, cpu = time.monotonic() - begun, time.process_time() - cpu
        (work / "copy.csv").unlink()
        shutil.rmtree(work / "merged", ignore_errors=True)
        code, seconds, used, memory = child([binary, "merge", parts, "--out", work / "merged"])
        print(f"merge 4 x 1,000,000: exit {code}, {seconds:.1f} s, {used:.1f} s of CPU, {memory:.0f} MiB at most; "
              f"the mere copy of {size / 1e6:.0f} MB: {copied:.1f} s, {cpu:.1f} s of CPU; {loaded()}", flush=True)


def serve(binary, work):
    config, log = work / "emulator.toml", work / "arrivals.ndjson"
    config.write_text('[emulator]\nquota = { kind = "none" }\nlatency = "5ms"\n')
    log.unlink(missing_ok=True)
    server = subprocess.Popen([binary, "emulate", "--listen", "127.0.0.1:0", "--config", config, "--log", log], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    endpoint = next(word for word in server.stdout.readline().split() if word.startswith("http"))
    return server, endpoint, log


def spread(log):
    """The coefficient of variation of the gaps between arrivals."""
    at = sorted(json.loads(line)["arrived_us"] for line in open(log) if '"arrived_us"' in line)
    # The first and the last half second are beginning and end.
    at = [us for us in at if at[0] + 500_000 < us < at[-1] - 500_000]
    gaps = [b - a for a, b in zip(at, at[1:])]
    return statistics.pstdev(gaps) / statistics.mean(gaps), len(at)


def percentiles(rows):
    times = sorted(int(row["done_us"]) - int(row["due_us"]) for row in rows if row["outcome"] == "ok")
    return {f"p{name}_us": times[max(0, -(-len(times) * share // 1000) - 1)] for name, share in (("50", 500), ("90", 900), ("99", 990))}


def gaps(binary, work):
    def scenario(rate):
        path = work / f"rate-{rate}.toml"
        path.write_text(f'name = "gaps"\n[load]\nconcurrency = 4000\nstages = [ {{ for = "6s", rate = {rate} }} ]\ntransport = "wire"\n')
        return path

    pairs = []
    for pair in range(5):
        found = []
        for shards in (1, 4):
            server, endpoint, log = serve(binary, work)
            out = work / f"gaps-{pair}-{shards}"
            shutil.rmtree(out, ignore_errors=True)
            common = [binary, "run", scenario(4000), "--endpoint-url", endpoint, "--region", "us-east-1", "--live", "off", "--out", out, "--start-at", f"{time.time() + 2:.3f}"]
            runs = [subprocess.Popen([*common, "--shard", f"{n}/{shards}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for n in range(shards)]
            for run in runs:
                run.wait()
            server.terminate()
            server.wait()
            found.append(spread(log))
            if shards > 1:
                child([binary, "merge", out, "--out", out / "merged"])
                merged = next((out / "merged").iterdir())
                told = json.loads((merged / "summary.json").read_text())["latency"]["response"]["ok"]
                truth = percentiles(csv.DictReader(open(merged / "samples.csv")))
                worst = max(abs(told[name] - us) / us for name, us in truth.items())
        (one, _), (four, arrived) = found
        pairs.append(four / one)
        print(f"pair {pair + 1}: gaps' coefficient of variation {one:.2f} of one process, {four:.2f} of four shards ({four / one:.2f} times; "
              f"{arrived} arrivals); merged percentiles within {worst:.2%} of those of all samples; {loaded()}", flush=True)
    print(f"median of {len(pairs)} pairs: {statistics.median(pairs):.2f} times")


def single(binary, work, other):
    path = work / "single.toml"
    path.write_text('name = "single"\nseed = 7\n[load]\nconcurrency = 4000\nstages = [ { for = "100s", rate = 2000 } ]\n[emulator]\nquota = { kind = "none" }\nlatency = "45ms"\n')
    pairs = []
    for pair in range(5):
        found = []
        for name, program in (("this", binary), ("other", other)):
            out = work / f"single-{name}"
            shutil.rmtree(out, ignore_errors=True)
            _, _, cpu, memory = child([program, "run", path, "--virtual-time", "--out", out])
            size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
            found.append((cpu, memory, size))
        pairs.append(tuple(a / b for a, b in zip(*found)))
        print(f"pair {pair + 1}: CPU {found[0][0]:.2f} and {found[1][0]:.2f} s, memory {found[0][1]:.0f} and {found[1][1]:.0f} MiB, "
              f"{found[0][2]} and {found[1][2]} bytes; {loaded()}", flush=True)
    print("median of 5 pairs: CPU %.3f, memory %.3f, bytes %.4f times" % tuple(statistics.median(column) for column in zip(*pairs)))


what, binary, work = sys.argv[1], str(Path(sys.argv[2]).resolve()), Path(sys.argv[3]).resolve()
work.mkdir(parents=True, exist_ok=True)
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
if what == "single":
    single(binary, work, str(Path(sys.argv[4]).resolve()))
else:
    {"merge": merge, "gaps": gaps}[what](binary, work)
