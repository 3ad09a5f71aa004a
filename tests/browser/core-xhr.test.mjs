// What has to work in every browser, in one without readable streams: all requests are made by XMLHttpRequest.

import { core } from "./core.mjs";
import * as chromium from "./engines/chromium.mjs";

/** The player must not fall back to fetch(), which fails here for media. */
const init = () => {
  delete Response.prototype.body;
  const { fetch } = globalThis;
  globalThis.fetch = (url, ...more) => (/\.(m4s|mp4|ts|webm|mpd|m3u8)($|\?)/.test(url) ? Promise.reject(new TypeError("not here")) : fetch(url, ...more));
};

core({
  name: "chromium over XMLHttpRequest",
  async launch(options) {
    const browser = await chromium.launch(options);
    return { ...browser, open: (url, more) => browser.open(url, { ...more, init }) };
  },
});
