// The packed player loads into a page: script, ES module, and the module beside them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage, serveFiles, until } from "./harness.mjs";
import { film } from "./media.mjs";

const PAGES = {
  "/empty.html": { text: "<!doctype html>" },
  "/script.html": { text: `<!doctype html><script src="/p/nearlive.js?v=2"></script>` },
  "/dash.html": { text: `<!doctype html><script src="/p/nearlive.js"></script><nearlive-player src="/film/index.mpd" autoplay muted></nearlive-player>` },
  "/misnamed.html": { text: `<!doctype html><script src="/p/nearlive.js"></script><nearlive-player src="/misnamed.m3u8" autoplay muted></nearlive-player>` },
  "/module.html": {
    text: `<!doctype html><script type="module">
      import nearlive from "/p/nearlive.mjs";
      globalThis.imported = nearlive;
    </script>`,
  },
};

let browser, files;
before(async () => {
  browser = await launch();
  const mounts = { ...PAGES, "/p/": "dist", "/film/": film(), "/favicon.ico": { text: "" } };
  const answer = ({ url }, response) => url === "/misnamed.m3u8" && !!response.writeHead(302, { Location: "/film/index.mpd" }).end();
  files = await serveFiles(mounts, { answer });
});
after(async () => {
  await browser?.close();
  await files?.close();
});

test("the script gives a page one global, and keeps its query for the module", async () => {
  const page = await openPage(browser, `${files.url}/empty.html`);
  const before = await page.evaluate(() => Object.getOwnPropertyNames(globalThis));
  await page.goto(`${files.url}/script.html`);
  await page.evaluate(() => nearlive.ready);
  const added = await page.evaluate((old) => Object.getOwnPropertyNames(globalThis).filter((it) => !old.includes(it)), before);
  assert.deepEqual(added, ["nearlive"]);
  assert.match(await page.evaluate(() => nearlive.version), /^\d+\.\d+\.\d+/);
  assert.ok(files.requests.some((it) => it.path === "/p/nearlive.wasm?v=2"), JSON.stringify(files.requests));
  assert.deepEqual(page.problems, []);
});

test("the ES module exports the same and sets no global", async () => {
  const page = await openPage(browser, `${files.url}/module.html`);
  const [version, leaked] = await page.evaluate(async () => {
    await imported.ready;
    return [imported.version, typeof globalThis.nearlive];
  });
  assert.match(version, /^\d+\.\d+\.\d+/);
  assert.equal(leaked, "undefined");
  assert.deepEqual(page.problems, []);
});

/** Opens a page with an element, waits until it plays, and gives the modules that were downloaded for it. */
async function modulesOf(t, path) {
  const from = files.requests.length;
  const page = await openPage(browser, files.url + path);
  t.after(() => page.context().close());
  const errors = page.evaluate(() => new Promise((resolve) => document.querySelector("nearlive-player").addEventListener("error", resolve)));
  errors.catch(() => {}); // the page is closed
  const plays = () => page.evaluate(() => document.querySelector("nearlive-player").video.currentTime > 0.3);
  await Promise.race([until("it plays", plays), errors.then(() => assert.fail("the page was told of an error"))]);
  assert.deepEqual(page.problems, []);
  return files.requests.slice(from).flatMap((it) => /[^/]*\.wasm/.exec(it.path) ?? []);
}

test("a page downloads the module for what its address ends in, and no other", async (t) => {
  assert.deepEqual(await modulesOf(t, "/dash.html"), ["nearlive-dash.wasm"]);
});

test("what is at an address plays, whatever its address ends in", async (t) => {
  assert.deepEqual(await modulesOf(t, "/misnamed.html"), ["nearlive-hls.wasm", "nearlive.wasm"]);
});

test("create() with an address plays what is there as well", async (t) => {
  const from = files.requests.length;
  const page = await openPage(browser, `${files.url}/script.html`);
  t.after(() => page.context().close());
  const protocol = await page.evaluate(async () => {
    const player = await nearlive.create(document.createElement("video"), {}, "/misnamed.m3u8");
    await player.load("/misnamed.m3u8");
    return player.stats().protocol;
  });
  assert.equal(protocol, "dash");
  const modules = files.requests.slice(from).flatMap((it) => /[^/]*\.wasm/.exec(it.path) ?? []);
  assert.deepEqual(modules, ["nearlive-hls.wasm", "nearlive.wasm"]);
  assert.deepEqual(page.problems, []);
});
