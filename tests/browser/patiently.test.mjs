// .ci/patiently: who builds is told that something goes on, also through a pipe.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import path from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { ROOT } from "./harness.mjs";

/** Runs it; `soon` is the patience in seconds. It has ended when the promise `status` resolves. */
function run(soon, ...command) {
  const env = { ...process.env, NEARLIVE_PATIENCE: soon };
  const child = spawn(path.join(ROOT, ".ci/patiently"), ["building it", ...command], { env, stdio: ["pipe", "pipe", "inherit"] });
  return { child, status: new Promise((resolve) => child.once("exit", resolve)) };
}

test("a long step is announced, its output and its exit status pass through", async () => {
  const { child, status } = run("0.1", "sh", "-c", "echo before; read line; echo after; exit 7");
  let said = "";
  for await (const chunk of child.stdout) {
    said += chunk;
    if (said.includes("before\n") && said.includes("building it\n")) child.stdin.end("\n");
  }
  assert.deepEqual(said.split("\n").sort(), ["", "after", "before", "building it"]);
  assert.equal(await status, 7);
});

test("a short step is not", async () => {
  const { child, status } = run("60", "true");
  assert.deepEqual([await text(child.stdout), await status], ["", 0]);
});
