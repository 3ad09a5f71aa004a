// What pages of other origins can show of a camera, in real Chromium: a stranger's nothing, a private network's and a named
// site's what they ask for with `crossorigin`. Names lead to this machine by a rule of the browser's.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, openPage, serveFiles, startServer, until } from "./harness.mjs";

const NAMED = "cams.example"; // the owner named it
const NEAR = "dash.lan"; // a name that the public DNS does not have
const STRANGER = "evil.example";

let browser, camera, files;
before(async () => {
  const names = [NAMED, NEAR, STRANGER, "camera.lan"].map((name) => `MAP ${name} 127.0.0.1`);
  browser = await launch({ args: [`--host-resolver-rules=${names.join(",")}`] });
  files = await serveFiles({ "/favicon.ico": { text: "" }, "/page.html": { text: "<!doctype html><title>Elsewhere</title>" } });
  camera = await startServer(["demo", "--origin", `http://${NAMED}:${new URL(files.url).port}`]);
  await until("the camera has a still", async () => (await fetch(`${camera.url}/demo/snapshot.jpg`)).ok);
});
after(async () => {
  await browser?.close();
  await camera?.stop();
  await files?.close();
});

/** A page of this site. */
function pageOf(site) {
  return openPage(browser, `http://${site}:${new URL(files.url).port}/page.html`);
}

/** The server, as a browser trusts it (and says who asks) and as it does not. */
const servers = () => [camera.url, camera.url.replace("127.0.0.1", "camera.lan")];

/** Whether the picture at `url` is shown, by an element that is made of `html`. */
function picture(page, html, url) {
  return page.evaluate(
    ([html, url]) =>
      new Promise((resolve) => {
        const body = document.createElement("div");
        body.innerHTML = html;
        const element = body.firstElementChild;
        element.onload = element.onloadeddata = () => resolve(true);
        element.onerror = () => resolve(false);
        document.body.append(element);
        element[element.localName === "object" ? "data" : "src"] = url;
      }),
    [html, url],
  );
}

/** Waits until it is: a busy machine does not make every still in time. */
const shown = (page, html, url) => until(`${html} shows ${url}`, () => picture(page, html, url));

/** Whether a frame shows what is at `url`. */
async function framed(page, tag, url) {
  await page.evaluate(
    ([tag, url]) =>
      new Promise((resolve) => {
        const element = document.createElement(tag);
        element.onload = element.onerror = resolve;
        element[tag === "object" ? "data" : "src"] = url;
        document.body.append(element);
      }),
    [tag, url],
  );
  return page.frames().some((frame) => frame.url() === url);
}

/** Whether the script of a page may read what is at `url`. */
const readable = (page, url) => page.evaluate((url) => fetch(url).then((it) => it.ok, () => false), url);

test("a stranger's page shows no still, no segment and no frame of a camera", async (t) => {
  const page = await pageOf(STRANGER);
  t.after(() => page.context().close());
  for (const server of servers()) {
    const mpd = await (await fetch(`${camera.url}/demo/v0.m3u8`)).text();
    const init = `${server}/demo/${/[^"]*init\.mp4/.exec(mpd)[0]}`;
    const still = `${server}/demo/snapshot.jpg`;
    for (const html of ["<img>", "<img crossorigin>", "<input type=image>", "<embed type=image/jpeg>", "<object type=image/jpeg></object>"]) {
      assert.equal(await picture(page, html, still), false, `${html} ${still}`);
    }
    assert.equal(await picture(page, "<video>", init), false, init);
    for (const url of [`${server}/`, `${server}/demo/`, still, `${server}/api/cameras`]) {
      for (const tag of ["iframe", "object", "embed"]) assert.equal(await framed(page, tag, url), false, `${tag} ${url}`);
    }
    for (const url of [still, init, `${server}/demo/index.mpd`, `${server}/api/cameras`]) assert.equal(await readable(page, url), false, url);
    // The player is for everybody.
    await page.addScriptTag({ url: `${server}/nearlive.js` });
    assert.ok(await page.evaluate(() => typeof nearlive.version === "string"));
  }
});

for (const site of [NEAR, NAMED]) {
  test(`a page of ${site} plays a camera, shows its stills with crossorigin and its page in a frame`, async (t) => {
    const page = await pageOf(site);
    t.after(() => page.context().close());
    for (const server of servers()) {
      await shown(page, "<img crossorigin>", `${server}/demo/snapshot.jpg`);
      assert.equal(await picture(page, "<img>", `${server}/demo/snapshot.jpg`), false, "it has no name without crossorigin");
      assert.equal(await framed(page, "iframe", `${server}/demo/`), true);
      assert.equal(await readable(page, `${server}/api/cameras`), true);
    }
    await page.addScriptTag({ url: `${camera.url}/nearlive.js` });
    await page.evaluate((src) => (document.body.innerHTML = `<nearlive-player src="${src}" autoplay muted></nearlive-player>`), `${camera.url}/demo/index.mpd`);
    await until("it plays", () => page.evaluate(() => document.querySelector("nearlive-player").video.currentTime > 0));
  });
}

test("the server's own pages show their stills", async (t) => {
  for (const server of servers()) {
    const page = await openPage(browser, `${server}/`);
    t.after(() => page.context().close());
    await shown(page, "<img>", `${server}/demo/snapshot.jpg`);
    assert.equal(await framed(page, "iframe", `${server}/demo/`), true);
  }
});
