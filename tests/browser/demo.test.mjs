// The pages of `nearlive-server demo` in real Chromium: the wall, a camera's page, and what they say when the plug is out.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { installClock } from "./clock.mjs";
import { launch, openPage, press, screenshot, startServer, until } from "./harness.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

let browser, server;
before(async () => {
  browser = await launch();
  server = await startServer(["demo"]);
  await until("the camera can be played", async () => {
    const [camera] = await (await fetch(`${server.url}/api/cameras`)).json();
    return camera.playable && camera.state === "live";
  });
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A page that is closed after its test: what plays on would take the time of the next one. */
async function visit(t, url, options) {
  const page = await openPage(browser, url, options);
  t.after(() => page.context().close());
  return page;
}

/** What a page did wrong. A request may fail: at the live edge that is business as usual. */
const mistakes = (page) => page.problems.filter((it) => !it.includes("Failed to load resource"));

/** Runs `act(root, host, player)` in the page, for its first player element. */
const inside = (page, act) =>
  page.evaluate((act) => {
    const host = document.querySelector("nearlive-player");
    return host && new Function(`return (${act})`)()(host.shadowRoot, host, host.player);
  }, String(act));
/** What it says; nothing before it is there. */
const text = (page, part) =>
  page.evaluate((part) => document.querySelector("nearlive-player").shadowRoot.querySelector(part)?.innerText ?? "", part);
/** Waits until `part` says something like it. The page shows some things a little after others. */
function says(page, part, words) {
  let seen;
  return until(() => `${part} says ${words}, not ${seen}`, async () => words.test((seen = await text(page, part))));
}
const moves = (page) =>
  until("the picture moves", () => inside(page, (_, host, player) => player?.stats().startupMs > 0 && !host.video.paused));

test("the wall shows the camera live, and leads to its page", async (t) => {
  const page = await visit(t, server.url);
  await moves(page);
  await until("the tile says so", () => page.evaluate(() => document.querySelector(".tile .state")?.textContent === "Live"));
  assert.equal(await page.locator(".tile .caption b").textContent(), "Demo camera");
  await screenshot(page, "wall-1280x800");
  await page.locator(".tile a").click();
  await page.waitForURL("**/demo/");
  await moves(page);
  await until("the page has the camera's name", async () => (await page.title()) === "Demo camera");
  assert.deepEqual(mistakes(page), []);
});

test("a camera's page plays at the live edge and says how far behind life it is", async (t) => {
  const page = await visit(t, `${server.url}/demo/`);
  await moves(page);
  await page.evaluate(installClock);
  await says(page, ".live", /^Live \d+\.\d s$/);
  // Both in one look. A busy machine films late, or shows a frame late: not all the time.
  let seen;
  await until(
    () => `the figure is the age of the picture: ${JSON.stringify(seen)}`,
    async () => {
      seen = await inside(page, (_, host, player) => ({ age: nearliveClock(host.video), latency: player.stats().latency }));
      return seen.age !== null && Math.abs(seen.age / 1000 - seen.latency) < 0.5;
    },
  );
  await screenshot(page, "player-1280x800");
  await page.locator("nearlive-player .frame").focus();
  await page.keyboard.press("i");
  for (const words of [/Delay\s+\d+\.\d\d s, target/, /Picture\s+\d+×\d+, /, /Link/, /cannot be known over RTSP/])
    await says(page, ".stats-panel", words);
  await press(page, ".quality");
  await screenshot(page, "overlay-1280x800");
  assert.deepEqual(mistakes(page), []);
});

test("the quality menu changes the picture, and back", async (t) => {
  const page = await visit(t, `${server.url}/demo/`);
  await moves(page);
  const choose = async (name) => {
    await press(page, ".quality");
    await page.locator("nearlive-player .menu button", { hasText: name }).first().click();
  };
  const height = (lines) => until(`${lines} lines are on the screen`, () => inside(page, `(_, host) => host.video.videoHeight === ${lines}`));
  await choose("180p");
  await height(180);
  await choose("720p");
  await height(720);
  await choose("Auto");
  await says(page, ".quality", /^Auto/);
});

test("paused it falls behind, and the badge jumps back to the edge", async (t) => {
  const page = await visit(t, `${server.url}/demo/`);
  await moves(page);
  await press(page, ".toggle");
  await says(page, ".live", /^Go live −\d+ s$/);
  await press(page, ".live");
  await says(page, ".live", /^Live /);
});

test("with the plug out the page says why and how old the picture is; with it back in it is live by itself", async (t) => {
  const page = await visit(t, `${server.url}/demo/`);
  await moves(page);
  server.tell("unplug");
  try {
    await until("the cause is over the picture", () => inside(page, (root) => root.querySelector(".still").checkVisibility()));
    await inside(page, (_, host) => host.addEventListener("source", ({ detail }) => (host.told = { ...detail, latency: host.player.stats().latency })));
    await says(page, ".still", /Picture of .*, ([3-9]|\d\d) s old/);
    // Nobody is nearer to the camera now, so there is nothing to go to.
    await says(page, ".live", /^Offline$/);
    await until("the page says so", () => page.evaluate(() => /^Camera offline since /.test(document.getElementById("state").textContent)));
    // The page hears of it a moment after the age was counted.
    const told = await until("the age is told", () => inside(page, (_, host) => host.told?.age > 3 && host.told));
    assert.ok(told.latency - told.age > -0.1 && told.latency - told.age < 2, JSON.stringify(told));
    await until("nothing is caught up with", () => inside(page, (_, host) => host.video.playbackRate === 1));
    assert.equal(await inside(page, (root) => root.querySelector(".unmute").checkVisibility()), false);
    await screenshot(page, "offline-1280x800");
    const cause = (await inside(page, (root) => root.querySelector(".still b").textContent)).toLowerCase();
    const below = (await page.textContent(".about")).toLowerCase();
    assert.ok(cause && !below.includes(cause), `said twice: ${cause}`);
    // On a phone the heading keeps its one line, so that the picture stays where it is.
    await page.setViewportSize(PHONE.viewport);
    const [header, name] = await page.evaluate(() => [document.querySelector("header"), document.getElementById("name")].map((it) => it.getBoundingClientRect().toJSON()));
    assert.ok(header.height <= 61, `the heading is ${header.height} px high`);
    assert.ok(name.width > 90, `the camera's name has ${name.width} px`);
    await screenshot(page, "offline-390x844");
  } finally {
    server.tell("plug");
  }
  await until("the picture is back", () => inside(page, (root) => !root.querySelector(".still").checkVisibility()));
  await says(page, ".live", /^Live /);
  assert.equal(await inside(page, (root) => root.querySelector(".message").hidden), true);
});

test("on a phone everything fits and can be touched", async (t) => {
  const page = await visit(t, server.url, PHONE);
  await moves(page);
  await screenshot(page, "wall-390x844");
  await page.goto(`${server.url}/demo/`);
  await moves(page);
  await says(page, ".live", /^Live /);
  await screenshot(page, "player-390x844");
  const small = await inside(page, (root) =>
    [...root.querySelectorAll("button")]
      .map((it) => [it.className, it.getBoundingClientRect()])
      .filter(([, box]) => box.width && (box.width < 43.9 || box.height < 43.9 || box.right > innerWidth || box.left < 0))
      .map(([name, box]) => `${name} ${JSON.stringify(box)}`),
  );
  assert.deepEqual(small, []);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await press(page, ".figures", "tap");
  assert.ok(await inside(page, (root) => root.querySelector(".stats-panel").checkVisibility()), "a tap on a button is a click on it");
  await screenshot(page, "overlay-390x844");
  // A moving picture and one that stands, for which the figures make room where they lie over it.
  const below = await inside(page, (root) => {
    const [panel, frame] = [".stats-panel", ".frame"].map((it) => root.querySelector(it));
    return [false, true].map((still) => {
      frame.classList.toggle("is-still", still);
      return panel.getBoundingClientRect().top >= frame.getBoundingClientRect().bottom;
    });
  });
  assert.deepEqual(below, [true, true], "the figures are below the picture");
  const note = await inside(page, (root) => root.querySelector(".rows").lastChild.getBoundingClientRect().toJSON());
  assert.ok(note.bottom <= 844, "all of them");
  await page.locator("nearlive-player .close").tap();
  assert.ok(!(await inside(page, (root) => root.querySelector(".stats-panel").checkVisibility())));
});

test("a camera that the server does not know gives a message", async (t) => {
  const page = await visit(t, server.url);
  await page.setContent(`<script src="${server.url}/nearlive.js"></script>
    <nearlive-player src="${server.url}/nobody/index.mpd" autoplay muted></nearlive-player>`);
  await says(page, ".message", /Error 1002/);
});
