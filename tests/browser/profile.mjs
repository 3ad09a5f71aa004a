// `make profile`: plays modules that note what runs of them (nearlive-pack profile) until a page has its first picture and
// three seconds more, and writes down what they noted. What did not run comes later (www/pack/src/cut/).
//
// A start that goes wrong at first is among it: when a network fails, what retries must be there.

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { launch, openPage, serveFiles, startServer, TARGET, until } from "./harness.mjs";
import { film, hlsFilm } from "./media.mjs";

const FOLDER = path.join(TARGET, "pack/profile");
const browser = await launch();
const camera = await startServer(["demo", "--origin", "*"]);
await until("the camera can be played", async () => {
  const [it] = await (await fetch(`${camera.url}/api/cameras`)).json();
  return it.playable && it.state === "live";
});
const pages = { "/page.html": { text: "" } };
const files = await serveFiles({ ...pages, "/p/": "dist", "/mp4/": film(12), "/ts/": hlsFilm("mpegts"), "/fmp4/": hlsFilm("fmp4") });

/** Keeps the module's exports. */
const keep = () => {
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = async (...all) => (window.instance = await instantiate.apply(WebAssembly, all));
};
const embedded = (address) => `<nearlive-player src="${address}" muted autoplay></nearlive-player>`;
const created = (address) => `<video muted></video><script>nearlive.ready.then(async () => {
  const player = await nearlive.create(document.querySelector("video"), { autoplay: true });
  await player.load("${address}");
});</script>`;

/** What ran of the module in this page. `fails`: the first requests for the manifest and for media find no network. */
async function noted(module, html, { fails = false } = {}) {
  const page = await openPage(browser, null, { init: keep });
  await page.route(`**/${module}.wasm`, (route) => route.fulfill({ body: readFileSync(path.join(FOLDER, `${module}.wasm`)), contentType: "application/wasm" }));
  const failed = new Set();
  await page.route(/\.(mpd|m3u8|m4s|mp4|ts)(\?|$)/, (route) => {
    const ending = new URL(route.request().url()).pathname.split(".").pop();
    if (!fails || failed.has(ending)) return route.continue();
    failed.add(ending);
    return route.abort();
  });
  pages["/page.html"].text = `<!doctype html><script src="/p/nearlive.js"></script>${html}`;
  await page.goto(`${files.url}/page.html`);
  await page.waitForFunction(() => {
    const video = document.querySelector("video") ?? document.querySelector("nearlive-player")?.shadowRoot?.querySelector("video");
    if (!video || video.readyState < 2) return false;
    window.from ??= video.currentTime;
    return video.currentTime > window.from + 3;
  });
  const bits = await page.evaluate(() => {
    instance.exports.fault(); // that something is missing has to be known without it
    let bits = "";
    for (let at = 0, point; (point = instance.exports[`p${at}`]); at++) bits += point.value;
    return bits;
  });
  await page.context().close();
  return bits;
}

const live = { mpd: `${camera.url}/demo/index.mpd`, m3u8: `${camera.url}/demo/index.m3u8` };
const films = { mpd: "/mp4/index.mpd", m3u8: "/ts/index.m3u8", fmp4: "/fmp4/index.m3u8" };
const runs = {
  "nearlive-dash": [[embedded(live.mpd)], [embedded(live.mpd), { fails: true }], [embedded(films.mpd)]],
  "nearlive-hls": [[embedded(live.m3u8)], [embedded(live.m3u8), { fails: true }], [embedded(films.m3u8)], [embedded(films.fmp4)]],
};
runs.nearlive = [...runs["nearlive-dash"], ...runs["nearlive-hls"]].map(([html, how]) => [created(/src="([^"]*)"/.exec(html)[1]), how]);
try {
  for (const [module, pages] of Object.entries(runs)) {
    let all = [];
    for (const [html, how] of pages) all = [...(await noted(module, html, how))].map((it, at) => (it === "1" || all[at] === "1" ? "1" : "0"));
    console.log(`${module}: ${all.filter((it) => it === "1").length} of ${all.length} points`);
    writeFileSync(path.join(FOLDER, `${module}.noted`), all.join(""));
  }
} finally {
  await browser.close();
  await camera.stop();
  await files.close();
}
process.exit(0);
