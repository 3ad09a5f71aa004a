// How long players live: one plays on although the page has kept nothing of it but the video, and of one that has ended
// nothing is left.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage, serveFiles, until } from "./harness.mjs";
import { film } from "./media.mjs";

let browser, files;
before(async () => {
  browser = await launch();
  files = await serveFiles({
    "/p/": "dist",
    "/film/": film(12),
    "/favicon.ico": { text: "" },
    "/empty.html": { text: `<!doctype html><script src="/p/nearlive.js"></script><body>` },
    "/page.html": { text: `<!doctype html><script src="/p/nearlive.js"></script><video muted width="640"></video>` },
  });
});
after(async () => {
  await browser?.close();
  await files?.close();
});

test("a player that the page has forgotten plays on", async () => {
  const page = await openPage(browser, `${files.url}/page.html`);
  await page.evaluate(async () => {
    const video = document.querySelector("video");
    await (await nearlive.create(video)).load("/film/index.mpd");
    await video.play();
  });
  const video = (read) => page.evaluate(`(${read})(document.querySelector("video"))`);
  await until("the picture moves", () => video((it) => it.currentTime > 0.3));
  for (let i = 0; i < 3; i++) await page.requestGC();
  await video((it) => void (it.playbackRate = 4));
  await until("the film ends", () => video((it) => it.ended));
  assert.deepEqual(page.problems, []);
});

test("of elements that were taken out nothing is left", async () => {
  const page = await openPage(browser, `${files.url}/empty.html`);
  await page.evaluate(async () => {
    globalThis.open = new Set();
    const { createObjectURL, revokeObjectURL } = URL;
    URL.createObjectURL = (source) => {
      const url = createObjectURL.call(URL, source);
      open.add(url);
      return url;
    };
    URL.revokeObjectURL = (url) => {
      open.delete(url);
      revokeObjectURL.call(URL, url);
    };
    globalThis.taken = [];
    for (let i = 0; i < 20; i++) {
      const host = document.createElement("nearlive-player");
      for (const [name, value] of [["src", "/film/index.mpd"], ["autoplay", ""], ["muted", ""]]) host.setAttribute(name, value);
      document.body.append(host);
      // Some while they load, some while they play.
      await new Promise((resolve) => (i % 2 ? host.addEventListener("loaded", resolve) : setTimeout(resolve, 0)));
      host.remove();
      taken.push(new WeakRef(host));
    }
  });
  await until("all are gone", async () => {
    await page.requestGC();
    return page.evaluate(() => taken.every((it) => !it.deref()));
  });
  assert.equal(await page.evaluate(() => open.size), 0);
  assert.deepEqual(page.problems, []);
});
