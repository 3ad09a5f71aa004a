// Who makes the requests, and what is downloaded for which address: create()'s options `fetch` and `transport`, load() of anything.

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { launch, openPage, serveFiles, TARGET, until } from "./harness.mjs";
import { film, hlsFilm, webmFilm } from "./media.mjs";

let browser, files;
before(async () => {
  browser = await launch();
  const single = path.join(TARGET, "browser-media/single");
  mkdirSync(single, { recursive: true });
  copyFileSync(path.join(webmFilm(), "360p.webm"), path.join(single, "film.webm"));
  files = await serveFiles({
    "/p/": "dist",
    "/dash/": film(),
    "/hls/": hlsFilm("fmp4"),
    "/single/": single,
    "/webm/": webmFilm(),
    "/bad/index.mpd": { text: `<?xml version="1.0"?><html><p>This is no manifest.</p></html>` },
    "/favicon.ico": { text: "" },
    "/page.html": { text: `<!doctype html><meta charset="utf-8"><script src="/p/nearlive.js"></script><video muted></video>` },
  });
});
after(async () => {
  await browser?.close();
  await files?.close();
});

async function open(t) {
  const page = await openPage(browser, `${files.url}/page.html`);
  t.after(() => page.context().close());
  return page;
}
const moves = (page) => until("the picture moves", () => page.evaluate(() => document.querySelector("video").currentTime > 0.3));
const asked = (from) => files.requests.slice(from).map((it) => it.path);

test("a function of the page makes each request, and its addresses are used", async (t) => {
  const from = files.requests.length;
  const page = await open(t);
  await page.evaluate(async () => {
    const signed = (url, init) => fetch(`${url}?signed=${init.signal instanceof AbortSignal}`, init);
    globalThis.player = await nearlive.create(document.querySelector("video"), { fetch: signed });
    await player.load("/dash/index.mpd");
  });
  await moves(page);
  const media = asked(from).filter((it) => it.startsWith("/dash/"));
  assert.ok(media.length > 3 && media.every((it) => it.endsWith("?signed=true")), JSON.stringify(media));
});

test("a function of the page that throws is a request that failed, and is asked again", async (t) => {
  const page = await open(t);
  const codes = await page.evaluate(async () => {
    let calls = 0;
    const failing = (url, init) => {
      if (++calls < 3) throw new TypeError("no key yet");
      return fetch(url, init);
    };
    globalThis.player = await nearlive.create(document.querySelector("video"), { fetch: failing });
    const codes = [];
    player.on("error", ({ code, fatal }) => codes.push([code, fatal]));
    await player.load("/dash/index.mpd");
    return codes;
  });
  await moves(page);
  assert.deepEqual(codes[0], [1001, false]);
});

test("XMLHttpRequest carries a film where the page asks for it, and what that needs is downloaded then only", async (t) => {
  const from = files.requests.length;
  const page = await open(t);
  const kinds = page.evaluate(
    () =>
      new Promise((resolve) => {
        const kinds = new Set();
        new PerformanceObserver((list) => {
          for (const it of list.getEntries()) if (it.name.includes("/dash/")) kinds.add(it.initiatorType);
          if (kinds.size) resolve([...kinds]);
        }).observe({ type: "resource" });
      }),
  );
  await page.evaluate(async () => {
    globalThis.player = await nearlive.create(document.querySelector("video"), { transport: "xhr" });
    await player.load("/dash/index.mpd");
  });
  await moves(page);
  assert.deepEqual(await kinds, ["xmlhttprequest"]);
  assert.ok(asked(from).includes("/p/nearlive-xhr.mjs"));
});

test("load() takes any address, whatever the player was made for", async (t) => {
  const from = files.requests.length;
  const page = await open(t);
  await page.evaluate(async () => {
    globalThis.states = [];
    globalThis.player = await nearlive.create(document.querySelector("video"), {}, "/dash/index.mpd");
    player.on("state", ({ state }) => states.push(state));
  });
  for (const [url, protocol] of [["/dash/index.mpd", "dash"], ["/hls/index.m3u8", "hls"], ["/single/film.webm", "file"], ["/dash/index.mpd", "dash"]]) {
    await page.evaluate((url) => (states.splice(0), player.load(url)), url);
    await moves(page);
    await until("it says so", () => page.evaluate(() => player.stats().state === "playing"));
    assert.deepEqual(await page.evaluate(() => [player.stats().protocol, states.includes("playing")]), [protocol, true], url);
  }
  const modules = asked(from).filter((it) => it.endsWith(".wasm"));
  assert.deepEqual([...new Set(modules)], ["/p/nearlive-dash.wasm", "/p/nearlive-hls.wasm"]);
  assert.deepEqual(page.problems, []);
});

test("what is at an address may be more than its ending says: the module that plays all takes over, without an error", async (t) => {
  const page = await open(t);
  const errors = await page.evaluate(async () => {
    const errors = [];
    globalThis.player = await nearlive.create(document.querySelector("video"), {}, "/webm/index.mpd");
    player.on("error", ({ code }) => errors.push(code));
    await player.load("/webm/index.mpd");
    return errors;
  });
  await moves(page);
  assert.deepEqual(errors, []);
  assert.equal(await page.evaluate(() => player.stats().protocol), "dash");
});

test("a fatal error that no module can help comes once, and load() gives it", async (t) => {
  const page = await open(t);
  const { thrown, heard } = await page.evaluate(async () => {
    const heard = [];
    const player = await nearlive.create(document.querySelector("video"), {}, "/bad/index.mpd");
    player.on("error", ({ code, fatal }) => fatal && heard.push(code));
    const thrown = await player.load("/bad/index.mpd").catch(({ code }) => code);
    return { thrown, heard };
  });
  assert.equal(thrown, 2001);
  assert.deepEqual(heard, [2001]);
});

test("of two loads in a row the later one plays, also where it needs another module", async (t) => {
  const page = await open(t);
  const first = await page.evaluate(async () => {
    globalThis.player = await nearlive.create(document.querySelector("video"), {}, "/dash/index.mpd");
    const first = player.load("/hls/index.m3u8").catch((error) => [error.name, error.code]);
    await player.load("/dash/index.mpd");
    return first;
  });
  assert.deepEqual(first, ["AbortError", 5001]);
  await moves(page);
  assert.equal(await page.evaluate(() => player.stats().protocol), "dash");
});

test("a single file that is not there is an error that says so", async (t) => {
  const page = await open(t);
  const error = await page.evaluate(async () => {
    const player = await nearlive.create(document.querySelector("video"));
    return player.load("/single/nowhere.mp4").catch(({ code, fatal, message }) => ({ code, fatal, message }));
  });
  assert.deepEqual([error.code, error.fatal], [4001, true]);
  assert.match(error.message, /it is not there, or/);
});

test("configure() limits the picture while it plays", async (t) => {
  const page = await open(t);
  await page.evaluate(async () => {
    globalThis.player = await nearlive.create(document.querySelector("video"), { bufferAhead: 4, capToElement: false });
    await player.load("/dash/index.mpd");
  });
  const lines = (lines) => until(`${lines} lines are shown`, () => page.evaluate((lines) => document.querySelector("video").videoHeight === lines, lines));
  await lines(360);
  await page.evaluate(() => player.configure({ maxHeight: 200 }));
  await lines(180);
  assert.equal(await page.evaluate(() => player.stats().qualityReason), "the page or the browser's data saver allows no more");
  await page.evaluate(() => player.configure({ maxHeight: Infinity }));
  await lines(360);
});
