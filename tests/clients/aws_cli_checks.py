"""The AWS CLI v1 against `livebench emulate`: aws_cli_checks.py BINARY [WORD...], with the Python that has awscli.

Prints each check as it passes and "AWS CLI VERSION: N passed, M failed" at the end; exits 1 if one failed.
"""

import datetime
import json
import pathlib
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

from emulators import CREDENTIALS, UUID, check, each, emulator, run_checks, until
from forked_aws import VERSION, aws

UNLIMITED = 'quota = { kind = "none" }\nget_quota = { kind = "none" }\n'
AT_ONCE = UNLIMITED + 'checks = { succeed = 1.0, start = "0s", length = "0s" }\n'
CREATE, RESULTS = "create-face-liveness-session", "get-face-liveness-session-results"
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/nonexistent",
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": "/nonexistent",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_MAX_ATTEMPTS": "1",
}
TEMPORARY = {"AWS_ACCESS_KEY_ID": "ASIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "temporary"}


def run(server, operation, *arguments, prepare=None, **changes):
    """Exit code, stdout and stderr."""
    environment = {name: value for name, value in {**ENVIRONMENT, **changes}.items() if value is not None}
    return aws(["rekognition", operation, "--endpoint-url", server.endpoint, *arguments], environment, prepare)


def done(server, operation, *arguments, **changes):
    """What a call that succeeds prints, read as JSON."""
    code, out, err = run(server, operation, *arguments, **changes)
    assert code == 0, (code, out, err)
    return json.loads(out)


def create(server, *arguments, **changes):
    answer = done(server, CREATE, *arguments, **changes)
    assert set(answer) == {"SessionId"} and UUID.fullmatch(answer["SessionId"]), answer
    return answer["SessionId"]


def results(server, session_id, *arguments, **changes):
    return done(server, RESULTS, "--session-id", session_id, *arguments, **changes)


def refused(server, name, operation, *arguments, message=None, **changes):
    """Whether the call fails with this error; what the CLI says of it."""
    code, out, err = run(server, operation, *arguments, **changes)
    called = {CREATE: "CreateFaceLivenessSession", RESULTS: "GetFaceLivenessSessionResults"}.get(operation, "")
    assert code == 255 and not out and f"An error occurred ({name}) when calling the {called}" in err, (code, out, err)
    assert message is None or err.rstrip("\n").endswith(f": {message}"), err
    return err


def named(function, config="", *arguments):
    """A check with a server of its own."""

    def of_server(*row):
        with emulator(config, *arguments) as server:
            function(server, *row)

    of_server.__name__ = function.__name__
    return of_server


def with_emulator(config="", *arguments):
    return lambda function: named(function, config, *arguments)


# ---- Both operations -------------------------------------------------------------------------------------------------------------------


@check
@with_emulator()
def creates_a_session(server):
    create(server)


@each(
    settings_in_shorthand=("--settings", "OutputConfig={S3Bucket=my-bucket,S3KeyPrefix=sessions/é/},AuditImagesLimit=4"),
    settings_in_json=("--settings", '{"OutputConfig": {"S3Bucket": "my-bucket"}, "AuditImagesLimit": 4}'),
    preferences=("--settings", "ChallengePreferences=[{Type=FaceMovementChallenge,Versions={Minimum=1.0.0,Maximum=1.0.0}}]"),
    key=("--kms-key-id", "alias/liveness"),
    input_as_json=("--cli-input-json", '{"KmsKeyId": "k", "Settings": {"AuditImagesLimit": 1}, "ClientRequestToken": "t"}'),
)
@with_emulator()
def takes(server, *arguments):
    create(server, *arguments)


@check
@with_emulator(AT_ONCE)
def arguments_override_the_json_input(server):
    given = '{"Settings": {"AuditImagesLimit": 4}, "ClientRequestToken": "t"}'
    session_id = create(server, "--cli-input-json", given, "--settings", "AuditImagesLimit=1")
    assert create(server, "--client-request-token", "t") == session_id
    assert len(results(server, session_id)["AuditImages"]) == 1


@check
@with_emulator()
def its_own_skeleton_with_values_is_taken(server):
    skeleton = done(server, CREATE, "--generate-cli-skeleton", "input")
    assert server.get("health")["arrivals"] == 0
    assert set(skeleton) == {"KmsKeyId", "Settings", "ClientRequestToken"}, skeleton
    filled = {
        "KmsKeyId": "k",
        "ClientRequestToken": "t",
        "Settings": {**skeleton["Settings"], "OutputConfig": {"S3Bucket": "bucket", "S3KeyPrefix": ""}},
    }
    filled["Settings"]["ChallengePreferences"][0]["Versions"] = {"Minimum": "1.0.0", "Maximum": "1.0.0"}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(filled, file)
        file.flush()
        create(server, "--cli-input-json", f"file://{file.name}")


@check
@with_emulator(AT_ONCE)
def results_as_json(server):
    answer = results(server, create(server, "--settings", "AuditImagesLimit=2"))
    assert answer["Status"] == "SUCCEEDED" and 0 <= answer["Confidence"] <= 100 and len(answer["AuditImages"]) == 2, answer
    assert answer["ReferenceImage"]["Bytes"].startswith("/9j/"), answer
    assert answer["Challenge"] == {"Type": "FaceMovementAndLightChallenge", "Version": "1.0.0"}, answer


@check
@with_emulator(AT_ONCE)
def results_in_s3(server):
    answer = results(server, create(server, "--settings", "OutputConfig={S3Bucket=my-bucket,S3KeyPrefix=sessions/é/}"))
    image = answer["ReferenceImage"]
    assert image["S3Object"]["Bucket"] == "my-bucket" and image["S3Object"]["Name"].startswith("sessions/é/"), image
    assert "Bytes" not in image and set(image["BoundingBox"]) == {"Width", "Height", "Left", "Top"}, image


@each(text=("text", "SUCCEEDED\n"), table=("table", "SUCCEEDED"))
@with_emulator(AT_ONCE)
def results_as(server, form, expected):
    code, out, _ = run(server, RESULTS, "--session-id", create(server), "--output", form, "--query", "[Status]")
    assert code == 0 and expected in out, out


@each(text=("text", "SessionId"), json=("json", "[SessionId]"), table=("table", "@"))
@with_emulator()
def session_as(server, form, query):
    code, out, _ = run(server, CREATE, "--output", form, "--query", query)
    assert code == 0 and UUID.search(out), out


# ---- Errors ----------------------------------------------------------------------------------------------------------------------------


@each(
    token=("clientRequestToken", "--client-request-token", "no spaces allowed"),
    long_token=("clientRequestToken", "--client-request-token", "t" * 65),
    key=("kmsKeyId", "--kms-key-id", "k" * 2049),
    bucket=("settings.outputConfig.s3Bucket", "--settings", "OutputConfig={S3Bucket=a/b/c}"),
    prefix=("settings.outputConfig.s3KeyPrefix", "--settings", "OutputConfig={S3Bucket=abc,S3KeyPrefix='a b'}"),
    challenge=("settings.challengePreferences.1.member.type", "--settings", "ChallengePreferences=[{Type=Dance}]"),
)
@with_emulator()
def invalid(server, path, *arguments):
    err = refused(server, "InvalidParameterException", CREATE, *arguments)
    assert "1 validation error detected: " in err or "2 validation errors detected: " in err, err
    assert f"at '{path}' failed to satisfy constraint: Member must" in err, err


@check
@with_emulator()
def invalid_session_id(server):
    err = refused(server, "InvalidParameterException", RESULTS, "--session-id", "X" * 36)
    assert "at 'sessionId' failed to satisfy constraint" in err, err


@check
@with_emulator()
def an_unknown_session_is_not_found(server):
    refused(server, "SessionNotFoundException", RESULTS, "--session-id", "00000000-0000-4000-8000-000000000000")


@check
@with_emulator()
def minimums_are_refused_by_the_client(server):
    code, _, err = run(server, CREATE, "--settings", "AuditImagesLimit=-1")
    assert code == 255 and "valid min value: 0" in err, err
    assert server.get("health")["arrivals"] == 0


@check
@with_emulator('quota = { kind = "fixed-window", limit = 1, window = "1h" }\n')
def over_the_quota(server):
    create(server)
    refused(server, "ProvisionedThroughputExceededException", CREATE, message="Provisioned Rate exceeded.")


@each(
    **{
        "denied": ("AccessDeniedException", None, "User is not authorized to perform the action."),
        "ramp": ("ThrottlingException", 400, "Slow down; sudden increase in rate of requests."),
        "scaling": ("ThrottlingException", 500, "Service Unavailable"),
        "internal": ("InternalServerError", None, "Internal server error"),
        "validation": ("ValidationException", None, "None"),
    }
)
@with_emulator()
def injected_error(server, name, status, message):
    server.fault(name, times=2, **({} if status is None else {"status": status}))
    # botocore says "None" of an error without a message only where it has a message of that kind: it says nothing, or that.
    for operation, arguments in ((CREATE, ()), (RESULTS, ("--session-id", "00000000-0000-4000-8000-000000000000"))):
        refused(server, name, operation, *arguments, message=None if message == "None" else message)


@check
@with_emulator()
def another_operation_is_unknown(server):
    err = refused(server, "UnknownOperationException", "list-collections")
    assert "ListCollections" in err, err


@check
@with_emulator("faults = { unavailable = 1.0 }\n")
def unavailable_is_no_json(server):
    refused(server, "503", CREATE)


@check
@with_emulator('faults = { malformed = 1.0, malformed_forms = ["truncated"] }\n')
def a_malformed_200_is_no_error_to_the_cli(server):
    code, out, _ = run(server, CREATE)
    assert code == 0 and not UUID.search(out), out


@check
@with_emulator("faults = { reset_after = 1.0 }\n")
def a_reset_is_a_lost_connection(server):
    code, out, err = run(server, CREATE, "--client-request-token", "lost")
    assert code == 255 and not out and "Connection was closed" in err, err
    assert len(server.get("state")["sessions"]) == 1


@check
@with_emulator("faults = { half_open = 1.0 }\n")
def a_half_open_connection_times_out(server):
    code, out, err = run(server, CREATE, "--cli-read-timeout", "1")
    assert code == 255 and not out and "Read timeout on endpoint URL" in err, err


# ---- Tokens, retries, a session's life -------------------------------------------------------------------------------------------------


@check
@with_emulator()
def same_token_same_session(server):
    ids = [create(server, "--client-request-token", token) for token in ("a", "a", "b")]
    assert ids[0] == ids[1] != ids[2], ids


@check
@with_emulator(UNLIMITED)
def one_token_at_once_is_one_session(server):
    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda _: create(server, "--client-request-token", "race"), range(8)))
    assert len(ids) == 1, ids


@check
@with_emulator(UNLIMITED + 'session_ttl = "1s"\n')
def a_token_after_expiry_makes_a_new_session(server):
    first = create(server, "--client-request-token", "a")
    until(lambda: create(server, "--client-request-token", "a") != first)
    refused(server, "SessionNotFoundException", RESULTS, "--session-id", first)


@check
@with_emulator(UNLIMITED + "seed = 4\nfaults = { reset_after = 0.5 }\n")
def a_lost_answer_and_a_retry_are_one_session(server):
    ids = {create(server, "--client-request-token", f"t-{n}", AWS_MAX_ATTEMPTS="10", AWS_RETRY_MODE="standard") for n in range(5)}
    assert len(ids) == 5 == len(server.get("state")["sessions"]), ids
    assert any(record["verdict"] == "reset_after" for record in server.stop())


@each(legacy={"AWS_MAX_ATTEMPTS": None}, standard={"AWS_MAX_ATTEMPTS": None, "AWS_RETRY_MODE": "standard"})
@with_emulator()
def hidden_retries_are_counted(server, changes):
    server.fault("InternalServerError", times=1)
    create(server, **changes)
    tally = server.requests_of("aws-cli/")
    assert (tally["requests"], tally["calls"], tally["requests_per_call"]) == (2, 1, 2.0), tally


@check
@with_emulator()
def a_life_goes_its_way(server):
    session_id = create(server)
    assert results(server, session_id) == {"SessionId": session_id, "Status": "CREATED"}
    server.complete(session_id, Confidence=50)
    assert results(server, session_id)["Confidence"] == 50.0


# ---- Signatures, TLS, regions, settings ------------------------------------------------------------------------------------------------


@each(
    good=({}, None),
    wrong_secret=({"AWS_SECRET_ACCESS_KEY": "another"}, "InvalidSignatureException"),
    unknown_key=({"AWS_ACCESS_KEY_ID": "AKIDNOBODY"}, "UnrecognizedClientException"),
    right_token=({**TEMPORARY, "AWS_SESSION_TOKEN": "the-right-token"}, None),
    missing_token=(TEMPORARY, "UnrecognizedClientException"),
    wrong_token=({**TEMPORARY, "AWS_SESSION_TOKEN": "the-wrong-token"}, "UnrecognizedClientException"),
)
@with_emulator(CREDENTIALS)
def a_signature_that_is(server, changes, name):
    if name:
        refused(server, name, CREATE, **changes)
    else:
        create(server, **changes)


@each(slow=(-6, "Signature expired: "), fast=(6, "Signature not yet current: "))
@with_emulator(CREDENTIALS)
def a_clock_that_is(server, minutes, words):
    def set_clock():
        now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
        # The CLI has a botocore of its own inside, under two names.
        for name, module in list(sys.modules.items()):
            if name.endswith("botocore.auth"):
                module.get_current_datetime = lambda *_, **__: now.replace(tzinfo=None)

    err = refused(server, "InvalidSignatureException", CREATE, prepare=set_clock)
    assert words in err, err


@each(
    refused=(CREDENTIALS, False),
    let_in_where_switched=("allow_unsigned = true\n" + CREDENTIALS, True),
    let_in_without_credentials=("", True),
)
def an_unsigned_request_is(config, passes):
    with emulator(config) as server:
        if passes:
            create(server, "--no-sign-request", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
        else:
            refused(server, "MissingAuthenticationTokenException", CREATE, "--no-sign-request")


@check
def tls():
    with tempfile.TemporaryDirectory() as folder, emulator("", "--tls-generate", folder) as server:
        bundle = server.ready["ca_bundle"]
        create(server, "--ca-bundle", bundle)
        create(server, AWS_CA_BUNDLE=bundle)
        code, out, err = run(server, CREATE, "--no-verify-ssl")
        assert code == 0 and UUID.search(out), err
        code, out, err = run(server, CREATE)
        assert code == 255 and "SSL validation failed" in err, err


@each(eu_west_1=("eu-west-1", True), ap_southeast_7=("ap-southeast-7", True), eu_central_1=("eu-central-1", False))
@with_emulator(CREDENTIALS)
def a_region(server, region, served):
    if served:
        create(server, "--region", region)
    else:
        refused(server, "AccessDeniedException", CREATE, "--region", region)


@each(variable="AWS_ENDPOINT_URL", variable_of_the_service="AWS_ENDPOINT_URL_REKOGNITION")
@with_emulator()
def finds_the_endpoint_by(server, name):
    code, out, err = aws(["rekognition", CREATE], {**ENVIRONMENT, name: server.endpoint})
    assert code == 0 and UUID.search(out), err


@check
@with_emulator(CREDENTIALS)
def finds_everything_in_a_profile(server):
    with tempfile.TemporaryDirectory() as folder:
        config, secrets = pathlib.Path(folder, "config"), pathlib.Path(folder, "credentials")
        config.write_text(f"[profile emulator]\nregion = eu-west-1\noutput = text\nendpoint_url = {server.endpoint}\n")
        secrets.write_text("[emulator]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = secret\n")
        files = {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(secrets)}
        code, out, err = aws(
            ["rekognition", CREATE, "--profile", "emulator"], {**ENVIRONMENT, **files, "AWS_DEFAULT_REGION": "eu-west-1"}
        )
        assert code == 0 and UUID.fullmatch(out.strip()), err


@check
@with_emulator()
def debug_shows_the_request_id(server):
    code, _, err = run(server, CREATE, "--debug")
    assert code == 0 and "x-amzn-requestid" in err.lower(), err


if __name__ == "__main__":
    sys.exit(run_checks(f"AWS CLI {VERSION}"))
