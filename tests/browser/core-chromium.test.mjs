// What has to work in every browser, in Chromium.

import { core } from "./core.mjs";
import * as engine from "./engines/chromium.mjs";

core(engine);
