// Pages that were written for dash.js and hls.js, first with the original, then with Nearlive's script in its place: the same
// events, causes before effects, and results of the same types.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage, serveFiles, startServer, until } from "./harness.mjs";
import { film, hlsFilm } from "./media.mjs";
import { declared, mistakes } from "./types.mjs";

const SCRIPTS = {
  dashjs: { original: "/players/dashjs/dist/modern/umd/dash.all.min.js", ours: "/p/nearlive-dashjs.js" },
  hlsjs: { original: "/players/hls.js/dist/hls.min.js", ours: "/p/nearlive-hlsjs.js" },
};

/** A tutorial's page for dash.js, which writes down the events that it gets. */
const dashPage = (script, { url = "/dash/index.mpd", more = "" } = {}) => `<!doctype html><meta charset="utf-8">
<script src="${script}"></script>
<video id="videoPlayer" controls muted></video>
<script>
  window.told = [];
  const E = dashjs.MediaPlayer.events;
  const player = window.player = dashjs.MediaPlayer().create();
  for (const name of ["ERROR", "MANIFEST_LOADED", "STREAM_INITIALIZED", "PLAYBACK_METADATA_LOADED", "BUFFER_LOADED", "CAN_PLAY", "PLAYBACK_STARTED",
      "PLAYBACK_PLAYING", "PLAYBACK_PAUSED", "PLAYBACK_ENDED", "PLAYBACK_SEEKED", "QUALITY_CHANGE_RENDERED"]) {
    player.on(E[name], (event) => told.push({ name, type: event.type, data: event }));
  }
  ${more}
  player.initialize(document.querySelector("#videoPlayer"), "${url}", true);
</script>`;

/** Likewise for hls.js. */
const hlsPage = (script, { url = "/hls/index.m3u8", config = "{}", more = "" } = {}) => `<!doctype html><meta charset="utf-8">
<script src="${script}"></script>
<video id="video" controls muted></video>
<script>
  window.told = [];
  const video = document.getElementById("video");
  if (Hls.isSupported()) {
    const hls = window.player = new Hls(${config});
    for (const name of ["MEDIA_ATTACHED", "MANIFEST_LOADING", "MANIFEST_PARSED", "LEVEL_LOADED", "FRAG_LOADED", "FRAG_BUFFERED", "FRAG_CHANGED",
        "LEVEL_SWITCHED", "ERROR", "DESTROYING"]) {
      hls.on(Hls.Events[name], (type, data) => told.push({ name, type, data }));
    }
    hls.loadSource("${url}");
    hls.attachMedia(video);
    hls.on(Hls.Events.MANIFEST_PARSED, () => video.play());
    ${more}
  }
</script>`;

/** Counts the segments that are asked for. */
const COUNT = `window.asked = 0; hls.on(Hls.Events.FRAG_LOADING, () => asked++);`;

let browser, files, camera;
before(async () => {
  browser = await launch();
  const page = (text) => ({ text });
  const pages = Object.entries(SCRIPTS).flatMap(([name, scripts]) =>
    Object.entries(scripts).map(([whose, script]) => [`/${name}-${whose}.html`, page(name === "dashjs" ? dashPage(script) : hlsPage(script))]),
  );
  const both = (name, what, make) => Object.entries(SCRIPTS[name]).map(([whose, script]) => [`/${name}-${what}-${whose}.html`, page(make(script))]);
  files = await serveFiles({
    "/p/": "dist",
    "/players/": "benches/players/node_modules",
    "/dash/": film(12),
    "/hls/": hlsFilm("mpegts"),
    "/favicon.ico": page(""),
    "/blank.html": page("<!doctype html>"),
    ...Object.fromEntries(pages),
    ...Object.fromEntries(both("dashjs", "dead", (script) => dashPage(script, { url: "/nowhere/index.mpd" }))),
    ...Object.fromEntries(both("hlsjs", "dead", (script) => hlsPage(script, { url: "/nowhere/index.m3u8" }))),
    ...Object.fromEntries(both("hlsjs", "stopped", (script) => hlsPage(script, { config: "{ maxBufferLength: 4, maxMaxBufferLength: 4 }", more: COUNT }))),
    ...Object.fromEntries(both("hlsjs", "later", (script) => hlsPage(script, { config: "{ autoStartLoad: false }", more: COUNT }))),
    ...Object.fromEntries(both("hlsjs", "off", (script) => hlsPage(script, { more: `hls.off(Hls.Events.NOBODY_KNOWS_IT, () => {});` }))),
    "/nulls.html": page(
      dashPage(SCRIPTS.dashjs.ours, { more: `player.updateSettings({ streaming: { liveCatchup: null, abr: null, delay: null, buffer: null } });` }),
    ),
    "/declared.html": page(`<!doctype html><script src="${SCRIPTS.dashjs.ours}"></script><video data-dashjs-player autoplay muted src="/dash/index.mpd"></video>`),
    "/intercepted.html": page(
      dashPage(SCRIPTS.dashjs.ours, { more: `player.addRequestInterceptor(async (request) => ({ ...request, url: request.url + "?token=7" }));` }),
    ),
    "/signed.html": page(hlsPage(SCRIPTS.hlsjs.ours, { config: `{ xhrSetup: async (xhr, url) => { await 0; xhr.setRequestHeader("x-token", "7"); } }` })),
    "/manual.html": page(
      hlsPage(SCRIPTS.hlsjs.ours, { config: `{ autoStartLoad: false }`, more: `hls.on(Hls.Events.MANIFEST_PARSED, () => hls.startLoad(20));` }),
    ),
    "/requested.html": page(
      hlsPage(SCRIPTS.hlsjs.ours, {
        config: `{ fetchSetup: async (context, init) => { init.headers.set("x-token", "7"); return new Request(context.url, init); } }`,
      }),
    ),
    "/capped.html": page(hlsPage(SCRIPTS.hlsjs.ours, { config: `{ startLevel: 0 }` })),
  });
  camera = await startServer(["demo", "--origin", "*"]);
  await until("the camera can be played", async () => {
    const [it] = await (await fetch(`${camera.url}/api/cameras`)).json();
    return it.playable && it.state === "live";
  });
});
after(async () => {
  await browser?.close();
  await camera?.stop();
  await files?.close();
});

async function open(t, path) {
  const page = await openPage(browser, files.url + path);
  t.after(() => page.context().close());
  return page;
}
const names = (page) => page.evaluate(() => [...new Set(told.map((it) => it.name))]);
const has = (page, name) => until(`${name} comes`, async () => (await names(page)).includes(name));
/** What each of these calls gives, by its type; of lists and objects, the types of what the first one holds. */
const typesOf = (page, calls) =>
  page.evaluate((calls) => {
    const kind = (it) => (it === null ? "null" : Array.isArray(it) ? `[${it.length ? kind(it[0]) : ""}]` : it instanceof Date ? "Date" : typeof it);
    return Object.fromEntries(calls.map((call) => [call, kind(new Function(`return player.${call}`)())]));
  }, calls);

/**
 * These events come first in this order: each is a cause of the next, in the original too. What has no cause in common, such
 * as "metadata is there" (the browser's) and "the buffer is full enough" (the player's), comes as the machine has it.
 */
function inOrder(all, ...chain) {
  assert.deepEqual(all.filter((it) => chain.includes(it)), chain, all.join());
}

/** Runs `act` with the original's page and with ours; what it gives has to be the same. */
function like(what, name, path, act) {
  test(`${name}: ${what}`, async (t) => {
    const seen = {};
    for (const whose of ["original", "ours"]) seen[whose] = await act(await open(t, `/${path}-${whose}.html`));
    assert.deepEqual(seen.ours, seen.original);
  });
}

like("a film is played to its end with the same events", "dash.js", "dashjs", async (page) => {
  await has(page, "PLAYBACK_ENDED");
  const all = await names(page);
  inOrder(all, "MANIFEST_LOADED", "PLAYBACK_METADATA_LOADED", "CAN_PLAY", "PLAYBACK_PLAYING", "PLAYBACK_ENDED");
  inOrder(all, "MANIFEST_LOADED", "STREAM_INITIALIZED", "PLAYBACK_ENDED");
  inOrder(all, "MANIFEST_LOADED", "BUFFER_LOADED", "PLAYBACK_ENDED");
  inOrder(all, "MANIFEST_LOADED", "QUALITY_CHANGE_RENDERED", "PLAYBACK_ENDED");
  inOrder(all, "PLAYBACK_STARTED", "PLAYBACK_PLAYING");
  const seen = all.filter((it) => it !== "PLAYBACK_SEEKED" && it !== "ERROR"); // gaps and stalls of a busy machine
  return [seen.sort(), await page.evaluate((seen) => [...new Set(told.filter((it) => seen.includes(it.name)).map((it) => it.type))].sort(), seen)];
});

like("calls give results of the same types", "dash.js", "dashjs", async (page) => {
  await has(page, "QUALITY_CHANGE_RENDERED");
  const calls = ["time()", "duration()", "isDynamic()", "isPaused()", "isReady()", "getBufferLength('video')", "getRepresentationsByType('video')"];
  calls.push("getCurrentRepresentationForType('video').id", "getRepresentationsByType('video')[0].bandwidth", "getRepresentationsByType('video')[0].height");
  calls.push("getSettings().streaming.buffer.bufferToKeep", "getVolume()", "isMuted()", "getDvrWindow().size", "getSource()", "getAverageThroughput('video')");
  calls.push("pause()", "play()", "seek(3)", "setMute(true)", "getRepresentationsByType('video').map((it) => it.height)");
  const types = await typesOf(page, calls);
  return { types, heights: await page.evaluate(() => player.getRepresentationsByType("video").map((it) => it.height)) };
});

like("a manifest that is not there is an error with the same number", "dash.js", "dashjs-dead", async (page) => {
  await has(page, "ERROR");
  return page.evaluate(() => told.filter((it) => it.name === "ERROR").map(({ type, data }) => [type, data.error.code, typeof data.error.message])[0]);
});

test("dash.js: a quality that the page chooses is shown, and left to the player again", async (t) => {
  const page = await open(t, "/dashjs-ours.html");
  await has(page, "QUALITY_CHANGE_RENDERED");
  await page.evaluate(() => player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: false } } } }));
  for (const lines of [180, 360]) {
    await page.evaluate((lines) => player.setRepresentationForTypeById("video", player.getRepresentationsByType("video").find((it) => it.height === lines).id), lines);
    await until(`${lines} lines are shown`, () => page.evaluate((lines) => document.querySelector("video").videoHeight === lines, lines));
  }
  assert.deepEqual(page.problems, []);
});

test("dash.js: an interceptor changes each request", async (t) => {
  const from = files.requests.length;
  const page = await open(t, "/intercepted.html");
  await has(page, "PLAYBACK_PLAYING");
  const media = files.requests.slice(from).filter((it) => it.path.startsWith("/dash/"));
  assert.ok(media.length > 3 && media.every((it) => it.path.endsWith("?token=7")), JSON.stringify(media));
});

test("dash.js: a video that is declared plays, and what is not there warns once and harms nothing", async (t) => {
  const page = await open(t, "/declared.html");
  await until("it plays", () => page.evaluate(() => document.querySelector("video").currentTime > 0.2));
  const warnings = [];
  page.on("console", (message) => message.type() === "warning" && message.text().includes("in this facade") && warnings.push(message.text()));
  await page.evaluate(() => {
    const player = dashjs.MediaPlayer().create();
    player.setInitialMediaSettingsFor("audio", { lang: "de" });
    player.setInitialMediaSettingsFor("audio", { lang: "fr" });
  });
  await until("it is said", () => warnings.length > 0);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /MediaPlayer\.setInitialMediaSettingsFor\(\)/);
});

test("dash.js: a live camera says how far behind it is, and goes to its edge", async (t) => {
  const page = await open(t, "/blank.html");
  await page.setContent(dashPage(files.url + SCRIPTS.dashjs.ours, { url: `${camera.url}/demo/index.mpd`, more: "player.updateSettings({ streaming: { delay: { liveDelay: 1 } } });" }));
  await has(page, "PLAYBACK_PLAYING");
  await until("it holds its target", () => page.evaluate(() => Math.abs(player.getCurrentLiveLatency() - 1) < 0.5 && player.getTargetLiveDelay() >= 1));
  assert.deepEqual(await typesOf(page, ["isDynamic()", "timeAsUTC()", "duration()", "getDvrWindow().startAsUtc"]), {
    "isDynamic()": "boolean",
    "timeAsUTC()": "number",
    "duration()": "number",
    "getDvrWindow().startAsUtc": "number",
  });
  assert.ok(await page.evaluate(() => player.isDynamic() && Math.abs(player.timeAsUTC() - Date.now() / 1000) < 30));
  await page.evaluate(() => player.seek(0));
  await until("it is far behind", () => page.evaluate(() => player.getCurrentLiveLatency() > 3));
  await page.evaluate(() => player.seekToOriginalLive());
  await until("it is near again", () => page.evaluate(() => player.getCurrentLiveLatency() < 2));
});

/** Opens a page like this one, whose media is the live camera's. `page.lists`: the text of each manifest and playlist that it got. */
async function live(t, text) {
  const page = await open(t, "/blank.html");
  page.lists = [];
  page.on("response", async (answer) => {
    if (/\.(mpd|m3u8)$/.test(answer.url())) page.lists.push(await answer.text().catch(() => ""));
  });
  await page.setContent(text);
  return page;
}

/** The longest time that each list of a page names in this form, s. */
const named = (page, form) =>
  until("its lists were seen", () => {
    const all = page.lists.map((list) => Math.max(...[...list.matchAll(form)].map(([, s]) => s))).filter(Number.isFinite);
    return all.length && all;
  });

// How long a segment is, each player takes from elsewhere. Of the camera it is one second, or more on a busy machine.
for (const whose of ["original", "ours"]) {
  test(`dash.js: a live delay is counted in segments (${whose})`, async (t) => {
    const more = "player.updateSettings({ streaming: { delay: { liveDelayFragmentCount: 4 } } });";
    const page = await live(t, dashPage(files.url + SCRIPTS.dashjs[whose], { url: `${camera.url}/demo/index.mpd`, more }));
    await has(page, "PLAYBACK_PLAYING");
    const delay = await page.evaluate(() => player.getTargetLiveDelay());
    const most = 4 * Math.max(...(await named(page, /maxSegmentDuration="PT([\d.]+)S"/g)));
    assert.ok(delay > 3 && delay < most + 0.01, `${delay} of ${most}`); // else it would be 1 at most
  });

  test(`hls.js: the distance to the edge is counted in segments (${whose})`, async (t) => {
    // Ours takes the longest segment that is listed.
    const form = whose === "ours" ? /#EXTINF:([\d.]+)/g : /#EXT-X-TARGETDURATION:(\d+)/g;
    const targets = [];
    const lengths = [];
    for (const count of [5, 10]) {
      const config = `{ liveSyncDurationCount: ${count}, liveMaxLatencyDurationCount: ${count + 3} }`;
      const page = await live(t, hlsPage(files.url + SCRIPTS.hlsjs[whose], { url: `${camera.url}/demo/index.m3u8`, config }));
      await until("it plays", () => page.evaluate(() => video.currentTime > 0 && !video.paused && video.readyState > 2));
      targets.push(await page.evaluate(() => player.targetLatency));
      lengths.push(await named(page, form));
      // The original does not catch up by default; and of a camera that has just begun there are no ten segments.
      if (whose === "ours" && count === 5) await until("it is there", () => page.evaluate(() => Math.abs(player.latency - player.targetLatency) < 3));
    }
    // The renditions' lists differ, and the second page's from the first one's, on a busy machine.
    const five = targets[0] / Math.max(...lengths[0]);
    const ten = targets[1] / Math.min(...lengths[1]);
    assert.ok(targets[0] >= 4.5 && ten / five > 1.3, JSON.stringify({ targets, lengths })); // else they would be the same
  });
}

test("dash.js: a page says whether and how fast playback catches up", async (t) => {
  const set = (streaming) => page.evaluate((streaming) => player.updateSettings({ streaming }), streaming);
  // The farthest that it may be from its target without a seek.
  const more = `player.updateSettings({ streaming: { delay: { liveDelay: 6 }, liveCatchup: { maxDrift: 30 } } });`;
  const page = await live(t, dashPage(files.url + SCRIPTS.dashjs.ours, { url: `${camera.url}/demo/index.mpd`, more }));
  await has(page, "PLAYBACK_PLAYING");
  // The age of the camera and the load of this machine decide where it starts; from there it steers.
  await until("it is well behind", () => page.evaluate(() => player.getCurrentLiveLatency() > 4));
  await set({ liveCatchup: { enabled: false } });
  await until("it plays at rate 1", () => page.evaluate(() => player.getPlaybackRate() === 1));
  await page.evaluate(() => {
    window.rates = [];
    player.on(dashjs.MediaPlayer.events.PLAYBACK_RATE_CHANGED, ({ playbackRate }) => playbackRate === 1 || rates.push(playbackRate));
    window.from = player.time();
  });
  await set({ delay: { liveDelay: 1 } });
  await until("it has played on", () => page.evaluate(() => player.time() > from + 4));
  assert.deepEqual(await page.evaluate(() => rates), [], "its rate is 1");
  await set({ liveCatchup: { enabled: true, playbackRate: { max: 0.05 } } });
  await until("it catches up", () => page.evaluate(() => rates.length > 0));
  assert.equal(await page.evaluate(() => rates[0]), 1.05);
  await set({ liveCatchup: { playbackRate: { max: 0.5 } } });
  await until("it may be faster", () => page.evaluate(() => rates.some((it) => it > 1.05)));
});

test("dash.js: the types are what it gives", async (t) => {
  const page = await open(t, "/dashjs-ours.html");
  await has(page, "QUALITY_CHANGE_RENDERED");
  await until("a quality is known", () => page.evaluate(() => player.getCurrentRepresentationForType("video") !== null));
  const types = declared("nearlive-dashjs");
  const plain = "isReady isPaused isSeeking isDynamic time timeInDvrWindow timeAsUTC duration getDvrWindow getAutoPlay isMuted getVolume getPlaybackRate";
  const calls = Object.fromEntries(`${plain} getVideoElement getSource getVersion getCurrentLiveLatency getTargetLiveDelay`.split(" ").map((name) => [name, []]));
  const ofVideo = "getBufferLength getAverageThroughput getRepresentationsByType getCurrentRepresentationForType getBitrateInfoListFor getQualityFor getTracksFor";
  for (const name of ofVideo.split(" ")) calls[name] = ["video"];
  assert.deepEqual(await page.evaluate(mistakes, { types, name: "MediaPlayerClass", of: "player", calls }), []);
});

test("hls.js: the types are what it gives", async (t) => {
  const page = await open(t, "/hlsjs-ours.html");
  await has(page, "LEVEL_SWITCHED");
  const types = declared("nearlive-hlsjs");
  assert.deepEqual(await page.evaluate(mistakes, { types, name: "Hls", of: "player" }), []);
  const statics = types.Hls.filter((it) => it.isStatic).map((it) => it.name);
  assert.deepEqual(await page.evaluate(() => Object.keys(Hls).sort()), statics.sort());
});

like("stopLoad() ends fetching, what is buffered plays on, startLoad() goes on", "hls.js", "hlsjs-stopped", async (page) => {
  await has(page, "FRAG_BUFFERED");
  await until("it plays", () => page.evaluate(() => video.currentTime > 0.5));
  const before = await page.evaluate(() => {
    player.stopLoad();
    return { asked, end: video.buffered.end(0) };
  });
  await until("it stands at the end", () => page.evaluate(() => video.readyState < 3 && video.currentTime > video.buffered.end(0) - 1));
  const after = await page.evaluate(() => ({ asked, end: video.buffered.end(0) }));
  await page.evaluate(() => player.startLoad());
  await until("it plays on", () => page.evaluate((end) => video.currentTime > end + 1, after.end));
  // What had come may still have been on its way into the buffer.
  return [after.asked - before.asked, after.end - before.end < 5];
});

like("without autoStartLoad no media is played or fetched ahead before startLoad()", "hls.js", "hlsjs-later", async (page) => {
  await has(page, "MANIFEST_PARSED");
  const before = await page.evaluate(async () => {
    for (let i = 0; i < 30; i++) await (await fetch("/blank.html")).text(); // as many segments could have been requested
    return asked;
  });
  await page.evaluate(() => player.startLoad());
  await until("it plays", () => page.evaluate(() => video.currentTime > 0.5));
  // Nearlive reads the beginning of a transport stream to tell the codecs.
  return [before <= 1, await page.evaluate(() => asked > 1)];
});

like("a film plays with the same events", "hls.js", "hlsjs", async (page) => {
  for (const name of ["MEDIA_ATTACHED", "LEVEL_SWITCHED", "FRAG_BUFFERED"]) await has(page, name);
  const all = await names(page);
  inOrder(all, "MANIFEST_LOADING", "MANIFEST_PARSED", "LEVEL_LOADED", "FRAG_LOADED", "FRAG_CHANGED", "LEVEL_SWITCHED");
  inOrder(all, "FRAG_LOADED", "FRAG_BUFFERED");
  return all.filter((it) => it !== "ERROR").sort(); // hls.js stalls on a busy machine, and says so
});

like("properties and calls give the same types", "hls.js", "hlsjs", async (page) => {
  await has(page, "LEVEL_SWITCHED");
  const calls = ["levels", "levels[0].height", "levels[0].bitrate", "levels[0].name", "currentLevel", "nextLevel", "loadLevel", "autoLevelEnabled", "autoLevelCapping"];
  calls.push("startLevel", "audioTracks", "subtitleTracks", "bandwidthEstimate", "latency", "media", "url", "config.maxBufferLength", "capLevelToPlayerSize");
  calls.push("lowLatencyMode", "startLoad()", "recoverMediaError()", "swapAudioCodec()");
  return { types: await typesOf(page, calls), heights: await page.evaluate(() => player.levels.map((it) => it.height)) };
});

like("names of events, types and details of errors", "hls.js", "hlsjs", (page) =>
  page.evaluate(() => {
    const some = (all, names) => names.split(" ").map((name) => [name, all[name]]);
    return [
      some(Hls.Events, "MANIFEST_PARSED ERROR MEDIA_ATTACHED LEVEL_SWITCHED FRAG_LOADED FPS_DROP AUDIO_TRACKS_UPDATED BUFFER_EOS CUES_PARSED DESTROYING"),
      some(Hls.ErrorTypes, "NETWORK_ERROR MEDIA_ERROR KEY_SYSTEM_ERROR MUX_ERROR OTHER_ERROR"),
      some(Hls.ErrorDetails, "MANIFEST_LOAD_ERROR MANIFEST_LOAD_TIMEOUT MANIFEST_PARSING_ERROR FRAG_LOAD_ERROR LEVEL_LOAD_ERROR BUFFER_STALLED_ERROR BUFFER_APPEND_ERROR"),
    ];
  }),
);

like("a listener of an event that is not there is taken away without the others", "hls.js", "hlsjs-off", async (page) => {
  await has(page, "LEVEL_SWITCHED");
  return true;
});

test("dash.js: settings that are null are as if they were not set", async (t) => {
  const page = await open(t, "/nulls.html");
  await has(page, "PLAYBACK_PLAYING");
  assert.deepEqual(page.problems, []);
});

like("a playlist that is not there is a fatal network error", "hls.js", "hlsjs-dead", async (page) => {
  await until("a fatal error comes", () => page.evaluate(() => told.some((it) => it.name === "ERROR" && it.data.fatal)));
  return page.evaluate(() => told.filter((it) => it.data.fatal).map(({ data }) => [data.type, data.details, data.response.code])[0]);
});

test("hls.js: a level that the page chooses is shown, and auto follows its cap", async (t) => {
  const page = await open(t, "/capped.html");
  await has(page, "LEVEL_SWITCHED");
  assert.equal(await page.evaluate(() => told.find((it) => it.name === "LEVEL_SWITCHED").data.level), 0, "startLevel");
  for (const level of [1, 0]) {
    await page.evaluate((level) => (player.currentLevel = level), level);
    await until(`level ${level} is shown`, () => page.evaluate((level) => player.currentLevel === level, level));
  }
  await page.evaluate(() => (player.currentLevel = 1));
  await until("level 1 is shown", () => page.evaluate(() => player.currentLevel === 1));
  await page.evaluate(() => {
    player.autoLevelCapping = 0;
    player.currentLevel = -1;
  });
  assert.deepEqual(await page.evaluate(() => [player.autoLevelEnabled, player.autoLevelCapping]), [true, 0]);
  await until("the cap holds", () => page.evaluate(() => player.currentLevel === 0));
  assert.deepEqual(page.problems, []);
});

test("hls.js: xhrSetup sees each request, and its headers are sent", async (t) => {
  const seen = [];
  const page = await openPage(browser, "about:blank");
  t.after(() => page.context().close());
  page.on("request", (request) => request.url().includes("/hls/") && seen.push(request.headers()["x-token"]));
  await page.goto(`${files.url}/signed.html`);
  await has(page, "FRAG_BUFFERED");
  assert.ok(seen.length > 2 && seen.every((it) => it === "7"), JSON.stringify(seen));
});

test("hls.js: loading that is started by the page, in strict code that sets what cannot be set", async (t) => {
  const page = await open(t, "/manual.html");
  await has(page, "LEVEL_SWITCHED");
  await until("it plays from there", () => page.evaluate(() => document.querySelector("video").currentTime > 20));
  await page.evaluate(() => {
    "use strict";
    player.lowLatencyMode = false;
    player.stopLoad();
    player.startLoad();
  });
  assert.equal(await page.evaluate(() => told.filter((it) => it.name === "MANIFEST_PARSED").length), 1, "it goes on");
  assert.deepEqual(page.problems, []);
});

test("hls.js: fetchSetup gives a Request with the page's headers", async (t) => {
  const seen = [];
  const page = await openPage(browser, "about:blank");
  t.after(() => page.context().close());
  page.on("request", (request) => request.url().includes("/hls/") && seen.push(request.headers()["x-token"]));
  await page.goto(`${files.url}/requested.html`);
  await has(page, "FRAG_BUFFERED");
  assert.ok(seen.length > 2 && seen.every((it) => it === "7"), JSON.stringify(seen));
});

test("hls.js: a player that is destroyed says so and lets the video go", async (t) => {
  const page = await open(t, "/hlsjs-ours.html");
  await has(page, "FRAG_BUFFERED");
  await page.evaluate(() => player.destroy());
  assert.ok((await names(page)).includes("DESTROYING"));
  assert.equal(await page.evaluate(() => document.querySelector("video").currentSrc && document.querySelector("video").readyState), 0);
});
