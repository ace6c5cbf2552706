"""Runs `aws rekognition create-face-liveness-session` and `livebench call` with the same arguments against the same emulator.

usage: compare_cli.py LIVEBENCH, with the Python that has awscli

What each argument vector is held to:
  same    stdout is the same, byte for byte, and both succeed
  error   both fail with the service's error, and say the same of it on stderr, but that livebench counts no retries
  denied  the same, and livebench has a word more
  words   both refuse before anything is sent, with the same words
  refuse  both refuse before anything is sent
The AWS CLI draws the `Type` in its skeleton from the two at random: it is held to be one of them.
Left out: `--generate-cli-skeleton output`, on which AWS CLI v1 fails by itself; a loopback endpoint without a region, for which
livebench takes us-east-1; AWS_REGION, which version 1 of the AWS CLI does not know.
"""

import json
import os
import subprocess
import sys
import tempfile

from emulators import CREDENTIALS, emulator
from forked_aws import VERSION, aws

LIVEBENCH = sys.argv[1]
TOKEN = ["--client-request-token", "compare-1"]
WORK = tempfile.mkdtemp(prefix="livebench-cli-")

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("AWS_") and name != "NO_COLOR"}
ENVIRONMENT.update(
    AWS_ACCESS_KEY_ID="AKIDCOMPARE",
    AWS_SECRET_ACCESS_KEY="secret",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_CONFIG_FILE="/nonexistent",
    AWS_SHARED_CREDENTIALS_FILE="/nonexistent",
    AWS_EC2_METADATA_DISABLED="true",
    AWS_MAX_ATTEMPTS="1",  # livebench does not retry
    HOME=WORK,
    PYTHONUTF8="1",
)


def keep(name, text):
    path = os.path.join(WORK, name)
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    return path


SHORTHAND = "OutputConfig={S3Bucket=my-bucket,S3KeyPrefix=liveness/},AuditImagesLimit=4"
SETTINGS = {"OutputConfig": {"S3Bucket": "my-bucket", "S3KeyPrefix": "liveness/"}, "AuditImagesLimit": 4}
INPUT = {"KmsKeyId": "alias/liveness", "Settings": SETTINGS, "ClientRequestToken": "compare-1"}

SETTINGS_JSON = keep("settings.json", json.dumps(SETTINGS, indent=2) + "\n")
SETTINGS_SHORT = keep("settings.txt", SHORTHAND)
INPUT_JSON = keep("input.json", json.dumps(INPUT))
TOKEN_FILE = keep("token.txt", "compare-1")
TOKEN_LINE = keep("token-line.txt", "compare-1\n")
BUCKET_FILE = keep("bucket.txt", "my-bucket")
BINARY = os.path.join(WORK, "binary")
with open(BINARY, "wb") as file:
    file.write(b"\xff\xfe")
SHORT_PREFERENCES = "ChallengePreferences=[{Type=FaceMovementChallenge,Versions={Minimum=1.0.0,Maximum=1.0.0}}]"

QUERIES = [
    "SessionId",
    "@",
    "length(SessionId)",
    "{id: SessionId}",
    "{id: SessionId, again: SessionId, b: `1`, a: `null`}",
    "[SessionId]",
    "[SessionId, SessionId]",
    "'a literal'",
    "'漢 é'",
    "{wide: '漢 é', plain: SessionId}",
    "Missing",
    "`[]`",
    "`{}`",
    "`0`",
    "`1.5`",
    "`1e-5`",
    '`[1, 2.0, true, false, null, "x"]`',
    "[[SessionId, `1`], ['x', `2`]]",
    "[[SessionId], 'x']",
    "[{id: SessionId, n: `1`}, {id: 'x', m: `2`}]",
    "[{id: SessionId, list: [`1`, `2`]}, {id: 'x', list: ['y']}]",
    "{id: SessionId, inner: {deep: {deeper: SessionId}, n: `1`}, list: ['a', 'b']}",
    "{z: {y: SessionId}, list: [{b: `1`, a: SessionId}]}",
    "{a: SessionId, b: SessionId, c: SessionId, d: 'x'}",
    "join('-', [SessionId, 'x'])",
    "starts_with(SessionId, 'x')",
    "contains(SessionId, '-')",
    "type(SessionId)",
    "keys(@)",
    "values(@)",
    "not_null(Missing, SessionId)",
    "SessionId && 'yes' || 'no'",
    "!SessionId",
    "sum([length(SessionId), length(SessionId)])",
    "avg(`[1, 2]`)",
    "[ceil(`1.2`), floor(`1.8`), abs(`-3`), abs(`-1.5`), max(`[1, 3]`)]",
    "reverse(SessionId)",
    'sort_by(`[{"a": 2}, {"a": 1}]`, &a)[].a',
    "to_string(@)",
    "to_number('12')",
    "to_array(SessionId)",
    "merge({b: SessionId}, {a: 'x'})",
    "*",
    "@.SessionId | [@, length(@)]",
    '"SessionId"',
]

SAME = [
    TOKEN,
    TOKEN + ["--output", "json"],
    TOKEN + ["--settings", SHORTHAND],
    TOKEN + ["--settings", "AuditImagesLimit=0"],
    TOKEN + ["--settings", " AuditImagesLimit=+2".strip()],
    TOKEN + ["--settings", "AuditImagesLimit= 2 "],
    TOKEN + ["--settings", "OutputConfig={S3Bucket='my-bucket',S3KeyPrefix=\"a,b\"}"],
    TOKEN + ["--settings", "OutputConfig={S3Bucket=my-bucket,S3KeyPrefix=sessions/é/}"],
    TOKEN + ["--settings", SHORT_PREFERENCES],
    TOKEN + ["--settings", "ChallengePreferences={Type=FaceMovementChallenge}"],
    TOKEN + ["--settings", SHORT_PREFERENCES + "," + SHORTHAND],
    TOKEN + ["--settings", json.dumps(SETTINGS)],
    TOKEN + ["--settings", "  " + json.dumps(SETTINGS)],
    TOKEN + ["--settings", "{}"],
    TOKEN + ["--settings", "file://" + SETTINGS_JSON],
    TOKEN + ["--settings", "file://" + SETTINGS_SHORT],
    TOKEN + ["--settings", "file://~/settings.json"],
    TOKEN + ["--settings", "file://$HOME/settings.txt"],
    TOKEN + ["--settings", "OutputConfig={S3Bucket@=file://" + BUCKET_FILE + "}"],
    TOKEN + ["--kms-key-id", "alias/liveness"],
    ["--client-request-token", "file://" + TOKEN_FILE],
    ["--cli-input-json", json.dumps(INPUT)],
    ["--cli-input-json", "file://" + INPUT_JSON],
    ["--cli-input-json", "fileb://" + INPUT_JSON],
    ["--cli-input-json", json.dumps({**INPUT, "ClientRequestToken": "another"})] + TOKEN,
    TOKEN + ["--cli-input-json", '{"Settings": {"AuditImagesLimit": -5}}', "--settings", "AuditImagesLimit=1"],
    TOKEN + ["--no-paginate"],
    TOKEN + ["--no-sign-request"],
    TOKEN + ["--no-verify-ssl"],
    TOKEN + ["--cli-read-timeout", "5", "--cli-connect-timeout", "0"],
    TOKEN + ["--color", "off", "--output", "table"],
    TOKEN + ["--color", "on", "--output", "table"],
    TOKEN + ["--color", "on", "--output", "table", "--query", "{a: SessionId, b: {c: [{d: `1`}]}}"],
    TOKEN + ["--color", "on", "--output", "json"],
    ["--client-request-token", "other", "--client-request-token", "compare-1"],
    ["--generate-cli-skeleton"],
    ["--generate-cli-skeleton", "input"],
    ["--generate-cli-skeleton", "--output", "table"],
    ["--generate-cli-skeleton", "input", "--kms-key-id", ""],
    ["--cli-input-json", json.dumps({"ClientRequestToken": "compare-1"}), "--output", "text"],
]
SAME += [TOKEN + ["--output", form] for form in ("text", "table")]
SAME += [TOKEN + ["--output", form, "--query", query] for query in QUERIES for form in ("json", "text", "table")]

ERROR = [
    ["--client-request-token", "not a token"],
    ["--client-request-token", "x" * 65],
    ["--client-request-token", "file://" + TOKEN_LINE],
    ["--kms-key-id", "k" * 2049],
    ["--kms-key-id", "-bad".replace("-", "/", 1)],
    ["--settings", "OutputConfig={S3Bucket=a b c}"],
    ["--settings", "OutputConfig={S3Bucket=my-bucket,S3KeyPrefix='with space'}"],
    ["--settings", "OutputConfig={S3Bucket=my-bucket},ChallengePreferences=[{Type=Dance}]"],
    ["--settings", "ChallengePreferences=[{Type=FaceMovementChallenge,Versions={Minimum=01.0.0}}]"],
    ["--client-request-token", "not a token", "--kms-key-id", "/", "--output", "table"],
]

WORDS = [
    ["--settings", "x"],
    ["--settings", ""],
    ["--settings", "A={B=1"],
    ["--settings", "A=1,A=2"],
    ["--settings", "AuditImagesLimit=[1 2],B==1"],
    ["--settings", "OutputConfig={S3Bucket='b}"],
    ["--settings", "AuditImagesLimit=1,\nB=="],
    ["--settings", "AuditImagesLimit=-1"],
    ["--settings", "OutputConfig={S3KeyPrefix=a},AuditImagesLimit=-1"],
    ["--settings", "OutputConfig={S3Bucket=ab}"],
    ["--settings", "Colour=red"],
    ["--settings", "ChallengePreferences=[{Versions={Minimum=1.0}}]"],
    ["--kms-key-id", ""],
    ["--kms-key-id", "", "--client-request-token", ""],
    ["--cli-input-json", '{"Setings": {}}'],
]

REFUSE = [
    ["--settings", "AuditImagesLimit=many"],
    ["--settings", "AuditImagesLimit=1,2"],
    ["--settings", "OutputConfig=bucket"],
    ["--settings", "{nope"],
    ["--settings", "[]"],
    ["--settings", '{"AuditImagesLimit": "4"}'],
    ["--settings", '{"AuditImagesLimit": 1.5}'],
    ["--settings", '{"OutputConfig": null}'],
    ["--settings", '{"ChallengePreferences": {"Type": "FaceMovementChallenge"}}'],
    ["--settings", "file:///nowhere/settings.json"],
    ["--settings", "file://" + BINARY],
    ["--settings", "fileb://" + SETTINGS_SHORT],
    ["--kms-key-id", "fileb://" + TOKEN_FILE],
    ["--kms-key-id", "http://127.0.0.1:1/key"],
    ["--kms-key-id"],
    ["--cli-input-json", "{"],
    ["--cli-input-json", "[1]"],
    ["--cli-input-json", "file:///nowhere/input.json"],
    ["--cli-input-json", '{"KmsKeyId": 5}'],
    ["--cli-input-json", "{", "--generate-cli-skeleton"],
    ["--generate-cli-skeleton", "both"],
    ["--generate-cli-skeleton", "--settings", "x"],
    ["--query", "[["],
    ["--query", ""],
    ["--output", "yaml"],
    ["--color", "blue"],
    ["--profile", "nobody"],
    ["--cli-read-timeout", "soon"],
    ["--unknown-option"],
    ["stray"],
    TOKEN + ["--query", "length(`1`)"],
    TOKEN + ["--output", "table", "--query", "[['a', 'b'], ['c']]"],
]


# What is compared where: a situation has a server, an environment and sometimes more arguments; its rows are (kind, arguments).
PROFILES = keep(
    "config",
    """[default]
region = us-east-1
output = text
[profile table]
region = us-east-1
output = table
[profile elsewhere]
region = eu-central-1
[profile nowhere]
output = json
""",
)
SECRETS = keep(
    "credentials",
    "".join(
        f"[{name}]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n{more}"
        for name, key, secret, more in (
            ("default", "AKIDEXAMPLE", "secret", ""),
            ("table", "ASIAEXAMPLE", "temporary", "aws_session_token = the-right-token\n"),
            ("elsewhere", "AKIDEXAMPLE", "secret", ""),
            ("nowhere", "AKIDEXAMPLE", "secret", ""),
            ("wrong", "AKIDEXAMPLE", "another", "region = us-east-1\n"),
            ("unknown", "AKIDNOBODY", "secret", "region = us-east-1\n"),
            ("tokenless", "ASIAEXAMPLE", "temporary", "region = us-east-1\n"),
        )
    ),
)
FILES = {
    "AWS_ACCESS_KEY_ID": None,
    "AWS_SECRET_ACCESS_KEY": None,
    "AWS_DEFAULT_REGION": None,
    "AWS_CONFIG_FILE": PROFILES,
    "AWS_SHARED_CREDENTIALS_FILE": SECRETS,
}
PROFILED = [
    ("same", TOKEN),
    ("same", TOKEN + ["--profile", "default"]),
    ("same", TOKEN + ["--profile", "table"]),
    ("same", TOKEN + ["--profile", "table", "--output", "json"]),
    ("same", TOKEN + ["--profile", "nowhere", "--region", "us-west-2"]),
    ("same", TOKEN + ["--profile", "elsewhere", "--region", "us-east-1"]),
    ("denied", TOKEN + ["--profile", "elsewhere"]),
    ("error", TOKEN + ["--profile", "wrong"]),
    ("error", TOKEN + ["--profile", "unknown"]),
    ("error", TOKEN + ["--profile", "tokenless"]),
    ("error", TOKEN + ["--no-sign-request"]),
    ("refuse", TOKEN + ["--profile", "nobody"]),
]
FAULTS = [
    ("internal", {"code": "InternalServerError"}),
    ("quota", {"code": "ProvisionedThroughputExceededException"}),
    ("ramp", {"code": "ThrottlingException", "status": 400}),
    ("scaling", {"code": "ThrottlingException", "status": 500}),
    ("denied", {"code": "AccessDeniedException"}),
    ("not modelled", {"code": "ServiceQuotaExceededException"}),
]
ENDPOINT = object()  # stands for the server's endpoint in a situation's environment


class Comparison:
    def __init__(self):
        self.passed, self.failed = 0, 0

    def both(self, arguments, endpoint, changes):
        environment = {**ENVIRONMENT, **{name: endpoint if value is ENDPOINT else value for name, value in changes.items()}}
        environment = {name: value for name, value in environment.items() if value is not None}
        if ENDPOINT not in changes.values():
            arguments = arguments + ["--endpoint-url", endpoint]
        theirs = aws(["rekognition", "create-face-liveness-session", *arguments], environment)
        done = subprocess.run([LIVEBENCH, "call", *arguments], env=environment, capture_output=True, timeout=60, check=False)
        return theirs, (done.returncode, done.stdout.decode(), done.stderr.decode())

    def rows(self, name, rows, endpoint, **changes):
        """Compares rows of (kind, arguments) and prints how many are as they should be."""
        before = self.passed
        for kind, arguments in rows:
            theirs, ours = self.both(arguments, endpoint, changes)
            if HOLDS[kind](arguments, theirs, ours):
                self.passed += 1
            else:
                self.failed += 1
                print(f"FAIL {name}: {kind}: {arguments}\n  aws:       {theirs!r}\n  livebench: {ours!r}")
        print(
            f"{'ok  ' if self.passed - before == len(rows) else 'FAIL'} {name}: {self.passed - before} of {len(rows)}", flush=True
        )


def same(arguments, theirs, ours):
    said = theirs[1]
    if "--generate-cli-skeleton" in arguments:
        said = said.replace('"FaceMovementChallenge"', '"FaceMovementAndLightChallenge"')
    return theirs[0] == ours[0] == 0 and said == ours[1]


def of_service(theirs, ours):
    """What the CLI says of the service's error, if both failed with one."""
    failed = theirs[0] == 255 and ours[0] == 1 and theirs[1] == ours[1] == ""
    return theirs[2].replace(" (reached max retries: 0)", "") if failed and theirs[2].startswith("\nAn error occurred (") else None


def error(_, theirs, ours):
    return of_service(theirs, ours) == ours[2]


def denied(_, theirs, ours):
    said = of_service(theirs, ours)
    return bool(said) and ours[2].startswith(said) and "regions with Face Liveness" in ours[2]


def words(_, theirs, ours):
    return theirs[0] == 255 and ours[0] == 2 and theirs[2] == ours[2] and theirs[1] == ours[1] == ""


def refuse(_, theirs, ours):
    return theirs[0] in (2, 255) and ours[0] == 2 and ours[1] == theirs[1] == "" and ours[2].strip() != ""


HOLDS = {"same": same, "error": error, "denied": denied, "words": words, "refuse": refuse}


def main():
    comparison = Comparison()
    with emulator('quota = { kind = "none" }\n') as server:
        plain = server.endpoint
        for kind, vectors in (("same", SAME), ("error", ERROR), ("words", WORDS), ("refuse", REFUSE)):
            comparison.rows(f"arguments: {kind}", [(kind, arguments) for arguments in vectors], plain)
        for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_REKOGNITION"):
            comparison.rows(f"endpoint by {name}", [("same", TOKEN)], plain, **{name: ENDPOINT})
        for form in ("text", "table", "json"):
            comparison.rows(f"AWS_DEFAULT_OUTPUT={form}", [("same", TOKEN)], plain, AWS_DEFAULT_OUTPUT=form)
        comparison.rows("a region without liveness", [("denied", TOKEN + ["--region", "eu-central-1"])], plain)
        for name, members in FAULTS:
            server.fault(**members)
            comparison.rows(f"error: {name}", [("error", TOKEN)], plain)
            server.post("fault")
    with emulator('quota = { kind = "none" }\n' + CREDENTIALS) as server:
        comparison.rows("profiles", PROFILED, server.endpoint, **FILES)
        named = {**FILES, "AWS_PROFILE": "table"}
        comparison.rows("AWS_PROFILE", [("same", TOKEN), ("same", TOKEN + ["--profile", "default"])], server.endpoint, **named)
    with tempfile.TemporaryDirectory() as folder, emulator("", "--tls-generate", folder) as server:
        trusted = TOKEN + ["--ca-bundle", server.ready["ca_bundle"]]
        tls = [("same", trusted), ("same", trusted + ["--output", "table"]), ("same", TOKEN + ["--no-verify-ssl"])]
        comparison.rows("tls", tls, server.endpoint)
        bundle, stale = server.ready["ca_bundle"], "/nonexistent/ca.pem"
        in_profile = keep("bundle", f"[default]\nca_bundle = {bundle}\n[profile stale]\nca_bundle = {stale}\n")
        for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
            comparison.rows(name, [("same", TOKEN)], server.endpoint, **{name: bundle})
        rows = [("same", TOKEN), ("refuse", TOKEN + ["--profile", "stale"]), ("same", TOKEN + ["--ca-bundle", bundle])]
        comparison.rows("ca_bundle in the profile", rows, server.endpoint, AWS_CONFIG_FILE=in_profile)
        order = {"AWS_CONFIG_FILE": in_profile, "AWS_CA_BUNDLE": stale}
        rows = [("refuse", TOKEN), ("same", TOKEN + ["--ca-bundle", bundle]), ("same", TOKEN + ["--no-verify-ssl"])]
        comparison.rows("the order of bundles", rows, server.endpoint, **order)
    for name, faults in (("html at 503", "unavailable = 1.0"), ("slow body", 'slow_body = 1.0, slow_body_for = "200ms"')):
        with emulator(f"faults = {{ {faults} }}\n") as server:
            kind = "error" if name == "html at 503" else "same"
            comparison.rows(name, [(kind, TOKEN)], server.endpoint)
    print(f"livebench call and AWS CLI {VERSION}: {comparison.passed} passed, {comparison.failed} failed")
    return 1 if comparison.failed else 0


if __name__ == "__main__":
    sys.exit(main())
