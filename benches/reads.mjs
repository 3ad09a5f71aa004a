// How long a chunk is in the player's hands: from the moment its read is fulfilled to `appendBuffer`, for one build of the
// player or for two in one run, on the camera of `nearlive-server demo`, in headless Chromium.
//
//   node benches/reads.mjs [DIST [OTHER_DIST]] [--server PROGRAM] [--seconds 15] [--rounds 4]
//
// A DIST is what `make player` builds (default: dist). Two builds take turns, in pages of the same browser on the same stream, so
// that a slow moment of the machine hits both. Compare the columns, not runs of different days.
//
// A read's bytes are appended as the very object that was read, which is how the two are matched. Only appends that could go at
// once count: "waited" are those whose SourceBuffer was at work with an earlier one in between.

import path from "node:path";
import { parseArgs } from "node:util";
import { launch, openPage, serveFiles, startServer, until } from "../tests/browser/harness.mjs";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    server: { type: "string" },
    seconds: { type: "string", default: "15" },
    rounds: { type: "string", default: "4" },
  },
});
if (options.server) process.env.NEARLIVE_SERVER = options.server;
const builds = positionals.length ? positionals : ["dist"];

/** Runs in the page, before the player: notes when reads are fulfilled and when their bytes are appended. */
function instrument() {
  const readAt = new WeakMap(); // by the bytes
  const idleSince = new WeakMap(); // by the SourceBuffer
  globalThis.appended = []; // ms each
  globalThis.waited = 0;
  globalThis.counting = false;

  const { read } = ReadableStreamDefaultReader.prototype;
  ReadableStreamDefaultReader.prototype.read = function () {
    const promise = read.call(this);
    // Called before the player's own reaction, which is registered later; the player gets the same promise as without this.
    promise.then(({ value }) => value && readAt.set(value, performance.now()), () => {});
    return promise;
  };
  const { addSourceBuffer } = MediaSource.prototype;
  MediaSource.prototype.addSourceBuffer = function (type) {
    const buffer = addSourceBuffer.call(this, type);
    buffer.addEventListener("updateend", () => idleSince.set(buffer, performance.now()));
    return buffer;
  };
  const { appendBuffer } = SourceBuffer.prototype;
  SourceBuffer.prototype.appendBuffer = function (bytes) {
    const now = performance.now();
    const since = readAt.get(bytes);
    if (counting && since !== undefined) {
      if (idleSince.get(this) > since) waited++;
      else appended.push(now - since);
    }
    return appendBuffer.call(this, bytes);
  };
}

const server = await startServer(["demo"]);
const manifest = `${server.url}/demo/index.mpd`;
const mounts = Object.fromEntries(builds.map((build, index) => [`/${index}/`, path.resolve(build)]));
builds.forEach((_, index) => {
  mounts[`/${index}.html`] = { text: `<!doctype html><meta charset="utf-8"><script src="/${index}/nearlive.js"></script><video width="640"></video>` };
});
const files = await serveFiles({ ...mounts, "/favicon.ico": { text: "" } }, {
  // Isolated pages have a clock of 5 us, others one of 100 us.
  answer(_, response) {
    response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
    response.setHeader("Cross-Origin-Embedder-Policy", "require-corp");
  },
});
const browser = await launch();

/** One build for some seconds in a fresh context; the first three after the start of playing do not count. */
async function run(index) {
  const tab = await openPage(browser);
  await tab.addInitScript(instrument);
  await tab.goto(`${files.url}/${index}.html`);
  await tab.evaluate(async (manifest) => {
    globalThis.player = await nearlive.create(document.querySelector("video"));
    await player.load(manifest);
  }, manifest);
  await until("it plays", () => tab.evaluate(() => player.stats().state === "playing"));
  const result = await tab.evaluate(async (ms) => {
    const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    await wait(3000);
    counting = true;
    await wait(ms);
    return { appended, waited };
  }, Number(options.seconds) * 1000);
  await tab.context().close();
  return result;
}

try {
  await until("the camera's manifest is there", async () => (await fetch(manifest).catch(() => null))?.ok);
  const found = builds.map(() => ({ appended: [], waited: 0 }));
  for (let round = 0; round < Number(options.rounds); round++) {
    // Which one comes first changes, so that neither always has the younger browser.
    const order = [...builds.keys()];
    for (const index of round % 2 ? order.reverse() : order) {
      const { appended, waited } = await run(index);
      found[index].appended.push(...appended);
      found[index].waited += waited;
    }
  }
  const rows = found.map(({ appended, waited }, index) => {
    const sorted = appended.sort((a, b) => a - b);
    const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]?.toFixed(3) ?? "-";
    return [builds[index], sorted.length, waited, at(0.5), at(0.95), at(0.99)];
  });
  const cells = [["build", "appends", "waited", "p50 ms", "p95 ms", "p99 ms"], ...rows];
  const widths = cells[0].map((_, column) => Math.max(...cells.map((it) => String(it[column]).length)));
  for (const row of cells) console.log(row.map((it, column) => String(it)[column ? "padStart" : "padEnd"](widths[column])).join("  "));
} finally {
  await browser.close();
  await files.close();
  await server.stop();
}
