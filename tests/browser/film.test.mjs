// Films as other tools write them, on demand, in real Chromium.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage, serveFiles, until } from "./harness.mjs";
import { indexedFilm } from "./media.mjs";

const REFUSED = 1002; // the code of an answer by which the server refuses
let browser, files, members;
before(async () => {
  browser = await launch();
  const { folder, mpd } = indexedFilm();
  const mounts = {
    "/p/": "dist",
    "/indexed/index.mpd": { text: mpd },
    "/indexed/": folder,
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
