// A module in two parts, in real Chromium: the second follows the first picture, and what needs it before begins anew with both.

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { launch, openPage, serveFiles, until } from "./harness.mjs";
import { film } from "./media.mjs";

const element = (src) => `<nearlive-player src="${src}" autoplay muted></nearlive-player>`;
const page = (html) => ({ text: `<!doctype html><script src="/p/nearlive.js?v=2"></script>${html}` });
const PAGES = {
  "/nonsense.mpd": { text: "<nonsense/>" },
  "/script.html": page(""),
  "/film.html": page(element("/film/index.mpd")),
  "/two.html": page(element("/film/index.mpd") + element("/nonsense.mpd")),
};
const SECOND = "/p/nearlive-dash-later.wasm?v=2";

let browser, files;
/** What the server has no answer for at the moment. */
let withheld = () => false;
before(async () => {
  browser = await launch();
  const mounts = { ...PAGES, "/p/": "dist", "/film/": film(), "/favicon.ico": { text: "" } };
  files = await serveFiles(mounts, { answer: ({ url }, response) => withheld(url) && !!response.writeHead(404).end() });
});
afterEach(() => (withheld = () => false));
after(async () => {
  await browser?.close();
  await files?.close();
});

/** Counts the instances of parts that are there, and keeps what they took. */
const count = () => {
  const { instantiate } = WebAssembly;
  window.instances = 0;
  WebAssembly.instantiate = async (...all) => {
    const instance = await instantiate.apply(WebAssembly, all);
    window.instances++;
    return instance;
  };
};
async function open(t, path) {
  const opened = await openPage(browser, files.url + path, { init: count });
  t.after(() => opened.context().close());
  return opened;
}
const asked = (from) => files.requests.slice(from).map((it) => it.path);

/** Loads an address in a player of its own. Gives what came of load(), and the fatal errors that were told. */
const load = (opened, src, options = {}) =>
  opened.evaluate(
    async ([src, options]) => {
      window.errors = [];
      window.player = await nearlive.create(document.body.appendChild(document.createElement("video")), { autoplay: true, ...options }, src);
      player.on("error", (error) => errors.push(error));
      const came = await player.load(src).then(
        () => "it loads",
        ({ code, category, message, url, fatal }) => ({ code, category, message, url, fatal }),
      );
      return [came, errors.filter((it) => it.fatal).map((it) => it.code)];
    },
    [src, options],
  );
const plays = (opened) =>
  until("it plays", () => opened.evaluate(() => (document.querySelector("nearlive-player")?.video ?? document.querySelector("video")).currentTime > 0.5));

test("the second part follows the first picture, and what is in it works", async (t) => {
  const from = files.requests.length;
  const opened = await open(t, "/film.html");
  await until("it is there", () => opened.evaluate(() => instances === 2));
  const order = asked(from);
  assert.ok(order.indexOf(SECOND) > order.findIndex((it) => it.endsWith(".m4s")), order.join(" "));
  await plays(opened);
  const { length } = order.filter((it) => it.endsWith(".mpd"));
  await opened.evaluate(() => {
    const { player } = document.querySelector("nearlive-player");
    player.setQuality(player.qualities().at(-1).id);
  });
  await until("the other quality is shown", () => opened.evaluate(() => document.querySelector("nearlive-player").video.videoHeight === 180));
  assert.equal(asked(from).filter((it) => it.endsWith(".mpd")).length, length, "nothing was begun anew");
  assert.equal(await opened.evaluate(() => instances), 2);
  assert.deepEqual(opened.problems, []);
});

test("what needs it before has it come at once, and all begins anew", async (t) => {
  const from = files.requests.length;
  const opened = await open(t, "/script.html");
  const [came, errors] = await load(opened, "/nonsense.mpd");
  assert.equal(came.category, "manifest");
  assert.deepEqual(errors, [came.code], "it is told once");
  assert.ok(asked(from).includes(SECOND));
  assert.deepEqual(opened.problems, []);
});

test("players that share the module with it begin anew as well, and play", async (t) => {
  const from = files.requests.length;
  const opened = await open(t, "/two.html");
  await until("the film is asked for twice", () => asked(from).filter((it) => it === "/film/index.mpd").length === 2);
  await plays(opened);
  await until("the other one says what is wrong", () =>
    opened.evaluate(() => !document.querySelectorAll("nearlive-player")[1].shadowRoot.querySelector(".message").hidden),
  );
  assert.deepEqual(opened.problems, []);
});

test("a network that comes back has the player play, though both were needed", async (t) => {
  withheld = (url) => url.startsWith(SECOND) || url.endsWith(".mpd");
  const from = files.requests.length;
  const opened = await open(t, "/script.html");
  const loading = load(opened, "/film/index.mpd");
  await until("both were asked for", () => asked(from).includes(SECOND) && asked(from).includes("/film/index.mpd"));
  withheld = () => false;
  assert.deepEqual(await loading, ["it loads", []]);
  await plays(opened);
});

test("where it cannot be had the page is told so, and a later load() tries again", async (t) => {
  withheld = (url) => url.startsWith(SECOND);
  const opened = await open(t, "/script.html");
  const [came, errors] = await load(opened, "/nonsense.mpd");
  assert.deepEqual([came.code, came.category, came.url, errors], [1001, "network", files.url + SECOND, [1001]]);
  assert.equal(typeof (await opened.evaluate(() => player.stats().state)), "string");
  withheld = () => false;
  await opened.evaluate(() => player.load("/film/index.mpd"));
  await plays(opened);
});

test("destroy() while it is awaited ends the load", async (t) => {
  withheld = (url) => url.startsWith(SECOND);
  const from = files.requests.length;
  const opened = await open(t, "/script.html");
  const loading = load(opened, "/nonsense.mpd");
  await until("it is asked for", () => asked(from).includes(SECOND));
  await opened.evaluate(() => player.destroy());
  assert.equal((await loading)[0].code, 5001);
  assert.deepEqual(await opened.evaluate(() => errors), []);
});
