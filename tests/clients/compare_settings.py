"""Which host the AWS CLI v1 and `livebench call` would call under the same variables, profiles and options. Nothing is sent.

usage: compare_settings.py LIVEBENCH, with the Python that has awscli

The CLI is stopped where it hands its request over; livebench, without `--yes`, says what it would call. They agree when both name the same
scheme, host and port, or both refuse. Left out, for livebench does otherwise on purpose: AWS_REGION, which version 1 does not know; values
of switches that are neither true nor false and malformed ports of variables, which livebench refuses; settings of retries that the CLI
refuses, which livebench never reads.
"""

import os
import re
import subprocess
import sys
import tempfile
from urllib.parse import urlsplit

from forked_aws import VERSION, aws

LIVEBENCH = sys.argv[1]
WORK = tempfile.mkdtemp(prefix="livebench-settings-")
BASE = {name: value for name, value in os.environ.items() if not name.startswith("AWS_") and name != "REQUESTS_CA_BUNDLE"}
BASE.update(AWS_ACCESS_KEY_ID="AKIDCOMPARE", AWS_SECRET_ACCESS_KEY="secret", AWS_EC2_METADATA_DISABLED="true", HOME=WORK, PYTHONUTF8="1")

A, B, FAR = "http://127.0.0.1:9", "https://localhost:10", "https://gateway.example"
KEYS = "aws_access_key_id = AKIDCOMPARE\naws_secret_access_key = secret"
EAST = {"AWS_DEFAULT_REGION": "us-east-1"}
SERVICES = f"[services s]\nrekognition =\n  endpoint_url = {A}\ns3 =\n  endpoint_url = {FAR}\n"


def profile(text, name="default"):
    return f"[{'default' if name == 'default' else 'profile ' + name}]\nregion = us-east-1\n{text}\n"


# (variables, configuration file, options)
ROWS = {
    "endpoint": [
        ({**EAST, "AWS_ENDPOINT_URL": A}, "", []),
        ({**EAST, "AWS_ENDPOINT_URL_REKOGNITION": A}, "", []),
        ({**EAST, "AWS_ENDPOINT_URL": FAR, "AWS_ENDPOINT_URL_REKOGNITION": A}, "", []),
        ({**EAST, "AWS_ENDPOINT_URL": FAR}, "", ["--endpoint-url", B]),
        ({**EAST, "AWS_ENDPOINT_URL": A, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, "", []),
        ({**EAST, "AWS_ENDPOINT_URL": A, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "TRUE"}, "", []),
        ({**EAST, "AWS_ENDPOINT_URL": A, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false"}, "", []),
        ({}, profile(f"endpoint_url = {A}"), []),
        ({}, profile(f"endpoint_url = {A}\nignore_configured_endpoint_urls = true"), []),
        ({"AWS_ENDPOINT_URL": FAR}, profile(f"endpoint_url = {A}"), []),
        ({}, profile("services = s") + SERVICES, []),
        ({}, profile(f"services = s\nendpoint_url = {FAR}") + SERVICES, []),
        ({"AWS_ENDPOINT_URL": FAR}, profile("services = s") + SERVICES, []),
        ({}, profile(f"services = t\nendpoint_url = {FAR}") + SERVICES + "[services t]\ns3 =\n  endpoint_url = http://127.0.0.1:11\n", []),
        ({}, profile("services = missing"), []),
        ({"AWS_ENDPOINT_URL": FAR}, profile("services = missing"), []),
        ({}, profile("services = missing"), ["--endpoint-url", A]),
        (EAST, "", ["--endpoint-url", "127.0.0.1:80"]),
        (EAST, "", ["--endpoint-url", "http://127.0.0.1:99999"]),
        (EAST, "", ["--endpoint-url", "http://"]),
        (EAST, "", ["--endpoint-url", "http://[::1]:9"]),
    ],
    "region": [
        (EAST, "", []),
        (EAST, "", ["--region", "eu-west-1"]),
        ({}, profile(""), []),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, profile(""), []),
        ({}, "", []),
        ({"AWS_DEFAULT_REGION": " us-east-1"}, "", []),
        ({"AWS_DEFAULT_REGION": "us_east_1"}, "", []),
        ({"AWS_DEFAULT_REGION": "-us-east-1"}, "", []),
        ({"AWS_DEFAULT_REGION": "12"}, "", []),
        (EAST, "", ["--region", "us east 1"]),
        ({"AWS_DEFAULT_REGION": "fips-us-east-1"}, "", []),
        ({"AWS_DEFAULT_REGION": "us-west-2-fips"}, "", []),
        ({"AWS_DEFAULT_REGION": "cn-north-1"}, "", []),
        ({"AWS_DEFAULT_REGION": "mars-north-1"}, "", []),
    ],
    "profile": [
        ({"AWS_PROFILE": "a"}, profile("", "a"), []),
        ({"AWS_DEFAULT_PROFILE": "a"}, profile("", "a"), []),
        ({"AWS_PROFILE": "a", "AWS_DEFAULT_PROFILE": "b"}, profile("", "a") + profile(f"endpoint_url = {A}", "b"), []),
        ({"AWS_PROFILE": "a"}, profile("", "a") + profile(f"endpoint_url = {A}\n{KEYS}", "b"), ["--profile", "b"]),
        ({"AWS_PROFILE": "ghost"}, profile("", "a"), []),
        ({"AWS_PROFILE": "ghost"}, profile("", "a"), ["--endpoint-url", A]),
        ({}, profile("", "a"), ["--profile", "ghost"]),
        ({"AWS_PROFILE": "My MacBook Pro"}, profile(f"endpoint_url = {A}", '"My MacBook Pro"'), []),
        ({"AWS_PROFILE": "My MacBook Pro"}, profile(f"endpoint_url = {A}", "'My MacBook Pro'"), []),
        ({"AWS_PROFILE": "My MacBook Pro"}, profile(f"endpoint_url = {A}", "My MacBook Pro"), []),
        (EAST, "[default\nregion = us-east-1\n", []),
        (EAST, "[default]\nregion\n", []),
        (EAST, "[default]\n[default]\n", []),
        (EAST, "region = us-east-1\n", []),
        (EAST, b"[default]\n# caf\xe9\n", []),
        ({}, "[default]\n  region = eu-west-1\n  output = json\n", []),
        ({}, "; c\n[default]\nRegion: eu-west-1\n", []),
    ],
    "retry": [
        ({**EAST, "AWS_RETRY_MODE": mode, "AWS_MAX_ATTEMPTS": "3"}, "", more)
        for mode in ("legacy", "standard", "adaptive")
        for more in ([], ["--endpoint-url", A])
    ]
    + [({}, profile("retry_mode = legacy\nmax_attempts = 2"), [])],
    "FIPS and dual stack": [
        ({**EAST, name: value}, "", more)
        for name in ("AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT")
        for value in ("true", "True", "false")
        for more in ([], ["--endpoint-url", A], ["--endpoint-url", FAR])
    ]
    + [
        ({**EAST, "AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"}, "", []),
        ({}, profile("use_fips_endpoint = true"), []),
        ({}, profile("use_dualstack_endpoint = true"), []),
        ({}, profile("use_fips_endpoint = true\nuse_dualstack_endpoint = true"), ["--endpoint-url", A]),
        ({"AWS_USE_FIPS_ENDPOINT": "false"}, profile("use_fips_endpoint = true"), []),
    ],
}


def stop_at_the_request():
    """In the process of the CLI: says what it would call, and calls nothing."""
    import botocore.httpsession

    def send(_, request):
        sys.stderr.write(f"CALLED {request.url}\n")
        sys.stderr.flush()
        os._exit(0)

    botocore.httpsession.URLLib3Session.send = send


def place(url):
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}[parts.scheme]


def theirs(environment, options):
    code, _, said = aws(["rekognition", "create-face-liveness-session", *options], environment, stop_at_the_request)
    called = re.search(r"CALLED (\S+)", said)
    return (place(called.group(1)) if called else None), code, said


def ours(environment, options):
    command = [LIVEBENCH, "call", "--target", "aws", *options]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    said = done.stderr.decode()
    called = re.search(r"(https?://\S+) \(from [^)]*\) is treated as AWS", said)
    return (place(called.group(1)) if called else None), done.returncode, said


def agree(row):
    variables, config, options = row
    path = os.path.join(WORK, "config")
    with open(path, "wb") as file:
        file.write(config if isinstance(config, bytes) else config.encode())
    environment = {**BASE, "AWS_CONFIG_FILE": path, "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent", **variables}
    them, us = theirs(environment, options), ours(environment, options)
    if them[0] == us[0] and us[1] == 2 and us[2].strip():
        return True
    print(f"FAIL {variables} {config!r} {options}\n  aws:       {them!r}\n  livebench: {us!r}")
    return False


def main():
    passed = failed = 0
    for name, rows in ROWS.items():
        right = sum(agree(row) for row in rows)
        passed, failed = passed + right, failed + len(rows) - right
        print(f"{'ok  ' if right == len(rows) else 'FAIL'} {name}: {right} of {len(rows)}", flush=True)
    print(f"settings, livebench call and AWS CLI {VERSION}: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
