// How what a request brings is handed to the module: www/loader.js, `gathered`, on a clock of the test's own.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { ROOT } from "./harness.mjs";

const loader = readFileSync(path.join(ROOT, "www/loader.js"), "utf8");

/** `steps`: the time, ms, at which each piece comes, and its bytes; or an error. Returns what the reads gave until the end. */
async function reads(steps) {
  let now = 0;
  const performance = { now: () => now };
  const { gathered } = new Function("performance", "VERSION", `${loader}; return { gathered };`)(performance, "");
  const left = [...steps];
  const inner = {
    async read() {
      if (!left.length) return { done: true, value: undefined };
      const [at, what] = left[0];
      now = at;
      if (what instanceof Error) throw what; // and at each read after it
      left.shift();
      return { done: false, value: Uint8Array.from(what) };
    },
  };
  const reader = gathered({ getReader: () => inner });
  const given = [];
  for (;;) {
    try {
      const { done, value } = await reader.read();
      if (done) return given;
      given.push(value.length > 9 ? value.length : [...value]);
    } catch (failed) {
      return [...given, failed.message];
    }
  }
}

test("the first piece is handed over at once, and what comes within 20 ms after it together", async () => {
  assert.deepEqual(await reads([[100, [1]], [101, [2, 3]], [110, [4]], [121, [5]], [122, [6]]]), [[1], [2, 3, 4, 5], [6]]);
});

test("pieces that are further apart are handed over one by one", async () => {
  assert.deepEqual(await reads([[0, [1]], [20, [2]], [60, [3]]]), [[1], [2], [3]]);
});

test("no more than 64 kB and the piece that exceeds them are held", async () => {
  const piece = new Uint8Array(40_000);
  assert.deepEqual(await reads([[0, piece], [1, piece], [2, piece], [3, piece]]), [40_000, 80_000, 40_000]);
});

test("what came before a failure is handed over, then the failure is told", async () => {
  assert.deepEqual(await reads([[0, [1]], [1, [2]], [2, [3]], [3, new Error("cut off")]]), [[1], [2, 3], "cut off"]);
  assert.deepEqual(await reads([[0, new Error("cut off")]]), ["cut off"]);
});

test("an answer without bytes ends at once", async () => {
  assert.deepEqual(await reads([]), []);
});
