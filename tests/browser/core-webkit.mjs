// What has to work in every browser, in WebKitGTK. Not named .test.mjs: `make test` needs no WebKit; `make test-webkit` runs this.

import { core } from "./core.mjs";
import * as engine from "./engines/webkit.mjs";

core(engine);
