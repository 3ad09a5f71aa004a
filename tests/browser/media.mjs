// Media for browser tests, made by ffmpeg once and kept in target/.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { TARGET } from "./harness.mjs";

/**
 * A film as DASH: two pictures (360p, 180p), one sound. Returns its folder; the manifest is `index.mpd`. A minute is more than
 * a test takes on a busy machine, so it does not end while something else is tested.
 */
export function film(seconds = 60) {
  return made(`film-${seconds}s`, (folder) => [
    ...twoPicturesOneSound(seconds),
    ...["-f", "dash", "-seg_duration", "2", "-use_timeline", "0", "-use_template", "1"],
    ...["-adaptation_sets", "id=0,streams=v id=1,streams=a", path.join(folder, "index.mpd")],
  ]);
}

/**
 * The same as HLS; the playlist is `index.m3u8`. `segments` is "fmp4", with the sound in a playlist of its own, or "mpegts", with
 * the sound in each picture's segments, as it is common there.
 */
export function hlsFilm(segments, seconds = 60) {
  const apart = segments === "fmp4";
  return made(`hls-${segments}-${seconds}s`, (folder) => [
    ...twoPicturesOneSound(seconds),
    ...(apart ? [] : ["-map", "1:a"]), // one with each picture
    ...["-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod", "-hls_segment_type", segments, "-master_pl_name", "index.m3u8"],
    ...["-var_stream_map", apart ? "v:0,agroup:a v:1,agroup:a a:0,agroup:a" : "v:0,a:0 v:1,a:1"],
    path.join(folder, "%v.m3u8"),
  ]);
}

/** The same as WebM: VP9 and Vorbis, one file a track with its index (Cues), and the manifest of `webm_dash_manifest`. */
export function webmFilm(seconds = 60) {
  return made(`webm-${seconds}s`, (folder) => {
    const [small, large, sound] = ["180p", "360p", "sound"].map((name) => path.join(folder, `${name}.webm`));
    const vp9 = ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-row-mt", "1", "-g", "50", "-keyint_min", "50"];
    const tail = (file) => ["-f", "webm", "-dash", "1", file];
    execFileSync("ffmpeg", [
      ...["-v", "error", "-nostdin", "-y", ...sources(seconds)],
      ...["-map", "0:v", ...vp9, "-b:v", "250k", "-vf", "scale=320:180", ...tail(small)],
      ...["-map", "0:v", ...vp9, "-b:v", "900k", ...tail(large)],
      ...["-map", "1:a", "-c:a", "libvorbis", ...tail(sound)],
    ]);
    return [
      ...[small, large, sound].flatMap((file) => ["-f", "webm_dash_manifest", "-i", file]),
      ...["-c", "copy", "-map", "0", "-map", "1", "-map", "2", "-f", "webm_dash_manifest"],
      ...["-adaptation_sets", "id=0,streams=0,1 id=1,streams=2", path.join(folder, "index.mpd")],
    ];
  });
}

/**
 * The same film in files without an index, and a manifest that names no bytes of them. The clusters of the small picture do not say
 * their sizes, as browsers record.
 */
export function bareWebmFilm(seconds = 60) {
  const film = webmFilm(seconds);
  return made(`webm-bare-${seconds}s`, (folder) => {
    const files = ["180p", "360p", "sound"].map((name) => `${name}.webm`);
    for (const file of files) {
      const to = path.join(folder, file);
      const copy = ["-i", path.join(film, file), "-c", "copy", "-cluster_time_limit", "2000", "-f", "webm", "-live", "1", to];
      execFileSync("ffmpeg", ["-v", "error", "-nostdin", "-y", ...copy]);
    }
    const small = path.join(folder, files[0]);
    writeFileSync(small, withoutSizes(readFileSync(small)));
    const track = (kind, codecs, all) => `<AdaptationSet mimeType="${kind}/webm" codecs="${codecs}">${all.join("")}</AdaptationSet>`;
    const file = (name, more) => `<Representation id="${name}" ${more}><BaseURL>${name}</BaseURL></Representation>`;
    const mpd = `<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT${seconds}S" minBufferTime="PT2S"
 profiles="urn:mpeg:dash:profile:webm-on-demand:2012"><Period>
${track("video", "vp9", [file(files[0], 'bandwidth="250000" width="320" height="180"'), file(files[1], 'bandwidth="900000" width="640" height="360"')])}
${track("audio", "vorbis", [file(files[2], 'bandwidth="70000"')])}
</Period></MPD>`;
    writeFileSync(path.join(folder, "index.mpd"), mpd);
  });
}

/** A WebM file whose clusters have "unknown" in the place of their sizes. */
function withoutSizes(file) {
  const cluster = Buffer.from([0x1f, 0x43, 0xb6, 0x75]);
  for (let at = file.indexOf(cluster); at >= 0; at = file.indexOf(cluster, at + 4)) {
    const length = Math.clz32(file[at + 4]) - 23;
    file.fill(0xff, at + 4, at + 4 + length);
    file[at + 4] = 0xff >> (length - 1);
  }
  return file;
}

/** A picture of 640x360 and a tone, as ffmpeg's inputs. */
const sources = (seconds) => ["testsrc2=size=640x360:rate=25", "sine=frequency=440"].flatMap((it) => ["-f", "lavfi", "-t", `${seconds}`, "-i", it]);

function twoPicturesOneSound(seconds) {
  return [
    ...sources(seconds),
    ...["-map", "0:v", "-map", "0:v", "-map", "1:a", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"],
    ...["-g", "50", "-keyint_min", "50", "-sc_threshold", "0", "-b:v:0", "900k", "-b:v:1", "250k", "-filter:v:1", "scale=320:180"],
    ...["-c:a", "aac", "-ar", "48000"],
  ];
}

/**
 * A film of 8 s, each track one file with an index (`sidx`) before its media. Returns its folder with `v.mp4` and `a.mp4`, and
 * the manifest's text, in which the index is named by its range (SegmentBase).
 */
export function indexedFilm() {
  const tail = (file) => ["-movflags", "+frag_keyframe+empty_moov+default_base_moof+dash+global_sidx", "-f", "mp4", file];
  const folder = made("indexed-1", (folder) => [
    ...["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=8", "-f", "lavfi", "-i", "sine=frequency=440:duration=8"],
    ...["-map", "0:v", "-c:v", "libx264", "-profile:v", "baseline", "-level", "3", "-preset", "ultrafast", "-pix_fmt", "yuv420p"],
    ...["-g", "50", "-keyint_min", "50", "-sc_threshold", "0", ...tail(path.join(folder, "v.mp4"))],
    ...["-map", "1:a", "-c:a", "aac", "-ar", "48000", "-frag_duration", "2000000", ...tail(path.join(folder, "a.mp4"))],
  ]);
  const track = (kind, file, codecs, more) => {
    const boxes = topBoxes(readFileSync(path.join(folder, file)));
    const [moov, sidx] = ["moov", "sidx"].map((kind) => boxes.find((it) => it.kind === kind));
    return `<AdaptationSet mimeType="${kind}/mp4"><Representation id="${kind}" codecs="${codecs}" ${more}><BaseURL>${file}</BaseURL>
<SegmentBase indexRange="${sidx.start}-${sidx.end - 1}"><Initialization range="0-${moov.end - 1}"/></SegmentBase>
</Representation></AdaptationSet>`;
  };
  const mpd = `<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT8S" minBufferTime="PT2S"
 profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period>
${track("video", "v.mp4", "avc1.42c01e", `bandwidth="900000" width="640" height="360"`)}
${track("audio", "a.mp4", "mp4a.40.2", `bandwidth="70000"`)}
</Period></MPD>`;
  return { folder, mpd };
}

function topBoxes(bytes) {
  const boxes = [];
  for (let start = 0; start < bytes.length; ) {
    const end = start + bytes.readUInt32BE(start);
    boxes.push({ kind: bytes.toString("latin1", start + 4, start + 8), start, end });
    start = end;
  }
  return boxes;
}

function made(name, args) {
  const folder = path.join(TARGET, "browser-media", name);
  if (existsSync(folder)) return folder;
  const work = `${folder}.${process.pid}`;
  mkdirSync(work, { recursive: true });
  const last = args(work);
  if (last) execFileSync("ffmpeg", ["-v", "error", "-nostdin", "-y", ...last]);
  try {
    renameSync(work, folder);
  } catch {
    rmSync(work, { recursive: true }); // another test file was faster
  }
  return folder;
}
