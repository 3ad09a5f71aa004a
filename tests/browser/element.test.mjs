// <nearlive-player> and the JavaScript face in real Chromium, on a film from a static server.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { launch, openPage, press, serveFiles, until } from "./harness.mjs";
import { film } from "./media.mjs";

const SCRIPT = `<!doctype html><style>nearlive-player{width:640px}</style><script src="/p/nearlive.js"></script>`;
const element = (attributes, src = "/film/index.mpd") => `<nearlive-player src="${src}" ${attributes}></nearlive-player>`;

let browser, files;
let gone = false; // the film's manifest is not there
let busy; // what the film's manifest is refused with: [type, text]
let rest; // what becomes of all segments but the first
before(async () => {
  browser = await launch();
  files = await serveFiles(
    {
      "/p/": "dist",
      "/film/": film(),
      "/favicon.ico": { text: "" },
      "/api.html": { text: `${SCRIPT}<video muted width="640"></video>` },
      "/plays.html": { text: SCRIPT + element("autoplay muted controls") },
      "/loud.html": { text: SCRIPT + element("autoplay controls") },
      "/waits.html": { text: SCRIPT + element("controls") },
      "/two.html": { text: SCRIPT + element("autoplay muted") + element("autoplay muted") },
      "/odd.html": { text: SCRIPT + element(`autoplay muted latency="soon"`) },
      "/dead.html": { text: SCRIPT + element("autoplay muted controls", "/nowhere/index.mpd") },
    },
    {
      async answer({ url }, response) {
        if (/-\d+\.m4s/.test(url) && !url.includes("-00001.") && (await rest) === "refused") return !!response.writeHead(403).end();
        if (busy && url.endsWith(".mpd")) {
          const [type, text] = busy;
          return !!response.writeHead(503, { "Content-Type": type, "Content-Length": text.length }).end(text);
        }
        if (url === "/film/one.mpd") {
          const text = readFileSync(path.join(film(), "index.mpd"), "utf8");
          return !!response.setHeader("Content-Type", "application/dash+xml").end(text.replace(/<Representation id="1"[^]*?<\/Representation>/, ""));
        }
        return gone && url.endsWith(".mpd") && !!response.writeHead(404).end();
      },
    },
  );
});
after(async () => {
  await browser?.close();
  await files?.close();
});

/** Opens a page with an element; `part(name, act)` runs `act(part, element)` in it. */
async function open(t, path, { chromium = browser, init, page } = {}) {
  page ??= await openPage(chromium);
  t.after(() => page.context().close().catch(() => {})); // it may be gone with its Chromium
  if (init) await page.addInitScript(init);
  const ready = init && page.waitForEvent("console", (message) => message.text() === "untouched");
  await page.goto(files.url + path);
  await ready;
  const part = (name, act) =>
    page.evaluate(
      ([name, act]) => {
        const host = document.querySelector("nearlive-player");
        return new Function(`return (${act})`)()(host.shadowRoot.querySelector(name), host);
      },
      [name, String(act)],
    );
  const shown = (name) => part(name, (it) => !!it?.checkVisibility());
  return { page, part, shown, locate: (name) => page.locator(`nearlive-player ${name}`) };
}

// Playwright's evaluate() counts as a gesture of the user, which allows sound. So where none may have happened, the page
// itself says when it has come so far; `init` sees to that.
const untouched = (far) => `
  const looks = setInterval(() => {
    const host = document.querySelector("nearlive-player");
    if (!host?.shadowRoot || !(${far})(host.shadowRoot, host.video)) return;
    clearInterval(looks);
    console.info("untouched");
  }, 20);`;

/** Waits for the picture, and for the controls, which come after it. */
const plays = ({ part }, beyond = 0.5) =>
  until("the picture moves", () =>
    part("video", `(video, { shadowRoot }) => !video.paused && video.currentTime > ${beyond} && !!shadowRoot.querySelector(".bar")`),
  );

test("a film plays, shows its place, and ends", async (t) => {
  const it = await open(t, "/plays.html");
  await plays(it);
  await until("it shows its place", async () => /^0:\d\d \/ 1:00$/.test(await it.part(".time", (time) => time.textContent)));
  assert.equal(await it.shown(".live"), false);
  await it.part(".seek", (seek) => {
    seek.value = 59.5;
    seek.dispatchEvent(new Event("input"));
  });
  await until("it ends", () => it.part("video", (video, host) => video.ended && host.player.stats().state === "ended"));
  assert.deepEqual(it.page.problems, []);
});

test("keys: i shows the figures, k pauses, m mutes", async (t) => {
  const it = await open(t, "/plays.html");
  await plays(it);
  await it.locate(".frame").focus();
  await it.page.keyboard.press("i");
  assert.ok(await it.shown(".stats-panel"));
  const figures = await it.part(".stats-panel", (panel) => panel.textContent);
  for (const name of ["Buffer", "Picture", "640×360", "Chosen", "Link", "Stalls", "Start", "Nearlive", "DASH"])
    assert.ok(figures.includes(name), `${name} is missing in: ${figures}`);
  await it.page.keyboard.press("i");
  assert.ok(!(await it.shown(".stats-panel")));
  await it.page.keyboard.press("k");
  await until("it pauses", () => it.part("video", (video) => video.paused));
  await until("the button says so", () => it.part(".toggle", (button) => button.title.startsWith("Play")));
  await it.page.keyboard.press(" ");
  await until("it goes on", () => it.part("video", (video) => !video.paused));
  await it.page.keyboard.press("m");
  assert.equal(await it.part("video", (video) => video.muted), false);
});

const moves = ({ part }) => until("the picture moves", () => part("video", (video) => !video.paused && video.currentTime > 0.5));

test("the picture does not wait for the controls, and a key is not lost meanwhile", async (t) => {
  const page = await openPage(browser);
  let come;
  const held = new Promise((resolve) => (come = resolve));
  await page.route("**/nearlive-controls.mjs", async (route) => (await held, route.continue()));
  const it = await open(t, "/plays.html", { page });
  await moves(it);
  assert.equal(await it.shown(".bar"), false);
  await it.locate(".frame").focus();
  await page.keyboard.press("i");
  come();
  await until("the figures are there", () => it.shown(".stats-panel"));
  await until("the bar is there", () => it.shown(".bar"));
  assert.deepEqual(page.problems, []);
});

test("without the script of the controls the browser's own serve", async (t) => {
  const page = await openPage(browser);
  await page.route("**/nearlive-controls.mjs", (route) => route.abort());
  const warned = page.waitForEvent("console", (message) => message.text().includes("the controls could not be loaded"));
  const it = await open(t, "/plays.html", { page });
  await moves(it);
  await warned;
  await until("they are there", () => it.part("video", (video) => video.controls));
  assert.equal(await it.shown(".veil"), false);
});

test("in a narrow frame the controls that are left fit, and the figures leave them free", async (t) => {
  const it = await open(t, "/plays.html");
  await plays(it);
  await it.part(".figures", (button) => button.click());
  for (const width of [640, 400, 320, 200]) {
    await it.part(".frame", new Function("frame", "host", `host.style.width = "${width}px"`));
    const outside = (frame) => {
      const [all, bar] = [frame, frame.querySelector(".tools")].map((part) => part.getBoundingClientRect());
      const panel = frame.querySelector(".stats-panel").getBoundingClientRect();
      const buttons = [...frame.querySelectorAll(".tools button")].filter((part) => part.checkVisibility());
      const beyond = buttons.filter((part) => part.getBoundingClientRect().right > all.right + 0.5).map((part) => part.className);
      return JSON.stringify([all.width, beyond, panel.bottom <= bar.top]);
    };
    await until(`all fits in ${width}`, async () => (await it.part(".frame", outside)) === JSON.stringify([width, [], true]));
  }
});

test("the menu offers what there is, and keeps the choice", async (t) => {
  const it = await open(t, "/plays.html");
  await plays(it);
  await press(it.page, ".quality");
  const items = await it.part(".menu", (menu) => [...menu.children].map((item) => item.firstChild.textContent));
  assert.deepEqual(items, ["Auto", "360p", "180p"]);
  await it.page.keyboard.press("ArrowUp");
  await it.page.keyboard.press("Enter");
  assert.equal(await it.shown(".menu"), false);
  await until("the button says so", () => it.part(".quality", (button) => button.textContent === "180p"));
  await press(it.page, ".quality");
  const checked = await it.part(".menu", (menu) => menu.querySelector("[aria-checked=true]").firstChild.textContent);
  assert.equal(checked, "180p");
});

test("where sound is refused it plays without, and a tap brings it", async (t) => {
  const chromium = await launch({ autoplay: false });
  try {
    const init = untouched((_, video) => video.currentTime > 0.2);
    const it = await open(t, "/loud.html", { chromium, init });
    await plays(it);
    assert.equal(await it.part("video", (video) => video.muted), true);
    assert.ok(await it.shown(".unmute"));
    assert.ok(!(await it.shown(".start")));
    await it.part(".figures", (button) => button.click());
    assert.ok(await it.shown(".stats-panel"));
    await it.locate(".unmute").click(); // whatever else lies over the picture
    assert.equal(await it.part("video", (video) => video.muted), false);
    assert.ok(!(await it.shown(".unmute")));
    await plays(it, 1);
  } finally {
    await chromium.close();
  }
});

test("where playing is refused altogether a button waits, not a spinner", async (t) => {
  const refuse = () => {
    const play = HTMLMediaElement.prototype.play;
    HTMLMediaElement.prototype.play = function () {
      return navigator.userActivation.isActive ? play.call(this) : Promise.reject(new DOMException("no", "NotAllowedError"));
    };
  };
  const init = `(${refuse})();` + untouched((root) => root.querySelector(".start").checkVisibility());
  const it = await open(t, "/loud.html", { init });
  assert.ok(!(await it.shown(".spinner")));
  assert.equal(await it.part("video", (video) => video.paused), true);
  await it.locate(".start").click();
  await plays(it);
  assert.ok(!(await it.shown(".start")));
  assert.equal(await it.part("video", (video) => video.muted), false);
});

test("without autoplay it waits for the button", async (t) => {
  const it = await open(t, "/waits.html");
  await until("the button is there", () => it.shown(".start"));
  assert.equal(await it.part("video", (video) => video.paused), true);
  await it.locate(".start").click();
  await plays(it);
});

test("a dead address gives a message with what to do", async (t) => {
  const it = await open(t, "/dead.html");
  await until("the message is there", () => it.shown(".message"));
  const text = await it.part(".message", (message) => message.innerText);
  assert.match(text, /The stream cannot be loaded/);
  assert.match(text, /Error 1002 · .*\/nowhere\/index\.mpd/);
  assert.match(text, /Try again/);
  assert.ok(!(await it.shown(".spinner")));
  assert.ok(!(await it.shown(".bar")));
});

test("trying again plays when the address has come to life", async (t) => {
  gone = true;
  const it = await open(t, "/plays.html");
  try {
    await until("the message is there", () => it.shown(".message"));
  } finally {
    gone = false;
  }
  // Not by the mouse: after five seconds it tries by itself, and then there is no button.
  await it.part(".retry", (button) => button.click());
  await plays(it);
  assert.ok(!(await it.shown(".message")));
});

test("a fault of the player itself offers to load the page again", async (t) => {
  const it = await open(t, "/plays.html");
  await plays(it);
  await it.page.evaluate(() => dispatchEvent(new CustomEvent("nearlive-fault", { detail: "a test" })));
  assert.match(await it.part(".message", (message) => message.innerText), /Reload the page/);
  await Promise.all([it.page.waitForEvent("load"), it.locate(".retry").click()]);
  await plays(it);
});

const REFUSALS = [
  ["in its words where they are a sentence", "text/plain; charset=utf-8", "no picture yet: 192.168.1.10:554 does not answer\n", /^The server says: no picture yet: 192\.168\.1\.10:554 does not answer\.$/],
  ["without them where they are a page", "text/html", "<h1>503</h1>", /^The server answered 503 for the manifest: it has nothing to send yet/],
  ["without them where they are long", "text/plain", "words ".repeat(50), /^The server answered 503 for the manifest: /],
  ["without them where there are none", "text/plain", "", /^The server answered 503 for the manifest: /],
];
for (const [how, type, text, expected] of REFUSALS)
  test(`why there is no picture yet is said soon, ${how}`, async (t) => {
    busy = [type, text];
    t.after(() => (busy = undefined));
    const it = await open(t, "/plays.html");
    await until("it says why", () => it.shown(".still"));
    assert.match(await it.part(".still", (still) => still.innerText.trim()), expected);
    assert.ok(await it.shown(".spinner"), "and it goes on trying");
    assert.equal(await it.shown(".message"), false);
    assert.equal(await it.part(".frame", (_, host) => host.player.stats().state), "starting");
    busy = undefined;
    await plays(it);
    await until("nothing lies over the picture", async () => !(await it.shown(".still")));
  });

test("a quality that was chosen does not stay chosen in a stream that lacks it", async (t) => {
  const it = await open(t, "/plays.html");
  await plays(it);
  const choose = async (name) => {
    await press(it.page, ".quality");
    await it.locate(".menu button").filter({ hasText: name }).click();
    return it.part(".quality", (button) => button.textContent);
  };
  assert.equal(await choose("180p"), "180p");
  const load = (src) => it.part("video", new Function("video", "host", `host.src = "${src}"`));
  await load("/film/index.mpd?again");
  await plays(it);
  assert.equal(await it.part(".quality", (button) => button.textContent), "180p");
  await load("/film/one.mpd");
  await plays(it);
  await until("it is left to the player", () => it.part(".quality", (button) => button.textContent.startsWith("Auto")));
});

test("two players share one module", async (t) => {
  const from = files.requests.length;
  const page = await openPage(browser, `${files.url}/two.html`);
  t.after(() => page.context().close());
  await until("both move", () =>
    page.evaluate(() => [...document.querySelectorAll("nearlive-player")].every((it) => it.video.currentTime > 0.5)),
  );
  assert.equal(files.requests.slice(from).filter((it) => it.path.endsWith(".wasm")).length, 1);
  assert.deepEqual(page.problems, []);
});

test("an element that leaves the page ends its player, one that comes back plays", async (t) => {
  const it = await open(t, "/plays.html");
  await plays(it);
  const left = await it.part("video", (video, host) => {
    globalThis.kept = host;
    const old = host.player;
    host.remove();
    return { src: video.getAttribute("src"), state: video.readyState, stats: old.stats(), player: host.player };
  });
  assert.equal(left.src, null);
  assert.equal(left.state, 0);
  assert.equal(left.stats.bytes, 0);
  assert.equal(left.player, null);
  await it.page.evaluate(() => document.body.append(globalThis.kept));
  await plays(it);
  assert.deepEqual(it.page.problems, []);
});

test("an attribute that makes no sense is named in the console and does no harm", async (t) => {
  const page = await openPage(browser);
  t.after(() => page.context().close());
  const warned = page.waitForEvent("console", (message) => message.text().includes("latency"));
  await page.goto(`${files.url}/odd.html`);
  assert.equal((await warned).type(), "warning");
  await until("it plays", () => page.evaluate(() => document.querySelector("nearlive-player").video.currentTime > 0.5));
});

test("who pressed play before a failure is not left standing after it", async (t) => {
  let decide;
  rest = new Promise((resolve) => (decide = resolve));
  t.after(() => (rest = undefined));
  const it = await open(t, "/waits.html");
  await until("the button is there", () => it.shown(".start"));
  await it.locate(".start").click();
  await plays(it);
  decide("refused");
  await until("it says so", () => it.shown(".message"));
  rest = undefined;
  await plays(it, 2.5);
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
  const it = await open(t, "/plays.html");
  await plays(it);
  const wrong = await it.page.evaluate(async () => {
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
  const at = await it.part("video", (video) => video.currentTime);
  await plays(it, at + 0.3);
  assert.equal(await it.shown(".message"), false);
  assert.deepEqual(it.page.problems, []);
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
