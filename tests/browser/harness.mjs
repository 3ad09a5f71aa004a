// What the browser tests and the benches share: Chromium, the server under test, a static file server, screenshots.
//
//   const browser = await launch();                                  // one for a test file; browser.close() in after()
//   const server = await startServer(["demo"]);                      // { url, log, tell(line), exited, stop() }
//   const camera = await startCamera(["--audio", "none"]);           // likewise; url is rtsp://...
//   const files = await serveFiles({ "/": "dist" }, { answer });     // { url, requests, close() }
//   const page = await openPage(browser, server.url + "/demo/");     // page.problems: console errors, exceptions, failed loads
//   await until("the picture moves", () => page.evaluate(...));      // polls; fails with the sentence and what was seen instead
//   await screenshot(page, "wall-390x844");                          // target/screenshots/wall-390x844.png
//
// Nothing here sleeps for a fixed time: wait for what you mean by `until` or by an event. A test holds on the busiest
// machine: it may not ask how long something took or how often a picture stood; the simulator counts that, in virtual time.

import { execFileSync, spawn } from "node:child_process";
import { createReadStream, existsSync, mkdirSync } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { loadavg } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const TARGET = path.resolve(ROOT, process.env.CARGO_TARGET_DIR || "target");

/** The longest that a test waits, ms, for what comes at once on an idle machine. (Shorter for who looks into a failure.) */
export const PATIENCE = Number(process.env.NEARLIVE_PATIENCE_MS || 240_000);
/** A file of tests that takes longer, ms, hangs: in something that nothing here limits, such as a promise of a page. */
const LONGEST_FILE = 40 * 60_000;

export const pages = new Set(); // those that are open
export const programs = new Set(); // those that run

setTimeout(async () => {
  console.error(`these tests hang for ${LONGEST_FILE / 60_000} minutes\n${await state()}`);
  process.exit(1);
}, LONGEST_FILE).unref();
// However this process ends, unless by SIGKILL, it leaves nothing behind. (Playwright sees to Chromium.)
process.on("exit", () => programs.forEach((child) => child.kill("SIGKILL")));
for (const signal of ["SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

/**
 * Starts headless Chromium. `autoplay: false` leaves its autoplay policy as a user has it: sound needs a click.
 * `args` are further switches.
 */
export async function launch({ autoplay = true, args = [] } = {}) {
  const executablePath = execFileSync(path.join(ROOT, ".ci/chromium"), { encoding: "utf8" }).trim();
  return chromium.launch({
    executablePath,
    headless: true,
    timeout: PATIENCE,
    // Playwright mutes by itself; tests look at what a user has, muted or not.
    ignoreDefaultArgs: ["--mute-audio"],
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-features=Translate,OptimizationHints,MediaRouter",
      ...(autoplay ? ["--autoplay-policy=no-user-gesture-required"] : []),
      ...args,
    ],
  });
}

/** A page in a context of its own; `init` runs in it before its scripts do. `problems` collects whatever a console would show in red. */
export async function openPage(browser, url, { viewport = { width: 1280, height: 800 }, init, ...options } = {}) {
  const context = await browser.newContext({ viewport, ...options });
  if (init) await context.addInitScript(init);
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  pages.add(page.once("close", () => pages.delete(page)));
  page.problems = [];
  page.on("console", (message) => {
    if (message.type() === "error") page.problems.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => page.problems.push(`exception: ${error.stack || error}`));
  page.on("requestfailed", (request) => {
    // A player ends its own requests whenever it has a reason to.
    const text = request.failure()?.errorText || "";
    if (text !== "net::ERR_ABORTED") page.problems.push(`request: ${text} ${request.url()}`);
  });
  if (url) await page.goto(url);
  return page;
}

/**
 * Starts the companion server on a free port: `args` is what stands before `--listen`, such as ["demo"] or ["rtsp://..."].
 * `tell(line)` types a line into it: the demo knows `unplug` and `plug`.
 */
export function startServer(args, { listen = "127.0.0.1:0", ...options } = {}) {
  const address = /https?:\/\/(?:127\.0\.0\.1|localhost):[1-9]\d*/;
  return startProgram("nearlive-server", [...args, "--listen", listen], address, options);
}

/** Starts the test camera on a free port. `tell(line)` gives it a command: `fault stall`, `clear`. */
export function startCamera(args = [], options = {}) {
  return startProgram("nearlive-camera", ["--listen", "127.0.0.1:0", ...args], /rtsp:\/\/\S+/, options);
}

/**
 * Starts a program of the project and waits for it to print its address. `log` is all that it printed so far, `exited`
 * resolves to its exit code or signal. `stop()` ends it as Ctrl-C does, by force after 5 s.
 */
async function startProgram(name, args, address, { env = {}, patience = PATIENCE } = {}) {
  const override = name === "nearlive-server" && process.env.NEARLIVE_SERVER;
  const program = override || path.join(TARGET, "demo", name);
  if (!existsSync(program)) throw new Error(`${program} is missing: make test builds it`);
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...env } });
  programs.add(child.once("exit", () => programs.delete(child)));
  child.stdin.on("error", () => {}); // it may have ended
  const running = {
    child,
    log: "",
    url: "",
    exited: new Promise((resolve) => child.once("exit", (code, signal) => resolve(signal || code))),
    tell: (line) => child.stdin.write(`${line}\n`),
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGINT");
      const force = setTimeout(() => child.kill("SIGKILL"), 5000);
      const end = await running.exited;
      clearTimeout(force);
      return end;
    },
  };
  await new Promise((resolve, reject) => {
    const fail = (why) => {
      clearTimeout(timer);
      child.kill("SIGKILL");
      reject(new Error(`${name} ${args.join(" ")} ${why}; it said:\n${running.log}`));
    };
    const timer = setTimeout(() => fail(`printed no address within ${patience / 1000} s`), patience);
    const read = (chunk) => {
      running.log += chunk;
      const found = !running.url && address.exec(running.log)?.[0];
      if (found) {
        running.url = found;
        clearTimeout(timer);
        resolve();
      }
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("error", (error) => fail(`did not start: ${error.message}`));
    child.once("exit", (code, signal) => running.url || fail(`ended with ${signal || code}`));
  });
  return running;
}

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".mpd": "application/dash+xml",
  ".m3u8": "application/vnd.apple.mpegurl",
  ".mp4": "video/mp4",
  ".m4s": "video/iso.segment",
  ".m4a": "audio/mp4",
  ".webm": "video/webm",
  ".ts": "video/mp2t",
  ".vtt": "text/vtt",
  ".png": "image/png",
  ".svg": "image/svg+xml",
};

/**
 * A static file server with byte ranges and CORS, as any web server is. `mounts` maps path prefixes to folders (relative to
 * the project) or to the text of a file: `{ "/": "dist", "/page.html": { text: "<!doctype html>..." } }`. `answer(request,
 * response)` may take a request over: it returns true when it has, or a promise of it.
 */
export async function serveFiles(mounts, { port = 0, answer } = {}) {
  const requests = [];
  const prefixes = Object.keys(mounts).sort((a, b) => b.length - a.length);
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    requests.push({ method: request.method, path: request.url, range: request.headers.range, at: Date.now() });
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.setHeader("Access-Control-Allow-Headers", "*");
    response.setHeader("Access-Control-Expose-Headers", "*");
    response.setHeader("Cache-Control", "no-store");
    try {
      if (request.method === "OPTIONS") return response.writeHead(204).end();
      if (answer && (await answer(request, response))) return;
      const prefix = prefixes.find((it) => pathname.startsWith(it));
      if (prefix === undefined) return response.writeHead(404).end();
      await send(mounts[prefix], decodeURIComponent(pathname.slice(prefix.length)), pathname, request, response);
    } catch (error) {
      if (!response.headersSent) response.writeHead(500);
      response.end(String(error));
    }
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

async function send(mount, rest, pathname, request, response) {
  response.setHeader("Content-Type", TYPES[path.extname(pathname)] || "application/octet-stream");
  if (mount.text !== undefined) return response.end(mount.text);
  const folder = path.resolve(ROOT, mount);
  const file = path.join(folder, rest);
  const found = file.startsWith(folder) && (await stat(file).catch(() => null));
  if (!found?.isFile()) return response.writeHead(404).end();
  response.setHeader("Accept-Ranges", "bytes");
  let [start, end] = [0, found.size - 1];
  const range = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range || "");
  if (range && (range[1] || range[2])) {
    if (range[1]) [start, end] = [Number(range[1]), range[2] ? Math.min(Number(range[2]), end) : end];
    else start = Math.max(0, found.size - Number(range[2]));
    if (start > end) return response.writeHead(416, { "Content-Range": `bytes */${found.size}` }).end();
    response.writeHead(206, { "Content-Range": `bytes ${start}-${end}/${found.size}`, "Content-Length": end - start + 1 });
  } else {
    response.writeHead(200, { "Content-Length": found.size });
  }
  if (request.method === "HEAD" || found.size === 0) return response.end();
  createReadStream(file, { start, end })
    .on("error", () => response.destroy())
    .pipe(response);
}

/**
 * Polls `probe` until it gives something true and returns that. `what` is the sentence that a failure says, or makes it of
 * what was seen; with it comes what all pages show.
 */
export async function until(what, probe, { timeout = PATIENCE, interval = 50 } = {}) {
  const end = Date.now() + timeout;
  let last;
  for (;;) {
    last = await probe();
    if (last) return last;
    if (Date.now() > end) break;
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
  const sentence = typeof what === "function" ? what() : what;
  throw new Error(`${timeout / 1000} s went by without: ${sentence} (last: ${JSON.stringify(last)})\n${await state()}`);
}

/** What there is to see now, for who reads a failure. */
async function state() {
  const look = () => {
    const hosts = [...document.querySelectorAll("nearlive-player")];
    const video = (it) => ({
      at: it.currentTime,
      paused: it.paused,
      ready: it.readyState,
      buffered: Array.from({ length: it.buffered.length }, (_, i) => [it.buffered.start(i), it.buffered.end(i)]),
      error: it.error?.message,
    });
    return {
      videos: [...document.querySelectorAll("video"), ...hosts.map((it) => it.video)].map(video),
      players: hosts.map((it) => ({ shows: it.shadowRoot.querySelector(".frame").innerText, ...it.player?.stats() })),
    };
  };
  const one = async (page) => {
    const late = new Promise((resolve) => setTimeout(resolve, 5000, "it does not answer"));
    const seen = await Promise.race([page.evaluate(look).catch(String), late]);
    return `${page.url()}: ${JSON.stringify(seen)}\n  problems: ${JSON.stringify(page.problems)}`;
  };
  return [`load: ${loadavg().map((it) => it.toFixed(1))}`, ...(await Promise.all([...pages].map(one)))].join("\n");
}

/**
 * Presses `part` of the first player's bar. The bar hides, and takes no click, where nobody has moved for three seconds, and a
 * busy machine may take longer to press: somebody moves all the while.
 */
export async function press(page, part, how = "click") {
  await page.evaluate(() => {
    const frame = document.querySelector("nearlive-player").shadowRoot.querySelector(".frame");
    globalThis.moving = setInterval(() => frame.dispatchEvent(new PointerEvent("pointermove")), 200);
  });
  await page.locator(`nearlive-player ${part}`)[how]();
  await page.evaluate(() => clearInterval(moving));
}

/** Saves what the page shows to `target/screenshots/NAME.png`. */
export async function screenshot(page, name) {
  const file = screenshotFile(name);
  await page.screenshot({ path: file });
  return file;
}

/** Where a screenshot of this name goes. */
export function screenshotFile(name) {
  const folder = path.join(TARGET, "screenshots");
  mkdirSync(folder, { recursive: true });
  return path.join(folder, `${name}.png`);
}
