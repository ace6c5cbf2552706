"""Drills of a bad day at the service or the network: credentials that end, a restarted emulator, idle connections, a quota that changes."""

import json
import os
import selectors
import socket
import struct
import subprocess
import threading
import time

from harness import SOAK_RATE, Case, Emulator, Run, accounting, environment, together

# What a probe of an idle balancer takes: 60 s (an Application Load Balancer) and 350 s (a Network Load Balancer).
IDLE_S = {"balancer, reset after 60 s": 60, "balancer, reset after 350 s": 350}
LINGER_NOT = struct.pack("ii", 1, 0)


def credentials(context):
    """Keys that end in mid-run; their provider takes three seconds, and fails once when it is asked for new ones."""
    return together(lambda: expiring(context, "sdk"), lambda: expiring(context, "wire"))


# livebench asks for new keys a minute before the old ones end: they live for that, and for a sixth of the run.
ASKED_BEFORE_S = 60
# Longer than a busy machine holds up a call.
PROVIDER_S = 3


def expiring(context, transport):
    name = f"credentials-{transport}"
    folder = context.folder(name)
    life = ASKED_BEFORE_S + context.length / 6
    provider = folder / "provider.py"
    provider.write_text(
        "import datetime, json, pathlib, sys, time\n"
        f"count = pathlib.Path({str(folder / 'asked')!r})\n"
        "asked = len(count.read_text()) if count.exists() else 0\n"
        "count.write_text('x' * (asked + 1))\n"
        f"time.sleep({PROVIDER_S})\n"
        "if asked == 1:\n"
        "    sys.exit('the provider is not well')\n"
        f"end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds={life})\n"
        "key = 'AKIDONE' if asked % 2 else 'AKIDTWO'\n"
        "print(json.dumps({'Version': 1, 'AccessKeyId': key, 'SecretAccessKey': 'drill', 'SessionToken': 'token',\n"
        "                  'Expiration': end.strftime('%Y-%m-%dT%H:%M:%SZ')}))\n"
    )
    profile = folder / "config"
    profile.write_text(f"[default]\nregion = us-east-1\ncredential_process = python3 {provider}\n")
    env = environment(AWS_CONFIG_FILE=str(profile), AWS_PROFILE="default")
    del env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]
    # A loopback endpoint needs no keys, and livebench asks nobody for any. Under a name of its own it is far away; the name stands in a
    # /etc/hosts that only this run sees.
    hosts = folder / "hosts"
    hosts.write_text("127.0.0.1 localhost emulator.drill\n")
    inside = ["unshare", "-m" if os.geteuid() == 0 else "-rm", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', str(hosts)]
    if subprocess.run([*inside, "true"], capture_output=True).returncode:
        return [Case(f"{transport}: not tried, needs a mount namespace", True, 0, "")]
    config = 'quota = { kind = "none" }\n' + "".join(
        f'[[emulator.credentials]]\naccess_key_id = "{key}"\nsecret_access_key = "drill"\nsession_token = "token"\n' for key in ("AKIDONE", "AKIDTWO")
    )
    with Emulator(context, name, config) as emulator:
        emulator.url = emulator.url.replace("127.0.0.1", "emulator.drill")
        scenario = context.scenario(name, load=f'transport = "{transport}"', budget="max_spend_usd = 1000000")
        run = Run(context, scenario, emulator, ["--live", "off", "--yes"], env, before=inside)
        code = run.wait()
        emulator.url = emulator.url.replace("emulator.drill", "127.0.0.1")
        wrong = accounting(run, emulator.metric("livebench_requests_total"))
    asked = len((folder / "asked").read_text())
    summary = run.summary()
    lost = summary["counts"]["sent"] - summary["counts"]["ok"]
    slowest = summary["latency"]["service"]["ok"]["max_us"] / 1e6
    kept = not wrong and code == 0 and lost == 0 and asked >= 3 and slowest < PROVIDER_S / 2
    figure = "; ".join(wrong) or f"{asked} askings of {PROVIDER_S} s, one of them failed; {lost} calls refused, the slowest took {slowest:.2f} s"
    return [Case(f"{transport}: keys that end, a provider that fails once", kept, lost, figure)]


def errors(counts):
    """How calls that were sent did not end well."""
    return {name: count for name, count in counts["by_outcome"].items() if count and name not in ("ok", "missed")}


def restart(context):
    """The emulator ends in mid-run and comes back on its port, with its state."""
    state = context.work / "restart.state"
    options = ["--state", str(state)]
    with Emulator(context, "restart", 'quota = { kind = "none" }', options=options) as emulator:
        run = Run(context, context.scenario("restart"), emulator)
        run.sleep_until(context.length / 2)
        read_at, before = time.monotonic(), emulator.metric("livebench_requests_total")
        listen = emulator.url.removeprefix("http://")
        emulator.stop()
        # It hears calls until it has stopped, and its count ends with it.
        uncounted = 1 + SOAK_RATE * (time.monotonic() - read_at)
        known = len(json.loads(state.read_text())["emulator"]["places"])
        time.sleep(min(2.0, context.length / 20))
        emulator.start(listen)
        away = 2 + min(2.0, context.length / 20)
        run.wait()
        wrong = accounting(run)
        connections = emulator.metric("livebench_connections")
        after = emulator.metric("livebench_requests_total")
    summary = run.summary()
    counts = summary["counts"]
    names, lost = errors(counts), counts["sent"] - counts["ok"]
    named = set(names) <= {"connection_lost", "connect_timeout", "other_transport"}
    kept = not wrong and named and known and lost <= SOAK_RATE * away and counts["ok"] == counts["sent"] - lost and connections <= 64 and after + before + uncounted >= counts["ok"]
    figure = "; ".join(wrong) or f"refused meanwhile: {names}, {connections:.0f} connections at the end"
    return [Case("restarted with --state", bool(kept), lost, figure)]


class Balancer(threading.Thread):
    """A proxy that resets a connection over which nothing went for a while."""

    def __init__(self, target, idle_s):
        super().__init__(daemon=True)
        host, port = target.removeprefix("http://").rsplit(":", 1)
        self.target, self.idle_s = (host, int(port)), idle_s
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.opened = self.reset = 0
        self.start()

    def run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.opened += 1
            threading.Thread(target=self.carry, args=(client,), daemon=True).start()

    def carry(self, client):
        server = socket.create_connection(self.target)
        with selectors.DefaultSelector() as ready, client, server:
            ready.register(client, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, client)
            try:
                while events := ready.select(self.idle_s):
                    for key, _ in events:
                        data = key.fileobj.recv(65536)
                        if not data:
                            return
                        key.data.sendall(data)
            except OSError:
                return
            self.reset += 1
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)


def balancer(context):
    """Connections reset because they were idle: calls come in groups, with longer pauses than that between them."""
    return together(*(lambda name=name, idle=idle, transport=transport: idle_reset(context, f"{transport}: {name}", idle, transport)
                      for name, idle in IDLE_S.items() for transport in ("sdk", "wire")))


def idle_reset(context, what, idle_s, transport):
    name = f"balancer-{transport}-{idle_s}"
    # At least half a second: the pauses are longer than this, and the scenario has some of them at any scale.
    idle = max(idle_s / context.factor, 0.5)
    groups = max(2, min(50, int(context.length / (3 * idle))))
    stages = ", ".join([f'{{ calls = 20 }}, {{ for = "{2 * idle:.3f}s", rate = {0.01 / idle:.6f} }}'] * groups)
    with Emulator(context, name, 'quota = { kind = "none" }') as emulator:
        between = Balancer(emulator.url, idle)
        emulator.url = between.url
        run = Run(context, context.scenario(name, stages=f"[ {stages} ]", load=f'transport = "{transport}"'), emulator)
        run.wait(more_s=60 + 3 * idle * groups)
        between.listener.close()
    wrong = accounting(run)
    counts = run.summary()["counts"]
    names, lost = errors(counts), counts["sent"] - counts["ok"]
    kept = not wrong and between.reset >= 20 and set(names) <= {"connection_lost"} and lost <= counts["sent"] * 0.01 and between.opened <= counts["sent"]
    figure = "; ".join(wrong) or f"{between.reset} connections reset, {between.opened} opened, {counts['sent']} calls, errors {names or 'none'}"
    return [Case(what, kept, lost, figure)]


def quota(context):
    """The quota is halved at half-time; the timeline says when."""
    with Emulator(context, "quota", 'quota = { kind = "none" }') as emulator:
        run = Run(context, context.scenario("quota"), emulator)
        run.sleep_until(context.length / 2)
        rate = SOAK_RATE / 2
        emulator.post("quota", {"kind": "token-bucket", "rate": rate, "burst": 1})
        changed = time.monotonic() - run.began
        run.wait()
        wrong = accounting(run, emulator.metric("livebench_requests_total"))
    timeline = (run.folder / "timeline.csv").read_text().splitlines()
    column = timeline[0].split(",").index("throttled_quota")
    throttled = [int(line.split(",")[0]) for line in timeline[1:] if int(line.split(",")[column])]
    seen = throttled[0] if throttled else None
    # A minute of the drill's, but not less than what a timeline in seconds and the start of the run can tell apart.
    within = max(context.hour / 60, 3)
    counts = run.summary()["counts"]
    kept = not wrong and seen is not None and abs(seen - changed) <= within
    figure = "; ".join(wrong) or f"changed at {changed:.1f} s, first refusal in second {seen}; {counts['throttled']} refused"
    return [Case("quota halved", kept, 0, figure)]
