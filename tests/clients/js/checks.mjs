// The AWS SDK for JavaScript v3 against `livebench emulate`: checks.mjs BINARY [WORD...]
// Prints each check as it passes and "@aws-sdk/client-rekognition VERSION: N passed, M failed" at the end; exits 1 if one failed.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import https from "node:https";
import { createRequire } from "node:module";

import * as rekognition from "@aws-sdk/client-rekognition";

import { CREDENTIALS, UUID, check, runChecks, until } from "./emulators.mjs";

const { CreateFaceLivenessSessionCommand, GetFaceLivenessSessionResultsCommand, ListCollectionsCommand, RekognitionClient } = rekognition;
const { version } = createRequire(import.meta.url)("@aws-sdk/client-rekognition/package.json");
const UNLIMITED = 'quota = { kind = "none" }\nget_quota = { kind = "none" }\n';
const AT_ONCE = `${UNLIMITED}checks = { succeed = 1.0, start = "0s", length = "0s" }\n`;
const NOBODY = "00000000-0000-4000-8000-000000000000";
const TEMPORARY = { accessKeyId: "ASIAEXAMPLE", secretAccessKey: "temporary", sessionToken: "the-right-token" };

/** A client of the server, without retries unless they are asked for. */
function connect(server, settings = {}) {
  const client = new RekognitionClient({
    endpoint: server.endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" },
    maxAttempts: 1,
    ...settings,
  });
  return {
    client,
    create: (input = {}) => client.send(new CreateFaceLivenessSessionCommand(input)),
    results: (SessionId) => client.send(new GetFaceLivenessSessionResultsCommand({ SessionId })),
  };
}

function sessionOf(answer) {
  assert.match(answer.SessionId, UUID);
  return answer.SessionId;
}

/** The error of a refused call: held to its class, name, status and request id. */
async function refused(call, name, { status = 400, typed = true, message } = {}) {
  const error = await call.then(
    (answer) => assert.fail(`not refused: ${JSON.stringify(answer)}`),
    (error) => error,
  );
  assert.equal(error.name, name, error.stack);
  assert.ok(error instanceof rekognition.RekognitionServiceException, error.stack);
  if (typed) assert.ok(error instanceof rekognition[name], error.stack);
  assert.equal(error.$metadata.httpStatusCode, status);
  assert.match(error.$metadata.requestId, UUID);
  if (message !== undefined) assert.equal(error.message, message);
  return error;
}

/** The error of a call that fails before it is understood. */
const failure = (call) => call.then((answer) => assert.fail(`not failed: ${JSON.stringify(answer)}`), (error) => error);

// ---- Both operations ----------------------------------------------------------------------------------------------------------------

check("creates a session", "", async (server) => {
  const answer = await connect(server).create();
  sessionOf(answer);
  assert.equal(answer.$metadata.httpStatusCode, 200);
  assert.match(answer.$metadata.requestId, UUID);
  assert.equal(answer.$metadata.attempts, 1);
});

check("takes every member", AT_ONCE, async (server) => {
  const { create, results } = connect(server);
  const session = sessionOf(
    await create({
      KmsKeyId: "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
      ClientRequestToken: "livebench-token-0001",
      Settings: {
        AuditImagesLimit: 4,
        OutputConfig: { S3Bucket: "livebench-bucket", S3KeyPrefix: "sessions/é/😀/" },
        ChallengePreferences: [{ Type: "FaceMovementChallenge", Versions: { Minimum: "1.0.0", Maximum: "1.0.0" } }],
      },
    }),
  );
  const answer = await results(session);
  assert.equal(answer.Status, "SUCCEEDED");
  assert.deepEqual(answer.Challenge, { Type: "FaceMovementChallenge", Version: "1.0.0" });
  for (const image of [answer.ReferenceImage, ...answer.AuditImages]) {
    assert.equal(image.S3Object.Bucket, "livebench-bucket");
    assert.ok(image.S3Object.Name.startsWith("sessions/é/😀/"), image.S3Object.Name);
    assert.equal(image.Bytes, undefined);
  }
});

for (const limit of [0, 1, 4]) {
  check(`audit images of ${limit}`, AT_ONCE, async (server) => {
    const { create, results } = connect(server);
    const answer = await results(sessionOf(await create({ Settings: { AuditImagesLimit: limit } })));
    assert.equal(answer.AuditImages.length, limit);
    for (const image of [answer.ReferenceImage, ...answer.AuditImages]) {
      assert.ok(image.Bytes instanceof Uint8Array && image.Bytes[0] === 0xff && image.Bytes[1] === 0xd8);
      const { Width, Height, Left, Top } = image.BoundingBox;
      assert.ok(Left > 0 && Top > 0 && Left + Width <= 1 && Top + Height <= 1);
    }
    assert.ok(answer.Confidence >= 0 && answer.Confidence <= 100);
    assert.deepEqual(answer.Feedback, []);
    assert.equal(answer.Metadata.SDKType, "livebench-emulator");
  });
}

for (const [limit, images] of [[-1, 0], [5, 4]]) {
  check(`a limit of ${limit} is clamped`, AT_ONCE, async (server) => {
    const { create, results } = connect(server);
    const answer = await results(sessionOf(await create({ Settings: { AuditImagesLimit: limit } })));
    assert.equal(answer.AuditImages.length, images);
  });
}

check("ids are distinct over 100 calls at once", UNLIMITED, async (server) => {
  const { create } = connect(server);
  const answers = await Promise.all(Array.from({ length: 100 }, () => create()));
  assert.equal(new Set(answers.map(sessionOf)).size, 100);
  assert.equal(new Set(answers.map((answer) => answer.$metadata.requestId)).size, 100);
});

check("connections are kept", UNLIMITED, async (server) => {
  const { create, results } = connect(server);
  for (let n = 0; n < 4; n += 1) await create();
  await refused(results(NOBODY), "SessionNotFoundException");
  await create();
  const connections = new Set((await server.stop()).map((record) => record.connection));
  assert.equal(connections.size, 1);
});

// ---- Validation ---------------------------------------------------------------------------------------------------------------------

const INVALID = {
  "an empty token": [{ ClientRequestToken: "" }, "clientRequestToken"],
  "a long token": [{ ClientRequestToken: "t".repeat(65) }, "clientRequestToken"],
  "a token with spaces": [{ ClientRequestToken: "a b" }, "clientRequestToken"],
  "an empty key": [{ KmsKeyId: "" }, "kmsKeyId"],
  "a missing bucket": [{ Settings: { OutputConfig: {} } }, "settings.outputConfig.s3Bucket"],
  "a short bucket": [{ Settings: { OutputConfig: { S3Bucket: "ab" } } }, "settings.outputConfig.s3Bucket"],
  "a prefix with spaces": [{ Settings: { OutputConfig: { S3Bucket: "abc", S3KeyPrefix: "a b" } } }, "settings.outputConfig.s3KeyPrefix"],
  "an unknown challenge": [{ Settings: { ChallengePreferences: [{ Type: "Dance" }] } }, "settings.challengePreferences.1.member.type"],
};
for (const [name, [input, path]] of Object.entries(INVALID)) {
  check(`${name} is invalid`, "", async (server) => {
    const error = await refused(connect(server).create(input), "InvalidParameterException");
    assert.match(error.message, /^\d validation errors? detected: Value /);
    assert.ok(error.message.includes(`at '${path}' failed to satisfy constraint: Member must`), error.message);
  });
}

check("a missing session id is invalid", "", async (server) => {
  const error = await refused(connect(server).results(undefined), "InvalidParameterException");
  assert.equal(error.message, "1 validation error detected: Value null at 'sessionId' failed to satisfy constraint: Member must not be null");
});

check("violations as ValidationException", 'validation = { error = "validation" }\n', async (server) => {
  await refused(connect(server).create({ ClientRequestToken: "a b" }), "ValidationException", { typed: false });
});

check("a fraction where an integer stands is not JSON of the model", "", async (server) => {
  await refused(connect(server).create({ Settings: { AuditImagesLimit: 2.5 } }), "SerializationException", { typed: false });
});

// ---- Errors -------------------------------------------------------------------------------------------------------------------------

const ERRORS = [
  ["AccessDeniedException", undefined, 400],
  ["InvalidParameterException", undefined, 400],
  ["ProvisionedThroughputExceededException", undefined, 400],
  ["ThrottlingException", 400, 400],
  ["ThrottlingException", 500, 500],
  ["InternalServerError", undefined, 500],
  ["SessionNotFoundException", undefined, 400],
];
for (const [code, status, expected] of ERRORS) {
  check(`${code} at ${expected} is typed`, "", async (server) => {
    const { create, results } = connect(server);
    await server.post("fault", { code, status });
    await refused(create(), code, { status: expected });
    await refused(results(NOBODY), code, { status: expected });
    await server.post("fault");
    sessionOf(await create());
  });
}

check("another operation is unknown", "", async (server) => {
  const { client } = connect(server);
  await refused(client.send(new ListCollectionsCommand({})), "UnknownOperationException", { typed: false });
});

check("an unknown session is not found", "", async (server) => {
  await refused(connect(server).results(NOBODY), "SessionNotFoundException");
});

check("over the quota", 'quota = { kind = "fixed-window", limit = 2, window = "1h" }\n', async (server) => {
  const { create } = connect(server);
  await create();
  await create();
  await refused(create(), "ProvisionedThroughputExceededException", { message: "Provisioned Rate exceeded." });
  await server.post("quota", { kind: "none" });
  await create();
});

// ---- Tokens -------------------------------------------------------------------------------------------------------------------------

check("same token, same session", "", async (server) => {
  const { create } = connect(server);
  const ids = [];
  for (const [ClientRequestToken, AuditImagesLimit] of [["a", 0], ["a", 4], ["b", 0]]) {
    ids.push(sessionOf(await create({ ClientRequestToken, Settings: { AuditImagesLimit } })));
  }
  assert.equal(ids[0], ids[1]);
  assert.notEqual(ids[0], ids[2]);
});

check("one token at once is one session", UNLIMITED, async (server) => {
  const { create } = connect(server);
  const answers = await Promise.all(Array.from({ length: 32 }, () => create({ ClientRequestToken: "race" })));
  assert.equal(new Set(answers.map(sessionOf)).size, 1);
  assert.equal((await server.stop()).filter((record) => record.created).length, 1);
});

check("a token after expiry makes a new session", `${UNLIMITED}session_ttl = "300ms"\n`, async (server) => {
  const { create, results } = connect(server);
  const first = sessionOf(await create({ ClientRequestToken: "a" }));
  await until(async () => (await create({ ClientRequestToken: "a" })).SessionId !== first);
  await refused(results(first), "SessionNotFoundException");
});

check("a token with other settings is refused where switched", 'tokens = { mismatch = "mismatch-error" }\n', async (server) => {
  const { create } = connect(server);
  await create({ ClientRequestToken: "a" });
  await refused(create({ ClientRequestToken: "a", KmsKeyId: "k" }), "IdempotentParameterMismatchException");
});

check("a lost answer and a retry are one session", `${UNLIMITED}faults = { reset_after = 0.5 }\n`, async (server) => {
  const { create } = connect(server, { maxAttempts: 10 });
  const got = new Map();
  for (let n = 0; n < 12; n += 1) got.set(`t-${n}`, sessionOf(await create({ ClientRequestToken: `t-${n}` })));
  const records = await server.stop();
  assert.ok(records.some((record) => record.verdict === "reset_after"));
  for (const record of records) assert.equal(record.session_id, got.get(record.token));
});

// ---- A session's life ---------------------------------------------------------------------------------------------------------------

for (const [checks, status] of [
  ["", "CREATED"],
  ['succeed = 1.0, start = "0s", length = "1m"', "IN_PROGRESS"],
  ['succeed = 1.0, start = "0s", length = "0s"', "SUCCEEDED"],
  ['fail = 1.0, start = "0s", length = "0s"', "FAILED"],
]) {
  check(`a check that is ${status}`, `${UNLIMITED}checks = { ${checks} }\n`, async (server) => {
    const { create, results } = connect(server);
    assert.equal((await results(sessionOf(await create()))).Status, status);
  });
}

check("an expired session shows where switched", `${UNLIMITED}session_ttl = "200ms"\nsessions = { expired = "expired", expired_for = "1h" }\n`, async (server) => {
  const { create, results } = connect(server);
  const session = sessionOf(await create());
  await until(async () => (await results(session)).Status === "EXPIRED");
});

check("completes on demand, once", "", async (server) => {
  const { create, results } = connect(server);
  const session = sessionOf(await create());
  await server.post("complete", { SessionId: session, Confidence: 99.5 });
  const answer = await results(session);
  assert.deepEqual([answer.Status, answer.Confidence], ["SUCCEEDED", 99.5]);
  await assert.rejects(server.post("complete", { SessionId: session }), /409: .*a session serves one check/);
});

// ---- Retries ------------------------------------------------------------------------------------------------------------------------

check("hidden retries are counted", UNLIMITED, async (server) => {
  const { create } = connect(server, { maxAttempts: 3 });
  for (let n = 0; n < 5; n += 1) {
    if (n < 4) await server.post("fault", { code: "InternalServerError", times: 1 });
    assert.equal((await create()).$metadata.attempts, n < 4 ? 2 : 1);
  }
  const { requests, calls, requests_per_call } = await server.requestsOf("aws-sdk-js/");
  assert.deepEqual([requests, calls, requests_per_call], [9, 5, 1.8]);
});

check("a throttle says when to retry where switched", 'quota = { kind = "fixed-window", limit = 1, window = "1h" }\nretry_after = "250ms"\n', async (server) => {
  const { create } = connect(server);
  await create();
  const error = await refused(create(), "ProvisionedThroughputExceededException");
  assert.equal(error.$response.headers["x-amz-retry-after"], "250");
});

// ---- Signatures ---------------------------------------------------------------------------------------------------------------------

for (const [name, credentials, expected] of [
  ["good", { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" }, undefined],
  ["of a wrong secret", { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "another" }, "InvalidSignatureException"],
  ["of an unknown key", { accessKeyId: "AKIDNOBODY", secretAccessKey: "secret" }, "UnrecognizedClientException"],
  ["with the right session token", TEMPORARY, undefined],
  ["without its session token", { ...TEMPORARY, sessionToken: undefined }, "UnrecognizedClientException"],
  ["with a wrong session token", { ...TEMPORARY, sessionToken: "x" }, "UnrecognizedClientException"],
]) {
  check(`a signature ${name}`, CREDENTIALS, async (server) => {
    const { create, results } = connect(server, { credentials });
    if (expected) {
      await refused(create(), expected, { typed: false });
    } else {
      assert.equal((await results(sessionOf(await create({ KmsKeyId: "alias/x" })))).Status, "CREATED");
    }
  });
}

for (const [name, offset] of [["slow", -360_000], ["fast", 360_000]]) {
  check(`a clock that is ${name}`, CREDENTIALS, async (server) => {
    const { create } = connect(server, { systemClockOffset: offset });
    const error = await refused(create(), "InvalidSignatureException", { typed: false });
    assert.match(error.message, /^Signature (expired|not yet current): /);
  });
}

check("a clock that is slow is set right by the answer's Date, in the same call", CREDENTIALS, async (server) => {
  const answer = await connect(server, { systemClockOffset: -360_000, maxAttempts: 3 }).create();
  sessionOf(answer);
  assert.equal(answer.$metadata.attempts, 2);
});

check("a clock that is fast is set right by the answer's Date, for the next call", CREDENTIALS, async (server) => {
  const { create } = connect(server, { systemClockOffset: 360_000, maxAttempts: 3 });
  await refused(create(), "InvalidSignatureException", { typed: false });
  sessionOf(await create());
});

check("an unsigned request is refused", CREDENTIALS, async (server) => {
  const { client, create } = connect(server);
  client.middlewareStack.add((next) => (args) => {
    delete args.request.headers.authorization;
    return next(args);
  }, { step: "finalizeRequest", priority: "low" });
  await refused(create(), "MissingAuthenticationTokenException", { typed: false });
});

check("a body that was changed is refused", CREDENTIALS, async (server) => {
  const { client, create } = connect(server);
  client.middlewareStack.add((next) => (args) => next({ ...args, request: Object.assign(args.request, { body: args.request.body.replace("aaa", "bbb") }) }), {
    step: "finalizeRequest",
    priority: "low",
  });
  await refused(create({ KmsKeyId: "aaa" }), "InvalidSignatureException", { typed: false });
});

for (const [region, served] of [["eu-west-1", true], ["sa-east-1", true], ["eu-central-1", false]]) {
  check(`the region ${region}`, CREDENTIALS, async (server) => {
    const { create } = connect(server, { region });
    if (served) sessionOf(await create());
    else await refused(create(), "AccessDeniedException");
  });
}

// ---- TLS ----------------------------------------------------------------------------------------------------------------------------

const tls = { tls: true };
check("TLS with its own authority", "", async (server) => {
  const ca = await readFile(server.ready.ca_bundle);
  sessionOf(await connect(server, { requestHandler: { httpsAgent: new https.Agent({ ca }) } }).create());
}, tls);

check("TLS without verification", "", async (server) => {
  sessionOf(await connect(server, { requestHandler: { httpsAgent: new https.Agent({ rejectUnauthorized: false }) } }).create());
}, tls);

check("TLS of a stranger is refused by the client", "", async (server) => {
  const error = await failure(connect(server).create());
  assert.match(error.code ?? error.message, /UNABLE_TO_VERIFY|SELF_SIGNED|unable to verify/i);
}, tls);

// ---- Faults -------------------------------------------------------------------------------------------------------------------------

check("unavailable is not JSON", "faults = { unavailable = 1.0 }\n", async (server) => {
  const error = await failure(connect(server).create());
  assert.equal(error.$metadata?.httpStatusCode ?? error.$response?.statusCode, 503);
  assert.equal(error.$metadata?.requestId, undefined);
});

for (const form of ["empty", "empty-object", "null-session", "upper-case"]) {
  check(`a malformed 200 (${form}) is not an error to the SDK`, `faults = { malformed = 1.0, malformed_forms = ["${form}"] }\n`, async (server) => {
    const answer = await connect(server).create();
    assert.equal(answer.$metadata.httpStatusCode, 200);
    assert.doesNotMatch(answer.SessionId ?? "", UUID);
  });
}

check("a malformed 200 (truncated) is an error to the SDK", 'faults = { malformed = 1.0, malformed_forms = ["truncated"] }\n', async (server) => {
  const error = await failure(connect(server).create());
  assert.equal(error.name, "SyntaxError");
});

check("a reset is a lost connection", "faults = { reset_before = 1.0 }\n", async (server) => {
  const error = await failure(connect(server).create());
  assert.match(`${error.code} ${error.message}`, /ECONNRESET|socket hang up|EPIPE/);
  assert.equal((await server.get("state")).sessions.length, 0);
});

check("a slow body is whole in the end", 'faults = { slow_body = 1.0, slow_body_for = "300ms" }\n', async (server) => {
  sessionOf(await connect(server).create());
});

check("the client gives up on a half-open connection", "faults = { half_open = 1.0 }\n", async (server) => {
  const error = await failure(connect(server, { requestHandler: { requestTimeout: 300, throwOnRequestTimeout: true } }).create());
  assert.equal(error.name, "TimeoutError");
  assert.equal((await server.get("state")).sessions.length, 1);
});

check("health and metrics", "", async (server) => {
  await connect(server).create();
  assert.deepEqual(await server.get("health"), { status: "ok", arrivals: 1 });
  const text = await server.get("metrics");
  assert.ok(text.includes('livebench_requests_total{operation="CreateFaceLivenessSession",verdict="ok"} 1\n'), text);
});

for (const name of Object.keys(process.env).filter((name) => name.startsWith("AWS_"))) delete process.env[name];
process.env.AWS_EC2_METADATA_DISABLED = "true";
process.exitCode = await runChecks(`@aws-sdk/client-rekognition ${version}`);
