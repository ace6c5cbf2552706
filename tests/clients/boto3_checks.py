"""boto3 against `livebench emulate`: boto3_checks.py BINARY [WORD...]. With words, only the checks whose name has one of them.

Prints each check as it passes and "boto3 VERSION: N passed, M failed" at the end; exits 1 if one failed.
"""

import collections
import datetime
import email.utils
import functools
import http.client
import json
import pathlib
import re
import ssl
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ParamValidationError, ReadTimeoutError, SSLError
from prometheus_client.parser import text_string_to_metric_families

from emulators import CREDENTIALS, UUID, check, each, emulator, run_checks, until

UNLIMITED = 'quota = { kind = "none" }\nget_quota = { kind = "none" }\n'
AT_ONCE = UNLIMITED + 'checks = { succeed = 1.0, start = "0s", length = "0s" }\n'
BUCKET = {"S3Bucket": "livebench-bucket", "S3KeyPrefix": "sessions/é/"}
KEY_ARN = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
EVERYTHING = {
    "KmsKeyId": KEY_ARN,
    "Settings": {
        "OutputConfig": BUCKET,
        "AuditImagesLimit": 4,
        "ChallengePreferences": [
            {"Type": "FaceMovementChallenge", "Versions": {"Minimum": "1.0.0", "Maximum": "1.0.0"}},
            {"Type": "FaceMovementAndLightChallenge"},
        ],
    },
    "ClientRequestToken": "livebench-token-0001",
}


@functools.cache
def session():
    """One for all clients: it reads the model once."""
    return boto3.Session()


def connect(
    server, region="us-east-1", key="AKIDEXAMPLE", secret="secret", token=None, attempts=1, validate=True, verify=None, **settings
):
    retries = {"total_max_attempts": attempts, "mode": "standard"}
    settings = {"retries": retries, "max_pool_connections": 64, "parameter_validation": validate, **settings}
    client = session().client(
        "rekognition",
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        endpoint_url=server.endpoint,
        config=Config(**settings),
        verify=verify,
    )
    client.create = client.create_face_liveness_session
    client.results = client.get_face_liveness_session_results
    return client


def with_emulator(config="", *arguments, **settings):
    """Gives a check a server with this configuration, and a client of it."""

    def wrap(function):
        @functools.wraps(function)
        def run(*row):
            with emulator(config, *arguments) as server:
                function(server, connect(server, **settings), *row)

        return run

    return wrap


def session_of(answer):
    assert UUID.fullmatch(answer["SessionId"]), answer
    return answer["SessionId"]


def refused(call, **parameters):
    """The error of a refused call."""
    try:
        answer = call(**parameters)
    except ClientError as error:
        return error
    raise AssertionError(f"not refused: {answer}")


def held(error, name, status=400, message=None, typed=True):
    """Whether the error is what it should be: the client's own class, code, status, request id and words."""
    assert type(error).__name__ == (name if typed else "ClientError"), repr(error)
    assert error.response["Error"]["Code"] == name, error.response
    metadata = error.response["ResponseMetadata"]
    assert metadata["HTTPStatusCode"] == status, metadata
    assert UUID.fullmatch(metadata["RequestId"]), metadata
    if message is not None:
        assert error.response["Error"].get("Message", "") == message, error.response
    return error


# ---- Create ------------------------------------------------------------------------------------------------------------------------


@check
@with_emulator()
def creates_a_session(_, client):
    answer = client.create()
    session_of(answer)
    metadata = answer["ResponseMetadata"]
    assert UUID.fullmatch(metadata["RequestId"]), metadata
    assert (metadata["HTTPStatusCode"], metadata["RetryAttempts"]) == (200, 0), metadata
    assert metadata["HTTPHeaders"]["content-type"] == "application/x-amz-json-1.1", metadata
    sent = email.utils.parsedate_to_datetime(metadata["HTTPHeaders"]["date"])
    assert abs(datetime.datetime.now(datetime.timezone.utc) - sent).total_seconds() < 60, metadata


@each(
    key_alias={"KmsKeyId": "alias/liveness"},
    key_arn={"KmsKeyId": KEY_ARN},
    longest_key={"KmsKeyId": "k" * 2048},
    shortest_token={"ClientRequestToken": "t"},
    longest_token={"ClientRequestToken": "-_aZ09" * 10 + "abcd"},
    empty_settings={"Settings": {}},
    no_images={"Settings": {"AuditImagesLimit": 0}},
    four_images={"Settings": {"AuditImagesLimit": 4}},
    bucket={"Settings": {"OutputConfig": {"S3Bucket": "a.b-c_D"}}},
    longest_bucket={"Settings": {"OutputConfig": {"S3Bucket": "b" * 255}}},
    bucket_and_prefix={"Settings": {"OutputConfig": BUCKET}},
    longest_prefix={"Settings": {"OutputConfig": {"S3Bucket": "bucket", "S3KeyPrefix": "p" * 950}}},
    no_preferences={"Settings": {"ChallengePreferences": []}},
    movement_and_light={"Settings": {"ChallengePreferences": [{"Type": "FaceMovementAndLightChallenge"}]}},
    longest_version={
        "Settings": {"ChallengePreferences": [{"Type": "FaceMovementChallenge", "Versions": {"Maximum": "999.999.999"}}]}
    },
    everything=EVERYTHING,
)
@with_emulator()
def takes(_, client, parameters):
    session_of(client.create(**parameters))


@check
@with_emulator(UNLIMITED)
def ids_are_distinct(_, client):
    answers = [client.create() for _ in range(60)]
    assert len({session_of(answer) for answer in answers}) == 60
    assert len({answer["ResponseMetadata"]["RequestId"] for answer in answers}) == 60


@check
@with_emulator()
def connections_are_kept(server, client):
    for _ in range(5):
        client.create()
    server.fault("ThrottlingException", times=1)
    refused(client.create)
    refused(client.results, SessionId="0" * 36)
    client.create()
    assert {record["connection"] for record in server.stop()} == {0}


@check
@with_emulator()
def the_log_knows_the_attempts(server, client):
    answer = client.create(ClientRequestToken="logged")
    (record,) = server.stop()
    assert record["session_id"] == answer["SessionId"], record
    assert record["request_id"] == answer["ResponseMetadata"]["RequestId"], record
    assert (record["token"], record["attempt"], record["region"]) == ("logged", 1, "us-east-1"), record
    assert record["user_agent"].startswith("Boto3/") and record["invocation_id"], record
    assert record["arrived_us"] <= record["planned_reply_us"] <= record["replied_us"], record


@check
@with_emulator('latency = "150ms"\n')
def latency_is_added(_, client):
    begun = time.monotonic()
    client.create()
    assert time.monotonic() - begun >= 0.15


# ---- Validation --------------------------------------------------------------------------------------------------------------------

OUT_OF_BOUNDS = {
    "empty_token": ({"ClientRequestToken": ""}, "clientRequestToken"),
    "long_token": ({"ClientRequestToken": "t" * 65}, "clientRequestToken"),
    "token_with_spaces": ({"ClientRequestToken": "no spaces allowed"}, "clientRequestToken"),
    "token_beyond_ascii": ({"ClientRequestToken": "tökén"}, "clientRequestToken"),
    "empty_key": ({"KmsKeyId": ""}, "kmsKeyId"),
    "long_key": ({"KmsKeyId": "k" * 2049}, "kmsKeyId"),
    "key_of_a_wrong_form": ({"KmsKeyId": "/alias"}, "kmsKeyId"),
    "no_bucket": ({"Settings": {"OutputConfig": {}}}, "settings.outputConfig.s3Bucket"),
    "short_bucket": ({"Settings": {"OutputConfig": {"S3Bucket": "ab"}}}, "settings.outputConfig.s3Bucket"),
    "long_bucket": ({"Settings": {"OutputConfig": {"S3Bucket": "b" * 256}}}, "settings.outputConfig.s3Bucket"),
    "bucket_of_a_wrong_form": ({"Settings": {"OutputConfig": {"S3Bucket": "s3://x"}}}, "settings.outputConfig.s3Bucket"),
    "long_prefix": (
        {"Settings": {"OutputConfig": {"S3Bucket": "abc", "S3KeyPrefix": "p" * 951}}},
        "settings.outputConfig.s3KeyPrefix",
    ),
    "prefix_with_spaces": (
        {"Settings": {"OutputConfig": {"S3Bucket": "abc", "S3KeyPrefix": "a b"}}},
        "settings.outputConfig.s3KeyPrefix",
    ),
    "unknown_challenge": (
        {"Settings": {"ChallengePreferences": [{"Type": "Dance"}]}},
        "settings.challengePreferences.1.member.type",
    ),
    "no_challenge": ({"Settings": {"ChallengePreferences": [{}]}}, "settings.challengePreferences.1.member.type"),
    "short_version": (
        {"Settings": {"ChallengePreferences": [{"Type": "FaceMovementChallenge", "Versions": {"Minimum": "1.0"}}]}},
        "settings.challengePreferences.1.member.versions.minimum",
    ),
    "version_of_a_wrong_form": (
        {"Settings": {"ChallengePreferences": [{"Type": "FaceMovementChallenge", "Versions": {"Maximum": "01.0.0"}}]}},
        "settings.challengePreferences.1.member.versions.maximum",
    ),
}


@each(**OUT_OF_BOUNDS)
@with_emulator(validate=False)
def invalid(_, client, parameters, path):
    error = held(refused(client.create, **parameters), "InvalidParameterException")
    message = error.response["Error"]["Message"]
    assert (
        re.match(r"\d+ validation errors? detected: Value ", message)
        and f"at '{path}' failed to satisfy constraint: Member must" in message
    ), message


@each(short=("x" * 35), upper_case=("0F2E9B1C-1111-4222-8333-44445555AAAA"), no_uuid=("z" * 36), absent=None)
@with_emulator(validate=False)
def invalid_session_id(_, client, session_id):
    parameters = {} if session_id is None else {"SessionId": session_id}
    error = held(refused(client.results, **parameters), "InvalidParameterException")
    assert "at 'sessionId' failed to satisfy constraint" in error.response["Error"]["Message"], error


@check
@with_emulator(validate=False)
def violations_are_counted(_, client):
    error = refused(client.create, ClientRequestToken="a b", KmsKeyId="/", Settings={"OutputConfig": {}})
    message = held(error, "InvalidParameterException").response["Error"]["Message"]
    assert message.startswith("3 validation errors detected: ") and message.count("; ") == 2, message
    assert "Value null at 'settings.outputConfig.s3Bucket' failed to satisfy constraint: Member must not be null" in message, (
        message
    )


@check
@with_emulator('validation = { error = "validation" }\n')
def violations_as_validation_exception(_, client):
    error = held(refused(client.create, ClientRequestToken="a b"), "ValidationException", typed=False)
    assert error.response["Error"]["Message"].startswith("1 validation error detected: Value 'a b' at"), error


@check
@with_emulator('validation = { message = "path" }\n')
def violations_without_values(_, client):
    message = refused(client.create, ClientRequestToken="a b").response["Error"]["Message"]
    assert message.startswith("1 validation error detected: Value at 'clientRequestToken'"), message


@check
@with_emulator('validation = { message = "documented" }\n')
def violations_in_documented_words(_, client):
    held(refused(client.create, ClientRequestToken="a b"), "InvalidParameterException", message="Request has invalid parameters.")


@each(text={"AuditImagesLimit": "4"}, boolean={"AuditImagesLimit": True}, fraction={"AuditImagesLimit": 2.5})
@with_emulator(validate=False)
def wrong_type(_, client, settings):
    held(refused(client.create, Settings=settings), "SerializationException", typed=False)


@check
@with_emulator()
def minimums_are_refused_by_the_client(server, client):
    for parameters in ({"ClientRequestToken": ""}, {"Settings": {"AuditImagesLimit": -1}}, {"Colour": "red"}):
        try:
            client.create(**parameters)
        except ParamValidationError:
            continue
        raise AssertionError(f"{parameters} were sent")
    assert server.stop() == []


@each(negative=(-1, 0), five=(5, 4), huge=(2**31, 4))
@with_emulator(AT_ONCE, validate=False)
def audit_images_limit_is_clamped(_, client, limit, images):
    session_id = session_of(client.create(Settings={"AuditImagesLimit": limit}))
    assert len(client.results(SessionId=session_id)["AuditImages"]) == images


@each(negative=-1, five=5)
@with_emulator('validation = { audit_images_limit = "reject" }\n', validate=False)
def audit_images_limit_is_rejected(_, client, limit):
    error = held(refused(client.create, Settings={"AuditImagesLimit": limit}), "InvalidParameterException")
    assert f"Value '{limit}' at 'settings.auditImagesLimit' failed" in error.response["Error"]["Message"], error


# ---- Tokens ------------------------------------------------------------------------------------------------------------------------


@check
@with_emulator()
def same_token_same_session(_, client):
    first, again = client.create(ClientRequestToken="a"), client.create(ClientRequestToken="a")
    assert session_of(first) == session_of(again)
    assert first["ResponseMetadata"]["RequestId"] != again["ResponseMetadata"]["RequestId"]


@check
@with_emulator()
def other_token_other_session(_, client):
    ids = {
        session_of(client.create(**parameters)) for parameters in ({"ClientRequestToken": "a"}, {"ClientRequestToken": "A"}, {}, {})
    }
    assert len(ids) == 4, ids


@check
@with_emulator(AT_ONCE)
def other_settings_get_the_first_session(_, client):
    first = client.create(ClientRequestToken="a", Settings={"AuditImagesLimit": 1})
    again = client.create(ClientRequestToken="a", Settings={"AuditImagesLimit": 3})
    assert session_of(first) == session_of(again)
    assert len(client.results(SessionId=first["SessionId"])["AuditImages"]) == 1


@each(
    **{
        "mismatch_error": ("mismatch-error", "IdempotentParameterMismatchException"),
        "invalid_parameter": ("invalid-parameter", "InvalidParameterException"),
    }
)
def other_settings_are_refused(switch, name):
    with emulator(f'tokens = {{ mismatch = "{switch}" }}\n') as server:
        client = connect(server)
        first = client.create(ClientRequestToken="a")
        held(refused(client.create, ClientRequestToken="a", KmsKeyId="alias/x"), name)
        assert client.create(ClientRequestToken="a")["SessionId"] == first["SessionId"]


@check
@with_emulator(UNLIMITED)
def one_token_at_once_is_one_session(server, client):
    together = threading.Barrier(32)

    def call(_):
        together.wait()
        return session_of(client.create(ClientRequestToken="race"))

    with ThreadPoolExecutor(32) as pool:
        ids = set(pool.map(call, range(32)))
    assert len(ids) == 1, ids
    records = server.stop()
    assert len(records) == 32 and sum(record["created"] for record in records) == 1, records


@check
@with_emulator(UNLIMITED + 'latency = "300ms"\ntokens = { race = "two" }\n')
def one_token_at_once_is_two_sessions_where_switched(_, client):
    with ThreadPoolExecutor(2) as pool:
        ids = set(pool.map(lambda _: session_of(client.create(ClientRequestToken="race")), range(2)))
    assert len(ids) == 2, ids


@check
@with_emulator(UNLIMITED + CREDENTIALS)
def a_token_is_its_accounts_own(server, client):
    other = connect(server, key="ASIAEXAMPLE", secret="temporary", token="the-right-token")
    elsewhere = connect(server, region="eu-west-1")
    ids = {session_of(c.create(ClientRequestToken="a")) for c in (client, other, elsewhere)}
    assert len(ids) == 3, ids


@check
@with_emulator('tokens = { scope = "global" }\n' + CREDENTIALS)
def a_token_is_everybodys_where_switched(server, client):
    other = connect(server, key="ASIAEXAMPLE", secret="temporary", token="the-right-token", region="eu-west-1")
    assert session_of(client.create(ClientRequestToken="a")) == session_of(other.create(ClientRequestToken="a"))


@check
@with_emulator(UNLIMITED + 'session_ttl = "300ms"\n')
def a_token_after_expiry_makes_a_new_session(_, client):
    first = session_of(client.create(ClientRequestToken="a"))
    second = until(lambda: (now := session_of(client.create(ClientRequestToken="a"))) != first and now)
    held(refused(client.results, SessionId=first), "SessionNotFoundException")
    assert client.results(SessionId=second)["Status"] == "CREATED"


@check
@with_emulator(UNLIMITED + 'session_ttl = "200ms"\ntokens = { window = "1h", after_expiry = "same" }\n')
def a_token_after_expiry_is_dead_where_switched(_, client):
    first = session_of(client.create(ClientRequestToken="a"))
    until(lambda: gone(client, first))
    assert client.create(ClientRequestToken="a")["SessionId"] == first


def gone(client, session_id):
    try:
        return client.results(SessionId=session_id) is None
    except client.exceptions.SessionNotFoundException:
        return True


@check
@with_emulator('quota = { kind = "none" }\n')
def a_token_after_a_throttle_makes_its_session(server, client):
    server.quota(kind="token-bucket", rate=0.001, burst=1)
    client.create()
    held(refused(client.create, ClientRequestToken="a"), "ProvisionedThroughputExceededException")
    server.quota(kind="none")
    assert session_of(client.create(ClientRequestToken="a")) == session_of(client.create(ClientRequestToken="a"))


@check
@with_emulator("tokens = { remember_throttled = true }\n")
def a_token_stays_throttled_where_switched(server, client):
    server.quota(kind="token-bucket", rate=0.001, burst=1)
    client.create()
    for _ in range(2):
        held(refused(client.create, ClientRequestToken="a"), "ProvisionedThroughputExceededException")
        server.quota(kind="none")


@check
@with_emulator(UNLIMITED + "faults = { reset_after = 0.5 }\n", attempts=10)
def a_lost_answer_and_a_retry_are_one_session(server, client):
    answers = {f"t-{n}": session_of(client.create(ClientRequestToken=f"t-{n}")) for n in range(12)}
    made = collections.defaultdict(set)
    records = server.stop()
    for record in records:
        made[record["token"]].add(record["session_id"])
    assert any(record["verdict"] == "reset_after" for record in records), records
    assert {token: {session_id} for token, session_id in answers.items()} == dict(made)


@check
@with_emulator(UNLIMITED + "faults = { reset_after = 0.5 }\n", attempts=10)
def a_lost_answer_without_a_token_is_two_sessions(server, client):
    ids = {session_of(client.create()) for _ in range(12)}
    made = {record["session_id"] for record in server.stop() if record["created"]}
    assert ids < made, (ids, made)


@each(costs=("", ["ok", "refused"]), is_free=("tokens = { replay_costs = false }\n", ["ok", "ok"]))
def a_replay(switch, expected):
    with emulator('quota = { kind = "token-bucket", rate = 0.001, burst = 1 }\n' + switch) as server:
        client, seen = connect(server), []
        for _ in range(2):
            try:
                client.create(ClientRequestToken="a")
                seen.append("ok")
            except client.exceptions.ProvisionedThroughputExceededException:
                seen.append("refused")
        assert seen == expected, seen


# ---- A session's life ----------------------------------------------------------------------------------------------------------------


@check
@with_emulator()
def begins_as_created(_, client):
    session_id = session_of(client.create())
    answer = client.results(SessionId=session_id)
    assert UUID.fullmatch(answer.pop("ResponseMetadata")["RequestId"])
    assert answer == {"SessionId": session_id, "Status": "CREATED"}, answer


@each(
    never_begun=("", "CREATED"),
    to_begin=('succeed = 1.0, start = "1m"', "CREATED"),
    under_way=('succeed = 1.0, start = "0s", length = "1m"', "IN_PROGRESS"),
    abandoned=('abandon = 1.0, start = "0s"', "IN_PROGRESS"),
    well_ended=('succeed = 1.0, start = "0s", length = "0s"', "SUCCEEDED"),
    badly_ended=('fail = 1.0, start = "0s", length = "0s"', "FAILED"),
)
def a_check(checks, status):
    with emulator(UNLIMITED + f"checks = {{ {checks} }}\n") as server:
        client = connect(server)
        answer = client.results(SessionId=session_of(client.create()))
        assert answer["Status"] == status, answer
        assert ("Confidence" in answer) == (status == "SUCCEEDED"), answer


@check
@with_emulator(
    UNLIMITED + 'session_ttl = "1500ms"\nsessions = { expired = "expired", expired_for = "500ms" }\n'
    'checks = { succeed = 1.0, start = "500ms", length = "500ms" }\n'
)
def a_life_goes_its_way(_, client):
    session_id, seen = session_of(client.create()), []

    def over():
        try:
            status = client.results(SessionId=session_id)["Status"]
        except client.exceptions.SessionNotFoundException:
            status = "not found"
        if status not in seen[-1:]:
            seen.append(status)
        return status == "not found"

    until(over)
    # A machine that sleeps may miss one, but never sees them in another order.
    whole = ["CREATED", "IN_PROGRESS", "SUCCEEDED", "EXPIRED", "not found"]
    assert seen == [status for status in whole if status in seen] and seen[-1] == "not found", seen


@check
@with_emulator(UNLIMITED + 'session_ttl = "200ms"\n')
def an_expired_session_is_not_found(_, client):
    session_id = session_of(client.create())
    until(lambda: gone(client, session_id))
    held(refused(client.results, SessionId=session_id), "SessionNotFoundException")


@check
@with_emulator(UNLIMITED + 'session_ttl = "200ms"\nsessions = { expired = "expired", expired_for = "1h" }\n')
def an_expired_session_shows_where_switched(_, client):
    session_id = session_of(client.create())
    answer = until(lambda: (now := client.results(SessionId=session_id))["Status"] == "EXPIRED" and now)
    del answer["ResponseMetadata"]
    assert answer == {"SessionId": session_id, "Status": "EXPIRED"}, answer


@check
@with_emulator(
    UNLIMITED + 'session_ttl = "1s"\nsessions = { results_ttl = "1h" }\nchecks = { succeed = 1.0, start = "0s", length = "0s" }\n'
)
def results_outlive_the_session_where_switched(server, client):
    session_id = session_of(client.create(ClientRequestToken="a"))
    # Its token leads elsewhere once its life is over.
    until(lambda: client.create(ClientRequestToken="a")["SessionId"] != session_id)
    assert client.results(SessionId=session_id)["Status"] == "SUCCEEDED"


@check
@with_emulator()
def an_unknown_session_is_not_found(_, client):
    held(refused(client.results, SessionId="00000000-0000-4000-8000-000000000000"), "SessionNotFoundException")


@check
@with_emulator(CREDENTIALS)
def a_session_is_its_accounts_own(server, client):
    session_id = session_of(client.create())
    for stranger in (
        connect(server, key="ASIAEXAMPLE", secret="temporary", token="the-right-token"),
        connect(server, region="us-west-2"),
    ):
        held(refused(stranger.results, SessionId=session_id), "SessionNotFoundException")


@check
@with_emulator()
def completes_on_demand(server, client):
    session_id = session_of(client.create())
    server.complete(session_id, Confidence=12.5)
    answer = client.results(SessionId=session_id)
    assert (answer["Status"], answer["Confidence"]) == ("SUCCEEDED", 12.5), answer


@check
@with_emulator()
def fails_on_demand(server, client):
    session_id = session_of(client.create())
    server.complete(session_id, Status="FAILED")
    answer = client.results(SessionId=session_id)
    assert answer["Status"] == "FAILED" and "Confidence" not in answer and "ReferenceImage" not in answer, answer


@check
@with_emulator()
def a_session_serves_one_check(server, client):
    session_id = session_of(client.create())
    server.complete(session_id)
    status, answer = server.post("complete", SessionId=session_id)
    assert status == 409 and "a session serves one check" in answer["message"], answer


@check
@with_emulator('session_ttl = "100ms"\nget_quota = { kind = "none" }\n')
def a_dead_session_cannot_be_completed(server, client):
    session_id = session_of(client.create())
    until(lambda: gone(client, session_id))
    assert server.post("complete", SessionId=session_id)[0] in (404, 409)
    assert server.post("complete", SessionId="00000000-0000-4000-8000-000000000000")[0] == 404


# ---- Results -------------------------------------------------------------------------------------------------------------------------


def checked(client, **settings):
    return client.results(SessionId=session_of(client.create(Settings=settings)))


def held_box(image):
    box = image["BoundingBox"]
    assert all(0 < box[side] < 1 for side in ("Width", "Height", "Left", "Top")), box
    assert box["Left"] + box["Width"] <= 1 and box["Top"] + box["Height"] <= 1, box


@each(**{f"of_{n}": n for n in range(5)})
@with_emulator(AT_ONCE)
def audit_images(_, client, limit):
    answer = checked(client, AuditImagesLimit=limit)
    assert len(answer["AuditImages"]) == limit, answer
    for image in [answer["ReferenceImage"], *answer["AuditImages"]]:
        assert image["Bytes"][:2] == b"\xff\xd8" and image["Bytes"][-2:] == b"\xff\xd9" and len(image["Bytes"]) <= 204800
        assert "S3Object" not in image, image
        held_box(image)


@check
@with_emulator(AT_ONCE)
def no_audit_images_by_default(_, client):
    assert checked(client)["AuditImages"] == []


@check
@with_emulator(AT_ONCE.replace("checks = {", 'checks = { audit_images = "best-effort",'))
def audit_images_at_best_effort(_, client):
    counts = {len(checked(client, AuditImagesLimit=2)["AuditImages"]) for _ in range(40)}
    assert counts == {0, 1, 2}, counts


@check
@with_emulator(AT_ONCE)
def images_in_s3(_, client):
    answer = checked(client, AuditImagesLimit=3, OutputConfig=BUCKET)
    images = [answer["ReferenceImage"], *answer["AuditImages"]]
    for image in images:
        assert "Bytes" not in image and "Version" not in image["S3Object"], image
        assert image["S3Object"]["Bucket"] == BUCKET["S3Bucket"], image
        assert image["S3Object"]["Name"].startswith("sessions/é/") and answer["SessionId"] in image["S3Object"]["Name"], image
        held_box(image)
    assert len({image["S3Object"]["Name"] for image in images}) == 4


@check
@with_emulator(AT_ONCE.replace("checks = {", "checks = { s3_versions = true,"))
def images_in_s3_have_versions_where_switched(_, client):
    answer = checked(client, OutputConfig={"S3Bucket": "bucket"})
    assert answer["ReferenceImage"]["S3Object"]["Version"], answer


@each(
    by_default=([], "FaceMovementAndLightChallenge"),
    preferred=([{"Type": "FaceMovementChallenge"}], "FaceMovementChallenge"),
    first_that_is_there=(
        [{"Type": "FaceMovementChallenge", "Versions": {"Minimum": "2.0.0"}}, {"Type": "FaceMovementAndLightChallenge"}],
        "FaceMovementAndLightChallenge",
    ),
)
@with_emulator(AT_ONCE)
def challenge(_, client, preferences, kind):
    assert checked(client, ChallengePreferences=preferences)["Challenge"] == {"Type": kind, "Version": "1.0.0"}


@check
@with_emulator(AT_ONCE.replace("checks = {", "checks = { confidence_min = 42.0, confidence_max = 43.0,"))
def confidence_lies_where_configured(_, client):
    numbers = {checked(client)["Confidence"] for _ in range(10)}
    assert len(numbers) > 1 and all(42 <= number <= 43 for number in numbers), numbers


@check
@with_emulator(AT_ONCE)
def no_feedback_by_default(_, client):
    answer = checked(client)
    assert answer["Feedback"] == [] and answer["Metadata"] == {"SDKType": "livebench-emulator"}, answer


@check
@with_emulator(AT_ONCE.replace("checks = {", 'checks = { feedback = 1.0, sdk_type = "Web",'))
def feedback_where_configured(_, client):
    output = client.meta.service_model.operation_model("GetFaceLivenessSessionResults").output_shape
    known = set(output.members["Feedback"].member.members["Code"].enum)
    answers = [checked(client) for _ in range(30)]
    codes = {answer["Feedback"][0]["Code"] for answer in answers}
    assert len(codes) > 1 and codes <= known, codes
    assert all(1 <= len(answer["Feedback"][0]["Message"]) <= 512 for answer in answers)
    assert answers[0]["Metadata"] == {"SDKType": "Web"}, answers[0]


@check
def results_follow_the_seed():
    seen = []
    for seed in (5, 5, 6):
        with emulator(AT_ONCE + f"seed = {seed}\n") as server:
            client = connect(server)
            answers = [checked(client, AuditImagesLimit=4) for _ in range(3)]
            for answer in answers:
                del answer["ResponseMetadata"]
            seen.append(answers)
    assert seen[0] == seen[1] != seen[2]


# ---- Limits --------------------------------------------------------------------------------------------------------------------------


@check
@with_emulator('quota = { kind = "token-bucket", rate = 0.001, burst = 3 }\n')
def over_the_quota_is_typed(server, client):
    for _ in range(3):
        client.create()
    held(refused(client.create), "ProvisionedThroughputExceededException", message="Provisioned Rate exceeded.")
    assert [record["spent"] for record in server.stop()] == [True, True, True, False], "retried, or miscounted"


@each(
    token_bucket=({"kind": "token-bucket", "rate": 0.001, "burst": 3}, 3),
    step_bucket=({"kind": "step-bucket", "tokens": 1, "every": "1h", "burst": 3}, 3),
    fixed_window=({"kind": "fixed-window", "limit": 3, "window": "1h"}, 3),
    sliding_log=({"kind": "sliding-log", "limit": 3, "window": "1h"}, 3),
    sliding_counter=({"kind": "sliding-counter", "limit": 3, "window": "1h"}, 3),
    concurrency=({"kind": "concurrency", "limit": 1}, 20),
    none=({"kind": "none"}, 20),
)
@with_emulator()
def quota_kind(server, client, quota, room):
    results = functools.partial(client.results, SessionId=session_of(client.create()))
    for operation, call in (("CreateFaceLivenessSession", client.create), ("GetFaceLivenessSessionResults", results)):
        answer = server.quota(operation=operation, **quota)
        assert answer["operation"] == operation, answer
        passed = 0
        while passed < 20:
            try:
                call()
            except client.exceptions.ProvisionedThroughputExceededException:
                break
            passed += 1
        assert passed == room, (operation, passed)


@check
@with_emulator('latency = "300ms"\n')
def quota_kind_concurrency_counts_calls_in_flight(server, client):
    server.quota(kind="concurrency", limit=2)

    def call(_):
        try:
            return session_of(client.create()) and "ok"
        except client.exceptions.ProvisionedThroughputExceededException:
            return "refused"

    with ThreadPoolExecutor(8) as pool:
        seen = collections.Counter(pool.map(call, range(8)))
    assert seen["refused"] >= 1 and seen["ok"] >= 2, seen
    session_of(client.create())


@check
@with_emulator()
def quota_kind_sharded_is_approximate(server, client):
    server.quota(kind="sharded-bucket", nodes=4, rate=0.001, burst=8)
    passed = 0
    for _ in range(60):
        try:
            client.create()
            passed += 1
        except client.exceptions.ProvisionedThroughputExceededException:
            pass
    assert passed == 8, passed


def first_refusal(client, calls):
    """Whether one of so many calls at once is over the quota."""

    def call(_):
        try:
            return session_of(client.create()) is None
        except client.exceptions.ProvisionedThroughputExceededException:
            return True

    with ThreadPoolExecutor(32) as pool:
        return any(pool.map(call, range(calls)))


@each(us_east_1=("us-east-1", 25), us_west_2=("us-west-2", 25), eu_west_1=("eu-west-1", 5), sa_east_1=("sa-east-1", 5))
def documented_quota(region, rate):
    with emulator(f'region = "{region}"\n') as server:
        assert server.ready["quota"] == f"{rate}/s burst {rate}", server.ready
        client = connect(server, region=region)
        for _ in range(rate):
            client.create()
        # A machine that needs longer than a second for 25 calls fills the bucket again, but not at 5 times its rate.
        assert first_refusal(client, rate * 5)


@check
@with_emulator(
    'quota = { kind = "token-bucket", rate = 0.001, burst = 1 }\nget_quota = { kind = "token-bucket", rate = 0.001, burst = 1 }\n'
    + CREDENTIALS
)
def quotas_are_per_account_region_and_operation(server, client):
    other = connect(server, key="ASIAEXAMPLE", secret="temporary", token="the-right-token")
    for caller in (client, other, connect(server, region="us-west-2")):
        session_id = session_of(caller.create())
        held(refused(caller.create), "ProvisionedThroughputExceededException")
        assert caller.results(SessionId=session_id)["Status"] == "CREATED"
        held(refused(caller.results, SessionId=session_id), "ProvisionedThroughputExceededException")


@each(
    **{
        "at_400": ("throttling-400", 400, "Slow down; sudden increase in rate of requests."),
        "at_500": ("throttling-500", 500, "Service Unavailable"),
    }
)
def quota_error_is_throttling(switch, status, message):
    with emulator(f'quota = {{ kind = "fixed-window", limit = 1, window = "1h" }}\nquota_error = "{switch}"\n') as server:
        client = connect(server)
        client.create()
        held(refused(client.create), "ThrottlingException", status, message)


@each(ramp=("ramp", 400, "Slow down; sudden increase in rate of requests."), scaling=("scaling", 500, "Service Unavailable"))
def growth_limit(switch, status, message):
    with emulator(UNLIMITED + f'{switch} = {{ window = "1h", growth = 2.0, floor = 3 }}\n') as server:
        client = connect(server)
        for _ in range(3):
            client.create()
        held(refused(client.create), "ThrottlingException", status, message)


@check
@with_emulator('quota = { kind = "fixed-window", limit = 1, window = "1h" }\nretry_after = "250ms"\n')
def a_throttle_says_when_to_retry_where_switched(_, client):
    assert "x-amz-retry-after" not in client.create()["ResponseMetadata"]["HTTPHeaders"]
    assert refused(client.create).response["ResponseMetadata"]["HTTPHeaders"]["x-amz-retry-after"] == "250"


@each(nothing=("", "ok"), a_token_where_switched=("charge = { invalid = true }\n", "refused"))
def an_invalid_call_costs(switch, expected):
    with emulator('quota = { kind = "fixed-window", limit = 1, window = "1h" }\n' + switch) as server:
        client = connect(server)
        held(refused(client.create, ClientRequestToken="a b"), "InvalidParameterException")
        try:
            seen = client.create() and "ok"
        except client.exceptions.ProvisionedThroughputExceededException:
            seen = "refused"
        assert seen == expected, seen


@check
@with_emulator()
def a_wrong_quota_is_told(server, client):
    status, answer = server.post("quota", kind="token-bucket", rate=-1)
    assert status == 400 and "rate" in answer["message"], answer
    session_of(client.create())


# ---- What a client does behind its caller's back ---------------------------------------------------------------------------------------


@check
@with_emulator(UNLIMITED, attempts=3)
def hidden_retries_are_counted(server, client):
    for n in range(5):
        if n < 4:
            server.fault("InternalServerError", times=1)
        assert client.create()["ResponseMetadata"]["RetryAttempts"] == (1 if n < 4 else 0)
    tally = server.requests_of("Boto3/")
    assert (tally["requests"], tally["calls"], tally["attempts_after_first"], tally["requests_per_call"]) == (9, 5, 4, 1.8), tally
    server.stop()
    assert "sent 9 requests for 5 calls: 1.80x what it thinks" in server.said, server.said


@check
@with_emulator(attempts=3)
def a_throttle_is_retried(server, client):
    server.fault("ProvisionedThroughputExceededException", times=2)
    assert client.create()["ResponseMetadata"]["RetryAttempts"] == 2
    records = server.stop()
    assert [record["attempt"] for record in records] == [1, 2, 3], records
    assert len({record["invocation_id"] for record in records}) == 1, records
    assert len({record["request_id"] for record in records}) == 3, records


@check
@with_emulator(attempts=3)
def retries_end(server, client):
    server.fault("InternalServerError")
    error = held(refused(client.create), "InternalServerError", 500)
    assert "reached max retries: 2" in str(error), error
    assert server.requests_of("Boto3/")["requests"] == 3


@check
@with_emulator(attempts=3)
def invalid_calls_are_not_retried(server, client):
    held(refused(client.create, ClientRequestToken="a b"), "InvalidParameterException")
    assert server.requests_of("Boto3/")["requests"] == 1


# ---- Signatures ------------------------------------------------------------------------------------------------------------------------


@check
@with_emulator(CREDENTIALS)
def a_good_signature_passes(server, client):
    session_id = session_of(client.create(**EVERYTHING))
    assert client.results(SessionId=session_id)["Status"] == "CREATED"
    assert {record["account"] for record in server.stop()} == {"111122223333"}


@each(
    wrong_secret=({"secret": "another"}, "InvalidSignatureException"),
    unknown_key=({"key": "AKIDNOBODY"}, "UnrecognizedClientException"),
    unasked_token=({"token": "whatever"}, "UnrecognizedClientException"),
    missing_token=({"key": "ASIAEXAMPLE", "secret": "temporary"}, "UnrecognizedClientException"),
    wrong_token=({"key": "ASIAEXAMPLE", "secret": "temporary", "token": "the-wrong-token"}, "UnrecognizedClientException"),
    none=({"signature_version": UNSIGNED}, "MissingAuthenticationTokenException"),
)
def a_bad_signature(settings, name):
    with emulator(CREDENTIALS) as server:
        client = connect(server, **settings)
        held(refused(client.create), name, typed=False)
        held(refused(client.results, SessionId="0" * 36), name, typed=False)
        assert {record["created"] for record in server.stop()} == {False}


@check
@with_emulator(CREDENTIALS, key="ASIAEXAMPLE", secret="temporary", token="the-right-token")
def the_right_session_token_passes(server, client):
    session_of(client.create())
    assert [record["account"] for record in server.stop()] == ["444455556666"]


@each(slow=(-6, "Signature expired: "), fast=(6, "Signature not yet current: "))
@with_emulator(CREDENTIALS)
def a_clock_that_is(_, client, minutes, words):
    now = lambda: (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)).replace(tzinfo=None)
    with mock.patch("botocore.auth.get_current_datetime", lambda *_, **__: now()):
        error = held(refused(client.create), "InvalidSignatureException", typed=False)
    assert error.response["Error"]["Message"].startswith(words), error
    session_of(client.create())


@each(four_minutes_slow=-4, four_minutes_fast=4)
@with_emulator(CREDENTIALS)
def a_clock_within_tolerance(_, client, minutes):
    now = lambda: (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)).replace(tzinfo=None)
    with mock.patch("botocore.auth.get_current_datetime", lambda *_, **__: now()):
        session_of(client.create())


@check
@with_emulator(CREDENTIALS)
def a_signature_for_another_service_is_refused(_, client):
    client._request_signer._signing_name = "s3"
    error = held(refused(client.create), "InvalidSignatureException", typed=False)
    assert "Credential should be scoped to correct service: 'rekognition'." in error.response["Error"]["Message"], error


@check
@with_emulator(CREDENTIALS)
def a_body_that_was_changed_is_refused(_, client):
    def change(request, **_):
        request.body = request.body.replace(b"whatever", b"whenever")

    client.meta.events.register("before-send.rekognition", change)
    held(refused(client.create, KmsKeyId="alias/whatever"), "InvalidSignatureException", typed=False)


@check
@with_emulator(CREDENTIALS)
def the_same_signature_twice_is_no_replay(server, client):
    sent = []
    client.meta.events.register("before-send.rekognition", lambda request, **_: sent.append(request))
    first = session_of(client.create(ClientRequestToken="a"))
    (request,) = sent
    headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()}
    for _ in range(2):
        connection = http.client.HTTPConnection(server.endpoint.removeprefix("http://"))
        connection.request("POST", "/", request.body, headers)
        assert json.loads(connection.getresponse().read()) == {"SessionId": first}
        connection.close()


@each(
    unsigned=("allow_unsigned = true\n", {"signature_version": UNSIGNED}),
    wrongly_signed=("verify_signatures = false\n", {"secret": "another"}),
)
def where_switched_passes_who_is(switch, settings):
    with emulator(switch + CREDENTIALS) as server:
        session_of(connect(server, **settings).create())


@each(unsigned={"signature_version": UNSIGNED}, anybody={"key": "AKIDANYBODY", "secret": "anything", "token": "any"})
def without_credentials_passes_who_is(settings):
    with emulator() as server:
        session_of(connect(server, **settings).create())


# ---- TLS -------------------------------------------------------------------------------------------------------------------------------


def folder_of_its_own():
    return tempfile.TemporaryDirectory(prefix="livebench-")


@check
def tls_with_its_own_authority():
    with folder_of_its_own() as folder, emulator("", "--tls-generate", folder) as server:
        assert server.endpoint.startswith("https://127.0.0.1:"), server.ready
        client = connect(server, verify=server.ready["ca_bundle"])
        session_id = session_of(client.create())
        assert client.results(SessionId=session_id)["Status"] == "CREATED"


@check
def tls_without_verification():
    with folder_of_its_own() as folder, emulator("", "--tls-generate", folder) as server:
        session_of(connect(server, verify=False).create())


@check
def tls_of_a_stranger_is_refused_by_the_client():
    with folder_of_its_own() as folder, emulator("", "--tls-generate", folder) as server:
        try:
            connect(server).create()
        except SSLError:
            assert server.stop() == []
        else:
            raise AssertionError("a certificate of nobody was believed")


@check
def tls_with_a_given_certificate():
    with folder_of_its_own() as folder:
        with emulator("", "--tls-generate", folder):
            pass
        cert, key = pathlib.Path(folder, "cert.pem"), pathlib.Path(folder, "key.pem")
        with emulator("", "--tls-cert", str(cert), "--tls-key", str(key)) as server:
            session_of(connect(server, verify=str(pathlib.Path(folder, "ca.pem"))).create())


@each(**{"1_2": ssl.TLSVersion.TLSv1_2, "1_3": ssl.TLSVersion.TLSv1_3})
def tls_version(version):
    with folder_of_its_own() as folder, emulator("", "--tls-generate", folder) as server:
        context = ssl.create_default_context(cafile=server.ready["ca_bundle"])
        context.minimum_version = context.maximum_version = version
        connection = http.client.HTTPSConnection(server.endpoint.removeprefix("https://"), context=context)
        connection.request("GET", "/_livebench/health")
        assert connection.getresponse().status == 200
        connection.close()


# ---- Regions ---------------------------------------------------------------------------------------------------------------------------

SERVED = ("us-east-1", "us-west-2", "eu-west-1", "ap-south-1", "ap-northeast-1", "sa-east-1", "ap-southeast-5", "ap-southeast-7")


@each(**{region.replace("-", "_"): region for region in SERVED})
@with_emulator(CREDENTIALS)
def a_region_with_liveness(server, _, region):
    session_of(connect(server, region=region).create())


@each(**{region.replace("-", "_"): region for region in ("us-east-2", "eu-central-1", "ca-central-1")})
@with_emulator(CREDENTIALS)
def a_region_without_liveness(server, _, region):
    client = connect(server, region=region)
    held(refused(client.create), "AccessDeniedException", message="")
    held(refused(client.results, SessionId="00000000-0000-4000-8000-000000000000"), "AccessDeniedException", message="")


# ---- Errors ----------------------------------------------------------------------------------------------------------------------------

ERRORS = {
    "access_denied": ("AccessDeniedException", None, 400),
    "invalid_parameter": ("InvalidParameterException", None, 400),
    "quota": ("ProvisionedThroughputExceededException", None, 400),
    "throttling_at_400": ("ThrottlingException", 400, 400),
    "throttling_at_500": ("ThrottlingException", 500, 500),
    "internal": ("InternalServerError", None, 500),
    "quota_at_429": ("ProvisionedThroughputExceededException", 429, 429),
    "not_found": ("SessionNotFoundException", None, 400),
}


@each(**ERRORS)
@with_emulator()
def injected_error_is_typed(server, client, name, status, expected):
    server.fault(name, **({} if status is None else {"status": status}))
    for call in (client.create, functools.partial(client.results, SessionId="00000000-0000-4000-8000-000000000000")):
        error = held(refused(call), name, expected)
        assert isinstance(error, getattr(client.exceptions, name)), error
    server.post("fault")
    session_of(client.create())


@each(
    validation="ValidationException",
    expired="ExpiredTokenException",
    quota="ServiceQuotaExceededException",
    made_up="TeapotException",
)
@with_emulator()
def injected_error_outside_the_model(server, client, name):
    server.fault(name, times=1)
    typed = hasattr(client.exceptions, name)
    held(refused(client.create), name, typed=typed)
    session_of(client.create())


@check
@with_emulator()
def injected_error_of_one_operation(server, client):
    server.fault("InternalServerError", operation="GetFaceLivenessSessionResults")
    session_id = session_of(client.create())
    held(refused(client.results, SessionId=session_id), "InternalServerError", 500)
    server.post("fault")
    client.results(SessionId=session_id)


@check
@with_emulator()
def an_injected_error_takes_no_effect(server, client):
    server.fault("InternalServerError", times=1)
    refused(client.create, ClientRequestToken="a")
    assert server.get("state")["sessions"] == [], server.get("state")


@check
@with_emulator()
def another_operation_is_unknown(_, client):
    held(refused(client.list_collections), "UnknownOperationException", typed=False)


# ---- Faults ----------------------------------------------------------------------------------------------------------------------------


@check
@with_emulator("faults = { unavailable = 1.0 }\n")
def unavailable_is_no_json(_, client):
    error = refused(client.create)
    assert type(error) is ClientError and error.response["Error"]["Code"] == "503", error.response
    assert "RequestId" not in error.response["ResponseMetadata"], error.response


@check
@with_emulator("faults = { internal_error = 1.0 }\n")
def internal_errors_by_configuration(server, client):
    held(refused(client.create), "InternalServerError", 500, "Internal server error")
    assert server.get("state")["sessions"] == []


@each(empty="empty", empty_object="empty-object", truncated="truncated", null_session="null-session", upper_case="upper-case")
def a_malformed_200_is_no_error_to_boto3(form):
    with emulator(f'faults = {{ malformed = 1.0, malformed_forms = ["{form}"] }}\n') as server:
        answer = connect(server).create()
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200, answer
        assert not UUID.fullmatch(answer.get("SessionId") or ""), answer
        (record,) = server.stop()
        assert record["created"] and UUID.fullmatch(record["session_id"]), record


@check
@with_emulator('faults = { raw = { share = 1.0, status = 502, content_type = "text/html", body = "<html>Bad gateway</html>" } }\n')
def a_raw_answer(_, client):
    error = refused(client.create)
    assert error.response["Error"]["Code"] == "502" and "RequestId" not in error.response["ResponseMetadata"], error.response


@each(before="reset_before", after="reset_after")
def a_reset(when):
    with emulator(f"faults = {{ {when} = 1.0 }}\n") as server:
        try:
            connect(server).create(ClientRequestToken="lost")
        except ConnectionClosedError:
            (record,) = server.stop()
            assert record["verdict"] == when and record["created"] == (when == "reset_after"), record
        else:
            raise AssertionError("the answer was not lost")


@check
@with_emulator('faults = { slow_body = 1.0, slow_body_for = "300ms" }\n')
def a_slow_body_is_whole_in_the_end(_, client):
    begun = time.monotonic()
    session_of(client.create())
    assert time.monotonic() - begun >= 0.3


@each(slow_body='slow_body = 1.0, slow_body_for = "1h"', half_open="half_open = 1.0")
def the_client_gives_up_on(fault):
    with emulator(f"faults = {{ {fault} }}\n") as server:
        try:
            connect(server, read_timeout=0.5).create(ClientRequestToken="slow")
        except ReadTimeoutError:
            assert len(server.get("state")["sessions"]) == 1
        else:
            raise AssertionError("it was answered")


@check
@with_emulator('faults = { scheduled = [ { fault = "unavailable", at = "0s", for = "1h" } ] }\n')
def scheduled_faults(server, client):
    assert refused(client.create).response["Error"]["Code"] == "503"


@check
@with_emulator('stalls = [ { at = "0s", for = "700ms" } ]\n')
def a_stall_holds_answers(server, client):
    client.create()
    (record,) = server.stop()
    assert record["planned_reply_us"] >= 700_000 or record["arrived_us"] >= 700_000, record


# ---- The wire --------------------------------------------------------------------------------------------------------------------------


def raw(server, body, method="POST", path="/", target="CreateFaceLivenessSession", **headers):
    connection = http.client.HTTPConnection(server.endpoint.removeprefix("http://"))
    headers = {"Content-Type": "application/x-amz-json-1.1", **headers}
    if target:
        headers["x-AMZ-tArGeT"] = f"RekognitionService.{target}"
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer, json.loads(text) if text else {}


@each(escaped=r"sessions/\u00e9/\ud83d\ude00".encode(), raw_utf8="sessions/é/😀".encode())
@with_emulator(AT_ONCE)
def a_prefix_that_is(server, client, prefix):
    answer, members = raw(server, b'{"Settings": {"OutputConfig": {"S3Bucket": "bucket", "S3KeyPrefix": "' + prefix + b'"}}}')
    assert answer.status == 200, members
    name = client.results(SessionId=session_of(members))["ReferenceImage"]["S3Object"]["Name"]
    assert name.startswith("sessions/é/😀"), name


@each(
    broken_json=({"body": b"{nope"}, 400, "SerializationException"),
    no_json=({"body": b""}, 400, "SerializationException"),
    no_object=({"body": b"[]"}, 400, "SerializationException"),
    no_target=({"body": b"{}", "target": None}, 400, "UnknownOperationException"),
    another_target=({"body": b"{}", "target": "DetectFaces"}, 400, "UnknownOperationException"),
    another_method=({"body": b"{}", "method": "PUT"}, 405, "UnknownOperationException"),
    another_path=({"body": b"{}", "path": "/sessions"}, 404, "UnknownOperationException"),
    too_large=({"body": b" " * (1 << 20) + b"{}"}, 413, "RequestEntityTooLargeException"),
)
@with_emulator()
def refused_at_the_door(server, _, request, status, name):
    answer, members = raw(server, **request)
    assert (answer.status, members["__type"]) == (status, name), (answer.status, members)
    assert UUID.fullmatch(answer.headers["x-amzn-RequestId"]) and "Code" not in members, answer.headers


@check
@with_emulator(UNLIMITED)
def the_form_of_a_modelled_error(server, _):
    server.fault("ThrottlingException", status=500)
    answer, members = raw(server, b"{}")
    assert answer.status == 500 and set(members) == {"__type", "Code", "Logref", "Message"}, members
    assert members["__type"] == members["Code"] == "ThrottlingException" and UUID.fullmatch(members["Logref"]), members


# ---- Its own endpoints -----------------------------------------------------------------------------------------------------------------


@check
def a_token_and_its_session_outlive_a_restart():
    with folder_of_its_own() as folder:
        state, seen = str(pathlib.Path(folder, "state.json")), []
        for _ in range(2):
            with emulator(UNLIMITED, "--state", state) as server:
                client = connect(server)
                session_id = session_of(client.create(ClientRequestToken="a", Settings={"AuditImagesLimit": 2}))
                if not seen:
                    server.complete(session_id, Confidence=77.0)
                answer = client.results(SessionId=session_id)
                del answer["ResponseMetadata"]
                seen.append(answer)
                server.stop()
        assert seen[0] == seen[1] and seen[0]["Confidence"] == 77.0 and len(seen[0]["AuditImages"]) == 2, seen


@check
@with_emulator('quota = { kind = "fixed-window", limit = 2, window = "1h" }\n')
def metrics_are_prometheus(server, client):
    session_id = session_of(client.create(ClientRequestToken="a"))
    client.create()
    refused(client.create)
    client.results(SessionId=session_id)
    refused(client.list_collections)
    families = {family.name: family for family in text_string_to_metric_families(server.get("metrics"))}
    requests = {(s.labels["operation"], s.labels["verdict"]): s.value for s in families["livebench_requests"].samples}
    assert requests == {
        ("CreateFaceLivenessSession", "ok"): 2,
        ("CreateFaceLivenessSession", "throttled_quota"): 1,
        ("GetFaceLivenessSessionResults", "ok"): 1,
        ("none", "unmodelled"): 1,
    }, requests
    assert families["livebench_requests"].type == "counter"
    single = {name: family.samples[0].value for name, family in families.items() if len(family.samples) == 1}
    assert (single["livebench_sessions"], single["livebench_tokens"], single["livebench_in_flight"]) == (2, 1, 0), single
    histogram = families["livebench_overhead_seconds"]
    buckets = [s.value for s in histogram.samples if s.name.endswith("_bucket")]
    assert histogram.type == "histogram" and buckets == sorted(buckets) and buckets[-1] == 5, histogram


@check
@with_emulator()
def health(server, client):
    client.create()
    assert server.get("health") == {"status": "ok", "arrivals": 1}


@check
@with_emulator()
def a_reset_forgets(server, client):
    first = session_of(client.create(ClientRequestToken="a"))
    assert server.post("reset") == (200, {"reset": True})
    held(refused(client.results, SessionId=first), "SessionNotFoundException")
    assert server.get("health")["arrivals"] == 1 and server.get("state")["sessions"] == []


@check
@with_emulator()
def its_own_endpoints_refuse(server, _):
    assert server.post("nothing")[0] == 404
    assert server.post("state")[0] == 405
    assert server.post("fault", code="X", status=200)[0] == 400
    assert server.post("fault", code="X", times=0)[0] == 400
    assert server.post("complete", SessionId=7)[0] == 400


if __name__ == "__main__":
    sys.exit(run_checks(f"boto3 {boto3.__version__}"))
