"""What the checks of every Python client share: emulators on free ports, their admin endpoints, and a counter of checks."""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
CREDENTIALS = """
[[emulator.credentials]]
access_key_id = "AKIDEXAMPLE"
secret_access_key = "secret"
account = "111122223333"

[[emulator.credentials]]
access_key_id = "ASIAEXAMPLE"
secret_access_key = "temporary"
session_token = "the-right-token"
account = "444455556666"
"""
CHECKS = []


def check(function):
    """A check: passes unless it raises. Its name is the function's."""
    CHECKS.append((function.__name__, function))
    return function


def each(**rows):
    """A check for each row: its name is the function's and the row's."""

    def add(function):
        for name, row in rows.items():
            values = row if isinstance(row, tuple) else (row,)
            CHECKS.append((f"{function.__name__}: {name}", lambda values=values: function(*values)))
        return function

    return add


def run_checks(client):
    """Runs all checks, prints each and the total; the exit code. `client` is what they are checks of."""
    # Nothing of the machine's own AWS settings.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(AWS_EC2_METADATA_DISABLED="true", AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)
    assert len(CHECKS) == len({name for name, _ in CHECKS}), "two checks of one name"
    only = sys.argv[2:]
    ran = failed = 0
    for name, function in CHECKS:
        if only and not any(word in name for word in only):
            continue
        ran += 1
        try:
            function()
            print(f"ok   {name}", flush=True)
        except Exception:
            failed += 1
            print(f"FAIL {name}", flush=True)
            traceback.print_exc(file=sys.stdout)
    print(f"{client}: {ran - failed} passed, {failed} failed")
    return 1 if failed or not ran else 0


class Emulator:
    """A running server."""

    def __init__(self, binary, folder, config="", arguments=()):
        self.folder = pathlib.Path(folder)
        self.log = self.folder / "arrivals.jsonl"
        command = [binary, "emulate", "--listen", "127.0.0.1:0", "--output", "json", "--log", str(self.log), *arguments]
        if config:
            path = self.folder / "emulator.toml"
            path.write_text("[emulator]\n" + config, encoding="utf-8")
            command += ["--config", str(path)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            _, said = self.process.communicate()
            raise AssertionError(f"no ready line; exit code {self.process.returncode}: {said}")
        self.ready = json.loads(line)
        self.endpoint = self.ready["endpoint"]
        self.said = ""

    def get(self, path):
        """What one of its own GET endpoints answers."""
        with urllib.request.urlopen(f"{self.endpoint}/_livebench/{path}", timeout=30) as answer:
            text = answer.read().decode()
        return text if path == "metrics" else json.loads(text)

    def post(self, path, **members):
        """Status and answer of one of its own POST endpoints."""
        request = urllib.request.Request(f"{self.endpoint}/_livebench/{path}", json.dumps(members).encode())
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def fault(self, code, **members):
        status, answer = self.post("fault", code=code, **members)
        assert status == 200, answer

    def complete(self, session_id, **members):
        status, answer = self.post("complete", SessionId=session_id, **members)
        assert status == 200, answer

    def quota(self, **members):
        status, answer = self.post("quota", **members)
        assert status == 200, answer
        return answer

    def requests_of(self, client):
        """The tally of the client whose name begins so."""
        (tally,) = [tally for tally in self.get("clients")["clients"] if tally["client"].startswith(client)]
        return tally

    def stop(self):
        """Stops it as a user does; its arrival log."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            _, self.said = self.process.communicate(timeout=30)
            assert self.process.returncode == 0, f"the emulator ended with {self.process.returncode}: {self.said}"
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]


@contextlib.contextmanager
def emulator(config="", *arguments, binary=None):
    """One that is gone afterwards. What a check leaves running is killed."""
    with tempfile.TemporaryDirectory(prefix="livebench-") as folder:
        running = Emulator(binary or sys.argv[1], folder, config, arguments)
        try:
            yield running
        finally:
            if running.process.poll() is None:
                running.process.kill()
                running.process.communicate()


def until(look, patience=20.0):
    """Looks again and again until there is something to see."""
    deadline = time.monotonic() + patience
    while not (seen := look()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)
    return seen
