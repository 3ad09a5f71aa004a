// How what a request brings is handed to the module: www/loader.js, `gathered`, on a clock of the test's own.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { ROOT } from "./harness.mjs";

const loader = readFileSync(path.join(ROOT, "www/loader.js"), "utf8");

/**
 * `steps`: the time, ms, at which each piece comes, and its bytes; an error; or nothing, at the end of the answer. Returns when each
 * read gave what, until the end or the failure.
 */
async function reads(steps) {
  let now = 0;
  const due = []; // [time, what is called then]
  const setTimeout = (act, ms) => void due.push([now + Math.max(ms, 0), act]);
  const names = ["performance", "setTimeout", "VERSION"];
  const { gathered } = new Function(...names, `${loader}; return { gathered };`)({ now: () => now }, setTimeout, "");
  const left = [...steps];
  const inner = {
    async read() {
      const [at, what] = left.shift();
      if (at > now) await new Promise((come) => setTimeout(come, at - now));
      if (what instanceof Error) throw what;
      return what ? { done: false, value: Uint8Array.from(what) } : { done: true, value: undefined };
    },
  };
  const reader = gathered({ getReader: () => inner });
  const given = [];
  const all = (async () => {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      given.push([now, ...(value.length > 9 ? [value.length] : value)]);
    }
  })().catch((failed) => given.push([now, failed.message]));
  let over = false;
  all.then(() => (over = true));
  for (;;) {
    await new Promise(setImmediate);
    if (over) return given;
    due.sort(([a], [b]) => a - b);
    const [at, act] = due.shift();
    now = Math.max(now, at);
    act();
  }
}

test("the first piece is handed over at once, and what comes within 20 ms after it together", async () => {
  const steps = [[100, [1]], [101, [2, 3]], [110, [4]], [125, [5]], [126, [6]], [300]];
  assert.deepEqual(await reads(steps), [[100, 1], [120, 2, 3, 4], [140, 5, 6]]);
});

test("pieces that are further apart are handed over one by one, and none of them waits", async () => {
  assert.deepEqual(await reads([[0, [1]], [21, [2]], [60, [3]], [61]]), [[0, 1], [21, 2], [60, 3]]);
});

test("no more than 64 kB and the piece that exceeds them are held", async () => {
  const piece = new Uint8Array(40_000);
  assert.deepEqual(await reads([[0, piece], [1, piece], [2, piece], [3, piece], [4]]), [[0, 40_000], [2, 80_000], [4, 40_000]]);
});

test("an answer that neither goes on nor ends holds nothing back", async () => {
  const steps = [[0, [1]], [1, [2]], [1e9, [3]], [1e9]];
  assert.deepEqual((await reads(steps)).slice(0, 2), [[0, 1], [20, 2]]);
});

test("what came before a failure is handed over, then the failure is told", async () => {
  assert.deepEqual(await reads([[0, [1]], [1, [2]], [2, [3]], [3, new Error("cut off")]]), [[0, 1], [3, 2, 3], [3, "cut off"]]);
  assert.deepEqual(await reads([[0, new Error("cut off")]]), [[0, "cut off"]]);
});

test("pieces without bytes are passed over, and an answer without any ends", async () => {
  assert.deepEqual(await reads([[0, []], [1, [1]], [2, []], [3, [2]], [4]]), [[1, 1], [4, 2]]);
  assert.deepEqual(await reads([[0]]), []);
  assert.deepEqual(await reads([[0, []], [1]]), []);
});
