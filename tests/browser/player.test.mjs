// The packed player loads into a page: script, ES module, and the module beside them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage, serveFiles } from "./harness.mjs";

const PAGES = {
  "/empty.html": { text: "<!doctype html>" },
  "/script.html": { text: `<!doctype html><script src="/p/nearlive.js?v=2"></script>` },
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
  files = await serveFiles({ ...PAGES, "/p/": "dist", "/favicon.ico": { text: "" } });
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
