// What the benches of players share: a page with every player (page.mjs), and what one run in it measured.

import { loadavg } from "node:os";
import { launch, openPage, serveFiles, until } from "../../tests/browser/harness.mjs";

const PAGE = `<!doctype html><meta charset="utf-8"><video autoplay playsinline style="width: 640px"></video><script type="module" src="/page.mjs"></script>`;

const at = (sorted, part) => (sorted.length ? Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]) : null);

/** Starts Chromium. `run(how)` is one run, `how` as `measure` in page.mjs takes it, in a fresh context: nothing cached. */
export async function openBench() {
  const files = await serveFiles({
    "/bench.html": { text: PAGE },
    "/page.mjs": "benches/players/page.mjs",
    "/clock.mjs": "tests/browser/clock.mjs",
    "/npm/": "benches/players/node_modules",
    "/dist/": "dist",
    "/favicon.ico": { text: "" },
  });
  const browser = await launch();
  return {
    async run(how) {
      const tab = await openPage(browser, `${files.url}/bench.html`);
      try {
        await until("the page is ready", () => tab.evaluate(() => typeof measure === "function"));
        const load = loadavg()[0];
        const result = await tab.evaluate((it) => measure(it), how);
        const delays = result.delays.sort((a, b) => a - b);
        return {
          player: how.player,
          target: how.target,
          start: result.startMs === null ? null : Math.round(result.startMs),
          median: at(delays, 0.5),
          p95: at(delays, 0.95),
          stalls: result.stalls,
          stalled: Math.round(result.stalledMs),
          height: result.height,
          samples: delays.length,
          failures: [...result.failures],
          load,
        };
      } finally {
        await tab.context().close();
      }
    },
    async close() {
      await browser.close();
      await files.close();
    },
  };
}
