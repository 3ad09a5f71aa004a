// The JavaScript face in real Chromium, on a film from a static server.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage, serveFiles, until } from "./harness.mjs";
import { film } from "./media.mjs";

let browser, files;
before(async () => {
  browser = await launch();
  const page = (body) => ({ text: `<!doctype html><script src="/p/nearlive.js"></script>${body}` });
  files = await serveFiles({
    "/p/": "dist",
    "/film/": film(),
    "/favicon.ico": { text: "" },
    "/api.html": page(`<video muted width="640"></video>`),
    "/plays.html": page(`<nearlive-player src="/film/index.mpd" autoplay muted controls style="width:640px"></nearlive-player>`),
  });
});
after(async () => {
  await browser?.close();
  await files?.close();
});

test("the JavaScript face: load, events, figures, destroy", async (t) => {
  const page = await openPage(browser, `${files.url}/api.html`);
  t.after(() => page.context().close());
  const seen = await page.evaluate(async () => {
    const events = [];
    const player = await nearlive.create(document.querySelector("video"), { bufferAhead: 10 });
    player.on("state", ({ state }) => events.push(state));
    player.on("loaded", ({ qualities }) => {
      player.setQuality(qualities.at(-1).id); // a listener may call the player
      events.push("loaded");
    });
    const never = () => events.push("never");
    player.on("quality", never);
    player.off("quality", never);
    globalThis.switched = new Promise((resolve) => player.on("quality", resolve));
    globalThis.player = player;
    await player.load("/film/index.mpd");
    return { events, all: player.qualities().map((it) => it.height), early: player.stats() };
  });
  assert.deepEqual(seen.all, [360, 180]);
  assert.ok(seen.events.includes("loaded") && !seen.events.includes("never"), seen.events.join());
  assert.equal(seen.early.protocol, "dash");
  const first = await page.evaluate(() => switched);
  assert.equal(first.height, 180);
  assert.ok(first.reason.length > 5, first.reason);
  const stats = await until("it plays, with something in hand", () =>
    page.evaluate(() => {
      const stats = player.stats();
      return stats.startupMs > 0 && stats.state === "playing" && stats.bufferAhead > 0 && stats;
    }),
  );
  assert.ok(stats.bytes > 10_000 && stats.requests > 3, JSON.stringify(stats));
  assert.equal(stats.live, false);
  await page.evaluate(() => {
    player.destroy();
    player.destroy();
    player.goLive();
  });
  assert.equal(await page.evaluate(() => player.stats().state), "idle");
  assert.equal(await page.evaluate(() => document.querySelector("video").getAttribute("src")), null);
  assert.deepEqual(page.problems, []);
});

test("the JavaScript face: what it rejects, it rejects with a number and a sentence", async (t) => {
  const page = await openPage(browser, `${files.url}/api.html`);
  t.after(() => page.context().close());
  const facts = (error) => ({ name: error.name, code: error.code, category: error.category, fatal: error.fatal, text: error.message });
  const errors = await page.evaluate(`(async () => {
    const facts = ${facts};
    const video = document.querySelector("video");
    const player = await nearlive.create(video);
    const interrupted = player.load("/film/index.mpd").catch(facts);
    return {
      notVideo: await nearlive.create(document.body).catch(facts),
      noUrl: await player.load().catch(facts),
      dead: await player.load("/nowhere/index.mpd").catch(facts),
      interrupted: await interrupted,
      destroyed: await (player.destroy(), player.load("/film/index.mpd").catch(facts)),
    };
  })()`);
  const short = Object.fromEntries(Object.entries(errors).map(([name, it]) => [name, [it.name, it.code, it.category, it.fatal]]));
  assert.deepEqual(short, {
    notVideo: ["NearliveError", 5001, "usage", false],
    noUrl: ["NearliveError", 5001, "usage", false],
    dead: ["NearliveError", 1002, "network", true],
    interrupted: ["AbortError", 5001, "usage", false],
    destroyed: ["AbortError", 5001, "usage", false],
  });
  assert.match(errors.notVideo.text, /<video>/);
});

test("the JavaScript face: an argument of a wrong type is refused, and no player of the page suffers", async (t) => {
  const page = await openPage(browser, `${files.url}/plays.html`);
  t.after(() => page.context().close());
  const plays = (beyond) =>
    until("the picture moves", () =>
      page.evaluate((beyond) => {
        const video = document.querySelector("nearlive-player").video;
        return video && !video.paused && video.currentTime > beyond;
      }, beyond),
    );
  await plays(0.5);
  const wrong = await page.evaluate(async () => {
    const video = document.createElement("video");
    const player = await nearlive.create(video);
    await player.load("/film/index.mpd");
    const facts = ({ name, code, fatal }) => `${name} ${code} ${fatal}`;
    const tried = (act) => {
      try {
        return Promise.resolve(act()).then(() => "nothing", facts);
      } catch (error) {
        return facts(error);
      }
    };
    const calls = {
      load: (value) => player.load(value),
      on: (value) => player.on(value, () => {}),
      off: (value) => player.off(value, () => {}),
      onCall: (value) => player.on("state", value),
      offCall: (value) => player.off("state", value),
      setQuality: (value) => player.setQuality(value),
      goLive: (value) => player.goLive(value),
      qualities: (value) => player.qualities(value),
      stats: (value) => player.stats(value),
      create: (value) => nearlive.create(value),
      options: (value) => nearlive.create(document.createElement("video"), value),
    };
    const found = {};
    for (const [name, call] of Object.entries(calls)) {
      const ends = new Set();
      for (const value of [1, {}, null, undefined, NaN, 1n, [], Symbol("s")]) ends.add(await tried(() => call(value)));
      found[name] = [...ends].join();
    }
    found.state = player.stats().state;
    player.destroy();
    found.destroyed = await tried(() => player.setQuality(1));
    return found;
  });
  const refused = "NearliveError 5001 false";
  assert.deepEqual(wrong, {
    load: refused,
    on: refused,
    off: refused,
    onCall: refused,
    offCall: refused,
    setQuality: refused,
    goLive: "nothing",
    qualities: "nothing",
    stats: "nothing",
    create: refused,
    options: "nothing",
    state: wrong.state,
    destroyed: refused,
  });
  assert.notEqual(wrong.state, "failed");
  const at = await page.evaluate(() => document.querySelector("nearlive-player").video.currentTime);
  await plays(at + 0.3);
  assert.equal(await page.evaluate(() => !!document.querySelector("nearlive-player").shadowRoot.querySelector(".message")?.checkVisibility()), false);
  assert.deepEqual(page.problems, []);
});

test("the JavaScript face: an option that makes no sense is named with what it has to be, and the others hold", async (t) => {
  const page = await openPage(browser, `${files.url}/api.html`);
  t.after(() => page.context().close());
  const warnings = [];
  page.on("console", (message) => message.type() === "warning" && warnings.push(message.text()));
  const target = await page.evaluate(async () => {
    const wrong = { latency: "soon", maxDrift: 0, bufferAhead: null, autoplay: 1, credentials: "all", lowLatency: true };
    const player = await nearlive.create(document.querySelector("video"), { ...wrong, bufferBehind: 7, requestTimeout: undefined });
    player.destroy();
    return nearlive.create(document.querySelector("video"), "fast").then((player) => player.stats().state);
  });
  assert.equal(target, "idle");
  const length = "a number above 0, at most 86400";
  const ignoring = (name, must, given) => `nearlive: ignoring the option ${name}, which ${must}; given: ${given}`;
  const names = "latency, latencySegments, maxDrift, maxDriftSegments, minRate, maxRate, bufferAhead, bufferBehind, requestTimeout, autoplay, fetching, credentials, maxHeight, maxBandwidth, startBandwidth, capToElement, managed";
  await until("all are named", () => warnings.length >= 7);
  assert.deepEqual(warnings.sort(), [
    ignoring("autoplay", "has to be a boolean", "1"),
    ignoring("bufferAhead", `has to be ${length}`, "null"),
    ignoring("credentials", 'has to be one of "omit", "same-origin", "include"', "all"),
    ignoring("latency", `has to be ${length}, or "auto"`, "soon"),
    ignoring("lowLatency", `is none of ${names}`, "true"),
    ignoring("maxDrift", `has to be ${length}`, "0"),
    "nearlive: the options must be an object, not fast",
  ]);
});

test("the JavaScript face: a quality that is not there is named in the console and left to the player", async (t) => {
  const page = await openPage(browser, `${files.url}/api.html`);
  t.after(() => page.context().close());
  const warned = page.waitForEvent("console", (message) => message.text().includes("no such quality"));
  const reasons = await page.evaluate(async () => {
    const player = await nearlive.create(document.querySelector("video"));
    await player.load("/film/index.mpd");
    const reason = (id) => (player.setQuality(id), player.stats().qualityReason);
    return [reason(player.qualities()[0].id), reason("nope")];
  });
  assert.equal((await warned).type(), "warning");
  assert.equal(reasons[0], "chosen by the viewer");
  assert.notEqual(reasons[1], reasons[0]);
});

test("the JavaScript face: a second player on a video takes the place of the first", async (t) => {
  const page = await openPage(browser, `${files.url}/api.html`);
  t.after(() => page.context().close());
  const first = await page.evaluate(async () => {
    const video = document.querySelector("video");
    const first = await nearlive.create(video);
    await first.load("/film/index.mpd");
    globalThis.player = await nearlive.create(video);
    await player.load("/film/index.mpd");
    return first.load("/film/index.mpd").catch((error) => error.name);
  });
  assert.equal(first, "AbortError");
  await until("it plays", () => page.evaluate(() => player.stats().state === "playing"));
  assert.deepEqual(page.problems, []);
});

test("a listener that throws harms nobody", async (t) => {
  const page = await openPage(browser, `${files.url}/api.html`);
  t.after(() => page.context().close());
  await page.evaluate(async () => {
    globalThis.player = await nearlive.create(document.querySelector("video"));
    player.on("loaded", () => {
      throw new Error("of the page");
    });
    player.on("state", () => player.stats());
    await player.load("/film/index.mpd");
  });
  await until("it plays", () => page.evaluate(() => player.stats().state === "playing"));
  await until("the console has it", () => page.problems.length > 0);
  assert.equal(page.problems.length, 1);
  assert.match(page.problems[0], /an event listener of the page failed/);
});
