// `make profile`: plays modules that note what runs of them (nearlive-pack profile) until a page has its first picture and
// some seconds more, and writes down what they noted. What did not run follows (www/pack/src/cut/).
//
// A start that goes wrong at first is among it: when a network fails, what retries must be there.

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { launch, openPage, serveFiles, startServer, TARGET, until } from "./harness.mjs";
import { film, hlsFilm, webmFilm } from "./media.mjs";

/** What runs in the first seconds of picture is needed: the rest has come by then, as a rule. */
const SECONDS = 2;
const FOLDER = path.join(TARGET, "pack/profile");
const browser = await launch();
const camera = await startServer(["demo", "--origin", "*"]);
await until("the camera can be played", async () => {
  const [it] = await (await fetch(`${camera.url}/api/cameras`)).json();
  return it.playable && it.state === "live";
});
const pages = { "/page.html": { text: "" } };
const files = await serveFiles({ ...pages, "/p/": "dist", "/mp4/": film(12), "/listed/": film(12, { timeline: true }), "/webm/": webmFilm(), "/ts/": hlsFilm("mpegts"), "/fmp4/": hlsFilm("fmp4") });

/** Keeps the module's exports, and what a player is to it. */
const keep = () => {
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = async (...all) => (window.instance ??= await instantiate.apply(WebAssembly, all));
  const { register } = FinalizationRegistry.prototype;
  FinalizationRegistry.prototype.register = function (...all) {
    window.owned ??= all[1];
    return register.apply(this, all);
  };
};
const embedded = (address) => `<nearlive-player src="${address}" muted autoplay></nearlive-player>`;
const created = (address) => `<video muted></video><script>nearlive.ready.then(async () => {
  window.player = await nearlive.create(document.querySelector("video"), { autoplay: true });
  await player.load("${address}");
});</script>`;

/** What a page does with a player at any time, and early. The exports are called beside it: they are what is to run. */
const useAll = async (ending) => {
  const player = window.player ?? document.querySelector("nearlive-player").player;
  const listener = () => {};
  player.on("state", listener);
  player.off("state", listener);
  player.stats();
  player.qualities();
  dispatchEvent(new Event("online"));
  player.destroy();
  const other = await nearlive.create(document.createElement("video"), {}, `/nowhere/süd.${ending}`);
  other.destroy();
  instance.exports.__wbg_player_free(owned, 0);
  instance.exports.fault(); // that something is missing has to be known without it
};

/**
 * What ran of the module in this page. `fails`: each address finds no network twice, and an error once. `outage`: after a
 * second of picture the network is away for some seconds.
 */
async function noted(module, html, { fails = false, outage = false } = {}) {
  const page = await openPage(browser, null, { init: keep });
  await page.route(`**/${module}.wasm`, (route) => route.fulfill({ body: readFileSync(path.join(FOLDER, `${module}.wasm`)), contentType: "application/wasm" }));
  const tries = new Map();
  let away = false;
  await page.route(/\.(mpd|m3u8|m4s|mp4|ts|webm)(\?|$)/, (route) => {
    const { pathname } = new URL(route.request().url());
    const known = [...tries.keys()].filter((it) => it.endsWith(path.extname(pathname))).length;
    const count = (tries.get(pathname) ?? 0) + 1;
    tries.set(pathname, count);
    // Of each kind of file the first two addresses have trouble.
    if (away || (fails && known <= 2 && count <= 2)) return route.abort();
    if (fails && known <= 2 && count === 3) return route.fulfill({ status: 503 });
    return route.continue();
  });
  pages["/page.html"].text = `<!doctype html><script src="/p/nearlive.js"></script>${html}`;
  await page.goto(`${files.url}/page.html`);
  const plays = (seconds) =>
    page.waitForFunction((seconds) => {
      const video = document.querySelector("video") ?? document.querySelector("nearlive-player")?.shadowRoot?.querySelector("video");
      if (!video || video.readyState < 2) return false;
      window.from ??= video.currentTime;
      return video.currentTime > window.from + seconds;
    }, seconds);
  await plays(1);
  if (outage) {
    away = true;
    await page.context().setOffline(true);
    await new Promise((over) => setTimeout(over, 8000));
    away = false;
    await page.context().setOffline(false);
    await page.evaluate(() => delete window.from);
  }
  await plays(SECONDS);
  await page.evaluate(useAll, module.endsWith("hls") ? "m3u8" : "mpd");
  const bits = await page.evaluate(() => {
    let bits = "";
    for (let at = 0, point; (point = instance.exports[`p${at}`]); at++) bits += point.value;
    return bits;
  });
  await page.context().close();
  return bits;
}

const live = { mpd: `${camera.url}/demo/index.mpd`, m3u8: `${camera.url}/demo/index.m3u8` };
const films = { mpd: "/mp4/index.mpd", listed: "/listed/index.mpd", m3u8: "/ts/index.m3u8", fmp4: "/fmp4/index.m3u8", webm: "/webm/index.mpd" };
const trouble = (address) => [[embedded(address)], [embedded(address), { fails: true }], [embedded(address), { outage: true }]];
const runs = {
  "nearlive-dash": [...trouble(live.mpd), ...trouble(films.mpd), [embedded(films.listed)]],
  "nearlive-hls": [...trouble(live.m3u8), ...trouble(films.m3u8), [embedded(films.fmp4)]],
};
runs.nearlive = [...runs["nearlive-dash"], ...runs["nearlive-hls"]].map(([html, how]) => [created(/src="([^"]*)"/.exec(html)[1]), how]);
runs.nearlive.push([created(films.webm)]);
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
