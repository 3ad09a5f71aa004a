// What has to work in every browser, in one without readable streams: all requests are made by XMLHttpRequest.

import { core } from "./core.mjs";
import * as chromium from "./engines/chromium.mjs";

const init = () => delete Response.prototype.body;

core({
  name: "chromium over XMLHttpRequest",
  async launch(options) {
    const browser = await chromium.launch(options);
    return { ...browser, open: (url, more) => browser.open(url, { ...more, init }) };
  },
});
