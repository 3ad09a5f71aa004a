// Films as other tools write them, on demand, in real Chromium.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage, serveFiles, until } from "./harness.mjs";
import { indexedFilm } from "./media.mjs";

let browser, files;
before(async () => {
  browser = await launch();
  const { folder, mpd } = indexedFilm();
  files = await serveFiles({
    "/p/": "dist",
    "/indexed/index.mpd": { text: mpd },
    "/indexed/": folder,
    "/favicon.ico": { text: "" },
    "/page.html": { text: `<!doctype html><script src="/p/nearlive.js"></script><video muted width="640"></video>` },
  });
});
after(async () => {
  await browser?.close();
  await files?.close();
});

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
