// `make profile`: plays modules that note what runs of them (nearlive-pack profile) until a page has its first picture and
// some seconds more, and writes down what they noted. What did not run follows later (www/pack/src/cut/).
//
// All that goes well is among it, of what people play, in three engines, and what a page or a viewer does early. What goes
// wrong is not: then the player begins anew, with all of the module.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import * as chromium from "../../../tests/browser/engines/chromium.mjs";
import * as firefox from "../../../tests/browser/engines/firefox.mjs";
import * as webkit from "../../../tests/browser/engines/webkit.mjs";
import { programs, serveFiles, startCamera, startServer, TARGET, until } from "../../../tests/browser/harness.mjs";
import { film, hlsFilm, indexedFilm, webmFilm } from "../../../tests/browser/media.mjs";

/** What runs in the first seconds of picture is needed: the rest has come by then, as a rule. */
const SECONDS = 3;
const FOLDER = path.join(TARGET, "pack/profile");
const MODULES = ["nearlive-dash", "nearlive-hls", "nearlive"];

/** What ffmpeg makes of a camera while it is played. */
const WRITTEN = {
  listed: "-f dash -window_size 6 index.mpd",
  streamed: "-f dash -seg_duration 1 -streaming 1 -window_size 30 index.mpd",
  silent: "-an -f dash -seg_duration 2 -window_size 4 index.mpd",
  ts: "-f hls -hls_time 4 -hls_list_size 6 -hls_flags delete_segments index.m3u8",
  fmp4: "-f hls -hls_time 2 -hls_list_size 6 -hls_segment_type fmp4 index.m3u8",
};

/** What stands before the player's script: keeps the module's exports, and what a player is to it. */
const KEEP = `<script>
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = async (...all) => (window.instance ??= await instantiate.apply(WebAssembly, all));
  const { register } = FinalizationRegistry.prototype;
  FinalizationRegistry.prototype.register = function (...all) {
    window.owned ??= all[1];
    return register.apply(this, all);
  };
</script><script src="/p/nearlive.js"></script>`;
const embedded = (address, attributes = "muted autoplay controls") => KEEP + `<nearlive-player src="${address}" ${attributes}></nearlive-player>`;
const created = (address, options = { autoplay: true }, muted = "muted") =>
  KEEP +
  `<video ${muted}></video><script>nearlive.create(document.querySelector("video"), ${JSON.stringify(options)}).then((player) => {
    window.player = player;
    player.load("${address}");
  });</script>`;

/** Whether there was a picture for so many seconds; one that waits for a click is clicked at. */
const plays = (seconds) => {
  const video = document.querySelector("nearlive-player")?.video ?? document.querySelector("video");
  if (!video || video.readyState < 2) return false;
  if (video.paused && !window.from) video.play().catch(() => {});
  window.from ??= video.currentTime;
  return video.currentTime > window.from + seconds;
};

/** What a page and a viewer do at any time, and early. The exports are called beside it: they are what is to run. */
const useAll = async (ending) => {
  const element = document.querySelector("nearlive-player");
  const player = window.player ?? element.player;
  const video = element?.video ?? document.querySelector("video");
  const told = (name) => new Promise((came) => video.addEventListener(name, came, { once: true }));
  const seek = async (to) => {
    const there = told("seeked");
    video.currentTime = to;
    await there;
  };
  const tried = async (act) => {
    try {
      await act();
    } catch {
      // It is wrong on purpose.
    }
  };
  const listener = () => {};
  player.on("state", listener);
  player.off("state", listener);
  player.stats();
  player.qualities();
  dispatchEvent(new Event("online"));
  const live = player.stats().live;
  const stands = told("pause");
  video.pause();
  await stands;
  if (!live) {
    await seek(video.currentTime + 3);
    await seek(0.5);
  }
  const plays = told("playing");
  await video.play();
  await plays;
  if (live) player.goLive();
  const wrong = { latency: "soon", maxDrift: 0, bufferAhead: null, autoplay: 1, credentials: "all", minRate: 7, lowLatency: true };
  const right = {
    ...{ latencySegments: 3, maxDrift: 9, maxDriftSegments: 3, minRate: 0.9, maxRate: 1.1, bufferAhead: 20, bufferBehind: 20, requestTimeout: 9 },
    ...{ autoplay: true, fetching: true, credentials: "include", managed: true, maxHeight: 720, maxBandwidth: 1e7, startBandwidth: 1e6 },
    ...{ capToElement: true, latency: 2 },
  };
  player.configure(wrong);
  player.configure({ latency: "auto" });
  for (const given of [1, {}, undefined, "state"]) {
    await tried(() => player.on(given, listener));
    await tried(() => player.off(given, listener));
    await tried(() => player.on("state", given));
    await tried(() => player.setQuality(given));
  }
  const kind = `/nowhere/süd.${ending}`;
  await tried(() => nearlive.create(document.body, {}, kind));
  await tried(() => nearlive.create(undefined, {}, kind));
  for (const options of [right, "fast", null, { credentials: "omit", fetch: (...all) => fetch(...all) }]) {
    const other = await nearlive.create(document.createElement("video"), options, kind);
    await tried(() => other.load());
    other.destroy();
  }
  const loading = player.load(kind);
  player.load(kind).catch(() => {});
  await tried(() => loading);
  player.destroy();
  player.stats();
  instance.exports.__wbg_player_free(owned, 0);
  instance.exports.fault(); // that something is missing has to be known without it
};

const points = () => {
  let bits = "";
  for (let at = 0, point; (point = instance.exports[`p${at}`]); at++) bits += point.value;
  return bits;
};

const demo = await startServer(["demo", "--origin", "*"]);
await until("the demo's camera can be played", async () => {
  const [it] = await (await fetch(`${demo.url}/api/cameras`)).json();
  return it.playable && it.state === "live";
});
const root = mkdtempSync(path.join(tmpdir(), "profile-"));
const camera = await startCamera();
const folders = {};
for (const [name, words] of Object.entries(WRITTEN)) {
  const cwd = mkdtempSync(path.join(root, name));
  const read = ["-v", "error", "-nostdin", "-rtsp_transport", "tcp", "-i", camera.url, "-c:v", "copy", "-c:a", "aac"];
  const child = spawn("ffmpeg", [...read, ...words.split(" ")], { cwd, stdio: "inherit" });
  programs.add(child.once("exit", () => programs.delete(child)));
  folders[`/${name}/`] = cwd;
}
const indexed = indexedFilm();
const pages = { "/page.html": { text: "" }, "/indexed.mpd": { text: indexed.mpd }, "/favicon.ico": { text: "" } };
const films = { "/film/": film(12), "/webm/": webmFilm(), "/film-ts/": hlsFilm("mpegts"), "/film-fmp4/": hlsFilm("fmp4") };
const noting = ({ url }, response) => {
  const name = MODULES.find((it) => url === `/p/${it}.wasm`);
  if (name) response.writeHead(200, { "Content-Type": "application/wasm" }).end(readFileSync(path.join(FOLDER, `${name}.wasm`)));
  return !!name;
};
const files = await serveFiles({ ...pages, ...films, ...folders, "/p/": "dist", "/": indexed.folder }, { answer: noting });
for (const place of Object.keys(folders)) {
  const manifest = place === "/ts/" || place === "/fmp4/" ? "index.m3u8" : "index.mpd";
  await until(`${place}${manifest} is there`, async () => (await fetch(files.url + place + manifest)).ok);
}
await new Promise((over) => setTimeout(over, 12_000)); // the lists are full

/** What ran of the module in this page: a digit for each of its points. */
async function noted(browser, module, html) {
  pages["/page.html"].text = `<!doctype html>${html}`;
  const page = await browser.open(`${files.url}/page.html`);
  await until("it plays", () => page.evaluate(plays, SECONDS));
  await page.evaluate(useAll, module === "nearlive-hls" ? "m3u8" : module === "nearlive-dash" ? "mpd" : "");
  const bits = await page.evaluate(points);
  await page.close();
  return bits;
}

const dash = [`${demo.url}/demo/index.mpd`, "/listed/index.mpd", "/streamed/index.mpd", "/silent/index.mpd", "/film/index.mpd", "/indexed.mpd"];
const hls = [`${demo.url}/demo/index.m3u8`, "/ts/index.m3u8", "/fmp4/index.m3u8", "/film-ts/index.m3u8", "/film-fmp4/index.m3u8"];
/** Of each engine: the pages that are opened with sound allowed, and as viewers have it. */
const runs = (addresses, page) => {
  const few = [addresses[0], addresses.find((it) => it.startsWith("/film"))];
  const shy = [page(few[0], ""), page(few[1], "click")];
  return [
    [chromium, true, addresses.map((it) => page(it, "plain"))],
    [chromium, false, shy],
    [firefox, true, few.map((it) => page(it, "plain"))],
    [webkit, true, few.map((it) => page(it, "plain"))],
    [webkit, false, shy.slice(0, 1)],
  ];
};
const attributes = { plain: "muted autoplay controls", "": "autoplay controls", click: "latency=3 controls" };
const element = (address, how) => embedded(address, attributes[how]);
const call = (address, how) => created(address, how === "click" ? { autoplay: false, latency: 3 } : undefined, how === "plain" ? "muted" : "");
const all = { "nearlive-dash": runs(dash, element), "nearlive-hls": runs(hls, element), nearlive: runs([...dash, ...hls, "/webm/index.mpd"], call) };
try {
  for (const [module, engines] of Object.entries(all)) {
    let sum = [];
    for (const [engine, autoplay, htmls] of engines) {
      const browser = await engine.launch({ autoplay });
      for (const html of htmls) {
        sum = [...(await noted(browser, module, html))].map((it, at) => (it === "1" || sum[at] === "1" ? "1" : "0"));
        const address = /"(\S*?index\S*?)"/.exec(html)?.[1];
        console.log(`${module}: ${sum.filter((it) => it === "1").length} of ${sum.length} points: ${engine.name} ${address}`);
      }
      await browser.close();
    }
    writeFileSync(path.join(FOLDER, `${module}.noted`), sum.join(""));
  }
} finally {
  for (const program of programs) program.kill("SIGKILL");
  await files.close();
  rmSync(root, { recursive: true, force: true });
}
process.exit(0);
