// Media for browser tests, made by ffmpeg once and kept in target/.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { TARGET } from "./harness.mjs";

/** A film of 12 s as DASH: two pictures (360p, 180p), one sound. Returns its folder; the manifest is `index.mpd`. */
export function film() {
  return made("film-1", (folder) => [
    ...["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=12", "-f", "lavfi", "-i", "sine=frequency=440:duration=12"],
    ...["-map", "0:v", "-map", "0:v", "-map", "1:a", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"],
    ...["-g", "50", "-keyint_min", "50", "-sc_threshold", "0", "-b:v:0", "900k", "-b:v:1", "250k", "-filter:v:1", "scale=320:180"],
    ...["-c:a", "aac", "-ar", "48000", "-f", "dash", "-seg_duration", "2", "-use_timeline", "0", "-use_template", "1"],
    ...["-adaptation_sets", "id=0,streams=v id=1,streams=a", path.join(folder, "index.mpd")],
  ]);
}

function made(name, args) {
  const folder = path.join(TARGET, "browser-media", name);
  if (existsSync(folder)) return folder;
  const work = `${folder}.${process.pid}`;
  mkdirSync(work, { recursive: true });
  execFileSync("ffmpeg", ["-v", "error", "-nostdin", "-y", ...args(work)]);
  try {
    renameSync(work, folder);
  } catch {
    rmSync(work, { recursive: true }); // another test file was faster
  }
  return folder;
}
