// Films as `nearlive-server encode` makes them, in real Chromium.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { launch, openPage, serveFiles, TARGET, until } from "./harness.mjs";
import { film } from "./media.mjs";

const SERVER = process.env.NEARLIVE_SERVER || path.join(TARGET, "demo", "nearlive-server");
let browser, files;
before(async () => {
  browser = await launch();
  const source = path.join(film(8), "index.mpd");
  const whole = path.join(TARGET, "browser-media", "to-encode.mp4");
  execFileSync("ffmpeg", ["-v", "error", "-nostdin", "-y", "-i", source, "-map", "0:v:0", "-map", "0:a:0", "-c", "copy", whole]);
  const made = (name, args) => {
    const folder = path.join(TARGET, "browser-media", name);
    rmSync(folder, { recursive: true, force: true });
    execFileSync(SERVER, ["encode", ...args, whole, folder], { stdio: "ignore" });
    return folder;
  };
  files = await serveFiles({
    "/p/": "dist",
    "/cmaf/": made("encoded-cmaf", []),
    "/webm/": made("encoded-webm", ["--webm"]),
    "/favicon.ico": { text: "" },
    "/page.html": { text: `<!doctype html><script src="/p/nearlive.js"></script><video muted width="640"></video>` },
  });
});
after(async () => {
  await browser?.close();
  await files?.close();
});

for (const src of ["/cmaf/manifest.mpd", "/cmaf/index.m3u8", "/webm/manifest.mpd"]) {
  test(`${src} plays from its first picture, seeks to the very frame, and ends`, async () => {
    const page = await openPage(browser, `${files.url}/page.html`);
    await page.evaluate(async (src) => {
      globalThis.video = document.querySelector("video");
      globalThis.player = await nearlive.create(video);
      await player.load(src);
      await video.play();
    }, src);
    await until("the picture moves", () => page.evaluate(() => video.currentTime > 0.3 && video.videoWidth > 0));
    assert.ok((await page.evaluate(() => video.buffered.start(0))) < 0.01, "sound and picture begin at zero");
    await page.evaluate(() => {
      video.pause();
      // Frames that were on their way come first.
      const look = (_, { mediaTime }) => {
        globalThis.shown = mediaTime;
        video.requestVideoFrameCallback(look);
      };
      video.requestVideoFrameCallback(look);
      video.currentTime = 5.05;
    });
    await until("the frame of 5.04 s is shown", () => page.evaluate(() => Math.abs(globalThis.shown - 5.04) < 0.002));
    await page.evaluate(() => video.play());
    await until("the film ends", () => page.evaluate(() => video.ended && video.currentTime > 7.9));
    assert.deepEqual(page.problems, []);
    await page.close();
  });
}
