"""boto3 against `livebench emulate`: boto3_smoke.py BINARY. Prints "N passed, 0 failed" and exits 0 if all is well."""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ParamValidationError

BINARY = sys.argv[1]
SESSION_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Emulator:
    """A running server. Its log is read once it has stopped."""

    def __init__(self, folder, config):
        self.log = pathlib.Path(folder, "arrivals.jsonl")
        command = [BINARY, "emulate", "--listen", "127.0.0.1:0", "--output", "json", "--log", str(self.log)]
        if config:
            path = pathlib.Path(folder, "emulator.toml")
            path.write_text("[emulator]\n" + config)
            command += ["--config", str(path)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line, f"no ready line; exit code {self.process.wait()}"
        self.endpoint = json.loads(line)["endpoint"]

    def client(self, region="us-east-1"):
        # Nothing of the machine's own AWS settings, and no retries.
        return boto3.Session(aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="secret", region_name=region).client(
            "rekognition",
            endpoint_url=self.endpoint,
            config=Config(retries={"total_max_attempts": 1, "mode": "standard"}, max_pool_connections=32),
        )

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        assert code == 0, f"the emulator ended with {code}"
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@contextlib.contextmanager
def emulator(config=""):
    with tempfile.TemporaryDirectory() as folder:
        running = Emulator(folder, config)
        try:
            yield running
        finally:
            if running.process.poll() is None:
                running.process.kill()
                running.process.wait()
            running.process.stdout.close()


def refusal(call, **parameters):
    """The typed exception's name, the error and the metadata of a refused call."""
    try:
        answer = call(**parameters)
    except ClientError as error:
        return type(error).__name__, error.response["Error"], error.response["ResponseMetadata"]
    raise AssertionError(f"not refused: {answer}")


@test
def creates_a_session():
    with emulator() as server:
        answer = server.client().create_face_liveness_session()
        assert SESSION_ID.fullmatch(answer["SessionId"]), answer
        metadata = answer["ResponseMetadata"]
        assert SESSION_ID.fullmatch(metadata["RequestId"]), metadata
        assert (metadata["HTTPStatusCode"], metadata["RetryAttempts"]) == (200, 0), metadata
        assert metadata["HTTPHeaders"]["content-type"] == "application/x-amz-json-1.1", metadata


@test
def takes_every_parameter():
    with emulator() as server:
        answer = server.client().create_face_liveness_session(
            KmsKeyId="arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            Settings={
                "OutputConfig": {"S3Bucket": "livebench-bucket", "S3KeyPrefix": "sessions/é/"},
                "AuditImagesLimit": 4,
                "ChallengePreferences": [{"Type": "FaceMovementChallenge", "Versions": {"Minimum": "1.0.0"}}],
            },
            ClientRequestToken="livebench-token-0001",
        )
        assert SESSION_ID.fullmatch(answer["SessionId"]), answer


@test
def clamps_audit_images():
    with emulator() as server:
        answer = server.client().create_face_liveness_session(Settings={"AuditImagesLimit": 5})
        assert SESSION_ID.fullmatch(answer["SessionId"]), answer


@test
def same_token_same_session():
    with emulator() as server:
        create = server.client().create_face_liveness_session
        first = create(ClientRequestToken="a")
        again = create(ClientRequestToken="a", Settings={"AuditImagesLimit": 2})
        assert first["SessionId"] == again["SessionId"]
        assert first["ResponseMetadata"]["RequestId"] != again["ResponseMetadata"]["RequestId"]


@test
def other_token_other_session():
    with emulator() as server:
        create = server.client().create_face_liveness_session
        ids = {create(ClientRequestToken=token)["SessionId"] for token in ("a", "b")}
        ids |= {create()["SessionId"] for _ in range(2)}
        assert len(ids) == 4, ids


@test
def invalid_parameters_are_typed():
    with emulator() as server:
        client = server.client()
        name, error, metadata = refusal(client.create_face_liveness_session, ClientRequestToken="no spaces allowed")
        assert (name, metadata["HTTPStatusCode"]) == ("InvalidParameterException", 400), (name, metadata)
        assert error["Message"] == "Request has invalid parameters.", error
        assert SESSION_ID.fullmatch(metadata["RequestId"]), metadata
        assert issubclass(client.exceptions.InvalidParameterException, ClientError)


@test
def minimums_are_refused_by_the_client():
    with emulator() as server:
        try:
            server.client().create_face_liveness_session(ClientRequestToken="")
        except ParamValidationError:
            assert server.stop() == []
        else:
            raise AssertionError("an empty token was sent")


@test
def unsupported_region_is_access_denied():
    with emulator() as server:
        name, error, _ = refusal(server.client("eu-central-1").create_face_liveness_session)
        assert name == "AccessDeniedException", name
        assert error["Code"] == "AccessDeniedException" and not error.get("Message"), error
        assert server.client("eu-west-1").create_face_liveness_session()["SessionId"]


@test
def one_token_at_once_is_one_session():
    with emulator('quota = { kind = "none" }\n') as server:
        create, together = server.client().create_face_liveness_session, threading.Barrier(32)

        def call(_):
            together.wait()
            return create(ClientRequestToken="race")["SessionId"]

        with ThreadPoolExecutor(32) as pool:
            ids = set(pool.map(call, range(32)))
        assert len(ids) == 1, ids
        records = server.stop()
        assert len(records) == 32 and sum(record["created"] for record in records) == 1, records


@test
def the_log_knows_the_attempts():
    with emulator() as server:
        answer = server.client().create_face_liveness_session(ClientRequestToken="logged")
        (record,) = server.stop()
        assert record["session_id"] == answer["SessionId"], record
        assert record["request_id"] == answer["ResponseMetadata"]["RequestId"], record
        assert (record["token"], record["attempt"], record["region"]) == ("logged", 1, "us-east-1"), record
        assert record["user_agent"].startswith("Boto3/") and record["invocation_id"], record
        assert record["arrived_us"] <= record["planned_reply_us"] <= record["replied_us"], record


@test
def over_the_quota_is_typed():
    with emulator('quota = { kind = "token-bucket", rate = 0.001, burst = 3 }\n') as server:
        client = server.client()
        for _ in range(3):
            client.create_face_liveness_session()
        name, error, metadata = refusal(client.create_face_liveness_session)
        assert (name, metadata["HTTPStatusCode"]) == ("ProvisionedThroughputExceededException", 400), (name, metadata)
        assert error["Message"] == "Provisioned Rate exceeded.", error
        records = server.stop()
        assert [record["spent"] for record in records] == [True, True, True, False], "retried, or miscounted"


@test
def a_reset_is_a_lost_connection():
    with emulator("faults = { reset_after = 1.0 }\n") as server:
        try:
            server.client().create_face_liveness_session(ClientRequestToken="lost")
        except ConnectionClosedError:
            (record,) = server.stop()
            assert record["verdict"] == "reset_after" and record["session_id"], record
        else:
            raise AssertionError("the answer was not lost")


def main():
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(AWS_EC2_METADATA_DISABLED="true", AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)
    failed = 0
    for function in TESTS:
        try:
            function()
            print(f"ok   {function.__name__}")
        except Exception:
            failed += 1
            print(f"FAIL {function.__name__}")
            traceback.print_exc()
    print(f"with boto3 {boto3.__version__}")
    print(f"{len(TESTS) - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
