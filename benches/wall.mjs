// Several players of one camera on one page, over one link that they share: what each gets, how even that is, and who stands.
//
//   make player && cargo build --profile demo -p nearlive-server -p nearlive-camera
//   N=4 KBPS=6000 DELAY=20 SECONDS=40 KIND=index.mpd node benches/wall.mjs
//
// Jain's index is 1 where all get the same. A browser opens six connections to a host, and a player of a camera with sound takes
// two: the players are spread over HOSTS (2) names of this machine. Those of one name know of each other.

import http from "node:http";
import { launch, openPage, startServer, until } from "../tests/browser/harness.mjs";

const { N = 4, KBPS = 6000, DELAY = 20, SECONDS = 40, HOSTS = 2, KIND = "index.mpd" } = process.env;
const PIECE = 1460;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A link of so many kb/s, on which all answers take turns; answers after a delay. `/w1/` and so on name the players. */
async function shapedLink(origin, kbps, delay) {
  const waiting = [];
  let [tokens, last, timer] = [0, performance.now(), undefined];
  const drain = () => {
    timer = undefined;
    const now = performance.now();
    tokens = Math.min(tokens + ((now - last) * kbps) / 8, Math.max(2 * PIECE, (kbps / 8) * 20));
    last = now;
    while (waiting.length && tokens >= waiting[0].size) {
      const { size, go } = waiting.shift();
      tokens -= size;
      go();
    }
    if (waiting.length) timer ??= setTimeout(drain, 1);
  };
  const take = (size) =>
    new Promise((go) => {
      waiting.push({ size, go });
      timer ??= setTimeout(drain, 0);
    });
  const proxy = http.createServer((request, response) => {
    const url = origin + request.url.replace(/^\/w\d+\//, "/");
    const up = http.request(url, { method: request.method, headers: { ...request.headers, host: new URL(origin).host } }, async (answer) => {
      await pause(delay);
      response.writeHead(answer.statusCode, { ...answer.headers, "cache-control": "no-store", "access-control-allow-origin": "*" });
      response.flushHeaders();
      try {
        for await (const chunk of answer)
          for (let at = 0; at < chunk.length && !response.destroyed; at += PIECE) {
            const piece = chunk.subarray(at, at + PIECE);
            await take(piece.length);
            if (!response.write(piece)) await new Promise((resolve) => response.once("drain", resolve).once("close", resolve));
          }
      } catch {} // the server has gone
      response.end();
    });
    up.on("error", () => response.destroy());
    response.on("close", () => up.destroy());
    request.pipe(up);
  });
  await new Promise((resolve) => proxy.listen(0, "0.0.0.0", resolve));
  return proxy;
}

const jain = (all) => (all.reduce((sum, it) => sum + it, 0) ** 2 / (all.length * all.reduce((sum, it) => sum + it * it, 0))).toFixed(3);

const server = await startServer(["demo"]);
await until("the camera is there", async () => (await (await fetch(`${server.url}/api/cameras`)).json())[0].state === "live");
const link = await shapedLink(server.url, Number(KBPS), Number(DELAY));
const browser = await launch();
const page = await openPage(browser, `${server.url}/demo/`);
await until("the player is there", () => page.evaluate(() => !!document.querySelector("nearlive-player")?.player));
await page.evaluate(
  (srcs) => {
    const tiles = srcs.map((src) => `<nearlive-player autoplay muted src="${src}" style="width:600px;display:inline-block"></nearlive-player>`);
    document.body.innerHTML = tiles.join("");
  },
  Array.from({ length: Number(N) }, (_, i) => `http://127.0.0.${1 + (i % Number(HOSTS))}:${link.address().port}/w${i}/demo/${KIND}`),
);
const look = () =>
  page.evaluate(() =>
    [...document.querySelectorAll("nearlive-player")].map(({ player }) => {
      const { bytes = 0, quality, stalls, latency } = player?.stats() ?? {};
      return { bytes, quality: quality?.id ?? "-", stalls: stalls ? `${stalls.count} of ${stalls.seconds.toFixed(1)} s` : "-", latency: latency?.toFixed(2) ?? "-" };
    }),
  );
let before = await look();
for (let seconds = 5; seconds <= Number(SECONDS); seconds += 5) {
  await pause(5000);
  const now = await look();
  const rates = now.map((it, i) => Math.round(((it.bytes - before[i].bytes) * 8) / 5000));
  before = now;
  const of = (key) => now.map((it) => it[key]).join(", ");
  console.log(`${seconds} s: ${rates.join(" ")} kb/s, Jain ${jain(rates)}; on ${of("quality")}; ${of("latency")} s behind; stalls ${of("stalls")}`);
}
await browser.close();
link.close();
await server.stop();
process.exit(0);
