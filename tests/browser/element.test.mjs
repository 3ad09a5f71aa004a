// <nearlive-player> in real Chromium, on a film from a static server.

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
