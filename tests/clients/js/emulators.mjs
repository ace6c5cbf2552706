// What the checks share: emulators on free ports, their admin endpoints, and a counter of checks.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const CREDENTIALS = `
[[emulator.credentials]]
access_key_id = "AKIDEXAMPLE"
secret_access_key = "secret"
account = "111122223333"

[[emulator.credentials]]
access_key_id = "ASIAEXAMPLE"
secret_access_key = "temporary"
session_token = "the-right-token"
account = "444455556666"
`;

/** A running server. */
class Emulator {
  async start(binary, config, options) {
    this.folder = await mkdtemp(join(tmpdir(), "livebench-"));
    this.log = join(this.folder, "arrivals.jsonl");
    const line = ["emulate", "--listen", "127.0.0.1:0", "--output", "json", "--log", this.log];
    if (config) {
      await writeFile(join(this.folder, "emulator.toml"), `[emulator]\n${config}`);
      line.push("--config", join(this.folder, "emulator.toml"));
    }
    if (options.tls) line.push("--tls-generate", join(this.folder, "tls"));
    this.process = spawn(binary, line, { stdio: ["ignore", "pipe", "inherit"] });
    this.ended = once(this.process, "exit");
    const lines = createInterface({ input: this.process.stdout });
    const [ready] = await Promise.race([once(lines, "line"), this.ended.then(() => Promise.reject(new Error("no ready line")))]);
    this.ready = JSON.parse(ready);
    this.endpoint = this.ready.endpoint;
  }

  async get(path) {
    const answer = await fetch(`${this.endpoint}/_livebench/${path}`);
    return path === "metrics" ? answer.text() : answer.json();
  }

  async post(path, members = {}) {
    const answer = await fetch(`${this.endpoint}/_livebench/${path}`, { method: "POST", body: JSON.stringify(members) });
    const told = await answer.json();
    if (!answer.ok) throw new Error(`${answer.status}: ${told.message}`);
    return told;
  }

  /** The tally of the client whose name begins so. */
  async requestsOf(name) {
    const { clients } = await this.get("clients");
    return clients.find(({ client }) => client.startsWith(name));
  }

  /** Stops it as a user does; its arrival log. */
  async stop() {
    this.process.kill("SIGTERM");
    const [code] = await this.ended;
    if (code !== 0) throw new Error(`the emulator ended with ${code}`);
    const text = await readFile(this.log, "utf8");
    return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
  }

  async discard() {
    if (this.process && this.process.exitCode === null) {
      this.process.kill("SIGKILL");
      await this.ended;
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

const checks = [];

/** A check with a server of its own: it passes unless it throws. */
export function check(name, config, body, options = {}) {
  checks.push({ name, config, body, options });
}

/** Runs all checks, prints each and the total; the exit code. */
export async function runChecks(client) {
  const [binary, ...words] = process.argv.slice(2);
  const chosen = checks.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
  let failed = 0;
  for (const { name, config, body, options } of chosen) {
    const server = new Emulator();
    try {
      await server.start(binary, config, options);
      await body(server);
      console.log(`ok   ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL ${name}\n${error.stack}`);
    } finally {
      await server.discard();
    }
  }
  console.log(`${client}: ${chosen.length - failed} passed, ${failed} failed`);
  return failed || !chosen.length ? 1 : 0;
}

/** Looks again and again until there is something to see. */
export async function until(look) {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > deadline) throw new Error("it did not come");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
