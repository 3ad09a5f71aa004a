// Firefox as an engine of the core suite: puppeteer-core drives it over WebDriver BiDi.

import { execFileSync } from "node:child_process";
import puppeteer from "puppeteer-core";
import { pages, PATIENCE, screenshot } from "../harness.mjs";
import { middleOf } from "./page.mjs";

export const name = "firefox";

/** See engines/page.mjs. */
export async function launch({ autoplay = true } = {}) {
  const browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: executable(),
    headless: true,
    timeout: PATIENCE,
    protocolTimeout: PATIENCE,
    extraPrefsFirefox: {
      // 0: sound may begin by itself; 1, which users have: only after a gesture.
      "media.autoplay.default": autoplay ? 0 : 1,
      // Without a screen a page counts as one in the background, where Firefox refuses to start a picture.
      "media.block-autoplay-until-in-foreground": false,
    },
  });
  return { open: (url, options) => open(browser, url, options), close: () => browser.close() };
}

function executable() {
  for (const it of [process.env.FIREFOX, "firefox-esr", "firefox"].filter(Boolean)) {
    try {
      return execFileSync("which", [it], { encoding: "utf8" }).trim();
    } catch {
      // The next one.
    }
  }
  throw new Error("there is no Firefox: .ci/setup browser installs one");
}

async function open(browser, url, { viewport = { width: 1280, height: 800 } } = {}) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.setViewport(viewport);
  const problems = [];
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(String(error)));
  const opened = {
    problems,
    url: () => page.url(),
    goto: (url) => page.goto(url),
    evaluate: (act, argument) => page.evaluate(act, argument),
    async click(part) {
      const [x, y] = await middleOf(opened, part);
      await page.mouse.click(x, y);
    },
    screenshot: (name) => screenshot(page, name),
    async close() {
      pages.delete(opened);
      await context.close();
    },
  };
  pages.add(opened);
  if (url) await page.goto(url);
  return opened;
}
