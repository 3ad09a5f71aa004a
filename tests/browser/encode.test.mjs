// Films as `nearlive-server encode` makes them, in real Chromium: in our player, and in those for which others encode.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { launch, openPage, serveFiles, TARGET, until } from "./harness.mjs";
import { film } from "./media.mjs";

const SERVER = process.env.NEARLIVE_SERVER || path.join(TARGET, "demo", "nearlive-server");

/** A page for another player: `start(video, src)` begins to play, and calls `failed` with what goes wrong for good. */
const otherPage = (script, start) => `<!doctype html><script src="/players/${script}"></script><video muted width="640"></video>
<script>
  window.failures = [];
  const failed = (why) => failures.push(String(why));
  const start = async (video, src) => { ${start} };
</script>`;
const OTHERS = {
  dashjs: {
    plays: ["/cmaf/manifest.mpd", "/webm/manifest.mpd"],
    page: otherPage(
      "dashjs/dist/modern/umd/dash.all.min.js",
      `const player = dashjs.MediaPlayer().create();
       player.on(dashjs.MediaPlayer.events.ERROR, ({ error }) => failed(error?.code + " " + error?.message));
       player.initialize(video, src, true);`,
    ),
  },
  shaka: {
    plays: ["/cmaf/manifest.mpd", "/cmaf/index.m3u8", "/webm/manifest.mpd"],
    page: otherPage(
      "shaka-player/dist/shaka-player.compiled.js",
      `const player = new shaka.Player();
       player.addEventListener("error", ({ detail }) => failed(detail.code + " " + detail.data));
       await player.attach(video);
       await player.load(src);
       await video.play();`,
    ),
  },
  hlsjs: {
    plays: ["/cmaf/index.m3u8"],
    page: otherPage(
      "hls.js/dist/hls.min.js",
      `const player = new Hls();
       player.on(Hls.Events.ERROR, (_, data) => data.fatal && failed(data.details));
       player.on(Hls.Events.MANIFEST_PARSED, () => video.play());
       player.loadSource(src);
       player.attachMedia(video);`,
    ),
  },
};

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
    "/players/": "benches/players/node_modules",
    "/cmaf/": made("encoded-cmaf", []),
    "/webm/": made("encoded-webm", ["--webm"]),
    "/favicon.ico": { text: "" },
    ...Object.fromEntries(Object.entries(OTHERS).map(([name, { page }]) => [`/${name}.html`, { text: page }])),
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

for (const [name, { plays }] of Object.entries(OTHERS)) {
  for (const src of plays) {
    test(`${name} plays ${src}, seeks, and comes to the end`, async () => {
      const page = await openPage(browser, `${files.url}/${name}.html`);
      await page.evaluate((src) => {
        globalThis.video = document.querySelector("video");
        start(video, src).catch(failed);
      }, src);
      // What went wrong ends the wait, and is then told.
      const reached = (what, probe) => until(what, () => page.evaluate(`failures.length > 0 || (${probe})`));
      await reached("picture and sound play", "video.currentTime > 0.3 && video.videoWidth > 0 && video.webkitAudioDecodedByteCount > 0");
      await page.evaluate(() => (video.currentTime = 5.05));
      await reached("it plays after the seek", "!video.seeking && video.currentTime > 5.2");
      await reached("the film ends", "video.ended && video.currentTime > 7.9");
      assert.deepEqual([await page.evaluate(() => failures), page.problems], [[], []]);
      await page.close();
    });
  }
}
