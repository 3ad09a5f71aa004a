// Films as other tools write them, on demand, in real Chromium.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { launch, openPage, serveFiles, until } from "./harness.mjs";
import { film, indexedFilm } from "./media.mjs";

const REFUSED = 1002; // the code of an answer by which the server refuses
let browser, files, members;
before(async () => {
  browser = await launch();
  const { folder, mpd } = indexedFilm();
  const mounts = {
    "/p/": "dist",
    "/indexed/index.mpd": { text: mpd },
    "/indexed/": folder,
    "/long/": film(),
    "/tall/index.mpd": { text: tall() },
    "/tall/": film(),
    "/favicon.ico": { text: "" },
    "/page.html": { text: `<!doctype html><script src="/p/nearlive.js"></script><video muted width="640"></video>` },
  };
  files = await serveFiles(mounts);
  members = await serveFiles(mounts, { answer: forMembers });
});
after(async () => {
  await browser?.close();
  await files?.close();
  await members?.close();
});

/** The film's manifest, with twice the lines. */
function tall() {
  const mpd = readFileSync(path.join(film(), "index.mpd"), "utf8");
  return mpd.replace(/height="(\d+)"/g, (_, lines) => `height="${lines * 2}"`);
}

/** Lets only those see the film who bring the cookie. */
function forMembers(request, response) {
  if (!request.url.startsWith("/indexed/")) return false;
  if (request.headers.origin) {
    response.setHeader("Access-Control-Allow-Origin", request.headers.origin);
    response.setHeader("Access-Control-Allow-Credentials", "true");
  }
  if (/member=yes/.test(request.headers.cookie)) return false;
  response.writeHead(401).end();
  return true;
}

test("a film in one file a track, found by its index, plays, seeks and ends", async () => {
  const page = await openPage(browser, `${files.url}/page.html`);
  await page.evaluate(async () => {
    const video = document.querySelector("video");
    await (await nearlive.create(video)).load("/indexed/index.mpd");
    await video.play();
  });
  const video = (read) => page.evaluate(`(${read})(document.querySelector("video"))`);
  await until("the picture moves", () => video((it) => it.currentTime > 0.3 && it.videoWidth === 640));
  await video((it) => void (it.currentTime = 6.5));
  await until("the film ends", () => video((it) => it.ended && it.currentTime > 7.9));
  const ranges = files.requests.filter((it) => it.path === "/indexed/v.mp4").map((it) => it.range);
  assert.ok(ranges.length >= 3 && ranges.every(Boolean), `asked for by ranges: ${ranges}`);
  assert.deepEqual(page.problems, []);
});

/** A page in which `src` is loaded, by `globalThis.player`, after `script` has changed what the browser has. */
async function changed(t, script, { src = "/indexed/index.mpd", options = {} } = {}) {
  const page = await openPage(browser);
  t.after(() => page.context().close());
  await page.addInitScript(script);
  await page.goto(`${files.url}/page.html`);
  await page.evaluate(
    async ([src, options]) => {
      globalThis.player = await nearlive.create(document.querySelector("video"), options);
      await player.load(src);
    },
    [src, options],
  );
  return page;
}

test("for a viewer whose browser saves data 360 lines are enough, unless the page says more", async (t) => {
  const saves = () => Object.defineProperty(navigator, "connection", { value: { saveData: true } });
  for (const [options, most] of [[{}, 360], [{ maxHeight: 720, startBandwidth: 9e6 }, 720]]) {
    const page = await changed(t, saves, { src: "/tall/index.mpd", options });
    await page.evaluate(() => {
      globalThis.heights = new Set();
      player.on("quality", ({ height }) => heights.add(height));
    });
    await until("the picture moves", () => page.evaluate(() => document.querySelector("video").currentTime > 2));
    assert.equal(await page.evaluate(() => Math.max(...heights.add(player.stats().quality.height))), most);
  }
});

test("where there is only a ManagedMediaSource it is played through, and its wishes are obeyed", async (t) => {
  const page = await changed(t, () => {
    const Own = MediaSource;
    globalThis.made = [];
    globalThis.ManagedMediaSource = class extends Own {
      constructor() {
        super();
        made.push(this);
        this.addEventListener("sourceopen", () => this.dispatchEvent(new Event("endstreaming")));
      }
    };
    delete globalThis.MediaSource;
  }, { src: "/long/index.mpd" });
  const look = (read) => page.evaluate(`(${read})(document.querySelector("video"), player.stats())`);
  await until("the picture moves", () => look((video) => video.currentTime > 2));
  assert.deepEqual(await look((video, stats) => [video.disableRemotePlayback, stats.via, made.length]), [true, "ManagedMediaSource", 1]);
  const ahead = await look((_, stats) => stats.bufferAhead);
  assert.ok(ahead < 12, `it had enough, and got ${ahead} s`);
  await page.evaluate(() => made[0].dispatchEvent(new Event("startstreaming")));
  await until("it gets more", () => look((_, stats) => stats.bufferAhead > 20));
  const from = files.requests.length;
  const before = files.requests.map((it) => it.path);
  const takesMediaAway = () => {
    const [buffer] = made[0].sourceBuffers;
    const ends = document.querySelector("video").currentTime + 6;
    Object.defineProperty(buffer, "buffered", { value: { length: 1, start: () => 0, end: () => ends }, configurable: true });
    buffer.dispatchEvent(new Event("bufferedchange"));
    delete buffer.buffered;
  };
  await until("what it takes out by itself is asked for again", async () => {
    await page.evaluate(takesMediaAway); // again, for while something is appended it says nothing
    return files.requests.slice(from).some((it) => /^\/long\/.*m4s/.test(it.path) && before.includes(it.path));
  });
  assert.deepEqual(page.problems, []);
});

test("a page may prefer the ManagedMediaSource", async (t) => {
  const both = () => (globalThis.ManagedMediaSource = class extends MediaSource {});
  for (const [options, via] of [[{}, "MediaSource"], [{ managed: true }, "ManagedMediaSource"]]) {
    const page = await changed(t, both, { options });
    await until("the picture moves", () => page.evaluate(() => document.querySelector("video").currentTime > 0.3));
    assert.equal(await page.evaluate(() => player.stats().via), via);
  }
});

test("where there is neither, a browser that plays HLS by itself is given the address, and says so", async (t) => {
  const from = files.requests.length;
  const page = await changed(t, () => {
    delete globalThis.MediaSource;
    HTMLMediaElement.prototype.canPlayType = (type) => (type.includes("mpegurl") ? "maybe" : "");
  }, { src: "/indexed/v.mp4" }); // Chromium's place of HLS: something that it plays by itself
  await until("the picture moves", () => page.evaluate(() => document.querySelector("video").currentTime > 0.3));
  const [via, states, refused] = await page.evaluate(async () => {
    const states = [];
    player.on("state", ({ state }) => states.push(state));
    const refused = await player.load("/nowhere.m3u8").catch((error) => [error.code, error.fatal]);
    refused.push(await player.load(1).catch((error) => error.code));
    return [player.stats().via, states, refused];
  });
  assert.deepEqual([via, states, refused], ["video", ["starting", "failed"], [4002, true, 5001]]);
  const modules = files.requests.slice(from).filter((it) => it.path.endsWith(".wasm"));
  assert.deepEqual(modules, [], "no module is downloaded for it");
  assert.ok(files.requests.slice(from).some((it) => it.path === "/p/nearlive-native.mjs"));
});

test("cookies go to the page's own server, elsewhere when it is asked for, and nowhere when it is forbidden", async () => {
  for (const { site, credentials, plays } of [
    { site: members, credentials: undefined, plays: true },
    { site: members, credentials: "omit", plays: false },
    { site: files, credentials: undefined, plays: false },
    { site: files, credentials: "include", plays: true },
  ]) {
    const page = await openPage(browser, `${site.url}/page.html`);
    const outcome = await page.evaluate(
      async ([url, credentials]) => {
        // A cookie is for all ports of a host.
        document.cookie = "member=yes";
        const player = await nearlive.create(document.querySelector("video"), credentials ? { credentials } : {});
        return player.load(url).then(
          () => "loaded",
          (error) => error.code,
        );
      },
      [`${members.url}/indexed/index.mpd`, credentials],
    );
    assert.equal(outcome, plays ? "loaded" : REFUSED, `${site === members ? "own" : "other"} server, ${credentials}`);
    if (plays) {
      const video = (read) => page.evaluate(`(${read})(document.querySelector("video"))`);
      await video((it) => it.play());
      await until("the picture moves", () => video((it) => it.currentTime > 0.3));
    }
    await page.close();
  }
});
