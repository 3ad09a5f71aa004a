// .ci/patiently: who builds is told that something goes on, also through a pipe.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { ROOT } from "./harness.mjs";

const run = (...command) => spawnSync(path.join(ROOT, ".ci/patiently"), ["building it", ...command], { encoding: "utf8" });

test("a long step is announced, its output and its exit status pass through", () => {
  const { stdout, status } = run("sh", "-c", "echo before; sleep 3; echo after; exit 7");
  assert.equal(stdout, "before\nbuilding it\nafter\n");
  assert.equal(status, 7);
});

test("a short step is not", () => {
  assert.deepEqual([run("true").stdout, run("true").status], ["", 0]);
});
