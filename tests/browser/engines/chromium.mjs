// Chromium as an engine of the core suite, by the harness that all other tests use.

import { launch as start, openPage, screenshot } from "../harness.mjs";
import { middleOf } from "./page.mjs";

export const name = "chromium";

/** See engines/page.mjs. */
export async function launch({ autoplay = true } = {}) {
  const browser = await start({ autoplay });
  return { open: (url, options) => open(browser, url, options), close: () => browser.close() };
}

async function open(browser, url, options) {
  const page = await openPage(browser, url, options);
  return {
    goto: (url) => page.goto(url),
    evaluate: (act, argument) => page.evaluate(act, argument),
    async click(part) {
      const [x, y] = await middleOf(this, part);
      await page.mouse.click(x, y);
    },
    screenshot: (name) => screenshot(page, name),
    close: () => page.context().close(),
  };
}
