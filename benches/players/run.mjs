// Start and live delay of Nearlive beside hls.js, dash.js and Shaka, on one camera of the companion server, in headless Chromium.
//
//   node benches/players/run.mjs [--seconds 30] [--reps 1] [--players nearlive,hlsjs,dashjs,shaka] [--targets 2,1,0.5,0.3]
//                                [--dash URL --hls URL] [--silent] [--out FILE.json]
//
// Every player runs with its defaults; then each asks for less and less delay (--targets, largest first) until it no longer holds
// it: it stalls, fails, or is not nearer than before. "lowest" is the last that it held. The delay is camera to screen, read from the picture of the
// test camera, whatever a player may say itself. Rounds are interleaved, so that a slow moment of the machine hits all alike.
// --silent leaves the sound muted (it is decoded all the same). Without --dash and --hls it starts `nearlive-server demo` itself.

import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { startServer, until } from "../../tests/browser/harness.mjs";
import { openBench } from "./bench.mjs";

const { values: options } = parseArgs({
  options: {
    server: { type: "string" },
    seconds: { type: "string", default: "30" },
    settle: { type: "string", default: "10" },
    reps: { type: "string", default: "1" },
    players: { type: "string", default: "nearlive,hlsjs,dashjs,shaka" },
    targets: { type: "string", default: "2,1,0.5,0.3" },
    dash: { type: "string" },
    hls: { type: "string" },
    silent: { type: "boolean", default: false },
    out: { type: "string" },
  },
});
const seconds = Number(options.seconds);
const settle = Number(options.settle);
const players = options.players.split(",");
const targets = options.targets.split(",").filter(Boolean).map(Number);

if (options.server) process.env.NEARLIVE_SERVER = options.server;
const own = options.dash && options.hls ? null : await startServer(["demo"]);
const urls = own ? { dash: `${own.url}/demo/index.mpd`, hls: `${own.url}/demo/index.m3u8` } : { dash: options.dash, hls: options.hls };
const bench = await openBench();
const runs = [];

async function run(player, target) {
  const row = await bench.run({ player, urls, target, seconds, settle, patience: 20, muted: options.silent });
  runs.push(row);
  process.stderr.write(`${player}, ${target === null ? "defaults" : `${target} s`}: ${row.median ?? "-"} ms\n`);
  return row;
}

function print(title, rows) {
  const cells = [["player", "asked for", "start ms", "delay ms", "p95 ms", "stalls", "stalled ms", "lines", ""]];
  for (const row of rows) {
    cells.push([
      row.player,
      row.target === null ? "-" : `${row.target} s`,
      row.start ?? "-",
      row.median ?? "-",
      row.p95 ?? "-",
      row.stalls,
      row.stalled,
      row.height || "-",
      row.failures.join("; "),
    ]);
  }
  const widths = cells[0].map((_, column) => Math.max(...cells.map((it) => String(it[column]).length)));
  console.log(`\n${title}`);
  for (const row of cells) {
    console.log(row.map((it, column) => (column === 0 ? String(it).padEnd(widths[0]) : String(it).padStart(widths[column]))).join("  ").trimEnd());
  }
}

try {
  await until("the camera's manifest is there", async () => (await fetch(urls.dash).catch(() => null))?.ok, { timeout: 30_000 });
  // Most viewers come to a camera that has been on for a while: its window has a past, its encoders are past their start.
  if (own) await new Promise((resolve) => setTimeout(resolve, 10_000));
  const defaults = [];
  for (let rep = 0; rep < Number(options.reps); rep++) for (const player of players) defaults.push(await run(player, null));
  print("defaults", defaults);

  const lowest = new Map();
  const settled = new Set();
  for (const target of targets) {
    for (const player of players) {
      if (settled.has(player)) continue;
      const row = await run(player, target);
      const before = lowest.get(player);
      const held = row.stalls === 0 && row.failures.length === 0 && row.median !== null;
      if (held && (!before || row.median < before.median)) lowest.set(player, row);
      else settled.add(player);
    }
  }
  if (targets.length) print("lowest that was held without a stall", [...lowest.values()]);
} finally {
  await bench.close();
  await own?.stop();
  if (options.out) writeFileSync(options.out, JSON.stringify(runs, null, 1));
}
