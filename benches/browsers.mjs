// The demo's camera in Chromium, Firefox and WebKitGTK, by what the player says of itself: the delay, what stood still, changes of the
// rate, and the return after the plug was out for 15 s.
//
//   node benches/browsers.mjs [--seconds 60] [--settle 10] [--engines chromium,firefox,webkit] [--screenshots]
//
// Each engine plays with sound and then muted, alone, since all share this machine with the camera's encoder. Counted is what
// happens after the first `--settle` seconds. The player is the one inside the server (`make test` builds it). Screenshots go to
// target/screenshots.

import { parseArgs } from "node:util";
import { startServer, until } from "../tests/browser/harness.mjs";

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    settle: { type: "string", default: "10" },
    engines: { type: "string", default: "chromium,firefox,webkit" },
    screenshots: { type: "boolean", default: false },
  },
});
const [SECONDS, SETTLE] = [Number(options.seconds), Number(options.settle)];
const AWAY_MS = 15_000;
const VIEWS = [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
];

/** Runs in the page: samples the figures four times a second, until `result` is run. */
function sample(muted) {
  const host = document.querySelector("nearlive-player");
  host.video.muted = muted;
  globalThis.seen = { latency: [], rates: 0, first: host.player.stats() };
  host.video.addEventListener("ratechange", () => seen.rates++);
  globalThis.sampling = setInterval(() => {
    const { latency } = host.player.stats();
    if (latency !== null) seen.latency.push(latency);
  }, 250);
}

/** Runs in the page: what was seen. */
function result() {
  clearInterval(sampling);
  const last = document.querySelector("nearlive-player").player.stats();
  const all = seen.latency.toSorted((a, b) => a - b);
  const at = (share) => all[Math.floor(share * (all.length - 1))];
  const { count, seconds } = last.stalls;
  return {
    median: at(0.5),
    p95: at(0.95),
    stalls: count - seen.first.stalls.count,
    stood: seconds - seen.first.stalls.seconds,
    rates: seen.rates,
    height: last.quality?.height,
  };
}

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const stats = (page) => page.evaluate(() => document.querySelector("nearlive-player")?.player?.stats() ?? {});
const plays = (page) => until("it plays", async () => (await stats(page)).state === "playing");
const isNearEdge = (it) => it.state === "playing" && it.behind !== null && it.behind < 0.3;

/** Pulls the plug, puts it back, and says how long after that the picture was live again. */
async function unplugged(page, server, meanwhile = () => {}) {
  server.tell("unplug");
  const offline = () => page.evaluate(() => document.querySelector("nearlive-player").shadowRoot.querySelector(".still").checkVisibility());
  await until("the page says so", offline);
  await pause(AWAY_MS / 1000);
  await meanwhile();
  server.tell("plug");
  const since = performance.now();
  await until("it is live again", async () => isNearEdge(await stats(page)) && !(await offline()));
  return (performance.now() - since) / 1000;
}

/** A screenshot of the page whose camera has gone, which then comes back. */
async function offline(browser, shot, server, viewport) {
  const page = await browser.open(`${server.url}/demo/`, { viewport });
  await plays(page);
  await unplugged(page, server, () => page.screenshot(shot));
  await page.close();
}

async function screenshots(browser, name, server) {
  for (const viewport of VIEWS) {
    const size = `${viewport.width}x${viewport.height}`;
    await offline(browser, `${name}-offline-${size}`, server, viewport);
    for (const [what, path] of [["wall", "/"], ["player", "/demo/"], ["error", "/nobody/"]]) {
      const page = await browser.open(server.url + path, { viewport });
      if (what === "player") {
        await plays(page);
        await page.screenshot(`${name}-player-${size}`);
        await until("it has controls", () => page.evaluate(() => !!document.querySelector("nearlive-player").shadowRoot.querySelector(".bar")));
        await page.evaluate(() => document.querySelector("nearlive-player").shadowRoot.querySelector(".figures").click());
        await pause(1);
        await page.screenshot(`${name}-overlay-${size}`);
      } else {
        await pause(4);
        await page.screenshot(`${name}-${what}-${size}`);
      }
      await page.close();
    }
  }
}

const server = await startServer(["demo"]);
await until("the camera can be played", async () => (await (await fetch(`${server.url}/api/cameras`)).json())[0].state === "live");
const row = (...cells) => console.log(cells.map((it, i) => String(it).padEnd(i ? 10 : 18)).join(""));
row("engine", "median s", "p95 s", "stalls", "stood s", "rates", "height", "back s");
for (const name of options.engines.split(",")) {
  const engine = await import(`../tests/browser/engines/${name}.mjs`);
  const browser = await engine.launch();
  for (const muted of [false, true]) {
    const page = await browser.open(`${server.url}/demo/`);
    await plays(page);
    await pause(SETTLE);
    await page.evaluate(sample, muted);
    await pause(SECONDS);
    const it = await page.evaluate(result);
    const back = await unplugged(page, server);
    const two = (value) => value?.toFixed(2);
    row(`${name}${muted ? ", muted" : ""}`, two(it.median), two(it.p95), it.stalls, two(it.stood), it.rates, it.height, back.toFixed(1));
    await page.close();
  }
  if (options.screenshots) await screenshots(browser, name, server);
  await browser.close();
}
await server.stop();
process.exit(0);
