"""Runs `aws rekognition create-face-liveness-session` and `livebench call` with the same arguments against the same emulator.

usage: compare_cli.py LIVEBENCH AWS

What each argument vector is held to:
  same    stdout is the same, byte for byte, and both succeed
  error   both fail with the service's error, and say the same of it on stderr
  words   both refuse before anything is sent, with the same words
  refuse  both refuse before anything is sent
The AWS CLI draws the `Type` in its skeleton from the two at random: it is held to be one of them.
Left out: `--generate-cli-skeleton output`, on which AWS CLI v1 fails by itself.
"""

import json
import os
import subprocess
import sys
import tempfile

LIVEBENCH, AWS = sys.argv[1], sys.argv[2]
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
    "`[1, 2.0, true, false, null, \"x\"]`",
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
    "sort_by(`[{\"a\": 2}, {\"a\": 1}]`, &a)[].a",
    "to_string(@)",
    "to_number('12')",
    "to_array(SessionId)",
    "merge({b: SessionId}, {a: 'x'})",
    "*",
    "@.SessionId | [@, length(@)]",
    "\"SessionId\"",
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


class Emulator:
    def __enter__(self):
        config = keep("emulator.toml", '[emulator]\nquota = { kind = "none" }\n')
        command = [LIVEBENCH, "emulate", "--listen", "127.0.0.1:0", "--output", "json", "--config", config]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT)
        self.endpoint = json.loads(self.process.stdout.readline())["endpoint"]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class Comparison:
    def __init__(self, endpoint):
        self.endpoint, self.passed, self.failed = endpoint, 0, 0

    def run(self, command, arguments):
        line = command + arguments + ["--endpoint-url", self.endpoint]
        done = subprocess.run(line, env=ENVIRONMENT, capture_output=True, timeout=60, check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def both(self, arguments):
        theirs = self.run([AWS, "rekognition", "create-face-liveness-session"], arguments)
        ours = self.run([LIVEBENCH, "call"], arguments)
        return theirs, ours

    def check(self, kind, arguments, holds, theirs, ours):
        if holds:
            self.passed += 1
            return
        self.failed += 1
        print(f"FAILED {kind}: {arguments}\n  aws:       {theirs!r}\n  livebench: {ours!r}")

    def same(self, arguments):
        theirs, ours = self.both(arguments)
        if "--generate-cli-skeleton" in arguments:
            theirs = (theirs[0], theirs[1].replace('"FaceMovementChallenge"', '"FaceMovementAndLightChallenge"'), theirs[2])
        self.check("same", arguments, theirs[0] == ours[0] == 0 and theirs[1] == ours[1], theirs, ours)

    def error(self, arguments):
        theirs, ours = self.both(arguments)
        of_service = theirs[2].startswith("\nAn error occurred (")
        holds = theirs[0] == 255 and ours[0] == 1 and of_service and theirs[2] == ours[2] and theirs[1] == ours[1] == ""
        self.check("error", arguments, holds, theirs, ours)

    def words(self, arguments):
        theirs, ours = self.both(arguments)
        holds = theirs[0] == 255 and ours[0] == 2 and theirs[2] == ours[2] and theirs[1] == ours[1] == ""
        self.check("words", arguments, holds, theirs, ours)

    def refuse(self, arguments):
        theirs, ours = self.both(arguments)
        holds = theirs[0] in (2, 255) and ours[0] == 2 and ours[1] == theirs[1] == "" and ours[2].strip() != ""
        self.check("refuse", arguments, holds, theirs, ours)


def main():
    with Emulator() as emulator:
        comparison = Comparison(emulator.endpoint)
        for kind, vectors in (("same", SAME), ("error", ERROR), ("words", WORDS), ("refuse", REFUSE)):
            before = comparison.passed
            for arguments in vectors:
                getattr(comparison, kind)(arguments)
            print(f"{kind}: {comparison.passed - before} of {len(vectors)}")
    print(f"{comparison.passed} passed, {comparison.failed} failed")
    return 1 if comparison.failed else 0


if __name__ == "__main__":
    sys.exit(main())
