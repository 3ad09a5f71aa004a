// A player plays on although the page has kept nothing of it but the video.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage, serveFiles, until } from "./harness.mjs";
import { film } from "./media.mjs";

let browser, files;
before(async () => {
  browser = await launch();
  files = await serveFiles({
    "/p/": "dist",
    "/film/": film(),
    "/favicon.ico": { text: "" },
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
