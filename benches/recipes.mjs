// Live recipes that people run by hand: ffmpeg reads the test camera (digest login, a password that holds `@` and `!`) and
// writes DASH or HLS into a folder, `nearlive-server files` hands the folder out, and each player plays it, one after the other.
//
//   make player && cargo build --profile demo -p nearlive-server -p nearlive-camera && .ci/setup ffmpeg bench
//   node benches/recipes.mjs [--seconds 60] [--only "R2;R5"] [--players nearlive,dashjs,hlsjs,shaka]
//                            [--before 30] [--settle 10] [--out FILE.json]
//
// Players run with their defaults. The delay is camera to screen, read from the picture (see players/page.mjs); a stall is the
// media's clock standing still for more than 250 ms. --before: seconds that a recipe has run when the first player comes.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { programs, startCamera, startServer, until } from "../tests/browser/harness.mjs";
import { openBench } from "./players/bench.mjs";

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    settle: { type: "string", default: "10" },
    before: { type: "string", default: "30" },
    only: { type: "string", default: "" },
    players: { type: "string", default: "nearlive,dashjs,hlsjs,shaka" },
    out: { type: "string" },
  },
});
const PASSWORD = "Yijian@2018!";

/** What follows `-i CAMERA`, and what stands before it; the last argument is the manifest. `joined`: seconds in place of --before. */
const RECIPES = {
  R2: { args: "-an -c:v copy -b:v 2000k -f dash -window_size 4 -extra_window_size 0 -remove_at_exit 1 manifest.mpd" },
  "R2, 2 s": {
    args: "-an -c:v copy -b:v 2000k -f dash -window_size 4 -extra_window_size 0 -seg_duration 2 -remove_at_exit 1 manifest.mpd",
  },
  R3: { args: "-c:v copy -f dash -seg_duration 1 -streaming 1 -window_size 30 -remove_at_exit 1 live.mpd" },
  R4: {
    before: "-rtsp_transport tcp -use_wallclock_as_timestamps 1",
    args: "-c:v copy -f dash -window_size 4 live.mpd",
  },
  R5: {
    args:
      "-c:a aac -b:a 160000 -ac 2 -s 854x480 -c:v libx264 -b:v 800000 " +
      "-hls_time 10 -hls_list_size 10 -start_number 1 playlist.m3u8",
    joined: 60,
  },
};

const root = mkdtempSync(path.join(tmpdir(), "recipes-"));
const camera = await startCamera(["--user", "admin", "--password", PASSWORD, "--auth", "digest"]);
const address = camera.url.replace("rtsp://", `rtsp://admin:${PASSWORD}@`);
const folder = await startServer(["files", root]);
const bench = await openBench();
const rows = [];

/** One player on one manifest, with its defaults. */
async function run(name, player, url) {
  const [seconds, settle] = [Number(options.seconds), Number(options.settle)];
  const row = await bench.run({ player, urls: { dash: url, hls: url }, target: null, seconds, settle, patience: 60, muted: false });
  rows.push({ recipe: name, ...row });
  const { start, median, p95, stalls, stalled, height, failures, load } = row;
  console.log([name, player, start, median, p95, stalls, stalled, height, failures.join("; "), load.toFixed(1)].join("\t"));
}

/** One recipe, as long as all its players need. */
async function recipe(name, { before = "", args, joined = Number(options.before) }) {
  const words = args.split(" ");
  const manifest = words.at(-1);
  const place = name.replace(/\W+/g, "-");
  mkdirSync(path.join(root, place));
  const command = ["-hide_banner", "-loglevel", "error", "-y", ...before.split(" ").filter(Boolean), "-i", address, ...words];
  const child = spawn("ffmpeg", command, { cwd: path.join(root, place), stdio: ["ignore", "inherit", "inherit"] });
  programs.add(child.once("exit", () => programs.delete(child)));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  try {
    const url = `${folder.url}/${place}/${manifest}`;
    await until(`${name} is there`, async () => (await fetch(url).catch(() => null))?.ok, { timeout: 60_000 });
    await new Promise((resolve) => setTimeout(resolve, joined * 1000));
    const other = manifest.endsWith(".mpd") ? "hlsjs" : "dashjs";
    for (const player of options.players.split(",").filter((it) => it !== other)) await run(name, player, url);
  } finally {
    child.kill("SIGINT");
    await ended;
  }
}

try {
  console.log("recipe\tplayer\tstart ms\tdelay ms\tp95 ms\tstalls\tstalled ms\tlines\t\tload");
  const only = options.only.split(";").filter(Boolean);
  for (const [name, it] of Object.entries(RECIPES)) if (!only.length || only.includes(name)) await recipe(name, it);
} finally {
  if (options.out) writeFileSync(options.out, JSON.stringify(rows, null, 1));
  await bench.close();
  await folder.stop();
  await camera.stop();
  rmSync(root, { recursive: true, force: true });
}
