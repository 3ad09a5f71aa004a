// What has to work in every browser: one suite for three engines. `core-chromium.test.mjs` and `core-firefox.test.mjs` run it in
// `make test`, `core-webkit.mjs` in `make test-webkit`.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { serveFiles, startServer, until } from "./harness.mjs";
import { bareWebmFilm, film, hlsFilm, webmFilm } from "./media.mjs";

const SCRIPT = `<!doctype html><meta charset="utf-8"><style>nearlive-player{width:640px}</style>`;
const element = (src, attributes = "autoplay muted controls") => `<nearlive-player src="${src}" ${attributes}></nearlive-player>`;
/** The page says that it has come so `far` by a request: asking it would be a gesture of the user, which allows sound. */
const untouched = (far) => `<script>
  const looks = setInterval(() => {
    const host = document.querySelector("nearlive-player");
    if (!host?.shadowRoot || !(${far})(host.video)) return;
    clearInterval(looks);
    fetch("/untouched");
  }, 20);
</script>`;

const FILMS = {
  "DASH": "/dash/index.mpd",
  "HLS of fMP4": "/fmp4/index.m3u8",
  "HLS of transport streams": "/mpegts/index.m3u8",
  "DASH of WebM": "/webm/index.mpd",
  "DASH of WebM without an index": "/bare/index.mpd",
};

/** Declares the suite for one engine (engines/page.mjs). */
export function core(engine) {
  let browser, server, files;
  const opened = []; // pages of the test that runs
  before(async () => {
    browser = await engine.launch();
    server = await startServer(["demo"]);
    const page = (text) => ({ text: `${SCRIPT}<script src="/p/nearlive.js"></script>${text}` });
    const films = Object.values(FILMS).map((src) => [`${src}.html`, page(element(src))]);
    files = await serveFiles({
      "/p/": "dist",
      "/dash/": film(),
      "/fmp4/": hlsFilm("fmp4"),
      "/mpegts/": hlsFilm("mpegts"),
      "/webm/": webmFilm(),
      "/bare/": bareWebmFilm(),
      "/favicon.ico": { text: "" },
      "/untouched": { text: "" },
      "/loud.html": page(element(FILMS.DASH, "autoplay controls") + untouched((video) => video.currentTime > 0.2)),
      "/managed.html": page(`<script>if (globalThis.ManagedMediaSource) delete globalThis.MediaSource</script>${element(FILMS.DASH)}`),
      "/dead.html": page(element("/nowhere/index.mpd")),
      ...Object.fromEntries(films),
    });
    await until("the camera can be played", async () => {
      const [camera] = await (await fetch(`${server.url}/api/cameras`)).json();
      return camera.playable && camera.state === "live";
    });
  });
  after(async () => {
    await browser?.close();
    await files?.close();
    await server?.stop();
  });

  async function open(t, url, from = browser) {
    const page = await from.open(url);
    opened.push(page);
    t.after(() => page.close());
    return page;
  }
  /** A browser that hangs as a whole, as WebKitGTK does now and then (README, "Not yet"), gets a second try, which says so. */
  const inEngine = (what, act) =>
    test(`${engine.name}: ${what}`, async (t) => {
      opened.length = 0;
      try {
        await act(t);
      } catch (error) {
        if (!error.hung) throw error;
        t.diagnostic(`${engine.name} hung (${error.message}): once more`);
        for (const page of opened) await page.close();
        await act(t);
      }
    });

  inEngine("a live camera starts, with its sound where that is allowed, and is held near its target", async (t) => {
    const page = await open(t, `${server.url}/demo/`);
    await plays(page);
    await moves(page, 3);
    await isLive(page);
    assert.deepEqual(await look(page, ({ stats, video }) => [stats.live, stats.protocol, video.muted]), [true, "dash", false]);
  });

  inEngine("a live camera over HLS likewise", async (t) => {
    const page = await open(t, `${server.url}/demo/`);
    await look(page, ({ host }) => (host.src = host.src.replace(".mpd", ".m3u8")));
    await until("it plays HLS", () => look(page, ({ stats }) => stats.protocol === "hls" && stats.state === "playing"));
    await moves(page, 3);
    await isLive(page);
  });

  for (const [form, protocol, ending] of [["", "dash", ".mpd"], [" over HLS", "hls", ".m3u8"]]) {
    inEngine(`a viewer goes back in a live stream${form}, and to its edge again`, async (t) => {
      const page = await open(t, `${server.url}/demo/`);
      await look(page, ({ host }, ending) => (host.src = host.src.replace(".mpd", ending)), ending);
      await until("it is the one", () => look(page, ({ stats }, protocol) => stats.protocol === protocol, protocol));
      await plays(page);
      await until("there is a past", () => look(page, ({ video }) => video.seekable.length > 0 && video.currentTime - video.seekable.start(0) > 12));
      const before = await look(page, ({ stats, video }) => {
        video.currentTime -= 6;
        return stats.latency;
      });
      await moves(page, 0.5);
      // By the clock and not by its target, which may be far behind on a busy machine.
      await until("it is behind", () => look(page, ({ stats }, before) => stats.latency > before + 3 && stats.state === "playing", before));
      await look(page, ({ host }) => host.player.goLive());
      await isLive(page);
    });
  }

  inEngine("a live camera's quality is chosen, and chosen back", async (t) => {
    const page = await open(t, `${server.url}/demo/`);
    await plays(page);
    for (const lines of [180, 720]) await choose(page, lines);
    await isLive(page);
    assert.deepEqual(await look(page, ({ stats }) => [stats.errors, stats.trouble]), [0, ""]);
  });

  inEngine("while the camera is away its last picture stays, and it comes back live by itself", async (t) => {
    const page = await open(t, `${server.url}/demo/`);
    await plays(page);
    server.tell("unplug");
    try {
      await until("the cause is over the picture", () => shown(page, ".still"));
      await moves(page, 3);
      await until("the picture is old", () => look(page, ({ root }) => /([7-9]|\d\d) s old/.test(root.querySelector(".still").innerText)));
      assert.equal(await shown(page, ".message"), false);
    } finally {
      server.tell("plug");
    }
    await until("the picture is back", async () => !(await shown(page, ".still")));
    await isLive(page);
    await moves(page, 2);
  });

  inEngine("where sound is refused it plays without, and a click brings it", async (t) => {
    const strict = await engine.launch({ autoplay: false });
    t.after(() => strict.close());
    const from = files.requests.length;
    const page = await open(t, `${files.url}/loud.html`, strict);
    await until("it plays", () => files.requests.slice(from).some((it) => it.path === "/untouched"));
    await plays(page);
    assert.equal(await look(page, ({ video }) => video.muted), true);
    assert.ok(await shown(page, ".unmute"));
    await page.click(".unmute");
    await until("there is sound", () => look(page, ({ video }) => !video.muted && !video.paused));
    await moves(page, 1);
    assert.ok(!(await shown(page, ".unmute")));
  });

  inEngine("where sound is refused a live camera is held near its target without", async (t) => {
    const strict = await engine.launch({ autoplay: false });
    t.after(() => strict.close());
    const page = await open(t, `${server.url}/demo/`, strict);
    await plays(page);
    await moves(page, 4);
    await isLive(page);
  });

  inEngine("a dead address gives a message with what to do", async (t) => {
    const page = await open(t, `${files.url}/dead.html`);
    await until("the message is there", () => shown(page, ".message"));
    assert.match(await look(page, ({ root }) => root.querySelector(".message").innerText), /Error 1002 · .*nowhere/);
  });

  inEngine("a film plays through a ManagedMediaSource, where the engine has one", async (t) => {
    const page = await open(t, `${files.url}/managed.html`);
    await plays(page);
    const via = await look(page, ({ stats }) => stats.via);
    if (via === "MediaSource") return t.skip(`${engine.name} has none`);
    assert.equal(via, "ManagedMediaSource");
    await moves(page, 0.5);
    await look(page, ({ video }) => void (video.currentTime = 50));
    await until("it ends", () => look(page, ({ video, stats }) => video.ended && stats.state === "ended"));
    assert.equal(await look(page, ({ stats }) => stats.errors), 0);
  });

  for (const [kind, src] of Object.entries(FILMS)) {
    inEngine(`a film as ${kind} plays, changes its quality, is sought in, and ends`, async (t) => {
      const page = await open(t, `${files.url}${src}.html`);
      await plays(page);
      await moves(page, 0.5);
      for (const lines of [180, 360]) {
        await choose(page, lines);
        await moves(page, 0.3);
      }
      for (const at of [40, 5, 57]) {
        await look(page, ({ video }, at) => void (video.currentTime = at), at);
        await until(`it plays at ${at} s`, () => look(page, ({ video, stats }, at) => video.currentTime > at + 0.3 && stats.state !== "stalled", at));
      }
      await until("it ends", () => look(page, ({ video, stats }) => video.ended && stats.state === "ended"));
      assert.deepEqual(await look(page, ({ stats }) => [stats.errors, stats.trouble]), [0, ""]);
    });
  }
}

/** Runs `act({ host, root, video, stats }, argument)` in the page, for its first player. */
const look = (page, act, argument) =>
  page.evaluate(
    ([act, argument]) => {
      const host = document.querySelector("nearlive-player");
      const of = { host, root: host.shadowRoot, video: host.video, stats: host.player?.stats() ?? {} };
      return new Function(`return (${act})`)()(of, argument);
    },
    [String(act), argument],
  );
const shown = (page, part) =>
  look(page, ({ root }, part) => root.querySelector(part).checkVisibility(), part);
const plays = (page) =>
  until("it plays", () => look(page, ({ video, stats }) => stats.state === "playing" && !video.paused && video.currentTime > 0));
/** Waits until the picture has gone on by so many seconds of its own clock. */
async function moves(page, seconds) {
  const from = await look(page, ({ video }) => video.currentTime);
  await until(`the picture moves for ${seconds} s`, () => look(page, ({ video }, to) => video.currentTime > to && !video.paused, from + seconds));
}
/** How far behind it is varies with the machine, and its target with it: it has to come near it. */
const isLive = (page) =>
  until("it is near its target", () => look(page, ({ stats }) => stats.state === "playing" && stats.latency < stats.targetLatency + 0.3));
async function choose(page, lines) {
  await look(page, ({ host }, lines) => host.player.setQuality(host.player.qualities().find((it) => it.height === lines).id), lines);
  await until(`${lines} lines are on the screen`, () => look(page, ({ video }, lines) => video.videoHeight === lines, lines));
}
