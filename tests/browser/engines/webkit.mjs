// WebKitGTK as an engine of the core suite: its MiniBrowser, by plain WebDriver (https://www.w3.org/TR/webdriver2/) over HTTP, on
// a screen of Xvfb. A page that hangs blocks its driver, so each page has a driver and a browser of its own, and each command a
// limit.

import { spawn } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { pages, programs, screenshotFile, until } from "../harness.mjs";
import { middleOf } from "./page.mjs";

export const name = "webkit";

/** The longest that a command to a browser takes on a busy machine, ms. (Shorter for who looks into a failure.) */
const COMMAND_MS = Number(process.env.NEARLIVE_COMMAND_MS || 60_000);
/** There is room for the largest page of a test and the browser's own bar. */
const SCREEN = "1500x1100x24";

/** See engines/page.mjs. */
export async function launch({ autoplay = true } = {}) {
  const screen = await startScreen();
  return { open: (url, options) => open({ screen, autoplay }, url, options), close: () => end(screen.child) };
}

/** Xvfb says on a pipe which number of a screen was free. */
async function startScreen() {
  const child = program("Xvfb", ["-displayfd", "3", "-screen", "0", SCREEN, "-nolisten", "tcp"], {}, ["ignore", "ignore", "ignore", "pipe"]);
  const number = await new Promise((resolve, reject) => {
    child.stdio[3].once("data", (text) => resolve(String(text).trim()));
    child.once("exit", () => reject(new Error("Xvfb did not start")));
  });
  return { child, display: `:${number}` };
}

async function open(browser, url, options = {}) {
  const port = await freePort();
  const driver = program("WebKitWebDriver", [`--port=${port}`], { DISPLAY: browser.screen.display, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1" });
  try {
    return await openWith(driver, port, browser.autoplay, url, options);
  } catch (error) {
    await end(driver);
    throw error;
  }
}

async function openWith(driver, port, autoplay, url, { viewport = { width: 1280, height: 800 } }) {
  const send = (method, path, body) => command(`http://127.0.0.1:${port}${path}`, method, body);
  await until("WebKitWebDriver answers", () => send("GET", "/status").then(() => true, () => false));
  const policy = autoplay ? "allow" : "allow-without-sound"; // the latter is the rule that users have
  const { sessionId } = await send("POST", "/session", {
    capabilities: {
      alwaysMatch: {
        "webkitgtk:browserOptions": { binary: miniBrowser(), args: ["--automation", `--autoplay-policy=${policy}`] },
      },
    },
  });
  const session = (method, path, body) => send(method, `/session/${sessionId}${path}`, body);
  await session("POST", "/timeouts", { script: COMMAND_MS, pageLoad: COMMAND_MS });

  let last = "about:blank";
  const page = {
    problems: [], // WebDriver tells nothing of the console
    url: () => last,
    async goto(url) {
      last = url;
      await session("POST", "/url", { url });
    },
    async evaluate(act, argument) {
      const { value, thrown } = await session("POST", "/execute/async", {
        script: `const [argument, done] = arguments;
          (async () => (${act})(argument))().then((value) => done({ value }), (error) => done({ thrown: String(error) }));`,
        args: [argument ?? null],
      });
      if (thrown) throw new Error(thrown);
      return value;
    },
    async click(part) {
      const [x, y] = await middleOf(page, part);
      const actions = [{ type: "pointerMove", x, y }, { type: "pointerDown", button: 0 }, { type: "pointerUp", button: 0 }];
      await session("POST", "/actions", { actions: [{ type: "pointer", id: "mouse", parameters: { pointerType: "mouse" }, actions }] });
    },
    async screenshot(name) {
      writeFileSync(screenshotFile(name), Buffer.from(await session("GET", "/screenshot"), "base64"));
    },
    async close() {
      pages.delete(page);
      await session("DELETE", "").catch(() => {}); // it may hang
      await end(driver);
    },
  };
  pages.add(page);
  await resize(session, page, viewport);
  if (url) await page.goto(url);
  return page;
}

/** Makes the window so large that the page in it has this size. */
async function resize(session, page, { width, height }) {
  await session("POST", "/window/rect", { x: 0, y: 0, width, height });
  const [less, lower] = await page.evaluate(() => [outerWidth - innerWidth, outerHeight - innerHeight]);
  await session("POST", "/window/rect", { x: 0, y: 0, width: width + less, height: height + lower });
}

async function command(url, method, body) {
  const what = `WebKitWebDriver: ${method} ${new URL(url).pathname}`;
  const hung = (why) => Object.assign(new Error(`${what}: ${why}`), { hung: true });
  const request = async () => {
    const answer = await fetch(url, {
      method,
      body: body && JSON.stringify(body),
      headers: { "Content-Type": "application/json" },
      signal: AbortSignal.timeout(COMMAND_MS),
    });
    return [answer.ok, (await answer.json()).value];
  };
  const [ok, value] = await request().catch((error) => {
    throw error.name === "TimeoutError" ? hung(`no answer within ${COMMAND_MS / 1000} s`) : error;
  });
  if (value?.error === "script timeout") throw hung(value.message);
  if (!ok) throw new Error(`${what}: ${value.error}: ${value.message}`);
  return value;
}

/** The browser comes with the library. */
function miniBrowser() {
  const lib = "/usr/lib";
  for (const machine of readdirSync(lib))
    for (const version of ["4.1", "6.0", "4.0"]) {
      const file = path.join(lib, machine, `webkit2gtk-${version}`, "MiniBrowser");
      if (existsSync(file)) return file;
    }
  throw new Error("there is no MiniBrowser of WebKitGTK: .ci/setup webkit installs one");
}

function program(name, args, env, stdio = "ignore") {
  const child = spawn(name, args, { stdio, env: { ...process.env, ...env } });
  child.once("error", () => {}); // whoever waits for it says so
  programs.add(child.once("exit", () => programs.delete(child)));
  return child;
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
